"""What the functions of api.py are given, checked: numbers, examples and labels, networks of either kind, splits.

Of a module of torch's, f is the output or, of two, the second less the first; so the logistic loss of f with labels ±1
is the cross-entropy of the two with labels 0 and 1.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, create_model
from pydantic_core import to_jsonable_python

from lazyadv.data import Split
from lazyadv.errors import UserError
from lazyadv.models import Strict, checked
from lazyadv.networks.network import Array, Network, rows

if TYPE_CHECKING:
    import torch

KIND = "Linear -> ReLU -> Linear with one output or two"
PROBES = 64
MOST_WEIGHTS = 100_000_000
LOST = 6e-8  # by float32's rounding, in [0, 1]
ROUNDING = 1e-9  # relative; of sums in float64
EPSILON = 1e-15  # of a single sum of two

Length = Annotated[float, Field(gt=0, le=1e6)]


class InputError(UserError):
    """A function was given what it cannot work with; the message says which argument, and why."""


def asked(where: str, **values: tuple[Any, Any]) -> list[Any]:
    """Values by name, each with the type that it should be of, checked.

    Raises:
        ParamsError: one of them cannot be; `where` begins the line.
    """
    fields: dict[str, Any] = {name: (kind, ...) for name, (_, kind) in values.items()}
    model = create_model("Asked", __base__=Strict, **fields)
    found = checked(model, plain({name: value for name, (value, _) in values.items()}), where)
    return [getattr(found, name) for name in values]


def require_room(weights: int) -> None:
    """Refuse a network that nobody means."""
    if weights > MOST_WEIGHTS:
        raise InputError(f"a network of {weights:,} weights is too large; {MOST_WEIGHTS:,} are the most")


def plain(value: Any) -> Any:
    """The value with Python's numbers for NumPy's, also within a dict, list or tuple."""
    return to_jsonable_python(value, fallback=lambda each: each.item() if isinstance(each, np.generic) else repr(each))


class Given:
    """A network and the examples that it is to be used at.

    Attributes:
        network: in float64, on the CPU.
        x: (n, d), of the type that the examples came in.
    """

    def __init__(self, network: "Network | torch.nn.Module", x: Array) -> None:
        """Read the network, and compare a module with what was read: at random points, and at x.

        How a module is written does not matter: it may flatten its input, or have a Dropout in eval mode.

        Args:
            x: (n, …).

        Raises:
            InputError: x is no array of finite floats, or the network is of another kind or for other examples.
        """
        found = _numpy("x", x)
        if found.ndim < 2 or not found.size or found.dtype.kind != "f" or not np.isfinite(found).all():
            raise InputError(
                f"x: should be finite floats of shape (n, …), n > 0, not {found.dtype} of shape {found.shape}"
            )
        self._like, self._shape, self.x = x, found.shape, found.reshape(len(found), -1)
        self._module: Any
        self._module, read = (None, network) if isinstance(network, Network) else _read(network)
        w, b, v = (_numpy("network", part) for part in (read.w, read.b, read.v))
        shapes = f"(m, {self.x.shape[1]}), (m,), (m,) and (), m > 0"
        wanted = f"network: w, b, v and c should be real and finite, of shapes {shapes}"
        if not b.size or [w.shape, b.shape, v.shape] != [(b.size, self.x.shape[1]), (b.size,), (b.size,)]:
            raise InputError(f"{wanted}; the first three are of {w.shape}, {b.shape} and {v.shape}")
        real = all(part.dtype.kind in "biuf" for part in (w, b, v))
        number = real and isinstance(read.c, int | float | np.integer | np.floating)
        if not number or not all(np.isfinite(part).all() for part in (w, b, v, read.c)):
            raise InputError(wanted)
        self.network = Network(w, b, v, read.c).double()
        self.compare(_probes(self.network))
        self.compare(self.x)

    def signs(self, y: Array) -> np.ndarray:
        """Labels (n,), ±1 or 0 and 1, as ±1 in float32.

        Raises:
            InputError: they are others, or more or fewer than the examples.
        """
        found, n = _numpy("y", y), len(self.x)
        if found.shape != (n,) or not any(np.isin(found, values).all() for values in ([-1, 1], [0, 1])):
            raise InputError(f"y: should be {n} labels, either −1 and 1 or 0 and 1; it is of shape {found.shape}")
        return np.where(found > 0, 1, -1).astype(np.float32)

    def require_attackable(self, eps: float, step: float) -> None:
        """See that x lies in the box, and that steps of that length move it.

        Raises:
            InputError: it does not, or float32 would lose them.
        """
        if self.x.min() < 0 or self.x.max() > 1:
            raise InputError("x: is not within [0, 1], the box of the attack")
        if min(step, eps) < (least := LOST * math.sqrt(self.x.shape[1])):
            raise InputError(
                f"attack: steps of {step:.3g} within {eps:.3g} are lost in float32; give {least:.1g} or more"
            )

    def like(self, values: np.ndarray) -> Array:
        """The values as the examples came: NumPy's, or torch's on their device."""
        if isinstance(self._like, np.ndarray):
            return values
        import torch

        return torch.as_tensor(values, device=self._like.device)

    def compare(self, points: np.ndarray) -> None:
        """See that a module computes at points (n, …) what was read from it, in float64.

        Raises:
            InputError: it does not, as where an activation saturates that elsewhere is a ReLU.
        """
        for x in rows(points.reshape(len(points), -1).astype(np.float64)) if self._module is not None else ():
            import torch

            with refusing("network: cannot be called"), torch.no_grad():
                outputs = self._module(torch.from_numpy(x.reshape(-1, *self._shape[1:]))).numpy().reshape(len(x), -1)
            net = self.network
            size = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(net.w, axis=1) + np.abs(net.b)
            near = net.hidden(x) > -ROUNDING * size  # on, or so near that rounding may turn it on
            error = ROUNDING * ((near * size) @ np.abs(net.v) + abs(net.c)) + EPSILON * np.abs(outputs).sum(1)
            if not (np.abs(_f(outputs.T) - net(x)) <= error).all():
                raise InputError(f"network: computes something else than {KIND}; or it is in train mode: call eval()")


def _read(module: "torch.nn.Module") -> tuple[Any, Network]:
    """A module's copy on the CPU in float64, beyond float32's rounding; and the network of its two Linear layers."""
    import torch

    if not isinstance(module, torch.nn.Module):
        raise InputError(f"network: should be a Network or a torch.nn.Module, not {type(module).__name__}")
    with refusing("network: its weights should be plain parameters (prune.remove, remove_weight_norm)"):
        copy = deepcopy(module).cpu().double()
    layers = [part for part in copy.modules() if isinstance(part, torch.nn.Linear)]
    if len(layers) != 2 or layers[1].out_features > 2:
        shapes = ", ".join(f"{each.in_features} -> {each.out_features}" for each in layers)
        raise InputError(f"network: should be {KIND}; its Linear layers are {shapes or 'none'}")
    w, v = (each.weight.detach().numpy() for each in layers)
    b, c = (np.zeros(each.out_features) if each.bias is None else each.bias.detach().numpy() for each in layers)
    return copy, Network(w, b, _f(v), float(_f(c)))


def _f(outputs: np.ndarray) -> np.ndarray:
    """f of a module's one output or two: (1 or 2, …) -> (…)."""
    return np.diff(outputs, axis=0, prepend=0)[-1]


def _probes(network: Network) -> np.ndarray:
    """Points so far out that every neuron is off at some and on at others: (PROBES, d)."""
    lengths = np.linalg.norm(network.w, axis=1)
    farthest = 1 + np.max(np.abs(network.b) / np.where(lengths > 0, lengths, np.inf))
    directions = np.random.default_rng(0).standard_normal((PROBES, network.w.shape[1]))
    return np.geomspace(1, farthest, PROBES)[:, None] * directions


def _numpy(name: str, x: Array) -> np.ndarray:
    if isinstance(x, np.ma.MaskedArray) or not (isinstance(x, np.ndarray) or hasattr(x, "detach")):
        raise InputError(f"{name}: a {type(x).__name__} is neither a plain array of NumPy's nor a tensor of torch's")
    with refusing(f"{name}: {x.dtype} cannot be an array of NumPy's"):  # as bfloat16, and a meta tensor
        return np.asarray(x if isinstance(x, np.ndarray) else x.detach().cpu())


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Say in one line what torch refuses."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise InputError(f"{what}: {(str(error).strip() or type(error).__name__).splitlines()[0]}") from None


def require_fitting(split: Split, dimension: int) -> None:
    """Refuse what would train without a word, to something else than was meant.

    Raises:
        InputError: an array is of another type or shape than data.Split says, or not finite; or its examples have not
            `dimension` numbers.
    """
    if not isinstance(split, Split):
        raise InputError(f"split: should be a Split, not {type(split).__name__}")
    for part, x, y in (("train", split.x_train, split.y_train), ("test", split.x_test, split.y_test)):
        shaped = len(x) and x.shape == (len(x), dimension) and y.shape == (len(x),) and x.dtype == y.dtype == np.float32
        if not shaped or not np.isfinite(x).all() or not np.isin(y, [-1, 1]).all():
            raise InputError(
                f"split: x_{part} should be finite, of shape (n, {dimension}), n > 0, and y_{part} −1 or 1, of shape "
                f"(n,), both float32; not {x.dtype} of shape {x.shape} and {y.dtype} of shape {y.shape}"
            )
