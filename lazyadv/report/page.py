"""What there is of a preset, as one page: figures, claims, hyperparameters, runs and their records, the pipeline.

All is read from the records on disk, not from tables or figures, so that a run that is missing or stale is so on the
whole page; only the audit and the figures of kept networks are taken as they were made, if they are fresh.
"""

import base64
import inspect
import json
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd

from lazyadv import figures
from lazyadv.findings import judge, points, style
from lazyadv.findings.claim import Claim
from lazyadv.params import AUDIT
from lazyadv.report import embedded
from lazyadv.report.entries import Entry, entry
from lazyadv.results import table
from lazyadv.workflow import paths, pipeline, recipes

TEMPLATE = Path(__file__).with_name("page.html")
SCRIPTS = [TEMPLATE.with_name(f"{name}.js") for name in ("page", "points", "runs", "curves", "multiples")]


class Shown(NamedTuple):
    """A figure on the page."""

    name: str
    title: str
    image: str | None  # a data: address, none where there is no run to show
    points: list[points.Point]
    rows: int
    asked: int
    trained: bool  # whether one of its runs has epochs


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
        return {
            kind: [entry(self.pipeline, self.name, run) for run in self.preset.runs_of(kind)]
            for kind in self.preset.experiments
        }

    @cached_property
    def selections(self) -> dict[str, table.Selection]:
        """The rows of each figure and of the audit."""
        selections: dict[str, table.Selection] = {}
        for figure, grid in self.preset.figures.items():
            runs = dict.fromkeys(self.preset.runs(figure))
            rows = [one.row for one in self.entries[grid.experiment] if one.row and one.run in runs]
            frame = pd.DataFrame(rows)
            nothing = frame.columns[frame.isna().all()]  # None, where a table read from CSV has NaN
            selections[figure] = table.Selection(frame.astype(dict.fromkeys(nothing, float)), len(runs))
        audited, path = self.preset.audited, paths.audit_path(self.name)
        empty = table.Selection(pd.DataFrame(), len(audited))
        selections[AUDIT] = table.select(path, audited) if audited and self.pipeline.fresh(path) else empty
        return selections

    @cached_property
    def claims(self) -> dict[str, list[Claim]]:
        """The claims of its figures and of those of the presets beside it."""
        presets = self.pipeline.params.with_others(self.name)
        return figures.claims(figure for preset in presets.values() for figure in preset.figures)

    @property
    def ledger(self) -> dict[str, dict[str, judge.Finding]]:
        """The findings by preset: this one's, those beside it, and those that it is beside, if they have a run here."""
        presets, beside = self.pipeline.params.presets, self.preset.beside
        behind = [name for name, preset in presets.items() if self.name in preset.beside and name not in beside]
        shown = {self.name: self.selections}
        for name in (*beside, *behind):
            selections = Report(self.pipeline, name).selections
            if name in beside or any(len(one.rows) for one in selections.values()):
                shown[name] = selections
        found = {}
        for name, selections in shown.items():
            with figures.of_their_experiment(f"presets.{name}.figures"):
                found[name] = judge.judge_all(self.claims, selections)
        return found

    def figures(self) -> Iterator[Shown]:
        """The figures, drawn from the records that there are."""
        for name in self.preset.figures:
            shown = self.selections[name]
            image, marks = self._draw(name, shown)
            title = inspect.getdoc(figures.module(name).draw) or ""
            trained = bool(len(shown.rows) and shown.rows["epochs"].any())
            yield Shown(name, title, image, marks, len(shown.rows), shown.asked, trained)

    def _draw(self, name: str, shown: table.Selection) -> tuple[str | None, list[points.Point]]:
        """The figure from the rows that there are, and its points; one that shows networks as last drawn, if fresh."""
        drawn = paths.figure_paths(self.name, name)[1]
        if self.preset.shown(name):
            return _image(drawn.read_bytes()) if self.pipeline.fresh(drawn) else None, []
        if not len(shown.rows):
            return None, []
        with figures.of_their_experiment(f"presets.{self.name}.figures.{name}"):
            figure = figures.module(name).draw(shown)
        image = _image(style.drawn(figure, "svg", ""))
        return image, list(points.of(figure))  # where they are is known once it is drawn

    def stages(self) -> tuple[list[Stage], list[tuple[Stage, Stage]]]:
        """The pipeline as boxes and arrows, from the recipes of this preset's outputs."""

        def inputs(path: Path) -> list[Path]:  # other presets have pages of their own
            files = self.pipeline.recipe(path).files
            return [file for file in files if file.parts[0] == "data" or file.parts[1] == self.name]

        targets = [paths.figure_paths(self.name, figure)[0] for figure in self.preset.figures]
        files = pipeline.reached([*targets, paths.claims_paths(self.name)[0]], inputs)
        boxes = {path: _box(self.pipeline.recipe(path)) for path in files}
        arrows = {(boxes[file], box) for path, box in boxes.items() for file in inputs(path)}

        @cache
        def column(box: str) -> int:
            return 1 + max((column(before) for before, after in arrows if after == box), default=-1)

        stages: dict[str, Stage] = {}
        for box in sorted(set(boxes.values()), key=lambda box: (column(box), box)):
            fresh = [self.pipeline.fresh(path) for path in files if boxes[path] == box]
            line = sum(stage.column == column(box) for stage in stages.values())
            stages[box] = Stage(box, column(box), line, len(fresh), sum(fresh))
        return list(stages.values()), [(stages[before], stages[after]) for before, after in sorted(arrows)]

    def answer(self, ledger: dict[str, dict[str, judge.Finding]]) -> dict[str, list[judge.Finding]]:
        """This preset's findings by verdict; those of figures that it does not have left out."""
        found = [finding for finding in ledger[self.name].values() if finding.asked]
        return {verdict: [one for one in found if one.verdict == verdict] for verdict in judge.VERDICTS}

    @cached_property
    def lead(self) -> tuple[str, str] | None:
        """The figure that stands above the claims, and the sentence that its file reads off it, if there is one."""
        for name in self.preset.figures:
            answer, rows = getattr(figures.module(name), "answer", None), self.selections[name].rows
            if answer and len(rows):
                return name, answer(rows)
        return None

    def render(self, commit: str | None) -> str:
        """The page as HTML, with all that it shows inside it."""
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters |= {
            "measured": judge.measured,
            "basis": judge.basis,
            "bound": judge.as_range,
            "plain": _plain,
            "short": lambda quantity: quantity.partition(":")[0],
        }
        shown, ledger = list(self.figures()), self.ledger
        content = embedded.content(self.entries, self.selections, {one.name: one.points for one in shown}, self.claims)
        stages, arrows = self.stages()
        runs = [one for entries in self.entries.values() for one in entries]
        states = [one.state for one in runs]
        return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
            name=self.name,
            preset=self.preset,
            commit=commit,
            claims=[claim for own in self.claims.values() for claim in own],
            ledger=ledger,
            answer=self.answer(ledger),
            figures=shown,
            entries=self.entries,
            gaps=[one for one in runs if one.state != "fresh"],
            counts={state: states.count(state) for state in ("fresh", "stale", "missing", "failed", "unusable")},
            asked=len(runs),
            here=sum(one.row is not None for one in runs),
            drawn={name for name in self.preset.figures if paths.figure_paths(self.name, name)[0].exists()},
            tables={kind for kind in self.entries if paths.table_path(self.name, kind).exists()},
            stages=stages,
            arrows=arrows,
            lead=self.lead,
            audit=self.selections[AUDIT].rows.to_dict("records"),
            rests={key: len(places) for key, places in content["sets"].items()},
            data=embedded.packed(content),
            digits=embedded,
            scripts="".join(path.read_text(encoding="utf-8") for path in SCRIPTS),
        )


def _box(recipe: recipes.Recipe) -> str:
    kind = recipe.params.get("figure") or recipe.params.get("experiment")
    return f"{recipe.rule} {kind}" if kind else recipe.rule


def _image(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _plain(value: Any) -> str:
    """A value for people: numbers in five digits, lists as YAML writes them."""
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, str) else json.dumps(value)
