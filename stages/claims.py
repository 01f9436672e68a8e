"""Judge the paper's claims by a preset's tables; write the ledger as JSON and as Markdown."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, sources

arithmetic.pin()

import yaml

from lazyadv import figures, params
from lazyadv.files import write_sealed
from lazyadv.findings import judge
from lazyadv.results import table
from lazyadv.workflow import command, outputs, paths


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml; beside it those that it names")
    args = parser.parse_args()
    loaded = params.load("params.yaml")
    presets, recipe = loaded.with_others(args.preset), outputs.claims(loaded, args.preset)
    made_from = outputs.gather(recipe)
    claims = figures.claims(figure for preset in presets.values() for figure in preset.figures)
    findings = {}
    for name, preset in presets.items():
        with figures.of_their_experiment(f"presets.{name}.figures"):
            findings[name] = judge.judge_all(claims, selections(name, preset))
    sources.require_unchanged(made_from.code)
    ledger = {
        **made_from.marks,
        "made_from": asdict(made_from),
        "presets": {name: preset.common for name, preset in presets.items()},
        "claims": judge.as_json(findings),
    }
    shown = judge.as_markdown(findings)
    for path, text in zip(
        paths.claims_paths(args.preset),
        (json.dumps(ledger, indent=1, allow_nan=False) + "\n", f"{shown}\n<!-- {made_from.stamp} -->\n"),
        strict=True,
    ):
        write_sealed(path, text.encode())
    folder = paths.metrics_path(args.preset)
    metrics = {folder / f"{key}.yaml": values for key, values in judge.as_metrics(findings).items()}
    for path, values in metrics.items():
        write_sealed(path, f"# {made_from.stamp}\n{yaml.safe_dump(values)}".encode())
    for path in set(folder.glob("[!.]*.yaml")) - metrics.keys():  # of claims that are no more
        path.unlink()
    print(shown)


def selections(name: str, preset: params.Preset) -> dict[str, table.Selection]:
    """The rows of each of its figures, and of its audit."""
    found = {
        figure: table.select(paths.table_path(name, grid.experiment), preset.runs(figure))
        for figure, grid in preset.figures.items()
    }
    return found | ({params.AUDIT: table.select(paths.audit_path(name), preset.audited)} if preset.audited else {})


if __name__ == "__main__":
    command.run(main)
