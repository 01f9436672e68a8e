"""Estimate what figures, tables or claims would cost, in runs to train and core-hours; train nothing.

Nothing is made. The time rests on the seconds in the records on disk, scaled by work (lazyadv/results/cost.py).
"""

import itertools
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.experiments.run import Run
from lazyadv.models import ParamsError
from lazyadv.results import cost
from lazyadv.workflow import command
from lazyadv.workflow.paths import figure_paths, named
from lazyadv.workflow.pipeline import Pipeline

COLUMNS = ["runs", "cached", "to train", "core-hours", "at most", "longest run", "unlike any record"]


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("targets", nargs="*", type=named, help="what the pipeline would make; by default all figures")
    parser.add_argument("--preset", help="a preset of params.yaml; by default the one that params.yaml names")
    args = parser.parse_args()
    pipeline = Pipeline.load("params.yaml", args.preset)
    if not args.targets and not pipeline.preset.figures:
        raise ParamsError(f"presets.{pipeline.preset_name} has no grid of a figure")
    targets = args.targets or [figure_paths(pipeline.preset_name, figure)[0] for figure in pipeline.preset.figures]
    needs = cost.needs(pipeline, targets)
    if not needs:
        print("No run is needed.")
        return
    records = cost.measured()
    rows = {}
    for name, paths in itertools.groupby(needs, lambda path: f"{path.parts[1]} {path.parts[2]}"):
        to_train = [needs[path] and pipeline.run(path) for path in paths]
        rows[name] = row(len(to_train), [run for run in to_train if run], records)
    print(pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).to_string())
    if not records:
        print("There is no record to estimate from: train a run, or `dvc pull`, and ask again.")
    else:
        print(f"Estimated from the epochs and seconds of the most similar of {len(records):,} records, scaled by work.")
        print("At most, and of runs that are unlike any record: if they take all T epochs.")


def row(asked: int, to_train: list[Run], records: list[cost.Measured]) -> list[object]:
    """The columns of an experiment."""
    train = len(to_train)
    counts = [asked, asked - train, train]
    if not train or not records:
        return [*counts, *(4 * ["unknown" if train else "–"])]
    expected, most, known = zip(*cost.estimates(to_train, records), strict=True)
    hours = [f"{sum(seconds) / 3600:,.2f}" for seconds in (expected, most)]
    return [*counts, *hours, str(timedelta(seconds=round(max(expected)))), train - sum(known)]


if __name__ == "__main__":
    command.run(main)
