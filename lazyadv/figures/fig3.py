"""Figure 3: robust accuracy under projected adversarial training, and where it crosses one half, along each axis."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lazyadv.findings import style
from lazyadv.findings.claim import CONDITION, HALF_ORDER, claim
from lazyadv.findings.columns import Along, Axis, draw_curves, draw_halves
from lazyadv.findings.conditions import conditions
from lazyadv.findings.halves import (
    FREE_C0,
    binding,
    binding_C0,
    binding_slope,
    control,
    free_slope,
    halves,
    lazy,
    lazy_and_free,
    where,
)
from lazyadv.findings.judge import as_number
from lazyadv.findings.units import by_run, by_unit, slopes
from lazyadv.results.table import Selection

CONTROL = "no claim of the paper; figure 3's control"
OTHER_AXES = "no claim of the paper in this form; figure 3's other axes"


def dimension(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows along the dimension: one width and one lazy C0 (see `_base`), and the control of that width."""
    width, C0, _ = _base(rows)
    return rows[(rows["width"] == width) & ((rows["C0"] == C0) | (rows["C0"] >= FREE_C0))]


def lazy_dimension(rows: pd.DataFrame) -> pd.DataFrame:
    """Of those, the lazy ones."""
    return lazy(dimension(rows))


def other_C0(rows: pd.DataFrame) -> pd.DataFrame:
    """The lazy rows of that width at another C0 that has several of the sizes along the dimension."""
    width, C0, _ = _base(rows)
    others = lazy(rows[(rows["width"] == width) & (rows["C0"] != C0) & rows["size"].isin(dimension(rows)["size"])])
    return others[others.groupby("C0")["size"].transform("nunique") > 1]


def by_width(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows along the width: the same C0, one size."""
    _, C0, size = _base(rows)
    return rows[(rows["C0"] == C0) & (rows["size"] == size)]


def by_C0(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows along C0, the control among them: the same width, one size."""
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


def _dimension(rows: pd.DataFrame) -> Along:
    if binds := where(binding(rows), True):
        return Along(binding_slope(rows).mean(), free_slope(rows).mean(), binds)
    return Along(robust_half.measure(lazy(rows)).mean())


def _width(rows: pd.DataFrame) -> Along:
    return Along(width_half.measure(rows).mean())


def _deviation(rows: pd.DataFrame) -> Along:
    return Along(deviation_half.measure(rows).mean(), binds={C0 for C0, does in binding_C0(rows).items() if does})


AXES = (
    Axis("size", "dimension d", dimension, _dimension, (-0.5, "∝ 1/√d"), other_C0),
    Axis("width", "width m", by_width, _width),
    Axis("C0", "allowed deviation $C_0$", by_C0, _deviation, (1, "∝ $C_0$")),
)


def draw(shown: Selection) -> Figure:
    """Robust test accuracy against ε, a line per dimension, width and C0, and the ε at one half against each.

    A column of panels for each axis that has two values or more. Dashed and hollow: the control, which moves freely.
    Slopes are the ledger's: over what is shaded, where laziness binds, or, if nothing is, over all. Against the
    dimension, ε½ at another C0, too, where it has several sizes; its slope is over those where laziness binds for it.
    """
    rows = shown.rows
    axes = [axis for axis in AXES if lazy(axis.rows(rows))[axis.name].nunique() > 1] or AXES[:1]
    figure, grid = style.panels(max(len(axes), 2), min(len(axes), 2))
    columns = grid.T if len(axes) > 1 else grid  # a single one lies down
    drawn, others = {axis: axis.rows(rows) for axis in axes}, {axis: axis.others(rows) for axis in axes}
    for (axis, part), (curves, crossings) in zip(drawn.items(), columns, strict=True):
        values = sorted((part if axis.name == "size" else lazy(part))[axis.name].unique())
        looks = {value: style.shade_look(place, len(values)) for place, value in enumerate(values)}
        draw_curves(curves, axis, part, looks)
        draw_halves(crossings, axis, part, looks, others[axis])
    style.share(columns[:, 0], "robust test accuracy")
    style.share(columns[:, 1], "ε½ (ε at robust accuracy ½)")
    aside = len(rows) - len(set().union(*(part.index for part in [*drawn.values(), *others.values()])))
    style.caption(figure, shown, *([f"{aside} runs on no axis, not drawn"] if aside else []))
    return figure


def answer(rows: pd.DataFrame) -> str:
    """What the figure says, in a sentence or two."""
    slopes = {"with the dimension d": robust_half, "where laziness binds": binding_half}
    known = {over: found.measure(found.rows(rows)).mean() for over, found in slopes.items()}
    said = [f"as d^({as_number(slope)}) {over}" for over, slope in known.items() if np.isfinite(slope)]
    sentences = [f"In lazy networks the attack that halves accuracy, ε½, falls {', and '.join(said)}."] if said else []
    within, free = lazy_and_free(dimension(rows))
    ratio = (free / within).dropna()
    if len(ratio):
        times = as_number(ratio.iloc[-1])
        sentences.append(f"At d = {ratio.index[-1] ** 2} free networks withstand attacks {times} times as large.")
    return " ".join(sentences)


@claim(
    "Under projected adversarial training, robust accuracy is lost once ε passes order d^(−1/2).",
    "figure 3",
    "log-log slope in d of the ε at robust accuracy 1/2",
    HALF_ORDER,
    lazy_dimension,
)
def robust_half(rows: pd.DataFrame) -> pd.Series:
    """The slope over all sizes."""
    return slopes(halves(rows), "size")


@claim(
    "Where laziness binds, robust accuracy is lost once ε passes order d^(−1/2).",
    "no claim of the paper in this form; figure 3 with its control",
    "log-log slope in d of lazy networks' ε at robust accuracy 1/2, over the sizes where laziness binds",
    HALF_ORDER,
    dimension,
)
def binding_half(rows: pd.DataFrame) -> pd.Series:
    """The slope over the sizes at which laziness binds."""
    return binding_slope(rows)


@claim(
    "Where laziness binds, networks that may move freely lose robust accuracy more slowly.",
    CONTROL,
    "log-log slope in d of the control's ε at robust accuracy 1/2 less that of lazy networks, over the same sizes",
    (0.15, 1.0),  # half the width of HALF_ORDER: a smaller difference could be between two slopes of −1/2
    dimension,
)
def control_half(rows: pd.DataFrame) -> pd.Series:
    """By how much the control's slope exceeds that of lazy networks of the same seed."""
    free = free_slope(rows)
    return free - binding_slope(rows).reindex(free.index) if len(free) else free


@claim(
    "Where laziness does not bind, lazy and free networks agree: there the digits set the limit.",
    CONTROL,
    "share by which the control's ε at robust accuracy 1/2 exceeds lazy networks', over the other sizes",
    (-0.05, 0.05),
    dimension,
)
def control_excess(rows: pd.DataFrame) -> pd.Series:
    """The mean share over the sizes, of the seeds that the control has."""
    sizes, seeds = sorted(where(binding(rows), False)), control(rows)["seed"].unique()

    def measure(unit: pd.DataFrame) -> float:
        within, free = lazy_and_free(unit)
        return float((free / within - 1).reindex(sizes).mean(skipna=False)) if sizes else math.nan

    return by_unit(rows[rows["seed"].isin(seeds)], ["width", "seed"], [], measure)


@claim(
    "The control's networks move freely.",
    CONDITION,
    "share of its runs in which no neuron came as far as half the radius at any epoch",
    (1.0, 1.0),
    control,
)
def control_unbound(rows: pd.DataFrame) -> pd.Series:
    """Of each run, 1 if at every epoch each of its neurons was within half the radius, 0 if not."""
    return by_run(rows, rows["largest_deviation"] < rows["radius"] / 2)


training_begun, training_ended = conditions("training", "Figure 3's networks, lazy and free,")


@claim(
    "Robust accuracy collapses altogether at the largest dimension and perturbation.",
    "figure 3",
    "robust test accuracy there",
    (0.0, 0.1),
    largest,
)
def robust_collapse(rows: pd.DataFrame) -> pd.Series:
    """Robust accuracy."""
    return by_unit(rows, ["width", "seed"], ["C0"], lambda unit: unit["robust_test_accuracy"].mean())


@claim(
    "At a fixed C0 the width does not matter: the radius is C0/√m, and ε½ stays where it is.",
    OTHER_AXES,
    "log-log slope in the width of the ε at robust accuracy 1/2",
    (-0.1, 0.1),
    by_width,
)
def width_half(rows: pd.DataFrame) -> pd.Series:
    """The slope over all widths."""
    return slopes(halves(rows), "width", set(rows["width"]))


@claim(
    "Where laziness binds, ε½ grows in proportion to C0, the deviation that is allowed.",
    OTHER_AXES,
    "log-log slope in C0 of lazy networks' ε at robust accuracy 1/2, over the C0 where laziness binds",
    (0.85, 1.15),
    by_C0,
)
def deviation_half(rows: pd.DataFrame) -> pd.Series:
    """The slope over the C0 at which laziness binds."""
    return slopes(halves(lazy(rows)), "C0", where(binding_C0(rows), True))
