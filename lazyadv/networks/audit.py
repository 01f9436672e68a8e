"""An attack that the networks were not trained against, as a second opinion on their robust accuracy.

PGD finds some perturbations within ε; an attack that finds smaller ones shows by how much it
overestimates robustness. The decoupled direction and norm attack (DDN: Rony et al., CVPR 2019) is
foolbox's; it looks for the smallest perturbation of each example instead of one of a given size, so it
has no step size or ε to be tuned to, and keeps to the box.
"""

import os
from typing import Any

import numpy as np

from lazyadv.networks.attack import pgd
from lazyadv.networks.network import Network

STEPS = 1000  # of DDN; on `quick`'s networks a tenth of them leaves up to 2 % of the examples unbroken
ROUNDING = 1e-6  # relative, by which a perturbation may exceed ε


def ddn(network: Network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The smallest perturbations found that make f(x + δ) disagree with y: x, δ (n, d); y (n,), ±1."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # foolbox imports GitPython, which fails where git is not
    import foolbox
    import torch

    w, b, v = map(torch.from_numpy, (network.w, network.b, network.v))

    class Logits(torch.nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            f = torch.relu(inputs @ w.T + b) @ v + network.c
            return torch.stack([-f, f], 1) / 2

    torch.manual_seed(0)  # it draws a direction where there is no gradient
    model = foolbox.PyTorchModel(Logits().eval(), bounds=(0, 1), device="cpu")
    labels = torch.from_numpy((y > 0).astype(np.int64))
    attacked, _, _ = foolbox.attacks.DDNAttack(steps=STEPS)(model, torch.from_numpy(x), labels, epsilons=None)
    return attacked.numpy() - x


def examine(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> dict[str, Any]:
    """The accuracy within ε under PGD of so many steps, under DDN, and under the better of the two for each example.

    x: (n, d), in [0, 1]; y: (n,), ±1.
    """
    perturbations = {"pgd": pgd(network, x, y, eps, step, steps), "ddn": ddn(network, x, y)}
    withstood = {name: ~breaks(network, x, y, delta, eps) for name, delta in perturbations.items()}
    withstood["strongest"] = withstood["pgd"] & withstood["ddn"]
    return {name: float(examples.mean()) for name, examples in withstood.items()}


def breaks(network: Network, x: np.ndarray, y: np.ndarray, perturbation: np.ndarray, eps: float) -> np.ndarray:
    """Which predictions a perturbation of at most eps breaks, by float64: (n,) bool; a wrong one is broken by nothing.

    x, perturbation: (n, d); y: (n,), ±1.
    """
    double, exact = network.double(), x.astype(np.float64)
    small = np.linalg.norm(perturbation.astype(np.float64), axis=1) <= eps * (1 + ROUNDING)
    return (double(exact) * y <= 0) | (small & (double(exact + perturbation) * y <= 0))
