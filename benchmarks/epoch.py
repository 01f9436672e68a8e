"""One epoch of adversarial training, and where its time goes."""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from benchmarks.measure import ROUNDS, Section
from benchmarks.problem import SKIPPED, official, problem, split
from lazyadv.data import Split
from lazyadv.networks.attack import pgd
from lazyadv.networks.ball import deviations, project
from lazyadv.networks.network import accuracy
from lazyadv.networks.sgd import sgd_epoch

T = TypeVar("T")
EPS = 0.2


class Stopwatch:
    """The least CPU seconds of each part over all rounds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, part: str, function: Callable[..., T], *arguments: Any) -> T:
        started = time.process_time()
        result = function(*arguments)
        self.seconds[part] = min(time.process_time() - started, self.seconds.get(part, np.inf))
        return result


def epoch() -> Section:
    """An epoch under the released protocol, on both data sets."""
    cases: dict[str, tuple[Split | None, int]] = {
        "mnist5k, 20 steps": (split(28), 20),
        "mnist5k, 100 steps": (split(28), 100),
        "official MNIST, 100 steps": (official(), 100),
    }
    return Section(
        "One epoch of adversarial training",
        f"CPU seconds, 28×28, width 1000, ε {EPS}, minibatches of 32, from the trained network on: attack the training "
        "set, one pass of SGD, attack the test set, both test accuracies, deviation, projection; whole: their sum.",
        [
            {"what": what, **({"whole": SKIPPED} if digits is None else parts(digits, steps))}
            for what, (digits, steps) in cases.items()
        ],
    )


def parts(digits: Split, steps: int) -> dict[str, float | str]:
    """The CPU seconds of an epoch's parts, at the digits' size (AdversarialRun.train has them in one loop)."""
    digits, size = digits.normalized(), math.isqrt(digits.x_train.shape[1])
    networks = problem(size).networks
    start, step = networks["untrained"], 2.5 * EPS / steps
    order = np.random.default_rng(0).permutation(len(digits.y_train))
    x, y = digits.x_train[order], digits.y_train[order]
    x_test, y_test = digits.x_test, digits.y_test
    watch = Stopwatch()
    for _ in range(ROUNDS):
        network = networks["trained"].copy()
        attacked = x + watch("attack", pgd, network, x, y, EPS, step, steps)
        watch("SGD", sgd_epoch, network, attacked, y, 32, 0.01)
        found = watch("attack test", pgd, network, x_test, y_test, EPS, step, steps)
        watch("clean accuracy", accuracy, network, x_test, y_test)
        watch("robust accuracy", accuracy, network, x_test + found, y_test)
        watch("deviation", deviations, network, start)
        watch("projection", project, network, start, 0.1)
    whole = {"whole": sum(watch.seconds.values()), **watch.seconds}
    return {**whole, "examples": f"{len(y):,} + {len(y_test):,}"}
