"""The paper's four figures, a function each: from the rows of a table to a matplotlib figure."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from lazyadv.results import fits, style
from lazyadv.results.table import Selection

LAZY_C0 = 10  # the C0 of the paper's runs, whose radius C0/√m figure 4 marks


def fig1(shown: Selection) -> Figure:
    """The step that flips a prediction against the dimension, a line per width, beside 1/√d.

    Left: relative to the example's norm; right: in the units of the pixels. Solid: trained until the
    lazy radius; dotted: the untrained network (C0 = 0).
    """
    rows = shown.rows.assign(d=shown.rows["size"] ** 2)
    figure, ((relative, raw),) = style.panels(2)
    for axes, column in ((relative, "relative_delta_mean"), (raw, "delta_exact_mean")):
        for (width, C0), group in rows.groupby(["width", "C0"]):
            means = style.line(
                axes,
                group,
                "d",
                column,
                **style.width_look(width, list(rows["width"])),
                linestyle="-" if C0 else ":",
            )
            slope = f", slope {fits.slope(means.index, means):.2f}".replace("-", "−") if len(means) > 1 else ""
            kind = f"$C_0$ = {C0:g}" if C0 else "untrained"
            axes.lines[-1].set_label(f"m = {width}, {kind}{slope}")
        _guide(axes, rows["d"], rows[column])
        _dimensions(axes, rows["d"])
        axes.set_yscale("log")
        axes.legend()
    relative.set_ylabel("relative step δ / ‖x‖")
    raw.set_ylabel("step δ")
    style.caption(figure, shown)
    return figure


def fig2(shown: Selection) -> Figure:
    """The step δ and η = δ/‖∇f‖ against the allowed deviation C0, a line per width; C0 = 0 is untrained."""
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
    step.set_ylabel("step δ")
    rate.set_ylabel("η = δ / ‖∇f‖")
    style.caption(figure, shown)
    return figure


def fig3(shown: Selection) -> Figure:
    """Robust test accuracy against ε, a line per dimension; and the ε at one half against d, beside 1/√d.

    A panel for each width and C0.
    """
    rows = shown.rows.assign(d=shown.rows["size"] ** 2)
    settings = list(rows.groupby(["width", "C0"]))
    figure, (axes,) = style.panels(max(len(settings), 1) + 1)
    halves = axes[-1]
    dimensions = sorted(rows["d"].unique())
    for panel, ((width, C0), group) in zip(axes[:-1], settings, strict=True):
        crossings = {}
        for d, runs in group.groupby("d"):
            look = style.shade_look(dimensions.index(d), len(dimensions))
            means = style.line(panel, runs, "eps", "robust_test_accuracy", **look, label=f"d = {d}")
            crossings[d] = fits.half_point(means.index.to_numpy(), means.to_numpy())
        panel.axhline(0.5, color="0.8", linewidth=0.8, zorder=0)
        panel.set_title(f"m = {width}, $C_0$ = {C0:g}")
        panel.set_xlabel("perturbation ε")
        panel.set_ylim(-0.02, 1.02)
        panel.legend()
        found = pd.Series(crossings).dropna()
        if len(found):
            _half_points(halves, found, width, list(rows["width"]))
    axes[0].set_ylabel("robust test accuracy")
    halves.set_ylabel("ε at robust accuracy ½")
    halves.set_title("where the lines cross ½")
    style.caption(figure, shown)
    return figure


def _half_points(axes: Axes, found: pd.Series, width: int, widths: list[int]) -> None:
    look = style.width_look(width, widths)
    slope = f", slope {fits.slope(found.index, found):.2f}".replace("-", "−") if len(found) > 1 else ""
    axes.plot(found.index, found, **look, label=f"m = {width}{slope}")
    _guide(axes, found.index.to_series(), found)
    _dimensions(axes, found.index.to_series())
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_ylim(found.min() / 1.6, found.max() * 1.6)
    axes.legend()


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
            axes.set_xscale("log")
            axes.set_ylim(-0.02, 1.02)
            axes.legend()
        plain.set_title(f"d = {size**2}, ε = {eps:g}; dotted: lazy radius {LAZY_C0}/√m")
        scaled.set_title(f"the same, scaled; dotted: {LAZY_C0}")
        plain.set_ylabel("robust test accuracy")
    grid[-1][0].set_xlabel("allowed deviation (gap)")
    grid[-1][1].set_xlabel("allowed deviation · √m")
    style.caption(figure, shown)
    return figure


_MARK: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9, "zorder": 0}


def _guide(axes: Axes, d: pd.Series, y: pd.Series) -> None:
    """A line of slope −1/2, through the middle of the points."""
    ends = np.array([d.min(), d.max()], float)
    height = np.exp(np.log(y).mean() + 0.5 * np.log(d).mean())
    axes.plot(ends, height / np.sqrt(ends), label="∝ 1/√d", **style.GUIDE)


def _dimensions(axes: Axes, d: pd.Series) -> None:
    """A logarithmic axis with a tick at each dimension."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(d.unique())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel("dimension d")
