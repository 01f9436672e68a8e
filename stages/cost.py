"""Estimate what figures, tables or claims would cost, in runs to train and core-hours; train nothing.

Nothing is made. The time rests on the seconds in the records on disk, scaled by work (lazyadv/results/cost.py).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.models import ParamsError
from lazyadv.results import cost
from lazyadv.workflow import command
from lazyadv.workflow.paths import figure_paths, named
from lazyadv.workflow.pipeline import Pipeline

ROW = "{:<26}{:>7}{:>9}{:>11}{:>13}{:>10}{:>14}"


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("targets", nargs="*", type=named, help="what the pipeline would make; by default all figures")
    parser.add_argument("--preset", help="a preset of params.yaml; by default the one that params.yaml names")
    args = parser.parse_args()
    pipeline = Pipeline.load("params.yaml", args.preset)
    if not args.targets and not pipeline.preset.figures:
        raise ParamsError(f"presets.{pipeline.preset_name} has no grid of a figure")
    targets = args.targets or [figure_paths(pipeline.preset_name, figure)[0] for figure in pipeline.preset.figures]
    needs, records = cost.needs(pipeline, targets), cost.measured()
    print(ROW.format("", "runs", "cached", "to train", "core-hours", "at most", "longest run"))
    for note in dict.fromkeys([note for need in needs for note in report(need, records)]):
        print(note)


def report(need: cost.Need, records: list[cost.Measured]) -> list[str]:
    """Print the row of what is needed of an experiment; return what its estimate rests on, a line each."""
    train = len(need.to_train)
    counts = (f"{need.preset} {need.experiment}", need.asked, need.asked - train, train)
    if not train:
        print(ROW.format(*counts, "0", "0", "–"))
        return []
    if not records:
        print(ROW.format(*counts, "unknown", "unknown", "unknown"))
        return ["There is no record to estimate from: train a run, or `dvc pull`, and ask again."]
    found = cost.estimates(need.to_train, records)
    unknown = sum(not each.known for each in found)
    expected, most = sum(each.expected for each in found) / 3600, sum(each.most for each in found) / 3600
    longest = cost.duration(max(each.expected for each in found))
    print(ROW.format(*counts, f"{expected:,.2f}", f"{most:,.2f}", longest))
    notes = [f"Estimated from the epochs and seconds of the most similar of {len(records):,} records, scaled by work."]
    if unknown:
        notes.append(f"{need.preset} {need.experiment}: {unknown} runs are unlike any record, and count all T epochs.")
    return [*notes, "At most: if every run takes all T epochs."]


if __name__ == "__main__":
    command.run(main)
