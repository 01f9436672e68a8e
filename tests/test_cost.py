"""What stages/cost.py says, against what Snakemake would do and what the records say; what the jobs ask for."""

import re

import pytest
from project import Project

from lazyadv import params
from lazyadv.results import cost


def said(project: Project, *arguments: str, ok: bool = True) -> str:
    done = project.run("python", "stages/cost.py", "--preset", "tiny", *arguments, ok=ok)
    return done.stdout + done.stderr


@pytest.mark.long
def test_runs_are_counted_as_snakemake_counts_them(project: Project) -> None:
    assert re.search(r"tiny advtrain +8 +0 +8 +unknown", said(project, "figures/fig3.pdf"))
    assert "no record to estimate from" in said(project, "figures/fig3.pdf")
    project.snakemake("figures/tiny/fig3.pdf")
    assert re.search(r"tiny advtrain +8 +8 +0", said(project, "results/tiny/advtrain/table.csv"))
    runs = sorted((project.root / "results/tiny/advtrain/runs").iterdir())
    runs[0].unlink()
    assert re.search(r"tiny advtrain +8 +7 +1 +\d", said(project, "figures/tiny/fig3.pdf"))  # its table is fresh
    assert re.search(r"^advtrain +1$", project.snakemake("figures/tiny/fig3.pdf", "-n"), re.MULTILINE)
    runs[1].write_bytes(runs[2].read_bytes())
    (project.root / "results/tiny/advtrain/table.csv").unlink()
    assert re.search(r"tiny advtrain +8 +6 +2 +\d", said(project, "results/tiny/advtrain/table.csv"))
    assert re.search(r"^advtrain +2$", project.snakemake("results/tiny/advtrain/table.csv", "-n"), re.MULTILINE)
    text = said(project, "results/tiny/claims.json")
    assert re.search(r"tiny standard +12 +0 +12 +\d", text)
    assert "most similar of 6 records" in text
    assert re.search(r"tiny standard .* 6$", text, re.MULTILINE)  # unlike any record; the other half do not train


def test_what_is_not_in_the_pipeline_is_one_line(project: Project) -> None:
    elsewhere = ("README.md", "data/mnist/5/x=1.npz")
    for target in ("figures/fig9.pdf", "figures/fig3.png", "results/tiny/nothing/table.csv", *elsewhere):
        text = said(project, target, ok=False)
        assert text.startswith(f"cost.py: {target}: ")
        assert text.count("\n") == 1


def test_a_run_is_expected_to_cost_what_the_nearest_records_do() -> None:
    """Records at twice the usual pace, whose epochs depend on the size: the nearest size counts, of all its seeds."""
    runs = params.load("params.yaml").choose("quick").runs("fig3")
    records = [cost.Measured(run, run.size, 2 * cost.UNIT * cost.work(run, run.size)) for run in runs if run.size < 28]
    large = next(run for run in runs if run.size == 28)
    (guess,) = cost.estimates([large], records)
    assert guess.expected == pytest.approx(cost.IMPORTS + 2 * cost.UNIT * cost.work(large, 20))
    assert guess.most == pytest.approx(cost.IMPORTS + 2 * cost.UNIT * cost.work(large, large.T))
    other = large.model_copy(update={"lr": 2.0})
    (unlike,) = cost.estimates([other], records)
    assert not unlike.known
    assert unlike.expected == unlike.most == pytest.approx(guess.most)


@pytest.mark.long
def test_half_of_papers_records_predict_the_other_half(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its core-hours, within a factor of 1.5: every second record, in the order of their names, and the others."""
    experiments = params.load("params.yaml").choose("paper").experiments
    project.pull(*(f"results/paper/{experiment}" for experiment in experiments))
    monkeypatch.chdir(project.root)
    records = sorted(cost.measured(), key=lambda each: each.run.name)
    assert len(records) > 200
    for known, others in ((records[::2], records[1::2]), (records[1::2], records[::2])):
        expected = sum(each.expected for each in cost.estimates([each.run for each in others], known))
        assert 1 / 1.5 < expected / sum(each.seconds for each in others) < 1.5


def test_a_run_costs_its_start_before_its_epochs() -> None:
    """Twice the epochs take less than twice the time, by the same whatever the number."""
    for preset in ("quick", "quick-released"):
        chosen = params.load("params.yaml").choose(preset)
        for figure in chosen.figures:
            run = chosen.runs(figure)[0]
            none, one, two = (cost.work(run, epochs) for epochs in (0, 1, 2))
            assert 2 * one - two == pytest.approx(none)
            assert none >= 0.1 / cost.UNIT  # a tenth of a second


def test_no_job_asks_for_less_than_was_measured() -> None:
    """Peaks of jobs on all of MNIST at size 28 (benchmarks/results.json, and `standard`, which takes most), in MB."""
    paper = params.load("params.yaml").choose("paper")
    for experiment, width, peak in (("advtrain", 1000, 432), ("advtrain", 10_000, 779), ("standard", 10_000, 947)):
        axes = {"C0": 10.0, "eps": 0.2, "width": width, "size": 28, "seed": 0}
        if experiment == "standard":
            del axes["eps"]
        assert peak * 1.2 < cost.memory_mb(paper.run(experiment, **axes)) < peak * 2
