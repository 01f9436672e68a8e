"""What an experiment returns: its epochs, why it stopped, and what was measured on the final network."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict

from lazyadv.networks.network import Network

Stopped: TypeAlias = Literal["patience", "radius", "epochs"]  # docs/protocols.md, steps 7 and 14


class Diverged(ArithmeticError):
    """The loss or the deviation is no longer finite."""


class Measures(BaseModel):
    """The base of the models below: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Epoch(Measures):
    """One epoch: loss and robust train accuracy as they were during it, everything else as measured after it.

    Only adversarial runs have robust accuracies. Under `strict` the test set is attacked after the last epoch only,
    and an epoch of `standard` that a step out of the ball ended is measured before that step.
    """

    epoch: int
    loss: float
    clean_test_accuracy: float
    robust_train_accuracy: float | None = None
    robust_test_accuracy: float | None = None
    deviation: float


class Statistic(Measures):
    """Mean and population standard deviation; None if there are no values."""

    mean: float | None
    std: float | None

    @classmethod
    def of(cls, values: np.ndarray) -> "Statistic":
        if not len(values):
            return cls(mean=None, std=None)
        return cls(mean=float(values.mean()), std=float(values.std()))


class Search(Measures):
    """The step along the gradient that flips a test example (docs/protocols.md, step 9).

    delta and eta = delta/‖∇f‖ follow the run's protocol. delta_exact and relative_delta = delta_exact/‖x‖ are
    the exact step under either protocol, over the correctly classified examples that flip.
    """

    gradient_norm: Statistic
    delta: Statistic
    eta: Statistic
    delta_exact: Statistic
    relative_delta: Statistic
    n_correct: int
    n_flipped: int


class Invariants(Measures):
    """What a run promises, measured again on the final network in float64.

    Compare deviation with radius, and max_perturbation, the longest perturbation of the attack, with eps.
    repredicted is the fraction of claimed successes (flips, or broken predictions) that a new prediction confirms.
    """

    radius: float
    deviation: float
    max_perturbation: float | None = None
    repredicted: float


@dataclass
class Outcome:
    """What an experiment returns; `search` is None for adversarial runs."""

    network: Network
    epochs: list[Epoch]
    stopped: Stopped
    search: Search | None
    invariants: Invariants


def share(confirmed: np.ndarray) -> float:
    """The fraction that is true; 1 where nothing was claimed."""
    return float(confirmed.mean()) if len(confirmed) else 1.0
