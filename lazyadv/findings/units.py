"""What is read off curves, and off repeated runs: log-log slopes, where accuracy falls through one half, units.

A unit is what repeats a measurement: a seed's runs at one width; of a slope over widths, a seed's runs. Its
settings (a C0, an ε) are averaged. A unit that cannot be measured in all of them, because a line does not cross
one half, say, is NaN, which leaves a claim undecided.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

MIN_POINTS = 3  # dimensions, widths: fewer do not make a slope


def slope(x: Iterable[float], y: Iterable[float]) -> float:
    """The least-squares slope of log y over log x; NaN of fewer than MIN_POINTS x, or where not all are positive."""
    points, values = np.array(list(x), float), np.array(list(y), float)
    if len(set(points)) < MIN_POINTS or not (np.isfinite(values).all() and min(*points, *values) > 0):
        return math.nan
    return float(np.polyfit(np.log(points), np.log(values), 1)[0])


def half_point(eps: np.ndarray, accuracy: np.ndarray) -> float:
    """The ε at which accuracy first falls through 1/2, interpolated linearly; (n,), (n,), ε ascending.

    NaN where it does not cross between the first and the last ε.
    """
    below = np.flatnonzero(accuracy < 0.5)
    if not len(below) or below[0] == 0:
        return math.nan
    after = below[0]
    before = after - 1
    share = (accuracy[before] - 0.5) / (accuracy[before] - accuracy[after])
    return float(eps[before] + share * (eps[after] - eps[before]))


def by_run(rows: pd.DataFrame, true: pd.Series) -> pd.Series:
    """Of each run 1 where it is true, 0 where not."""
    return pd.Series(true.to_numpy(float), pd.Index(rows["run"], name="run")).sort_index()


def by_unit(
    rows: pd.DataFrame, unit: list[str], settings: list[str], measure: Callable[[pd.DataFrame], float]
) -> pd.Series:
    """A number for each unit: the mean of `measure` over its settings. What repeats it (seed, run) is its last."""
    values = {key: float(measure(group)) for key, group in rows.groupby([*unit, *settings])}
    index = pd.MultiIndex.from_tuples(values, names=[*unit, *settings])
    found = pd.Series(list(values.values()), index, dtype=float)
    return found.groupby(level=unit).agg(lambda part: part.mean(skipna=False))


LINE = ["width", "C0", "seed", "size"]  # what a line of figure 3 is of, and a point of figure 1


def slopes(values: pd.Series, axis: str, at: set[float] | None = None) -> pd.Series:
    """The log-log slope of values by LINE over an axis, of the size over d: at these of it, or all of the width.

    NaN where one of them is missing: a slope over others would not be the same measurement.
    """
    lines = values.rename("value").reset_index()
    unit = [name for name in ("width", "seed") if name != axis]

    def measure(line: pd.DataFrame) -> float:
        places = sorted(set(lines[axis][lines["width"].isin(line["width"])]) if at is None else at)
        x = [place**2 if axis == "size" else place for place in places]
        return slope(x, line.set_index(axis)["value"].reindex(places))

    return by_unit(lines, unit, [name for name in LINE if name not in (axis, *unit)], measure)
