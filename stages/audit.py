"""Attack the networks that `audit` names by PGD, APGD and DDN (docs/attack.md); write a table.

Networks that params.yaml no longer asks for are removed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, sources

arithmetic.pin()

import pandas as pd

from lazyadv import params
from lazyadv.models import ParamsError
from lazyadv.networks import audit
from lazyadv.results import kept, table
from lazyadv.workflow import command, outputs, paths


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml")
    args = parser.parse_args()
    preset = params.load("params.yaml").choose(args.preset)
    recipe = outputs.audit(args.preset, preset)
    if not preset.audited:
        raise ParamsError(f"params.yaml: presets.{args.preset}.figures: none names a run to audit")
    made_from = outputs.gather(recipe)
    rows = []
    for run in preset.audited:
        asked, network, split = kept.load(args.preset, run)
        x, y = split.normalized().x_test, split.y_test
        found = audit.examine(network, x, y, asked.eps, asked.step, asked.atk_iters)
        axes = run.model_dump(include=set(run.axes))
        rows.append({"run": run.name, "experiment": run.experiment, **axes, **found})
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    sources.require_unchanged(made_from.code)
    table.write(paths.audit_path(args.preset), made_from.stamp, pd.DataFrame(rows))
    known = {paths.network_path(args.preset, run) for run in preset.kept}
    for path in set(Path("results", args.preset).glob("*/networks/[!.]*.npz")) - known:
        path.unlink()


if __name__ == "__main__":
    command.run(main)
