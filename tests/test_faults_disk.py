"""A full disk, a disk that cannot be written: one line, nothing half-written, and the work goes on afterwards."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project

from lazyadv.workflow.lock import FILE, LockError, hold


class Disk:
    """A small file system of its own under a project."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "lazyadv-test", str(folder)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"needs the right to mount a tmpfs: {done.stderr.strip()}")

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)

    def fill(self) -> None:
        """Leave room for no more byte."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture
def disk(finished: Project, project: Project) -> Iterator[Disk]:
    """A disk of 8 MB with all that the tiny preset makes, where the project expects it."""
    disk = Disk(project.root / "disk", "8m")
    try:
        for folder in ("data", "results", "figures"):
            shutil.rmtree(project.root / folder, ignore_errors=True)
            shutil.copytree(finished.root / folder, disk.folder / folder)
            (project.root / folder).symlink_to(disk.folder / folder)
        yield disk
    finally:
        disk.unmount()


def test_a_full_disk_where_the_lock_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    disk = Disk(FILE.parent, "1m")
    try:
        disk.fill()
        with pytest.raises(LockError, match="No space left on device"):
            hold()
    finally:
        disk.unmount()


RECORD = "results/tiny/advtrain/runs/width=20,size=3,C0=10,eps=0.3,seed=1.json"
TRAIN = (
    "train advtrain --bs 32 --T 2 --lr 0.1 --atk_iters 3 --width 20 --size 3 --C0 10 --eps 0.3 --seed 1 "
    f"--dataset mnist5k --protocol strict --antialias --out {RECORD}"
)
STAGES = {
    "fetch mnist5k": "data/mnist5k/digits.npz",
    "prepare mnist5k --size 3 --antialias": "data/mnist5k/0-1/size=3,antialias=true.npz",
    TRAIN: RECORD,
    "collect advtrain --preset tiny": "results/tiny/advtrain/table.csv",
    "plot fig3 --preset tiny": "figures/tiny/fig3.pdf",
    "claims --preset tiny": "results/tiny/claims.json",
}


@pytest.mark.long
def test_every_stage_says_that_it_cannot_write_and_then_goes_on(
    disk: Disk, project: Project, finished: Project
) -> None:
    for command, made in STAGES.items():
        stage, *arguments = command.split()
        program = ("python", f"stages/{stage}.py", *arguments)
        (project.root / made).unlink()
        before = project.outputs()
        for reason in ("No space left on device", "Read-only file system"):
            if reason.startswith("No space"):
                disk.fill()
            else:
                disk.remount("ro")
            done = project.run(*program, ok=False)
            disk.remount("rw")
            (disk.folder / "filler").unlink(missing_ok=True)
            assert done.returncode == 1
            assert len(done.stderr.splitlines()) == 1, done.stderr
            assert done.stderr.startswith(f"{stage}.py: ")
            assert reason in done.stderr
            assert project.outputs() == before
        project.run(*program)
        assert project.outputs() == finished.outputs()
