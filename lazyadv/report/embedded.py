"""What the report's scripts read: every run with its epochs, the rows that each figure and claim rests on, the points.

It stands in the page as JSON under gzip and base64, which takes a tenth of the room of the records.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import plain
from lazyadv.findings import points, style
from lazyadv.findings.claim import Claim
from lazyadv.report.entries import Entry
from lazyadv.results.table import Selection

ROW_DIGITS = 5  # significant digits of a measure in a row, and in an epoch; counts are whole
EPOCH_DIGITS = 4
# what the lines of a figure's small multiples tell apart, the first of these that its runs have
LINES = ("eps", "gap", "C0")
# where there are panels beyond number, one value of this at a time
MANY, CHOSEN = 48, "size"
HEADS = {
    "C0": "C₀",
    "eps": "ε",
    "clean_test_accuracy": "clean test accuracy",
    "robust_train_accuracy": "robust train accuracy",
    "robust_test_accuracy": "robust test accuracy",
    "relative_delta_mean": "relative step δ/‖x‖",
    "delta_mean": "step δ",
    "delta_exact_mean": "exact δ",
    "eta_mean": "η",
    "n_flipped": "flipped",
    "largest_deviation": "largest deviation",
    "late_gain": "late gain",
    "seconds": "seconds",
}


def content(
    entries: Mapping[str, list[Entry]],
    selections: Mapping[str, Selection],
    shown: Mapping[str, list[points.Point]],
    claims: Mapping[str, list[Claim]],
) -> dict[str, Any]:
    """All that the scripts read, as JSON has it; `shown` has the points of each figure."""
    runs = [one for experiment in entries.values() for one in experiment]
    place = {f"{one.run.experiment}/{one.run.name}": number for number, one in enumerate(runs)}
    sets = {figure: _places(selections[figure].rows, place) for figure in shown}
    for figure, own in claims.items():
        rows = selections[figure].rows if figure in selections else ()
        sets |= {claim.key: _places(claim.rows(rows), place) if len(rows) else [] for claim in own}
    axes = list(dict.fromkeys(axis for experiment in entries for axis in EXPERIMENTS[experiment].axes))
    axes.sort(key=lambda axis: (axis == "seed", axis in LINES))  # as the paths have it, whatever the experiment
    return {
        "runs": [_run(one) for one in runs],
        "axes": axes,
        "columns": {name: HEADS.get(name, name) for name in [*axes, "state", "stopped", "epochs", *HEADS]},
        "sets": sets,
        "points": {
            figure: [
                (at.left, at.top, f"{HEADS.get(at.measure, at.measure)} {at.value:.3g}", at.target) for at in found
            ]
            for figure, found in shown.items()
        },
        "multiples": {figure: _multiples(selections[figure].rows) for figure in shown if sets[figure]},
    }


def packed(value: object) -> str:
    """A JSON value as text that may stand in a page: base64 of gzip, the same for the same value."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def unpacked(text: str) -> Any:
    """The value of `packed`."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def _places(rows: pd.DataFrame, place: Mapping[str, int]) -> list[int]:
    """The numbers of these rows' runs."""
    return [place[target] for target in points.runs(rows)] if len(rows) else []


def _run(one: Entry) -> dict[str, Any]:
    """A run: its axes, its state, and, if it has a record, that record's row, epochs and environment."""
    found = {
        "experiment": one.run.experiment,
        "name": one.run.name,
        "path": str(one.path),
        "state": one.state,
        "remark": one.remark,
    }
    if one.row is None or one.epochs is None or one.environment is None:
        axes = {axis: getattr(one.run, axis) for axis in one.run.axes}
        return found | {"row": {axis: plain(value) if axis == "pair" else value for axis, value in axes.items()}}
    row = {key: _rounded(value, ROW_DIGITS) for key, value in one.row.items() if key != "run"}
    epochs = {key: [_rounded(value, EPOCH_DIGITS) for value in column] for key, column in one.epochs.items()}
    made = {key: _rounded(value, ROW_DIGITS) for key, value in one.environment.items()}
    return found | {"row": row, "epochs": epochs, "made": made}


def _rounded(value: Any, digits: int) -> Any:
    """A number in so many significant digits; None for NaN; anything else as it is."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def _multiples(rows: pd.DataFrame) -> dict[str, Any]:
    """How a figure's runs are told apart in small multiples: by panel, and in a panel by the colour of a line."""
    trained = rows[rows["epochs"] > 0]
    kind = EXPERIMENTS[rows["experiment"].iloc[0]]
    axes = [axis for axis in kind.axes if axis != "seed" and trained[axis].nunique() > 1]
    line = next((axis for axis in LINES if axis in axes), "seed")
    values = [_rounded(value, ROW_DIGITS) for value in sorted(trained[line].unique().tolist())]
    panels = [axis for axis in axes if axis != line]
    many = CHOSEN in panels and len(trained[panels].drop_duplicates()) > MANY
    return {
        "line": line,
        "values": values,
        "colors": [style.shade_look(number, len(values))["color"] for number in range(len(values))],
        "panels": [axis for axis in panels if not (many and axis == CHOSEN)],
        "chosen": CHOSEN if many else None,
    }
