"""The figures, a function each: from the rows of a table to a matplotlib figure; fig1 to fig4 are the paper's."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyadv.results import gallery, measures, parts, points, style
from lazyadv.results.fig3 import fig3 as fig3
from lazyadv.results.table import Selection

GAP_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
RATIO_TICKS = [0.5, 1, 1.5, 2, 3, 5, 10]
LAZY_C0 = 10  # the C0 of the paper's runs, whose radius C0/√m figure 4 marks


def fig1(shown: Selection) -> Figure:
    """The step that flips a prediction against the dimension, a line per width, beside 1/√d.

    Left: relative to the example's norm; right: in the units of the pixels. Solid: trained until the
    lazy radius, with a band; dotted: the untrained network (C0 = 0), whose seeds are spread too widely for one. Slopes
    are the means of the seeds' own, as in the ledger.
    """
    rows = shown.rows.assign(d=shown.rows["size"] ** 2)
    figure, ((relative, raw),) = style.panels(2)
    for axes, column in ((relative, "relative_delta_mean"), (raw, "delta_exact_mean")):
        for (width, C0), group in rows.groupby(["width", "C0"]):
            look = style.width_look(width, list(rows["width"])) | {"linestyle": "-" if C0 else ":"}
            kind = f"$C_0$ = {C0:g}" if C0 else "untrained"
            slope = style.slope(measures.step_slope(group, column).mean())
            style.line(axes, group, "d", column, band=C0 > 0, label=f"m = {width}, {kind}{slope}", **look)
        style.guide(axes, rows["d"], rows[column])
        style.dimensions(axes, rows["d"])
        axes.set_yscale("log")
        least, most = axes.get_ylim()
        axes.set_ylim(bottom=least * (least / most) ** (0.1 * len(axes.get_legend_handles_labels()[1])))
        axes.legend(loc="lower left", borderaxespad=0)
    relative.set_ylabel("relative step δ / ‖x‖")
    raw.set_ylabel("step δ")
    style.caption(figure, shown)
    return figure


def fig2(shown: Selection) -> Figure:
    """The step δ and η = δ/‖∇f‖ against the allowed deviation C0, a line per width; C0 = 0 is untrained.

    Both as the protocol reports them: under `released` a misclassified example counts as 0.
    """
    rows = shown.rows
    figure, ((step, rate),) = style.panels(2)
    for axes, column in ((step, "delta_mean"), (rate, "eta_mean")):
        for (width, size), group in rows.groupby(["width", "size"]):
            look = style.width_look(width, list(rows["width"]))
            label = f"m = {width}" + (f", d = {size**2}" if rows["size"].nunique() > 1 else "")
            style.line(axes, group, "C0", column, **look, label=label)
        axes.set_xlabel("allowed deviation $C_0$ (radius $C_0/\\sqrt{m}$)")
        axes.set_ylim(bottom=0)
        axes.legend()
    step.set_ylabel("step δ, as the protocol reports it")
    rate.set_ylabel("η = δ / ‖∇f‖")
    style.caption(figure, shown)
    return figure


def fig4(shown: Selection) -> Figure:
    """Robust test accuracy against the allowed deviation, and against deviation · √m; a line per width.

    The lazy radius C0/√m is marked. A row of panels for each dimension and ε.
    """
    rows = shown.rows.assign(scaled=shown.rows["gap"] * np.sqrt(shown.rows["width"]))
    settings = list(rows.groupby(["size", "eps"]))
    figure, grid = style.panels(2, max(len(settings), 1))
    widths = list(rows["width"])
    for (plain, scaled), ((size, eps), group) in zip(grid, settings, strict=True):
        for width, runs in group.groupby("width"):
            look = style.width_look(width, widths)
            style.line(plain, runs, "gap", "robust_test_accuracy", **look, label=f"m = {width}")
            plain.axvline(LAZY_C0 / np.sqrt(width), color=look["color"], **_MARK)
            style.line(scaled, runs, "scaled", "robust_test_accuracy", **look, label=f"m = {width}")
        scaled.axvline(LAZY_C0, color="0.4", **_MARK)
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


def pairs(shown: Selection) -> Figure:
    """Figure 3's last panel for many pairs of digits: ε½ of lazy and free networks, their ratio, and the slopes.

    A line a pair; in grey those that the control does not learn, which count in no slope.
    """
    rows = shown.rows
    figure, ((halves, ratio, slopes),) = style.panels(3)
    learned = parts.learned(rows)
    known = set(learned["pair"])
    within = []
    for pair, group in rows.groupby("pair"):
        colors = PAIR_COLORS if pair in known else dict.fromkeys(PAIR_COLORS, "0.75")
        within.append(_pair_lines(halves, ratio, group, colors))
    found = pd.concat(within).dropna()
    for name, dashes in (("lazy", "-"), ("free", "--")):
        halves.plot([], [], color=PAIR_COLORS[name], linestyle=dashes, label=f"{name}, a line a pair")
    style.guide(halves, found.index.to_series() ** 2, found)
    for axes, ticks in ((halves, style.EPS_TICKS), (ratio, RATIO_TICKS)):
        style.dimensions(axes, rows["size"] ** 2)
        style.logarithmic(axes.yaxis, ticks)
    halves.set_ylabel("ε at robust accuracy ½")
    halves.legend()
    ratio.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    ratio.set_ylabel("free over lazy")
    _histogram(slopes, {"lazy": measures.pair_slope(learned), "free": measures.free_pair_slope(learned)})
    style.caption(figure, shown, f"not learned: {', '.join(sorted(set(rows['pair']) - known)) or 'none'}")
    return figure


def examples(shown: Selection) -> Figure:
    """A digit of each class before lazy and free networks at several dimensions: attacked, and moved by the least step.

    Below each: f before the attack and after it, in red where the prediction is wrong, and the step's length.
    """
    figure = gallery.draw(shown.networks)
    style.caption(figure, shown, f"ε = {', '.join(f'{eps:g}' for eps in shown.rows['eps'].unique())}")
    return figure


PAIR_COLORS = {"lazy": style.BRIGHT[0], "free": style.BRIGHT[1]}
_MARK: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9, "zorder": 0}


def _pair_lines(halves: Axes, ratio: Axes, rows: pd.DataFrame, colors: dict[str, str]) -> pd.Series:
    """Draw one pair's ε½ of lazy and of free networks over d, and their ratio; the lazy ones', by size."""
    within, free = measures.lazy_and_free(rows)
    d, pair = free.index**2, rows["pair"].iloc[0]
    halves.plot(d, within, color=colors["lazy"], linewidth=0.8)
    halves.plot(d, free, color=colors["free"], linestyle="--", linewidth=0.8)
    ratio.plot(d, free / within, color=colors["lazy"], linewidth=0.8)
    lines = (
        (halves, parts.lazy(rows), within, "lazy: ε½"),
        (halves, parts.control(rows), free, "free: ε½"),
        (ratio, rows, free / within, "free over lazy"),
    )
    for axes, part, line, says in lines:
        known = line.dropna()
        targets = [points.together(part[part["size"] == size]) for size in known.index]
        points.note(axes, known.index**2, known, f"{pair}, {says}", targets)
    return within


def _histogram(axes: Axes, slopes: dict[str, pd.Series]) -> None:
    """How many pairs have which slope, lazy and free, if it is known; those beyond the axis in its last bins."""
    bins = [tenths / 10 for tenths in range(-10, 3)]
    for name, values in slopes.items():
        axes.hist(np.clip(values.dropna(), bins[0], bins[-1]), bins, color=PAIR_COLORS[name], alpha=0.55, label=name)
    axes.axvline(-0.5, **style.GUIDE)
    axes.set_xlabel("slope in d of ε½")
    axes.set_title("where laziness binds")
    axes.set_ylabel("pairs")
    axes.legend()
