"""One Snakemake at a time in a folder, and no job without its Snakemake.

Snakemake's own lock is off (profiles/default): it is made of files, which outlive a Snakemake that was killed,
and of two that work on different targets the first to end removes the other's. The lock here is the operating
system's, which ends with its process however that ends. Dry runs need none.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

FILE = Path(".snakemake/lazyadv-lock")
LEADER = "LAZYADV_SNAKEMAKE"  # tells a job the process that it belongs to
_held: list[IO[bytes]] = []  # open, and so locked, until the process ends


class LockError(RuntimeError):
    """Another Snakemake is at work in this folder, or it cannot be written to."""


def hold() -> None:
    """Keep the current folder for this process until it ends.

    Raises:
        LockError: another has it, or the lock's file cannot be written.
    """
    try:
        file = FILE.open("a+b", buffering=0)
    except OSError as error:
        raise LockError(str(error)) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().decode().strip()
        raise LockError(
            f"snakemake is already at work in this folder (process {holder}): wait until it has ended, "
            "then give this command again; `snakemake -n` may be asked meanwhile"
        ) from None
    except OSError as error:
        print(f"no lock on this folder ({error}): see to it that one snakemake at a time is at work", file=sys.stderr)
        return
    try:
        file.truncate(0)
        file.write(b"%d\n" % os.getpid())
    except OSError as error:
        raise LockError(f"{FILE}: {error.strerror}") from None
    _held.append(file)


def lead() -> None:
    """Have the jobs that this process starts end when it does."""
    os.environ[LEADER] = str(os.getpid())


def follow() -> None:
    """End this process, within a second, if the Snakemake that it is a job of was killed.

    Or it would go on beside the next Snakemake, which does the same work again.
    """
    if leader := os.environ.get(LEADER):
        threading.Thread(target=_end_with, args=[int(leader)], daemon=True).start()


def _end_with(process: int) -> None:
    with suppress(psutil.NoSuchProcess):
        # one that nobody reaps, as in a container, remains as a zombie
        while psutil.Process(process).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
