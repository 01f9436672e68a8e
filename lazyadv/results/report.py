"""What there is of a preset, as one page: figures, claims, hyperparameters, runs and their records, the pipeline.

Everything is read from the records as they lie on disk, not from tables or figures that were made of them
before, so that a run that is missing or stale is so on the whole page; but for the audit and the figures of kept
networks, which are taken as they were made, if they are fresh. Nothing is trained.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd

from lazyadv.params import BLOCKS, FIGURES
from lazyadv.results import claims, figures, ledger, record, style, table
from lazyadv.run import Run
from lazyadv.workflow import paths, pipeline
from lazyadv.workflow.provenance import fingerprint_of

TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(frozen=True)
class Entry:
    """A run that was asked for: its record, and in what state that is.

    fresh: as params.yaml and the code would make it now; stale: made otherwise (its row is there if only the code
    or the data were other), or without the network that is to be kept; unusable: damaged, or another run's;
    failed: none, and the log of the last try ends in an error; missing.
    """

    run: Run
    path: Path
    state: str
    remark: str = ""
    row: dict[str, Any] | None = None
    environment: dict[str, Any] | None = None


class Shown(NamedTuple):
    """A figure on the page."""

    name: str
    title: str
    image: str | None  # a data: address, none where there is no run to show
    rows: int
    asked: int
    settings: dict[str, Any]
    grid: list[dict[str, Any]]


class Stage(NamedTuple):
    """A box of the drawn pipeline: files that one rule makes, and how many of them are there and fresh."""

    name: str
    column: int
    line: int
    files: int
    fresh: int


class Report:
    """The page of a preset."""

    def __init__(self, made: pipeline.Pipeline, name: str) -> None:
        self.pipeline = made
        self.name = name
        self.preset = made.params.choose(name)

    @cached_property
    def entries(self) -> dict[str, list[Entry]]:
        """The runs of each experiment."""
        return {kind: [self._entry(run) for run in self.preset.runs_of(kind)] for kind in self.preset.experiments}

    def _entry(self, run: Run) -> Entry:
        path = paths.run_path(self.name, run)
        if not path.exists():
            error = _error(Path("logs", self.name, run.experiment, f"{run.name}.log"))
            return Entry(run, path, "failed", error) if error else Entry(run, path, "missing")
        fresh = self.pipeline.fresh(path)
        try:
            read = record.read(path)
            row = table.row(path, run, read)
            environment = {key: value for key, value in read.provenance.items() if key != "made_from"}
        except record.RecordError as error:
            if fingerprint_of(path) is not None and not fresh:
                return Entry(run, path, "stale", "made from other parameters, or damaged")
            return Entry(run, path, "unusable", str(error))
        return Entry(run, path, "fresh" if fresh else "stale", "", row, environment)

    @cached_property
    def selections(self) -> dict[str, table.Selection]:
        """The rows of each figure and of the audit."""
        selections: dict[str, table.Selection] = {}
        for figure, experiment in FIGURES.items():
            runs = dict.fromkeys(self.preset.runs(figure))
            rows = [entry.row for entry in self.entries.get(experiment, []) if entry.row and entry.run in runs]
            frame = pd.DataFrame(rows)
            nothing = frame.columns[frame.isna().all()]  # None, where a table read from CSV has NaN
            selections[figure] = table.Selection(frame.astype(dict.fromkeys(nothing, float)), len(runs))
        audited, path = list(self.preset.audited), paths.audit_path(self.name)
        empty = table.Selection(pd.DataFrame(), len(audited))
        selections["audit"] = table.select(path, audited) if self.pipeline.fresh(path) else empty
        return selections

    @property
    def ledger(self) -> dict[str, list[claims.Finding]]:
        """The findings by protocol: this preset's, and its counterpart's."""
        others = self.pipeline.params.with_counterpart(self.name).keys() - {self.name}
        reports = [self, *(Report(self.pipeline, name) for name in others)]
        return {str(report.preset.protocol): claims.judge_all(report.selections) for report in reports}

    def figures(self) -> Iterator[Shown]:
        """The figures, drawn from the records that there are."""
        for name in self.preset.figures:
            shown = self.selections[name]
            settings = self.preset.model_dump(mode="json", include={"dataset", "pair", "protocol", "antialias"})
            yield Shown(
                name,
                getattr(figures, name).__doc__.partition("\n")[0],
                self._image(name, shown),
                len(shown.rows),
                shown.asked,
                settings | self.preset.settings(FIGURES[name]).model_dump(mode="json"),
                [block.model_dump(mode="json") for block in getattr(self.preset, name)],
            )

    def _image(self, name: str, shown: table.Selection) -> str | None:
        """The figure drawn from the rows that there are; one that shows networks, as it was drawn, if that is fresh."""
        drawn = paths.figure_paths(self.name, name)[1]
        if BLOCKS[name].keeps:
            return _image(drawn.read_bytes()) if self.pipeline.fresh(drawn) else None
        return _image(style.drawn(getattr(figures, name)(shown), "svg", "")) if len(shown.rows) else None

    def stages(self) -> tuple[list[Stage], list[tuple[Stage, Stage]]]:
        """The pipeline as boxes and arrows, from the recipes of this preset's outputs."""
        files: dict[str, set[Path]] = {}
        arrows: set[tuple[str, str]] = set()
        waiting = [paths.figure_paths(self.name, figure)[0] for figure in self.preset.figures]
        waiting.append(paths.claims_paths(self.name)[0])
        while waiting:
            path = waiting.pop()
            recipe = self.pipeline.recipe(path)
            box = _box(recipe)
            if path in files.setdefault(box, set()):
                continue
            files[box].add(path)
            for file in recipe.inputs.values():
                if file.parts[0] == "data" or file.parts[1] == self.name:  # the counterpart has a page of its own
                    arrows.add((_box(self.pipeline.recipe(file)), box))
                    waiting.append(file)
        columns: dict[str, int] = {}

        def column(box: str) -> int:
            if box not in columns:
                columns[box] = 1 + max((column(before) for before, after in arrows if after == box), default=-1)
            return columns[box]

        stages: dict[str, Stage] = {}
        for box in sorted(files, key=lambda box: (column(box), box)):
            fresh = sum(self.pipeline.fresh(path) for path in files[box])
            line = sum(stage.column == column(box) for stage in stages.values())
            stages[box] = Stage(box, column(box), line, len(files[box]), fresh)
        return list(stages.values()), [(stages[before], stages[after]) for before, after in sorted(arrows)]

    def code(self) -> dict[str, dict[str, str]]:
        """The hash of each definition behind the records of an experiment, as it stands now."""
        return {kind: pipeline.train(self.entries[kind][0].run).ingredients(str).code for kind in self.entries}

    def render(self, commit: str | None) -> str:
        """The page as HTML, with all that it shows inside it."""
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters |= {
            "measured": claims.measured,
            "basis": claims.basis,
            "bound": claims.as_range,
            "plain": _plain,
        }
        stages, arrows = self.stages()
        states = [entry.state for entries in self.entries.values() for entry in entries]
        return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
            name=self.name,
            preset=self.preset,
            commit=commit,
            claims=ledger.LEDGER,
            ledger=self.ledger,
            figures=list(self.figures()),
            experiments=FIGURES,
            entries=self.entries,
            counts={state: states.count(state) for state in ("fresh", "stale", "missing", "failed", "unusable")},
            asked=len(states),
            here=sum(entry.row is not None for entries in self.entries.values() for entry in entries),
            drawn={name for name in FIGURES if paths.figure_paths(self.name, name)[0].exists()},
            tables={kind for kind in self.entries if paths.table_path(self.name, kind).exists()},
            stages=stages,
            arrows=arrows,
            code=self.code(),
        )


def _box(recipe: pipeline.Recipe) -> str:
    kind = recipe.params.get("experiment") or recipe.params.get("figure")
    return f"{recipe.rule} {kind}" if kind else recipe.rule


def _error(log: Path) -> str:
    """The last line of a log, if it is that of a stage, or a program, that ends in an error."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last if last.startswith("train.py: ") or any(line.startswith("Traceback") for line in lines) else ""


def _image(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _plain(value: Any) -> str:
    """A value for people: numbers in five digits, lists as YAML writes them."""
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, str) else json.dumps(value)
