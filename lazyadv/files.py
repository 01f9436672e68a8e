"""Files that appear whole or not at all, and that tell when they are no longer what was written.

A sealed file has in it, beside the fingerprint of what it was made from, a digest of its content: of all bytes but
those two, and but the `provenance` with which a record ends, so that it is the same wherever the run is made. The
fingerprint is held against what the file says it was made from (workflow/provenance.py).
"""

import fcntl
import glob
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lazyadv.errors import UserError

BLANK = "0" * 32  # stands for the digest until the content is known
STAMP = re.compile(  # CSV writes quotes twice
    rb'\{\s*""?fingerprint""?: ?""?([0-9a-f]{32})""?,\s*""?digest""?: ?""?([0-9a-f]{32})'
)
VOLATILE = re.compile(rb'\n "provenance": (\{[^\n]*\})\n\}\n\Z')  # the last of a record
MADE = re.compile(rb'\s*,\s*"made_from"')


class SealError(UserError):
    """A file is not what a stage of this pipeline wrote."""


def write_sealed(path: Path, content: bytes) -> None:
    """Write content in which there is a stamp with a BLANK digest, and the digest in its place."""
    stamp = STAMP.search(content)
    assert stamp
    digest = _digest(content, stamp)
    with replacing(path) as temporary:
        temporary.write_bytes(content[: stamp.start(2)] + digest + content[stamp.end(2) :])


def read_sealed(path: Path) -> bytes:
    """The content of a sealed file.

    Raises:
        SealError: it is not what was written, or has no stamp.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    stamp = STAMP.search(content)
    if not stamp:
        raise SealError(f"{path}: no stamp in it, so it is not an output of this pipeline, or is damaged")
    if _digest(content, stamp) != stamp[2]:
        raise SealError(f"{path}: not what was sealed in it, so it is damaged or was edited")
    return content


def _digest(content: bytes, stamp: re.Match[bytes]) -> bytes:
    end = record.start() if (record := volatile(content, stamp)) else len(content)
    return hashlib.sha256(content[: stamp.start()] + content[stamp.end() : end]).hexdigest()[:32].encode()


def volatile(content: bytes, stamp: re.Match[bytes]) -> re.Match[bytes] | None:
    """The part of a record that may differ between two runs of the same tuple; None in any other file.

    What a record was made from stands in that part, elsewhere directly behind the stamp.
    """
    found = VOLATILE.search(content, stamp.end()) if content.startswith(b"{") else None
    if not found or MADE.match(content, stamp.end()):
        return None
    try:
        json.loads(found[1])  # one value, so that no second key hides behind the first
    except (ValueError, RecursionError):
        return None
    return found


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix, that takes its place when the block ends well.

    What a process that was killed has left of its own attempt is removed; a process that lives holds a lock on its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.{'?' * 8}{glob.escape(path.suffix)}"):
        # what is held, another user's, or where there are no locks, stays
        with suppress(OSError), left.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
    lock, temporary = _locked(path)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


def _locked(path: Path) -> tuple[int, Path]:
    """A new temporary file beside `path`, and its handle, which locks it until it is closed."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        with suppress(OSError):  # where there are no locks, nobody can take it for left
            fcntl.flock(handle, fcntl.LOCK_EX)
        if Path(name).exists():  # or somebody did, before it was locked
            return handle, Path(name)
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
