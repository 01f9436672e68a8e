"""Figure 3: robust accuracy under projected adversarial training, and where it crosses one half, along each axis."""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lazyadv.results import measures, parts, points, style
from lazyadv.results.table import Selection

MNIST_DIMENSION = 28**2
ASIDE = 2.5  # times the largest C0: where the control is drawn, whose own never binds
INK: dict[str, Any] = {"color": "0.35", "marker": "o"}
SYMBOLS = {"size": "d", "width": "m", "C0": "$C_0$"}
Looks = dict[float, dict[str, Any]]


class Along(NamedTuple):
    """What is measured along an axis: the log-log slopes of ε½, NaN if not known; the values where laziness binds."""

    lazy: float
    free: float = math.nan
    binds: tuple[float, ...] = ()


def _dimension(rows: pd.DataFrame) -> Along:
    lazy = measures.binding_slope(rows).mean()
    if not np.isfinite(lazy):
        return Along(measures.half_slope(parts.lazy(rows)).mean())
    return Along(lazy, measures.free_slope(rows).mean(), _true(measures.binding(rows)))


def _width(rows: pd.DataFrame) -> Along:
    return Along(measures.width_slope(rows).mean())


def _deviation(rows: pd.DataFrame) -> Along:
    return Along(measures.deviation_slope(rows).mean(), binds=_true(measures.binding_C0(rows)))


def _true(binds: dict[Any, bool | None]) -> tuple[float, ...]:
    return tuple(value for value, does in binds.items() if does)


class Axis(NamedTuple):
    """An axis of the grid, one of measures.LINE; its rows; the power of a line beside ε½, and its label, if any."""

    name: str
    label: str
    rows: Callable[[pd.DataFrame], pd.DataFrame]
    along: Callable[[pd.DataFrame], Along]
    guide: tuple[float, str] = (0, "")


AXES = (
    Axis("size", "dimension d", parts.dimension, _dimension, (-0.5, "∝ 1/√d")),
    Axis("width", "width m", parts.by_width, _width),
    Axis("C0", "allowed deviation $C_0$", parts.by_C0, _deviation, (1, "∝ $C_0$")),
)


def fig3(shown: Selection) -> Figure:
    """Robust test accuracy against ε, a line per dimension, width and C0, and the ε at one half against each.

    A column of panels for each axis that has two values or more. Dashed and hollow: the control, which moves freely.
    Slopes are the ledger's: over what is shaded, where laziness binds, or, if nothing is, over all.
    """
    rows = shown.rows
    axes = [axis for axis in AXES if len(rows) and parts.lazy(axis.rows(rows))[axis.name].nunique() > 1] or AXES[:1]
    figure, grid = style.panels(max(len(axes), 2), min(len(axes), 2))
    columns = grid.T if len(axes) > 1 else grid  # a single one lies down
    drawn = {axis: axis.rows(rows) if len(rows) else rows for axis in axes}
    for (axis, part), (curves, halves) in zip(drawn.items(), columns, strict=True):
        values = sorted((part if axis.name == "size" else parts.lazy(part))[axis.name].unique())
        looks = {value: style.shade_look(place, len(values)) for place, value in enumerate(values)}
        _draw_curves(curves, axis, part, looks)
        _draw_halves(halves, axis, part, looks)
    style.share(columns[:, 0], "robust test accuracy")
    style.share(columns[:, 1], "ε½ (ε at robust accuracy ½)")
    aside = len(rows) - len(set().union(*(part.index for part in drawn.values())))
    style.caption(figure, shown, *([f"{aside} runs on no axis, not drawn"] if aside else []))
    return figure


def _draw_curves(panel: Axes, axis: Axis, rows: pd.DataFrame, looks: Looks) -> None:
    """Robust accuracy against ε, a line for each value of the axis; the title says what they share."""
    for (value, free), runs in rows.groupby([axis.name, rows["C0"] >= parts.FREE_C0]):
        if free:
            style.light_line(panel, runs, "eps", "robust_test_accuracy", **looks.get(value, INK))
        else:
            label = _text(axis.name, value)
            style.line(panel, runs, "eps", "robust_test_accuracy", **looks[value], label=label)
    lazy = parts.lazy(rows)
    if len(lazy) < len(rows):
        panel.plot([], [], **INK, **style.LIGHT, label="free")
    panel.axhline(0.5, color="0.8", linewidth=0.8, zorder=0)
    panel.set_title(", ".join(_text(name, lazy[name].iloc[0]) for name in SYMBOLS if lazy[name].nunique() == 1))
    panel.set_xlabel("perturbation ε")
    panel.set_ylim(-0.02, 1.42)  # the legend above the lines
    panel.set_yticks(np.linspace(0, 1, 6))
    if len(rows):
        panel.legend(loc="upper center", ncols=2, handlelength=1.4, columnspacing=1, borderaxespad=0)


def _draw_halves(panel: Axes, axis: Axis, rows: pd.DataFrame, looks: Looks) -> None:
    """ε½ along the axis, lazy and free, beside its guide; shaded where laziness binds."""
    along, free = axis.along(rows), parts.control(rows)
    places = {value: value**2 if axis.name == "size" else value for value in looks}
    if axis.name == "C0" and len(free):
        places |= dict.fromkeys(free["C0"], ASIDE * max(looks))
    found = _draw_line(panel, axis.name, parts.lazy(rows), looks, places, f"lazy{style.slope(along.lazy)}")
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
    _shade(panel, [places[value] for value in looks], {places[value] for value in along.binds})
    if len(found):
        panel.legend(loc="lower right" if power > 0 else "lower left")


def _draw_line(
    panel: Axes, name: str, rows: pd.DataFrame, looks: Looks, places: dict[float, float], label: str
) -> pd.Series:
    """ε½ of each seed as a small point, the seeds' means, and a line through these; the control's level along C0."""
    found = measures.halves(rows).dropna()
    if found.empty:
        return found
    free = rows["C0"].iloc[0] >= parts.FREE_C0
    groups, means = dict(list(rows.groupby(measures.LINE))), found.groupby(name).mean()
    for value, seeds in found.groupby(name):
        look = looks.get(value, INK) | (style.LIGHT if free else {}) | {"linestyle": ""}
        x = [places[value]] * len(seeds)
        panel.plot(x, seeds, **look | {"markersize": 2.5, "alpha": 0.5})
        panel.plot(x[:1], means[[value]], **look)
        says = f"{'free' if free else 'lazy'}: ε½"
        points.note(panel, x, seeds, says, [points.together(groups[key]) for key in seeds.index])
    line = {
        "color": INK["color"],
        "linestyle": style.LIGHT["linestyle"] if free else "-",
        "linewidth": 0.8,
        "zorder": 1,
    }
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


def _text(name: str, value: float) -> str:
    """A value of an axis, as titles and legends have it."""
    if name != "size":
        return f"{SYMBOLS[name]} = {value:,g}"
    return f"d = {value**2:,}{', enlarged' if value**2 > MNIST_DIMENSION else ''}"
