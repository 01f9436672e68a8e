"""The grids of figures: lists of blocks, each of which stands for the product of an experiment's axes."""

import functools
import itertools
import math
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, get_type_hints

from pydantic import AfterValidator, Field, create_model, model_validator

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.adversarial import AdversarialRun
from lazyadv.experiments.run import Run
from lazyadv.models import Strict, without_repeats

T = TypeVar("T")
MOST_RUNS = 100_000  # of a grid; to plan as many takes half a minute
Axis = Annotated[tuple[T, ...], Field(strict=False, min_length=1), without_repeats]


class Block(Strict):
    """A block of a grid; it has the values of each axis of its experiment."""

    def points(self) -> Iterator[dict[str, Any]]:
        """The product of its axes."""
        axes = dict(self)
        return (dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values()))


class Grid(Strict):
    """What a preset says of a figure: the experiment that feeds it, and its runs.

    With `networks` it shows the final networks of its runs, which are kept for it. `audit` names runs whose networks
    are kept, and attacked by other means than they were trained against.
    """

    experiment: str
    networks: bool = False
    grid: tuple[Block, ...]
    audit: tuple[Block, ...] = ()

    @model_validator(mode="after")
    def _audits_its_runs(self) -> Self:
        if (self.audit or self.networks) and not issubclass(EXPERIMENTS[self.experiment], AdversarialRun):
            raise ValueError(f"{self.experiment} attacks no network: it has none for `audit` or `networks`")
        for point in (point for block in self.audit for point in block.points()):
            if not any(all(point[axis] in values for axis, values in block) for block in self.grid):
                raise ValueError(
                    f"audit: {', '.join(f'{axis} {value}' for axis, value in point.items())} is not in grid"
                )
        return self


def _few_enough(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Refuse, before they are made, more runs than anybody means."""
    count = sum(math.prod(len(values) for _, values in block) for block in blocks)
    if count > MOST_RUNS:
        raise ValueError(f"its blocks stand for {count:,} runs; {MOST_RUNS:,} are the most")
    return blocks


def _grid_of(experiment: str, kind: type[Run]) -> type[Grid]:
    """The model of a grid of that experiment, whose blocks have its axes."""
    types = get_type_hints(kind, include_extras=True)
    axes: Any = {axis: (Axis[types[axis]], ...) for axis in kind.axes}  # type: ignore[valid-type]
    blocks: Any = Annotated[
        tuple[create_model(f"{experiment} block", __base__=Block, **axes), ...],  # type: ignore[misc]
        Field(strict=False),
        AfterValidator(_few_enough),
    ]
    fields: Any = {"experiment": Literal[experiment], "grid": (blocks, Field(min_length=1)), "audit": (blocks, ())}
    return create_model(f"grid of {experiment}", __base__=Grid, **fields)


if TYPE_CHECKING:
    AnyGrid = Grid
else:
    _models = itertools.starmap(_grid_of, EXPERIMENTS.items())
    AnyGrid = Annotated[functools.reduce(operator.or_, _models), Field(discriminator="experiment")]
