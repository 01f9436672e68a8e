"""What other attacks make of networks of the figures: is PGD, by which robust accuracy is measured, strong enough?"""

import pandas as pd

from lazyadv.findings.claim import CONDITION, claim
from lazyadv.findings.units import by_unit


@claim(
    "PGD, by which all this is measured, is about as strong as an attack that is not tuned to ε (DDN).",
    CONDITION,
    "robust test accuracy under PGD less that under the stronger of the two",
    (0.0, 0.05),
)
def attack(rows: pd.DataFrame) -> pd.Series:
    """By how much PGD's robust accuracy exceeds that under the strongest attack; a unit is an audited run."""
    return by_unit(rows, ["run"], [], lambda unit: (unit["pgd"] - unit["strongest"]).mean())
