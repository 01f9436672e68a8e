"""Snakemake's lock on a folder, after a Snakemake that was killed.

Snakemake marks a folder as in use by files, which stay when it is killed (kill -9, power loss) and then stop
every later call. Here each one also holds a lock of the operating system, which ends with its process: whoever
gets it knows that no other is alive and clears what the dead have left.
"""

import contextlib
import fcntl
import shutil
import threading
from pathlib import Path
from typing import IO

FOLDER = Path(".snakemake")
_held: list[IO[str]] = []  # open, and so locked, until the process ends


def clear_after_the_dead() -> None:
    """Remove Snakemake's lock files from the current folder unless another Snakemake is alive in it."""
    FOLDER.mkdir(exist_ok=True)
    file = (FOLDER / "lazyadv-lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another one has it (if only a dry run), or this file system has no such locks
        threading.Thread(target=_wait_for, args=[file], daemon=True).start()
        return
    _held.append(file)
    shutil.rmtree(FOLDER / "locks", ignore_errors=True)


def _wait_for(file: IO[str]) -> None:
    """Take the lock as soon as the other is gone, so that nobody holds this process for dead."""
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
        _held.append(file)
