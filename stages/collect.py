"""Collect the records of an experiment into one table, a row a run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import sources  # first, as it reads the code that runs

# isort: split
from lazyadv import params
from lazyadv.experiments import EXPERIMENTS
from lazyadv.results import table
from lazyadv.results.record import RecordError
from lazyadv.workflow import command, outputs, paths


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml")
    args = parser.parse_args()
    preset = params.load("params.yaml").choose(args.preset)
    recipe = outputs.collect(args.preset, preset, args.experiment)
    runs = {paths.run_path(args.preset, run): run for run in preset.runs_of(args.experiment)}
    there = {path: run for path, run in runs.items() if path.exists()}
    if not there:
        raise RecordError(f"none of the {len(runs)} records is there; run snakemake on the table")
    out = paths.table_path(args.preset, args.experiment)
    found = table.rows(there)
    read = dict(zip(there, found["fingerprint"], strict=True))
    made_from = recipe.ingredients(lambda record: read.get(record.path))
    sources.require_unchanged(made_from.code)
    table.write(out, made_from.stamp, found)
    print(f"{out}: {len(there)} of {len(runs)} runs")
    for path in runs:
        if path not in there:
            print(f"missing: {path}")


if __name__ == "__main__":
    command.run(main)
