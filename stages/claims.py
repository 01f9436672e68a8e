"""Judge the paper's claims by a preset's tables; write the ledger as JSON and as Markdown."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic

arithmetic.pin()

import pandas as pd
import yaml

from lazyadv import params
from lazyadv.files import write_sealed
from lazyadv.results import claims, table
from lazyadv.workflow import command, paths, provenance, recipes


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml; beside it those that it names")
    args = parser.parse_args()
    loaded = params.load("params.yaml")
    presets, recipe = loaded.with_others(args.preset), recipes.claims(loaded, args.preset)
    findings = {name: claims.judge_all(selections(name, preset)) for name, preset in presets.items()}
    made_from = recipe.ingredients(provenance.vouched)
    ledger = {
        **made_from.marks,
        "made_from": asdict(made_from),
        "presets": {name: preset.common for name, preset in presets.items()},
        "claims": claims.as_json(findings),
    }
    shown = claims.as_markdown(findings)
    for path, text in zip(
        paths.claims_paths(args.preset),
        (json.dumps(ledger, indent=1, allow_nan=False) + "\n", f"{shown}\n<!-- {made_from.stamp} -->\n"),
        strict=True,
    ):
        write_sealed(path, text.encode())
    folder = paths.metrics_path(args.preset)
    metrics = {folder / f"{key}.yaml": values for key, values in claims.as_metrics(findings).items()}
    for path, values in metrics.items():
        write_sealed(path, f"# {made_from.stamp}\n{yaml.safe_dump(values)}".encode())
    for path in set(folder.glob("*.yaml")) - metrics.keys():  # of claims that are no more
        path.unlink()
    print(shown)


def selections(name: str, preset: params.Preset) -> dict[str, table.Selection]:
    """The rows of each figure, and of the audit."""
    found = dict.fromkeys([*params.FIGURES, "audit"], table.Selection(pd.DataFrame(), 0))  # what it has no grid for
    for figure in preset.figures:
        path = paths.table_path(name, params.FIGURES[figure])
        found[figure] = table.select(path, preset.runs(figure))
    if preset.audited:
        found["audit"] = table.select(paths.audit_path(name), list(preset.audited))
    return found


if __name__ == "__main__":
    command.run(main)
