"""The points of a figure: where each is drawn, what it says, and which runs it leads to.

A figure's function notes them as it draws (`note`); the report lays links over them (`of`). What is drawn does not
change by it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import plain


class Point(NamedTuple):
    """A point's place, in fractions of the figure from its upper left corner; what it measures; where it leads.

    target is the part of the page's address behind #: `experiment/run` of a run, `rows/experiment/words` of the rows
    of that experiment that have these words in their names.
    """

    left: float
    top: float
    measure: str
    value: float
    target: str


_noted: WeakKeyDictionary[Axes, list[tuple[float, float, str, str]]] = WeakKeyDictionary()


def note(axes: Axes, x: Iterable[float], y: Iterable[float], measure: str, targets: Iterable[str]) -> None:
    """Remember points at (x, y), in the units of the axes; `measure` is what y is: a column, or words."""
    noted = [(across, up, measure, target) for across, up, target in zip(x, y, targets, strict=True)]
    _noted.setdefault(axes, []).extend(noted)


def runs(rows: pd.DataFrame) -> list[str]:
    """The target of each of these rows: its run."""
    return [f"{experiment}/{run}" for experiment, run in zip(rows["experiment"], rows["run"], strict=True)]


def together(rows: pd.DataFrame) -> str:
    """The target of all these rows, which are all that the experiment has at the values that they share."""
    experiment = rows["experiment"].iloc[0]
    shared = [axis for axis in EXPERIMENTS[experiment].axes if rows[axis].nunique() == 1]
    return f"rows/{experiment}/{' '.join(f'{axis}={_spelled(rows[axis].iloc[0])}' for axis in shared)}"


def _spelled(value: Any) -> str:
    """A cell as a run's name spells it: a table's column of numbers may have made 10 of 10.0, or the other way."""
    return plain(float(value)) if isinstance(value, int | float | np.number) else str(value)


def of(figure: Figure) -> Iterator[Point]:
    """The points noted for a figure that has been drawn; those beyond its axes, or not finite, left out."""
    width, height = figure.bbox.size
    for axes in figure.axes:
        for x, y, measure, target in _noted.get(axes, []):
            if not np.isfinite([x, y]).all():
                continue
            across, up = axes.transData.transform((x, y))
            if axes.bbox.padded(1).contains(across, up):
                left, top = round(float(across / width), 4), round(float(1 - up / height), 4)
                yield Point(left, top, measure, float(y), target)
