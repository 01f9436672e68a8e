"""What each claim is measured by: from the rows that it rests on (parts.py) to a number for each unit.

A unit is what repeats a measurement: a seed's runs at one width; of a slope over widths, a seed's runs. Its
settings (a C0, an ε) are averaged. A unit that cannot be measured in all of them, because a line does not cross
one half, say, is NaN, which leaves the claim undecided.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lazyadv.results import fits, parts

LINE = ["width", "C0", "seed", "size"]  # what a line of figure 3 is of, and a point of figure 1
MIN_POINTS = 3  # dimensions, widths: fewer do not make a slope
TENTH = 0.1  # of a lazy ε½, by which the control's must exceed it at least where either has a single seed
# of robust train accuracy: a late gain (table.late_gain) up to which training has come to its end, and the most that a
# network has had which has learned nothing
STILL = 0.01


def clean_accuracy(rows: pd.DataFrame) -> pd.Series:
    """Clean test accuracy, the mean over sizes."""
    return _by_unit(rows, ["width", "seed"], [], lambda unit: unit["clean_test_accuracy"].mean())


def flipped(rows: pd.DataFrame) -> pd.Series:
    """The share of correctly classified test examples that one step flips."""
    return _by_unit(rows, ["width", "seed"], [], lambda unit: unit["n_flipped"].sum() / unit["n_correct"].sum())


def step_slope(rows: pd.DataFrame, step: str = "relative_delta_mean") -> pd.Series:
    """The log-log slope over d of the relative step, or of that of another column."""
    return _slopes(rows.set_index(LINE)[step], "size")


def halves(rows: pd.DataFrame) -> pd.Series:
    """ε½, at which robust accuracy falls through 1/2, by width, C0, seed and size; NaN where it does not."""
    found = {
        key: fits.half_point(line["eps"].to_numpy(), line["robust_test_accuracy"].to_numpy())
        for key, line in rows.sort_values("eps").groupby(LINE)
    }
    index = pd.MultiIndex.from_tuples(found, names=LINE) if found else pd.MultiIndex.from_arrays([[]] * 4, names=LINE)
    return pd.Series(list(found.values()), index, dtype=float)


def binding(rows: pd.DataFrame) -> dict[int, bool | None]:
    """For each size that has a control: whether laziness binds there; None if it is not known.

    It binds where the least ε½ of the control exceeds the largest of the lazy networks by more than the seeds of
    either differ among themselves; where either has a single one, by more than a tenth, too.
    """
    lazy, free = halves(parts.lazy(rows)), halves(parts.control(rows))
    sizes = lazy.index.get_level_values("size")
    return {size: _binds(lazy[sizes == size], of_size) for size, of_size in free.groupby("size")}


def binding_C0(rows: pd.DataFrame) -> dict[float, bool | None]:
    """For each lazy C0, of one size's rows that have a control: whether laziness binds there, by the same rule."""
    free = halves(parts.control(rows))
    return {C0: _binds(of_C0, free) for C0, of_C0 in halves(parts.lazy(rows)).groupby("C0") if len(free)}


def _binds(lazy: pd.Series, free: pd.Series) -> bool | None:
    if not len(lazy) or not np.isfinite([*lazy, *free]).all():
        return None
    alone = min(len(lazy), len(free)) == 1
    margin = max(np.ptp(lazy), np.ptp(free), TENTH * lazy.max() if alone else 0)
    return bool(free.min() - lazy.max() > margin)


def half_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, over all sizes."""
    return _slopes(halves(rows), "size")


def binding_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, of lazy networks over the sizes at which laziness binds."""
    return _slopes(halves(parts.lazy(rows)), "size", _where(binding(rows), True))


def free_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, of the control over the sizes at which laziness binds."""
    return _slopes(halves(parts.control(rows)), "size", _where(binding(rows), True))


def width_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over the width, over all widths."""
    return _slopes(halves(rows), "width", set(rows["width"]))


def deviation_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over C0, of lazy networks over the C0 at which laziness binds."""
    return _slopes(halves(parts.lazy(rows)), "C0", _where(binding_C0(rows), True))


def slope_gain(rows: pd.DataFrame) -> pd.Series:
    """By how much the control's slope exceeds that of lazy networks of the same seed."""
    free = free_slope(rows)
    return free - binding_slope(rows).reindex(free.index) if len(free) else free


def control_excess(rows: pd.DataFrame) -> pd.Series:
    """By which share ε½ of the control exceeds that of lazy networks of the same seed, where laziness does not bind.

    The mean over the sizes.
    """
    sizes, seeds = sorted(_where(binding(rows), False)), parts.control(rows)["seed"].unique()

    def measure(unit: pd.DataFrame) -> float:
        within, free = lazy_and_free(unit)
        return float((free / within - 1).reindex(sizes).mean(skipna=False)) if sizes else math.nan

    return _by_unit(rows[rows["seed"].isin(seeds)], ["width", "seed"], [], measure)


def unbound(rows: pd.DataFrame) -> pd.Series:
    """Of each run, 1 if at every epoch each of its neurons was within half the radius, 0 if not."""
    near = rows.assign(within=(rows["largest_deviation"] < rows["radius"] / 2).astype(float))
    return _by_unit(near, ["run"], [], lambda run: run["within"].mean())


def pair_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, of each pair's lazy networks over the sizes where laziness binds."""
    return _by_pair(rows, binding_slope)


def free_pair_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope of ε½ over d, of each pair's control over the same sizes."""
    return _by_pair(rows, free_slope)


def pair_ratio(rows: pd.DataFrame) -> pd.Series:
    """Of each pair, ε½ of the control over that of lazy networks at the largest size."""

    def measure(group: pd.DataFrame) -> pd.Series:
        within, free = lazy_and_free(group)
        return (free / within).reindex([rows["size"].max()])

    return _by_pair(rows, measure)


def _by_pair(rows: pd.DataFrame, measure: Callable[[pd.DataFrame], pd.Series]) -> pd.Series:
    """A number for each pair of digits: the mean of `measure` over seeds."""
    found = {pair: measure(group).mean(skipna=False) for pair, group in rows.groupby("pair")}
    return pd.Series(found, dtype=float).rename_axis("pair")


def lazy_and_free(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """ε½ of lazy networks and of the control, the means over seeds, by size; NaN at a size that one of them lacks."""
    return _mean_halves(parts.lazy(rows)).align(_mean_halves(parts.control(rows)))


def _mean_halves(rows: pd.DataFrame) -> pd.Series:
    """ε½ by size, the mean over seeds."""
    return halves(rows).groupby("size").agg(lambda seeds: seeds.mean(skipna=False))


def finished(rows: pd.DataFrame) -> pd.Series:
    """Of each run, 1 if it had begun and then stopped improving (patience, or a late gain of at most STILL); else 0."""
    stopped = _begun(rows) & ((rows["stopped"] == "patience") | (rows["late_gain"] <= STILL))
    return _by_unit(rows.assign(still=stopped.astype(float)), ["run"], [], lambda run: run["still"].mean())


def begun(rows: pd.DataFrame) -> pd.Series:
    """Of each run, 0 if patience ended it before its robust train accuracy was ever above STILL; 1 if not."""
    return _by_unit(rows.assign(begun=_begun(rows).astype(float)), ["run"], [], lambda run: run["begun"].mean())


def _begun(rows: pd.DataFrame) -> pd.Series:
    return (rows["stopped"] != "patience") | (rows["best_robust_train_accuracy"] > STILL)


def _where(binds: Mapping[Any, bool | None], does: bool) -> set[Any]:
    """Where laziness binds, or where it does not; nothing if of one place it is not known."""
    return set() if None in binds.values() else {place for place, known in binds.items() if known == does}


def _slopes(values: pd.Series, axis: str, at: set[Any] | None = None) -> pd.Series:
    """The log-log slope of values by LINE over an axis, of the size over d: at these of it, or all of the width.

    NaN where one of them is missing: a slope over others would not be the same measurement.
    """
    lines = values.rename("value").reset_index()
    unit = [name for name in ("width", "seed") if name != axis]

    def measure(line: pd.DataFrame) -> float:
        places = sorted(set(lines[axis][lines["width"].isin(line["width"])]) if at is None else at)
        x = [place**2 if axis == "size" else place for place in places]
        return _slope(x, line.set_index(axis)["value"].reindex(places))

    return _by_unit(lines, unit, [name for name in LINE if name not in (axis, *unit)], measure)


def collapse(rows: pd.DataFrame) -> pd.Series:
    """Robust accuracy."""
    return _by_unit(rows, ["width", "seed"], ["C0"], lambda unit: unit["robust_test_accuracy"].mean())


def recovery(rows: pd.DataFrame) -> pd.Series:
    """By how much robust accuracy at the largest gap exceeds that at the smallest."""

    def measure(unit: pd.DataFrame) -> float:
        accuracy = unit.sort_values("gap")["robust_test_accuracy"]
        return accuracy.iloc[-1] - accuracy.iloc[0] if len(accuracy) > 1 else math.nan

    return _by_unit(rows, ["width", "seed"], ["size", "eps"], measure)


def transition_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope, over the widths that a seed has, of the gap at which robust accuracy rises through 1/2.

    The gap is interpolated in its logarithm.
    """

    def measure(unit: pd.DataFrame) -> float:
        transitions = {}
        for width, line in unit.sort_values("gap", ascending=False).groupby("width"):
            half = fits.half_point(-np.log(line["gap"].to_numpy()), line["robust_test_accuracy"].to_numpy())
            transitions[width] = None if half is None else math.exp(-half)
        return _slope(transitions.keys(), transitions.values())

    return _by_unit(rows, ["seed"], ["size", "eps"], measure)


def overestimate(rows: pd.DataFrame) -> pd.Series:
    """By how much PGD's robust accuracy exceeds that under the stronger of PGD and DDN; a unit is an audited run."""
    return _by_unit(rows, ["run"], [], lambda unit: (unit["pgd"] - unit["strongest"]).mean())


def _by_unit(
    rows: pd.DataFrame, unit: list[str], settings: list[str], measure: Callable[[pd.DataFrame], float]
) -> pd.Series:
    """A number for each unit: the mean of `measure` over its settings. What repeats it (seed, run) is its last."""
    values = {key: float(measure(group)) for key, group in rows.groupby([*unit, *settings])}
    if not values:
        return pd.Series(dtype=float)
    found = pd.Series(list(values.values()), pd.MultiIndex.from_tuples(values, names=[*unit, *settings]))
    return found.groupby(level=unit).agg(lambda part: part.mean(skipna=False))


def _slope(x: Iterable[float], y: Iterable[float | None]) -> float:
    """The log-log slope; NaN of fewer than MIN_POINTS points, and where one of them is not known."""
    points, values = np.array(list(x), float), np.array(list(y), float)
    known = np.isfinite(values).all() and len(set(points)) >= MIN_POINTS
    return fits.slope(points, values) if known else math.nan
