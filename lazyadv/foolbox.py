"""The lazy attack as a class of foolbox's, in place of its L2 PGD where the model is a two-layer ReLU network."""

import inspect
from typing import Any

import eagerpy
import foolbox
import numpy as np
from foolbox.attacks.base import FixedEpsilonAttack, T, get_criterion, raise_if_kwargs

from lazyadv.api import attack
from lazyadv.inputs import Given, InputError, refusing
from lazyadv.networks.network import Network


class LazyPGD(FixedEpsilonAttack):
    """L2 projected gradient descent by the lazy kernel, called as foolbox's L2ProjectedGradientDescentAttack is.

    The model is a foolbox.PyTorchModel of a module that is Linear -> ReLU -> Linear with two outputs (however it
    is written). Bounds other than (0, 1) and preprocessing by mean and std are allowed. A step clips to
    the bounds and then scales back to ε, as docs/protocols.md, step 10; foolbox does it the other way round. On a GPU
    the attack is dense.

    Args:
        rel_stepsize: length of a step, relative to ε.
        abs_stepsize: length of a step, in place of that.
        steps: how many.
        random_start: there is none; for calls that say so.
    """

    distance = foolbox.distances.l2

    def __init__(
        self,
        *,
        rel_stepsize: float = 0.025,
        abs_stepsize: float | None = None,
        steps: int = 50,
        random_start: bool = False,
    ) -> None:
        if random_start:
            raise InputError("random_start: LazyPGD starts at the input; say random_start=False")
        self.rel_stepsize = rel_stepsize
        self.abs_stepsize = abs_stepsize
        self.steps = steps

    def __call__(self, model: foolbox.Model, inputs: T, criterion: Any, *, epsilons: Any, **kwargs: Any) -> Any:  # type: ignore[misc]
        """As foolbox's attacks are called."""
        x, (lower, upper) = eagerpy.astensor(inputs).raw, model.bounds
        if not (len(x) and (x >= lower).all() and (x <= upper).all()):  # foolbox says that an assertion failed
            raise InputError(f"x: has no example, or is not within the model's bounds ({lower}, {upper})")
        return super().__call__(model, inputs, criterion, epsilons=epsilons, **kwargs)

    def run(self, model: foolbox.Model, inputs: T, criterion: Any, *, epsilon: float, **kwargs: Any) -> T:
        """The perturbed inputs, at most ε from them.

        Args:
            inputs: within the model's bounds.
            criterion: labels (n,), 0 and 1, or foolbox's Misclassification or TargetedMisclassification of such.

        Raises:
            UserError: the model is of another kind, or something else cannot be.
        """
        raise_if_kwargs(kwargs)
        if epsilon == 0:
            return inputs
        x, restore_type = eagerpy.astensor_(inputs)
        given, (lower, upper) = _given(model, x), model.bounds
        scale = upper - lower
        step = self.rel_stepsize * epsilon if self.abs_stepsize is None else self.abs_stepsize
        # the scaling of bounds and preprocessing is affine in each number, so it goes into the hidden layer
        dark, light = (_prepared(model, x[:1] * 0 + end).ravel() for end in model.bounds)
        found = given.network
        network = Network(found.w * (light - dark), found.b + found.w @ dark, found.v, found.c)
        within = ((x.raw.detach() - lower) / scale).clip(0, 1)
        delta = attack(network, within, _labels(criterion), epsilon / scale, self.steps, step / scale)
        moved = (x + scale * eagerpy.astensor(delta)).clip(lower, upper)
        given.compare(_prepared(model, moved))
        return restore_type(moved)


def _given(model: foolbox.Model, x: eagerpy.Tensor) -> Given:
    """The model's module, at the inputs as the model prepares them."""
    if not isinstance(model, foolbox.PyTorchModel) or model._preprocess_args[2] is not None:
        raise InputError("model: should be a foolbox.PyTorchModel, without flip_axis in its preprocessing")
    with refusing(f"model: cannot be called with x, {x.dtype}"):
        shape = tuple(model(x[:1]).shape)
    if shape != (1, 2):
        raise InputError(f"model: should have two outputs, not an output of shape {shape}")
    module = inspect.getclosurevars(model._model).nonlocals["model"]  # foolbox keeps it there alone
    return Given(module, _prepared(model, x))


def _prepared(model: Any, x: eagerpy.Tensor) -> np.ndarray:
    """What the model's module is called with, in float64."""
    return np.asarray(model._preprocess(x).numpy(), np.float64)


def _labels(criterion: Any) -> Any:
    """The labels, 0 and 1, whose loss is to grow."""
    match get_criterion(criterion):
        case foolbox.criteria.Misclassification(labels=labels):
            return labels.raw
        case foolbox.criteria.TargetedMisclassification(target_classes=classes):
            return 1 - classes.raw
    raise InputError("criterion: should be labels, or foolbox's Misclassification or TargetedMisclassification")
