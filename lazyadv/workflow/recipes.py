"""What a run and its data are made from: rule, parameters, code and input files; outputs.py has what is made of runs.

Stages and Snakefile use the same recipes. A stage fills in the fingerprints of the files that it has read; the
Snakefile those that the files should have (pipeline.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lazyadv.experiments.run import Run
from lazyadv.workflow import paths, sources
from lazyadv.workflow.provenance import Ingredients, Input, fingerprint_of


@dataclass(frozen=True)
class Recipe:
    """How an output is made: the rule, its parameters, the modules that its code starts at, its inputs."""

    rule: str
    params: dict[str, Any]
    entries: tuple[str, ...]
    inputs: dict[str, Input]  # by role

    @property
    def files(self) -> list[Path]:
        """The input files."""
        return [each.path for each in self.inputs.values()]

    def ingredients(self, fingerprint: Callable[[Input], str | None]) -> Ingredients:
        """The recipe with its inputs' fingerprints, as `fingerprint` gives them."""
        inputs = {role: fingerprint(each) or "none" for role, each in self.inputs.items()}
        return Ingredients(self.rule, self.params, _code(*self.entries), inputs)


_code = cache(sources.reach)


def fetch(dataset: str) -> Recipe:
    """A data set's digits. Of no stage: that only chooses mirrors, and a checksum says what comes from them."""
    return Recipe("fetch", {"dataset": dataset}, ("lazyadv.digits",), {})


def prepare(dataset: str, pair: tuple[int, int], size: int, antialias: bool) -> Recipe:
    """A pair of digits at a size."""
    params = {"dataset": dataset, "pair": list(pair), "size": size, "antialias": antialias}
    digits = Input(paths.digits_path(dataset), "fetch", {"dataset": dataset})
    return Recipe("prepare", params, ("stages.prepare",), {"digits": digits})


def prepare_flags(dataset: str, pair: tuple[int, int], size: int, antialias: bool) -> list[str]:
    """The arguments that make stages/prepare.py prepare a pair of digits."""
    words = [dataset, "--num1", pair[0], "--num2", pair[1], "--size", size]
    return [*map(str, words), "--antialias" if antialias else "--no-antialias"]


def train(run: Run) -> Recipe:
    """A run's record, and its final network if that is kept; its code is that of its experiment's file."""
    return Recipe("train", run.model_dump(mode="json"), ("stages.train", type(run).__module__), {"data": data_of(run)})


def data_of(run: Run) -> Input:
    """The prepared data of a run."""
    where = (run.dataset, run.pair, run.size, run.antialias)
    return Input(paths.pair_path(*where), "prepare", prepare(*where).params)


def has_digits(dataset: str) -> bool:
    """Whether a data set's file is there, and fresh."""
    return fingerprint_of(paths.digits_path(dataset)) == fetch(dataset).ingredients(_none).fingerprint


def has_pair(dataset: str, pair: tuple[int, int], size: int, antialias: bool) -> bool:
    """Whether a prepared file is there, and fresh."""
    digits = fetch(dataset).ingredients(_none).fingerprint
    wanted = prepare(dataset, pair, size, antialias).ingredients(lambda _: digits).fingerprint
    return fingerprint_of(paths.pair_path(dataset, pair, size, antialias)) == wanted


def _none(_: Input) -> None:
    """The fingerprint of no input."""
