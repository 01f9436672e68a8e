"""A run: the full tuple that one training job needs, checked and frozen; the base of all experiments.

It is the same object whether it comes from a grid of params.yaml or from the flags of `stages/train.py`, which are made
from its fields.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from lazyadv.models import Count, Pair, Positive, Radius, Seed, Size, Strict

if TYPE_CHECKING:
    from lazyadv.data import Split
    from lazyadv.networks.outcome import Epoch, Outcome

Dataset = Literal["mnist", "mnist5k"]
Protocol = Literal["released", "strict"]


@dataclass(frozen=True)
class Flag:
    """How stages/train.py asks for a field: by its name, with the release's default, and a help of a few words."""

    default: Any
    help: str | None = None


class Load(NamedTuple):
    """What a run computes, counted in examples, for the estimate of its cost (lazyadv/results/cost.py)."""

    sgd: float = 0  # examples times epochs of SGD
    steps: float = 0  # examples times steps of the attack
    path: float = 0  # examples times the summed lengths of those steps
    searches: float = 0  # examples from which the search along the gradient starts


class Common(Strict):
    """What all runs of a preset share."""

    dataset: Annotated[Dataset, Flag("mnist")]
    pair: Pair
    protocol: Annotated[Protocol, Flag("released")]
    antialias: Annotated[bool, Flag(False, "when resizing")]


class Settings(Strict):
    """Hyperparameters under the release's names, which all runs of an experiment in a preset share."""

    bs: Annotated[Count, Flag(32, "examples in a minibatch")]
    T: Annotated[Count, Flag(1000, "epochs at most")]
    lr: Annotated[Positive, Flag(0.01, "learning rate")]


class Run(Common, Settings):
    """One training job. An experiment is a subclass that has `axes`.

    Attributes:
        axes: what tells the runs of an experiment apart, in the order of its path.
        settings: the model of its hyperparameters.
    """

    axes: ClassVar[tuple[str, ...]]
    settings: ClassVar[type[Settings]]
    experiment: str
    width: Annotated[Count, Flag(1000, "hidden neurons m")]
    size: Annotated[Size, Flag(5, "pixels a side; d = size²")]
    seed: Annotated[Seed, Flag(0)]

    @property
    def radius(self) -> float:
        """The largest allowed deviation of a neuron from its start (docs/protocols.md, step 6)."""
        raise NotImplementedError

    @property
    def most_epochs(self) -> int:
        """The epochs that it takes if nothing stops it."""
        return self.T

    def load(self, epochs: float, n_train: int, n_test: int) -> Load:
        """What it computes if it ends after `epochs`."""
        raise NotImplementedError

    def train(self, split: "Split", device: str, report: "Callable[[Epoch], None]") -> "Outcome":
        """Train the network and measure it; `report` is called after every epoch.

        Raises:
            Diverged: the loss or the deviation is no longer finite.
        """
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The axes as they stand in the record's path: width=1000,size=28,…"""
        return ",".join(f"{axis}={plain(getattr(self, axis))}" for axis in self.axes)

    @property
    def flags(self) -> str:
        """The arguments that make `stages/train.py` do this run."""
        words: list[str] = [self.experiment]
        for key, value in self.model_dump(exclude={"experiment", "pair"}).items():
            if isinstance(value, bool):
                words.append(f"--{key}" if value else f"--no-{key}")
            else:
                words.append(f"--{key} {plain(value)}")
        return " ".join([*words, f"--num1 {self.pair[0]}", f"--num2 {self.pair[1]}"])


class LazyRun(Run):
    """A run within the lazy regime, whose radius C0/√m shrinks with the width."""

    C0: Annotated[Radius, Flag(10.0, "largest deviation of a neuron, times √m")]

    @property
    def radius(self) -> float:
        return self.C0 / math.sqrt(self.width)


def plain(value: Any) -> str:
    """A value as paths and flags spell it: 10 rather than 10.0, floats otherwise in full, a pair as 0-1."""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
