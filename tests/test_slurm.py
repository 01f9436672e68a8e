"""profiles/slurm on a real Slurm of one node: the jobs it makes of the runs, their results, and a run that fails."""

import importlib.util
import re

import pytest
from project import Project

from lazyadv.workflow.sources import ROOT

pytestmark = pytest.mark.long
CLUSTER = str(ROOT / "tests/slurm/cluster.sh")


@pytest.fixture(autouse=True, scope="module")
def _slurm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip, with the reason, where there can be no Slurm."""
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        pytest.skip("needs Snakemake's plugin for Slurm: make slurm")
    folder = tmp_path_factory.mktemp("slurm")
    done = Project(folder / "project").run(CLUSTER, str(folder / "slurm"), "true", ok=False)
    if done.returncode == 77:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr


def submit(project: Project, group: int, *targets: str, ok: bool = True) -> tuple[str, list[dict[str, str]]]:
    """Run the profile with groups of a size; what Snakemake printed, and Slurm's own list of its jobs."""
    folder = project.root.parent / f"slurm-{group}"
    quick = ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]
    done = project.run(
        *("timeout", "--signal=KILL", "600", CLUSTER, str(folder), "snakemake", "--profile", "profiles/slurm"),
        *("--default-resources", "slurm_partition=test", "--group-components", f"short={group}", *quick),
        *("--config", "preset=tiny", "--", *targets),
        ok=ok,
    )
    jobs = (folder / "jobs").read_text().splitlines()
    return done.stdout + done.stderr, [dict(re.findall(r"(\w+)=(\S+)", job)) for job in jobs if "JobId=" in job]


def test_the_tiny_preset_through_slurm_is_what_it_is_here(project: Project, finished: Project) -> None:
    _, jobs = submit(project, 10, "all", "claims")
    assert [job["JobState"] for job in jobs] == ["COMPLETED"] * 3  # 30 runs
    assert {job["NumCPUs"] for job in jobs} == {"1"}
    assert {re.search("mem=([^,]*)", job["TRES"])[1] for job in jobs} == {"301M"}  # type: ignore[index]
    assert project.outputs() == finished.outputs()


def records(project: Project) -> int:
    """How many there are."""
    return sum("/runs/" in name for name in project.outputs())


def test_a_run_that_fails_is_reported_and_tried_again_and_the_others_finish(project: Project) -> None:
    """Its data are damaged. It ends its group, which is submitted twice; the others finish, at the latest alone."""
    project.edit("params.yaml", "eps: [0.05, 0.3], seed: [0, 1]}", ONE_MORE)
    project.run("python", "stages/prepare.py", "mnist5k", "--size", "4", "--antialias")
    data = project.root / "data/mnist5k/0-1/size=4,antialias=true.npz"
    content = data.read_bytes()
    data.write_bytes(content[:1000] + bytes(100) + content[1100:])  # its stamp is whole, so it is not made again
    text, jobs = submit(project, 3, "figures/fig3.pdf", ok=False)
    assert "not what was sealed in it" in text  # from the run's log
    assert sorted(job["JobState"] for job in jobs) == ["COMPLETED", "COMPLETED", "FAILED", "FAILED"]
    assert records(project) >= 6  # whole groups, and what was made before the failure
    _, jobs = submit(project, 1, "figures/fig3.pdf", ok=False)
    assert sorted(job["JobState"] for job in jobs)[-2:] == ["FAILED", "FAILED"]
    assert records(project) == 8
    assert re.search(r"^advtrain +1$", project.snakemake("figures/fig3.pdf", "-n"), re.MULTILINE)


ONE_MORE = """eps: [0.05, 0.3], seed: [0, 1]}
          - {width: [20], size: [4], C0: [10], eps: [0.3], seed: [0]}"""
