"""What each claim is measured by: from the rows of a figure to a number for each unit.

A unit is what repeats a measurement: a seed's runs at one width (of a slope over widths, a seed's runs).
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from lazyadv import fits

MIN_POINTS = 3  # dimensions, widths: fewer do not make a slope


def units(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each width and seed."""
    for _, unit in rows.groupby(["width", "seed"]):
        yield unit


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["C0"] > 0]


def untrained(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["C0"] == 0]


def clean_accuracy(rows: pd.DataFrame) -> Iterator[float]:
    return (float(unit["clean_test_accuracy"].mean()) for unit in units(trained(rows)))


def flipped(rows: pd.DataFrame) -> Iterator[float]:
    return (float(unit["n_flipped"].sum() / unit["n_correct"].sum()) for unit in units(rows))


def step_slope(rows: pd.DataFrame) -> Iterator[float]:
    for _, unit in rows.groupby(["width", "C0", "seed"]):
        known = unit.dropna(subset=["relative_delta_mean"])
        if known["size"].nunique() >= MIN_POINTS:
            yield fits.slope(known["size"].to_numpy() ** 2, known["relative_delta_mean"].to_numpy())


def half_slope(rows: pd.DataFrame) -> Iterator[float]:
    """The slope over d of the ε at which robust accuracy falls through 1/2."""
    for _, unit in rows.groupby(["width", "C0", "seed"]):
        halves = {}
        for size, line in unit.sort_values("eps").groupby("size"):
            half = fits.half_point(line["eps"].to_numpy(), line["robust_test_accuracy"].to_numpy())
            if half is not None:
                halves[size**2] = half
        if len(halves) == unit["size"].nunique() >= MIN_POINTS:
            yield fits.slope(np.array(list(halves)), np.array(list(halves.values())))


def collapse(rows: pd.DataFrame) -> Iterator[float]:
    """Robust accuracy at the largest dimension and perturbation."""
    worst = rows[(rows["size"] == rows["size"].max()) & (rows["eps"] == rows["eps"].max())]
    return (float(unit["robust_test_accuracy"].mean()) for unit in units(worst))


def recovery(rows: pd.DataFrame) -> Iterator[float]:
    """By how much robust accuracy at the largest gap exceeds that at the smallest."""
    for _, unit in rows.groupby(["width", "size", "eps", "seed"]):
        ordered = unit.sort_values("gap")["robust_test_accuracy"].to_numpy()
        if len(ordered) > 1:
            yield float(ordered[-1] - ordered[0])


def transition_slope(rows: pd.DataFrame) -> Iterator[float]:
    """The slope over the width of the gap at which robust accuracy rises through 1/2, on a logarithmic scale."""
    for _, unit in rows.groupby(["size", "eps", "seed"]):
        transitions = {}
        for width, line in unit.sort_values("gap").groupby("width"):
            accuracy = line["robust_test_accuracy"].to_numpy()
            half = fits.half_point(-np.log(line["gap"].to_numpy()[::-1]), accuracy[::-1])
            if half is not None:
                transitions[width] = math.exp(-half)
        if len(transitions) == unit["width"].nunique() >= MIN_POINTS:
            yield fits.slope(np.array(list(transitions)), np.array(list(transitions.values())))


def overestimate(rows: pd.DataFrame) -> Iterator[float]:
    """By how much PGD's robust accuracy exceeds that under the stronger of PGD and DDN, for each audited run."""
    return (float(difference) for difference in rows["pgd"] - rows["strongest"])
