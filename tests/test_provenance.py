"""Fingerprints, DVC and Snakemake together: real clones, real edits, and exactly the jobs that follow."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import serving
from lines import CLAIMS
from project import RUNS, TINY, Clone, Project, environment

from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.adversarial import AdversarialRun
from lazyadv.workflow.sources import ROOT

DATA = {"fetch": 1, "prepare": 1}  # of the pair of digits that DVC does not keep
FIGURES = list(TINY.figures)


def test_dvc_sees_the_stages_of_every_preset() -> None:
    """A dvc.yaml in a folder that .gitignore covers is none for DVC."""
    done = subprocess.run(
        ["dvc", "stage", "list", "--all", "--names-only"], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    names = done.stdout.split()
    for stage in (
        *(f"train@{each}" for each in TINY.experiments),
        "claims",
        "results/quick-released/dvc.yaml:audit",
        "results/paper/dvc.yaml:claims",
    ):
        assert stage in names


@pytest.mark.long
def test_ten_fresh_clones_have_nothing_to_do(origin: Path, tmp_path: Path) -> None:
    for number in range(10):
        clone = Clone(origin, tmp_path / f"clone{number}")
        clone.run("dvc", "pull", "-q")
        assert clone.jobs() == {}
        for figure in ("figures/fig3.pdf", "figures/tiny/fig3.pdf"):
            assert (clone.root / figure).read_bytes() == (origin / figure).read_bytes()


def test_dvc_agrees_and_rendering_again_gives_the_same_bytes(origin: Path, clone: Clone) -> None:
    said = clone.run("dvc", "repro").stdout
    assert "Running" not in said
    assert said.count("didn't change, skipping") == 12
    before = (clone.root / "figures/tiny/fig3.pdf").read_bytes()
    for name in ("figures/fig3.pdf", "figures/tiny/fig3.pdf"):
        (clone.root / name).unlink()
    assert clone.jobs() == {"plot": 1, "publish": 1}
    clone.snakemake("all")
    assert (clone.root / "figures/tiny/fig3.pdf").read_bytes() == before
    assert clone.run("dvc", "status", "dvc.yaml").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.long
def test_every_stage_of_dvcs_runs_and_leaves_what_was_committed(clone: Clone) -> None:
    assert clone.run("dvc", "repro", "--force", "dvc.yaml").stdout.count("Running stage") == 12
    assert clone.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.long
def test_pulling_only_figures_is_enough_for_the_figures(origin: Path, tmp_path: Path) -> None:
    clone = Clone(origin, tmp_path / "clone")
    clone.run("dvc", "pull", "-q", "plot")
    assert not (clone.root / "results/tiny/advtrain").exists()
    assert clone.jobs("all") == {}


def tail(*figures: str, **others: int) -> dict[str, int]:
    """The jobs behind changed tables: the figures drawn and published again, the ledger, and others."""
    return {"plot": len(figures), "publish": len(figures), "ledger": 1, **others}


def test_a_longer_grid_trains_only_the_new_runs(clone: Clone) -> None:
    clone.edit("params.yaml", "eps: [0.05, 0.3], seed: [0, 1]", "eps: [0.05, 0.3, 0.4], seed: [0, 1]")
    assert clone.jobs() == tail("fig3", advtrain=4, collect=1)


@pytest.mark.long
def test_another_learning_rate_retrains_that_experiment(clone: Clone) -> None:
    clone.edit("params.yaml", "advtraingap: {bs: 32, T: 2, lr: 0.1", "advtraingap: {bs: 32, T: 2, lr: 0.2")
    assert clone.jobs() == tail("fig4", advtraingap=8, collect=1, audit=1)


def test_an_edit_of_the_attack_retrains_what_attacks(clone: Clone) -> None:
    clone.edit("lazyadv/networks/attack.py", "return attack(network,", "return 1 * attack(network,")
    trained = {each: count for each, count in RUNS.items() if issubclass(EXPERIMENTS[each], AdversarialRun)}
    assert clone.jobs() == tail(*FIGURES, **trained, collect=len(RUNS), audit=1, **DATA)


@pytest.mark.long
def test_an_edit_of_a_figure_redraws_that_and_judges_again(clone: Clone) -> None:
    redrawn = tail("fig3")
    clone.edit("lazyadv/findings/columns.py", '"perturbation ε"', '"ε"')
    assert clone.jobs() == redrawn
    clone.snakemake("all", "claims")
    assert clone.jobs() == {}
    clone.edit("lazyadv/findings/columns.py", '"ε"', '"the perturbation ε"')  # once more
    assert clone.jobs() == redrawn


def test_what_is_stale_behind_what_is_fresh_is_made_though_a_run_before_it_is(clone: Clone) -> None:
    """A record that is damaged, its table fresh, and a figure whose code has changed."""
    (clone.root / "results/tiny/advtrain/runs/width=20,size=3,C0=10,eps=0.3,seed=0.json").write_text("{}")
    clone.edit("lazyadv/findings/columns.py", '"perturbation ε"', '"ε"')
    assert clone.jobs("figures/tiny/fig3.pdf") == {"advtrain": 1, "plot": 1}


def test_a_comment_a_docstring_and_formatting_do_nothing(clone: Clone) -> None:
    clone.edit(
        "lazyadv/networks/attack.py", "    Returns:\n        δ: (n, d).", "    Returns:\n        the perturbations."
    )
    clone.edit("lazyadv/networks/attack.py", "np.ndarray) else dense_pgd\n", "np.ndarray ) else dense_pgd  # GPU\n")
    clone.edit("params.yaml", "# Seconds in all", "# A few seconds in all")
    assert clone.jobs() == {}


@pytest.mark.long
def test_metrics_that_were_removed_are_made_again(clone: Clone) -> None:
    (clone.root / "results/tiny/metrics/transition.yaml").unlink()
    assert clone.jobs() == {"ledger": 1}


@pytest.mark.long
def test_going_back_leaves_nothing_to_do(clone: Clone) -> None:
    clone.edit("params.yaml", "advtrain {bs: 32, T: 2, lr: 0.1", "advtrain {bs: 32, T: 2, lr: 0.2")
    clone.snakemake("all", "claims")
    assert clone.jobs() == {}
    clone.run("git", "checkout", "-q", ".")  # which brings back the ledger, too
    assert clone.jobs() == {"advtrain": 8, "advtrainpair": 2, "collect": 2, "audit": 1, "plot": 3, "publish": 3}
    clone.run("dvc", "checkout", "-q", "--force")
    assert clone.jobs() == {}


@pytest.mark.long
def test_stale_results_are_never_blessed(clone: Clone) -> None:
    """Parameters edited before Snakemake's first call, and files put in place by hand."""
    clone.edit("params.yaml", "standard: {bs: 64, T: 3, lr: 0.1", "standard: {bs: 64, T: 3, lr: 0.3")
    assert clone.jobs() == tail("fig1", "fig2", standard=12, collect=1)
    clone.run("git", "checkout", "-q", ".")
    runs = sorted((clone.root / "results/tiny/advtrain/runs").iterdir())
    runs[0].write_bytes(runs[1].read_bytes())
    assert clone.jobs()["advtrain"] == 1
    why = clone.run("python", "stages/why.py", str(runs[0].relative_to(clone.root)), ok=False)
    assert why.returncode == 1
    assert re.search(r": stale\n  params: \w+ has changed: ", why.stdout)


@pytest.mark.long
def test_a_rewritten_line_says_which_module_changed(clone: Clone) -> None:
    clone.edit(
        "lazyadv/findings/units.py",
        "np.polyfit(np.log(points), np.log(values), 1)[0]",
        "np.polyfit(np.log(points), np.log(values), deg=1)[0]",
    )
    said = clone.run("python", "stages/why.py", "figures/tiny/fig1.pdf", ok=False).stdout
    assert re.match(
        r"figures/tiny/fig1.pdf: stale\n  code: lazyadv.findings.units has changed: \w+ -> \w+\n  made by ", said
    )
    assert clone.jobs() == tail(*FIGURES)


@pytest.mark.long
def test_metrics_params_and_plots_say_something(clone: Clone) -> None:
    clone.edit("params.yaml", "eps: [0.05, 0.3], seed: [0, 1]", "eps: [0.05], seed: [0, 1]")
    assert "presets.tiny.figures.fig3" in clone.run("dvc", "params", "diff").stdout
    shown = clone.run("dvc", "metrics", "show").stdout.splitlines()
    assert [line.split()[0] for line in shown] == [
        "Path",
        *sorted(f"results/tiny/metrics/{key}.yaml" for key in CLAIMS),
    ]
    assert max(map(len, shown)) <= 100
    page = clone.run("dvc", "plots", "show", "--json").stdout
    assert "robust_test_accuracy" in page
    assert "relative_delta_mean" in page


@pytest.mark.long
def test_a_read_only_http_remote(origin: Path, tmp_path: Path) -> None:
    with serving(origin / ".dvcstore") as address:
        clone = Clone(origin, tmp_path / "clone")
        clone.run("dvc", "remote", "add", "--local", "-d", "web", address)
        clone.run("rm", "-rf", ".dvcstore")
        clone.run("dvc", "pull", "-q")
        assert clone.jobs() == {}


@pytest.mark.long
def test_dvc_gets_a_result_by_address(origin: Path, tmp_path: Path) -> None:
    """As docs/provenance.md has it; the store is named, for it is relative to a clone."""
    clone = Clone(origin, tmp_path / "clone")
    name = "results/tiny/advtrain/table.csv"
    store = f"url={origin}/.dvcstore"
    clone.run("dvc", "get", "-q", origin.as_uri(), name, "-o", "got.csv", "--remote-config", store)
    assert (clone.root / "got.csv").read_bytes() == (origin / name).read_bytes()


@pytest.mark.long
def test_a_damaged_object_is_refused(origin: Path, tmp_path: Path) -> None:
    clone = Clone(origin, tmp_path / "clone")
    for item in (clone.root / ".dvcstore").rglob("*"):
        if item.is_file() and item.read_bytes().startswith(b"%PDF"):
            item.write_bytes(item.read_bytes()[:-1] + b"!")
    done = clone.run("dvc", "pull", ok=False)
    assert done.returncode != 0
    assert not (clone.root / "figures/tiny/fig3.pdf").exists()


@pytest.mark.long
def test_an_s3_remote(origin: Path, tmp_path: Path) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        _, port = server.get_host_and_port()
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        import boto3

        session = boto3.Session("key", "secret", region_name="us-east-1")
        session.client("s3", endpoint_url=f"http://127.0.0.1:{port}").create_bucket(Bucket="lazyadv")
        for number, action in enumerate(("push", "pull")):
            clone = Clone(origin, tmp_path / f"clone{number}")
            if action == "push":
                clone.run("dvc", "pull", "-q")
            clone.run("dvc", "remote", "add", "--local", "-d", "cloud", "s3://lazyadv/store")
            clone.run("dvc", "remote", "modify", "--local", "cloud", "endpointurl", f"http://127.0.0.1:{port}")
            done = subprocess.run(["dvc", action, "-q"], cwd=clone.root, env={**environment(), **keys}, check=False)
            assert done.returncode == 0
        assert clone.jobs() == {}
    finally:
        server.stop()


@pytest.mark.long
def test_five_thousand_runs_are_planned_quickly_enough_to_be_planned_at_all(project: Project) -> None:
    """No time is asserted here (benchmarks/ measures it); only that all of the grid is there."""
    seeds = ", ".join(map(str, range(625)))
    project.edit("params.yaml", "eps: [0.05, 0.3], seed: [0, 1]", f"eps: [0.05, 0.3, 0.4, 0.5], seed: [{seeds}]")
    said = project.snakemake("figures/tiny/fig3.pdf", "-n", "--quiet", "rules")
    assert re.search(r"advtrain +5000", said)
