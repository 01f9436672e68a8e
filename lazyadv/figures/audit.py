"""What other attacks make of networks of the figures: is PGD, by which robust accuracy is measured, strong enough?"""

import pandas as pd

from lazyadv.figures.fig3 import dimension
from lazyadv.findings.claim import CONDITION, claim
from lazyadv.findings.halves import control, halves, lazy
from lazyadv.findings.units import by_unit


@claim(
    "PGD, by which all this is measured, is about as strong as the strongest of four attacks.",
    CONDITION,
    "accuracy under PGD less that under the strongest attack: PGD, PGD of 1,000 steps, APGD or DDN, example by example",
    (0.0, 0.05),
)
def attack(rows: pd.DataFrame) -> pd.Series:
    """By how much PGD overestimates; a unit is an audited run."""
    return by_unit(rows, ["experiment", "run"], [], lambda unit: (unit["pgd"] - unit["strongest"]).mean())


def largest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the largest size of figure 3's networks along the dimension."""
    known = rows[rows["experiment"] == "advtrain"]
    if len(known):
        known = dimension(known)
    return known[known["size"] == known["size"].max()]


@claim(
    "Under the strongest attack, too, free networks withstand more than lazy ones at the largest dimension.",
    "no claim of the paper; figure 3's control",
    "the control's ε at accuracy 1/2 under the strongest of the four attacks over that of lazy networks",
    (1.1, 100.0),
    largest,
)
def attack_ratio(rows: pd.DataFrame) -> pd.Series:
    """ε½ of the control over that of lazy networks, by width and seed."""
    strongest = rows.assign(robust_test_accuracy=rows["strongest"])
    within, free = (
        by_unit(part(strongest), ["width", "seed"], ["C0"], lambda line: halves(line).item())
        for part in (lazy, control)
    )
    return free / within
