"""The model of params.yaml: presets, their hyperparameters, and the expansion of a grid into runs.

params.yaml is read once, checked, and frozen.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field

from lazyadv.run import (
    RUNS,
    AdversarialSettings,
    Common,
    Count,
    Experiment,
    ParamsError,
    Positive,
    Radius,
    Run,
    Seed,
    Size,
    StandardSettings,
    Strict,
    checked,
    without_repeats,
)

MOST_VALUES = 1_000_000
T = TypeVar("T")
Axis = Annotated[tuple[T, ...], Field(strict=False, min_length=1), without_repeats]
Figure = Literal["fig1", "fig2", "fig3", "fig4"]
FIGURES: dict[Figure, Experiment] = {
    "fig1": "standard",
    "fig2": "standard",
    "fig3": "advtrain",
    "fig4": "advtraingap",
}


class _Block(Strict):
    """A block of a figure's grid: the runs are the product of its axes."""

    width: Axis[Count]
    size: Axis[Size]
    seed: Axis[Seed]


class StandardBlock(_Block):
    C0: Axis[Radius]


class AdvtrainBlock(_Block):
    C0: Axis[Radius]
    eps: Axis[Positive]


class AdvtraingapBlock(_Block):
    gap: Axis[Radius]
    eps: Axis[Positive]


Blocks = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]


class Preset(Common):
    """A named set of hyperparameters and one grid a figure (a list of blocks, taken together)."""

    standard: StandardSettings
    advtrain: AdversarialSettings
    advtraingap: AdversarialSettings
    fig1: Blocks[StandardBlock]
    fig2: Blocks[StandardBlock]
    fig3: Blocks[AdvtrainBlock]
    fig4: Blocks[AdvtraingapBlock]

    def run(self, experiment: str, **axes: Any) -> Run:
        """The run of this preset at a point of the grid."""
        shared = {key: getattr(self, key) for key in Common.model_fields}
        settings = getattr(self, experiment).model_dump()
        return RUNS[experiment](**shared, **settings, **axes)

    def runs(self, *figures: Figure) -> list[Run]:
        """The runs that the figures ask for, in the order of their grids, each once."""
        return list(dict.fromkeys(run for figure in figures for run in self._expand(figure)))

    def _expand(self, figure: Figure) -> Iterator[Run]:
        experiment = FIGURES[figure]
        axes = RUNS[experiment].axes
        for block in getattr(self, figure):
            for point in itertools.product(*(getattr(block, axis) for axis in axes)):
                yield self.run(experiment, **dict(zip(axes, point, strict=True)))

    def runs_of(self, experiment: str) -> list[Run]:
        """All runs of an experiment: those of the figures that it feeds."""
        return self.runs(*(figure for figure, feeds in FIGURES.items() if feeds == experiment))


PresetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class Params(Strict):
    """The whole of params.yaml."""

    preset: PresetName
    mirrors: Annotated[tuple[str, ...], Field(strict=False)]
    presets: dict[PresetName, Preset]

    def choose(self, name: str) -> Preset:
        """The preset of that name.

        Raises:
            ParamsError: there is none; the message lists those there are.
        """
        if name not in self.presets:
            raise ParamsError(f"preset: {name!r} is not among those of params.yaml: {', '.join(self.presets)}")
        return self.presets[name]


def load(path: str | Path) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: it cannot be read, or a key is unknown, missing, or has a senseless value.
    """
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), _UniqueKeyLoader)
        _require_countable(content)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ParamsError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    return checked(Params, content, str(path))


def _require_countable(content: Any) -> None:
    """Refuse a few lines of aliases that stand for billions of values, or for themselves."""
    count, waiting = 0, [content]
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ValueError(f"with its aliases written out it has more than {MOST_VALUES:,} values")
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that stands twice in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        keys = [key.value for key, _ in pairs if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)
