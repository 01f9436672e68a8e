"""The two numbers that are read off curves: a log-log slope, and where accuracy falls through one half."""

import numpy as np


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The least-squares slope of log y over log x; (n,), (n,), positive, at least two different x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def half_point(eps: np.ndarray, accuracy: np.ndarray) -> float | None:
    """The ε at which accuracy first falls through 1/2, interpolated linearly; (n,), (n,), ε ascending.

    None where it does not cross between the first and the last ε.
    """
    below = np.flatnonzero(accuracy < 0.5)
    if not len(below) or below[0] == 0:
        return None
    after = below[0]
    before = after - 1
    share = (accuracy[before] - 0.5) / (accuracy[before] - accuracy[after])
    return float(eps[before] + share * (eps[after] - eps[before]))
