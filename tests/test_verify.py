"""Records made again: the same bytes, or the first key that differs."""

import re
import shutil
from pathlib import Path

import pytest
from project import RECORD, Clone, Project

from lazyadv.files import write_sealed
from lazyadv.results import record
from lazyadv.verify import verification

COMMITTED = [
    "results/quick/standard/runs/width=100,size=5,C0=10,seed=1.json",
    "results/quick/standard/runs/width=1000,size=28,C0=0,seed=2.json",
    "results/quick/advtrain/runs/width=1000,size=5,C0=10,eps=0.36,seed=0.json",
    "results/quick/advtraingap/runs/width=100,size=28,gap=1,eps=0.2,seed=0.json",
    "results/quick/advtrainpair/runs/pair=3-8,width=1000,size=10,C0=10,eps=0.1,seed=0.json",
    "results/quick-released/standard/runs/width=100,size=7,C0=10,seed=0.json",
    "results/quick-released/advtrain/runs/width=1000,size=5,C0=1000,eps=0.35,seed=1.json",
]


@pytest.mark.long
def test_committed_records_are_what_this_machine_makes(project: Project) -> None:
    """A handful, as `dvc pull` brings them."""
    project.pull(*{str(Path(name).parents[1]) for name in COMMITTED})
    said = project.run("python", "stages/verify.py", *COMMITTED).stdout
    assert "7 of 7 are the same bytes outside their provenance; arithmetic: x86-64-v3" in said


@pytest.mark.long
def test_what_is_made_here_gives_way_to_what_is_committed(origin: Path, tmp_path: Path) -> None:
    """In a clone without its results: trained, compared, and then neither git nor DVC sees a difference."""
    clone = Clone(origin, tmp_path / "clone")
    clone.snakemake("figures/fig3.pdf")
    clone.run("python", "stages/prepare.py", "mnist5k", "--size", "4", "--antialias")  # which DVC does not keep
    record = (clone.root / RECORD).read_bytes()
    assert record != (origin / RECORD).read_bytes()
    said = clone.run("python", "stages/compare.py").stdout
    assert "results/tiny/advtrain: as committed, all 10 files that are here" in said
    assert (clone.root / RECORD).read_bytes() == (origin / RECORD).read_bytes()
    assert clone.run("git", "status", "--porcelain").stdout == ""
    assert "modified" not in clone.run("dvc", "status", "dvc.yaml").stdout
    (clone.root / RECORD).write_bytes(record.replace(b'"loss": [0', b'"loss": [1'))
    said = clone.run("python", "stages/compare.py").stdout
    assert f"results/tiny/advtrain: 1 of 10 files are not as committed, and kept: {RECORD}" in said


def test_a_record_edited_by_hand_is_named_and_not_collected(clone: Clone) -> None:
    clone.edit(RECORD, '"robust_test_accuracy": [null, 0.', '"robust_test_accuracy": [null, 0.9')
    (clone.root / "results/tiny/advtrain/table.csv").unlink()
    assert f"{RECORD}: not what was sealed in it" in clone.snakemake("results/tiny/advtrain/table.csv", ok=False)
    assert not (clone.root / "results/tiny/advtrain/table.csv").exists()
    for stage in ("why", "verify"):
        done = clone.run("python", f"stages/{stage}.py", RECORD, ok=False)
        assert done.returncode == 1
        assert done.stderr.startswith(f"{stage}.py: {RECORD}: not what was sealed in it")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"n_train": ', '"n_train": 1'),
        ("}\n}\n", '}, "n_train": {}\n}\n'),
        ("}\n}\n", '},\n "n_train": 1\n}\n'),
        (' "provenance": ', ' "provenance": {"n_train": 1},\n "provenance": '),
    ],
)
def test_nothing_beside_the_provenance_can_be_changed(finished: Project, tmp_path: Path, old: str, new: str) -> None:
    path, text = tmp_path / Path(RECORD).name, (finished.root / RECORD).read_text()
    path.write_text(re.sub(r'"seconds": [\d.]+', '"seconds": 1', text))
    assert record.read(path).provenance["seconds"] == 1
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(record.RecordError, match="not what was sealed"):
        record.read(path)


def test_what_a_record_was_made_from_goes_with_its_fingerprint(finished: Project, tmp_path: Path) -> None:
    path, text = tmp_path / Path(RECORD).name, (finished.root / RECORD).read_text()
    path.write_text(text.replace('"params": {"bs": 32', '"params": {"bs": 33'))
    with pytest.raises(record.RecordError, match="edited by hand"):
        record.read(path)


@pytest.mark.long
def test_a_record_made_by_hand_may_have_any_name_and_be_made_again(finished: Project, tmp_path: Path) -> None:
    by_hand = Project(tmp_path / "project")
    shutil.copy(finished.root / RECORD, by_hand.root / "run.json")
    (by_hand.root / "params.yaml").unlink()
    assert "1 of 1 are the same bytes" in by_hand.run("python", "stages/verify.py", "run.json").stdout


@pytest.mark.long
def test_a_forged_record_is_found_by_making_it_again(clone: Clone) -> None:
    """Edited, and sealed anew."""
    path = clone.root / RECORD
    record = path.read_bytes().replace(b'"robust_test_accuracy": [null, 0.', b'"robust_test_accuracy": [null, 0.9')
    write_sealed(path, record)
    done = clone.run("python", "stages/verify.py", RECORD, RECORD.replace("seed=0", "seed=1"), ok=False)
    assert done.returncode == 1
    assert re.search(r"epochs.robust_test_accuracy\[1\]: 0.9\d* became 0.\d+ ", done.stdout)
    assert "1 of 2 are the same bytes" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", ["figures/tiny/fig3.pdf", "figures/tiny/fig3.svg", "results/tiny/audit.csv"])
def test_what_is_quickly_made_again_is_made_again_where_it_was_edited(clone: Clone, name: str) -> None:
    whole = (clone.root / name).read_bytes()
    (clone.root / name).write_bytes(whole.replace(b"0", b"1"))
    assert "not what was sealed" in clone.run("python", "stages/why.py", name, ok=False).stderr
    clone.snakemake("all", "claims")
    assert (clone.root / name).read_bytes() == whole


def test_the_first_difference_is_found_at_any_depth() -> None:
    old = {"a": 1, "b": [{"c": 0.1}, {"c": 0.2}]}
    assert verification.first_difference(old, old) is None
    assert verification.first_difference(old, {**old, "b": [{"c": 0.1}, {"c": 0.25}]}) == "b[1].c: 0.2 became 0.25"
    assert verification.first_difference(old, {"a": 1}) == "the record: other keys: b"
    assert verification.first_difference({"a": 1}, {"a": 1.0}) == "a: 1 became 1.0"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((RECORD, "--seed", "0"), "not of named records"),
        ((RECORD, "--accept"), "not named records"),
        (("--accept", "--seed", "1"), "--seed: --accept draws a sample of its own"),
        (("--sample", "0"), "--sample: give a number above 0"),
    ],
)
def test_options_that_would_mean_nothing_are_refused(project: Project, options: tuple[str, ...], said: str) -> None:
    done = project.run("python", "stages/verify.py", *options, ok=False)
    assert done.returncode == 2
    assert said in done.stderr
