"""Auto-PGD (APGD: Croce and Hein, ICML 2020) within an L2 ball and the box [0, 1]^d; lines are its Algorithm 1's.

It climbs −y f, with which the logistic loss rises: the algorithm only compares values and takes directions, and these
are the same. In float64 neither saturates, however large or small the weights are.
"""

from itertools import pairwise

import numpy as np

from lazyadv.networks.attack import norms
from lazyadv.networks.network import Network, rows

CHECKPOINTS = (0, 22, 41, 57, 70, 80, 87, 93, 99, 100)  # w_j = ⌈100 p_j⌉, and the last step
RESTARTS = 5
MOMENTUM = 0.75  # α
FALLS = 0.75  # ρ, of the steps between two checkpoints


def apgd(network: Network, x: np.ndarray, y: np.ndarray, eps: float) -> np.ndarray:
    """The perturbations of least y f after all restarts, each from a random point of the sphere; deterministic.

    What is misclassified, at first or after a restart, is not attacked again. x, δ: (n, d); y: (n,), ±1.
    """
    network, draws, found = network.double(), np.random.default_rng(0), []
    for part, labels in zip(rows(x.astype(np.float64)), rows(y), strict=True):
        best = _at(network, part, labels, np.zeros(part.shape))
        for _ in range(RESTARTS):
            start = draws.standard_normal(part.shape)
            left = np.flatnonzero(best["margin"] > 0)
            reached = _run(network, part[left], labels[left], eps, eps * start[left] / norms(start[left]))
            lower = reached["margin"] < best["margin"][left]
            best[left[lower]] = reached[lower]
        found.append(best["delta"])
    return np.concatenate(found)


def _run(network: Network, x: np.ndarray, y: np.ndarray, eps: float, start: np.ndarray) -> np.ndarray:
    """Algorithm 1: the points of least y f, as `_at` has them."""
    now = _at(network, x, y, project(start, x, eps))
    before, best, step, halved = now["delta"], now.copy(), np.full((len(x), 1), 2.0 * eps), np.zeros(len(x), bool)
    for first, last in pairwise(CHECKPOINTS):
        falls, lowest = np.zeros(len(x)), best["margin"].copy()
        for k in range(first, last):
            delta, margin = now["delta"], now["margin"]
            ahead = project(delta + step * now["ascent"], x, eps)  # line 7; at k = 0, line 3
            if k > 0:  # line 8
                ahead = project(delta + MOMENTUM * (ahead - delta) + (1 - MOMENTUM) * (delta - before), x, eps)
            before, now = delta, _at(network, x, y, ahead)
            falls += now["margin"] < margin
            best = np.where(now["margin"] < best["margin"], now, best)  # lines 9 to 12
        halved = (falls < FALLS * (last - first)) | (~halved & (best["margin"] == lowest))  # conditions 1 and 2
        step[halved] /= 2  # line 15
        now = np.where(halved, best, now)  # line 16
    return best


def _at(network: Network, x: np.ndarray, y: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """δ, y f(x + δ), and the direction in which that falls, of length 1, or 0 if it is flat there: (n,) records."""
    z, kind = network.hidden(x + delta), (float, x.shape[1])
    ascent = -y[:, None] * (((z > 0) * network.v) @ network.w)
    found = np.empty(len(x), [("delta", *kind), ("ascent", *kind), ("margin", float)])
    found["delta"], found["margin"] = delta, y * (z.clip(0) @ network.v + network.c)
    found["ascent"] = ascent / np.maximum(norms(ascent), np.finfo(float).tiny)
    return found


def project(delta: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    """The nearest perturbations to δ in the ball and the box: clip(s δ), s ≤ 1, which grows as the box stops some."""
    stopped = np.zeros(x.shape, bool)
    while True:
        free, kept = np.where(stopped, 0, delta), np.where(stopped, delta.clip(-x, 1 - x), 0)
        scale = np.sqrt((eps**2 - norms(kept) ** 2).clip(0)) / np.maximum(norms(free), np.finfo(float).tiny)
        found = kept + scale.clip(None, 1) * free
        beyond = (found < -x) | (found > 1 - x)
        if not beyond.any():
            return found
        stopped |= beyond
