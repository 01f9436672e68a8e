"""The step along the gradient found as the release finds it: by trying one grid point after the other."""

import numpy as np

from benchmarks.measure import Section, side_by_side
from benchmarks.problem import split, standard_network
from lazyadv.networks import boundary
from lazyadv.networks.boundary import CAP, GRID
from lazyadv.networks.network import Network

STEPPED = 25  # examples


def search() -> Section:
    """The exact search against stepping."""
    network, x = standard_network(), split(28).x_test
    seconds, found = side_by_side(
        {
            "exact": lambda: boundary.search(network, x).on_grid(),
            "stepping": lambda: search_by_stepping(network, x[:STEPPED]),
        }
    )
    exact, stepping = len(x) / seconds["exact"], STEPPED / seconds["stepping"]
    apart = np.rint(np.abs(found["exact"][:STEPPED] - found["stepping"]) / GRID)
    steps = found["stepping"].mean() / GRID
    return Section(
        "Search along the gradient",
        "How far each example must go until f changes sign: found exactly, and by trying every multiple of 0.001 "
        "(from 0.001 to 5). Width 1000, d = 784, float64, raw pixels, a network trained to the lazy radius.",
        [
            {"what": f"exact: {len(x)} examples", "examples/s": exact, "times as fast": exact / stepping},
            {
                "what": f"stepping: {STEPPED} of them, which flip after {steps:.0f} steps on average",
                "examples/s": stepping,
                "times as fast": 1.0,
                "equal to within a step": f"{(apart <= 1).sum()} of {STEPPED}",
                "apart at most, steps": int(apart.max()),
            },
        ],
    )


def search_by_stepping(network: Network, x: np.ndarray) -> np.ndarray:
    """The first multiple of 0.001 at which each example's sign has changed (docs/protocols.md, step 9), at most 5.

    In float64, an example at a time: x (n, d) -> (n,).
    """
    network = network.double()
    return np.array([_steps(network, example) for example in x.astype(np.float64)]) * GRID


def _steps(network: Network, x: np.ndarray) -> int:
    active = network.w @ x + network.b > 0
    gradient = (active * network.v) @ network.w
    side = np.sign(_value(network, x))
    towards = -side * gradient / np.linalg.norm(gradient)
    for step in range(1, CAP):
        if np.sign(_value(network, x + step * GRID * towards)) != side:
            return step
    return CAP


def _value(network: Network, x: np.ndarray) -> float:
    return float(np.maximum(network.w @ x + network.b, 0) @ network.v + network.c)
