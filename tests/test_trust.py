"""Evidence, freshness and seals: what an honest mistake could make pass for what it is not."""

import json
import os
import time
from pathlib import Path

import pytest
from project import Project

from lazyadv.experiments import EXPERIMENTS
from lazyadv.files import STAMP, SealError
from lazyadv.results import kept
from lazyadv.results.record import RecordError
from lazyadv.verify import acceptance
from lazyadv.verify.verification import Refused, Stored
from lazyadv.workflow import equivalence, paths, provenance, recipes
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.provenance import Ingredients

FAR = time.mktime((2100, 1, 1, 0, 0, 0, 0, 0, 0))
RUN = "width=20,size=3,C0=10,eps=0.3,seed=0"


@pytest.fixture
def pipeline(copied: Project, evidence: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """That of the tiny preset, in a copy of the project with its results, which a test may damage."""
    monkeypatch.chdir(copied.root)
    return Pipeline.load("params.yaml", "tiny")


def date(root: Path, when: float) -> None:
    """Give every output the same date."""
    for folder in ("data", "results", "figures"):
        for path in (root / folder).rglob("*"):
            os.utime(path, (when, when))


def retyped(path: Path, fingerprint: str) -> None:
    """Type another fingerprint into a file."""
    content = path.read_bytes()
    stamp = STAMP.search(content)
    assert stamp
    path.write_bytes(content[: stamp.start(1)] + fingerprint.encode() + content[stamp.end(1) :])


@pytest.mark.long
def test_files_dated_ahead_are_as_fresh_and_as_stale_as_others(copied: Project) -> None:
    """And a record trained on data dated ahead stays, as does what is made of it."""
    date(copied.root, FAR)
    assert "Nothing to be done" in copied.snakemake("all", "claims", "-n")
    copied.edit("params.yaml", "advtraingap: {bs: 32, T: 2, lr: 0.1", "advtraingap: {bs: 32, T: 2, lr: 0.2")
    copied.snakemake("figures/tiny/fig4.pdf")
    assert "Nothing to be done" in copied.snakemake("figures/tiny/fig4.pdf", "-n")
    (copied.root / "figures/tiny/fig3.pdf").unlink()
    copied.snakemake("figures/tiny/fig3.pdf")
    assert (copied.root / "figures/tiny/fig3.pdf").exists()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("data/mnist5k/0-1/size=3,antialias=true.npz", "data/mnist5k/3-8/size=3,antialias=true.npz"),
        ("figures/tiny/fig1.svg", "figures/tiny/fig2.svg"),
        ("figures/tiny/fig1.pdf", "figures/tiny/fig2.pdf"),
        ("results/tiny/standard/table.csv", "results/tiny/advtrain/table.csv"),
        (f"results/tiny/advtrain/runs/{RUN}.json", f"results/tiny/advtrain/runs/{RUN[:-1]}1.json"),
        (f"results/tiny/advtrain/networks/{RUN}.npz", "results/tiny/advtrainpair/networks/*.npz"),
        ("results/tiny/claims.json", "results/tiny/audit.csv"),
    ],
)
def test_a_typed_fingerprint_makes_nothing_fresh(pipeline: Pipeline, name: str, other: str) -> None:
    """Another output under the name of one, with the fingerprint that is expected there."""
    path = Path(name)
    assert pipeline.fresh(path)
    (found,) = Path().glob(other)
    path.write_bytes(found.read_bytes())
    assert not pipeline.fresh(path)
    retyped(path, pipeline.fingerprint(path))
    assert not pipeline.fresh(path)
    with pytest.raises(SealError, match="stamp cannot be read"):
        provenance.ingredients_of(path)


def test_what_is_read_is_what_was_asked_for(pipeline: Pipeline) -> None:
    """Another pair's digits as they are, sealed and whole, under this one's name; and another run's network."""
    run = pipeline.run(paths.run_path("tiny", pipeline.preset.runs("fig3")[0]))
    (asked,) = recipes.train(run).inputs.values()
    assert provenance.vouched(asked) == pipeline.fingerprint(asked.path)
    asked.path.write_bytes(paths.pair_path("mnist5k", (3, 8), 3, True).read_bytes())
    with pytest.raises(SealError, match=r"is not what its name says \(pair"):
        provenance.vouched(asked)
    run = next(iter(pipeline.preset.audited))
    network = paths.network_path("tiny", run)
    network.write_bytes(next(Path("results/tiny/advtrainpair/networks").iterdir()).read_bytes())
    with pytest.raises((SealError, RecordError), match="is not what its name says"):
        kept.load_network("tiny", run)


@pytest.mark.parametrize("content", ["[]", '{"claims": 5}', "[" * 100_000, "", "{}"])
def test_a_ledger_edited_by_hand_is_made_again(pipeline: Pipeline, content: str) -> None:
    path = Path("results/tiny/claims.json")
    path.write_text(content)
    assert pipeline.upstream(path)[1] is False


def test_nothing_can_be_added_to_a_ledger(pipeline: Pipeline) -> None:
    path = Path("results/tiny/claims.json")
    path.write_text(path.read_text().rstrip()[:-2] + ',\n "provenance": {"claims": 5}\n}\n')
    assert json.loads(path.read_text())["provenance"]
    assert not pipeline.fresh(path)


def stored(experiment: str, deviation: float, seconds: float = 1, **axes: float) -> Stored:
    shared = {"dataset": "mnist5k", "pair": (0, 1), "protocol": "strict", "antialias": True, "bs": 32, "T": 2}
    run = EXPERIMENTS[experiment].model_validate({**shared, "lr": 0.1, "width": 100, "atk_iters": 3, **axes})
    made = Ingredients("train", run.model_dump(mode="json"), {"lazyadv": "0"}, {})
    return Stored(Path(f"{run.name}.json"), run, "epochs", deviation, seconds, made, None)


LAZY = [stored("advtrain", 1, size=s, C0=10.0, eps=e, seed=0) for s in (5, 28) for e in (0.1, 0.2, 0.4)]
FREE = [
    stored("advtrain", 1, 9, size=size, C0=1000.0, eps=eps, seed=seed)
    for size in (5, 28)
    for eps in (0.4, 0.52)
    for seed in (0, 1)
]


def test_a_sample_has_both_ends_of_every_axis_lazy_and_free() -> None:
    """Though free runs take longer, and the largest ε is one that no lazy run has."""
    assert {each.regime for each in LAZY} == {"lazy"}
    assert {each.regime for each in FREE} == {"free"}
    many = [*LAZY, *FREE, *(stored("advtrain", 1, size=7, C0=10.0, eps=0.2, seed=n) for n in range(9))]
    chosen = acceptance.choose(many, acceptance.LEAST)
    assert {each.regime for each in chosen} == {"lazy", "free"}
    for axis in LAZY[0].run.axes:
        ends = [{end(getattr(each.run, axis) for each in of) for end in (min, max)} for of in (many, chosen)]
        assert ends[0] == ends[1], axis
    with pytest.raises(Refused, match="give --sample"):
        acceptance.choose(many, 4)


def test_evidence_ends_where_what_was_compared_ends() -> None:
    made = {each.path: each.made for each in LAZY}
    (entry,) = acceptance.evidence("train", LAZY[0].code, made, LAZY[0].run.axes, 32 * "1")
    params = LAZY[0].made.params
    assert entry.covers("train", params)
    beyond = {"eps": 0.52, "C0": 1000.0, "size": 40, "width": 300, "seed": 1, "lr": 1, "other": 1}
    for axis, value in (*beyond.items(), ("eps", 0.05), ("size", 3)):
        assert not entry.covers("train", {**params, axis: value}), axis


def test_evidence_that_cannot_be_read_is_named(evidence: Path) -> None:
    for content in ("[" * 100_000, "5", "{}", '""', '[{"digest": 1}]'):
        evidence.write_text(content)
        equivalence.known.cache_clear()
        with pytest.raises(equivalence.EquivalenceError, match=r"equivalences\.json: .*restore it from git"):
            equivalence.known()


def test_evidence_keeps_what_records_of_several_codes_stand_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry for each code; refused where the ends of each lie around records of the other."""
    monkeypatch.setattr(equivalence, "known", tuple)
    newer = [stored("advtrain", 1, size=size, C0=10.0, eps=eps, seed=0) for size, eps in ((5, 0.15), (28, 0.3))]
    for each in newer:
        each.made.code["lazyadv"] = "1"
    codes = {each.path: acceptance.Codes(each.origin, "1" * 32, "1" * 32) for each in [*LAZY, *newer]}
    entries = acceptance.trained(codes, [*LAZY, newer[0]], [*LAZY, newer[0]])
    assert {entry.old for entry in entries} == {LAZY[0].origin, newer[0].origin}
    with pytest.raises(Refused, match="made some records between the ends"):
        acceptance.trained(codes, [*LAZY, *newer], [*LAZY, *newer])
