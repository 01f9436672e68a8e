"""Whether networks were trained to the end: a condition of all that adversarial training shows."""

import pandas as pd

from lazyadv.findings.claim import CONDITION, Claim, everything
from lazyadv.findings.units import by_run

# of robust train accuracy: a late gain (table.late_gain) up to which training has come to its end, and the most that a
# network has had that withstands no attack
STILL = 0.01
BEGUN = f"share of runs that patience did not end while robust train accuracy had never been above {STILL:g}"
ENDED = (
    "share of runs that had begun to withstand attacks, and then stopped improving: by patience, or with robust train "
    f"accuracy in the last fifth of the epochs at most {STILL:g} above that in the fifth before"
)


def begun(rows: pd.DataFrame) -> pd.Series:
    """Of each run, 0 if patience ended it before its robust train accuracy was ever above STILL; 1 if not."""
    return by_run(rows, (rows["stopped"] != "patience") | (rows["best_robust_train_accuracy"] > STILL))


def ended(rows: pd.DataFrame) -> pd.Series:
    """Of each run, 1 if it had begun and then stopped improving (patience, or a late gain of at most STILL); else 0."""
    return begun(rows) * by_run(rows, (rows["stopped"] == "patience") | (rows["late_gain"] <= STILL))


def conditions(key: str, networks: str) -> tuple[Claim, Claim]:
    """That a figure's networks had begun to withstand attacks, and were trained to the end."""
    first, last = f"{networks} withstand some attacks before patience ends them.", f"{networks} are trained to the end."
    return (
        Claim(f"{key}_begun", first, CONDITION, BEGUN, (1.0, 1.0), everything, begun),
        Claim(f"{key}_ended", last, CONDITION, ENDED, (1.0, 1.0), everything, ended),
    )
