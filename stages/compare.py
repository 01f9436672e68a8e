"""Compare the results made here with the committed ones; put the latter back where `provenance` alone differs.

A run that is made again has the same bytes but for `provenance`: who made it, when, in how many seconds. Where what
DVC keeps (folders, data) differs in nothing else, the committed takes its place, complete, so that git and DVC have
nothing to report. What differs is left as it is, and named.
"""

import filecmp
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.errors import UserError
from lazyadv.files import STAMP, SealError, read_sealed
from lazyadv.verify.verification import array_difference
from lazyadv.workflow import command


def main() -> None:
    command.parser(__doc__).parse_args()
    cache = Path(dvc("cache", "dir"), "files", "md5")
    if outs := dict(kept()):
        dvc("fetch", *map(str, outs))
    alike = dict[Path, int]()  # how many files of it are here
    for out, digest in outs.items():
        kept_as = cache / digest[:2] / digest[2:]
        committed = {out: kept_as}
        if out.is_dir():
            manifest = json.loads(kept_as.read_bytes())
            committed = {out / each["relpath"]: cache / each["md5"][:2] / each["md5"][2:] for each in manifest}
        there = [file for file in (out, *out.rglob("*")) if file.is_file()]
        others = [file for file in there if file not in committed or not same(file, committed[file])]
        if others:
            print(f"{out}: {len(others)} of {len(there)} files are not as committed, and kept: {others[0]}, …")
            continue
        alike[out] = len(there)
    if alike:
        dvc("checkout", "--force", *map(str, alike))
    for out, count in alike.items():
        print(f"{out}: as committed, all {count} files that are here")


def dvc(*arguments: str) -> str:
    """What a command of DVC prints.

    Raises:
        UserError: it fails.
    """
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().rpartition("ERROR: ")[2].partition("\n")[0]
        raise UserError(f"nothing to compare with: dvc {' '.join(arguments)}: {reason}")
    return done.stdout.strip()


def kept() -> Iterator[tuple[Path, str]]:
    """The folders and data here that dvc.lock names, with their digests.

    Raises:
        UserError: a dvc.lock is damaged.
    """
    for lock in (Path("dvc.lock"), *Path("results").glob("*/dvc.lock")):
        try:
            stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
            outs = [(Path(out["path"]), out["md5"]) for stage in stages.values() for out in stage.get("outs", [])]
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
            raise UserError(f"{lock}: cannot be read: {' '.join(str(error).split())}; restore it from git") from None
        for out, digest in outs:
            if (out.is_dir() and out.name != "metrics") or (out.is_file() and out.suffix == ".npz"):  # metrics: in git
                yield out, digest


def same(file: Path, committed: Path) -> bool:
    """Whether a file is the committed one, but for a record's provenance, or the code that made the same arrays."""
    if filecmp.cmp(file, committed, shallow=False):
        return True
    try:
        ours, theirs = (STAMP.search(read_sealed(each)) for each in (file, committed))
    except SealError:
        return False
    if not (ours and theirs and ours[1] == theirs[1]):  # the fingerprints
        return False
    if file.suffix == ".npz":  # its stamp names the code, which may have changed and make the same by evidence
        return array_difference(committed, file) is None
    return file.parent.name == "runs" and ours[2] == theirs[2]


if __name__ == "__main__":
    command.run(main)
