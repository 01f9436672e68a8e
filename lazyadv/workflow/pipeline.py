"""The outputs that a params.yaml stands for: what each should be made from, and whether the file on disk is fresh."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Dataset, Run
from lazyadv.models import Pair, ParamsError, Size
from lazyadv.params import FIGURES, Params, load
from lazyadv.workflow import outputs, paths
from lazyadv.workflow.provenance import Ingredients, fingerprint_of
from lazyadv.workflow.recipes import Recipe, fetch, prepare, prepare_flags, train

PREPARED = TypeAdapter(tuple[Dataset, Pair, Size, bool], config={"strict": True})


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
        self._recipes: dict[Path, Recipe] = {}
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
        if path not in self._recipes:
            self._recipes[path] = self._recipe(path)
        return self._recipes[path]

    def _recipe(self, path: Path) -> Recipe:
        try:
            match path.parts:
                case ("data", dataset, "digits.npz") if dataset in get_args(Dataset):
                    return fetch(dataset)
                case ("data", dataset, pair, name):
                    values = _values(name)
                    where = PREPARED.validate_python((dataset, _value(pair), values["size"], values["antialias"]))
                    if path == paths.pair_path(*where):
                        return prepare(*where)
                case ("results", preset, experiment, "runs" | "networks", _) if experiment in EXPERIMENTS:
                    run = self.run(path)
                    if path in (paths.run_path(preset, run), paths.network_path(preset, run)):
                        return train(run)
                case ("results", preset, experiment, "table.csv"):
                    if experiment not in EXPERIMENTS:
                        raise ParamsError(f"there is no experiment {experiment!r}; there are {', '.join(EXPERIMENTS)}")
                    return outputs.collect(preset, self.params.choose(preset), experiment)
                case ("results", preset, "audit.csv"):
                    return outputs.audit(preset, self.params.choose(preset))
                case ("results", preset, "claims.json" | "claims.md") | ("results", preset, "metrics", _):
                    return outputs.claims(self.params, preset)
                case ("figures", preset, name):
                    return outputs.plot(preset, self.params.choose(preset), _figure(name))
                case ("figures", name):
                    return outputs.plot(self.preset_name, self.preset, _figure(name))
        except ParamsError as error:
            raise ParamsError(f"{path}: {error}") from None
        except (ValueError, KeyError, TypeError):
            pass
        raise ParamsError(f"{path}: the pipeline makes nothing of this name")

    def figures(self) -> list[str]:
        """All figures of the preset: copies for everybody, of the one that params.yaml names; else its own."""
        folder = "figures" if self.preset_name == self.params.preset else f"figures/{self.preset_name}"
        return [f"{folder}/{figure}.pdf" for figure in self.preset.figures]

    def runs(self) -> list[Run]:
        """All runs of the preset."""
        return self.preset.runs(*self.preset.figures)

    def run(self, path: Path) -> Run:
        """The run whose record, or network, is at `path`."""
        if path not in self._runs:
            _, preset, experiment, _, name = path.parts
            self._runs[path] = self.params.choose(preset).run(experiment, **_values(name))
        return self._runs[path]

    def flags(self, path: Path) -> str:
        """The arguments that make stages/train.py write the record at `path`, or stages/prepare.py the data there.

        Some runs keep their network.
        """
        if path.parts[0] == "data":
            return " ".join(prepare_flags(**self.recipe(path).params))
        kept = (f"--network {network}" for network in self.made_with(path)[1:])
        return " ".join([self.run(path).flags, *kept])

    def ingredients(self, path: Path) -> Ingredients:
        """What the output at `path` should be made from."""
        return self.recipe(path).ingredients(lambda asked: self.fingerprint(asked.path))

    def fingerprint(self, path: Path) -> str:
        """The fingerprint that the output at `path` should have."""
        if path not in self._fingerprints:
            self._fingerprints[path] = self.ingredients(path).fingerprint
        return self._fingerprints[path]

    def fresh(self, path: Path) -> bool:
        """Whether the output at `path`, and what is made in one go with it, are there as they should be."""
        return not any(self.stale(path))

    def stale(self, path: Path) -> Iterator[Path]:
        """Of the output at `path` and what is made in one go with it, what is not there as it should be."""
        return (output for output in self.made_with(path) if fingerprint_of(output) != self.fingerprint(output))

    def upstream(self, path: Path) -> tuple[list[Path], bool]:
        """The input files that Snakemake should see of the output at `path`, and whether that is fresh.

        Of a fresh output, without data that are not there; none if none is there, for of results that were pulled in
        part the rest is not required.
        """
        published = path.parent == Path("figures")  # a copy of the preset's own
        inputs = [path.parent / self.preset_name / path.name] if published else self.recipe(path).files
        if not self.fresh(path):
            return inputs, False
        inputs = [file for file in inputs if file.parts[0] != "data" or file.exists()]
        return (inputs if any(file.exists() for file in inputs) else []), True

    def made_with(self, path: Path) -> list[Path]:
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


def reached(targets: Iterable[Path], inputs: Callable[[Path], Iterable[Path]]) -> set[Path]:
    """The targets and everything that they are made from, where `inputs` gives what one file is made from."""
    seen, left = set[Path](), list(targets)
    while left:
        if (path := left.pop()) not in seen:
            seen.add(path)
            left += inputs(path)
    return seen


def _values(name: str) -> dict[str, Any]:
    """The values in a file's name, by what they are of."""
    return {axis: _value(text) for axis, text in (part.split("=") for part in name.rpartition(".")[0].split(","))}


def _value(text: str) -> Any:
    """A value, as a path spells it: a number, a truth, or two digits."""
    try:
        return json.loads(text)
    except ValueError:
        return tuple(map(int, text.split("-")))


def _figure(name: str) -> str:
    figure, _, suffix = name.partition(".")
    if figure not in FIGURES or suffix not in ("pdf", "svg"):
        raise ParamsError(f"there is no figure {figure!r}; there are {', '.join(FIGURES)}, as pdf and svg")
    return figure
