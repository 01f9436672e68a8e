"""The network: its draws against torch's own, ∇f against autograd, the projection against its definition."""

import numpy as np
import pytest
import torch
from conftest import random_examples, random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyadv.networks.ball import dense_project, deviations, project
from lazyadv.networks.network import accuracy, draw

SHAPES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 30))


@pytest.mark.parametrize(
    ("width", "dimension", "seed"), [(100, 25, 0), (1000, 784, 1), (17, 49, 4), (15, 25, 9), (1, 1, 3), (2, 4, 2**31)]
)
def test_draws_are_the_releases(width: int, dimension: int, seed: int) -> None:
    """docs/protocols.md, step 4, done with the release's own generators."""
    np.random.seed(seed)
    torch.manual_seed(seed)
    order = list(range(37))
    np.random.shuffle(order)
    torch.nn.Linear(dimension, width), torch.nn.Linear(width, 1)
    w, b = torch.empty(width, dimension).normal_(), torch.empty(width).normal_()
    v = np.sign(np.random.normal(size=(1, width))) / np.sqrt(width)
    c = np.sign(np.random.normal(size=(1, 1))) / np.sqrt(width)

    drawn_order, network = draw(seed, 37, width, dimension)
    assert drawn_order.tolist() == order
    np.testing.assert_allclose(network.w, w.numpy(), atol=2e-6)
    np.testing.assert_allclose(network.b, b.numpy(), atol=2e-6)
    np.testing.assert_allclose(network.v, v[0], rtol=1e-6)
    assert network.c == pytest.approx(c.item())


@given(SHAPES)
def test_gradient_is_autograds(shape: tuple[int, int, int]) -> None:
    seed, width, dimension = shape
    _, network = random_network(seed, width, dimension, spread=0.1)
    x, _ = random_examples(seed, 8, dimension)
    inputs = torch.from_numpy(x).requires_grad_()
    w, b, v = (torch.from_numpy(part) for part in (network.w, network.b, network.v))
    output = torch.relu(inputs @ w.T + b) @ v + network.c
    output.sum().backward()
    assert inputs.grad is not None
    np.testing.assert_allclose(network(x), output.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(network.gradient(x), inputs.grad.numpy(), atol=1e-5)


@given(SHAPES, st.sampled_from([0.0, 1e-3, 0.3, 1.0, 50.0]))
def test_projection_is_feasible_nearest_and_idempotent(shape: tuple[int, int, int], radius: float) -> None:
    seed, width, dimension = shape
    start, network = random_network(seed, width, dimension, spread=0.5)
    free, dense = network.copy(), network.copy()
    project(network, start, radius)
    dense_project(dense, start, radius)
    np.testing.assert_allclose(network.w, dense.w, rtol=1e-5, atol=1e-6)
    distance = deviations(network.double(), start.double())
    assert distance.max() <= radius * (1 + 1e-5) + 1e-6
    # the nearest point of a ball lies towards the point: what is left to go and what was gone add up
    left = deviations(network.double(), free.double())
    np.testing.assert_allclose(distance + left, deviations(free.double(), start.double()), rtol=1e-4, atol=1e-5)
    inside = deviations(free, start) <= radius
    assert np.array_equal(network.w[inside], free.w[inside])
    again = network.copy()
    project(again, start, radius)
    np.testing.assert_allclose(again.w, network.w, rtol=1e-5, atol=1e-6)
    if radius == 0:
        assert np.array_equal(network.w, start.w)
        assert np.array_equal(network.b, start.b)


@settings(max_examples=20)
@given(SHAPES)
def test_numpy_and_torch_agree(shape: tuple[int, int, int]) -> None:
    """What runs on a GPU is the same code with torch's tensors."""
    from lazyadv.networks.network import Network

    seed, width, dimension = shape
    _, network = random_network(seed, width, dimension)
    x, y = random_examples(seed, 5, dimension)
    w, b, v = (torch.from_numpy(part.copy()) for part in (network.w, network.b, network.v))
    twin = Network(w, b, v, network.c)
    np.testing.assert_allclose(twin(torch.from_numpy(x)).numpy(), network(x), atol=1e-5)
    assert accuracy(twin, torch.from_numpy(x), torch.from_numpy(y)) == accuracy(network, x, y)


def test_sign_zero_is_wrong_for_both_classes() -> None:
    _, network = random_network(0, 4, 3)
    network.v[:], network.c = 0, 0.0
    x, _ = random_examples(0, 2, 3)
    assert accuracy(network, x, np.array([1, -1], np.float32)) == 0
