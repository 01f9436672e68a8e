"""The model of params.yaml: presets, their hyperparameters, and the expansion of a grid into runs.

params.yaml is read once, checked, and frozen. A run is the full tuple that one training job needs; it
is the same object whether it comes from a grid or from the flags of `stages/train.py`.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

Dataset = Literal["mnist", "mnist5k"]
Protocol = Literal["released", "strict"]
Experiment = Literal["standard", "advtrain", "advtraingap"]
Figure = Literal["fig1", "fig2", "fig3", "fig4"]
EXPERIMENTS: tuple[Experiment, ...] = get_args(Experiment)
FIGURES: dict[Figure, Experiment] = {
    "fig1": "standard",
    "fig2": "standard",
    "fig3": "advtrain",
    "fig4": "advtraingap",
}


class ParamsError(ValueError):
    """params.yaml, or a flag, asks for something senseless; the message names the file and the key."""


T = TypeVar("T")


def _without_repeats(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a value stands twice; remove one")
    return values


Digit = Annotated[int, Field(ge=0, le=9)]
Pair = Annotated[tuple[Digit, Digit], Field(strict=False), AfterValidator(_without_repeats)]
Positive = Annotated[float, Field(gt=0)]
Radius = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=28)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Axis = Annotated[tuple[T, ...], Field(strict=False, min_length=1), AfterValidator(_without_repeats)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Common(_Model):
    """What all runs of a preset share."""

    dataset: Dataset
    pair: Pair
    protocol: Protocol
    antialias: bool


class StandardSettings(_Model):
    """Hyperparameters of `standard`, under the release's names: minibatch size, epochs, learning rate."""

    bs: Count
    T: Count
    lr: Positive
    normalize: bool


class AdversarialSettings(_Model):
    """Hyperparameters of `advtrain` and `advtraingap`; atk_iters is the number of PGD steps."""

    bs: Count
    T: Count
    lr: Positive
    atk_iters: Count


class Run(Common):
    """One training job. `axes` are what tells the runs of an experiment apart, in the order of its path."""

    axes: ClassVar[tuple[str, ...]]
    experiment: Experiment
    bs: Count
    T: Count
    lr: Positive
    width: Count
    size: Size
    seed: Seed

    @property
    def radius(self) -> float:
        """The largest allowed deviation of a neuron from its start: C0/√m, or gap (protocol.md)."""
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


class StandardRun(Run, StandardSettings):
    """A run of figures 1 and 2."""

    axes = ("width", "size", "C0", "seed")
    experiment: Literal["standard"] = "standard"
    C0: Radius

    @property
    def radius(self) -> float:
        return self.C0 / math.sqrt(self.width)


class AdversarialRun(Run, AdversarialSettings):
    """A run of figures 3 and 4; eps bounds the L2 norm of the perturbation."""

    eps: Positive


class AdvtrainRun(AdversarialRun):
    """A run of figure 3."""

    axes = ("width", "size", "C0", "eps", "seed")
    experiment: Literal["advtrain"] = "advtrain"
    C0: Radius

    @property
    def radius(self) -> float:
        return self.C0 / math.sqrt(self.width)


class AdvtraingapRun(AdversarialRun):
    """A run of figure 4."""

    axes = ("width", "size", "gap", "eps", "seed")
    experiment: Literal["advtraingap"] = "advtraingap"
    gap: Radius

    @property
    def radius(self) -> float:
        return self.gap


RUNS: dict[str, type[Run]] = {
    "standard": StandardRun,
    "advtrain": AdvtrainRun,
    "advtraingap": AdvtraingapRun,
}


class _Block(_Model):
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
        return RUNS[experiment](experiment=experiment, **shared, **settings, **axes)

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


class Params(_Model):
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


def plain(value: Any) -> str:
    """A value as paths and flags spell it: 10 rather than 10.0, floats otherwise in full."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def load(path: str | Path) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: it cannot be read, or a key is unknown, missing, or has a senseless value.
    """
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), _UniqueKeyLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamsError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    return checked(Params, content, str(path))


M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], content: Any, where: str) -> M:
    """`content` as a `model`.

    Raises:
        ParamsError: one line; `where`, the key, what is wrong with it.
    """
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        error = invalid.errors()[0]
        key = ".".join(str(part) for part in error["loc"]) or "the file"
        got = "" if error["type"] in ("missing", "extra_forbidden") else f" (got {error['input']!r:.60})"
        message = {
            "missing": "is missing",
            "extra_forbidden": "is not a key that is known here; remove it or mend its spelling",
        }.get(error["type"], error["msg"].removeprefix("Value error, "))
        raise ParamsError(f"{where}: {key}: {message}{got}") from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that stands twice in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)
