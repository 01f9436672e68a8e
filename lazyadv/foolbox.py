"""The lazy attack as a class of foolbox's, in place of its L2 PGD where the model is a two-layer ReLU network."""

import inspect
from typing import Any

import eagerpy
import foolbox
import numpy as np
from foolbox.attacks.base import FixedEpsilonAttack, T, get_criterion, raise_if_kwargs, verify_input_bounds

from lazyadv.api import InputError, attack
from lazyadv.module import network_of
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

    def run(self, model: foolbox.Model, inputs: T, criterion: Any, *, epsilon: float, **kwargs: Any) -> T:
        """The perturbed inputs, at most ε from them.

        Args:
            inputs: within the model's bounds.
            criterion: labels (n,), 0 and 1, or foolbox's Misclassification or TargetedMisclassification of such.

        Raises:
            UserError: the model is of another kind, or something else cannot be.
        """
        raise_if_kwargs(kwargs)
        x, restore_type = eagerpy.astensor_(inputs)
        verify_input_bounds(x, model)
        if epsilon == 0:
            return inputs
        network = folded(model, x.raw[:1])
        lower, upper = model.bounds
        within = ((x.raw.detach() - lower) / (upper - lower)).clip(0, 1)
        step = self.rel_stepsize * epsilon if self.abs_stepsize is None else self.abs_stepsize
        eps, step = epsilon / (upper - lower), step / (upper - lower)
        delta = attack(network, within, _labels(criterion), eps, self.steps, step)
        return restore_type((x + (upper - lower) * eagerpy.astensor(delta)).clip(lower, upper))


def folded(model: foolbox.Model, example: Any) -> Network:
    """The network that a model computes on inputs scaled from its bounds to [0, 1]; `example` is one input (1, …).

    That scaling and the model's preprocessing are affine in each number, so they go into the hidden layer.

    Raises:
        UserError: the model is of another kind.
    """
    if not isinstance(model, foolbox.PyTorchModel):
        raise InputError(f"model: should be a foolbox.PyTorchModel, not {type(model).__name__}")
    if model._preprocess_args[2] is not None:
        raise InputError("model: LazyPGD has no preprocessing with flip_axis")
    if model(example).shape != (1, 2):
        raise InputError(f"model: should have two outputs, not an output of shape {tuple(model(example).shape)}")
    module = inspect.getclosurevars(model._model).nonlocals["model"]  # foolbox keeps it there alone
    network = network_of(module, tuple(example.shape[1:]), np.float64)
    zeros = eagerpy.astensor(example.detach()) * 0
    lower, upper = (model._preprocess(zeros + end).numpy().ravel().astype(np.float64) for end in model.bounds)
    w, b = network.w * (upper - lower), network.b + network.w @ lower
    return Network(w.astype(np.float32), b.astype(np.float32), network.v.astype(np.float32), network.c)


def _labels(criterion: Any) -> Any:
    """The labels, 0 and 1, whose loss is to grow."""
    match get_criterion(criterion):
        case foolbox.criteria.Misclassification(labels=labels):
            return labels.raw
        case foolbox.criteria.TargetedMisclassification(target_classes=classes):
            return 1 - classes.raw
    raise InputError("criterion: should be labels, or foolbox's Misclassification or TargetedMisclassification")
