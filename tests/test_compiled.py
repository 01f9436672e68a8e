"""Compiled functions: kept by all that goes into them, and compiled by one process while the others wait."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest
from project import Project

from lazyadv.kernel import compiled
from lazyadv.networks.ball import _project
from lazyadv.workflow.sources import ROOT


@pytest.fixture
def folder_of(project: Project) -> Callable[..., str]:
    """Where a copy of the project keeps its compiled functions."""

    def ask(**variables: str) -> str:
        code = "from lazyadv.kernel import compiled; print(compiled.folder())"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=project.root,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    return ask


def test_compiled_code_is_kept_by_all_that_goes_into_it(project: Project, folder_of: Callable[..., str]) -> None:
    before = folder_of()
    assert Path(before).parent == project.root / "lazyadv/kernel/__pycache__"
    assert folder_of(NUMBA_OPT="1") != before
    project.edit("lazyadv/kernel/compiled.py", '"error_model": "numpy"', '"error_model": "numpy", "fastmath": True')
    fast = folder_of()
    project.edit("lazyadv/kernel/copies.py", "TINY = ", "TINY = 1 * ")
    assert len({before, fast, folder_of()}) == 3
    named = folder_of(NUMBA_CACHE_DIR=str(project.root / "named"))
    assert re.fullmatch(rf"{re.escape(str(project.root))}/named/compiled-\w+", named)


def test_one_process_compiles_and_the_others_wait(tmp_path: Path) -> None:
    code = (
        "import numpy; from lazyadv.networks.ball import _project; ones = numpy.ones((2, 2), 'float32');"
        "_project(ones, ones[0], ones, ones[0], 1.0); print(sum(_project.stats.cache_misses.values()))"
    )
    variables = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    three = [subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sorted(process.communicate()[0].strip() for process in three) == ["0", "0", "1"]


def test_whoever_cannot_compile_does_not_keep_others_waiting() -> None:
    with pytest.raises(numba.core.errors.TypingError):
        _project("x", "x", "x", "x", "x")
    assert compiled.turn._depth == 0


@pytest.mark.parametrize("home", [{"HOME": "/dev/null"}, {"XDG_CACHE_HOME": "~nobody-of-that-name"}])
def test_without_a_place_for_compiled_code_it_is_compiled_and_that_is_said_once(
    home: dict[str, str], project: Project
) -> None:
    """As in a read-only checkout or installed package, of a user whose home cannot be written to, or is not known."""
    place = project.root / "lazyadv/kernel/__pycache__"
    shutil.rmtree(place, ignore_errors=True)
    place.touch()  # what no folder can be made of, for root either
    code = "from lazyadv.kernel.compiled import compiled as c; print(c(lambda x: x + 1)(1), c(lambda x: x)(1))"
    variables: Any = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "", **home}
    done = project.run(sys.executable, "-c", code, **variables)
    assert done.stdout == "2 1\n"
    assert re.fullmatch(r"compiled functions are not kept, .*: name one in NUMBA_CACHE_DIR\n", done.stderr)
