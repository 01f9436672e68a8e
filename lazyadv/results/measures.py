"""What each claim is measured by: from the rows of a figure to a number for each unit.

A unit is what repeats a measurement: a seed's runs at one width; of a slope over widths, a seed's runs. Its
settings (a C0, an ε) are averaged. A unit that cannot be measured in all of them, because a line does not cross
one half, say, is NaN, which leaves the claim undecided.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from lazyadv.results import fits

MIN_POINTS = 3  # dimensions, widths: fewer do not make a slope


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that were trained."""
    return rows[rows["C0"] > 0]


def untrained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks at their start."""
    return rows[rows["C0"] == 0]


def clean_accuracy(rows: pd.DataFrame) -> pd.Series:
    """Clean test accuracy of trained networks, the mean over sizes."""
    return _by_unit(trained(rows), ["width", "seed"], [], lambda unit: unit["clean_test_accuracy"].mean())


def flipped(rows: pd.DataFrame) -> pd.Series:
    """The share of correctly classified test examples that one step flips."""
    return _by_unit(rows, ["width", "seed"], [], lambda unit: unit["n_flipped"].sum() / unit["n_correct"].sum())


def step_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope over d of the relative step."""
    return _by_unit(
        rows, ["width", "seed"], ["C0"], lambda unit: _slope(unit["size"] ** 2, unit["relative_delta_mean"])
    )


def half_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope over d of the ε at which robust accuracy falls through 1/2."""

    def measure(unit: pd.DataFrame) -> float:
        halves = {
            size**2: fits.half_point(line["eps"].to_numpy(), line["robust_test_accuracy"].to_numpy())
            for size, line in unit.sort_values("eps").groupby("size")
        }
        return _slope(halves.keys(), halves.values())

    return _by_unit(rows, ["width", "seed"], ["C0"], measure)


def collapse(rows: pd.DataFrame) -> pd.Series:
    """Robust accuracy at the largest dimension and, there, the largest perturbation."""

    def measure(unit: pd.DataFrame) -> float:
        return unit.sort_values(["size", "eps"])["robust_test_accuracy"].iloc[-1]

    return _by_unit(rows, ["width", "seed"], ["C0"], measure)


def recovery(rows: pd.DataFrame) -> pd.Series:
    """By how much robust accuracy at the largest gap exceeds that at the smallest."""

    def measure(unit: pd.DataFrame) -> float:
        accuracy = unit.sort_values("gap")["robust_test_accuracy"]
        return accuracy.iloc[-1] - accuracy.iloc[0] if len(accuracy) > 1 else math.nan

    return _by_unit(rows, ["width", "seed"], ["size", "eps"], measure)


def transition_slope(rows: pd.DataFrame) -> pd.Series:
    """The log-log slope over the width of the gap at which robust accuracy rises through 1/2."""

    def measure(unit: pd.DataFrame) -> float:
        transitions = {}
        for width, line in unit[unit["gap"] > 0].sort_values("gap", ascending=False).groupby("width"):
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
