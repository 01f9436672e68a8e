"""kill -9 of anything at any moment: one plain command finishes the work, and trains no finished run again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from project import Project, environment

from lazyadv.results import record
from lazyadv.workflow.lock import LEADER
from lazyadv.workflow.sources import ROOT

DEADLINE = 120  # seconds, for what should take a few


def jobs(snakemake: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The stages that a Snakemake has running."""
    found = []
    for process in psutil.Process(snakemake.pid).children(recursive=True):
        try:
            if process.cmdline()[1:2] and Path(process.cmdline()[1]).parent.name == "stages":
                found.append(process)
        except psutil.NoSuchProcess:
            pass
    return found


def a_job(snakemake: "subprocess.Popen[bytes]", stage: str) -> psutil.Process:
    """A job of a stage, as soon as there is one."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and snakemake.poll() is None:
        for job in jobs(snakemake):
            if Path(job.cmdline()[1]).name == f"{stage}.py":
                return job
        time.sleep(0.05)
    pytest.fail(f"no job of {stage}")


def runs(project: Project) -> dict[Path, tuple[bytes, int]]:
    """The finished runs, by path: the bytes and the date of their records, each of which is whole."""
    found = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in project.root.glob("results/tiny/*/runs/w*")}
    for path in found:
        record.read(path)
    return found


def forget(project: Project, *names: str) -> None:
    for name in names:
        for path in project.root.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.long
@pytest.mark.parametrize("forgotten", [("data/mnist5k", "results/tiny"), ("results/tiny/*/table.csv",)])
def test_whatever_is_killed_the_next_command_finishes(
    copied: Project, finished: Project, tmp_path: Path, forgotten: tuple[str, ...]
) -> None:
    """Snakemake alone, or with all its jobs; while it trains, and while it collects, draws and judges."""
    unmade = (*forgotten, "results/tiny/claims.*", "figures/*.pdf", "figures/tiny")
    moments = random.Random(len(unmade))
    forget(copied, *unmade)
    kept = runs(copied)
    for kill in [os.kill, os.killpg] * 5:
        snakemake = copied.start("all", "claims", said=tmp_path / "said")
        time.sleep(moments.uniform(1, 6))
        if snakemake.poll() is None:
            kill(snakemake.pid, signal.SIGKILL)
            snakemake.wait()
        else:
            assert snakemake.returncode == 0, (tmp_path / "said").read_text()
            assert copied.outputs() == finished.outputs()
            forget(copied, *unmade)
            kept = {path: made for path, made in kept.items() if path.exists()}
        assert kept.items() <= runs(copied).items()
        kept = runs(copied)
    copied.snakemake("all", "claims")
    assert kept.items() <= runs(copied).items()
    assert copied.outputs() == finished.outputs()


@pytest.mark.long
def test_a_killed_job_is_named_and_made_again(copied: Project, finished: Project, tmp_path: Path) -> None:
    """The other runs go on."""
    forget(copied, "results/tiny/standard", "figures/fig2.pdf", "figures/tiny/fig2.*")
    moments = random.Random(0)
    snakemake = copied.start("figures/fig2.pdf", said=tmp_path / "said", cores=1)
    killed: set[str] = set()
    while len(killed) < 2:
        job = a_job(snakemake, "train")
        time.sleep(moments.uniform(0, 0.5))
        out = job.cmdline()[-1]
        if job.is_running() and not (copied.root / out).exists():
            job.kill()
            killed.add(out)
        psutil.wait_procs([job])
    assert snakemake.wait() == 1
    said = (tmp_path / "said").read_text()
    kept = runs(copied)
    for name in killed:
        assert name in said
        assert copied.root / name not in kept
    assert len([path for path in kept if "standard" in path.parts]) == 12 - len(killed)
    copied.snakemake("figures/fig2.pdf")
    assert kept.items() <= runs(copied).items()
    assert copied.outputs() == finished.outputs()


@pytest.mark.parametrize("name", ["figures/tiny/fig1.svg", "results/tiny/claims.md"])
def test_of_two_files_that_are_made_together_one_may_be_missing(copied: Project, finished: Project, name: str) -> None:
    """As when their stage is killed between the two."""
    forget(copied, name)
    copied.snakemake("all", "claims")
    assert copied.outputs() == finished.outputs()


def test_a_job_that_fails_loses_nothing(copied: Project) -> None:
    """Before it has written, or after a part; nor where its program is not found."""
    before = copied.outputs()
    copied.edit("stages/plot.py", "def main() -> None:", "def main() -> None:\n    raise OSError('no luck')")
    copied.edit("stages/claims.py", "    folder = ", "    raise OSError('no luck')\n    folder = ")
    assert "plot.py: no luck" in copied.snakemake("all", "claims", ok=False)
    assert copied.outputs() == before
    copied.edit("stages/train.py", "def main() -> None:", "def main() -> None:\n    raise OSError('no luck')")
    record = next(name for name in before if "/runs/" in name)
    assert "train.py: no luck" in copied.snakemake(record, ok=False)
    copied.edit("Snakefile", "{sys.executable:q}", "no-such-program")
    assert "no-such-program: command not found" in copied.snakemake(record, ok=False)
    assert copied.outputs() == before


@pytest.mark.long
def test_no_job_outlives_its_snakemake(project: Project, tmp_path: Path) -> None:
    """Or it would write its record while the next Snakemake trains the same run."""
    project.edit("params.yaml", "standard: {bs: 64, T: 3, lr: 0.1", "standard: {bs: 64, T: 1000000, lr: 0.000001")
    endless = "results/tiny/standard/runs/width=20,size=5,C0=5,seed=0.json"
    snakemake = project.start(endless, said=tmp_path / "said")
    job = a_job(snakemake, "train")
    try:
        snakemake.kill()
        snakemake.wait()
        gone, _ = psutil.wait_procs([job], timeout=DEADLINE)
        assert gone == [job]
    finally:
        if job.is_running():
            job.kill()


def test_a_job_ends_with_a_snakemake_that_nobody_reaps() -> None:
    """As in a container whose first process does not: there it stays as a zombie."""
    follower = "import time; from lazyadv.workflow import lock; lock.follow(); print(flush=True); time.sleep(60)"
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as leader:
        variables = {**environment(), LEADER: str(leader.pid)}
        with subprocess.Popen([sys.executable, "-c", follower], cwd=ROOT, env=variables, stdout=subprocess.PIPE) as job:
            assert job.stdout is not None
            job.stdout.readline()
            time.sleep(1)
            assert job.poll() is None
            leader.kill()
            assert job.wait(DEADLINE) == -signal.SIGKILL
        assert psutil.Process(leader.pid).status() == psutil.STATUS_ZOMBIE
