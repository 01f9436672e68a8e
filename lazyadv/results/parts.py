"""Parts of a figure's rows: those that a line is drawn of, and those that a claim rests on."""

import pandas as pd

FREE_C0 = 1000  # from which on figure 3's networks are its control
LEARNED = 0.9  # clean test accuracy, from which on a pair of digits counts as learned


def everything(rows: pd.DataFrame) -> pd.DataFrame:
    """All of them."""
    return rows


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that were trained."""
    return rows[rows["C0"] > 0]


def untrained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks at their start."""
    return rows[rows["C0"] == 0]


def lazy(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of figure 3's lazy networks."""
    return rows[rows["C0"] < FREE_C0]


def control(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of figure 3's networks that may move as far as they like."""
    return rows[rows["C0"] >= FREE_C0]


def dimension(rows: pd.DataFrame) -> pd.DataFrame:
    """Figure 3's rows along the dimension: one width and one lazy C0 (see `_base`), and the control of that width."""
    width, C0, _ = _base(rows)
    return rows[(rows["width"] == width) & ((rows["C0"] == C0) | (rows["C0"] >= FREE_C0))]


def lazy_dimension(rows: pd.DataFrame) -> pd.DataFrame:
    """Of those, the lazy ones."""
    return lazy(dimension(rows))


def by_width(rows: pd.DataFrame) -> pd.DataFrame:
    """Figure 3's rows along the width: the same C0, one size."""
    _, C0, size = _base(rows)
    return rows[(rows["C0"] == C0) & (rows["size"] == size)]


def by_C0(rows: pd.DataFrame) -> pd.DataFrame:
    """Figure 3's rows along C0, the control among them: the same width, one size."""
    width, _, size = _base(rows)
    return rows[(rows["width"] == width) & (rows["size"] == size)]


def _base(rows: pd.DataFrame) -> tuple[int, float, int]:
    """The width, C0 and size at which figure 3's three axes meet.

    Width and C0 are those of the lazy networks that have the most sizes, then the most runs; the size is the one that
    the most widths and C0 have, then the largest.
    """
    known = lazy(rows) if len(lazy(rows)) else rows
    line = max(known.groupby(["width", "C0"]), key=lambda line: (line[1]["size"].nunique(), len(line[1])))[0]
    lines = known[["width", "C0", "size"]].drop_duplicates()["size"].value_counts()
    return (*line, max(lines.index, key=lambda size: (lines[size], size)))


def largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of the lazy networks along the dimension, the rows at the largest size and, there, the largest ε."""
    found = lazy_dimension(rows)
    for axis in ("size", "eps"):
        found = found[found[axis] == found[axis].max()]
    return found


def moving(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of figure 4's networks that may move at all."""
    return rows[rows["gap"] > 0]


def ends(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each line of figure 4, the rows at the smallest and at the largest gap."""
    lines = rows.sort_values("gap").groupby(["width", "seed", "size", "eps"])
    return rows[rows.index.isin([*lines.head(1).index, *lines.tail(1).index])]


def learned(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the pairs of digits that the control learns: a clean accuracy of LEARNED at its smallest ε."""
    free = control(rows).sort_values("eps").groupby(["pair", "size"])["clean_test_accuracy"].first()
    worst = free.groupby("pair").min()
    return rows[rows["pair"].isin(worst.index[worst >= LEARNED])]


def learned_largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of those, the rows at the largest size."""
    return learned(rows)[lambda known: known["size"] == rows["size"].max()]
