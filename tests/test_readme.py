"""What README says of the ledger and shows of the rules, against the ledger and the rules."""

import json
import re

from lazyadv.experiments import EXPERIMENTS
from lazyadv.findings.judge import as_number
from lazyadv.workflow.sources import ROOT


def test_the_table_of_claims_is_the_ledgers() -> None:
    ledger = json.loads((ROOT / "results/paper/claims.json").read_text(encoding="utf-8"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    heads = "| claim | " + " | ".join(f"`{preset}`" for preset in ledger["presets"]) + " |\n"
    table = re.match(r"\|[-| ]+\|\n((?:\|.*\|\n)+)", text.partition(heads)[2])
    assert table, heads
    rows = [line.strip("| ").split(" | ") for line in table[1].splitlines()]
    for (name, *cells), claim in zip(rows, ledger["claims"].values(), strict=True):
        for cell, finding in zip(cells, (claim[preset] for preset in ledger["presets"]), strict=True):
            found = "" if finding["value"] is None else f": {as_number(finding['value'])}"
            assert cell == (finding["verdict"] + found if finding["runs_asked"] else "–"), name


def test_the_picture_has_every_rule() -> None:
    """All but `data`, which only gathers files; docs/pipeline.md has the command that draws it."""
    text, picture = ((ROOT / name).read_text(encoding="utf-8") for name in ("Snakefile", "docs/rulegraph.svg"))
    rules = {*re.findall(r"^rule (\w+):", text, re.MULTILINE)} - {"data"}
    drawn = set(re.findall(r">(\w+)</text>", picture))
    assert rules <= drawn <= rules | EXPERIMENTS.keys()
