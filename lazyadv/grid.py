"""The grid of a figure: a list of blocks, each of which stands for the product of its axes."""

import math
from typing import Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, Field

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Run
from lazyadv.models import Count, Pair, Positive, Radius, Seed, Size, Strict, without_repeats

T = TypeVar("T")
MOST_RUNS = 100_000  # of a grid; to plan as many takes half a minute
Axis = Annotated[tuple[T, ...], Field(strict=False, min_length=1), without_repeats]


class Block(Strict):
    """A block of a figure's grid: the runs are the product of its axes."""

    experiment: ClassVar[str]
    keeps: ClassVar[bool] = False  # the final networks, for the figure to show
    width: Axis[Count]
    size: Axis[Size]
    seed: Axis[Seed]

    def has(self, run: Run) -> bool:
        """Whether the run is one of the product."""
        return all(getattr(run, axis) in getattr(self, axis) for axis in run.axes)

    @property
    def count(self) -> int:
        """How many runs it stands for."""
        return math.prod(len(getattr(self, axis)) for axis in EXPERIMENTS[self.experiment].axes)


class StandardBlock(Block):
    experiment: ClassVar[str] = "standard"
    C0: Axis[Radius]


class AdvtrainBlock(Block):
    experiment: ClassVar[str] = "advtrain"
    C0: Axis[Radius]
    eps: Axis[Positive]


class AdvtrainpairBlock(AdvtrainBlock):
    experiment: ClassVar[str] = "advtrainpair"
    pair: Axis[Pair]


class KeptBlock(AdvtrainpairBlock):
    keeps: ClassVar[bool] = True


class AdvtraingapBlock(Block):
    experiment: ClassVar[str] = "advtraingap"
    gap: Axis[Radius]
    eps: Axis[Positive]


def _few_enough(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Refuse, before they are made, more runs than anybody means."""
    if (count := sum(block.count for block in blocks)) > MOST_RUNS:
        raise ValueError(f"its blocks stand for {count:,} runs; {MOST_RUNS:,} are the most")
    return blocks


Blocks = Annotated[tuple[T, ...], Field(strict=False), AfterValidator(_few_enough)]
