"""ε½, the ε at which robust accuracy falls through one half: of lazy networks and of free ones, and where they differ.

Free networks are the control: their radius is so large that it never binds. That *laziness binds* at a size (or C0)
means: the least ε½ of the control there exceeds the largest of the lazy networks by more than the seeds of either
differ among themselves, and, where either has a single seed, by more than a tenth.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lazyadv.findings.units import LINE, by_unit, half_point, slopes
from lazyadv.models import ParamsError

FREE_C0 = 1000  # from which on networks are free
TENTH = 0.1  # of a lazy ε½, by which the control's must exceed it at least where either has a single seed


def lazy(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of lazy networks."""
    return rows[rows["C0"] < FREE_C0]


def control(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that may move as far as they like."""
    return rows[rows["C0"] >= FREE_C0]


def halves(rows: pd.DataFrame) -> pd.Series:
    """ε½ by width, C0, seed and size; NaN where robust accuracy does not cross one half.

    Raises:
        ParamsError: a line has two runs of one ε, which differ in something else, such as the pair.
    """

    def measure(line: pd.DataFrame) -> float:
        if line["eps"].duplicated().any():
            raise ParamsError(f"it has several runs of the same eps and {', '.join(LINE)}; leave one")
        return half_point(line["eps"].to_numpy(), line["robust_test_accuracy"].to_numpy())

    return by_unit(rows.sort_values("eps"), LINE, [], measure)


def binding(rows: pd.DataFrame) -> dict[int, bool | None]:
    """For each size that has a control: whether laziness binds there; None if it is not known."""
    within, free = halves(lazy(rows)), halves(control(rows))
    sizes = within.index.get_level_values("size")
    return {size: _binds(within[sizes == size], of_size) for size, of_size in free.groupby("size")}


def binding_C0(rows: pd.DataFrame) -> dict[float, bool | None]:
    """For each lazy C0, of one size's rows that have a control: whether laziness binds there, by the same rule."""
    free = halves(control(rows))
    return {C0: _binds(of_C0, free) for C0, of_C0 in halves(lazy(rows)).groupby("C0") if len(free)}


def _binds(within: pd.Series, free: pd.Series) -> bool | None:
    if not len(within) or not np.isfinite([*within, *free]).all():
        return None
    alone = min(len(within), len(free)) == 1
    margin = max(np.ptp(within), np.ptp(free), TENTH * within.max() if alone else 0)
    return bool(free.min() - within.max() > margin)


def where(binds: Mapping[Any, bool | None], does: bool) -> set[Any]:
    """Where laziness binds, or where it does not; nothing if of one place it is not known."""
    return set() if None in binds.values() else {place for place, known in binds.items() if known == does}


def binding_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, of lazy networks over the sizes at which laziness binds."""
    return slopes(halves(lazy(rows)), "size", where(binding(rows), True))


def free_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, of the control over the same sizes."""
    return slopes(halves(control(rows)), "size", where(binding(rows), True))


def lazy_and_free(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """ε½ of lazy networks and of the control, the means over seeds, by size; NaN at a size that one of them lacks.

    Raises:
        ParamsError: there are several widths, or several C0 of either.
    """
    found = halves(lazy(rows)), halves(control(rows))
    if any(part.index.droplevel(["width", "C0"]).has_duplicates for part in found):
        raise ParamsError("it compares lazy networks of one width and C0 with free ones; leave one of each")
    within, free = (part.groupby("size").agg(lambda seeds: seeds.mean(skipna=False)) for part in found)
    return within.align(free)
