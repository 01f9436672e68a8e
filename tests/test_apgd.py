"""APGD on networks whose exact answer is known, and what it promises on others."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import random_examples, random_network

from lazyadv.networks.apgd import CHECKPOINTS, apgd, project
from lazyadv.networks.attack import pgd
from lazyadv.networks.network import Network

EPS = 0.3


def farthest(gradient: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    """The perturbation (d,) that lowers a linear f most: clip(−t gradient), of length ε or in a corner of the box."""
    low, high = 0.0, 1e9
    for _ in range(200):
        middle = (low + high) / 2
        delta = (-middle * gradient).clip(-x, 1 - x)
        low, high = (middle, high) if np.linalg.norm(delta) <= eps else (low, middle)
    return (-low * gradient).clip(-x, 1 - x)


@pytest.mark.parametrize("eps", [0.1, EPS, 3])
def test_the_lowest_point_of_a_linear_network_is_found(eps: float) -> None:
    """f(x) = w·x + b: within the ball, on faces of the box, and with the whole box in reach."""
    x, _ = random_examples(1, 30, 12)
    w = np.random.default_rng(0).standard_normal((1, 12)).astype(np.float32)
    linear = Network(w, np.full(1, 9, np.float32), np.ones(1, np.float32), 100.0)
    y = np.ones(30, np.float32)
    found = apgd(linear, x, y, eps)
    expected = np.array([farthest(w[0], point, eps) for point in x.astype(np.float64)])
    np.testing.assert_allclose(linear.double()(x + found), linear.double()(x + expected), atol=1e-6)


@pytest.mark.parametrize("dimension", [2, 9, 49])
def test_perturbations_keep_to_the_ball_and_the_box_and_are_the_same_again(dimension: int) -> None:
    x, y = random_examples(0, 60, dimension)
    _, trained = random_network(0, 50, dimension, 0.1)
    delta = apgd(trained, x, y, EPS)
    assert np.linalg.norm(delta, axis=1).max() <= EPS * (1 + 1e-12)
    assert np.minimum(x + delta, 1 - x - delta).min() >= -1e-15
    wrong = trained.double()(x) * y <= 0
    assert 0 < wrong.sum() < 60
    assert not delta[wrong].any()
    np.testing.assert_array_equal(delta, apgd(trained, x, y, EPS))


@pytest.mark.parametrize("size", [2.0**90, 2.0**-90])
def test_the_size_of_f_does_not_matter(size: float) -> None:
    x, y = random_examples(0, 60, 9)
    _, plain = random_network(0, 50, 9, 0.1)
    other = Network(plain.w, plain.b, plain.v * np.float32(size), plain.c * size)
    np.testing.assert_array_equal(apgd(other, x, y, EPS), apgd(plain, x, y, EPS))


@pytest.mark.parametrize(("dimension", "eps"), [(9, EPS), (49, 0.35), (196, 0.14)])
def test_it_breaks_what_pgd_breaks_and_lowers_the_others_further(dimension: int, eps: float) -> None:
    """But for a local minimum here and there, by which it may end a little higher."""
    x, _ = random_examples(0, 200, dimension)
    _, trained = random_network(0, 100, dimension, 0.1)
    y, double = np.sign(trained(x)), trained.double()
    by_pgd, by_apgd = (
        y * double(x + attack) for attack in (pgd(trained, x, y, eps, eps / 40, 100), apgd(trained, x, y, eps))
    )
    withstood = by_pgd > 0
    assert 50 < withstood.sum() < 150
    assert (by_apgd[~withstood] <= 0).all()
    higher = (by_apgd - by_pgd)[withstood] / (y * double(x))[withstood]
    assert (higher.max() < 0.01) & ((higher < 1e-6).mean() > 0.95)


def test_the_projection_is_the_nearest_point() -> None:
    """Of many points in the ball and the box none is nearer; what is inside stays where it is."""
    generator = np.random.default_rng(0)
    x, _ = random_examples(0, 40, 6)
    delta = generator.standard_normal(x.shape)
    nearest = project(delta, x, EPS)
    np.testing.assert_allclose(project(nearest, x, EPS), nearest, atol=1e-15)
    others = EPS * generator.standard_normal((5000, *x.shape))
    others = project(np.concatenate([others, nearest + 1e-3 * others]).reshape(-1, 6), np.tile(x, (10000, 1)), EPS)
    distances = np.linalg.norm(others.reshape(10000, *x.shape) - delta, axis=2)
    assert (distances.min(0) >= np.linalg.norm(nearest - delta, axis=1) - 1e-12).all()


def test_the_checkpoints_are_the_paper_s() -> None:
    """p_0 = 0, p_1 = 0.22, and p_j + max(p_j − p_(j−1) − 0.03, 0.06) after them, of 100 steps."""
    for (before, now), after in zip(pairwise(CHECKPOINTS), CHECKPOINTS[2:], strict=False):
        assert after == min(now + max(now - before - 3, 6), 100)
    assert CHECKPOINTS[:2] == (0, 22)
