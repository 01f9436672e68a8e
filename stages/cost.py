"""Say what making figures, tables or claims would cost: the runs to train, and the time of a core that they take.

Nothing is made. The time rests on the seconds in the records on disk, scaled by work (lazyadv/results/cost.py).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.results import cost
from lazyadv.workflow import command
from lazyadv.workflow.paths import figure_paths
from lazyadv.workflow.pipeline import Pipeline

ROW = "{:<22}{:>7}{:>9}{:>11}{:>16}{:>18}"


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("targets", nargs="*", type=Path, help="what the pipeline would make; by default all figures")
    parser.add_argument("--preset", help="a preset of params.yaml; by default the one that params.yaml names")
    args = parser.parse_args()
    pipeline = Pipeline.load("params.yaml", args.preset)
    targets = args.targets or [figure_paths(pipeline.preset_name, figure)[0] for figure in pipeline.preset.figures]
    needs, records = cost.needs(pipeline, targets), cost.measured()
    print(ROW.format("", "runs", "cached", "to train", "core-hours", "longest run"))
    for note in dict.fromkeys([note for need in needs for note in report(need, records)]):
        print(note)


def report(need: cost.Need, records: list[cost.Measured]) -> list[str]:
    """Print the row of what is needed of an experiment; return what its estimate rests on, a line each."""
    train = len(need.to_train)
    counts = (f"{need.preset} {need.experiment}", need.asked, need.asked - train, train)
    if not train:
        print(ROW.format(*counts, "0", "–"))
        return []
    own = [each for each in records if each.preset == need.preset]
    basis = own or records
    if not basis:
        print(ROW.format(*counts, "unknown", "unknown"))
        return ["There is no record to estimate from: train a run, or `dvc pull`, and ask again."]
    estimate = cost.estimate(need.to_train, basis, own)
    most = "≤ " if estimate.at_most else ""
    print(ROW.format(*counts, f"{most}{estimate.seconds / 3600:,.2f}", most + cost.duration(estimate.longest)))
    presets = ", ".join(sorted({each.preset for each in basis}))
    notes = [f"{need.preset}: estimated from the seconds of {len(basis)} records of {presets}, scaled by work."]
    if not own:
        notes.append(f"{need.preset} has no record of its own: the estimate is extrapolated, and rough.")
    if estimate.at_most:
        notes.append(f"≤ counts all T epochs of runs of which {need.preset} has no record to say how many they have.")
    return notes


if __name__ == "__main__":
    command.run(main)
