"""Figure 3 in small for many pairs of digits: is it laziness, or the digits?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyadv.findings import points, style
from lazyadv.findings.claim import HALF_ORDER, claim
from lazyadv.findings.halves import binding_slope, control, free_slope, lazy, lazy_and_free
from lazyadv.findings.units import by_unit
from lazyadv.results.table import Selection

RATIO_TICKS = [0.5, 1, 1.5, 2, 3, 5, 10]
PAIR_COLORS = {"lazy": style.BRIGHT[0], "free": style.BRIGHT[1]}
LEARNED = 0.9  # clean test accuracy, from which on a pair of digits counts as learned


def draw(shown: Selection) -> Figure:
    """Figure 3's last panel for many pairs of digits: ε½ of lazy and free networks, their ratio, and the slopes.

    A line a pair; in grey those that the control does not learn, which count in no slope.
    """
    rows = shown.rows
    figure, ((halves, ratio, slopes),) = style.panels(3)
    counted = learned(rows)
    known = set(counted["pair"])
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
    free_slopes = by_unit(counted, ["pair"], [], lambda pair: free_slope(pair).mean(skipna=False))
    _histogram(slopes, {"lazy": pairs_half.measure(counted), "free": free_slopes})
    style.caption(figure, shown, f"not learned: {', '.join(sorted(set(rows['pair']) - known)) or 'none'}")
    return figure


def _pair_lines(halves: Axes, ratio: Axes, rows: pd.DataFrame, colors: dict[str, str]) -> pd.Series:
    """Draw one pair's ε½ of lazy and of free networks over d, and their ratio; the lazy ones', by size."""
    within, free = lazy_and_free(rows)
    d, pair = free.index**2, rows["pair"].iloc[0]
    halves.plot(d, within, color=colors["lazy"], linewidth=0.8)
    halves.plot(d, free, color=colors["free"], linestyle="--", linewidth=0.8)
    ratio.plot(d, free / within, color=colors["lazy"], linewidth=0.8)
    lines = (
        (halves, lazy(rows), within, "lazy: ε½"),
        (halves, control(rows), free, "free: ε½"),
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


def learned(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the pairs of digits that the control learns: a clean accuracy of LEARNED at its smallest ε."""
    free = control(rows).sort_values("eps").groupby(["pair", "size"])["clean_test_accuracy"].first()
    worst = free.groupby("pair").min()
    return rows[rows["pair"].isin(worst.index[worst >= LEARNED])]


def learned_largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of those, the rows at the largest size."""
    return learned(rows)[lambda known: known["size"] == rows["size"].max()]


@claim(
    "On average over pairs of digits, robust accuracy is lost at order d^(−1/2) where laziness binds.",
    "no claim of the paper; figure `pairs`",
    "log-log slope in d of lazy networks' ε at robust accuracy 1/2, of each pair that the control learns, over "
    "the sizes at which the control's is a tenth larger",
    HALF_ORDER,
    learned,
)
def pairs_half(rows: pd.DataFrame) -> pd.Series:
    """The slope of each pair's lazy networks over the sizes where laziness binds."""
    return by_unit(rows, ["pair"], [], lambda pair: binding_slope(pair).mean(skipna=False))


@claim(
    "On average over pairs of digits, networks that may move freely withstand more at the largest dimension.",
    "no claim of the paper; figure `pairs`",
    "the control's ε at robust accuracy 1/2 over lazy networks', of each pair that the control learns",
    (1.1, 100.0),
    learned_largest,
)
def pairs_ratio(rows: pd.DataFrame) -> pd.Series:
    """Of each pair, ε½ of the control over that of lazy networks at the largest size."""

    def measure(pair: pd.DataFrame) -> float:
        within, free = lazy_and_free(pair)
        return (free / within).get(rows["size"].max(), np.nan)

    return by_unit(rows, ["pair"], [], measure)
