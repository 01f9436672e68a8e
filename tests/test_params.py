"""params.yaml: what is senseless is refused with the key's name; grids expand as they should."""

import itertools
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from project import Project

from lazyadv import params
from lazyadv.experiments import EXPERIMENTS
from lazyadv.models import ParamsError, checked
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.sources import ROOT


def content() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("presets.tiny.pair", [1, 1]),
        ("presets.tiny.pair", [1]),
        ("presets.tiny.pair", [0, 10]),
        ("presets.tiny.dataset", "cifar"),
        ("presets.tiny.advtrain.lr", 0),
        ("presets.tiny.advtrain.lr", float("nan")),
        ("presets.tiny.advtrain.T", 0),
        ("presets.tiny.advtrain.T", True),
        ("presets.tiny.advtrain.bs", 2.5),
        ("presets.tiny.standard.lr", "fast"),
        ("presets.tiny.fig3.0.eps", []),
        ("presets.tiny.fig3.0.eps", [-0.1]),
        ("presets.tiny.fig3.0.size", [0]),
        ("presets.tiny.fig3.0.size", ["../../x"]),
        ("presets.tiny.fig3.0.seed", [1, 1]),
        ("presets.tiny.fig4", []),
        ("presets.tiny.colour", "red"),
        ("presets.tiny.fig4.0.C0", [1]),
        ("presets./up", {}),
        ("preset", "none"),
    ],
)
def test_senseless_values_are_refused_by_name(key: str, value: object, tmp_path: Path) -> None:
    changed = content()
    where: Any = changed
    *path, last = key.split(".")
    for part in path:
        where = where[int(part) if part.isdigit() else part]
    where[last] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(changed))
    with pytest.raises(ParamsError) as error:
        Pipeline.load(str(tmp_path / "params.yaml"))
    assert last in str(error.value)
    assert "\n" not in str(error.value)


def test_paper_strict_is_papers_first_two_figures_under_the_other_protocol() -> None:
    loaded = params.load(ROOT / "params.yaml")
    paper, strict = (loaded.choose(name).runs("fig1", "fig2") for name in ("paper", "paper-strict"))
    assert loaded.choose("paper-strict").figures == ["fig1", "fig2"]
    assert [run.model_copy(update={"protocol": "released"}) for run in strict] == paper


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("preset: quick\npreset: tiny\n")
    with pytest.raises(ParamsError, match="'preset' stands twice"):
        params.load(tmp_path / "params.yaml")


def test_snakemake_passes_the_message_on(project: Project) -> None:
    project.edit("params.yaml", "protocol: strict", "protocol: lax")
    said = project.snakemake("-n", ok=False)
    assert re.search(r"params.yaml: presets\.\w+\.protocol: .*lax", said)
    assert "Traceback" not in said


@pytest.mark.parametrize("preset", list(content()["presets"]))
def test_grids_expand_to_their_products_and_share_runs(preset: str) -> None:
    chosen = params.load(ROOT / "params.yaml").choose(preset)
    for figure, experiment in params.FIGURES.items():
        runs = chosen.runs(figure)
        axes = EXPERIMENTS[experiment].axes
        points = [
            point
            for block in content()["presets"][preset].get(figure, [])
            for point in itertools.product(*(block[axis] for axis in axes))
        ]
        wanted = {tuple(tuple(value) if isinstance(value, list) else value for value in point) for point in points}
        assert {tuple(getattr(run, axis) for axis in axes) for run in runs} == wanted
        assert len(set(runs)) == len(runs)
    standard = chosen.runs_of("standard")
    assert set(standard) == set(chosen.runs("fig1")) | set(chosen.runs("fig2"))
    assert len(standard) == len(set(standard))


def test_a_run_is_the_same_from_its_flags_and_from_a_grid() -> None:
    import sys

    sys.path.insert(0, str(ROOT / "stages"))
    import train

    for run in params.load(ROOT / "params.yaml").choose("tiny").runs("fig1", "fig3", "fig4"):
        args = vars(train.arguments().parse_args(run.flags.split()))
        del args["out"], args["network"], args["device"]
        assert train.parse(args) == run
        assert run.name == ",".join(f"{axis}={getattr(run, axis):g}" for axis in run.axes)


def test_flags_are_checked_like_params() -> None:
    run = params.load(ROOT / "params.yaml").choose("tiny").runs("fig3")[0]
    with pytest.raises(ParamsError, match="flags: eps"):
        checked(EXPERIMENTS["advtrain"], {**run.model_dump(), "eps": 0}, "flags")


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**30),
    st.floats(),
    st.text(max_size=6),
    st.lists(st.one_of(st.integers(-2, 40), st.floats(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.data())
def test_any_mutation_is_taken_or_refused_in_one_line(data: st.DataObject) -> None:
    """A key replaced, removed or added anywhere in params.yaml: never a traceback."""
    changed = content()
    where: Any = changed
    while isinstance(where, dict | list) and where:
        key = data.draw(st.sampled_from(list(where) if isinstance(where, dict) else list(range(len(where)))))
        if not isinstance(where[key], dict | list) or not where[key] or data.draw(st.booleans()):
            break
        where = where[key]
    action = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if action == "replace":
        where[key] = data.draw(LEAVES)
    elif action == "remove":
        del where[key]
    elif isinstance(where, dict):
        where[data.draw(st.text(max_size=6))] = data.draw(LEAVES)
    refusal = ""
    try:
        loaded = checked(params.Params, changed, "params.yaml")
    except ParamsError as error:
        refusal = str(error)
    else:
        for name in loaded.presets:
            for run in loaded.choose(name).runs(*params.FIGURES)[:50]:
                assert not {"..", "/"} & set(run.name)
    assert "\n" not in refusal
    assert not refusal or refusal.startswith("params.yaml: ")


@given(st.text(max_size=40))
def test_any_text_is_taken_or_refused_in_one_line(text: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        with pytest.raises(ParamsError) as error:
            params.load(file.name)
    assert "\n" not in str(error.value)


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


def test_a_ledger_has_a_column_for_each_preset_beside(copied: Project) -> None:
    """They may differ in their grids and figures; what is not there of them is made."""
    text = (copied.root / "params.yaml").read_text()
    tiny = text[text.rindex("  tiny:") :].replace("  tiny:", "  other:").replace("strict", "released")
    tiny = re.sub(r"    (fig1|fig2|pairs|examples):\n(      - .*\n)+", "", tiny)
    fewer = tiny.replace("eps: [0.05, 0.3]", "eps: [0.05]").replace("eps: [0.3]", "eps: [0.05]")
    (copied.root / "params.yaml").write_text(f"{text}    beside: [other]\n{fewer}")
    copied.snakemake("claims")
    assert "| `tiny` | `other` |" in (copied.root / "results/tiny/claims.md").read_text()
    found = json.loads((copied.root / "results/tiny/claims.json").read_text())["claims"]["robust_half"]
    assert [found[preset]["runs"] for preset in ("tiny", "other")] == [8, 4]
    page = copied.run("python", "stages/report.py", "--preset", "other").stdout.strip()
    assert "<th>other</th><th>tiny</th>" in (copied.root / page).read_text()
    (copied.root / "params.yaml").write_text(f"{text}    beside: [tiny]\n")
    said = copied.run("python", "stages/claims.py", "--preset", "tiny", ok=False).stderr
    assert "presets.tiny.beside: there is no other preset 'tiny'" in said


def test_anchors_and_merge_keys_may_be_used(tmp_path: Path) -> None:
    """A preset may take over what another has."""
    text = WHOLE.replace("advtrain: {bs: 32, T: 2,", "advtrain: &settings {bs: 32, T: 2,")
    text = text.replace(
        "    advtraingap: {bs: 32, T: 2, lr: 0.1, atk_iters: 3}", "    advtraingap: {<<: *settings, lr: 0.2}"
    )
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    tiny = params.load(tmp_path / "params.yaml").choose("tiny")
    assert tiny.advtraingap.model_dump() == {**tiny.advtrain.model_dump(), "lr": 0.2}


def test_snakemake_refuses_such_yaml_in_one_line(project: Project) -> None:
    for kind in ("empty", "another encoding", "deep", "an alias bomb", "an object"):
        (project.root / "params.yaml").write_bytes(BAD_YAML[kind])
        done = project.run("snakemake", "-n", "--cores", "1", ok=False)
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert sum("params.yaml: " in line for line in said.splitlines()) == 1, said
        assert "Traceback" not in said
        assert not (project.root / "hacked").exists()
