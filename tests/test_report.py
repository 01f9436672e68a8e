"""The report: one page with all in it, true to the records on disk."""

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lines import BY_FIGURE
from project import RUNS, TINY, Project

from lazyadv.findings.halves import halves
from lazyadv.findings.judge import as_number
from lazyadv.report import embedded

ALL = sum(RUNS.values())
RUN = "width=20,size=3,C0=10,eps=0.3,seed=0"


class Links(HTMLParser):
    """The ids of a page, and all that it refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if key == "href" and tag == "a":
                self.links.append(value or "")
            elif key in ("src", "href", "srcset"):
                self.loaded.append(value or "")


def report(project: Project) -> str:
    said = project.run("python", "stages/report.py", "--preset", "tiny").stdout.strip()
    assert said == "results/tiny/report.html"
    return (project.root / said).read_text()


def embedded_in(page: str) -> dict[str, Any]:
    """What the page's scripts read."""
    found = re.search('id="data">([^<]*)<', page)
    assert found
    return dict(embedded.unpacked(found[1]))


def id_of(run: dict[str, Any]) -> str:
    return f"{run['experiment']}/{run['name']}"


def test_all_is_in_the_page_and_every_link_leads_somewhere(copied: Project) -> None:
    page = report(copied)
    found = Links(page)
    assert all(address.startswith("data:") for address in found.loaded)
    assert "url(" not in page
    assert len(set(found.ids)) == len(found.ids)
    folder, data = copied.root / "results/tiny", embedded_in(page)
    for link in found.links:
        known = [*found.ids, *(f"rows/{name}" for name in data["sets"])]
        assert link[1:] in known if link.startswith("#") else (folder / link).resolve().is_file(), link
    assert len({id_of(run) for run in data["runs"] if run["epochs"] is not None}) == ALL
    for claim in json.loads((folder / "claims.json").read_text())["claims"]:
        assert f"#claim-{claim}" in found.links  # from the answer
        assert (f"#rows/{claim}" in found.links) == bool(data["sets"][claim])
    assert page.count("data:image/svg+xml") == len(TINY.figures)
    assert all(f">plot {figure}</text>" in page for figure in TINY.figures)
    assert f"{ALL} of {ALL} runs are here." in page
    assert page[page.index('<h2 id="audit">') :].count("<td>advtrain") == len(TINY.audited)


def test_the_answer_is_a_sentence_of_what_was_measured_and_figure_3_above_the_claims(project: Project) -> None:
    """Of `paper`, with the runs of figure 3 alone."""
    project.pull("results/paper/advtrain")
    asked = project.run("make", "--no-print-directory", "-n", "report", "PRESET=paper").stdout.splitlines()[-1]
    assert asked.endswith("python stages/report.py --preset paper")
    project.run("python", "stages/report.py", "--preset", "paper")
    page = (project.root / "results/paper/report.html").read_text()
    ledger = json.loads((project.root / "results/paper/claims.json").read_text())["claims"]
    rows = pd.read_csv(project.root / "results/paper/advtrain/table.csv")
    largest = rows[(rows["size"] == 28) & (rows["width"] == 1000)]
    lazy, free = (halves(largest[largest["C0"] == C0]).mean() for C0 in (10, 1000))
    top = page[page.index('<section id="answer"') : page.index('<div class="answer')]
    for key in ("robust_half", "binding_half"):
        assert f"d^({as_number(ledger[key]['paper']['value'])})" in top
    assert f"At d = 784 free networks withstand attacks {as_number(free / lazy)} times as large" in top
    assert re.search(r"Of the paper's \d claims, \d holds?, \d fails?, \d (is|are) undecided\.", top)
    assert re.findall('<section id="(.*?)"', top) == ["answer", "fig3"]
    assert "data:image/svg+xml" in top


def test_a_preset_without_adversarial_figures_is_judged_and_shown_without_them(copied: Project) -> None:
    def leave(tiny: dict[str, Any]) -> None:
        tiny["experiments"] = {"standard": tiny["experiments"]["standard"]}
        tiny["figures"] = {figure: tiny["figures"][figure] for figure in ("fig1", "fig2")}

    copied.change(leave)
    copied.run("python", "stages/claims.py", "--preset", "tiny")
    said = (copied.root / "results/tiny/claims.md").read_text().splitlines()
    asked = [not line.endswith("| – |") for line in said[2:] if line.startswith("| ")]
    assert asked == [figure == "fig1" for figure in ("fig1", "audit") for _ in BY_FIGURE[figure]]
    page = report(copied)
    assert page.count("data:image/svg+xml") == 2
    assert "In lazy networks the attack" not in page


def test_a_figure_of_an_unsuitable_experiment_is_one_line(copied: Project) -> None:
    def confuse(tiny: dict[str, Any]) -> None:
        del tiny["experiments"]["advtraingap"]
        tiny["figures"]["fig4"] = tiny["figures"]["fig1"]

    copied.change(confuse)
    done = copied.run("python", "stages/report.py", "--preset", "tiny", ok=False)
    says = "report.py: params.yaml: presets.tiny.figures.fig4: its experiment has no 'gap'; name another\n"
    assert done.stdout + done.stderr == says


@pytest.fixture(scope="module")
def page(finished: Project) -> str:
    """The page of all that tiny has."""
    text = report(finished)
    (finished.root / "results/tiny/report.html").unlink()
    return text


def test_every_run_has_its_records_own_numbers(finished: Project, page: str) -> None:
    for run in embedded_in(page)["runs"]:
        assert run["path"] == f"results/tiny/{run['experiment']}/runs/{run['name']}.json"
        record = json.loads((finished.root / run["path"]).read_text())
        assert list(run["epochs"]) == sorted(record["epochs"].keys() - {"epoch"})
        assert run["row"]["epochs"] == len(record["epochs"].get("loss", []))
        for name, values in run["epochs"].items():
            np.testing.assert_allclose(np.array(values, float), np.array(record["epochs"][name], float), rtol=5e-4)


def test_every_point_lies_on_its_mark_and_leads_to_its_run(page: str) -> None:
    data = embedded_in(page)
    runs = {id_of(run): run for run in data["runs"]}
    images = dict(re.findall('data-figure="(.*)"><img src="data:image/svg.xml;base64,([^"]*)"', page))
    columns = {head: column for column, head in embedded.HEADS.items()}
    assert images.keys() == data["points"].keys()
    for figure, points in data["points"].items():
        image = base64.b64decode(images[figure]).decode()
        if figure == "examples":  # it shows networks, of which there are no marks
            assert points == []
            continue
        width, height = (float(size) for size in re.findall('viewBox="0 0 ([0-9.]+) ([0-9.]+)"', image)[0])
        marks = np.array(re.findall('<use [^>]*x="([0-9.]+)" y="([0-9.]+)"', image), float) / [width, height]
        for left, top, text, target in points:
            assert np.abs(marks - [left, top]).max(axis=1).min() < 0.0005  # a quarter of a point
            if not target.startswith("rows/"):
                head, _, value = text.rpartition(" ")
                assert float(value) == pytest.approx(runs[target]["row"][columns[head]], rel=5e-3)
        asked = {id_of(data["runs"][place]) for place in data["sets"][figure]}
        assert figure == "pairs" or asked <= {target for *_, target in points}  # of which lines are drawn, not runs


def test_every_claim_leads_to_the_rows_it_rests_on(page: str) -> None:
    data = embedded_in(page)
    found = {key: {id_of(data["runs"][place]) for place in places} for key, places in data["sets"].items()}
    assert {len(found[claim]) for claim in ("trained_flips", "trained_step", "clean_accuracy")} == {4}
    assert all("C0=5," in run for run in found["trained_flips"])
    assert all("C0=0," in run for run in found["untrained_flips"] | found["untrained_step"])
    assert found["trained_flips"] | found["untrained_flips"] == found["fig1"]
    assert found["control_unbound"] == set()
    assert found["robust_half"] == found["training_ended"] == found["fig3"]
    assert found["robust_collapse"] == {f"advtrain/width=20,size=5,C0=10,eps=0.3,seed={seed}" for seed in (0, 1)}
    assert found["deviation_helps"] == found["fig4"]  # which has the two ends alone
    assert found["attack"] == {f"advtrain/{RUN}", "advtraingap/width=20,size=5,gap=1,eps=0.1,seed=1"}


def test_quick_has_room_in_three_megabytes(page: str) -> None:
    """Nearly twice its 1,781 runs, 40 epochs each, as far from compressible as the grid of accuracies lets them be."""
    run = next(run for run in embedded_in(page)["runs"] if id_of(run) == f"advtrain/{RUN}")
    noise = np.random.default_rng(0)
    runs = []
    for loss, deviation, *accuracies in noise.random((3156, 4, 40)):
        epochs = {"loss": [float(f"{value:.4g}") for value in loss]}
        epochs["deviation"] = [float(f"{value:.4g}") for value in deviation]
        epochs["robust_train_accuracy"] = [float(f"{round(800 * value) / 800:.4g}") for value in accuracies[0]]
        epochs["clean_test_accuracy"] = [round(200 * value) / 200 for value in accuracies[1]]
        row = {
            key: float(f"{noise.random():.5g}") if isinstance(value, float) else value
            for key, value in run["row"].items()
        }
        runs.append(run | {"row": row | {"fingerprint": noise.bytes(16).hex()}, "epochs": epochs})
    assert len(embedded.packed(runs)) + len(page) + 200_000 < 3_000_000  # quick's figures have more marks than tiny's


@pytest.mark.long
def test_a_run_deleted_by_hand_is_missing_in_table_ledger_figure_and_report(copied: Project) -> None:
    gone = copied.root / f"results/tiny/advtrain/runs/{RUN}.json"
    gone.unlink()
    page = report(copied)
    assert not gone.exists()
    assert re.search(rf"{ALL - 1} of {ALL} runs are here, <b class=\"missing\">1 missing</b>", page)
    claims = len(BY_FIGURE["fig3"])
    assert page.count("7 of 8 runs") == 1 + 2 * claims  # at figure 3, and twice at its claims
    assert f'<b class="missing">missing</b> <code>results/tiny/advtrain/runs/{RUN}.json</code>' in page
    for stage in ("collect.py advtrain", "plot.py fig3", "claims.py"):
        copied.run("python", *f"stages/{stage} --preset tiny".split())
    assert (copied.root / "results/tiny/claims.md").read_text().count("7 of 8 runs") == claims
    assert not gone.exists()


@pytest.mark.long
def test_a_failed_a_stale_and_a_damaged_run_are_named(copied: Project) -> None:
    runs = copied.root / "results/tiny/advtrain/runs"
    first, second = sorted(runs.iterdir())[:2]
    first.write_text(first.read_text()[:-9])
    second.unlink()
    copied.edit("params.yaml", "T: 3, lr: 0.1, normalize: false}", "T: 3, lr: 0.2, normalize: false}")
    failing = copied.run("python", "stages/train.py", "advtrain", "--lr", "-1", ok=False)
    log = copied.root / f"logs/tiny/advtrain/{second.stem}.log"
    log.write_text(failing.stderr)
    page = report(copied)
    assert re.search(rf"{ALL - 14} of {ALL} runs are here, .*12 stale.*, .*1 failed.*, .*1 unusable", page)
    assert "train.py: flags: lr: Input should be greater than 0" in page
    assert "not what was sealed" in page
    copied.edit("lazyadv/experiments/adversarial.py", "STUCK_EPOCHS = 20", "STUCK_EPOCHS = 21")
    log.write_text("epoch 0: loss 0.9565\n")  # being trained, or killed
    assert re.search(
        rf"{ALL - 14} of {ALL} runs are here, .*{ALL - 2} stale.*, .*1 missing.*, .*1 unusable", report(copied)
    )


@pytest.mark.long
def test_a_network_that_is_gone_or_an_audit_of_another_time_counts_for_nothing(copied: Project) -> None:
    next(copied.root.glob("results/tiny/advtraingap/networks/*.npz")).unlink()
    table = copied.root / "results/tiny/audit.csv"
    table.write_text(re.sub('""fingerprint"": ""[0-9a-f]{4}', '""fingerprint"": ""0000', table.read_text()))
    page = report(copied)
    assert re.search(rf"{ALL} of {ALL} runs are here, .*1 stale", page)
    assert "0 of 2 runs" in page
