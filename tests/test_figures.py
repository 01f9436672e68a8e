"""What a figure shows of its runs; and a figure that nobody has thought of yet, added by CONTRIBUTING.md alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from project import Project, environment

from lazyadv import params
from lazyadv.results import style
from lazyadv.results.table import Selection
from lazyadv.workflow.sources import ROOT

FIGURE = '''

def fig9(shown: Selection) -> Figure:
    """Deviation against ε."""
    figure, ((axes,),) = style.panels(1)
    style.line(axes, shown.rows, "eps", "deviation", color="C0")
    style.caption(figure, shown)
    return figure
'''


def test_a_figure_is_a_function_a_line_and_a_grid(copied: Project) -> None:
    source = copied.root / "lazyadv/results/figures.py"
    source.write_text(source.read_text() + FIGURE)
    line = "    fig4: Blocks[AdvtraingapBlock] = ()\n"
    copied.edit("lazyadv/params.py", line, f"{line}    fig9: Blocks[AdvtrainBlock] = ()\n")
    grid = "    fig9:\n      - {width: [20], size: [3], C0: [10], eps: [0.05, 0.3], seed: [0, 1]}\n"
    text = (copied.root / "params.yaml").read_text()
    (copied.root / "params.yaml").write_text(text + grid)  # tiny is the last preset
    said = copied.snakemake("figures/fig9.pdf")
    assert "advtrain" not in said.split("Job stats")[1].split("total")[0]  # figure 3 has trained these runs
    assert (copied.root / "figures/fig9.pdf").read_bytes().startswith(b"%PDF")
    assert "figures/fig9.pdf" in copied.snakemake("-n", "-F", "all")
    copied.run("python", "stages/report.py", "--preset", "tiny")
    assert "Deviation against ε." in (copied.root / "results/tiny/report.html").read_text()


def test_a_preset_without_a_figures_grid_says_so(copied: Project) -> None:
    text = (copied.root / "params.yaml").read_text()
    tiny = text[text.rindex("  tiny:") :]
    start = tiny.index("    fig2:")
    without = tiny[:start] + tiny[tiny.index("    fig3:") :]
    (copied.root / "params.yaml").write_text(text.replace(tiny, without))
    said = copied.snakemake("figures/fig2.pdf", ok=False)
    assert "fig2.pdf: presets.tiny has no grid for it" in said
    assert "fig2" not in copied.snakemake("-n", "all")


def test_a_preset_may_have_one_figure_and_no_audit(copied: Project) -> None:
    text = (copied.root / "params.yaml").read_text()
    tiny = text[text.rindex("  tiny:") :]
    alone = tiny[: tiny.index("    fig1:")] + tiny[tiny.index("    fig3:") : tiny.index("    fig4:")]
    (copied.root / "params.yaml").write_text(text.replace(tiny, alone))
    shutil.rmtree(copied.root / "results/tiny/advtraingap")
    (copied.root / "results/tiny/audit.csv").unlink()
    copied.snakemake("all", "claims")
    lines = (copied.root / "results/tiny/claims.md").read_text().splitlines()
    assert "not asked of this preset" in next(line for line in lines if "DDN" in line)


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
        "from lazyadv.results import style; figure, ((axes,),) = style.panels(1); axes.plot([1, 2]);"
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
