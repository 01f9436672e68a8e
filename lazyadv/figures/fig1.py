"""Figure 1: the step along the gradient that flips a prediction, against the dimension."""

import pandas as pd
from matplotlib.figure import Figure

from lazyadv.findings import style
from lazyadv.findings.claim import HALF_ORDER, Claim, Rows, claim
from lazyadv.findings.units import LINE, by_unit, slopes
from lazyadv.results.table import Selection

SOURCE = "abstract; figure 1"
EARLIER = "abstract, after earlier work on random networks"
FLIPPED = "share of them whose sign changes somewhere along the gradient, at whatever distance"
SLOPE = "log-log slope of δ/‖x‖ in d"


def draw(shown: Selection) -> Figure:
    """The step that flips a prediction against the dimension, a line per width, beside 1/√d.

    Left: relative to the example's norm; right: in the units of the pixels. Solid: trained until the
    lazy radius, with a band; dotted: the untrained network (C0 = 0), whose seeds are spread too widely for one. Slopes
    are the means of the seeds' own, as in the ledger.
    """
    rows = shown.rows.assign(d=shown.rows["size"] ** 2)
    figure, ((relative, raw),) = style.panels(2)
    for axes, column in ((relative, "relative_delta_mean"), (raw, "delta_exact_mean")):
        for (width, C0), group in rows.groupby(["width", "C0"]):
            look = style.width_look(width, rows["width"]) | {"linestyle": "-" if C0 else ":"}
            kind = f"$C_0$ = {C0:g}" if C0 else "untrained"
            slope = style.slope(step_slope(group, column).mean())
            style.line(axes, group, "d", column, band=C0 > 0, label=f"m = {width}, {kind}{slope}", **look)
        style.guide(axes, rows["d"], rows[column])
        style.dimensions(axes, rows["d"])
        axes.set_yscale("log")
        least, most = axes.get_ylim()
        axes.set_ylim(bottom=least * (least / most) ** (0.1 * len(axes.get_legend_handles_labels()[1])))
        axes.legend(loc="lower left", borderaxespad=0)
    relative.set_ylabel("relative step δ / ‖x‖")
    raw.set_ylabel("step δ")
    style.caption(figure, shown)
    return figure


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that were trained."""
    return rows[rows["C0"] > 0]


def untrained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks at their start."""
    return rows[rows["C0"] == 0]


def flipped(rows: pd.DataFrame) -> pd.Series:
    """The share of correctly classified test examples that one step flips."""
    return by_unit(rows, ["width", "seed"], [], lambda unit: unit["n_flipped"].sum() / unit["n_correct"].sum())


def step_slope(rows: pd.DataFrame, step: str = "relative_delta_mean") -> pd.Series:
    """The log-log slope over d of the relative step, or of that of another column."""
    return slopes(rows.set_index(LINE)[step], "size")


@claim("Networks trained within the lazy radius generalise.", SOURCE, "clean test accuracy", (0.95, 1.0), trained)
def clean_accuracy(rows: pd.DataFrame) -> pd.Series:
    """Clean test accuracy, the mean over sizes."""
    return by_unit(rows, ["width", "seed"], [], lambda unit: unit["clean_test_accuracy"].mean())


def step_claims(key: str, one: str, networks: str, source: str, rows: Rows) -> tuple[Claim, Claim]:
    """That a step flips the predictions of such networks, and that it shrinks with the dimension."""
    flips = f"One step along its gradient flips every correctly classified test example of {one}."
    falls = f"In {networks} the step that flips, relative to the example's norm, falls as d^(−1/2)."
    return (
        Claim(f"{key}_flips", flips, source, FLIPPED, (1.0, 1.0), rows, flipped),
        Claim(f"{key}_step", falls, source, SLOPE, HALF_ORDER, rows, step_slope),
    )


trained_flips, trained_step = step_claims(
    "trained", "a lazily trained network", "lazily trained networks", SOURCE, trained
)
untrained_flips, untrained_step = step_claims(
    "untrained", "an untrained network, too", "untrained networks, too,", EARLIER, untrained
)
