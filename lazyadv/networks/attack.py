"""Projected gradient descent (PGD) on the input, within an L2 ball and the box [0, 1]^d.

The loss log(1 + exp(−y f)) falls in y f, so its gradient points along −y ∇f: the loss is never needed.
"""

import math
from dataclasses import replace

import numpy as np

from lazyadv.kernel.copies import TINY, Neurons, all_products, copy_rows
from lazyadv.kernel.rooms import Examples
from lazyadv.kernel.steps import advance
from lazyadv.kernel.vectors import CHUNK, SQUARE
from lazyadv.networks.ball import deviations
from lazyadv.networks.network import Array, Network, namespace, rows, to_numpy
from lazyadv.networks.outcome import Invariants, share

BLOCK = 256  # examples that share the lazy attack's matrix products
LOOKS = 0.7  # that an example may take from one reference, times the width; measured: from 0.5 to 0.9 it matters little
ORDERS = 30  # binary, by which rows of w, and v_j w_j, may differ from 1 without any square beyond float32


def pgd(network: Network, x: Array, y: Array, eps: float, step: float, steps: int) -> Array:
    """The perturbations after `steps` steps of PGD against `network` (docs/protocols.md, step 10).

    From δ = 0: δ += step · ∇ℓ/‖∇ℓ‖₂; clip x + δ to [0, 1]; scale δ back to ‖δ‖₂ ≤ eps. An example whose
    gradient is zero stays where it is. On a CPU by `lazy_pgd`, which skips what has not changed
    (lazyadv/kernel/steps.py); on a GPU by `dense_pgd`. The two agree up to rounding.

    Args:
        x: (n, d), in [0, 1].
        y: (n,), ±1.
        eps, step: lengths in the units of x.

    Returns:
        δ: (n, d).
    """
    attack = lazy_pgd if isinstance(x, np.ndarray) else dense_pgd
    return attack(network, x, y, eps, step, steps)


def dense_pgd(network: Network, x: Array, y: Array, eps: float, step: float, steps: int) -> Array:
    """`pgd` step by step, with two matrix products each: for GPUs, and the reference of the lazy kernel."""
    xp, network = namespace(x), in_range(network)
    labels = rows(y)
    return xp.concatenate([_dense_pgd(network, part, next(labels), eps, step, steps) for part in rows(x)])


def _dense_pgd(network: Network, x: Array, y: Array, eps: float, step: float, steps: int) -> Array:
    perturbation = 0 * x
    for _ in range(steps):
        ascent = -y[:, None] * network.gradient(x + perturbation)
        perturbation = perturbation + step * ascent / norms(ascent).clip(float(TINY))
        perturbation = (x + perturbation).clip(0, 1) - x
        perturbation = perturbation * (eps / norms(perturbation).clip(eps))
    return perturbation


def norms(x: Array) -> Array:
    """The Euclidean norm of each row: (n, d) -> (n, 1)."""
    return ((x * x).sum(1) ** 0.5)[:, None]


def lazy_pgd(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """`pgd` in float32 on a CPU, by the lazy kernel; deterministic.

    Its working memory is about 7 m d + BLOCK (13 m + 22 d) bytes.
    """
    perturbation = np.zeros(x.shape, np.float32)
    if steps > 0:
        neurons = copies(network)
        for first in range(0, len(x), BLOCK):
            part = slice(first, first + BLOCK)
            perturbation[part] = advanced(neurons, x[part], y[part], eps, step, steps).delta[:, : x.shape[1]]
    return perturbation


def advanced(neurons: Neurons, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> Examples:
    """The state of at most BLOCK examples after `steps` > 0 steps; `on` is that of the point before the last."""
    examples = _begin(neurons, _padded(x), y.astype(np.float32))
    waiting = np.arange(len(x))
    size = _whole(len(x), SQUARE[1])
    moved = np.zeros((size, len(neurons.fine)), np.int32)
    aways = _aligned((size, neurons.w.shape[1]), np.int16)
    task = (np.float32(eps), np.float32(step), steps, LOOKS * len(neurons.w))
    advance(waiting, neurons, examples, moved, aways, *task)
    np.matmul(examples.delta, neurons.w.T, out=examples.slope)  # in float32, for all later slopes rest on it
    examples.slope[:] *= neurons.per_norm
    examples.along[:] = 1
    examples.z_error[:] = examples.slope_error[:] = 0
    while (waiting := np.flatnonzero(examples.step < steps)).size:
        advance(waiting, neurons, examples, moved, aways, *task)
        all_products(neurons.fine, aways, (examples.step < steps).sum(), moved)
    return examples


def copies(network: Network) -> Neurons:
    """The network as the lazy kernel reads it."""
    network = in_range(network)
    w, b, v = _padded(network.w), network.b.astype(np.float32), network.v.astype(np.float32)
    per_norm, unit = np.empty((2, len(w)), np.float32)
    coarse, fine = _aligned(w.shape, np.int8), _aligned((_whole(len(w), SQUARE[0]), w.shape[1]), np.int16)
    coarse_error, fine_error = map(np.float32, copy_rows(w, per_norm, coarse, unit, fine))
    small = np.float32(np.max(1e-4 * np.abs(v) / per_norm) ** 2)
    return Neurons(w, b, v, per_norm, coarse, unit, fine, coarse_error, fine_error, small)


def in_range(network: Network) -> Network:
    """A network that PGD takes the same path on, and whose gradient's square float32 can hold; mostly the same one.

    Where a row of w, or v_j w_j, is longer or shorter than 1 by more than ORDERS, each neuron's w_j and b_j are
    multiplied by a power of two, which v_j takes back, and all of v by another. So neurons switch where they did, and
    the gradient keeps its direction.
    """
    w, b, v = (to_numpy(part) for part in (network.w, network.b, network.v))
    longest = np.maximum(w.max(1, initial=0), -w.min(1, initial=0))
    (_, row), (_, outer) = np.frexp(longest), np.frexp(v)
    acts = (longest > 0) & (v != 0)
    total = (row + outer)[acts]
    if np.abs(row).max(initial=0) <= ORDERS and np.abs(total).max(initial=0) <= ORDERS:
        return network
    most = total.max() if total.size else 0
    with np.errstate(over="ignore"):
        v = np.where(acts, np.ldexp(v, row + ORDERS - most), 0)
        b = np.ldexp(b, -row).clip(-(2.0**100), 2.0**100)  # so far off that within the box the neuron never switches
    arrays = {"w": np.ldexp(w, -row[:, None]), "b": b, "v": v}
    if not isinstance(network.w, np.ndarray):
        arrays = {name: network.w.new_tensor(part) for name, part in arrays.items()}
    return replace(network, **arrays)


def _begin(neurons: Neurons, x: np.ndarray, y: np.ndarray) -> Examples:
    """The state at δ = 0, the first reference."""
    z = x @ neurons.w.T
    z += neurons.b
    on = z > 0
    z *= neurons.per_norm
    slope = np.multiply(on, neurons.v)  # a place for the product's factor: without a direction there are no slopes
    delta, gradient, reference, direction = _aligned((4, *x.shape), np.float32)
    np.matmul(slope, neurons.w, out=gradient)
    gradient *= -y[:, None]
    numbers = np.zeros((4, len(x)), np.float32)
    return Examples(x, y, np.zeros(len(x), np.int64), delta, gradient, on, z, slope, reference, direction, *numbers)


def _padded(x: np.ndarray) -> np.ndarray:
    """A copy of x (n, d) in float32, with zeros up to a multiple of CHUNK."""
    copy = _aligned((len(x), _whole(x.shape[1], CHUNK)), np.float32)
    copy[:, : x.shape[1]] = x
    return copy


def _aligned(shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray:
    """Zeros that begin at a cache line: loads that straddle two cost the lazy kernel a tenth of its time."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    memory = np.zeros(size + 64, np.uint8)
    first = -memory.ctypes.data % 64
    return memory[first : first + size].view(kind).reshape(shape)


def _whole(count: int, part: int) -> int:
    """count, rounded up to a multiple of `part`."""
    return -(-count // part) * part


def measure_attack(
    radius: float, network: Network, start: Network, x: Array, y: Array, perturbation: Array
) -> Invariants:
    """The promises of an adversarial run, measured again in float64 on the final network."""
    double = network.double()
    claimed = to_numpy(network(x + perturbation) * y <= 0)
    attacked = to_numpy(x).astype(np.float64) + to_numpy(perturbation)
    return Invariants(
        radius=radius,
        deviation=float(deviations(double, start.double()).max()),
        max_perturbation=float(norms(to_numpy(perturbation).astype(np.float64)).max()),
        repredicted=share(double(attacked[claimed]) * to_numpy(y)[claimed] <= 0),
    )
