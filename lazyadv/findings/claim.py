"""A claim: a sentence, the rows that it rests on, what it is measured by, and the bound that it is held against.

Each figure's file states its own. Bounds were written before the stored runs were trained, though after a look at
single ones; the last part of docs/protocols.md says what came later.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

HALF_ORDER = (-0.65, -0.35)  # what is called a slope of −1/2
CONDITION = "no claim of the paper, but a condition of the others"
Rows = Callable[[pd.DataFrame], pd.DataFrame]
Measure = Callable[[pd.DataFrame], pd.Series]


def everything(rows: pd.DataFrame) -> pd.DataFrame:
    """All of them."""
    return rows


@dataclass(frozen=True)
class Claim:
    """One line of the ledger, before it is measured; `bound` is the closed interval that it must lie in.

    `rows` picks those of the figure's rows that it rests on. `measure` sees no other, and gives a number for each unit:
    what repeats the measurement, such as a seed's runs at one width; NaN of a unit that cannot be measured.
    """

    key: str
    statement: str
    source: str
    quantity: str
    bound: tuple[float, float]
    rows: Rows
    measure: Measure

    @property
    def own(self) -> bool:
        """Whether it is a condition or control of this project, rather than a claim of the paper."""
        return self.source.startswith("no claim of the paper")


def claim(
    statement: str, source: str, quantity: str, bound: tuple[float, float], rows: Rows = everything
) -> Callable[[Measure], Claim]:
    """Make a claim of the function that measures it, under its name."""
    return lambda measure: Claim(measure.__name__, statement, source, quantity, bound, rows, measure)
