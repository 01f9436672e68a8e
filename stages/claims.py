"""Hold a preset's tables against the paper's claims; write the ledger as JSON and as Markdown."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv import claims, command, params, pipeline, provenance, table
from lazyadv.files import replacing


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml")
    args = parser.parse_args()
    preset = params.load("params.yaml").choose(args.preset)
    recipe = pipeline.claims(args.preset, preset)
    tables = {
        figure: table.select(recipe.inputs[experiment], preset.runs(figure))
        for figure, experiment in params.FIGURES.items()
    }
    findings = claims.judge_all(tables)
    made_from = recipe.ingredients(provenance.fingerprint_of)
    ledger = {
        "fingerprint": made_from.fingerprint,
        "made_from": made_from.as_dict(),
        "preset": args.preset,
        "dataset": preset.dataset,
        "protocol": preset.protocol,
        "claims": {finding.claim.key: claims.as_json(finding) for finding in findings},
    }
    markdown = f"{claims.as_markdown(findings)}\n<!-- {made_from.stamp} -->\n"
    for path, text in zip(
        pipeline.claims_paths(args.preset),
        (json.dumps(ledger, indent=1, allow_nan=False) + "\n", markdown),
        strict=True,
    ):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(claims.as_markdown(findings))


if __name__ == "__main__":
    command.run(main)
