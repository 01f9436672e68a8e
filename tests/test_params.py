"""params.yaml: what is senseless is refused with the key's name; grids expand as they should."""

import copy
import itertools
import json
import re
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
        ("presets.tiny.experiments.advtrain.lr", 0),
        ("presets.tiny.experiments.advtrain.lr", float("nan")),
        ("presets.tiny.experiments.advtrain.T", 0),
        ("presets.tiny.experiments.advtrain.T", True),
        ("presets.tiny.experiments.advtrain.bs", 2.5),
        ("presets.tiny.experiments.standard.lr", "fast"),
        ("presets.tiny.figures.fig3.grid.0.eps", []),
        ("presets.tiny.figures.fig3.grid.0.eps", [-0.1]),
        ("presets.tiny.figures.fig3.grid.0.size", [0]),
        ("presets.tiny.figures.fig3.grid.0.size", ["../../x"]),
        ("presets.tiny.figures.fig3.grid.0.seed", [1, 1]),
        ("presets.tiny.figures.fig4.grid", []),
        ("presets.tiny.colour", "red"),
        ("presets.tiny.figures.fig1.networks", True),
        ("presets.tiny.figures.fig3.audit", [{"width": [20], "size": [3], "C0": [10], "eps": [0.2], "seed": [0]}]),
        ("presets.tiny.figures.fig4.grid.0.C0", [1]),
        ("presets./up", {}),
        ("presets." + "a" * 261, content()["presets"]["tiny"]),
        (
            "presets.tiny.figures.fig1.grid",
            [{"width": [*range(1, 141)], "size": [*range(1, 85)], "C0": [*range(372)], "seed": [*range(180)]}],
        ),
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
    assert list(loaded.choose("paper-strict").figures) == ["fig1", "fig2"]
    assert [run.model_copy(update={"protocol": "released"}) for run in strict] == paper


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("preset: quick", "preset: none", "params.yaml: preset: 'none' is none of quick, "),
        ("atk_iters: 3}", "atk_iter: 3}", "params.yaml: presets.tiny.experiments.advtrain.atk_iter: is not a key"),
        ("lr: 0.1, atk_iters: 3}", "lr: 1e-05x, atk_iters: 3}", "advtrain.lr: is not a number (got '1e-05x')"),
    ],
)
def test_the_message_names_the_key_that_is_wrong(old: str, new: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text().replace(old, new))
    with pytest.raises(ParamsError, match=re.escape(message)):
        params.load(tmp_path / "params.yaml")


def test_snakemake_passes_the_message_on(project: Project) -> None:
    project.edit("params.yaml", "protocol: strict", "protocol: lax")
    said = project.snakemake("-n", ok=False)
    assert re.search(r"params.yaml: presets\.\w+\.protocol: .*lax", said)
    assert "Traceback" not in said


@pytest.mark.parametrize("preset", list(content()["presets"]))
def test_grids_expand_to_their_products_and_share_runs(preset: str) -> None:
    chosen = params.load(ROOT / "params.yaml").choose(preset)
    for figure, grid in content()["presets"][preset]["figures"].items():
        runs = chosen.runs(figure)
        axes = EXPERIMENTS[grid["experiment"]].axes
        points = [point for block in grid["grid"] for point in itertools.product(*(block[axis] for axis in axes))]
        wanted = {tuple(tuple(value) if isinstance(value, list) else value for value in point) for point in points}
        assert {tuple(getattr(run, axis) for axis in axes) for run in runs} == wanted
        assert len(set(runs)) == len(runs)
    for experiment in chosen.experiments:
        runs = chosen.runs_of(experiment)
        figures = [figure for figure, grid in chosen.figures.items() if grid.experiment == experiment]
        assert set(runs) == {run for figure in figures for run in chosen.runs(figure)}
        assert len(runs) == len(set(runs))


def test_all_figures_of_another_preset_are_its_own() -> None:
    """The copies in figures/ are of the preset that params.yaml names, and DVC keeps them."""
    loaded = params.load(ROOT / "params.yaml")
    assert Pipeline(loaded).figures()[0] == "figures/fig1.pdf"
    assert Pipeline(loaded, "tiny").figures()[0] == "figures/tiny/fig1.pdf"


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
            for run in loaded.choose(name).runs(*loaded.choose(name).figures)[:50]:
                assert "/" not in run.name
                assert ".." not in run.name
    assert "\n" not in refusal
    assert not refusal or refusal.startswith("params.yaml: ")


@pytest.mark.long
def test_a_ledger_has_a_column_for_each_preset_beside(copied: Project) -> None:
    """They may differ in their grids and figures; what is not there of them is made."""
    written = yaml.safe_load((copied.root / "params.yaml").read_text())
    tiny, other = written["presets"]["tiny"], copy.deepcopy(written["presets"]["tiny"])
    written["presets"] |= {"other": other, "tiny": {**tiny, "beside": ["other"]}}
    other["protocol"] = "released"
    for part, left in (("figures", ("fig3", "fig4")), ("experiments", ("advtrain", "advtraingap"))):
        other[part] = {name: other[part][name] for name in left}
    other["figures"]["fig3"] |= {"audit": []}
    other["figures"]["fig3"]["grid"][0]["eps"] = [0.05]
    (copied.root / "params.yaml").write_text(yaml.safe_dump(written))
    copied.snakemake("claims")
    assert "| `tiny` | `other` |" in (copied.root / "results/tiny/claims.md").read_text()
    found = json.loads((copied.root / "results/tiny/claims.json").read_text())["claims"]["robust_half"]
    assert [found[preset]["runs"] for preset in ("tiny", "other")] == [8, 4]
    page = copied.run("python", "stages/report.py", "--preset", "other").stdout.strip()
    assert "<th>other</th><th>tiny</th>" in (copied.root / page).read_text()
    written["presets"]["tiny"]["beside"] = ["tiny"]
    (copied.root / "params.yaml").write_text(yaml.safe_dump(written))
    said = copied.run("python", "stages/claims.py", "--preset", "tiny", ok=False).stderr
    assert "presets.tiny.beside: there is no other preset 'tiny'" in said
