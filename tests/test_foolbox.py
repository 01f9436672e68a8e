"""The lazy attack as a class of foolbox's, against foolbox's own L2PGD.

A neuron whose preactivation is zero up to rounding may fall to either side, and from there the two go different ways:
so of 200 inputs two may end apart.
"""

from typing import Any, NamedTuple

import foolbox
import numpy as np
import pytest
import torch
from conftest import ROOT, random_network

from lazyadv import api
from lazyadv.errors import UserError
from lazyadv.foolbox import LazyPGD
from lazyadv.networks.network import Network

STEPS: dict[str, Any] = {"rel_stepsize": 0.1, "steps": 40}
L2PGD = foolbox.attacks.L2ProjectedGradientDescentAttack


class ClipsFirst(L2PGD):
    """foolbox's own, in this project's order: clip to the bounds, then scale back to ε."""

    def __init__(self, lower: float = 0, upper: float = 1) -> None:
        super().__init__(random_start=False, **STEPS)
        self.bounds = lower, upper

    def project(self, x: Any, x0: Any, epsilon: float) -> Any:
        return super().project(x.clip(*self.bounds), x0, epsilon)


def module_of(network: Network) -> torch.nn.Sequential:
    """With the logits 1 ∓ f/2."""
    width, dimension = network.w.shape
    module = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(dimension, width), torch.nn.ReLU(), torch.nn.Linear(width, 2)
    )
    v, c = torch.from_numpy(network.v), torch.tensor(network.c)
    values = (network.w, network.b, torch.stack([-v, v]) / 2, 1 + torch.stack([-c, c]) / 2)
    for parameter, value in zip(module.parameters(), values, strict=True):
        parameter.data = torch.as_tensor(value)
    return module.eval()


def model_of(network: Network, bounds: tuple[float, float] = (0, 1), **preprocessing: Any) -> foolbox.PyTorchModel:
    return foolbox.PyTorchModel(module_of(network), bounds, "cpu", preprocessing or None)


def apart(ours: torch.Tensor, theirs: torch.Tensor, eps: float) -> int:
    """How many inputs two attacks move to places more than a thousandth of ε apart."""
    return int(((ours - theirs).flatten(1).norm(dim=1) > 1e-3 * eps).sum())


class Digits(NamedTuple):
    model: foolbox.PyTorchModel
    network: Network
    images: torch.Tensor
    labels: torch.Tensor


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Images of 10×10, and a network trained on them for three epochs."""
    split = api.digits((0, 1), size=10).normalized()
    run = api.run("quick", "advtrain", ROOT, width=300, size=10, C0=10, eps=0.34, seed=0, T=3)
    network = api.train(run, split).network
    images = torch.from_numpy(split.x_test).reshape(-1, 1, 10, 10)
    return Digits(model_of(network), network, images, torch.from_numpy(split.y_test > 0).long())


@pytest.mark.parametrize("criterion", [foolbox.criteria.Misclassification, foolbox.criteria.TargetedMisclassification])
def test_within_the_box_it_does_what_l2pgd_does(criterion: type[Any]) -> None:
    """From greys around a half, from where ε = 0.3 leads to no face of the box."""
    generator = torch.Generator().manual_seed(0)
    images, labels = 0.4 + 0.2 * torch.rand(200, 1, 5, 10, generator=generator), torch.arange(200) % 2
    model = model_of(random_network(0, 300, 50, 0.1)[1])
    for eps in (0.05, 0.3):
        ours, clipped, success = LazyPGD(**STEPS)(model, images, criterion(labels), epsilons=eps)
        theirs, _, their_success = L2PGD(random_start=False, **STEPS)(model, images, criterion(labels), epsilons=eps)
        assert apart(ours, theirs, eps) <= 2
        assert (success != their_success).sum() <= 1
        assert torch.allclose(clipped, ours, atol=1e-6)


def test_on_digits_it_does_what_l2pgd_does_that_clips_first(digits: Digits) -> None:
    for eps in (0.1, 0.3, 0.5):
        ours, _, success = LazyPGD(**STEPS)(digits.model, digits.images, digits.labels, epsilons=eps)
        theirs, _, their_success = ClipsFirst()(digits.model, digits.images, digits.labels, epsilons=eps)
        assert apart(ours, theirs, eps) <= 2
        assert (success != their_success).sum() <= 1
        assert ours.min() >= 0
        assert ours.max() <= 1


def test_on_digits_robust_accuracy_is_l2pgd_s(digits: Digits) -> None:
    """Up to two of the 200 digits, though the perturbations differ."""
    epsilons = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    _, _, success = LazyPGD(**STEPS)(digits.model, digits.images, digits.labels, epsilons=epsilons)
    _, _, theirs = L2PGD(random_start=False, **STEPS)(digits.model, digits.images, digits.labels, epsilons=epsilons)
    assert success.shape == (6, 200)
    assert (success.sum(1) - theirs.sum(1)).abs().max() <= 2
    assert success.sum(1)[0] < 20 < 150 < success.sum(1)[-1]


@pytest.mark.parametrize("axis", [-3, None])
def test_bounds_and_preprocessing_are_the_model_s(digits: Digits, axis: int | None) -> None:
    """Images from −2 to 4, which a mean and a deviation of the channel, or of each pixel, prepare for the module."""
    shape = (1,) if axis else (1, 10, 10)
    mean = torch.full(shape, -2.0) + (0 if axis else torch.linspace(0, 1, 10))
    std = torch.full(shape, 6.0) - (0 if axis else torch.linspace(0, 1, 10))
    model = model_of(digits.network, (-2, 4), mean=mean, std=std, axis=axis)
    images = 6 * digits.images - 2
    ours, _, success = LazyPGD(**STEPS)(model, images, digits.labels, epsilons=1.8)
    theirs, _, their_success = ClipsFirst(-2, 4)(model, images, digits.labels, epsilons=1.8)
    assert apart(ours, theirs, 1.8) <= 2
    assert (success != their_success).sum() <= 1


def test_what_it_cannot_do_it_says_in_one_line(digits: Digits) -> None:
    _, network, images, labels = digits
    one = foolbox.PyTorchModel(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(100, 1)).eval(), (0, 1), "cpu")
    wrapped = foolbox.models.TransformBoundsWrapper(digits.model, (0, 1))
    criterion = foolbox.criteria.Misclassification(labels)
    for model, wanted, said in (
        (one, labels, "two outputs"),
        (wrapped, labels, "PyTorchModel"),
        (model_of(network, flip_axis=-3), labels, "flip_axis"),
        (digits.model, criterion & criterion, "criterion"),
        (digits.model, labels + 3, "labels"),
    ):
        with pytest.raises(UserError, match=said) as error:
            LazyPGD().run(model, images, wanted, epsilon=0.1)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="random_start"):
        LazyPGD(random_start=True)


def test_what_cannot_be_attacked_is_said_in_one_line(digits: Digits) -> None:
    """Called as foolbox's attacks are."""
    model, network, images, _ = digits
    zeros = torch.tensor([1.0, 0.0])
    greys = torch.rand(10, 1, 10, 10) * 0.1 + 0.3
    flat, outer = np.full((30, 100), 0.15, np.float32), np.ones(30, np.float32)
    saturating = module_of(Network(flat, 0 * outer, outer, 0.0))
    saturating[2] = torch.nn.ReLU6()
    six = foolbox.PyTorchModel(saturating, (0, 1), "cpu")
    assert LazyPGD()(six, greys, torch.zeros(10), epsilons=0.1)[1].shape == greys.shape
    for attacked, inputs, eps, said in (
        (model, images.double(), 0.1, "cannot be called with x, torch.float64: "),
        (model, images.numpy(), 0.1, "cannot be called with x, float32: "),
        (model, images + 1, 0.1, "x: .* not within the model's bounds"),
        (model, images[:0], 0.1, "x: has no example"),
        (model_of(network, (1, 0)), images, 0.1, r"bounds \(1, 0\)"),
        (model_of(network, mean=zeros, std=zeros, axis=-1), images[..., :2], 0.1, "cannot be called"),
        (model_of(network, mean=zeros[1:], std=zeros[1:], axis=-3), images, 0.1, "x: should be finite"),
        (model, images, -0.1, "eps: .* greater than 0"),
        (model, greys, 1e-9, "lost in float32"),
        (six, greys + 0.5, 0.1, "something else"),
        (six, greys, 5, "something else"),
    ):
        with pytest.raises(UserError, match=said) as error:
            LazyPGD()(attacked, inputs, torch.zeros(len(inputs)), epsilons=eps)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("scale", [1e20, 1e-25])
def test_weights_beyond_float32_are_attacked_as_others(scale: float) -> None:
    images = 0.4 + 0.2 * torch.rand(20, 1, 5, 10, generator=torch.Generator().manual_seed(0))
    _, network = random_network(0, 300, 50, 0.1)
    expected = LazyPGD().run(model_of(network), images, torch.arange(20) % 2, epsilon=0.3)
    w, b, v = (part * np.float32(scale) for part in (network.w, network.b, network.v))
    other = model_of(Network(w, b, v, network.c * scale))
    ours = LazyPGD().run(other, images, torch.arange(20) % 2, epsilon=0.3)
    assert ours.isfinite().all()
    assert apart(ours, expected, 0.3) <= 1
