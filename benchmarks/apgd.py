"""APGD as this project has it and as torchattacks has it, on networks of the quick preset."""

from functools import partial

import numpy as np
import torch
import torchattacks

from benchmarks.attacks import Classifier
from benchmarks.measure import Section, side_by_side
from benchmarks.problem import adversarial_run, split
from lazyadv.networks.apgd import RESTARTS, apgd
from lazyadv.networks.attack import pgd
from lazyadv.networks.audit import breaks
from lazyadv.networks.network import Network

RUNS = [(10, 10, 0.4), (14, 1000, 0.45), (20, 10, 0.19), (28, 10, 0.18), (28, 1000, 0.43)]  # size, C0, ε
QUICK = {"T": 40, "lr": 1.0, "atk_iters": 10}


def stronger() -> Section:
    """How many of the test digits each breaks."""
    return Section(
        "APGD",
        "Test digits, of 200, that each attack breaks on networks that quick trains (width 1000), wrong ones included: "
        f"the PGD of the training, and APGD of 100 steps and {RESTARTS} restarts, ours (float64; projects onto the "
        "ball and the box) and torchattacks' (float32; scales to the ball, then clips), each from its own random "
        "points. CPU seconds.",
        [_row(*run) for run in RUNS],
    )


def _row(size: int, c0: float, eps: float) -> dict[str, int | float | str]:
    run = adversarial_run(size, 1000, C0=c0, eps=eps, **QUICK)
    network = run.train(split(size), "cpu", report=lambda epoch: None).network
    examples = split(size).normalized()
    x, y = examples.x_test, examples.y_test
    tasks = {"ours": partial(apgd, network, x, y, eps), "torchattacks": partial(by_torchattacks, network, x, y, eps)}
    seconds, found = side_by_side(tasks)
    found["PGD"] = pgd(network, x, y, eps, run.step, run.atk_iters)
    broken = {name: breaks(network, x, y, delta, eps) for name, delta in found.items()}
    return {
        "what": f"d = {size * size}, C0 = {c0}, ε = {eps}",
        **{f"by {name}": int(broken[name].sum()) for name in ("PGD", "torchattacks", "ours")},
        "by one APGD only": int((broken["ours"] ^ broken["torchattacks"]).sum()),
        **{f"{name}, s": taken for name, taken in seconds.items()},
    }


def by_torchattacks(network: Network, x: np.ndarray, y: np.ndarray, eps: float) -> np.ndarray:
    """torchattacks' APGD, which takes images (n, 1, size, size)."""
    model, side = Classifier(network).eval(), round(x.shape[1] ** 0.5)
    attack = torchattacks.APGD(model, norm="L2", eps=eps, steps=100, n_restarts=RESTARTS, loss="ce")
    images, labels = torch.from_numpy(x).reshape(-1, 1, side, side), torch.from_numpy(y > 0).long()
    return (attack(images, labels) - images).flatten(1).detach().numpy()
