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
from lazyadv.networks.network import Network, rows

if TYPE_CHECKING:
    import torch

KIND = "Linear -> ReLU -> Linear with one output or two"
PROBES = 64
ROUNDING = 1e-9  # relative; in float64
LARGE = 1e300  # that float64 still adds to


class ModuleError(UserError):
    """A torch module, or a Network, is not one of this kind; the message says why."""


def network_of(module: "torch.nn.Module", examples: np.ndarray) -> Network:
    """The network that a module computes on examples (n, …), d numbers each; a copy, in float64.

    The module's weights are those of its two Linear layers. How it is written does not matter, for what it computes
    is compared with the network at random points, and at the examples: so it may flatten its input, or have a Dropout
    in eval mode.

    Raises:
        ModuleError: it computes something else.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ModuleError(f"network: should be a Network or a torch.nn.Module, not {type(module).__name__}")
    shape = examples.shape[1:]
    hidden, outer = _layers(_in_double(module), math.prod(shape))
    w, v = hidden.weight.detach().numpy(), outer.weight.detach().numpy()
    b, c = (np.zeros(len(each.weight)) if each.bias is None else each.bias.detach().numpy() for each in (hidden, outer))
    network = Network(w, b, _second_less_first(v), float(_second_less_first(c)))
    require_network(network)
    require_same(module, network, _probes(network).reshape(-1, *shape))
    require_same(module, network, examples)
    return network


def require_same(module: "torch.nn.Module", network: Network, examples: np.ndarray) -> None:
    """See that module and network agree at the examples (n, …), in float64.

    Raises:
        ModuleError: they do not, as where an activation saturates that elsewhere is a ReLU.
    """
    import torch

    copy = _in_double(module)
    for points in rows(examples.astype(np.float64)) if len(examples) else ():
        try:
            with torch.no_grad():
                outputs = copy(torch.from_numpy(points)).numpy().reshape(len(points), -1)
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:  # the last: it gives no tensor
            raise ModuleError(f"the module cannot be called: {first_line(error)}") from None
        f, size = _with_size(network, points.reshape(len(points), -1))
        if not (np.abs(_second_less_first(outputs.T) - f) <= ROUNDING * size).all():
            raise ModuleError(f"the module computes something else than {KIND}; or it is in train mode: call eval()")


def require_network(network: Network) -> None:
    """Refuse arrays that are no network, or one that float32 cannot hold.

    Raises:
        ModuleError: w, b or v is of another shape, or there is no neuron; a number is not finite in float32,
            or all of an array vanish there.
    """
    width = len(network.w) if network.w.ndim == 2 else 0
    if not width or network.b.shape != (width,) or network.v.shape != (width,):
        shapes = f"{network.w.shape}, {network.b.shape} and {network.v.shape}"
        raise ModuleError(f"network: w, b, v should be of shapes (m, d), (m,) and (m,), m > 0, not {shapes}")
    for name, part in (("w", network.w), ("b", network.b), ("v", network.v)):
        with np.errstate(over="ignore"):
            single = part.astype(np.float32)
        if not np.isfinite(single).all() or single.any() != part.any():
            raise ModuleError(f"network: {name} should be finite, and within what float32 can hold")
    if not abs(network.c) <= LARGE:
        raise ModuleError("network: c should be finite")


def _in_double(module: "torch.nn.Module") -> "torch.nn.Module":
    """A copy on the CPU in float64, where it and the network agree far beyond float32's rounding."""
    try:
        return deepcopy(module).cpu().double()
    except (RuntimeError, ValueError, TypeError) as error:  # not plain weights: pruned, weight-normed, meta, lazy
        raise ModuleError(
            f"the module cannot be copied: {first_line(error)} (its weights should be plain parameters, as "
            "torch.nn.utils.prune.remove and remove_weight_norm leave them)"
        ) from None


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


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


def _probes(network: Network) -> np.ndarray:
    """Points so far out that every neuron is off at some and on at others: (PROBES, d)."""
    norms = np.sqrt((network.w**2).sum(1))
    farthest = 1 + np.max(np.abs(network.b) / np.where(norms > 0, norms, np.inf), initial=0)
    directions = np.random.default_rng(0).standard_normal((PROBES, network.w.shape[1]))
    return np.geomspace(1, farthest, PROBES)[:, None] * directions


def _with_size(network: Network, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f, and the size of the numbers that it is summed from, to which its rounding is relative: (n,) each."""
    z, size = network.hidden(points), sizes(network, points)
    near = z > -ROUNDING * size  # on, or so near that rounding may turn it on
    return z.clip(0) @ network.v + network.c, (near * size) @ np.abs(network.v) + abs(network.c)


def sizes(network: Network, points: np.ndarray) -> np.ndarray:
    """How large each preactivation could be at points of the same length: (n, d) -> (n, m)."""
    return np.linalg.norm(points, axis=1)[:, None] * np.linalg.norm(network.w, axis=1) + np.abs(network.b)


def _second_less_first(outputs: np.ndarray) -> np.ndarray:
    """Of two outputs; the output, where there is one: (1 or 2, …) -> (…)."""
    return outputs[-1] - outputs[0] if len(outputs) == 2 else outputs[0]
