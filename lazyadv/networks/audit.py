"""An attack that the networks were not trained against, as a second opinion on their robust accuracy.

PGD finds some perturbations within ε; an attack that finds others shows by how much it overestimates
robustness. There are three: PGD of a thousand small steps; APGD, whose step sizes adapt, from random
starts (lazyadv/networks/apgd.py); and the decoupled direction and norm attack (DDN: Rony et al., CVPR
2019), foolbox's. DDN looks for the smallest perturbation of each example instead of one of a given size,
so it has no step size or ε to be tuned to. All keep to the box.
"""

import os
from dataclasses import replace
from typing import Any

import numpy as np

from lazyadv.networks.apgd import apgd
from lazyadv.networks.attack import norms, pgd
from lazyadv.networks.network import Network

STEPS = 1000  # of PGD and DDN; on `quick`'s networks a tenth of them leaves DDN up to 2 % of the examples more
ROUNDING = 1e-6  # relative, by which a perturbation may exceed ε


def ddn(network: Network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The smallest perturbations found that make f(x + δ) disagree with y: x, δ (n, d); y (n,), ±1."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # foolbox imports GitPython, which fails where git is not
    import foolbox
    import torch

    size = float(np.abs(network.double()(x)).max()) or 1.0  # of f; the cross-entropy saturates where that is large
    scaled = replace(network, v=(network.v / size).astype(network.v.dtype), c=network.c / size)

    class Value(
        torch.autograd.Function
    ):  # by NumPy's products, which are not slowed by arithmetic.pin() as torch's are
        @staticmethod
        def forward(context: Any, inputs: torch.Tensor) -> torch.Tensor:
            z = scaled.hidden(inputs.numpy())
            context.slopes = (z > 0) * scaled.v
            return torch.from_numpy(z.clip(0) @ scaled.v + scaled.c)

        @staticmethod
        def backward(context: Any, change: torch.Tensor) -> torch.Tensor:
            return change[:, None] * torch.from_numpy(context.slopes @ scaled.w)

    class Logits(torch.nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            f = Value.apply(inputs)
            return torch.stack([-f, f], 1) / 2

    torch.manual_seed(0)  # it draws a direction where there is no gradient
    model = foolbox.PyTorchModel(Logits().eval(), bounds=(0, 1), device="cpu")
    labels = torch.from_numpy((y > 0).astype(np.int64))
    attacked, _, _ = foolbox.attacks.DDNAttack(steps=STEPS)(model, torch.from_numpy(x), labels, epsilons=None)
    return attacked.numpy() - x


def examine(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> dict[str, float]:
    """The accuracy within ε under each attack, and under the strongest of them for each example.

    PGD is that of so many steps. x: (n, d), in [0, 1]; y: (n,), ±1.
    """
    return judge(network, x, y, perturbations(network, x, y, eps, step, steps), eps)


def perturbations(
    network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int
) -> dict[str, np.ndarray]:
    """What each attack finds, (n, d), none longer than ε but for rounding; arguments as of `examine`."""
    smallest = ddn(network, x, y)
    return {
        "pgd": pgd(network, x, y, eps, step, steps),
        "pgd1000": pgd(network, x, y, eps, 2.5 * eps / STEPS, STEPS),
        "apgd": apgd(network, x, y, eps),
        "ddn": np.where(norms(smallest) <= eps * (1 + ROUNDING), smallest, 0),
    }


def judge(network: Network, x: np.ndarray, y: np.ndarray, found: dict[str, np.ndarray], eps: float) -> dict[str, float]:
    """The share of the examples that withstand each attack's perturbations, and those of all attacks: `strongest`."""
    withstood = {name: ~breaks(network, x, y, delta, eps) for name, delta in found.items()}
    withstood["strongest"] = np.logical_and.reduce(list(withstood.values()))
    return {name: float(examples.mean()) for name, examples in withstood.items()}


def breaks(network: Network, x: np.ndarray, y: np.ndarray, perturbation: np.ndarray, eps: float) -> np.ndarray:
    """Which predictions a perturbation of at most eps breaks, by float64: (n,) bool; a wrong one is broken by nothing.

    x, perturbation: (n, d); y: (n,), ±1.
    """
    double, exact = network.double(), x.astype(np.float64)
    small = np.linalg.norm(perturbation.astype(np.float64), axis=1) <= eps * (1 + ROUNDING)
    return (double(exact) * y <= 0) | (small & (double(exact + perturbation) * y <= 0))
