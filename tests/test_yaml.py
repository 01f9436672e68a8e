"""params.yaml as text: what is no such YAML is refused in one line; keys, anchors and numbers are as in YAML 1.2."""

import tempfile
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from hypothesis import given
from hypothesis import strategies as st
from project import Project

from lazyadv import params
from lazyadv.models import ParamsError
from lazyadv.workflow.sources import ROOT

WHOLE = (ROOT / "params.yaml").read_text(encoding="utf-8")
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
BAD_YAML = {
    "empty": b"",
    "a list": b"- 1\n- 2\n",
    "a comment": b"# nothing\n",
    "two documents": WHOLE.encode() + b"---\n" + WHOLE.encode(),
    "another encoding": WHOLE.encode("utf-16"),
    "no encoding": b"preset: \xff\xfe\xfa\n",
    "a zero byte": b"preset: \0\n",
    "tabs": b"presets:\n\tquick: 1\n",
    "deep": b"preset: " + b"[" * 100_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(3000)).encode(),
    "an alias bomb": f"{BOMB}{WHOLE}".encode(),
    "an alias bomb as a value": WHOLE.replace("mirrors: []", f"mirrors: {{{BOMB.replace(chr(10), ', ')}}}").encode(),
    "a mapping inside itself": b"preset: quick\nmirrors: []\npresets: &all\n  quick: *all\n",
    "a list inside itself": b"preset: quick\nmirrors: &m [*m]\npresets: {}\n",
    "a list for a key": b"? [1, 2]\n: 3\n",
    "a merge of nothing": b"<<: 1\npreset: quick\n",
    "a merge that repeats": WHOLE.replace("preset: quick", "<<: {preset: tiny, colour: red}\npreset: quick").encode(),
    "an object": b"preset: !!python/object/apply:os.system ['touch hacked']\n",
    "a date": WHOLE.replace("T: 3, lr", "T: 2020-01-01, lr").encode(),
    "a huge number": WHOLE.replace("T: 3, lr", f"T: {'9' * 5000}, lr").encode(),
    "a huge exponent": WHOLE.replace("T: 3, lr: 0.1", "T: 3, lr: 1.0e+999").encode(),
}


@pytest.mark.parametrize("kind", list(BAD_YAML))
def test_yaml_that_is_no_params_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(BAD_YAML[kind])
    with pytest.raises(ParamsError) as error:
        params.load(tmp_path / "params.yaml")
    assert str(error.value).startswith(f"{tmp_path / 'params.yaml'}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@given(st.text(max_size=40))
def test_any_text_is_taken_or_refused_in_one_line(text: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        with pytest.raises(ParamsError) as error:
            params.load(file.name)
    assert "\n" not in str(error.value)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("preset: quick\npreset: tiny\n")
    with pytest.raises(ParamsError, match="'preset' stands twice"):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("number", ["1e-05", "1E-5", "+.1e-4", "1.e-5", "0.00001", "1.0e-5"])
def test_numbers_are_those_of_yaml_1_2(number: str, tmp_path: Path) -> None:
    """As DVC writes them."""
    (tmp_path / "params.yaml").write_text(WHOLE.replace("lr: 0.1, atk_iters: 3}", f"lr: {number}, atk_iters: 3}}"))
    assert params.load(tmp_path / "params.yaml").choose("tiny").shared("advtrain")["lr"] == 1e-5


def test_anchors_and_merge_keys_may_be_used(tmp_path: Path) -> None:
    """A preset may take over what another has."""
    text = WHOLE.replace(
        "advtraingap: {bs: 32, T: 2, lr: 0.1, atk_iters: 3}", "advtraingap: {<<: *tiny-advtrain, lr: 0.2}"
    )
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    tiny = params.load(tmp_path / "params.yaml").choose("tiny")
    assert tiny.shared("advtraingap") == {**tiny.shared("advtrain"), "lr": 0.2}


@pytest.mark.parametrize("name", ["quick", "quick-released", "paper", "paper-strict"])
def test_dvc_sets_a_hyperparameter_of_one_experiment_alone(name: str, tmp_path: Path) -> None:
    """As by `dvc exp run -S`, which sets what two keys share by an alias, and then sets it back."""
    before = params.load(ROOT / "params.yaml").presets
    for experiment in before[name].experiments:
        (tmp_path / "params.yaml").write_text(WHOLE, encoding="utf-8")
        apply_overrides(str(tmp_path / "params.yaml"), [f"presets.{name}.experiments.{experiment}.lr=0.00001"])
        after = params.load(tmp_path / "params.yaml").presets
        changed = {
            (preset, each): after[preset].shared(each)
            for preset in after
            for each in after[preset].experiments
            if after[preset].shared(each) != before[preset].shared(each)
        }
        assert changed == {(name, experiment): {**before[name].shared(experiment), "lr": 1e-5}}


def test_snakemake_refuses_such_yaml_in_one_line(project: Project) -> None:
    for kind in ("empty", "another encoding", "deep", "an alias bomb", "an object"):
        (project.root / "params.yaml").write_bytes(BAD_YAML[kind])
        done = project.run("snakemake", "-n", "--cores", "1", ok=False)
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert sum("params.yaml: " in line for line in said.splitlines()) == 1, said
        assert "Traceback" not in said
        assert not (project.root / "hacked").exists()
