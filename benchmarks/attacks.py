"""PGD as this project has it and as others have it, all with one signature.

Each takes the steps of docs/protocols.md, step 10: the normalised gradient of the logistic loss, the box [0, 1], the
L2 ball. Foolbox and torchattacks clip to the box after scaling back to the ball, the others before.
"""

from collections.abc import Callable
from functools import partial

import foolbox
import numpy as np
import torch
import torchattacks

from benchmarks.measure import side_by_side
from lazyadv.networks.attack import dense_pgd, pgd
from lazyadv.networks.network import Network

Attack = Callable[[Network, np.ndarray, np.ndarray, float, float, int], np.ndarray]


class Classifier(torch.nn.Module):
    """The network with logits (−f/2, f/2), whose cross-entropy is the logistic loss; weights are constants."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.w, self.b, self.v = (
            torch.nn.Parameter(torch.from_numpy(part), requires_grad=False)
            for part in (network.w, network.b, network.v)
        )
        self.c = network.c

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Any images of n · d pixels in all -> (n, 2)."""
        half = self.value(images.flatten(1)) / 2
        return torch.stack([-half, half], dim=1)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """f(x): (n, d) -> (n,)."""
        return torch.relu(torch.nn.functional.linear(x, self.w, self.b)) @ self.v + self.c


def dense_torch(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """This project's `dense_pgd` on torch's tensors, as a GPU has it."""
    w, b, v = (torch.from_numpy(part) for part in (network.w, network.b, network.v))
    tensors = Network(w, b, v, network.c)
    return dense_pgd(tensors, torch.from_numpy(x), torch.from_numpy(y), eps, step, steps).numpy()


def autograd(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """The loop that anyone would write first: all examples at once, autograd for the gradient."""
    model, inputs, labels = Classifier(network), torch.from_numpy(x), torch.from_numpy(y)
    delta = torch.zeros_like(inputs)
    for _ in range(steps):
        delta.requires_grad_()
        loss = torch.nn.functional.softplus(-labels * model.value(inputs + delta)).sum()
        (gradient,) = torch.autograd.grad(loss, delta)
        delta = delta.detach() + step * gradient / gradient.norm(dim=1, keepdim=True)
        delta = (inputs + delta).clamp(0, 1) - inputs
        delta = delta * (eps / delta.norm(dim=1, keepdim=True)).clamp(max=1)
    return delta.numpy()


def by_foolbox(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """Foolbox's L2ProjectedGradientDescentAttack."""
    model = foolbox.PyTorchModel(Classifier(network).eval(), bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.L2ProjectedGradientDescentAttack(abs_stepsize=step, steps=steps, random_start=False)
    images, labels = torch.from_numpy(x), torch.from_numpy(y > 0).long()
    return (attack.run(model, images, foolbox.criteria.Misclassification(labels), epsilon=eps) - images).numpy()


def by_torchattacks(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """torchattacks' PGDL2, which takes images (n, 1, size, size)."""
    attack = torchattacks.PGDL2(Classifier(network).eval(), eps=eps, alpha=step, steps=steps, random_start=False)
    side = round(x.shape[1] ** 0.5)
    images, labels = torch.from_numpy(x).reshape(-1, 1, side, side), torch.from_numpy(y > 0).long()
    return (attack(images, labels) - images).flatten(1).numpy()


OURS: dict[str, Attack] = {"lazy": pgd, "dense": dense_pgd}
WITH_TORCH: dict[str, Attack] = OURS | {"dense, torch": dense_torch}
ALL: dict[str, Attack] = WITH_TORCH | {
    "autograd": autograd,
    "foolbox": by_foolbox,
    "torchattacks": by_torchattacks,
}


def pace(
    kinds: dict[str, Attack], network: Network, x: np.ndarray, y: np.ndarray, eps: float, steps: int
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The CPU seconds of each attack, taken side by side with a step of 2.5 ε/steps, and the perturbations."""
    step = 2.5 * eps / steps
    return side_by_side({kind: partial(attack, network, x, y, eps, step, steps) for kind, attack in kinds.items()})
