"""The exact search: against fine stepping, and against a network whose boundary is known."""

import numpy as np
import pytest
from conftest import random_examples, random_network
from hypothesis import given
from hypothesis import strategies as st

from lazyadv.networks import boundary
from lazyadv.networks.network import Network


@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 30))
def test_agrees_with_stepping(seed: int, width: int, dimension: int) -> None:
    """The release's own loop in float64: steps of 0.001 until the sign changes, at most 5,000."""
    _, network = random_network(seed, width, dimension)
    x, _ = random_examples(seed, 6, dimension)
    found = boundary.search(network, x)
    double = network.double()
    steps = np.arange(boundary.CAP + 1) * boundary.GRID
    for example, direction, delta in zip(x.astype(float), found.direction, found.on_grid(), strict=True):
        along = double(example + steps[:, None] * direction)
        changed = np.flatnonzero(np.sign(along) != np.sign(along[0]))
        expected = steps[changed[0]] if len(changed) else steps[-1]
        assert abs(delta - expected) <= boundary.GRID * (1 + 1e-9)


@pytest.mark.parametrize(("rate", "expected"), [(0.5, 2.0), (-0.5, np.inf), (0.0, np.inf)])
def test_a_neuron_on_its_kink_counts_if_the_ray_turns_it_on(rate: float, expected: float) -> None:
    """f = 1 − relu(t rate): the only slope is that of a neuron whose preactivation is zero at the start."""
    one = np.ones((1, 1))
    assert boundary.first_zero(np.ones(1), 0 * one, rate * one, -one) == expected


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 20))
def test_f_is_zero_at_the_crossing_and_not_before(seed: int, width: int, dimension: int) -> None:
    _, network = random_network(seed, width, dimension)
    x, _ = random_examples(seed, 6, dimension)
    found = boundary.search(network, x)
    double = network.double()
    sign = np.sign(double(x.astype(float)))
    there = np.isfinite(found.step)
    at = x + np.where(there, found.step, 0)[:, None] * found.direction
    assert np.abs(double(at)[there]).max(initial=0) < 1e-9 * (1 + found.step[there].max(initial=0))
    for share in (0.25, 0.5, 0.99):
        before = x + share * np.where(there, found.step, 1e3)[:, None] * found.direction
        assert (sign * double(before) > -1e-9).all()


def test_a_linear_network_has_a_closed_form() -> None:
    """With all neurons on, f is affine: the distance to the boundary is |f|/‖∇f‖."""
    generator = np.random.default_rng(0)
    w = generator.standard_normal((30, 5)).astype(np.float32)
    network = Network(w, np.full(30, 1e6, np.float32), np.full(30, 0.1, np.float32), -3e6)
    x, _ = random_examples(0, 10, 5)
    double = network.double()
    gradient = np.linalg.norm(0.1 * w.astype(float).sum(0))
    np.testing.assert_allclose(boundary.search(network, x).step, np.abs(double(x)) / gradient, rtol=1e-6)


def test_no_way_across_is_infinite_and_capped_on_the_grid() -> None:
    network = Network(np.zeros((2, 3), np.float32), np.ones(2, np.float32), np.ones(2, np.float32), 1.0)
    found = boundary.search(network, np.ones((1, 3), np.float32))
    assert np.isinf(found.step).all()
    assert found.on_grid() == pytest.approx(5)
    assert found.gradient_norm == 0
