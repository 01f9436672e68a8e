"""What a person reads while runs are trained: in a log, and on a terminal; and that failures are not buried."""

import os
import pty
import re
import shutil
import subprocess
import termios
from pathlib import Path

import pytest
from project import Project, environment

from lazyadv.workflow.progress import Progress

COMMAND = ["snakemake", "--cores", "2", "--config", "preset=tiny", "--", "figures/tiny/fig3.pdf"]


@pytest.fixture
def half_broken(finished: Project, tmp_path: Path) -> Project:
    """A project whose eight runs of figure 3 are still to be trained, one of two data files damaged."""
    project = Project(tmp_path / "project")
    shutil.copytree(finished.root / "data", project.root / "data", dirs_exist_ok=True)
    damaged = next((project.root / "data").rglob("0-1/size=3,*.npz"))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    return project


def test_in_a_log_it_is_plain_lines(half_broken: Project) -> None:
    said = half_broken.run(*COMMAND, ok=False)
    assert said.returncode != 0
    assert "\r" not in said.stderr
    assert "\n4 of 8 runs trained, 4 failed |##########|" in said.stderr
    assert "Finished jobid" not in said.stderr
    assert said.stderr.count("not what was sealed in it") >= 4  # the logs of the failed runs are shown
    kept = next((half_broken.root / ".snakemake/log").glob("*.log")).read_text()
    assert kept.count("Finished jobid") == 4  # while Snakemake's own log has all


def test_on_a_terminal_it_is_a_bar(half_broken: Project) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with subprocess.Popen(COMMAND, cwd=half_broken.root, env=environment(), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        assert process.wait() != 0
    os.close(ours)
    lines = shown.decode().replace("\n", "\r").split("\r")
    bars = [line for line in lines if " runs trained" in line]
    assert bars[0].startswith("0 of 8 runs trained |")
    assert bars[-1].startswith("4 of 8 runs trained, 4 failed |")
    assert "not what was sealed in it" in shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # on Linux, how a terminal says that nobody is at its other end
        return b""


def test_the_time_left_goes_by_the_work_that_is_left() -> None:
    """A quarter of the work in 10 seconds leaves 30; what has failed is not waited for."""
    progress = Progress({1: 1.0, 2: 1.0, 3: 2.0})
    progress.bar.start_t -= 10
    progress.done.add(1)
    progress.follow()
    assert re.fullmatch(r"1 of 3 runs trained \|.*\| 00:10 spent, 00:30 left", str(progress.bar))
    progress.failed.add(3)
    progress.follow()
    assert re.fullmatch(r"1 of 3 runs trained, 1 failed \|.*\| 00:10 spent, 00:10 left", str(progress.bar))
