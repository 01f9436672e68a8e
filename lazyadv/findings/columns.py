"""A column of figure 3: robust accuracy against ε for the values of one axis, and ε½ along that axis."""

import itertools
import math
from collections.abc import Callable, Set
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from lazyadv.findings import points, style
from lazyadv.findings.halves import FREE_C0, control, halves, lazy
from lazyadv.findings.units import LINE

INK: dict[str, Any] = {"color": "0.35", "marker": "o"}
MNIST_DIMENSION = 28**2
ASIDE = 2.5  # times the largest C0: where the control is drawn, whose own never binds
SYMBOLS = {"size": "d", "width": "m", "C0": "$C_0$"}
Looks = dict[float, dict[str, Any]]


class Along(NamedTuple):
    """What is measured along an axis: the log-log slopes of ε½, NaN if not known; the values where laziness binds."""

    lazy: float
    free: float = math.nan
    binds: Set[float] = frozenset()


class Axis(NamedTuple):
    """An axis of the grid, one of LINE; its rows; the power of a line beside ε½, and its label, if any.

    `others` gives the rows of lazy lines along it at another C0, of which only ε½ is drawn.
    """

    name: str
    label: str
    rows: Callable[[pd.DataFrame], pd.DataFrame]
    along: Callable[[pd.DataFrame], Along]
    guide: tuple[float, str] = (0, "")
    others: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows[:0]


def draw_curves(panel: Axes, axis: Axis, rows: pd.DataFrame, looks: Looks) -> None:
    """Robust accuracy against ε, a line for each value of the axis; the title says what they share."""
    for (value, free), runs in rows.groupby([axis.name, rows["C0"] >= FREE_C0]):
        if free:
            style.light_line(panel, runs, "eps", "robust_test_accuracy", **looks.get(value, INK))
        else:
            label = _text(axis.name, value)
            style.line(panel, runs, "eps", "robust_test_accuracy", **looks[value], label=label)
    within = lazy(rows)
    if len(within) < len(rows):
        panel.plot([], [], **INK, **style.LIGHT, label="free")
    panel.axhline(0.5, color="0.8", linewidth=0.8, zorder=0)
    panel.set_title(", ".join(_text(name, within[name].iloc[0]) for name in SYMBOLS if within[name].nunique() == 1))
    style.logarithmic(panel.xaxis, style.EPS_TICKS)
    panel.set_xlabel("perturbation ε")
    panel.set_ylim(-0.02, 1.48)  # the legend above the lines
    panel.set_yticks(np.linspace(0, 1, 6))
    panel.legend(loc="upper center", ncols=2, handlelength=1.4, columnspacing=1, borderaxespad=0)


def draw_halves(panel: Axes, axis: Axis, rows: pd.DataFrame, looks: Looks, others: pd.DataFrame) -> None:
    """ε½ along the axis, lazy (at other C0, too) and free, beside its guide; shaded where laziness binds."""
    along, free = axis.along(rows), control(rows)
    places = {value: value**2 if axis.name == "size" else value for value in looks}
    if axis.name == "C0" and len(free):
        places |= dict.fromkeys(free["C0"], ASIDE * max(looks))
    found = _draw_line(panel, axis.name, lazy(rows), looks, places, f"lazy{style.slope(along.lazy)}")
    for C0, line in others.groupby("C0"):
        again = axis.along(pd.concat([line, free]))
        _draw_line(panel, axis.name, line, looks, places, f"{_text('C0', C0)}{style.slope(again.lazy)}")
    _draw_line(panel, axis.name, free, looks, places, f"free{style.slope(along.free)}")
    power, label = axis.guide
    if label and len(found):
        at = found[found.index.isin(along.binds, axis.name)] if along.binds else found
        style.guide(panel, at.index.get_level_values(axis.name).map(places), at, power, label)
    ticks = {x: f"{x:,g}" if value in looks else "free" for value, x in places.items()}
    style.logarithmic(panel.xaxis, sorted(ticks))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: ticks[x]))
    style.logarithmic(panel.yaxis, style.EPS_TICKS)
    panel.set_xlabel(axis.label)
    panel.margins(y=0.13)  # room for what _shade says
    if len(others):  # and for a longer legend below them
        panel.set_ylim(bottom=0.65 * panel.get_ylim()[0])
    _shade(panel, sorted(places.values()), {places[value] for value in along.binds})
    if len(found):
        panel.legend(loc="lower right" if power > 0 else "lower left" if power < 0 else "upper left")


def _text(name: str, value: float) -> str:
    """A value of an axis, as titles and legends have it."""
    if name != "size":
        return f"{SYMBOLS[name]} = {value:,g}"
    return f"d = {value**2:,}{', enlarged' if value**2 > MNIST_DIMENSION else ''}"


def _draw_line(
    panel: Axes, name: str, rows: pd.DataFrame, looks: Looks, places: dict[float, float], label: str
) -> pd.Series:
    """ε½ of each seed as a small point, the seeds' means, and a line through these; the control's level along C0."""
    found = halves(rows).dropna()
    if found.empty:
        return found
    free = rows["C0"].iloc[0] >= FREE_C0
    groups, means = dict(list(rows.groupby(LINE))), found.groupby(name).mean()
    for value, seeds in found.groupby(name):
        look = looks.get(value, INK) | (style.LIGHT if free else {}) | {"linestyle": ""}
        x = [places[value]] * len(seeds)
        panel.plot(x, seeds, **look | {"markersize": 2.5, "alpha": 0.5})
        panel.plot(x[:1], means[[value]], **look)
        says = f"{'free' if free else 'lazy'}: ε½"
        points.note(panel, x, seeds, says, [points.together(groups[key]) for key in seeds.index])
    dashes = style.LIGHT["linestyle"] if free else "-"
    line = {"color": INK["color"], "linestyle": dashes, "linewidth": 0.8, "zorder": 1}
    if free and name == "C0":
        panel.axhline(means.mean(), **line, label=label)
    else:
        panel.plot(means.index.map(places), means, **line, label=label)
    return found


def _shade(panel: Axes, places: list[float], binds: set[float]) -> None:
    """Shade the places where laziness binds, each up to halfway to the next, and say so."""
    least, most = panel.get_xlim()
    edges = np.array([least, *np.sqrt(np.array(places[:-1]) * places[1:]), most])
    shaded = [span for place, span in zip(places, itertools.pairwise(edges), strict=False) if place in binds]
    for left, right in shaded:
        panel.axvspan(left, right, color="0.94", linewidth=0, zorder=0)
    panel.set_xlim(least, most)
    if shaded:
        middle = math.sqrt(shaded[0][0] * shaded[-1][1])
        at = panel.get_xaxis_transform()
        panel.text(middle, 0.98, "laziness binds", transform=at, ha="center", va="top", color="0.45")
