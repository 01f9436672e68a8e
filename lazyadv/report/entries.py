"""The runs that a preset asks for, as their records lie on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyadv.experiments.run import Run
from lazyadv.networks.outcome import Epoch
from lazyadv.results import record, table
from lazyadv.workflow import paths, pipeline
from lazyadv.workflow.provenance import fingerprint_of


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
    epochs: dict[str, list[float | None]] | None = None  # by measure, a value for each epoch
    environment: dict[str, Any] | None = None


def entry(made: pipeline.Pipeline, preset: str, run: Run) -> Entry:
    """The state of a run of that preset, and what its record says."""
    path = paths.run_path(preset, run)
    if not path.exists():
        error = _error(Path("logs", preset, run.experiment, f"{run.name}.log"))
        return Entry(run, path, "failed", error) if error else Entry(run, path, "missing")
    fresh = made.fresh(path)
    try:
        read = record.read(path)
        row = table.row(path, run, read)
    except record.RecordError as error:
        if fingerprint_of(path) is not None and not fresh:
            return Entry(run, path, "stale", "made from other parameters, or damaged")
        return Entry(run, path, "unusable", str(error))
    environment = {key: value for key, value in read.provenance.items() if key != "made_from"}
    return Entry(run, path, "fresh" if fresh else "stale", "", row, _columns(read.result), environment)


def _columns(result: record.Result) -> dict[str, list[float | None]]:
    """The epochs by measure, without the measures that no epoch has."""
    names = Epoch.model_fields.keys() - {"epoch"}
    columns = {name: [getattr(epoch, name) for epoch in result.epochs] for name in sorted(names)}
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _error(log: Path) -> str:
    """The last line of a log, if it is that of a stage, or a program, that ends in an error."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last if last.startswith("train.py: ") or any(line.startswith("Traceback") for line in lines) else ""
