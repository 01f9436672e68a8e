"""What each output of the pipeline is made from: its rule, parameters, code and input files.

Stages and Snakefile use the same recipes. A stage fills in the fingerprints of the files that it has read; the
Snakefile those that the files should have (pipeline.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazyadv.experiments.run import Run
from lazyadv.models import ParamsError
from lazyadv.workflow import paths, sources
from lazyadv.workflow.provenance import Ingredients, Input, fingerprint_of

if TYPE_CHECKING:
    from lazyadv.params import Params, Preset


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


def train(run: Run) -> Recipe:
    """A run's record, and its final network if that is kept; its code is that of its experiment's file."""
    return Recipe("train", run.model_dump(mode="json"), ("stages.train", type(run).__module__), {"data": _data(run)})


def _data(run: Run) -> Input:
    where = (run.dataset, run.pair, run.size, run.antialias)
    return Input(paths.pair_path(*where), "prepare", prepare(*where).params)


def _record(name: str, run: Run) -> Input:
    return Input(paths.run_path(name, run), "train", run.model_dump(mode="json"))


def collect(name: str, preset: "Preset", experiment: str) -> Recipe:
    """The table of an experiment.

    Raises:
        ParamsError: the preset has no run of it.
    """
    runs = preset.runs_of(experiment)
    if not runs:
        raise ParamsError(f"presets.{name} has no run of it")
    records = {run.name: _record(name, run) for run in runs}
    return Recipe("collect", {"preset": name, "experiment": experiment}, ("stages.collect",), records)


def plot(name: str, preset: "Preset", figure: str) -> Recipe:
    """A figure, from a table or from the networks that it shows.

    Raises:
        ParamsError: the preset has no grid for it.
    """
    if figure not in preset.figures:
        raise ParamsError(f"presets.{name} has no grid for it")
    params = {"figure": figure, "grid": preset.grids[figure]}
    inputs = _networks(name, preset.shown(figure)) or {"table": _table(name, preset.feeding(figure))}
    return Recipe("plot", params, ("stages.plot",), inputs)


def _table(name: str, experiment: str) -> Input:
    return Input(paths.table_path(name, experiment), "collect", {"preset": name, "experiment": experiment})


def audit(name: str, preset: "Preset") -> Recipe:
    """The table of what other attacks make of kept networks."""
    return Recipe("audit", _audit(name, preset).params, ("stages.audit",), _networks(name, preset.audited))


def _audit(name: str, preset: "Preset") -> Input:
    return Input(paths.audit_path(name), "audit", {"preset": name, **preset.audit.model_dump(mode="json")})


def _networks(name: str, runs: Iterable[Run]) -> dict[str, Input]:
    """The files behind what is done with the runs' final networks: records, beside which the networks are, and data."""
    return {run.name: _record(name, run) for run in runs} | {f"data {run.name}": _data(run) for run in runs}


def claims(params: "Params", name: str) -> Recipe:
    """The ledger of a preset, and of those beside it."""
    presets = params.with_others(name)
    grids = {name: preset.grids for name, preset in presets.items()}
    tables = {f"{name} {each}": _table(name, each) for name in presets for each in presets[name].experiments}
    audits = {f"{name} audit": _audit(name, preset) for name, preset in presets.items() if preset.audited}
    return Recipe("claims", {"grids": grids}, ("stages.claims",), tables | audits)


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
