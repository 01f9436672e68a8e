"""The smallest step along the gradient that flips a prediction, found exactly.

Along a ray, f is piecewise linear: its slope changes only where a neuron's preactivation passes zero.
So the crossing is found by sorting these kinks and summing slopes; no stepping, no tolerance.
"""

from dataclasses import dataclass

import numpy as np

from lazyadv.kernel.compiled import compiled
from lazyadv.networks.network import Network, rows
from lazyadv.networks.outcome import Search, Statistic, share

GRID = 0.001  # the release's step
CAP = 5000  # and the most steps it takes


@dataclass
class Crossings:
    """What the search found, one entry an example, (n,) each.

    Lengths are in the units of x; `step` is infinite where the ray never leaves the prediction's side.
    """

    gradient_norm: np.ndarray
    direction: np.ndarray  # (n, d), of length 1, towards the other side; 0 where there is no gradient
    step: np.ndarray

    def on_grid(self) -> np.ndarray:
        """The same steps as the release finds them: rounded up to multiples of 0.001, at most 5."""
        return np.minimum(np.ceil(self.step / GRID), CAP) * GRID


def search(network: Network, x: np.ndarray) -> Crossings:
    """From each x, along ∓∇f(x)/‖∇f(x)‖ against the sign of f, to the first point where f is zero.

    docs/protocols.md, step 9. In float64 throughout. Where f(x) = 0 already, the step is 0.

    Args:
        x: (n, d).
    """
    network = network.double()
    found = [_search(network, part.astype(np.float64)) for part in rows(x)]
    return Crossings(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _search(network: Network, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    z = network.hidden(x)  # (n, m)
    value = z.clip(0) @ network.v + network.c  # (n,)
    gradient = ((z > 0) * network.v) @ network.w  # (n, d)
    norm = np.sqrt((gradient * gradient).sum(1))
    towards = -np.sign(value)[:, None] * gradient / np.where(norm > 0, norm, 1)[:, None]
    return (
        norm,
        towards,
        first_zero(np.abs(value), z, towards @ network.w.T, np.sign(value)[:, None] * network.v),
    )


def first_zero(value: np.ndarray, z: np.ndarray, rate: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The smallest t ≥ 0 at which value + Σ_j v_j (relu(z_j + t rate_j) − relu(z_j)) is not positive.

    Args:
        value: (n,), not negative.
        z, rate, v: (n, m).

    Returns:
        (n,); infinite where there is no such t.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        kink = -z / rate
    kink[~((kink > 0) & np.isfinite(kink))] = np.inf  # (n, m): where neuron j turns on or off
    rising = (z > 0) | ((z == 0) & (rate > 0))
    change = v * rate
    slope = (change * rising).sum(1)  # (n,): just after t = 0
    order = np.argsort(kink, axis=1, kind="stable")  # other kinds leave ties to the processor
    np.copysign(change, v, out=change)  # turning on adds v rate, off takes it away
    return _walk(value, slope, kink, order, change)


@compiled
def _walk(value: np.ndarray, slope: np.ndarray, kink: np.ndarray, order: np.ndarray, change: np.ndarray) -> np.ndarray:
    """From kink to kink, in order (n, m), until the value is not positive: (n,)."""
    zeros = np.full(len(value), np.inf)
    for e in range(len(value)):
        left, height, steepness = 0.0, value[e], slope[e]
        for rank in range(kink.shape[1] + 1):
            right = kink[e, order[e, rank]] if rank < kink.shape[1] else np.inf
            zero = left - height / steepness if steepness < 0 else np.inf
            if height <= 0 or zero <= right * (1 + 1e-12):
                zeros[e] = left if height <= 0 else zero
                break
            if right == np.inf:
                break
            height += (right - left) * steepness
            left = right
            steepness += change[e, order[e, rank]]
    return zeros


def measure_search(network: Network, x: np.ndarray, y: np.ndarray, protocol: str) -> tuple[Search, float]:
    """The statistics of the exact search over the test set, and the share of flips that re-prediction confirms."""
    crossings = search(network, x)
    double = network.double()
    correct = double(x.astype(np.float64)) * y > 0
    flipped = correct & np.isfinite(crossings.step)
    norm = crossings.gradient_norm
    exact = crossings.step[flipped]
    if protocol == "released":
        delta = np.where(correct, crossings.on_grid(), 0)
        eta = delta / np.where(norm > 0, norm, 1)
    else:
        delta, eta = exact, exact / norm[flipped]
    length = np.sqrt((x.astype(np.float64) ** 2).sum(1))[flipped]
    found = Search(
        gradient_norm=Statistic.of(norm),
        delta=Statistic.of(delta),
        eta=Statistic.of(eta),
        delta_exact=Statistic.of(exact),
        relative_delta=Statistic.of(exact[length > 0] / length[length > 0]),  # an image can resize to nothing
        n_correct=int(correct.sum()),
        n_flipped=int(flipped.sum()),
    )
    beyond = (np.floor(exact / GRID) + 1) * GRID  # the next point of the release's grid
    moved = x[flipped] + beyond[:, None] * crossings.direction[flipped]
    return found, share(double(moved) * y[flipped] <= 0)
