"""The same bytes on a processor of another maker, which QEMU stands in for: an Intel; on an Intel, an AMD."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from project import Project, environment

DATA = [("mnist5k", "--size", "5", flag) for flag in ("--antialias", "--no-antialias")]
SETTINGS = "--dataset mnist5k --width 50 --size 5 --seed 1 --T 2"
RUNS = [
    f"{experiment} {SETTINGS} --protocol {protocol} --lr 0.1 {more}"
    for protocol in ("released", "strict")
    for experiment, more in (
        ("standard", "--C0 5 --antialias"),
        ("advtrain", "--eps 0.3 --atk_iters 5"),
        ("advtraingap", "--eps 0.3 --gap 0.5 --atk_iters 5"),
    )
]
MADE_OF_RECORDS = {
    "results/tiny/advtrain/table.csv": "stages/collect.py advtrain --preset tiny",
    "figures/tiny/fig3.pdf": "stages/plot.py fig3 --preset tiny",
    "figures/tiny/fig1.svg": "stages/plot.py fig1 --preset tiny",
    "results/tiny/claims.json": "stages/claims.py --preset tiny",
}

CPUINFO = Path("/proc/cpuinfo")  # of Linux, as is qemu-x86_64
OTHER = "EPYC-Milan" if CPUINFO.exists() and "GenuineIntel" in CPUINFO.read_text() else "Haswell"
EMULATED = ("qemu-x86_64", "-cpu", OTHER, sys.executable)

pytestmark = pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-x86_64 (Debian: qemu-user)")


def outputs(project: Project, *python: str) -> dict[str, Any]:
    """Prepared data, and a record of each experiment under each protocol without its provenance, as made here."""

    def stage(name: str, *arguments: str) -> None:
        command = [*python, f"stages/{name}.py", *arguments]
        subprocess.run(command, cwd=project.root, env=environment(), capture_output=True, check=True)

    found: dict[str, Any] = {}
    shutil.rmtree(project.root / "data", ignore_errors=True)
    stage("fetch", "mnist5k")
    for arguments in DATA:
        stage("prepare", *arguments)
    for path in (project.root / "data").rglob("*.npz"):
        found[str(path.relative_to(project.root))] = path.read_bytes()
    for number, flags in enumerate(RUNS):
        out = project.root / f"{number}.json"
        stage("train", *flags.split(), "--out", str(out))
        record = json.loads(out.read_text())
        assert record.pop("provenance")["arithmetic"] == "x86-64-v3"
        found[flags] = record
    return found


@pytest.mark.long
def test_data_and_records(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    expected, found = outputs(project, sys.executable), outputs(project, *EMULATED)
    assert len(found) == len(DATA) + 1 + len(RUNS)
    for name, content in found.items():
        assert content == expected[name], name


@pytest.mark.long
def test_table_figures_and_ledger(copied: Project) -> None:
    for name, command in MADE_OF_RECORDS.items():
        path = copied.root / name
        expected = path.read_bytes()
        path.unlink()
        copied.run(*EMULATED, *command.split())
        assert path.read_bytes() == expected, name


@pytest.mark.long
def test_what_cannot_be_pinned_is_said(tmp_path: Path) -> None:
    """On a processor without AVX2 there is a line, and the record's arithmetic is the processor's own."""
    project = Project(tmp_path / "project")
    script = "from lazyadv.workflow import arithmetic; arithmetic.pin(); print(arithmetic.name())"
    done = project.run("qemu-x86_64", "-cpu", "Nehalem", sys.executable, "-c", script)
    assert done.stdout.strip() == "x86_64 nehalem"
    assert "this processor has not avx, avx2" in done.stderr
