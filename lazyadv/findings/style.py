"""One look for all figures: sizes, colours, the caption line; and files that are the same bytes every time."""

import io
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from lazyadv.experiments import EXPERIMENTS
from lazyadv.findings import conditions, points
from lazyadv.results.table import Selection
from lazyadv.workflow import arithmetic

WIDTH = 6.75  # inches, the text width of a two-column page
SIZE = 7.5  # points, of all text
CAPTION = 122  # characters of a caption that fit into the width
# Paul Tol's "bright" scheme, which colour-blind readers can tell apart
BRIGHT = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
KNOWN_WIDTHS = (1000, 100, 300, 3000, 10000)  # each keeps its colour and marker in every figure
EPS_TICKS = [0.02, 0.05, 0.1, 0.14, 0.2, 0.3, 0.5, 1]
LIGHT: dict[str, Any] = {
    "linestyle": (0, (3, 1.5)),
    "linewidth": 0.8,
    "markerfacecolor": "white",
    "markeredgewidth": 0.8,
}
GUIDE: dict[str, Any] = {"color": "0.45", "linestyle": (0, (4, 2)), "linewidth": 1.0, "zorder": 1}

matplotlib.rcdefaults()  # whatever the user's own matplotlibrc says
plt.rcParams.update(
    {
        **dict.fromkeys(("font.size", "axes.titlesize", "legend.fontsize", "figure.labelsize"), SIZE),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.3,
        "lines.markersize": 3.5,
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
        "pdf.fonttype": 42,
        "svg.hashsalt": "lazyadv",
    }
)


def panels(count: int, rows: int = 1) -> tuple[Figure, np.ndarray]:
    """A figure of `rows` rows of `count` panels each, and its axes (rows, count)."""
    return plt.subplots(rows, count, figsize=(WIDTH, 2.6 * rows + 0.3), squeeze=False)


def pictures(rows: int, count: int) -> tuple[Figure, np.ndarray]:
    """A figure of `rows` rows of `count` small pictures each, and its axes (rows, count), without ticks."""
    figure, grid = plt.subplots(rows, count, figsize=(WIDTH, 1.13 * rows * WIDTH / count + 0.4), squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure, grid


def width_look(width: int, others: Iterable[int]) -> dict[str, Any]:
    """The colour and marker of a width."""
    order = [*KNOWN_WIDTHS, *sorted(set(others) - set(KNOWN_WIDTHS))]
    place = order.index(width) % len(BRIGHT)
    return {"color": BRIGHT[place], "marker": MARKERS[place]}


def shade_look(place: int, count: int) -> dict[str, Any]:
    """The colour (from a perceptually even scale) and marker of the place-th of `count` ordered lines."""
    shade = matplotlib.colormaps["viridis"](0.9 * place / max(count - 1, 1))
    return {"color": matplotlib.colors.to_hex(shade), "marker": MARKERS[place % len(MARKERS)]}


def line(axes: Axes, rows: pd.DataFrame, x: str, y: str, band: bool = True, **look: Any) -> None:
    """The mean of y over seeds against x, each seed's point, and a band from the least to the largest.

    Of seeds that are not all at the same x a line each, without a band.
    """
    label, dashes = look.pop("label", None), look.pop("linestyle", "-")
    rows = rows.dropna(subset=[y])
    groups = rows.groupby(x)[y]
    lines = _lines(rows, x, y)
    if band and len(lines) == 1:
        axes.fill_between(lines[0].index, groups.min(), groups.max(), color=look["color"], alpha=0.18, linewidth=0)
    axes.plot(rows[x], rows[y], linestyle="", alpha=0.45, markeredgewidth=0, **{**look, "markersize": 2.5})
    for each in lines:
        axes.plot(each.index, each, linestyle=dashes, **look)
    axes.lines[-1].set_label(label)
    points.note(axes, rows[x], rows[y], y, points.runs(rows))


def _lines(rows: pd.DataFrame, x: str, y: str) -> list[pd.Series]:
    """The mean of y over seeds by x; of seeds that are not all at the same x, which have no mean line, y of each."""
    seeds = [seed.groupby(x)[y].mean() for _, seed in rows.groupby("seed")]
    alike = all(seed.index.equals(seeds[0].index) for seed in seeds)
    return [rows.groupby(x)[y].mean()] if alike else seeds


def light_line(axes: Axes, rows: pd.DataFrame, x: str, y: str, **look: Any) -> None:
    """`line`, but thin, dashed and hollow, without a band or a label."""
    for each in _lines(rows, x, y):
        axes.plot(each.index, each, **look | LIGHT | {"marker": ""})
    axes.plot(rows[x], rows[y], **look | LIGHT | {"linestyle": "", "markersize": 2.5, "zorder": 3})
    points.note(axes, rows[x], rows[y], y, points.runs(rows))


def guide(axes: Axes, x: pd.Series, y: pd.Series, power: float = -0.5, label: str = "∝ 1/√d") -> None:
    """A line of this slope, through the middle of the points."""
    ends = np.array([x.min(), x.max()], float)
    height = np.exp(np.log(y).mean() - power * np.log(x.to_numpy()).mean())
    axes.plot(ends, height * ends**power, label=label, **GUIDE)


def share(row: np.ndarray, label: str) -> None:
    """Give panels in a row one y-axis, and that a label."""
    row[0].set_ylabel(label)
    least, most = zip(*(axes.get_ylim() for axes in row), strict=True)
    for axes in row:
        axes.set_ylim(min(least), max(most))
    for axes in row[1:]:
        axes.tick_params(labelleft=False)


def slope(value: float) -> str:
    """A slope as a line's label has it; nothing if it is not known."""
    return f", slope {round(value, 2) + 0:.2f}".replace("-", "−") if np.isfinite(value) else ""


def logarithmic(axis: XAxis | YAxis, ticks: Sequence[float]) -> None:
    """A logarithmic axis with these ticks, as far as it reaches."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def dimensions(axes: Axes, d: pd.Series) -> None:
    """A logarithmic x-axis with a tick at each dimension."""
    logarithmic(axes.xaxis, sorted(d.unique()))
    axes.set_xlabel("dimension d")


def caption(figure: Figure, shown: Selection, *more: str) -> None:
    """Write under the figure what it shows: data, protocol, hyperparameters, seeds, runs shown of runs asked; more.

    Also how many runs had not stopped improving, how many patience ended too soon, and on what arithmetic those were
    computed that were not on that of all x86-64 processors.
    """
    rows, first = shown.rows, shown.rows.iloc[0]
    kinds = rows["pair"].unique()
    digits = str(kinds[0]).replace("-", "/") if len(kinds) == 1 else f"of {len(kinds)} pairs"
    examples = " + ".join(_spelled(rows[name]) for name in ("n_train", "n_test"))
    images = f"{first['dataset']}, digits {digits}, {examples} examples"
    settings = f"{first['protocol']} protocol, lr {first['lr']:g}, batch {first['bs']}, ≤ {first['T']:,} epochs"
    if "atk_iters" in rows:
        settings += f", {first['atk_iters']} PGD steps"
    if first.get("normalize", False):
        settings += ", unit-norm examples"
    numbers = sorted(rows["seed"].unique())
    ranged = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2
    spelled = f"{numbers[0]}–{numbers[-1]}" if ranged else ", ".join(map(str, numbers))
    of_point = rows.groupby([axis for axis in EXPERIMENTS[first["experiment"]].axes if axis != "seed"]).size()
    if (fewest := of_point.min()) < len(numbers):
        spelled += f", {fewest} a point" if fewest == of_point.max() else f", {fewest} to {of_point.max()} a point"
    seeds, runs = f"seed{'s' if len(numbers) > 1 else ''} {spelled}", f"{len(rows)} of {shown.asked} runs"
    parts = [images, settings, seeds, runs, *more]
    if "late_gain" in rows:
        begun, improving = conditions.begun(rows) == 1, conditions.ended(rows) == 0
        parts.append(f"{(begun & improving).sum()} still improving")
        parts += [f"{(~begun).sum()} ended by patience before they withstood an attack"] if not begun.all() else []
    if others := sorted(set(rows["arithmetic"]) - {arithmetic.NAME}):
        parts.append(f"computed on {', '.join(others)}")
    unbroken = (part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    figure.supxlabel(textwrap.fill(" · ".join(unbroken), CAPTION), color="0.35", parse_math=False)


def _spelled(counts: pd.Series) -> str:
    """A count, or from which to which it goes."""
    return "–".join(f"{count:,}" for count in sorted({counts.min(), counts.max()}))


def drawn(figure: Figure, kind: str, stamp: str) -> bytes:
    """The figure as pdf or svg, with the stamp and without the time of day."""
    metadata = {"Keywords": stamp, "CreationDate": None} if kind == "pdf" else {"Description": stamp, "Date": None}
    file = io.BytesIO()  # and not the file itself: on a full disk matplotlib fails over its own clearing up
    figure.savefig(file, format=kind, metadata=metadata)
    return file.getvalue()
