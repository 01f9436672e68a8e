"""Fingerprints: what every output was made from, carried inside the output itself.

A stage writes into its output a stamp: the rule, the parameters that the rule reads, a hash of each
definition of this project's code that it reaches (lazyadv/sources.py), and the fingerprints of the files
it read. The fingerprint is the hash of all that, so a change anywhere upstream changes it. The Snakefile
works out the fingerprint that each output should have and compares (lazyadv/pipeline.py): equal is fresh,
whatever the modification times say and whether or not Snakemake remembers the file. So results that
came by `dvc pull` need no work, and those whose parameters or code have changed since are made again.

The stamp is JSON, readable with any tool: two keys of a record, the `made_from` column of a table, the
`made_from` entry of an .npz, the Keywords of a PDF, the description of an SVG.

    python -m lazyadv.provenance FILE      what FILE was made from, and, if it is stale, what has changed
"""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lazyadv import __version__

HEAD = 1 << 16  # a stamp begins within the first bytes of a file, or else anywhere in a small one
ANYWHERE = (".pdf", ".csv", ".md")
_STAMP = re.compile(rb'\{\s*""?fingerprint""?: ?""?([0-9a-f]{32})"')  # CSV writes quotes twice


@dataclass(frozen=True)
class Ingredients:
    """All that goes into an output: names and values, hashes of code, fingerprints of inputs."""

    rule: str
    params: dict[str, Any]
    code: dict[str, str]
    inputs: dict[str, str]

    @property
    def fingerprint(self) -> str:
        content = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def as_dict(self) -> dict[str, Any]:
        """The ingredients as JSON has them."""
        return asdict(self)

    @property
    def stamp(self) -> str:
        """One line of JSON to put into the output."""
        return json.dumps({"fingerprint": self.fingerprint, "made_from": asdict(self)})


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint inside a file; None where there is no file, or no fingerprint in it."""
    try:
        with path.open("rb") as file:
            found = _STAMP.search(file.read() if path.suffix in ANYWHERE else file.read(HEAD))
    except OSError:
        return None
    return found[1].decode() if found else None


def ingredients_of(path: Path) -> Ingredients:
    """What a file says it was made from.

    Raises:
        ValueError: it has no stamp.
    """
    content = path.read_bytes()
    found = _STAMP.search(content)
    if not found:
        raise ValueError(f"{path}: no stamp in it; was it made by this pipeline?")
    text = content[found.start() :].decode("utf-8", "replace")
    stamp, _ = json.JSONDecoder().raw_decode(text.replace('""', '"') if path.suffix == ".csv" else text)
    return Ingredients(**(stamp.get("made_from") or stamp["provenance"]["made_from"]))


def environment(device: str, seconds: float) -> dict[str, Any]:
    """The volatile part of a record: what may differ between two runs of the same tuple."""
    return {
        "lazyadv": __version__,
        "git": commit(),
        "python": sys.version.split()[0],
        **{package: version(package) for package in ("numpy", "torch")},
        "device": device,
        "threads": 1,
        "seconds": round(seconds, 3),
    }


def commit() -> str | None:
    """The commit that the project stands at, with -dirty after it where more than outputs has changed since."""
    here = Path(__file__).parents[1]
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    if found.returncode:
        return None
    unchanged = ["git", "diff", "--quiet", "HEAD", "--", ".", ":!results", ":!figures", ":!dvc.lock"]
    dirty = subprocess.run(unchanged, cwd=here, capture_output=True, check=False).returncode
    return found.stdout.strip() + ("-dirty" if dirty else "")


def differences(made: Ingredients, wanted: Ingredients) -> list[str]:
    """One line for each ingredient that is not what it should be."""
    lines = []
    for kind in ("params", "code", "inputs"):
        old, new = getattr(made, kind), getattr(wanted, kind)
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                lines.append(f"{kind}: {key} is no longer used")
            elif key not in old:
                lines.append(f"{kind}: {key} is new")
            elif old[key] != new[key]:
                what = f": {old[key]} -> {new[key]}" if kind == "params" else ""
                lines.append(f"{kind}: {key} has changed{what}")
    return lines


def _main(path: Path) -> int:
    from lazyadv.pipeline import Pipeline

    try:
        made = ingredients_of(path)
        pipeline = Pipeline.load("params.yaml")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: fingerprint {made.fingerprint}, made by {made.rule} from")
    for kind in ("params", "code", "inputs"):
        for key, value in getattr(made, kind).items():
            print(f"  {kind[:-1] if kind != 'code' else kind}  {key} = {value}")
    try:
        wanted = pipeline.ingredients(path.resolve().relative_to(Path.cwd()))
    except ValueError as error:
        print(f"nothing to compare it with: {error}")
        return 0
    changes = differences(made, wanted)
    print("\n".join(["stale:", *(f"  {line}" for line in changes)]) if changes else "fresh")
    return 1 if changes else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m lazyadv.provenance FILE")
    sys.exit(_main(Path(sys.argv[1])))
