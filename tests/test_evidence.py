"""Evidence that changed code makes the same: hard to fool, and kept with the project."""

import json
import re
from pathlib import Path

import pytest
from project import QUIET, RECORD, RUNS, TINY, Clone

from lazyadv.workflow import equivalence
from lazyadv.workflow.equivalence import Equivalence, EquivalenceError


def accept(clone: Clone, *arguments: str, ok: bool = True) -> str:
    done = clone.run("python", "stages/verify.py", "--preset", "tiny", "--accept", *arguments, ok=ok)
    assert (done.returncode == 0) is ok
    return done.stdout + done.stderr


def move_norms(clone: Clone) -> None:
    """A function of the attack, moved to another module."""
    attack = (clone.root / "lazyadv/networks/attack.py").read_text()
    function = attack[attack.index("def norms(") : attack.index("def lazy_pgd(")]
    ball = (clone.root / "lazyadv/networks/ball.py").read_text()
    attack = attack.replace(function, "")
    (clone.root / "lazyadv/networks/attack.py").write_text(attack)
    (clone.root / "lazyadv/networks/ball.py").write_text(f"{ball}\n\n{function}")
    clone.edit("lazyadv/networks/attack.py", "import deviations\n", "import deviations, norms\n")


@pytest.mark.long
def test_code_that_makes_the_same_keeps_its_results(origin: Path, clone: Clone, tmp_path: Path) -> None:
    """A renamed local and a moved function; with the evidence committed, in a fresh clone, too."""
    clone.edit("lazyadv/networks/attack.py", "ascent", "uphill")
    move_norms(clone)
    assert RUNS.items() <= clone.jobs().items()
    before = {path: path.read_bytes() for path in clone.root.glob("results/tiny/*/runs/*.json")}
    assert re.search(
        rf"evidence takes \d+ of the {sum(RUNS.values())} records: give --sample",
        accept(clone, "--sample", "7", ok=False),
    )
    assert not (clone.root / "equivalences.json").exists()
    assert "4 entries added" in accept(clone)
    # which import the attack
    assert clone.jobs() == {
        "audit": 1,
        "collect": len(RUNS),
        "ledger": 1,
        "plot": len(TINY.figures),
        "publish": len(TINY.figures),
    }
    clone.snakemake("all", "claims")
    assert clone.jobs() == {}
    assert {path: path.read_bytes() for path in before} == before
    why = clone.run("python", "stages/why.py", RECORD).stdout
    assert "fresh by evidence" in why
    assert RECORD in why
    assert "fresh as made" in clone.run("python", "stages/why.py", "results/tiny/audit.csv").stdout
    clone.run("dvc", "commit", "-q", "-f", "dvc.yaml")
    clone.run("dvc", "push", "-q")
    clone.run("git", "add", "-A")
    clone.run("git", *QUIET, "commit", "-q", "-m", "better code, and the evidence")
    again = Clone(clone.root, tmp_path / "again")
    again.run("dvc", "pull", "-q")
    assert again.jobs() == {}
    network = next((clone.root / "results/tiny/advtrain/networks").iterdir())
    clone.edit("lazyadv/networks/attack.py", "uphill", "climb")
    content = network.read_bytes()
    network.unlink()
    assert "tiny: 1 of its 33 records and networks are not here: `dvc pull` them" in accept(clone, ok=False)
    network.write_bytes(content)
    # and once more, on top of the evidence; of standard, which does not attack, there is nothing to show
    assert "3 entries added" in accept(clone)
    assert not RUNS.keys() & clone.jobs().keys()
    clone.edit("params.yaml", "advtrain {bs: 32, T: 2, lr: 0.1", "advtrain {bs: 32, T: 2, lr: 0.2")
    assert clone.jobs()["advtrain"] == 8
    assert "nothing to accept" in accept(clone)


@pytest.mark.long
def test_moved_code_of_the_data_is_accepted_with_the_data_made_again(clone: Clone) -> None:
    clone.snakemake("data")
    clone.edit("lazyadv/data.py", "archive.comment = stamp.encode()", "archive.comment = bytes(stamp, 'ascii')")
    assert {"fetch": 1, "prepare": 3, "standard": 12}.items() <= clone.jobs().items()
    said = accept(clone, "--sample", "20")
    rules = [entry["rule"] for entry in json.loads((clone.root / "equivalences.json").read_text())]
    assert rules == ["fetch", "prepare", *["train"] * 4], said
    assert not {"fetch", "prepare", "standard", "advtrain"} & clone.jobs().keys()


@pytest.mark.long
def test_other_numbers_are_refused_with_the_run_and_the_key(clone: Clone) -> None:
    clone.edit("lazyadv/experiments/adversarial.py", "return 2.5 * self.eps", "return 2.4 * self.eps")
    said = accept(clone, ok=False)
    assert re.search(r"(epochs\.\w+\[\d\]|invariants\.\w+): \S+ became \S+ +results/tiny/adv", said)
    assert said.splitlines()[-1] == "verify.py: refused: today's code makes other results, so these are stale"
    assert not (clone.root / "equivalences.json").exists()


@pytest.mark.long
def test_evidence_comes_from_the_code_that_is_there(clone: Clone) -> None:
    """Though what was compiled of the code before lies in the cache."""
    clone.edit("lazyadv/kernel/compiled.py", '"error_model": "numpy"', '"error_model": "numpy", "fastmath": True')
    assert "refused: today's code makes other results" in accept(clone, ok=False)


@pytest.mark.long
def test_evidence_edited_by_hand_is_named(clone: Clone) -> None:
    clone.edit("lazyadv/networks/attack.py", "ascent", "uphill")
    accept(clone)
    clone.edit("equivalences.json", '"size": [\n    3,', '"size": [\n    2,')
    for command in (("snakemake", "-n", "--cores", "1"), ("python", "stages/why.py", RECORD)):
        done = clone.run(*command, ok=False)
        assert done.returncode
        assert "equivalences.json: entry 0 is not as verify wrote it" in done.stdout + done.stderr


def test_evidence_that_leads_round_in_a_circle_is_refused(evidence: Path) -> None:
    codes = [f"{number:032x}" for number in range(3)]
    entries = [
        Equivalence(
            rule="train",
            same={},
            within={"size": (3, 5)},
            old=old,
            new=new,
            compared=("a",),
            commit=None,
            date="2000-01-01",
        )
        for old, new in zip(codes, [*codes[1:], codes[0]], strict=True)
    ]
    equivalence.add(entries[:2])
    with pytest.raises(EquivalenceError, match="circle"):
        equivalence.add(entries[2:])
    assert equivalence.known() == tuple(entries[:2])
    assert entries[0].covers("train", {"size": 5})
    assert not entries[0].covers("train", {"size": 6})
    assert not entries[0].covers("train", {"size": 2})
    assert not entries[0].covers("train", {"size": 5, "eps": 0.1})
    assert not entries[0].covers("train", {})
