"""The real Snakefile on the tiny preset, from nothing to four PDFs; and what it does on the way."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from conftest import Project, environment

FIGURES = [f"fig{number}" for number in range(1, 5)]


def records(project: Project, preset: str = "tiny") -> dict[str, dict[str, Any]]:
    """All records of a preset without their provenance, by path."""
    found = sorted((project.root / "results" / preset).rglob("runs/*.json"))
    contents = {str(path.relative_to(project.root)): json.loads(path.read_text()) for path in found}
    for content in contents.values():
        assert content.pop("provenance")["seconds"] > 0
    return contents


def test_from_nothing_to_four_figures(finished: Project) -> None:
    for figure in FIGURES:
        for path in (f"figures/{figure}.pdf", f"figures/tiny/{figure}.pdf"):
            assert (finished.root / path).read_bytes().startswith(b"%PDF")
        assert (finished.root / f"figures/tiny/{figure}.svg").read_text().startswith("<?xml")
    for experiment, count in (("standard", 12), ("advtrain", 8), ("advtraingap", 8)):
        lines = (finished.root / f"results/tiny/{experiment}/table.csv").read_text().splitlines()
        assert len(lines) == count + 1
    assert not [path for path in finished.root.rglob(".*.json") if path.is_file()]


def test_nothing_is_left_to_do(finished: Project) -> None:
    assert "Nothing to be done" in finished.snakemake("-n", "all", "claims")
    fresh = finished.run("python", "-m", "lazyadv.provenance", "figures/tiny/fig3.pdf").stdout
    assert fresh.splitlines()[-1] == "fresh"


def test_one_core_and_two_give_equal_records_and_figures(finished: Project, project: Project) -> None:
    project.snakemake("figures/tiny/fig3.pdf", "figures/tiny/fig4.pdf", cores=1)
    again = records(project)
    assert again
    assert again == {path: content for path, content in records(finished).items() if path in again}
    for name in ("figures/tiny/fig3.pdf", "figures/tiny/fig4.svg", "results/tiny/advtrain/table.csv"):
        assert (project.root / name).read_bytes() == (finished.root / name).read_bytes()


def test_the_command_of_a_record_makes_it_by_hand(finished: Project) -> None:
    path, content = next(iter(records(finished).items()))
    logged = finished.run("snakemake", path, "-n", "-p", "-F", "--cores", "1").stdout
    command = next(line.split(": ")[-1] for line in logged.splitlines() if f"--out {path}" in line)
    out = finished.root / Path(path).name
    finished.run(*command.split(" > ")[0].replace(f"--out {path}", f"--out {out}").split())
    made = json.loads(out.read_text())
    made.pop("provenance")
    out.unlink()
    assert made == content


def test_a_missing_run_is_counted_on_the_table_and_in_the_figure(finished: Project) -> None:
    """By hand, collect and plot take what is there, and say so; Snakemake then completes it."""
    whole = {name: (finished.root / name).read_bytes() for name in ("figures/tiny/fig3.svg", "figures/tiny/fig3.pdf")}
    gone = next(path for path in records(finished) if "/advtrain/" in path)
    (finished.root / gone).unlink()
    said = finished.run("python", "stages/collect.py", "advtrain", "--preset", "tiny").stdout
    assert "7 of 8 runs" in said
    assert gone in said
    finished.run("python", "stages/plot.py", "fig3", "--preset", "tiny")
    assert (finished.root / "figures/tiny/fig3.pdf").read_bytes() != whole["figures/tiny/fig3.pdf"]
    finished.snakemake()
    assert {name: (finished.root / name).read_bytes() for name in whole} == whole


def test_killed_half_way_it_continues(project: Project) -> None:
    """kill -9 of Snakemake and its jobs; one plain command finishes, and finished runs are not trained again."""
    command = ["snakemake", "--cores", "1", "--config", "preset=tiny", "--", "figures/tiny/fig3.pdf"]
    process = subprocess.Popen(
        command, cwd=project.root, env=environment(), start_new_session=True, stderr=subprocess.DEVNULL
    )
    folder = project.root / "results/tiny/advtrain/runs"
    deadline = time.monotonic() + 120
    while len(list(folder.glob("[!.]*.json"))) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in folder.glob("[!.]*.json")}
    project.run(*command)
    kept = [path for path, made in done.items() if path.stat().st_mtime_ns == made]
    assert len(kept) >= len(done) - 1  # the one that Snakemake had not yet noted as whole may run again
    assert len(list(folder.glob("[!.]*.json"))) == 8


def test_two_at_once_in_one_folder_do_not_mix(project: Project) -> None:
    """The second is refused while the first is alive, and neither harms the other."""
    command = ["snakemake", "--cores", "1", "--config", "preset=tiny", "--", "figures/tiny/fig3.pdf"]
    first = subprocess.Popen(command, cwd=project.root, env=environment(), stderr=subprocess.DEVNULL)
    locks = project.root / ".snakemake/locks"
    deadline = time.monotonic() + 120
    while not (locks.exists() and list(locks.iterdir())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "locked" in project.snakemake("figures/tiny/fig3.pdf", ok=False)
    assert first.wait() == 0
    assert "Nothing to be done" in project.snakemake("figures/tiny/fig3.pdf")
