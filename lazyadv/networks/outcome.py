"""What an experiment finds: its epochs, why they ended, and the measures of the final network."""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from lazyadv.networks.network import Network


class Diverged(ArithmeticError):
    """The loss, or the deviation, is no longer a number."""


class Measures(BaseModel):
    """What all of these have in common: frozen, and no other keys than these."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Epoch(Measures):
    """After an epoch; robust accuracies of adversarial runs, on the test set under `strict` after the last one only."""

    epoch: int
    loss: float
    clean_test_accuracy: float
    robust_train_accuracy: float | None = None
    robust_test_accuracy: float | None = None
    deviation: float


class Statistic(Measures):
    """Mean and population standard deviation; none of an empty set."""

    mean: float | None
    std: float | None

    @classmethod
    def of(cls, values: np.ndarray) -> "Statistic":
        if not len(values):
            return cls(mean=None, std=None)
        return cls(mean=float(values.mean()), std=float(values.std()))


class Search(Measures):
    """The step along the gradient that flips a test example (protocol.md, `standard`).

    delta and eta = delta/‖∇f‖ are as the protocol defines them; delta_exact and relative_delta =
    delta_exact/‖x‖ are always exact and over the correctly classified examples that flip.
    """

    gradient_norm: Statistic
    delta: Statistic
    eta: Statistic
    delta_exact: Statistic
    relative_delta: Statistic
    n_correct: int
    n_flipped: int


class Invariants(Measures):
    """Promises measured again from the final network, in float64.

    deviation against radius; the attack's largest norm against eps; and the share of the claimed
    successes (flips, or broken predictions) that a new prediction confirms.
    """

    radius: float
    deviation: float
    max_perturbation: float | None = None
    repredicted: float


@dataclass
class Outcome:
    """What an experiment found: the epochs, why they ended, and the measures of the final network."""

    network: Network
    epochs: list[Epoch]
    stopped: str
    search: Search | None
    invariants: Invariants
