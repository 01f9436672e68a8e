"""The same bytes on other makers' processors, which QEMU stands in for: an Intel and an AMD with AVX2 and FMA."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, environment

PROCESSORS = ("Haswell", "EPYC-Milan")
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

pytestmark = pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-x86_64 (Debian: qemu-user)")


def outputs(project: Project, *emulator: str) -> dict[str, Any]:
    """Prepared data, and a record of each experiment under each protocol without its provenance, as made here."""

    def stage(name: str, *arguments: str) -> None:
        command = [*emulator, sys.executable, f"stages/{name}.py", *arguments]
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


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Any]]:
    """What this machine makes, and where."""
    project = Project(tmp_path_factory.mktemp("native") / "project")
    return project, outputs(project)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_data_and_records(native: tuple[Project, dict[str, Any]], processor: str) -> None:
    project, expected = native
    found = outputs(project, "qemu-x86_64", "-cpu", processor)
    assert len(found) == len(DATA) + 1 + len(RUNS)
    for name, content in found.items():
        assert content == expected[name], name


@pytest.mark.parametrize("processor", PROCESSORS)
def test_table_figures_and_ledger(copied: Project, processor: str) -> None:
    for name, command in MADE_OF_RECORDS.items():
        path = copied.root / name
        expected = path.read_bytes()
        path.unlink()
        copied.run("qemu-x86_64", "-cpu", processor, sys.executable, *command.split())
        assert path.read_bytes() == expected, name


def test_what_cannot_be_pinned_is_said(tmp_path: Path) -> None:
    """On a processor without AVX2 there is a line, and the record's arithmetic is the processor's own."""
    project = Project(tmp_path / "project")
    script = "from lazyadv.workflow import arithmetic; arithmetic.pin(); print(arithmetic.name())"
    done = project.run("qemu-x86_64", "-cpu", "Nehalem", sys.executable, "-c", script)
    assert done.stdout.strip() == "x86_64 nehalem"
    assert "this processor has not avx, avx2" in done.stderr
