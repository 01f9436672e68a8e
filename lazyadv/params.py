"""The model of params.yaml: presets, their hyperparameters, and the expansion of a grid into runs.

params.yaml is read once, checked, and frozen.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import AfterValidator, Field, create_model, model_validator

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Common, Run
from lazyadv.grid import AnyGrid, Block
from lazyadv.models import ParamsError, Strict, checked, without_repeats

MOST_VALUES = 1_000_000
AUDIT = "audit"  # is judged like a figure, and is of those runs of the figures that are audited
# a file each; which need not be imported, with all that draws, to plan
FIGURES = tuple(sorted({path.stem for path in Path(__file__).with_name("figures").glob("[!_]*.py")} - {AUDIT}))
PresetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]


def _known(figure: str) -> str:
    if figure not in FIGURES:
        raise ValueError(f"there is no figure {figure!r}; there are {', '.join(FIGURES)}")
    return figure


if TYPE_CHECKING:
    Settings = Strict
else:  # the hyperparameters of each experiment that the preset has
    Settings = create_model(
        "Settings", __base__=Strict, **{name: (kind.settings, None) for name, kind in EXPERIMENTS.items()}
    )


class Preset(Common):
    """A named set of hyperparameters by experiment, and of figures, each with its grid.

    `beside` names the presets whose findings its ledger shows beside its own.
    """

    settings: Annotated[Settings, Field(alias="experiments")]
    figures: dict[Annotated[str, AfterValidator(_known)], AnyGrid]
    beside: Annotated[tuple[PresetName, ...], Field(strict=False), without_repeats] = ()

    @model_validator(mode="after")
    def _has_the_experiments_of_its_figures(self) -> Self:
        given, used = self.settings.model_fields_set, set(self.experiments)
        for experiment in sorted(given ^ used):
            says = "no figure is of it; remove it" if experiment in given else "is missing, and a figure is of it"
            raise ValueError(f"experiments.{experiment}: {says}")
        return self

    def run(self, experiment: str, **axes: Any) -> Run:
        """The run of this preset at a point of the grid."""
        return EXPERIMENTS[experiment](**self.shared(experiment) | axes)

    @property
    def common(self) -> dict[str, Any]:
        """What all its runs share."""
        return self.model_dump(include=set(Common.model_fields))

    def shared(self, experiment: str) -> dict[str, Any]:
        """What all its runs of an experiment share.

        Raises:
            ParamsError: it has none.
        """
        settings = getattr(self.settings, experiment)
        if settings is None:
            raise ParamsError(f"the preset has no experiments.{experiment}")
        return self.common | settings.model_dump()

    @property
    def experiments(self) -> list[str]:
        """The experiments that feed its figures."""
        return list(dict.fromkeys(grid.experiment for grid in self.figures.values()))

    def runs(self, *figures: str) -> list[Run]:
        """The runs that these of its figures ask for, in the order of their grids, each once."""
        return self._expand((self.figures[figure].experiment, self.figures[figure].grid) for figure in figures)

    def runs_of(self, experiment: str) -> list[Run]:
        """All runs of an experiment: those of the figures that it feeds."""
        return self.runs(*(figure for figure, grid in self.figures.items() if grid.experiment == experiment))

    @cached_property
    def audited(self) -> list[Run]:
        """The runs whose final network is audited, in the order of their grids."""
        return self._expand((grid.experiment, grid.audit) for grid in self.figures.values())

    @cached_property
    def kept(self) -> set[Run]:
        """The runs whose final network is kept: those that are audited, or that a figure shows."""
        return {*self.audited, *(run for figure in self.figures for run in self.shown(figure))}

    def shown(self, figure: str) -> list[Run]:
        """The runs whose final network the figure shows; their records say the rest, and no table is needed."""
        return self.runs(figure) if self.figures[figure].networks else []

    def _expand(self, grids: Iterable[tuple[str, tuple[Block, ...]]]) -> list[Run]:
        points = ((experiment, point) for experiment, blocks in grids for block in blocks for point in block.points())
        return list(dict.fromkeys(self.run(experiment, **point) for experiment, point in points))

    def of_pair(self, pair: tuple[int, int]) -> dict[str, Any]:
        """The same for another pair of digits, as params.yaml has it: without figures that are of given pairs."""
        left = {name: grid for name, grid in self.figures.items() if "pair" not in EXPERIMENTS[grid.experiment].axes}
        used = {grid.experiment for grid in left.values()}
        content = self.model_dump(by_alias=True, exclude_unset=True)
        return content | {
            "pair": pair,
            "experiments": {name: values for name, values in content["experiments"].items() if name in used},
            "figures": {name: content["figures"][name] for name in left},
            "beside": (),
        }


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
        content = self.presets[paired[1]].of_pair((int(paired[2]), int(paired[3])))
        return checked(Preset, content, f"preset {name}")

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
