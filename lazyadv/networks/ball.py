"""The (2,∞) ball around the start: how far each neuron has moved, and the way back."""

import math

import numpy as np

from lazyadv.kernel.compiled import compiled
from lazyadv.kernel.vectors import dot
from lazyadv.networks.network import Array, Network


def deviations(network: Network, start: Network) -> Array:
    """‖(w_j, b_j) − (w_j⁰, b_j⁰)‖₂ of each neuron: (m,). Their largest is the (2,∞) distance."""
    moved, shifted = network.w - start.w, network.b - start.b
    return ((moved * moved).sum(1) + shifted * shifted) ** 0.5


def project(network: Network, start: Network, radius: float) -> None:
    """Pull neurons farther than `radius` from their start back radially onto it, in place.

    This is the nearest point of the (2,∞) ball, which is a product of one Euclidean ball a neuron.
    """
    if isinstance(network.w, np.ndarray):
        _project(network.w, network.b, start.w, start.b, radius)
    else:
        dense_project(network, start, radius)


def dense_project(network: Network, start: Network, radius: float) -> None:
    """`project` in whole arrays: for GPUs, and the reference of the loop that runs on CPUs."""
    distance = deviations(network, start)
    outside = distance > radius
    scale = radius / distance[outside]
    network.w[outside] = start.w[outside] + scale[:, None] * (network.w[outside] - start.w[outside])
    network.b[outside] = start.b[outside] + scale * (network.b[outside] - start.b[outside])


@compiled
def _project(w, b, w0, b0, radius):
    """A neuron at a time, so that what was read to measure it is still in the cache when it is moved."""
    moved = np.empty(w.shape[1], np.float32)
    for j in range(w.shape[0]):
        for i in range(w.shape[1]):
            moved[i] = w[j, i] - w0[j, i]
        distance = math.sqrt(dot(moved, moved) + (b[j] - b0[j]) ** 2)
        if distance > radius:
            scale = np.float32(radius / distance)
            for i in range(w.shape[1]):
                w[j, i] = w0[j, i] + scale * moved[i]
            b[j] = b0[j] + scale * (b[j] - b0[j])
