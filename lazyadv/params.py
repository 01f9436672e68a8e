"""The model of params.yaml: presets, their hyperparameters, and the expansion of a grid into runs.

params.yaml is read once, checked, and frozen.
"""

import itertools
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, get_args

import yaml
from pydantic import Field, model_validator

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.adversarial import AdversarialSettings
from lazyadv.experiments.run import Common, Run
from lazyadv.experiments.standard import StandardSettings
from lazyadv.grid import (
    AdvtrainBlock,
    AdvtraingapBlock,
    AdvtrainpairBlock,
    Block,
    Blocks,
    KeptBlock,
    StandardBlock,
)
from lazyadv.models import ParamsError, Strict, checked, without_repeats

MOST_VALUES = 1_000_000
PresetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]


class Audit(Strict):
    """Runs of the figures whose final network is attacked by other means than it was trained against."""

    advtrain: Blocks[AdvtrainBlock] = ()
    advtraingap: Blocks[AdvtraingapBlock] = ()


class Preset(Common):
    """A named set of hyperparameters and one grid a figure (a list of blocks, taken together), for the figures it has.

    `beside` names the presets whose findings its ledger shows beside its own.
    """

    standard: StandardSettings
    advtrain: AdversarialSettings
    advtraingap: AdversarialSettings
    fig1: Blocks[StandardBlock] = ()
    fig2: Blocks[StandardBlock] = ()
    fig3: Blocks[AdvtrainBlock] = ()
    fig4: Blocks[AdvtraingapBlock] = ()
    pairs: Blocks[AdvtrainpairBlock] = ()
    examples: Blocks[KeptBlock] = ()
    audit: Audit = Audit()
    beside: Annotated[tuple[PresetName, ...], Field(strict=False), without_repeats] = ()

    @model_validator(mode="after")
    def _audit_is_among_the_figures(self) -> Self:
        for run in self.audited:
            figures = [figure for figure, experiment in FIGURES.items() if experiment == run.experiment]
            if not any(block.has(run) for figure in figures for block in getattr(self, figure)):
                raise ValueError(f"audit.{run.experiment}: {run.name} is not in the grid of {' or '.join(figures)}")
        return self

    def run(self, experiment: str, **axes: Any) -> Run:
        """The run of this preset at a point of the grid."""
        return EXPERIMENTS[experiment](**self.shared(experiment) | axes)

    @property
    def common(self) -> dict[str, Any]:
        """What all its runs share."""
        return self.model_dump(include=set(Common.model_fields))

    def shared(self, experiment: str) -> dict[str, Any]:
        """What all its runs of an experiment share."""
        settings = getattr(self, EXPERIMENTS[experiment].settings_of or experiment)
        return self.common | settings.model_dump()

    @property
    def figures(self) -> list[str]:
        """The figures that it has a grid for."""
        return [figure for figure in FIGURES if getattr(self, figure)]

    @property
    def experiments(self) -> list[str]:
        """The experiments that feed them."""
        return list(dict.fromkeys(map(self.feeding, self.figures)))

    def feeding(self, figure: str) -> str:
        """The experiment that feeds a figure."""
        return FIGURES[figure]

    @property
    def grids(self) -> dict[str, Any]:
        """The grid of each figure, as JSON has it."""
        return self.model_dump(mode="json", include=set(FIGURES))

    def runs(self, *figures: str) -> list[Run]:
        """The runs that the figures ask for, in the order of their grids, each once."""
        grids = (self._expand(FIGURES[figure], getattr(self, figure)) for figure in figures)
        return list(dict.fromkeys(itertools.chain(*grids)))

    @cached_property
    def audited(self) -> dict[Run, None]:
        """The runs whose final network is audited, in the order of their grid."""
        grids = (self._expand(experiment, getattr(self.audit, experiment)) for experiment in Audit.model_fields)
        return dict.fromkeys(itertools.chain(*grids))

    @cached_property
    def kept(self) -> set[Run]:
        """The runs whose final network is kept: those that are audited, or that a figure shows."""
        return {*self.audited, *(run for figure in self.figures for run in self.shown(figure))}

    def shown(self, figure: str) -> list[Run]:
        """The runs whose final network the figure shows; their records say the rest, and no table is needed."""
        return self.runs(figure) if BLOCKS[figure].keeps else []

    def _expand(self, experiment: str, blocks: tuple[Block, ...]) -> Iterator[Run]:
        axes = EXPERIMENTS[experiment].axes
        for block in blocks:
            for point in itertools.product(*(getattr(block, axis) for axis in axes)):
                yield self.run(experiment, **dict(zip(axes, point, strict=True)))

    def runs_of(self, experiment: str) -> list[Run]:
        """All runs of an experiment: those of the figures that it feeds."""
        return self.runs(*(figure for figure, feeds in FIGURES.items() if feeds == experiment))


# each figure: the kind of its blocks, and the experiment that feeds it
BLOCKS: dict[str, type[Block]] = {
    name: kinds[0]
    for name, field in Preset.model_fields.items()
    if (kinds := get_args(field.annotation)) and isinstance(kinds[0], type) and issubclass(kinds[0], Block)
}
FIGURES: dict[str, str] = {figure: kind.experiment for figure, kind in BLOCKS.items()}


class Params(Strict):
    """The whole of params.yaml."""

    preset: PresetName
    mirrors: Annotated[tuple[str, ...], Field(strict=False)]
    presets: dict[PresetName, Preset]

    @model_validator(mode="after")
    def _preset_is_there(self) -> Self:
        self.choose(self.preset)
        return self

    @model_validator(mode="after")
    def _presets_beside_are_there(self) -> Self:
        for name, preset in self.presets.items():
            for other in preset.beside:
                if other not in self.presets or other == name:
                    raise ValueError(f"presets.{name}.beside: there is no other preset {other!r}")
        return self

    def choose(self, name: str) -> Preset:
        """The preset of that name; of `quick-4-9`, quick with the digits 4 and 9, without what is of given pairs.

        Raises:
            ParamsError: there is none, or its two digits are one; the message lists those there are.
        """
        if isinstance(name, str) and name in self.presets:
            return self.presets[name]
        paired = re.fullmatch(r"(.+)-([0-9])-([0-9])", str(name))
        if not paired or paired[1] not in self.presets:
            raise ParamsError(f"preset: {name!r} is none of {', '.join(self.presets)}, nor one with -4-9 behind it")
        preset = self.presets[paired[1]]
        changed = {"pair": (int(paired[2]), int(paired[3])), "pairs": (), "examples": (), "beside": ()}
        return checked(Preset, preset.model_dump() | changed, f"preset {name}")

    def with_others(self, name: str) -> dict[str, Preset]:
        """The preset of that name and those beside it, by name.

        Raises:
            ParamsError: there is none of that name.
        """
        preset = self.choose(name)
        return {name: preset, **{other: self.presets[other] for other in preset.beside}}


class Options(Strict):
    """What Snakemake's --config takes."""

    preset: Annotated[str, Field(min_length=1)] = ""  # that of params.yaml
    device: Annotated[str, Field(pattern="^[a-z0-9_]+(:[0-9]+)?$")] = "cpu"


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
        keys = [key for key, _ in pairs if key.tag != "tag:yaml.org,2002:merge"]
        for place, key in enumerate(keys):
            if key.value in [earlier.value for earlier in keys[:place]]:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep)


# a number to YAML 1.2, and to DVC, which writes it so; text to the YAML 1.1 of the loader
_EXPONENT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
_UniqueKeyLoader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))
