"""Records that are damaged, another run's, or of a run that failed: named, and never drawn."""

from pathlib import Path
from typing import Any

import pytest
from project import Project

from lazyadv import params
from lazyadv.networks.outcome import Epoch, Invariants
from lazyadv.results import record
from lazyadv.workflow.provenance import Ingredients
from lazyadv.workflow.sources import ROOT

TABLE = "results/tiny/advtrain/table.csv"
FIGURES = ("figures/fig3.pdf", "figures/tiny/fig3.pdf", "figures/tiny/fig3.svg")


def some_records(project: Project) -> list[Path]:
    """The records of figure 3, after what was made of them is gone."""
    for name in (TABLE, *FIGURES):
        (project.root / name).unlink()
    return sorted((project.root / "results/tiny/advtrain/runs").iterdir())


def test_one_without_its_fingerprint_or_with_anothers_is_trained_again(copied: Project, finished: Project) -> None:
    first, second, third, *_ = some_records(copied)
    first.write_bytes(first.read_bytes()[:20])
    second.write_bytes(third.read_bytes())
    third.write_bytes(b"")
    copied.snakemake("figures/fig3.pdf")
    assert copied.outputs() == finished.outputs()


@pytest.mark.long
def test_one_that_was_edited_is_named_and_not_drawn(copied: Project, finished: Project) -> None:
    """Its fingerprint, and what it says it was made from, are right. One that ends early is trained again."""
    damaged, short = some_records(copied)[:2]
    damaged.write_bytes(damaged.read_bytes().replace(b'"loss": [', b'"loss": [1', 1))
    short.write_bytes(short.read_bytes()[:-40])
    said = copied.snakemake("figures/fig3.pdf", ok=False)
    name = damaged.relative_to(copied.root)
    assert f"collect.py: {name}: not what was sealed in it" in said
    assert "delete it and run again" in said
    assert "Traceback" not in said
    assert not [made for made in (TABLE, *FIGURES) if (copied.root / made).exists()]
    damaged.unlink()
    copied.snakemake("figures/fig3.pdf")
    assert copied.outputs() == finished.outputs()


def test_a_run_that_diverges_is_named_and_the_others_finish(project: Project) -> None:
    """The untrained networks (C0 = 0) have no learning rate to diverge with."""
    project.edit("params.yaml", "standard: {bs: 64, T: 3, lr: 0.1", "standard: {bs: 64, T: 3, lr: 1.0e+38")
    said = project.snakemake("figures/fig2.pdf", ok=False)
    runs = project.root / "results/tiny/standard/runs"
    assert {path.name for path in runs.iterdir()} == {
        f"width={width},size={size},C0=0,seed={seed}.json"
        for width, size in ((10, 5), (20, 3), (20, 5))
        for seed in (0, 1)
    }
    assert "train.py: epoch 0: the loss is" in said
    assert "lower the learning rate (lr)" in said
    assert "logs/tiny/standard/width=20,size=5,C0=5,seed=1.log" in said
    assert "Traceback" not in said
    assert not (runs.parent / "table.csv").exists()
    assert not (project.root / "figures/tiny/fig2.pdf").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"arithmetic": None}, "provenance: arithmetic: Input should be a valid string"),
        ({"arithmetic": ["x86-64-v3"]}, "provenance: arithmetic: Input should be a valid string"),
        ({"device": "cpu\n\x00"}, "provenance: device: String should match"),
        ({"seconds": 10**400}, "provenance: seconds: is not a number"),
        ({"seconds": -1}, "provenance: seconds: Input should be greater"),
        ({"epochs": ()}, "it has no epochs"),
    ],
)
def test_one_without_what_a_table_needs_is_named(changed: dict[str, Any], said: str | None, tmp_path: Path) -> None:
    """Its provenance is not sealed, for it may differ."""
    run = params.load(ROOT / "params.yaml").choose("tiny").runs("fig3")[0]
    epochs = (Epoch(epoch=0, loss=1, clean_test_accuracy=1, deviation=0),)
    result = record.Result(
        n_train=8,
        n_test=2,
        stopped="epochs",
        epochs=changed.pop("epochs", epochs),
        invariants=Invariants(radius=1, deviation=0, repredicted=1),
    )
    provenance = {"arithmetic": "x86-64-v3", "device": "cpu", "seconds": 1.0} | changed
    path = tmp_path / f"{run.name}.json"
    record.write(path, Ingredients("train", {}, {}, {}), run, result, provenance)
    if said is None:
        assert record.read(path).provenance["device"] == "cpu"
        return
    with pytest.raises(record.RecordError, match=said) as error:
        record.read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
