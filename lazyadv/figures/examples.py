"""Digits that fool a network: what the attack adds to them, and the smallest step that flips the prediction."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyadv.findings import style
from lazyadv.findings.halves import FREE_C0
from lazyadv.models import ParamsError
from lazyadv.networks import boundary
from lazyadv.networks.attack import pgd
from lazyadv.results.kept import KeptNetwork
from lazyadv.results.table import Selection

WRONG = "#B3261E"


@dataclass(frozen=True)
class Example:
    """A digit before a network; all pictures (size, size), in the units of the digit at unit norm."""

    digit: np.ndarray
    label: float  # ±1
    before: float  # f, whose sign is the prediction
    perturbation: np.ndarray  # PGD's, within the run's ε
    after: float
    step: np.ndarray  # the smallest along the gradient; zero where there is none
    length: float  # infinite there


def examine(kept: KeptNetwork) -> list[Example]:
    """The first test digit of each class before a kept network, under its run's own attack and by the exact search."""
    run, network, split = kept.run, kept.network, kept.split.normalized()
    first = [int(np.flatnonzero(split.y_test == label)[0]) for label in (-1, 1)]
    x, y = split.x_test[first], split.y_test[first]
    perturbation = pgd(network, x, y, run.eps, run.step, run.atk_iters)
    crossings = boundary.search(network, x)
    step = np.where(np.isfinite(crossings.step), crossings.step, 0)
    pictures = (x, perturbation, step[:, None] * crossings.direction)
    digits, perturbations, steps = (picture.reshape(-1, run.size, run.size) for picture in pictures)
    before, after = network(x), network(x + perturbation)
    parts = (digits, y, before, perturbations, after, steps, crossings.step)
    return [Example(*each) for each in zip(*parts, strict=True)]


def draw(shown: Selection) -> Figure:
    """A digit of each class before lazy and free networks at several dimensions: attacked, and moved by the least step.

    A row for each digit and dimension: the digit, and beside it what each network makes of it, lazy ones first. All
    that is added to digits is in the same colours: red where a pixel becomes darker, blue where lighter. Below each: f
    before the attack and after it, in red where the prediction is wrong, and the step's length.
    """
    figure = draw_networks(shown.networks)
    style.caption(figure, shown, f"ε = {', '.join(f'{eps:g}' for eps in shown.rows['eps'].unique())}")
    return figure


def draw_networks(networks: tuple[KeptNetwork, ...]) -> Figure:
    """The figure without its caption.

    Raises:
        ParamsError: the networks are not of one pair and of a C0, or not as many at each size.
    """
    runs = [each.run for each in networks]
    at = Counter(run.size for run in runs)
    if len({run.pair for run in runs}) > 1 or len(set(at.values())) > 1 or not all("C0" in run.axes for run in runs):
        raise ParamsError("its networks are to be of one pair, and as many at each size, each of a C0")
    found = [(each, examine(each)) for each in sorted(networks, key=lambda each: each.run.radius)]
    sizes = sorted(at)
    most = max(abs(each.perturbation).max() for _, examples in found for each in examples)
    beside = len(found) // len(sizes)
    figure, grid = style.pictures(2 * len(sizes), 1 + 3 * beside)
    for place, row in enumerate(grid):
        which, size = place // len(sizes), sizes[place % len(sizes)]
        row_of = [(each, examples[which]) for each, examples in found if each.run.size == size]
        digit = row_of[0][1].digit
        row[0].imshow(digit, cmap="gray_r", vmin=0, vmax=digit.max())
        row[0].set_ylabel(f"d = {digit.size}")
        row[0].set_title("digit" if place == 0 else "")
        for (kept, example), axes in zip(row_of, row[1:].reshape(beside, 3), strict=True):
            _draw_answer(axes, kept, example, most, titled=place == 0)
    return figure


def _draw_answer(axes: np.ndarray, kept: KeptNetwork, example: Example, most: float, titled: bool) -> None:
    """The perturbation, the sum, and the smallest step, in three axes; with what f says before and after."""
    around_zero = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    axes[0].imshow(example.perturbation, **around_zero)
    axes[1].imshow(example.digit + example.perturbation, cmap="gray_r", vmin=0, vmax=example.digit.max())
    axes[2].imshow(example.step, **around_zero)
    _write_below(axes[0], f"f = {example.before:.2f}", example.before * example.label <= 0)
    _write_below(axes[1], f"f = {example.after:.2f}", example.after * example.label <= 0)
    _write_below(axes[2], f"length {example.length:.2f}")
    if titled:
        name = "free" if dict(kept.run)["C0"] >= FREE_C0 else "lazy"
        for each, title in zip(axes, (f"{name}: attack", "digit + attack", "smallest step"), strict=True):
            each.set_title(title)


def _write_below(axes: Axes, text: str, wrong: bool = False) -> None:
    axes.set_xlabel(text.replace("-", "−"), color=WRONG if wrong else "0.25", labelpad=1.5)
