"""Standard training until the lazy radius, then the smallest gradient step that flips a prediction: figures 1 and 2."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from lazyadv.data import Split
from lazyadv.experiments.run import Flag, LazyRun, Load, Settings
from lazyadv.models import Count, Positive
from lazyadv.networks.outcome import Epoch, Invariants, Outcome


class StandardSettings(Settings):
    """Hyperparameters of `standard`."""

    normalize: Annotated[bool, Flag(None, "scale examples to unit length; by default under the strict protocol only")]


class StandardRun(LazyRun, StandardSettings):
    """A run of figures 1 and 2."""

    axes: ClassVar = ("width", "size", "C0", "seed")
    settings = StandardSettings
    experiment: Literal["standard"] = "standard"
    bs: Annotated[Count, Flag(64, "examples in a minibatch")]
    lr: Annotated[Positive, Flag(0.1, "learning rate")]

    @model_validator(mode="before")
    @classmethod
    def _normalizes_under_strict(cls, content: Any) -> Any:
        """Where it was left open, as by stages/train.py."""
        if isinstance(content, dict) and content.get("normalize", False) is None:
            return content | {"normalize": content.get("protocol") == "strict"}
        return content

    @property
    def most_epochs(self) -> int:
        """None at radius 0: the network is not trained."""
        return self.T if self.radius else 0

    def load(self, epochs: float, n_train: int, n_test: int) -> Load:
        return Load(sgd=epochs * n_train, searches=n_test)

    # a run that diverges is found by its loss and deviation, not by warnings on the way
    @np.errstate(over="ignore", invalid="ignore")
    def train(self, split: Split, device: str, report: Callable[[Epoch], None]) -> Outcome:
        """SGD until it leaves the (2,∞) ball, then the step along the gradient that flips each test example.

        docs/protocols.md, steps 7 to 9. `released` measures the deviation after every epoch and keeps the first network
        outside the ball; `strict` measures it after every step and keeps the last inside. C0 = 0 means no training.
        """
        # numba takes a second to import, for which planning need not wait
        from lazyadv.networks.ball import deviations
        from lazyadv.networks.boundary import measure_search
        from lazyadv.networks.sgd import begin, measure_epoch, move, sgd_epoch, sgd_inside

        split = split.normalized() if self.normalize else split
        network, start, x, y = begin(split.x_train, split.y_train, self.width, self.seed, device)
        x_test, y_test = move(split.x_test, device), move(split.y_test, device)
        epochs: list[Epoch] = []
        left = self.radius == 0
        while not left and len(epochs) < self.T:
            if self.protocol == "strict":
                loss, left = sgd_inside(network, x, y, self.bs, self.lr, (start, self.radius), len(epochs))
            else:
                loss, _ = sgd_epoch(network, x, y, self.bs, self.lr)
            epochs.append(measure_epoch(len(epochs), loss, network, start, x_test, y_test))
            report(epochs[-1])
            left = left or epochs[-1].deviation > self.radius
        search, repredicted = measure_search(network, split.x_test, split.y_test, self.protocol)
        deviation = float(deviations(network.double(), start.double()).max())
        invariants = Invariants(radius=self.radius, deviation=deviation, repredicted=repredicted)
        return Outcome(network, epochs, "radius" if left else "epochs", search, invariants)
