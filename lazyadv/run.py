"""A run: the full tuple that one training job needs, checked and frozen.

It is the same object whether it comes from a grid of params.yaml or from the flags of `stages/train.py`.
"""

import math
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lazyadv.errors import UserError

Dataset = Literal["mnist", "mnist5k"]
Protocol = Literal["released", "strict"]
Experiment = Literal["standard", "advtrain", "advtraingap", "advtrainpair"]
EXPERIMENTS: tuple[Experiment, ...] = get_args(Experiment)


class ParamsError(UserError):
    """params.yaml, or a flag, asks for something senseless; the message names the file and the key."""


def _without_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a value stands twice; remove one")
    return values


without_repeats = AfterValidator(_without_repeats)
MOST_SIZE = 112  # pixels a side; four times that of MNIST, whose digits are enlarged beyond 28
Digit = Annotated[int, Field(ge=0, le=9)]
Pair = Annotated[tuple[Digit, Digit], Field(strict=False), without_repeats]
Positive = Annotated[float, Field(gt=0)]
Radius = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=MOST_SIZE)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Strict(BaseModel):
    """Refuses unknown keys, other types and infinities; cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Common(Strict):
    """What all runs of a preset share."""

    dataset: Dataset
    pair: Pair
    protocol: Protocol
    antialias: bool


class StandardSettings(Strict):
    """Hyperparameters of `standard`, under the release's names: minibatch size, epochs, learning rate."""

    bs: Count
    T: Count
    lr: Positive
    normalize: bool


class AdversarialSettings(Strict):
    """Hyperparameters of the adversarial experiments; atk_iters is the number of PGD steps."""

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
        """The largest allowed deviation of a neuron from its start: C0/√m, or gap (docs/protocols.md, step 6)."""
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
    """A run within the lazy regime, whose radius shrinks with the width."""

    C0: Radius

    @property
    def radius(self) -> float:
        return self.C0 / math.sqrt(self.width)


class StandardRun(LazyRun, StandardSettings):
    """A run of figures 1 and 2."""

    axes = ("width", "size", "C0", "seed")
    experiment: Literal["standard"] = "standard"


class AdversarialRun(Run, AdversarialSettings):
    """A run of figures 3 and 4; eps bounds the L2 norm of the perturbation."""

    eps: Positive

    @property
    def step(self) -> float:
        """The length of a step of the attack: 2.5 ε over their number, which for `released` always is 100."""
        return 2.5 * self.eps / (self.atk_iters if self.protocol == "strict" else 100)


class AdvtrainRun(LazyRun, AdversarialRun):
    """A run of figure 3."""

    axes = ("width", "size", "C0", "eps", "seed")
    experiment: Literal["advtrain"] = "advtrain"


class AdvtraingapRun(AdversarialRun):
    """A run of figure 4."""

    axes = ("width", "size", "gap", "eps", "seed")
    experiment: Literal["advtraingap"] = "advtraingap"
    gap: Radius

    @property
    def radius(self) -> float:
        return self.gap


class AdvtrainpairRun(LazyRun, AdversarialRun):
    """A run of figure 3 for any pair of digits."""

    axes = ("pair", "width", "size", "C0", "eps", "seed")
    experiment: Literal["advtrainpair"] = "advtrainpair"


RUNS: dict[str, type[Run]] = {
    "standard": StandardRun,
    "advtrain": AdvtrainRun,
    "advtraingap": AdvtraingapRun,
    "advtrainpair": AdvtrainpairRun,
}


def plain(value: Any) -> str:
    """A value as paths and flags spell it: 10 rather than 10.0, floats otherwise in full, a pair as 0-1."""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], content: Any, where: str) -> M:
    """`content` as a `model`.

    Raises:
        ParamsError: one line; `where`, the key, what is wrong with it.
    """
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        errors = invalid.errors()  # of which a misspelt key tells more than the one that is missing for it
        error = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
        key = ".".join(str(part) for part in error["loc"] if part != "[key]")
        whole = error["type"] in ("missing", "extra_forbidden") or repr(error["input"]).startswith(("{", "[{"))
        got = "" if whole else f" (got {error['input']!r:.60})"
        message = {
            "missing": "is missing",
            "extra_forbidden": "is not a key that is known here; remove it or mend its spelling",
            "float_type": "is not a number",
            "too_short": "has too few values",
            "tuple_type": "is not a list",
            "model_type": "is not a block of keys and values",
        }.get(error["type"], error["msg"].removeprefix("Value error, "))
        line = ": ".join(part for part in (where, key, message + got) if part)
        raise ParamsError(" ".join(line.split())) from None
