"""Projected adversarial training within a (2,∞) ball: figures 3 and 4, and pairs of digits.

The three experiments differ in the radius, which is C0/√m or `gap`, and in whether the pair of digits is an axis.
"""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np

from lazyadv.data import Split
from lazyadv.experiments.run import Flag, LazyRun, Load, Run, Settings
from lazyadv.models import Count, Positive, Radius, Size
from lazyadv.networks.outcome import Epoch, Outcome

IMPROVEMENT = 1e-4  # of robust train accuracy, below which an epoch counts as stuck (docs/protocols.md, step 14)
STUCK_EPOCHS = 20


class AdversarialSettings(Settings):
    """Hyperparameters of the adversarial experiments."""

    atk_iters: Annotated[Count, Flag(100, "steps of the attack")]


class AdversarialRun(Run, AdversarialSettings):
    """A run of figures 3 and 4; eps bounds the L2 norm of the perturbation."""

    settings = AdversarialSettings
    eps: Annotated[Positive, Flag(0.2, "L2 radius of the attack")]

    @property
    def step(self) -> float:
        """The length of a step of the attack: 2.5 ε over their number, which for `released` always is 100."""
        return 2.5 * self.eps / (self.atk_iters if self.protocol == "strict" else 100)

    def load(self, epochs: float, n_train: int, n_test: int) -> Load:
        attacked = epochs * n_train + (1 if self.protocol == "strict" else epochs) * n_test
        return Load(epochs * n_train, attacked * self.atk_iters, attacked * self.atk_iters * self.step)

    @np.errstate(over="ignore", invalid="ignore")  # a run that diverges is found by its loss and deviation
    def train(self, split: Split, device: str, report: Callable[[Epoch], None]) -> Outcome:
        """Adversarial training with projection onto the (2,∞) ball (docs/protocols.md, steps 10 to 15).

        `released` projects once an epoch, after the evaluation; `strict` after every step of SGD.
        """
        # numba takes a second to import, for which planning need not wait
        from lazyadv.networks.attack import measure_attack, pgd
        from lazyadv.networks.ball import project
        from lazyadv.networks.network import accuracy
        from lazyadv.networks.sgd import begin, measure_epoch, move, sgd_epoch

        split = split.normalized()
        network, start, x, y = begin(split.x_train, split.y_train, self.width, self.seed, device)
        x_test, y_test = move(split.x_test, device), move(split.y_test, device)
        strict = self.protocol == "strict"
        ball = (start, self.radius) if strict else None
        epochs: list[Epoch] = []
        robust: list[float] = []  # train accuracy, an epoch each
        stuck, ended = 0, False
        while not ended:
            attacked = x + pgd(network, x, y, self.eps, self.step, self.atk_iters)
            loss, accuracy_before = sgd_epoch(network, attacked, y, self.bs, self.lr, ball)
            seen = {"robust_train_accuracy": accuracy_before}
            epoch = measure_epoch(len(epochs), loss, network, start, x_test, y_test, **seen)
            robust.append(accuracy_before)
            stuck = stuck + 1 if _is_stuck(robust, strict) else 0
            ended = stuck > STUCK_EPOCHS or len(robust) == self.T
            if ended or not strict:  # `strict` needs it of the reported network alone
                perturbation = pgd(network, x_test, y_test, self.eps, self.step, self.atk_iters)
                robust_test = accuracy(network, x_test + perturbation, y_test)
                epoch = epoch.model_copy(update={"robust_test_accuracy": robust_test})
            epochs.append(epoch)
            report(epoch)
            if not (ended or strict):  # the reported network is the one before this projection
                project(network, start, self.radius)
        invariants = measure_attack(self.radius, network, start, x_test, y_test, perturbation)
        return Outcome(network, epochs, "patience" if stuck > STUCK_EPOCHS else "epochs", None, invariants)


class AdvtrainRun(LazyRun, AdversarialRun):
    """A run of figure 3: projected adversarial training within C0/√m."""

    axes: ClassVar = ("width", "size", "C0", "eps", "seed")
    experiment: Literal["advtrain"] = "advtrain"


class AdvtraingapRun(AdversarialRun):
    """A run of figure 4: projected adversarial training within a given gap."""

    axes: ClassVar = ("width", "size", "gap", "eps", "seed")
    experiment: Literal["advtraingap"] = "advtraingap"
    size: Annotated[Size, Flag(28, "pixels a side; d = size²")]
    gap: Annotated[Radius, Flag(0.1, "largest deviation of a neuron")]

    @property
    def radius(self) -> float:
        return self.gap


class AdvtrainpairRun(LazyRun, AdversarialRun):
    """A run of the figures `pairs` and `examples`: as figure 3, for any pair of digits."""

    axes: ClassVar = ("pair", "width", "size", "C0", "eps", "seed")
    experiment: Literal["advtrainpair"] = "advtrainpair"


def _is_stuck(robust: list[float], strict: bool) -> bool:
    """Whether the last epoch counts towards the patience; under `strict` only once there is something to lose."""
    if len(robust) < 3 or (strict and max(robust) == 0):
        return False
    return robust[-1] - robust[-2] <= IMPROVEMENT
