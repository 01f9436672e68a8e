"""The grid of a figure: a list of blocks, each of which stands for the product of its axes."""

from typing import Annotated, ClassVar, TypeVar

from pydantic import Field

from lazyadv.experiments.run import Run
from lazyadv.models import Count, Pair, Positive, Radius, Seed, Size, Strict, without_repeats

T = TypeVar("T")
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


Blocks = Annotated[tuple[T, ...], Field(strict=False)]
