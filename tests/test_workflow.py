"""The real Snakefile on the tiny preset, from nothing to four PDFs; and what it does on the way."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from project import RUNS, TINY, Project

from lazyadv.models import ParamsError
from lazyadv.workflow import arithmetic
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.sources import ROOT


def test_from_nothing_to_all_figures(finished: Project) -> None:
    for figure in TINY.figures:
        for path in (f"figures/{figure}.pdf", f"figures/tiny/{figure}.pdf"):
            assert (finished.root / path).read_bytes().startswith(b"%PDF")
        assert (finished.root / f"figures/tiny/{figure}.svg").read_text().startswith("<?xml")
    for experiment, count in RUNS.items():
        lines = (finished.root / f"results/tiny/{experiment}/table.csv").read_text().splitlines()
        assert len(lines) == count + 1
    assert not [path for path in finished.root.rglob(".*.json") if path.is_file()]


@pytest.mark.skipif(arithmetic.name() != arithmetic.NAME, reason="this processor has another arithmetic")
@pytest.mark.parametrize("stage", ["prepare", "train", "audit", "plot", "claims", "verify"])
def test_a_stage_that_computes_pins_its_arithmetic(project: Project, stage: str) -> None:
    """In an environment in which nothing is pinned, before it imports a library that looks."""
    script = f"import runpy\nnames = runpy.run_path('stages/{stage}.py')\nprint(names['arithmetic'].name())"
    done = project.run("python", "-c", script)
    assert (done.stdout, done.stderr) == (f"{arithmetic.NAME}\n", "")


@pytest.mark.parametrize("config", ["prest=tiny", "preset=", "device=", "device=cpu $(touch x)"])
def test_a_mistyped_config_is_refused_in_one_line(project: Project, config: str) -> None:
    done = project.run("snakemake", "-n", "--cores", "1", "--config", config, ok=False)
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1
    assert sum(line.startswith(f"--config (preset, device): {config.partition('=')[0]}: ") for line in said) == 1


def test_without_a_compiler_it_says_so(project: Project) -> None:
    """The code is compiled, or of other bits."""
    plan = ("snakemake", "-n", "--cores", "1")
    for command in (("python", "stages/train.py"), ("python", "-c", "from lazyadv import api"), plan):
        done = project.run(*command, ok=False, NUMBA_DISABLE_JIT="1")
        assert done.returncode == 1
        assert "NUMBA_DISABLE_JIT is set, and the code runs compiled only: unset it" in done.stdout + done.stderr
        assert done.stderr.count("\n") == 1 or command[1] != "stages/train.py"


def test_a_figure_or_experiment_that_there_is_not_is_one_line(project: Project) -> None:
    for target, there in (("figures/fig9.pdf", "fig1, fig2"), ("results/quick/foo/table.csv", "standard")):
        done = project.run("snakemake", "-n", "--cores", "1", target, ok=False)
        assert done.returncode == 1
        assert f": there is no {'figure' if 'fig' in target else 'experiment'} '" in done.stderr.splitlines()[-1]
        assert there in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "path", ["12-3/size=5", "0-0/size=5", "0-1/size=5.0", "0-1/size=0", "0-1/size=113", "0-1/size=[5]", "0/size=5"]
)
def test_data_are_made_of_two_digits_at_a_size_and_of_nothing_like_it(path: str) -> None:
    pipeline = Pipeline.load(str(ROOT / "params.yaml"))
    assert pipeline.recipe(Path("data/mnist5k/0-1/size=5,antialias=true.npz")).rule == "prepare"
    with pytest.raises(ParamsError, match="makes nothing of this name"):
        pipeline.recipe(Path(f"data/mnist5k/{path},antialias=true.npz"))


def test_why_takes_any_path_to_a_file_and_another_preset(finished: Project, tmp_path: Path) -> None:
    """Absolute, and through a link to the project; figures/*.pdf are of the preset that they were made for."""
    (tmp_path / "link").symlink_to(finished.root)
    for file in (finished.root / "figures/fig3.pdf", tmp_path / "link" / "figures" / "fig3.pdf"):
        said = finished.run("python", "stages/why.py", str(file), "--preset", "tiny").stdout
        assert said.startswith("figures/fig3.pdf: fresh as made\n")


@pytest.mark.long
def test_from_anywhere_and_without_the_environment(tmp_path: Path) -> None:
    """`--directory` elsewhere, in folders with odd names, where `python` is another or none."""
    project, elsewhere = Project(tmp_path / "the {first}'s" / "clone"), tmp_path / "else where"
    elsewhere.mkdir()
    shutil.copy(project.root / "params.yaml", elsewhere)
    (tmp_path / "python").write_text("#!/bin/false\n")
    (tmp_path / "python").chmod(0o755)
    snakemake = [str(Path(sys.executable).with_name("snakemake")), "--cores", "1", "data/mnist5k/digits.npz"]
    for where in ([], ["-s", f"{project.root}/Snakefile", "--directory", str(elsewhere)]):
        project.run(*snakemake, *where, PATH=f"{tmp_path}:/usr/bin:/bin")
    for root in (project.root, elsewhere):
        assert (root / "data/mnist5k/digits.npz").exists()


def test_nothing_is_left_to_do(finished: Project) -> None:
    assert "Nothing to be done" in finished.snakemake("-n", "all", "claims")
    fresh = finished.run("python", "stages/why.py", "figures/tiny/fig3.pdf").stdout
    assert fresh.startswith("figures/tiny/fig3.pdf: fresh as made\n")


def test_a_record_whose_kept_network_is_gone_is_stale(copied: Project) -> None:
    network = next((copied.root / "results/tiny/advtrain/networks").iterdir())
    network.unlink()
    record = f"results/tiny/advtrain/runs/{network.stem}.json"
    said = copied.run("python", "stages/why.py", record, ok=False)
    assert said.returncode == 1
    gone = network.relative_to(copied.root)
    assert said.stdout.startswith(f"{record}: stale\n  {gone}, made in one go with it, is missing")


@pytest.mark.long
def test_one_core_and_two_give_equal_records_and_figures(finished: Project, project: Project) -> None:
    project.snakemake("figures/tiny/fig3.pdf", "figures/tiny/fig4.pdf", cores=1)
    again, before = project.outputs(), finished.outputs()
    assert {"figures/tiny/fig3.pdf", "figures/tiny/fig4.svg", "results/tiny/advtrain/table.csv"} <= again.keys()
    for name, content in again.items():
        assert content == before[name], name


@pytest.mark.long
def test_the_command_of_a_record_makes_it_by_hand(finished: Project) -> None:
    path, content = next((path, content) for path, content in finished.outputs().items() if "/runs/" in path)
    logged = finished.run("snakemake", path, "-n", "-p", "-F", "--cores", "1").stdout
    command = next(line.split(": ")[-1] for line in logged.splitlines() if f"--out {path}" in line)
    out = finished.root / Path(path).name
    finished.run(*command.split(" > ")[0].replace(f"--out {path}", f"--out {out}").split())
    made = json.loads(out.read_text())
    made.pop("provenance")
    out.unlink()
    assert made == content


def test_a_figure_none_of_whose_runs_is_there_is_refused(copied: Project) -> None:
    copied.change(lambda tiny: tiny["figures"]["fig2"]["grid"][0].update(seed=[7]))
    said = copied.run("python", "stages/plot.py", "fig2", "--preset", "tiny", ok=False)
    assert said.returncode == 1
    assert said.stderr == "plot.py: results/tiny/standard/table.csv: has none of the runs of fig2: train one\n"


def test_a_missing_run_is_counted_on_the_table_and_in_the_figure(finished: Project) -> None:
    """By hand, collect and plot take what is there, and say so; Snakemake then completes it."""
    whole = {name: (finished.root / name).read_bytes() for name in ("figures/tiny/fig3.svg", "figures/tiny/fig3.pdf")}
    gone = next(path for path in finished.outputs() if "/advtrain/runs/" in path)
    (finished.root / gone).unlink()
    said = finished.run("python", "stages/collect.py", "advtrain", "--preset", "tiny").stdout
    assert "7 of 8 runs" in said
    assert gone in said
    finished.run("python", "stages/plot.py", "fig3", "--preset", "tiny")
    assert (finished.root / "figures/tiny/fig3.pdf").read_bytes() != whole["figures/tiny/fig3.pdf"]
    finished.snakemake()
    assert {name: (finished.root / name).read_bytes() for name in whole} == whole
