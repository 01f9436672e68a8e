"""The six runs that the release itself printed (official MNIST), by the command line and in the results of `paper`."""

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project

RELEASE = json.loads((Path(__file__).parent / "release_runs.json").read_text())
EXPERIMENT = {"ntk_normal.py": "standard", "advtrain.py": "advtrain", "advtraingap.py": "advtraingap"}
RESULTS = ("script", "epochs", "search")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("release"))


def require_agreement(record: dict[str, Any], release: dict[str, Any]) -> None:
    assert (record["n_train"], record["n_test"]) == (12665, 2115)
    for key in release["epochs"][0].keys() - {"epoch"}:
        theirs = [epoch[key] for epoch in release["epochs"]]
        rel, absolute = (1e-3, 0) if key in ("loss", "deviation") else (0, 3e-3)
        assert record["epochs"][key] == pytest.approx(theirs, rel=rel, abs=absolute), key
    if "search" in release:
        for key in ("gradient_norm", "delta", "eta"):
            for part in ("mean", "std"):
                assert record["search"][key][part] == pytest.approx(release["search"][key][part], abs=2e-3)


@pytest.mark.parametrize("release", RELEASE, ids=lambda run: f"{run['script']}-{run['size']}-{run['width']}")
def test_reproduces_the_release(project: Project, official_mnist: Path, release: dict[str, Any]) -> None:
    flags = [word for key, value in release.items() if key not in RESULTS for word in (f"--{key}", f"{value:g}")]
    experiment = EXPERIMENT[release["script"]]
    mirror = official_mnist.resolve().as_uri()
    project.run("python", "stages/train.py", experiment, *flags, "--out", "r.json", LAZYADV_MNIST_MIRROR=mirror)
    require_agreement(json.loads((project.root / "r.json").read_text()), release)


def test_the_results_of_paper_meet_the_release(project: Project) -> None:
    """Figure 1 has the three runs of ntk_normal.py; the others are of 12 epochs, which no figure asks for."""
    project.pull("results/paper/standard")
    met = [run for run in RELEASE if run["script"] == "ntk_normal.py"]
    assert len(met) == 3
    for run in met:
        name = ",".join(f"{axis}={run[axis]:g}" for axis in ("width", "size", "C0", "seed"))
        record = json.loads((project.root / f"results/paper/standard/runs/{name}.json").read_text())
        require_agreement(record, run)
