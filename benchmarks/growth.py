"""How the cost of PGD grows with the width, the dimension, ε and the number of examples."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks import OURS, pace
from benchmarks.measure import Section
from benchmarks.problem import Problem, problem, untrained
from lazyadv.files import replacing
from lazyadv.findings import style
from lazyadv.networks.network import Network

STEPS = 100
EXAMPLES = 64
AXES = ("width m", "dimension d", "ε", "examples n")


def cells() -> Iterator[tuple[str, float, Problem, Network, int, float]]:
    """(axis, its value, problem, network, examples, ε); the centre is m = 1000, d = 784, ε = 0.2."""
    full = problem(28)
    for width in (100, 300, 1000, 3000, 10_000):
        yield "width m", width, full, untrained(28, width), EXAMPLES, 0.2
    for size in (5, 7, 10, 14, 20, 28):
        yield "dimension d", size * size, problem(size), untrained(size, 1000), EXAMPLES, 0.2
    for eps in (0.025, 0.05, 0.1, 0.2, 0.4, 0.8):
        yield "ε", eps, full, full.networks["untrained"], EXAMPLES, eps
    for count in (1, 4, 16, 64, 256, 512):
        yield "examples n", count, full, full.networks["untrained"], count, 0.2


def growth() -> Section:
    """Milliseconds an example, one axis varied at a time, on the untrained network."""
    rows = [_row(*cell) for cell in cells()]
    return Section(
        "Growth",
        f"Milliseconds an example of {STEPS} steps, untrained network, one axis varied about m = 1000, d = 784, "
        f"ε = 0.2, n = {EXAMPLES}; dense/lazy: how many times faster the lazy kernel is.",
        rows,
    )


def _row(axis: str, value: float, where: Problem, network: Network, count: int, eps: float) -> dict[str, Any]:
    seconds, _ = pace(OURS, network, where.x[:count], where.y[:count], eps, STEPS)
    row = {"what": f"{axis} = {value:g}", "axis": axis, "value": value, "n": count}
    row |= {f"{name} ms/example": 1000 * seconds[name] / count for name in OURS}
    return row | {"dense/lazy": seconds["dense"] / seconds["lazy"]}


def draw_growth(section: Section, path: Path) -> None:
    """Four panels, an axis each: the two curves, and the ratio written at each point."""
    figure, axes = style.panels(2, rows=2)
    for panel, axis in zip(axes.flat, AXES, strict=True):
        rows = [row for row in section.rows if row["axis"] == axis]
        values = [row["value"] for row in rows]
        for place, name in enumerate(OURS):
            look = {"color": style.BRIGHT[place], "marker": style.MARKERS[place], "label": f"{name} PGD"}
            panel.plot(values, [row[f"{name} ms/example"] for row in rows], **look)
        for row in rows:
            point = (row["value"], row["lazy ms/example"])
            ratio = f"{row['dense/lazy']:.1f}×"
            panel.annotate(ratio, point, (0, -10), textcoords="offset points", ha="center", fontsize=6, color="0.35")
        panel.set(xscale="log", yscale="log", xlabel=axis, ylabel="ms an example")
        panel.set_xticks(values, [f"{value:g}" for value in values])
        panel.set_xticks([], minor=True)
        panel.margins(x=0.08, y=0.18)
    axes[0, 0].legend()
    figure.supxlabel(
        f"{STEPS} steps, untrained network, m = 1000, d = 784, ε = 0.2, n = {EXAMPLES} where not varied; one thread",
        fontsize=6,
    )
    with replacing(path) as temporary:
        temporary.write_bytes(style.drawn(figure, "svg", "written by benchmarks/run.py"))
