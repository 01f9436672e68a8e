"""Figure 4: robust accuracy against the deviation that is allowed, at several widths."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lazyadv.findings import style
from lazyadv.findings.claim import HALF_ORDER, claim
from lazyadv.findings.conditions import conditions
from lazyadv.findings.units import by_unit, half_point, slope
from lazyadv.results.table import Selection

GAP_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
LAZY_C0 = 10  # the C0 of the paper's runs, whose radius C0/√m is marked
MARK: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9, "zorder": 0}


def draw(shown: Selection) -> Figure:
    """Robust test accuracy against the allowed deviation, and against deviation · √m; a line per width.

    The lazy radius C0/√m is marked. A row of panels for each dimension and ε.
    """
    rows = shown.rows.assign(scaled=shown.rows["gap"] * np.sqrt(shown.rows["width"]))
    settings = list(rows.groupby(["size", "eps"]))
    figure, grid = style.panels(2, len(settings))
    for (plain, scaled), ((size, eps), group) in zip(grid, settings, strict=True):
        for width, runs in group.groupby("width"):
            look = style.width_look(width, rows["width"])
            style.line(plain, runs, "gap", "robust_test_accuracy", **look, label=f"m = {width}")
            plain.axvline(LAZY_C0 / np.sqrt(width), color=look["color"], **MARK)
            style.line(scaled, runs, "scaled", "robust_test_accuracy", **look, label=f"m = {width}")
        scaled.axvline(LAZY_C0, color="0.4", **MARK)
        for axes in (plain, scaled):
            style.logarithmic(axes.xaxis, GAP_TICKS)
            axes.set_ylim(-0.02, 1.02)
            axes.legend()
        plain.set_title(f"d = {size**2}, ε = {eps:g}; dotted: lazy radius {LAZY_C0}/√m")
        scaled.set_title(f"the same, scaled; dotted: {LAZY_C0}")
        plain.set_ylabel("robust test accuracy")
    grid[-1][0].set_xlabel("allowed deviation (gap)")
    grid[-1][1].set_xlabel("allowed deviation · √m")
    style.caption(figure, shown)
    return figure


def ends(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each line, the rows at the smallest and at the largest gap."""
    lines = rows.sort_values("gap").groupby(["width", "seed", "size", "eps"])
    return rows[rows.index.isin([*lines.head(1).index, *lines.tail(1).index])]


def moving(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that may move at all."""
    return rows[rows["gap"] > 0]


@claim(
    "A larger allowed deviation brings robustness back.",
    "figure 4",
    "robust test accuracy at the largest gap less that at the smallest",
    (0.5, 1.0),
    ends,
)
def deviation_helps(rows: pd.DataFrame) -> pd.Series:
    """By how much robust accuracy at the largest gap exceeds that at the smallest."""

    def measure(unit: pd.DataFrame) -> float:
        accuracy = unit.sort_values("gap")["robust_test_accuracy"]
        return accuracy.iloc[-1] - accuracy.iloc[0] if len(accuracy) > 1 else math.nan

    return by_unit(rows, ["width", "seed"], ["size", "eps"], measure)


@claim(
    "The deviation at which robustness comes back moves as m^(−1/2) with the width.",
    "figure 4",
    "log-log slope in m of the gap at robust accuracy 1/2",
    HALF_ORDER,
    moving,
)
def transition(rows: pd.DataFrame) -> pd.Series:
    """The slope over the widths that a seed has; the gap is interpolated in its logarithm."""

    def measure(unit: pd.DataFrame) -> float:
        transitions = {}
        for width, line in unit.sort_values("gap", ascending=False).groupby("width"):
            half = half_point(-np.log(line["gap"].to_numpy()), line["robust_test_accuracy"].to_numpy())
            transitions[width] = math.exp(-half)
        return slope(transitions.keys(), transitions.values())

    return by_unit(rows, ["seed"], ["size", "eps"], measure)


transition_begun, transition_ended = conditions("transition", "Figure 4's networks")
