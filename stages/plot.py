"""Draw one figure of a preset, as PDF (for papers) and SVG (for the web)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, sources

arithmetic.pin()

from lazyadv import figures, params
from lazyadv.files import write_sealed
from lazyadv.findings import style
from lazyadv.results import kept, record, table
from lazyadv.workflow import command, outputs, paths


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("figure", choices=params.FIGURES)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml")
    args = parser.parse_args()
    preset = params.load("params.yaml").choose(args.preset)
    recipe = outputs.plot(args.preset, preset, args.figure)
    made_from = outputs.gather(recipe)
    if runs := preset.shown(args.figure):
        rows = table.rows({paths.run_path(args.preset, run): run for run in runs})
        shown = table.Selection(rows, len(runs), tuple(kept.load(args.preset, run) for run in runs))
    else:
        path = recipe.inputs["table"].path
        shown = table.select(path, preset.runs(args.figure))
        if not len(shown.rows):
            raise record.RecordError(f"{path}: has none of the runs of {args.figure}: train one")
    draw = figures.module(args.figure).draw
    for path in paths.figure_paths(args.preset, args.figure):
        with figures.of_their_experiment(f"presets.{args.preset}.figures.{args.figure}"):
            drawn = draw(shown)
        sources.require_unchanged(made_from.code)
        write_sealed(path, style.drawn(drawn, path.suffix[1:], made_from.stamp))


if __name__ == "__main__":
    command.run(main)
