"""What the functions of api.py are given: arrays of NumPy's or torch's, networks of either kind, splits; checked."""

import math
from typing import TYPE_CHECKING

import numpy as np

from lazyadv.data import Split
from lazyadv.errors import UserError
from lazyadv.module import network_of
from lazyadv.networks.network import Array, Network, to_numpy

if TYPE_CHECKING:
    import torch


class InputError(UserError):
    """A function was given what it cannot work with; the message says which argument, and why."""


def network_for(network: "Network | torch.nn.Module", shape: tuple[int, ...], kind: type[np.floating]) -> Network:
    """The network on the CPU, for examples of that shape, in that kind of floats if it is made of a module.

    Raises:
        InputError: it takes examples of another dimension.
        ModuleError: it is no network of this project's, nor a module that computes one.
    """
    if not isinstance(network, Network):
        return network_of(network, shape, kind)
    if network.w.shape[1] != math.prod(shape):
        raise InputError(f"x: has {math.prod(shape)} numbers an example, but the network takes {network.w.shape[1]}")
    return network


def labelled(x: Array, y: Array) -> tuple[np.ndarray, np.ndarray]:
    """Examples as rows (n, d), and their labels as ±1 (n,), in float32.

    Raises:
        InputError: x or y cannot be, or their lengths differ.
    """
    flat, signs = rows(x).astype(np.float32), _signs(y)
    if len(signs) != len(flat):
        raise InputError(f"y: has {len(signs)} labels for {len(flat)} examples")
    return flat, signs


def require_sound(split: Split) -> None:
    """Refuse what would train without a word, to something else than was meant.

    Raises:
        InputError: it is no Split; an array is of another type or shape than data.Split says, or not finite.
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


def rows(x: Array) -> np.ndarray:
    """Examples as rows of NumPy's: (n, …) -> (n, d).

    Raises:
        InputError: x is no array, or not of floats, or has a single axis, or is not finite.
    """
    found = _numpy(x)
    if found.ndim < 2 or found.dtype.kind != "f":
        raise InputError(f"x: should be floats of shape (n, …), not {found.dtype} of shape {found.shape}")
    if not np.isfinite(found).all():
        raise InputError("x: is not finite")
    return found.reshape(len(found), math.prod(found.shape[1:]))


def _signs(y: Array) -> np.ndarray:
    """Labels as ±1: (n,)."""
    found = _numpy(y)
    values = set(np.unique(found).tolist())
    if found.ndim != 1 or not (values <= {-1, 1} or values <= {0, 1}):
        raise InputError("y: should be labels of shape (n,), either −1 and 1 or 0 and 1")
    return np.where(found > 0, 1, -1).astype(np.float32)


def _numpy(x: Array) -> np.ndarray:
    if not (isinstance(x, np.ndarray) or hasattr(x, "detach")):
        raise InputError(f"a {type(x).__name__} is neither an array of NumPy's nor a tensor of torch's")
    try:
        return x if isinstance(x, np.ndarray) else to_numpy(x.detach())
    except TypeError as error:  # NumPy has no bfloat16
        raise InputError(f"a tensor of {x.dtype} has no counterpart among NumPy's arrays: {error}") from None


def like(x: Array, values: Array) -> Array:
    """The values as x: NumPy's of its type, or torch's on its device."""
    if isinstance(x, np.ndarray):
        return values.astype(x.dtype)
    import torch

    return torch.as_tensor(values).to(x)
