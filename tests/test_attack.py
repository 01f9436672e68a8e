"""PGD: against a plain autograd loop, inside its ball and box, and where a gradient is missing."""

import numpy as np
import pytest
import torch
from conftest import random_examples, random_network
from hypothesis import given
from hypothesis import strategies as st

from lazyadv.networks.attack import _dense_pgd, dense_pgd, in_range, pgd
from lazyadv.networks.network import Network


def autograd_pgd(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """The protocol's steps as anyone would write them: float64, autograd, one loop."""
    w, b, v, inputs, labels = (torch.from_numpy(a.astype(float)) for a in (network.w, network.b, network.v, x, y))
    delta = torch.zeros_like(inputs, requires_grad=True)
    for _ in range(steps):
        output = torch.relu((inputs + delta) @ w.T + b) @ v + network.c
        torch.nn.functional.softplus(-labels * output).sum().backward()
        with torch.no_grad():
            assert delta.grad is not None
            norm = delta.grad.norm(dim=1, keepdim=True)
            delta += step * delta.grad / torch.where(norm > 0, norm, 1)
            delta[:] = (inputs + delta).clamp(0, 1) - inputs
            delta *= (eps / delta.norm(dim=1, keepdim=True)).clamp(max=1)
            delta.grad.zero_()
    return delta.detach().numpy()


def margins(network: Network, x: np.ndarray, y: np.ndarray, perturbation: np.ndarray) -> np.ndarray:
    return network.double()(x.astype(float) + perturbation) * y


@given(
    st.integers(0, 2**31),
    st.integers(1, 60),
    st.integers(1, 40),
    st.sampled_from([1e-4, 0.05, 0.2, 0.4, 5.0]),
    st.sampled_from([(100, 100), (20, 20), (100, 20)]),
)
def test_is_the_plain_loops(seed: int, width: int, dimension: int, eps: float, pace: tuple[int, int]) -> None:
    _, network = random_network(seed, width, dimension, spread=0.1)
    x, y = random_examples(seed, 5, dimension)
    step, steps = 2.5 * eps / pace[0], pace[1]
    perturbation = pgd(network, x, y, eps, step, steps)
    expected = autograd_pgd(network, x, y, eps, step, steps)
    assert np.linalg.norm(perturbation.astype(float), axis=1).max() <= eps * (1 + 1e-5)
    assert (x + perturbation).min() >= -1e-6
    assert (x + perturbation).max() <= 1 + 1e-6
    ours, theirs = margins(network, x, y, perturbation), margins(network, x, y, expected)
    assert np.median(np.abs(ours - theirs)) <= 1e-3  # a kink met in another rounding may send one elsewhere


def test_an_example_without_a_gradient_stays() -> None:
    """The release divides 0 by 0 here."""
    network = Network(np.ones((3, 4), np.float32), np.full(3, -10, np.float32), np.ones(3, np.float32), 0.5)
    x, y = random_examples(0, 2, 4)
    assert not pgd(network, x, y, 0.1, 0.01, 5).any()


@pytest.mark.parametrize("count", [0, 1, 513])
def test_any_number_of_examples(count: int) -> None:
    """Examples are attacked in blocks, each as if it were alone."""
    _, network = random_network(1, 30, 9)
    x, y = random_examples(2, 513, 9)
    together = pgd(network, x[:count], y[:count], 0.2, 0.025, 10)
    assert together.shape == (count, 9)
    for index in {0, count - 1} & set(range(count)):
        alone = pgd(network, x[index : index + 1], y[index : index + 1], 0.2, 0.025, 10)
        np.testing.assert_allclose(together[index], alone[0], atol=1e-4)


@pytest.mark.parametrize(
    ("inner", "bias", "outer", "row"),
    [
        (1e20, 1e20, 1, 1),
        (1e-25, 1e-25, 1, 1),
        (1e20, 1, 1, 1),
        (1e-25, 1, 1, 1),
        (1, 1, 1e20, 1),
        (1, 1, 1e-30, 1),
        (1e37, 1e37, 1e37, 1),
        (1, 1, 1, 1e20),
        (1, 1, 1e-30, 1e-10),
    ],
)
def test_numbers_beyond_float32_are_attacked_as_others(inner: float, bias: float, outer: float, row: float) -> None:
    """Against the same steps in float64, which holds them all: weights of any size, and a single row of another."""
    _, network = random_network(0, 60, 30, 0.1)
    x, y = random_examples(0, 40, 30)
    parts = (network.w * np.float32(inner), network.b * np.float32(bias), network.v * np.float32(outer))
    network = Network(*parts, network.c)
    network.w[3] *= np.float32(row)
    task = (0.3, 0.03, 20)
    expected = _dense_pgd(network.double(), x.astype(float), y.astype(float), *task)
    w, b, v = map(torch.from_numpy, parts)
    for delta in (
        pgd(network, x, y, *task),
        dense_pgd(network, x, y, *task),
        dense_pgd(Network(w, b, v, network.c), torch.from_numpy(x), torch.from_numpy(y), *task).numpy(),
    ):
        assert np.linalg.norm(delta - expected, axis=1).max() < 1e-5
        assert delta.any(1).all()


def test_powers_of_two_change_no_bit() -> None:
    """A neuron's w and b by one, its v by the inverse, all v by another."""
    _, network = random_network(0, 60, 30, 0.1)
    x, y = random_examples(0, 40, 30)
    orders = np.random.default_rng(0).integers(-90, 90, 60)
    w, b, v = np.ldexp(network.w, orders[:, None]), np.ldexp(network.b, orders), np.ldexp(network.v, 30 - orders)
    expected = pgd(network, x, y, 0.3, 0.03, 20)
    np.testing.assert_array_equal(pgd(Network(w, b, v, network.c), x, y, 0.3, 0.03, 20), expected)
    assert in_range(network) is network
