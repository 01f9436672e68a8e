"""The committed results: made by the committed code, and enough to draw and judge from."""

import json
import subprocess

import pytest
import yaml
from project import Project, environment

from lazyadv.params import load
from lazyadv.workflow.paths import pair_path
from lazyadv.workflow.sources import ROOT


def test_the_committed_results_are_those_of_the_committed_code() -> None:
    """DVC's lock against the working tree: whoever edits code or parameters brings the results along."""
    done = subprocess.run(
        ["dvc", "status", "--json", "dvc.yaml", *map(str, ROOT.glob("results/*/dvc.yaml"))],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    changes = [change for stage in json.loads(done.stdout).values() for change in stage if isinstance(change, dict)]
    modified = [
        (name, what)
        for change in changes
        for name, what in change.get("changed deps", {}).items()
        if what != "deleted" and "params" not in str(name)
    ]
    modified += [item for change in changes for item in change.get("changed deps", {}).get("params.yaml", {}).items()]
    modified += [
        (name, what)
        for change in changes
        for name, what in change.get("changed outs", {}).items()
        if what == "modified" and name.endswith((".svg", ".json", ".md", "metrics"))  # which git keeps, not DVC
    ]
    assert not modified, "run `dvc repro && dvc push` and commit what they change"


def test_dvc_keeps_the_data_of_the_quick_pair_file_by_file() -> None:
    """So that other sizes and presets, whose data lie in the same folder, change nothing that DVC keeps."""
    presets = [load(ROOT / "params.yaml").choose(name) for name in ("quick", "quick-released")]
    runs = [run for preset in presets for run in preset.runs(*preset.figures) if run.pair == (0, 1)]
    data = {str(pair_path(run.dataset, run.pair, run.size, run.antialias)) for run in runs}
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert {path for out in stages["data"]["outs"] for path in out} == data
    others = yaml.safe_load((ROOT / "results/quick-released/dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for each in (stages, others):
        assert {path for path in each["train"]["do"]["deps"] if path.startswith("data/")} == data


def test_without_git_compare_gives_the_reason_of_dvc(project: Project) -> None:
    """As in a source archive (docs/provenance.md)."""
    data = project.root / pair_path("mnist5k", (0, 1), 5, True)
    data.parent.mkdir(parents=True)
    data.touch()
    done = project.run("python", "stages/compare.py", ok=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"compare.py: nothing to compare with: dvc fetch {data.relative_to(project.root)}")
    assert done.stderr.endswith(f": {project.root} is not a git repository\n")


@pytest.mark.long
def test_papers_results_are_drawn_and_judged_without_mnist(project: Project) -> None:
    """From what DVC keeps: no data, no run, and the same bytes."""
    project.pull()
    figures = [project.root / f"figures/paper/fig{number}.pdf" for number in (1, 2, 3, 4)]
    drawn = {path: path.read_bytes() for path in [*figures, project.root / "results/paper/claims.json"]}
    for path in drawn:
        path.unlink()
    project.snakemake("all", "claims", preset="paper")
    assert {path: path.read_bytes() for path in drawn} == drawn
    assert not (project.root / "data/mnist").exists()
    assert "didn't change, skipping" in project.run("dvc", "repro", "--dry", "results/paper/dvc.yaml").stdout
