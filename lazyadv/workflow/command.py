"""What the stages' command lines share: one clear line for an error, and inputs made when they are missing."""

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lazyadv.errors import UserError
from lazyadv.workflow import lock
from lazyadv.workflow.sources import ROOT


def run(main: Callable[[], None]) -> None:
    """Run a stage; an error that its user can mend becomes one message and exit status 1."""
    lock.follow()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of the letters that a locale lacks
    try:
        try:
            main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # as of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (UserError, ArithmeticError, MemoryError, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {str(error) or type(error).__name__}")
    except KeyboardInterrupt:
        sys.exit(130)


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser that shows defaults, and the first line of a stage's docstring."""
    return argparse.ArgumentParser(
        description=(description or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )


def need(fresh: bool, stage: str, *arguments: str) -> None:
    """Run another stage unless what it makes is `fresh`, as happens by hand but never under Snakemake.

    If that stage fails it has said why, and this program ends as it did.
    """
    if not fresh:
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
        if status := subprocess.run(command, check=False).returncode:
            sys.exit(status)
