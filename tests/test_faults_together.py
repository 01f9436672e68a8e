"""Two people in one folder: the second Snakemake is refused with one line, and neither harms the other.

Stages by hand may be many at once.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import Project, environment

from lazyadv.files import replacing

REFUSAL = "snakemake is already at work in this folder (process {pid}): wait until it has ended"


def at_work(project: Project, said: Path) -> None:
    """Wait until a Snakemake has started its first job."""
    deadline = time.monotonic() + 120
    while not (project.root / "logs").exists():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)


def test_the_second_is_refused_and_the_first_goes_on(copied: Project, tmp_path: Path) -> None:
    """Whatever its targets; a dry run is answered, and takes nothing from the first when it ends."""
    next((copied.root / "results/tiny/advtrain/runs").iterdir()).unlink()  # all that there is to train
    for name in ("results/tiny/advtraingap", "figures/tiny", "logs"):
        shutil.rmtree(copied.root / name)
    first = copied.start("figures/tiny/fig3.pdf", said=tmp_path / "said", cores=1)
    at_work(copied, tmp_path / "said")
    os.killpg(first.pid, signal.SIGSTOP)  # so that it cannot end before all is asked
    try:
        for target in ("figures/tiny/fig3.pdf", "figures/tiny/fig4.pdf"):
            assert "This was a dry-run" in copied.snakemake("-n", target)
            said = copied.snakemake(target, ok=False)
            assert REFUSAL.format(pid=first.pid) in said
            assert "Traceback" not in said
        assert first.poll() is None
        assert not list(copied.root.glob("results/tiny/advtraingap"))
    finally:
        os.killpg(first.pid, signal.SIGCONT)
    assert first.wait() == 0
    assert "Nothing to be done" in copied.snakemake("figures/tiny/fig3.pdf")


@pytest.mark.long
def test_of_two_started_at_once_one_is_refused(copied: Project, finished: Project, tmp_path: Path) -> None:
    for name in ("results/tiny/advtrain", "figures/tiny"):  # some seconds of work
        shutil.rmtree(copied.root / name)
    for path in copied.root.glob("figures/*.pdf"):
        path.unlink()
    files = [tmp_path / "one", tmp_path / "two"]
    both = [copied.start("all", "claims", said=file) for file in files]
    assert sorted(one.wait() for one in both) == [0, 1]
    refused = next(index for index, one in enumerate(both) if one.returncode)
    assert REFUSAL.format(pid=both[1 - refused].pid) in files[refused].read_text()
    assert copied.outputs() == finished.outputs()


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whoever_is_gone_holds_nothing(project: Project, tmp_path: Path, how: signal.Signals) -> None:
    """Even if a dry run is alive at the time."""
    first = project.start("data", said=tmp_path / "said")
    at_work(project, tmp_path / "said")
    first.send_signal(how)
    assert first.wait() != 0
    dry = project.start("all", "-n", said=tmp_path / "dry")
    project.snakemake("data")
    assert dry.wait() == 0


def test_of_several_that_write_one_file_none_removes_anothers(tmp_path: Path) -> None:
    """But what a dead one has left; and no file of the user's."""
    path, left, others = (tmp_path / name for name in ("x.json", ".x.0123abc_.json", ".x.mine.json"))
    left.touch()
    others.touch()
    with replacing(path) as first:
        assert not left.exists()
        with replacing(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
        first.write_text("first")
    assert path.read_text() == "first"
    assert sorted(tmp_path.iterdir()) == [others, path]


@pytest.mark.long
def test_several_prepare_data_in_an_empty_folder(project: Project, tmp_path: Path) -> None:
    """As `train.py … &` does; each gets the digits, which it does not find."""
    prepare = [sys.executable, f"{project.root}/stages/prepare.py", "mnist5k", "--size", "3"]
    jobs = [subprocess.Popen(prepare, cwd=tmp_path, env=environment()) for _ in range(2)]
    assert [job.wait() for job in jobs] == [0, 0]
    kept = {path.name for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert kept == {"digits.npz", "size=3,antialias=false.npz"}
