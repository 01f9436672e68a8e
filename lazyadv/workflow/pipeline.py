"""What each output of the pipeline is made from: the recipes, and whether a file on disk is fresh.

Stages and the Snakefile use the same recipes. A stage fills in the fingerprints of the files that it has
read; the Snakefile those that the files should have.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from lazyadv.params import FIGURES, Params, Preset, load
from lazyadv.run import EXPERIMENTS, MOST_SIZE, Dataset, ParamsError, Run
from lazyadv.workflow import paths, sources
from lazyadv.workflow.provenance import Ingredients, fingerprint_of

SENTINEL = Path(".snakemake/lazyadv-stale")  # as new as the last parse, so newer than any output


@dataclass(frozen=True)
class Recipe:
    """How an output is made: the rule, what it reads of params.yaml, its code's entries, its input files."""

    rule: str
    params: dict[str, Any]
    entries: tuple[str, ...]
    inputs: dict[str, Path]  # role -> file

    def ingredients(self, fingerprint: Callable[[Path], str | None]) -> Ingredients:
        """The recipe with its inputs' fingerprints, as `fingerprint` gives them for a path."""
        inputs = {role: fingerprint(path) or "none" for role, path in self.inputs.items()}
        return Ingredients(self.rule, self.params, _code(*self.entries), inputs)


_code = cache(sources.reach)


def fetch(dataset: str) -> Recipe:
    # not the stage: it only chooses mirrors, and what comes from a mirror is what its checksum says
    return Recipe("fetch", {"dataset": dataset}, (f"lazyadv.data:{dataset}", "lazyadv.data:save"), {})


def prepare(dataset: str, pair: tuple[int, int], size: int, antialias: bool) -> Recipe:
    params = {"dataset": dataset, "pair": list(pair), "size": size, "antialias": antialias}
    return Recipe("prepare", params, ("stages.prepare:main",), {"digits": paths.digits_path(dataset)})


def train(run: Run) -> Recipe:
    entries = ("stages.train:main", f"stages.train:{run.experiment}")
    data = paths.pair_path(run.dataset, run.pair, run.size, run.antialias)
    return Recipe("train", run.model_dump(mode="json"), entries, {"data": data})


def collect(name: str, preset: Preset, experiment: str) -> Recipe:
    runs = preset.runs_of(experiment)
    if not runs:
        raise ParamsError(f"presets.{name} has no run of it")
    params = {"preset": name, "experiment": experiment}
    return Recipe("collect", params, ("stages.collect:main",), {run.name: paths.run_path(name, run) for run in runs})


def plot(name: str, preset: Preset, figure: str) -> Recipe:
    if figure not in preset.figures:
        raise ParamsError(f"presets.{name} has no grid for it")
    params = {"figure": figure, "grid": [block.model_dump(mode="json") for block in getattr(preset, figure)]}
    entries = ("stages.plot:main", f"lazyadv.results.figures:{figure}")
    inputs = _networks(name, preset.shown(figure)) or {"table": paths.table_path(name, FIGURES[figure])}
    return Recipe("plot", params, entries, inputs)


def audit(name: str, preset: Preset) -> Recipe:
    params = {"preset": name, **preset.audit.model_dump(mode="json")}
    return Recipe("audit", params, ("stages.audit:main",), _networks(name, preset.audited))


def _networks(name: str, runs: Iterable[Run]) -> dict[str, Path]:
    """The files behind what is done with the runs' final networks: records, beside which the networks are, and data."""
    records = {run.name: paths.run_path(name, run) for run in runs}
    return records | {
        f"data {run.name}": paths.pair_path(run.dataset, run.pair, run.size, run.antialias) for run in runs
    }


def claims(params: Params, name: str) -> Recipe:
    """The ledger of a preset, and of those beside it."""
    presets = params.with_others(name)
    grids = {name: preset.model_dump(mode="json", include=set(FIGURES)) for name, preset in presets.items()}
    tables = {f"{name} {each}": paths.table_path(name, each) for name in presets for each in presets[name].experiments}
    audits = {f"{name} audit": paths.audit_path(name) for name in presets if presets[name].audited}
    return Recipe("claims", {"grids": grids}, ("stages.claims:main",), tables | audits)


def has_digits(dataset: str) -> bool:
    """Whether a data set's file is there, and fresh."""
    return fingerprint_of(paths.digits_path(dataset)) == fetch(dataset).ingredients(fingerprint_of).fingerprint


def has_pair(dataset: str, pair: tuple[int, int], size: int, antialias: bool) -> bool:
    """Whether a prepared file is there, and fresh."""
    digits = fetch(dataset).ingredients(fingerprint_of).fingerprint
    wanted = prepare(dataset, pair, size, antialias).ingredients(lambda _: digits).fingerprint
    return fingerprint_of(paths.pair_path(dataset, pair, size, antialias)) == wanted


class Pipeline:
    """The outputs that a params.yaml stands for."""

    def __init__(self, params: Params, preset: str | None = None) -> None:
        """`preset` is the one that figures/*.pdf are of, if not the one that params.yaml names.

        Raises:
            ParamsError: there is no such preset.
        """
        self.params = params
        self.preset_name = params.preset if preset is None else preset
        self.preset = params.choose(self.preset_name)
        self._fingerprints: dict[Path, str] = {}
        self._runs: dict[Path, Run] = {}

    @classmethod
    def load(cls, path: str, preset: str | None = None) -> "Pipeline":
        return cls(load(path), preset)

    def recipe(self, path: Path) -> Recipe:
        """The recipe of the output at `path`.

        Raises:
            ParamsError: the pipeline makes nothing there.
        """
        try:
            match path.parts:
                case ("data", dataset, "digits.npz") if dataset in get_args(Dataset):
                    return fetch(dataset)
                case ("data", dataset, pair, name):
                    first, second = pair.split("-")
                    size, antialias = _values(name)
                    where = (dataset, (int(first), int(second)), int(size), antialias == "true")
                    if path == paths.pair_path(*where) and first != second and 1 <= where[2] <= MOST_SIZE:
                        return prepare(*where)
                case ("results", preset, experiment, "runs" | "networks", _) if experiment in EXPERIMENTS:
                    run = self.run(path)
                    if path in (paths.run_path(preset, run), paths.network_path(preset, run)):
                        return train(run)
                case ("results", preset, experiment, "table.csv"):
                    if experiment not in EXPERIMENTS:
                        raise ParamsError(f"there is no experiment {experiment!r}; there are {', '.join(EXPERIMENTS)}")
                    return collect(preset, self.params.choose(preset), experiment)
                case ("results", preset, "audit.csv"):
                    return audit(preset, self.params.choose(preset))
                case ("results", preset, "claims.json" | "claims.md") | ("results", preset, "metrics", _):
                    return claims(self.params, preset)
                case ("figures", preset, name):
                    return plot(preset, self.params.choose(preset), _figure(name))
                case ("figures", name):
                    return plot(self.preset_name, self.preset, _figure(name))
        except ParamsError as error:
            raise ParamsError(f"{path}: {error}") from None
        except (ValueError, KeyError):
            pass
        raise ParamsError(f"{path}: the pipeline makes nothing of this name")

    def runs(self) -> list[Run]:
        """All runs of the preset."""
        return self.preset.runs(*self.preset.figures)

    def run(self, path: Path) -> Run:
        """The run whose record, or network, is at `path`."""
        if path not in self._runs:
            _, preset, experiment, _, name = path.parts
            axes = dict(part.split("=") for part in name.rpartition(".")[0].split(","))
            values = {axis: _value(axis, text) for axis, text in axes.items()}
            self._runs[path] = self.params.choose(preset).run(experiment, **values)
        return self._runs[path]

    def flags(self, path: Path) -> str:
        """The arguments that make stages/train.py write the record at `path`; some runs keep their network."""
        kept = (f"--network {network}" for network in self._outputs(path)[1:])
        return " ".join([self.run(path).flags, *kept])

    def ingredients(self, path: Path) -> Ingredients:
        """What the output at `path` should be made from."""
        return self.recipe(path).ingredients(self.fingerprint)

    def fingerprint(self, path: Path) -> str:
        """The fingerprint that the output at `path` should have."""
        if path not in self._fingerprints:
            self._fingerprints[path] = self.ingredients(path).fingerprint
        return self._fingerprints[path]

    def fresh(self, path: Path) -> bool:
        """Whether the output at `path`, and what is made in one go with it, are there as they should be."""
        return all(fingerprint_of(output) == self.fingerprint(output) for output in self._outputs(path))

    def upstream(self, path: Path) -> tuple[list[Path], bool]:
        """The input files of the output at `path` as Snakemake should see them, and if they are ancient.

        Missing: all inputs. Stale, or only a part of what is made in one go: all inputs and the sentinel,
        which is newer than the output, so the output is made again. Fresh: inputs whose times do not
        count, without data that are not there; or none if none is there, for of results that were pulled in part
        the rest is not asked for.
        """
        inputs = self._files(path)
        if not path.exists():
            return inputs, False
        if not self.fresh(path):
            return [*inputs, SENTINEL], False
        inputs = [file for file in inputs if file.parts[0] != "data" or file.exists()]
        return (inputs if any(file.exists() for file in inputs) else []), True

    def _outputs(self, path: Path) -> list[Path]:
        """What is made in one go with `path`, it included."""
        match path.parts:
            case ("figures", preset, _):
                return paths.figure_paths(preset, path.stem)
            case ("results", preset, "claims.json"):
                return [*paths.claims_paths(preset), *paths.metrics_paths(preset)]
            case ("results", preset, _, "runs", _):
                run = self.run(path)
                return [path, paths.network_path(preset, run)] if run in self.params.choose(preset).kept else [path]
        return [path]

    def _files(self, path: Path) -> list[Path]:
        if path.parent == Path("figures"):  # a copy of the preset's own
            return [path.parent / self.preset_name / path.name]
        return list(self.recipe(path).inputs.values())


def renew_sentinel() -> None:
    """Make the sentinel as new as now, and other than before: Snakemake ignores a new date on the same content."""
    SENTINEL.parent.mkdir(exist_ok=True)
    SENTINEL.write_text(f"{time.time_ns()}\n")


def _values(name: str) -> Iterable[str]:
    return [part.partition("=")[2] for part in name.removesuffix(".npz").split(",")]


def _value(axis: str, text: str) -> Any:
    """The value of an axis, as a path spells it."""
    if axis == "pair":
        return tuple(map(int, text.split("-")))
    return float(text) if axis in ("C0", "gap", "eps") else int(text)


def _figure(name: str) -> str:
    figure, _, suffix = name.partition(".")
    if figure not in FIGURES or suffix not in ("pdf", "svg"):
        raise ParamsError(f"there is no figure {figure!r}; there are {', '.join(FIGURES)}, as pdf and svg")
    return figure
