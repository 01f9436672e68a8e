"""A two-layer module of torch's as this project's network.

f is the module's output or, of two, the second less the first; so the logistic loss of f with labels ±1 is the
cross-entropy of the two with labels 0 and 1.
"""

import itertools
import math
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from lazyadv.errors import UserError
from lazyadv.networks.network import Network

if TYPE_CHECKING:
    import torch

KIND = "Linear -> ReLU -> Linear with one output or two"
PROBES = 64
ROUNDING = 1e-9  # relative; in float64


class ModuleError(UserError):
    """A torch module is no network of this kind; the message says why."""


def network_of(module: "torch.nn.Module", shape: tuple[int, ...], kind: type[np.floating]) -> Network:
    """The network that a module computes on examples of that shape, d numbers in all; a copy, of that kind of floats.

    The module's weights are those of its two Linear layers. How it is written does not matter, for what it computes
    is compared with the network at random points: so it may flatten its input, or have a Dropout in eval mode.

    Raises:
        ModuleError: it computes something else.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ModuleError(f"network: should be a Network or a torch.nn.Module, not {type(module).__name__}")
    copy = deepcopy(module).cpu().double()  # in which the two agree far beyond float32's rounding
    hidden, outer = _layers(copy, math.prod(shape))
    w, v = hidden.weight.detach().numpy(), outer.weight.detach().numpy()
    b, c = (np.zeros(len(each.weight)) if each.bias is None else each.bias.detach().numpy() for each in (hidden, outer))
    network = Network(w, b, _second_less_first(v), float(_second_less_first(c)))
    _require_same(copy, network, shape)
    return Network(network.w.astype(kind), network.b.astype(kind), network.v.astype(kind), network.c)


def _layers(module: "torch.nn.Module", dimension: int) -> "tuple[torch.nn.Linear, torch.nn.Linear]":
    """The two Linear layers, which fit each other and the examples, and beside which nothing has numbers of its own."""
    import torch

    layers = [part for part in module.modules() if isinstance(part, torch.nn.Linear)]
    if len(layers) != 2:
        raise ModuleError(f"the module has {len(layers)} Linear layers; it should be {KIND}")
    known = {id(tensor) for layer in layers for tensor in layer.parameters()}
    tensors = itertools.chain(module.named_parameters(), module.named_buffers())
    if others := [name for name, tensor in tensors if id(tensor) not in known]:
        raise ModuleError(f"the module has {', '.join(others)} beside its two Linear layers; it should be {KIND}")
    hidden, outer = layers
    if outer.in_features != hidden.out_features or outer.out_features not in (1, 2):
        shapes = " and ".join(f"{layer.in_features} -> {layer.out_features}" for layer in layers)
        raise ModuleError(f"the module's Linear layers are {shapes}; it should be {KIND}")
    if hidden.in_features != dimension:
        raise ModuleError(f"the module takes {hidden.in_features} numbers, but an example has {dimension}")
    return hidden, outer


def _require_same(module: "torch.nn.Module", network: Network, shape: tuple[int, ...]) -> None:
    """See that module and network agree at points so far out that every neuron is off at some and on at others."""
    import torch

    norms = np.sqrt((network.w**2).sum(1))
    farthest = 1 + np.max(np.abs(network.b) / np.where(norms > 0, norms, np.inf), initial=0)
    directions = np.random.default_rng(0).standard_normal((PROBES, network.w.shape[1]))
    points = np.geomspace(1, farthest, PROBES)[:, None] * directions
    try:
        with torch.no_grad():
            outputs = module(torch.from_numpy(points.reshape(PROBES, *shape))).numpy().reshape(PROBES, -1)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:  # the last: it gives no tensor
        raise ModuleError(f"the module cannot be called: {str(error).partition(chr(10))[0]}") from None
    f = _second_less_first(outputs.T)
    size = network.hidden(points).clip(0) @ np.abs(network.v) + abs(network.c)
    if not (np.abs(f - network(points)) <= ROUNDING * (size + 1e-30)).all():
        raise ModuleError(f"the module computes something else than {KIND}; or it is in train mode: call eval()")


def _second_less_first(outputs: np.ndarray) -> np.ndarray:
    """Of two outputs; the output, where there is one: (1 or 2, …) -> (…)."""
    return outputs[-1] - outputs[0] if len(outputs) == 2 else outputs[0]
