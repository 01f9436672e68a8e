"""The two-layer ReLU network of the paper, its start, and f and ∇f in closed form.

f(x) = Σ_j v_j · relu(w_j·x + b_j) + c, with m hidden neurons and x in R^d. Only w and b are trained.
Arrays are NumPy's on a CPU and torch's on a GPU; what is written here with operators and methods that
both have runs on both.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from lazyadv.networks.draws import TorchStream

Array: TypeAlias = Any  # numpy.ndarray or torch.Tensor, float32 unless said
ROWS = 512  # examples at a time: the (rows, m) intermediates stay in the cache


@dataclass
class Network:
    """Hidden weights w (m, d) and biases b (m,), which training changes in place; outer v (m,) and c."""

    w: Array
    b: Array
    v: Array
    c: float

    def __call__(self, x: Array) -> Array:
        """f(x): (n, d) -> (n,)."""
        xp = namespace(x)
        return xp.concatenate([(self.hidden(part).clip(0) @ self.v) + self.c for part in rows(x)])

    def hidden(self, x: Array) -> Array:
        """The preactivations w_j·x + b_j: (n, d) -> (n, m)."""
        return x @ self.w.T + self.b

    def gradient(self, x: Array) -> Array:
        """∇f(x) = Σ_j v_j · 1[w_j·x + b_j > 0] · w_j: (n, d) -> (n, d)."""
        xp = namespace(x)
        return xp.concatenate([((self.hidden(part) > 0) * self.v) @ self.w for part in rows(x)])

    def copy(self) -> "Network":
        """A network that can be trained without changing this one."""
        return replace(self, w=deepcopy(self.w), b=deepcopy(self.b))

    def arrays(self) -> dict[str, np.ndarray]:
        """w, b, v and c by name, on the CPU, to be kept in a file."""
        return {name: to_numpy(getattr(self, name)) for name in ("w", "b", "v")} | {"c": np.array(self.c)}

    def double(self) -> "Network":
        """The same network in float64 on the CPU, to measure with."""
        w, b, v = (to_numpy(part).astype(np.float64) for part in (self.w, self.b, self.v))
        return Network(w, b, v, self.c)


def draw(seed: int, examples: int, width: int, dimension: int) -> tuple[np.ndarray, Network]:
    """The order of the training examples (n,) and the network at the start, as the release draws them.

    w_j ~ N(0, I_d), b_j ~ N(0, 1), v_j = ±1/√m, c = ±1/√m, from NumPy's legacy generator and torch's, both seeded
    with `seed`, in the order of docs/protocols.md, steps 3 and 4.
    """
    legacy = np.random.RandomState(seed)
    order = np.arange(examples)
    legacy.shuffle(order)
    stream = TorchStream(seed)
    stream.skip_uniforms(width * dimension + width + width + 1)  # the default start of two Linear layers
    w = stream.normal(width * dimension).reshape(width, dimension)
    b = stream.normal(width)
    v = np.sign(legacy.normal(size=(1, width)))[0] / np.sqrt(width)
    c = np.sign(legacy.normal(size=(1, 1)))[0, 0] / np.sqrt(width)
    return order, Network(w, b, v.astype(np.float32), float(np.float32(c)))


def accuracy(network: Network, x: Array, y: Array) -> float:
    """The fraction of x (n, d) whose sign f agrees with y (n,) in ±1; sign 0 agrees with neither."""
    return float((network(x) * y > 0).sum()) / len(y)


def rows(x: Array) -> Iterator[Array]:
    """x (n, d) in consecutive slices of at most ROWS examples; one empty slice where n = 0."""
    for first in range(0, max(len(x), 1), ROWS):
        yield x[first : first + ROWS]


def namespace(x: Array) -> ModuleType:
    """The module that x's type comes from: numpy or torch."""
    if isinstance(x, np.ndarray):
        return np
    import torch

    return torch


def to_numpy(x: Array) -> np.ndarray:
    """x as a NumPy array on the CPU."""
    return x if isinstance(x, np.ndarray) else x.cpu().numpy()


def to_device(network: Network, device: str) -> Network:
    """The network with its arrays on `device`: cpu (NumPy) or one of torch's."""
    if device == "cpu":
        return network
    import torch

    w, b, v = (torch.from_numpy(part).to(device) for part in (network.w, network.b, network.v))
    return Network(w, b, v, network.c)
