"""What a figure shows of its runs; and a figure that nobody has thought of yet, added by CONTRIBUTING.md alone."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lines import line, with_axes, with_control
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from project import Clone, Project, environment

from lazyadv import figures, params
from lazyadv.errors import UserError
from lazyadv.figures import fig3
from lazyadv.findings import points, style
from lazyadv.models import ParamsError
from lazyadv.results.table import Selection
from lazyadv.workflow import arithmetic
from lazyadv.workflow.sources import ROOT

EXPERIMENT = '''"""Adversarial training, at a learning rate that falls."""

from typing import Annotated, ClassVar, Literal

from lazyadv.experiments.adversarial import AdversarialRun
from lazyadv.experiments.run import Flag, LazyRun
from lazyadv.models import Positive


class FallingRun(LazyRun, AdversarialRun):
    """A run at a learning rate that falls."""

    axes: ClassVar = ("width", "size", "C0", "eps", "fall", "seed")
    experiment: Literal["falling"] = "falling"
    fall: Annotated[Positive, Flag(0.5, "share of the learning rate that is left")]
'''
FIGURE = '''"""Figure 9."""

import pandas as pd
from matplotlib.figure import Figure

from lazyadv.findings import style
from lazyadv.findings.claim import claim
from lazyadv.findings.units import by_unit
from lazyadv.results.table import Selection


def draw(shown: Selection) -> Figure:
    """Deviation against ε."""
    figure, ((axes,),) = style.panels(1)
    style.line(axes, shown.rows, "eps", "deviation", color="C0")
    style.caption(figure, shown)
    return figure


@claim("Networks stay within the ball.", "section 2", "deviation over radius", (0.0, 1.0))
def inside(rows: pd.DataFrame) -> pd.Series:
    """The largest of a seed."""
    return by_unit(rows, ["seed"], [], lambda unit: (unit["deviation"] / unit["radius"]).max())
'''


@pytest.mark.long
def test_an_experiment_and_a_figure_are_a_file_each_and_their_lines_in_params(clone: Clone) -> None:
    """CONTRIBUTING's steps, and nothing else: they are trained, collected, drawn, judged, reported, known to DVC."""
    (clone.root / "lazyadv/experiments/falling.py").write_text(EXPERIMENT)
    (clone.root / "lazyadv/figures/fig9.py").write_text(FIGURE)
    block = {"width": [20], "size": [3], "C0": [10], "eps": [0.05, 0.3], "fall": [0.5], "seed": [0, 1, 2]}

    def add(tiny: dict[str, Any]) -> None:
        tiny["experiments"]["falling"] = tiny["experiments"]["advtrain"]
        tiny["figures"]["fig9"] = {"experiment": "falling", "grid": [block]}

    clone.change(add)
    assert "--fall FALL" in clone.run("python", "stages/train.py", "falling", "--help").stdout
    assert clone.jobs("figures/fig9.pdf") == {"falling": 6, "collect": 1, "plot": 1, "publish": 1}
    status = clone.run("dvc", "status", "--json").stdout
    assert {"train@falling", "plot@fig9"} <= json.loads(status).keys()
    clone.snakemake("figures/fig9.pdf", "claims")
    assert (clone.root / "figures/fig9.pdf").read_bytes().startswith(b"%PDF")
    found = json.loads((clone.root / "results/tiny/claims.json").read_text())["claims"]["inside"]
    assert (found["tiny"]["runs"], found["tiny"]["verdict"]) == (6, "holds")
    page = clone.run("python", "stages/report.py", "--preset", "tiny").stdout.strip()
    assert "Deviation against ε." in (clone.root / page).read_text()


@pytest.mark.long
def test_a_preset_without_a_figures_grid_says_so(copied: Project) -> None:
    copied.change(lambda tiny: tiny["figures"].pop("fig2"))
    said = copied.snakemake("figures/fig2.pdf", ok=False)
    assert "fig2.pdf: presets.tiny has no grid for it" in said
    assert "fig2" not in copied.snakemake("-n", "all")


@pytest.mark.long
def test_a_preset_may_have_one_figure_and_no_audit(copied: Project) -> None:
    def leave(tiny: dict[str, Any]) -> None:
        tiny["experiments"] = {"advtrain": tiny["experiments"]["advtrain"]}
        tiny["figures"] = {"fig3": {**tiny["figures"]["fig3"], "audit": []}}

    copied.change(leave)
    shutil.rmtree(copied.root / "results/tiny/advtraingap")
    (copied.root / "results/tiny/audit.csv").unlink()
    copied.snakemake("all", "claims")
    lines = (copied.root / "results/tiny/claims.md").read_text().splitlines()
    assert next(line for line in lines if "DDN" in line).endswith("| – |")


def test_two_claims_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a figure's file that began as a copy: in the ledger the second would take the first one's place."""
    copy = figures.module("fig4")
    monkeypatch.setattr(figures, "module", lambda figure: copy)
    with pytest.raises(UserError, match="two claims have the name deviation_helps, transition"):
        figures.claims(["fig4", "pairs"])


def test_a_figure_of_an_unsuitable_experiment_is_one_line() -> None:
    wrong = pytest.raises(ParamsError, match=r"^params.yaml: presets.x.figures.fig4: its experiment has no 'gap'")
    with wrong, figures.of_their_experiment("presets.x.figures.fig4"):
        figures.module("fig4").draw(with_axes())


def test_seeds_measured_at_other_perturbations_are_not_averaged() -> None:
    """A mean at each ε, of whichever seeds are there, would be a line that no network has."""
    rows = pd.DataFrame({"seed": [0, 0, 1, 1], "eps": [0.1, 0.3, 0.1, 0.3], "accuracy": [1.0, 0.4, 0.8, 0.2]})
    rows = rows.assign(experiment="advtrain", run="a run")
    for eps, lines in ([0.1, 0.3], 1), ([0.2, 0.4], 2):
        rows.loc[rows["seed"] == 1, "eps"] = eps
        axes = style.panels(1)[1][0][0]
        style.line(axes, rows, "eps", "accuracy", color="C0")
        assert len(axes.lines) - 1 == lines  # and the points
        assert len(axes.collections) == (lines == 1)  # the band


def test_the_users_matplotlibrc_is_not_read(tmp_path: Path) -> None:
    script = (
        "from lazyadv.findings import style; figure, ((axes,),) = style.panels(1); axes.plot([1, 2]);"
        "print(style.drawn(figure, 'svg', ''))"
    )
    (tmp_path / "matplotlibrc").write_text("axes.grid: True\ntext.usetex: True\nlines.color: red\n")
    drawn = [
        subprocess.run(
            (sys.executable, "-c", script), cwd=ROOT, env=environment() | more, capture_output=True, check=True
        ).stdout
        for more in ({}, {"MATPLOTLIBRC": str(tmp_path)}, {"MPLCONFIGDIR": str(tmp_path)})
    ]
    assert len(set(drawn)) == 1
    assert b"<svg" in drawn[0]


def test_a_device_in_a_caption_is_not_a_formula() -> None:
    """What a record says of its device stands in the caption as it is."""
    run = params.load(ROOT / "params.yaml").choose("tiny").runs("fig3")[0]
    row = run.model_dump(exclude={"pair"}) | {"pair": "0-1", "n_train": 8, "n_test": 2, "arithmetic": "$\\frac{$"}
    figure, _ = style.panels(1)
    style.caption(figure, Selection(pd.DataFrame([row]), 1))
    assert style.drawn(figure, "svg", "").startswith(b"<?xml")


def test_a_caption_says_from_how_many_examples_to_how_many_the_pairs_have() -> None:
    runs = params.load(ROOT / "params.yaml").choose("tiny").runs("fig3")[:2]
    rows = [run.model_dump(exclude={"pair"}) | {"n_train": 800, "arithmetic": arithmetic.NAME} for run in runs]
    of_pairs = [rows[0] | {"pair": "0-1", "n_test": 2115}, rows[1] | {"pair": "3-8", "n_test": 1984}]
    figure, _ = style.panels(1)
    style.caption(figure, Selection(pd.DataFrame(of_pairs), 2))
    caption = figure.get_supxlabel().replace("\N{NO-BREAK SPACE}", " ")
    assert "digits of 2 pairs, 800 + 1,984–2,115 examples" in caption


def figure3(rows: pd.DataFrame) -> Figure:
    """Figure 3 of made-up rows, at every fifth of their ε."""
    rows = rows[rows["eps"].isin(sorted(rows["eps"].unique())[::5])]
    run = {"experiment": "advtrain", "dataset": "mnist5k", "pair": "0-1", "protocol": "strict", "arithmetic": "float32"}
    numbers = {"n_train": 800, "n_test": 200, "lr": 1.0, "bs": 32, "T": 40, "atk_iters": 10}
    return fig3.draw(Selection(rows.assign(**run, **numbers), len(rows)))


def test_figure_3_has_two_panels_for_each_axis_of_the_grid() -> None:
    """All that is asked for is drawn, in one size of type, with a legend in each panel."""
    dimension, width, deviation = "dimension d", "width m", "allowed deviation $C_0$"
    alone, rows = with_control().rows, with_axes().rows
    two = rows[(rows["C0"] == 10) | (rows["C0"] == 1000)]
    for part, found in ((alone, [dimension]), (two, [dimension, width]), (rows, [dimension, width, deviation])):
        figure = figure3(part)
        labels = [panel.get_xlabel() for panel in figure.axes]
        assert labels == ["perturbation ε"] * len(found) + found
        assert all(panel.get_legend() for panel in figure.axes)
        assert {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()} == {style.SIZE}
        image = style.drawn(figure, "svg", "").decode()
        page = [float(size) for size in re.findall('viewBox="0 0 ([0-9.]+) ([0-9.]+)"', image)[0]]
        marks = np.array(re.findall('<use [^>]*x="([0-9.]+)" y="([0-9.]+)"', image), float) / page
        noted = list(points.of(figure))
        assert max(np.abs(marks - [point.left, point.top]).max(axis=1).min() for point in noted) < 0.0005
        drawn = {point.target for point in noted}
        runs = part["run"][part["eps"].isin(sorted(part["eps"].unique())[::5])]
        assert {f"advtrain/{run}" for run in runs} <= drawn
    legends = [panel.get_legend_handles_labels()[1] for panel in figure.axes]
    upper, lower = legends[:3], legends[3:]
    assert upper[1] == ["m = 100", "m = 300", "m = 1,000", "m = 3,000"]
    assert upper[2] == [*(f"$C_0$ = {C0}" for C0 in (5, 10, 20, 40)), "free"]
    assert [labels[0] for labels in lower] == ["lazy, slope −0.50", "lazy, slope 0.00", "lazy, slope 1.00"]


def test_figure_3_shades_where_laziness_binds_even_where_that_is_too_little_for_a_slope() -> None:
    rows = with_control().rows
    figure = figure3(rows[rows["size"] < 40])
    assert "laziness binds" in [text.get_text() for text in figure.findobj(Text)]
    assert figure.axes[-1].get_legend_handles_labels()[1][:2] == ["lazy", "free"]  # no slope


def test_figure_3_has_another_C0_against_the_dimension_where_it_has_several_sizes() -> None:
    rows = pd.concat([with_axes().rows, line(10, 20, [0.8]), line(20, 20, [0.4])], ignore_index=True)
    figure = figure3(rows)
    labels = figure.axes[3].get_legend_handles_labels()[1]
    assert labels[:2] == ["lazy, slope −0.50", "$C_0$ = 20, slope −0.50"]
    assert "not drawn" not in figure.get_supxlabel()
    assert "$C_0$ = 20" not in figure.axes[0].get_legend_handles_labels()[1]  # whose curves would be too many


def test_figure_3_does_not_shade_free_networks_where_the_largest_C0_binds() -> None:
    rows = with_axes().rows
    panel = figure3(rows[rows["C0"] != 40]).axes[-1]
    shaded = [patch.get_x() + patch.get_width() for patch in panel.patches if isinstance(patch, Rectangle)]
    assert 20 < max(shaded) < 2.5 * 20  # where free networks are drawn


def test_networks_that_cannot_stand_side_by_side_are_refused() -> None:
    runs = params.load(ROOT / "params.yaml").choose("tiny").runs("pairs")
    of_two_pairs: Any = [SimpleNamespace(run=run) for run in runs]
    with pytest.raises(ParamsError, match="of one pair, and as many at each size"):
        figures.module("examples").draw_networks(of_two_pairs)


def test_figure_3_says_what_it_does_not_draw_and_what_was_not_trained_to_its_end() -> None:
    """Runs that are on none of its axes; networks that patience ended before they withstood an attack."""
    rows = pd.concat([with_axes().rows, line(10, 10, [0.3], 300)], ignore_index=True)
    assert "not drawn" not in figure3(with_axes().rows).get_supxlabel()
    assert "10 runs on no axis, not drawn" in figure3(rows).get_supxlabel().replace("\N{NO-BREAK SPACE}", " ")
    last = rows["run"] == rows["run"].iloc[-5]
    ended = rows.assign(stopped=rows["stopped"].mask(last, "patience"))
    for best, says in ((0.5, False), (0.001, True)):
        changed = ended.assign(best_robust_train_accuracy=rows["best_robust_train_accuracy"].mask(last, best))
        caption = figure3(changed).get_supxlabel().replace("\N{NO-BREAK SPACE}", " ")
        early = "1 ended by patience before they withstood an attack"
        assert (early in caption, "0 still improving" in caption) == (says, True)
