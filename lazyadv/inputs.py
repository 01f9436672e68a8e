"""What the functions of api.py are given: arrays of NumPy's or torch's, networks of either kind, splits; checked."""

import math
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from lazyadv.data import Split
from lazyadv.errors import UserError
from lazyadv.models import Count, Pair, Seed, Size, Strict
from lazyadv.module import first_line, network_of, require_network, sizes
from lazyadv.networks.attack import in_range, norms
from lazyadv.networks.network import Array, Network, rows, to_device, to_numpy

if TYPE_CHECKING:
    import torch


ROUNDING = 1e-6  # relative; of float32
MOST_WEIGHTS = 10**8  # of a network; drawing them takes 4 GB

Length = Annotated[float, Field(gt=0, le=1e6)]


class InputError(UserError):
    """A function was given what it cannot work with; the message says which argument, and why."""


class Digits(Strict):
    """What `digits` is asked for."""

    pair: Pair
    size: Size
    antialias: bool


class Start(Strict):
    """What `draw` is asked for."""

    seed: Seed
    examples: Count
    width: Count
    dimension: Count


class Attack(Strict):
    """What `attack` is asked for."""

    eps: Length
    steps: Count
    step: Length | None


def plain(**values: Any) -> dict[str, Any]:
    """The values by name, NumPy's numbers as Python's, also within a list or tuple."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def require_room(asked: str, width: int, dimension: int) -> None:
    """Refuse a network of more weights than the memory is likely to hold.

    Raises:
        InputError: it is.
    """
    if width * dimension > MOST_WEIGHTS:
        raise InputError(f"{asked}: {width} neurons of {dimension} numbers have more than {MOST_WEIGHTS:,} weights")


def network_for(network: "Network | torch.nn.Module", x: np.ndarray) -> Network:
    """The network on the CPU, for the examples x (n, …); in float64 if it is made of a module.

    Raises:
        InputError: it takes examples of another dimension, or has something else than arrays of floats.
        ModuleError: it is no network of this project's, nor a module that computes one at x.
    """
    if not isinstance(network, Network):
        return network_of(network, x)
    arrays = {name: _numpy(getattr(network, name)) for name in ("w", "b", "v")}
    if not isinstance(network.c, Real) or any(part.dtype.kind != "f" for part in arrays.values()):
        raise InputError("network: w, b and v should be arrays of floats, and c a number")
    found = replace(network, **arrays)
    require_network(found)
    if found.w.shape[1] != (dimension := math.prod(x.shape[1:])):
        raise InputError(f"x: has {dimension} numbers an example, but the network takes {found.w.shape[1]}")
    return found


def labelled(x: Array, y: Array) -> tuple[np.ndarray, np.ndarray]:
    """Examples as NumPy has them (n, …), and their labels as ±1 (n,), in float32.

    Raises:
        InputError: x or y cannot be, or their lengths differ.
    """
    examples, signs = floats(x), _signs(y)
    if len(signs) != len(examples):
        raise InputError(f"y: has {len(signs)} labels for {len(examples)} examples")
    return examples, signs


def require_moved(network: Network, x: np.ndarray, y: np.ndarray, delta: np.ndarray, step: float) -> None:
    """Refuse an attack that has left an example where it is for want of digits alone.

    Args:
        x, delta: (n, d).
        y: (n,), ±1.

    Raises:
        InputError: in float64 the first step goes somewhere.
    """
    still, double = np.flatnonzero(~delta.any(1)), network.double()
    if count := sum(int(_movable(double, x[part], y[part], step).sum()) for part in rows(still)):
        raise InputError(
            f"x: {count} of {len(x)} examples stay where they are, for float32 cannot hold the attack on them: "
            f"its step ({step:.3g}) is too short, or the network's weights are of too different sizes"
        )


def _movable(network: Network, x: np.ndarray, y: np.ndarray, step: float) -> np.ndarray:
    """Where a first step in float64, with an allowance for float32's rounding, goes anywhere: (n,) bool."""
    x = x.astype(np.float64)
    on = network.hidden(x) > ROUNDING * sizes(network, x)
    ascent = -y[:, None] * ((on * network.v) @ network.w)
    length, least = norms(ascent), ROUNDING * (on @ np.abs(network.v[:, None] * norms(network.w)))
    moved = norms((x + step * ascent / np.where(length > least, length, np.inf)).clip(0, 1) - x)
    return moved[:, 0] > 1e-3 * step


def on_device(network: Network, device: str) -> Network:
    """The network in float32 on one of torch's devices, for `pgd`."""
    found = in_range(network)
    w, b, v = (part.astype(np.float32) for part in (found.w, found.b, found.v))
    return to_device(Network(w, b, v, found.c), device)


def require_fitting(split: Split, dimension: int) -> None:
    """Refuse what would train without a word, to something else than was meant.

    Raises:
        InputError: it is no Split; an array is of another type or shape than data.Split says, or not finite; or its
            examples have not `dimension` numbers.
    """
    if not isinstance(split, Split):
        raise InputError(f"split: should be a Split, as `digits` gives it, not {type(split).__name__}")
    for part, x, y in (("train", split.x_train, split.y_train), ("test", split.x_test, split.y_test)):
        if not all(isinstance(each, np.ndarray) and each.dtype == np.float32 for each in (x, y)):
            raise InputError(f"split: x_{part} and y_{part} should be float32 arrays of NumPy's")
        if x.ndim != 2 or not len(x) or x.shape[1] != split.x_train.shape[1] or not np.isfinite(x).all():
            raise InputError(f"split: x_{part} should be finite, one row or more of {split.x_train.shape[1:]} numbers")
        if y.shape != (len(x),) or not set(np.unique(y).tolist()) <= {-1, 1}:
            raise InputError(f"split: y_{part} should have −1 or 1 for each of the {len(x)} rows of x_{part}")
    if split.x_train.shape[1] != dimension:
        raise InputError(
            f"split: has {split.x_train.shape[1]} numbers an example, but the run's size takes {dimension}"
        )


def floats(x: Array) -> np.ndarray:
    """Examples (n, …) as NumPy has them.

    Raises:
        InputError: x is no array, or not of floats, or has a single axis, or is not finite.
    """
    found = _numpy(x)
    if found.ndim < 2 or found.dtype.kind != "f":
        raise InputError(f"x: should be floats of shape (n, …), not {found.dtype} of shape {found.shape}")
    if not np.isfinite(found).all():
        raise InputError("x: is not finite")
    return found


def flat(x: np.ndarray) -> np.ndarray:
    """Examples as rows: (n, …) -> (n, d)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def _signs(y: Array) -> np.ndarray:
    """Labels as ±1: (n,)."""
    found = _numpy(y)
    values = set(np.unique(found).tolist())
    if found.ndim != 1 or not (values <= {-1, 1} or values <= {0, 1}):
        raise InputError("y: should be labels of shape (n,), either −1 and 1 or 0 and 1")
    return np.where(found > 0, 1, -1).astype(np.float32)


def _numpy(x: Array) -> np.ndarray:
    if isinstance(x, np.ma.MaskedArray) or not (isinstance(x, np.ndarray) or hasattr(x, "detach")):
        raise InputError(f"a {type(x).__name__} is neither a plain array of NumPy's nor a tensor of torch's")
    try:
        return np.asarray(x) if isinstance(x, np.ndarray) else to_numpy(x.detach())
    except (TypeError, RuntimeError) as error:  # NumPy has no bfloat16, and a meta tensor no numbers
        raise InputError(f"a tensor of {x.dtype} cannot be an array of NumPy's: {first_line(error)}") from None


def like(x: Array, values: Array) -> Array:
    """The values as x: NumPy's of its type, or torch's on its device."""
    if isinstance(x, np.ndarray):
        return values.astype(x.dtype)
    import torch

    return torch.as_tensor(values).to(x)
