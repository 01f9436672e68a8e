"""The lazy attack as a class of foolbox's, in place of its L2 PGD where the model is a two-layer ReLU network."""

import inspect
from typing import Any

import eagerpy
import foolbox
import numpy as np
import torch
from foolbox.attacks.base import FixedEpsilonAttack, T, get_criterion, raise_if_kwargs

from lazyadv.api import InputError, attack
from lazyadv.module import first_line, network_of, require_same
from lazyadv.networks.network import Network


class LazyPGD(FixedEpsilonAttack):
    """L2 projected gradient descent by the lazy kernel, called as foolbox's L2ProjectedGradientDescentAttack is.

    The model is a foolbox.PyTorchModel of a module that is Linear -> ReLU -> Linear with two outputs (lazyadv/module.py
    says how it may be written). Bounds other than (0, 1) and preprocessing by mean and std are allowed. A step clips to
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
        """As foolbox's attacks are called; what is wrong with model or inputs is said in one line."""
        _require_within(model, eagerpy.astensor(inputs))
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
        if not isinstance(model, foolbox.PyTorchModel):
            raise InputError(f"model: should be a foolbox.PyTorchModel, not {type(model).__name__}")
        x, restore_type = eagerpy.astensor_(inputs)
        _require_within(model, x)
        if epsilon == 0:
            return inputs
        module, network = read(model, x)
        lower, upper = model.bounds
        within = ((x.raw.detach() - lower) / (upper - lower)).clip(0, 1)
        step = self.rel_stepsize * epsilon if self.abs_stepsize is None else self.abs_stepsize
        eps, step = epsilon / (upper - lower), step / (upper - lower)
        delta = attack(folded(model, network, x[:1]), within, _labels(criterion), eps, self.steps, step)
        moved = (x + (upper - lower) * eagerpy.astensor(delta)).clip(lower, upper)
        require_same(module, network, _prepared(model, moved))
        return restore_type(moved)


def read(model: foolbox.PyTorchModel, x: eagerpy.Tensor) -> tuple[torch.nn.Module, Network]:
    """The model's module, and the network that it computes on the inputs as the model prepares them.

    Raises:
        UserError: the model is of another kind.
    """
    if model._preprocess_args[2] is not None:
        raise InputError("model: LazyPGD has no preprocessing with flip_axis")
    try:
        shape = tuple(model(x[:1]).shape)
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise InputError(f"model: cannot be called with x, {x.dtype}: {first_line(error)}") from None
    if shape != (1, 2):
        raise InputError(f"model: should have two outputs, not an output of shape {shape}")
    prepared = _prepared(model, x)
    if not np.isfinite(prepared).all():
        raise InputError("model: its preprocessing makes x infinite or NaN; look for zeros in std")
    module = inspect.getclosurevars(model._model).nonlocals["model"]  # foolbox keeps it there alone
    return module, network_of(module, prepared)


def folded(model: foolbox.PyTorchModel, network: Network, example: eagerpy.Tensor) -> Network:
    """The network on inputs scaled from the model's bounds to [0, 1]; `example` is one input (1, …).

    That scaling and the model's preprocessing are affine in each number, so they go into the hidden layer.
    """
    zeros = example * 0
    lower, upper = (_prepared(model, zeros + end).ravel() for end in model.bounds)
    return Network(network.w * (upper - lower), network.b + network.w @ lower, network.v, network.c)


def _prepared(model: foolbox.PyTorchModel, x: eagerpy.Tensor) -> np.ndarray:
    """What the model's module is called with, in float64."""
    prepared: np.ndarray = model._preprocess(x).numpy().astype(np.float64)
    return prepared


def _require_within(model: foolbox.Model, x: eagerpy.Tensor) -> None:
    """Refuse bounds and inputs of which foolbox says no more than that an assertion failed."""
    lower, upper = model.bounds
    if not -np.inf < lower < upper < np.inf:
        raise InputError(f"model: its bounds ({lower}, {upper}) should be finite, the lower before the upper")
    if not (len(x) and (x.raw >= lower).all() and (x.raw <= upper).all()):
        raise InputError(f"x: has no example, or is not within the model's bounds ({lower}, {upper})")


def _labels(criterion: Any) -> Any:
    """The labels, 0 and 1, whose loss is to grow."""
    match get_criterion(criterion):
        case foolbox.criteria.Misclassification(labels=labels):
            return labels.raw
        case foolbox.criteria.TargetedMisclassification(target_classes=classes):
            return 1 - classes.raw
    raise InputError("criterion: should be labels, or foolbox's Misclassification or TargetedMisclassification")
