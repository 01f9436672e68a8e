"""Stamps: what every output was made from, and a digest of its own content, carried inside the output itself.

A stage writes into its output a stamp: the rule, the parameters that the rule reads, a hash of each module of this
project that its code consists of (sources.py), and the fingerprints of the files it read. The fingerprint is the hash
of all that, so a change anywhere upstream changes it. The Snakefile works out the fingerprint that each output should
have and compares (pipeline.py): equal is fresh, whatever the files' dates and whether or not Snakemake remembers them.
Code of which it was shown that it makes the same has the fingerprint of the older code (equivalence.py).

The digest says whether the output is still what the stage wrote (lazyadv/files.py). A fingerprint that is not that of
what the file says it was made from counts as none, and a file that is asked for as something else is refused.

The stamp is JSON, readable with any tool: keys of a record, the `made_from` column of a table, the comment of an .npz
(`unzip -z`), the Keywords of a PDF, the description of an SVG. `stages/why.py` shows it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from lazyadv import __version__
from lazyadv.files import BLANK, STAMP, SealError, read_sealed, volatile
from lazyadv.workflow import arithmetic, equivalence
from lazyadv.workflow.sources import ROOT

EDGE = 1 << 15  # a record's stamp stands within its first and last bytes, that of an .npz within its last


class Input(NamedTuple):
    """A file that an output is made from, and what it is asked to be: made by this rule, with these parameters."""

    path: Path
    rule: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Ingredients:
    """All that goes into an output: names and values, hashes of code, fingerprints of inputs."""

    rule: str
    params: dict[str, Any]
    code: dict[str, str]
    inputs: dict[str, str]

    @property
    def fingerprint(self) -> str:
        code, _ = equivalence.origin(self.rule, self.params, equivalence.code_digest(self.code))
        content = {"rule": self.rule, "params": self.params, "code": code, "inputs": self.inputs}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def marks(self) -> dict[str, str]:
        """The first keys of a stamp: the fingerprint, and a place for the digest."""
        return {"fingerprint": self.fingerprint, "digest": BLANK}

    @property
    def stamp(self) -> str:
        """One line of JSON to put into the output before it is sealed."""
        return json.dumps({**self.marks, "made_from": asdict(self)})


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint inside a file; None where there is no file, or none that is of what the file says.

    Also None of a table, figure or ledger that is not what was sealed, for it is quickly made again. Of records and
    arrays, which may be many or large, only the edges are read; whoever reads them whole looks at the seal.
    """
    try:
        at_edges = path.suffix == ".npz" or path.parent.name == "runs"
        return ingredients_in(_edges(path) if at_edges else read_sealed(path), path).fingerprint
    except (OSError, SealError):
        return None


def _edges(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(EDGE) if path.suffix != ".npz" else b""
        rest = path.stat().st_size - file.tell()
        file.seek(max(0, rest - EDGE), 1)
        return head + file.read()


def vouched(asked: Input) -> str:
    """The fingerprint of a file that was read, which is what was asked for.

    Raises:
        SealError: it is not what was sealed, or was made by another rule or of other parameters.
        OSError: it cannot be read.
    """
    made = ingredients_of(asked.path)
    found = [f"made by {made.rule}"] * (made.rule != asked.rule) + _changes("", asked.params, made.params)
    if found:
        raise SealError(f"{asked.path}: is not what its name says ({found[0].strip()}); delete it and run again")
    return made.fingerprint


def ingredients_of(path: Path) -> Ingredients:
    """What a file says it was made from.

    Raises:
        SealError: it has no stamp, or is not what was sealed.
    """
    return ingredients_in(read_sealed(path), path)


def ingredients_in(content: bytes, path: Path) -> Ingredients:
    """What the content of the file at `path` says it was made from.

    Raises:
        SealError: there is no stamp that can be read, or its fingerprint was edited.
    """
    try:
        stamp = STAMP.search(content)
        if stamp is None:
            raise ValueError("there is none")
        if record := volatile(content, stamp):
            made_from = json.loads(record[1])["made_from"]
        else:
            text = content[stamp.start() :].decode("utf-8", "replace")
            text = text.replace('""', '"') if path.suffix == ".csv" else text
            made_from = json.JSONDecoder().raw_decode(text)[0]["made_from"]
        return trusted(made_from, stamp[1].decode())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SealError(f"{path}: its stamp cannot be read ({error})") from None


def trusted(made_from: dict[str, Any], fingerprint: str) -> Ingredients:
    """The ingredients that a file names, which its fingerprint must be of.

    Raises:
        ValueError: it is not: somebody has edited one of the two.
        TypeError, AttributeError: they are no ingredients.
    """
    code: dict[str, str] = {}
    for module, of in made_from["code"].items():  # a hash, or of records of 2026 a hash a definition
        code |= {f"{module}:{name}": digest for name, digest in of.items()} if isinstance(of, dict) else {module: of}
    ingredients = Ingredients(**made_from | {"code": code})
    if ingredients.fingerprint != fingerprint:
        raise ValueError("the fingerprint is not that of what it says it was made from: edited by hand")
    return ingredients


def environment(device: str, seconds: float) -> dict[str, Any]:
    """The volatile part of a record: what may differ between two runs of the same tuple."""
    return {
        "lazyadv": __version__,
        "git": commit(),
        "python": sys.version.split()[0],
        **{package: version(package) for package in ("numpy", "torch")},
        "arithmetic": arithmetic.name(),
        "device": device,
        "threads": 1,
        "seconds": round(seconds, 3),
    }


def commit() -> str | None:
    """The commit that the project stands at, with -dirty after it where more than outputs has changed since.

    None where there is no git, or no repository.
    """
    if shutil.which("git") is None:
        return None
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        return None
    unchanged = ["git", "diff", "--quiet", "HEAD", "--", ".", ":!results", ":!figures", ":!dvc.lock"]
    dirty = subprocess.run(unchanged, cwd=ROOT, capture_output=True, check=False).returncode
    return found.stdout.strip() + ("-dirty" if dirty else "")


def differences(made: Ingredients, wanted: Ingredients) -> list[str]:
    """One line for each ingredient that is not what it should be; of a grid, one for each block."""
    return [
        line
        for kind in ("params", "code", "inputs")
        for line in _changes(f"{kind}:", getattr(made, kind), getattr(wanted, kind))
    ]


def _changes(name: str, old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        lines = [f"{name} {key} is no longer used" for key in old if key not in new]
        lines += [f"{name} {key} is new" for key in new if key not in old]
        return lines + [line for key in old if key in new for line in _changes(f"{name} {key}", old[key], new[key])]
    if isinstance(old, list) and isinstance(new, list):
        lines = [f"{name}: {value} is no longer in it" for value in old if value not in new]
        lines += [f"{name}: {value} is new" for value in new if value not in old]
        return lines or [f"{name} has changed in order"]
    return [f"{name} has changed: {old} -> {new}"]
