"""Projected gradient descent (PGD) on the input, within an L2 ball and the box [0, 1]^d.

The loss log(1 + exp(−y f)) falls in y f, so its gradient points along −y ∇f: the loss is never needed.
"""

import numpy as np

from lazyadv.kernel import lazy_pgd
from lazyadv.network import Array, Network, namespace, rows

TINY = 1e-30  # below any gradient that is not zero, above float32's smallest normal number


def pgd(network: Network, x: Array, y: Array, eps: float, step: float, steps: int) -> Array:
    """The perturbations after `steps` steps of PGD against `network` (protocol.md, adversarial step 1).

    From δ = 0: δ += step · ∇ℓ/‖∇ℓ‖₂; clip x + δ to [0, 1]; scale δ back to ‖δ‖₂ ≤ eps. An example whose
    gradient is zero stays where it is. On a CPU by the lazy kernel, which skips what has not changed
    (lazyadv/kernel.py); on a GPU by `dense_pgd`. The two agree up to rounding.

    Args:
        x: (n, d), in [0, 1].
        y: (n,), ±1.
        eps, step: lengths in the units of x.

    Returns:
        δ: (n, d).
    """
    if isinstance(x, np.ndarray):
        return lazy_pgd(x, y, network.w, network.b, network.v, eps, step, steps)
    return dense_pgd(network, x, y, eps, step, steps)


def dense_pgd(network: Network, x: Array, y: Array, eps: float, step: float, steps: int) -> Array:
    """`pgd` step by step, with two matrix products each: for GPUs, and the reference of the lazy kernel."""
    xp = namespace(x)
    labels = rows(y)
    return xp.concatenate([_dense_pgd(network, part, next(labels), eps, step, steps) for part in rows(x)])


def _dense_pgd(network: Network, x: Array, y: Array, eps: float, step: float, steps: int) -> Array:
    perturbation = 0 * x
    for _ in range(steps):
        ascent = -y[:, None] * network.gradient(x + perturbation)
        perturbation = perturbation + step * ascent / norms(ascent).clip(TINY)
        perturbation = (x + perturbation).clip(0, 1) - x
        perturbation = perturbation * (eps / norms(perturbation).clip(eps))
    return perturbation


def norms(x: Array) -> Array:
    """The Euclidean norm of each row: (n, d) -> (n, 1)."""
    return ((x * x).sum(1) ** 0.5)[:, None]
