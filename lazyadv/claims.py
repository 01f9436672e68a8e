"""The ledger: the paper's claims, each with what was measured, the bound that it is held against, and a verdict.

A claim is measured once per unit (a seed's runs at one width), so that the interval, a bootstrap over units,
says how far seeds and widths disagree. Within the bound as a whole: holds; outside as a whole: fails; astride,
or from too few units: undecided.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from lazyadv import fits
from lazyadv.params import Figure
from lazyadv.table import Selection

MIN_UNITS = 3
MIN_POINTS = 3  # dimensions, widths: fewer do not make a slope
HALF_ORDER = (-0.65, -0.35)  # what is called a slope of −1/2


@dataclass(frozen=True)
class Claim:
    """One line of the ledger, before it is measured; `bound` is the closed interval that it must lie in."""

    key: str
    statement: str
    source: str
    quantity: str
    bound: tuple[float, float]
    figure: Figure
    measure: Callable[[pd.DataFrame], Iterator[float]]


@dataclass(frozen=True)
class Finding:
    """A claim's measured value (the mean over units), its 95 % interval, its verdict, and the runs behind it."""

    claim: Claim
    value: float | None
    interval: tuple[float, float] | None
    units: int
    shown: int
    asked: int

    @property
    def verdict(self) -> str:
        if self.interval is None:
            return "undecided"
        (low, high), (least, most) = self.interval, self.claim.bound
        if least <= low and high <= most:
            return "holds"
        return "fails" if high < least or low > most else "undecided"


def units(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each width and seed."""
    for _, unit in rows.groupby(["width", "seed"]):
        yield unit


def _trained(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["C0"] > 0]


def _untrained(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["C0"] == 0]


def _clean_accuracy(rows: pd.DataFrame) -> Iterator[float]:
    return (float(unit["clean_test_accuracy"].mean()) for unit in units(_trained(rows)))


def _flipped(rows: pd.DataFrame) -> Iterator[float]:
    return (float(unit["n_flipped"].sum() / unit["n_correct"].sum()) for unit in units(rows))


def _step_slope(rows: pd.DataFrame) -> Iterator[float]:
    for _, unit in rows.groupby(["width", "C0", "seed"]):
        known = unit.dropna(subset=["relative_delta_mean"])
        if known["size"].nunique() >= MIN_POINTS:
            yield fits.slope(known["size"].to_numpy() ** 2, known["relative_delta_mean"].to_numpy())


def _half_slope(rows: pd.DataFrame) -> Iterator[float]:
    """The slope over d of the ε at which robust accuracy falls through 1/2."""
    for _, unit in rows.groupby(["width", "C0", "seed"]):
        halves = {}
        for size, line in unit.sort_values("eps").groupby("size"):
            half = fits.half_point(line["eps"].to_numpy(), line["robust_test_accuracy"].to_numpy())
            if half is not None:
                halves[size**2] = half
        if len(halves) == unit["size"].nunique() >= MIN_POINTS:
            yield fits.slope(np.array(list(halves)), np.array(list(halves.values())))


def _collapse(rows: pd.DataFrame) -> Iterator[float]:
    """Robust accuracy at the largest dimension and perturbation."""
    worst = rows[(rows["size"] == rows["size"].max()) & (rows["eps"] == rows["eps"].max())]
    return (float(unit["robust_test_accuracy"].mean()) for unit in units(worst))


def _return(rows: pd.DataFrame) -> Iterator[float]:
    """By how much robust accuracy at the largest gap exceeds that at the smallest."""
    for _, unit in rows.groupby(["width", "size", "eps", "seed"]):
        ordered = unit.sort_values("gap")["robust_test_accuracy"].to_numpy()
        if len(ordered) > 1:
            yield float(ordered[-1] - ordered[0])


def _transition_slope(rows: pd.DataFrame) -> Iterator[float]:
    """The slope over the width of the gap at which robust accuracy rises through 1/2, on a logarithmic scale."""
    for _, unit in rows.groupby(["size", "eps", "seed"]):
        transitions = {}
        for width, line in unit.sort_values("gap").groupby("width"):
            accuracy = line["robust_test_accuracy"].to_numpy()
            half = fits.half_point(-np.log(line["gap"].to_numpy()[::-1]), accuracy[::-1])
            if half is not None:
                transitions[width] = math.exp(-half)
        if len(transitions) == unit["width"].nunique() >= MIN_POINTS:
            yield fits.slope(np.array(list(transitions)), np.array(list(transitions.values())))


LEDGER = (
    Claim(
        "clean_accuracy",
        "Networks trained within the lazy radius generalise.",
        "abstract; figure 1",
        "clean test accuracy",
        (0.95, 1.0),
        "fig1",
        _clean_accuracy,
    ),
    Claim(
        "trained_flips",
        "One step along its gradient flips every correctly classified test example of a lazily trained network.",
        "abstract; figure 1",
        "share of them that flip",
        (1.0, 1.0),
        "fig1",
        lambda rows: _flipped(_trained(rows)),
    ),
    Claim(
        "trained_step",
        "That step, relative to the example's norm, falls as d^(−1/2).",
        "abstract; figure 1",
        "log-log slope of δ/‖x‖ in d",
        HALF_ORDER,
        "fig1",
        lambda rows: _step_slope(_trained(rows)),
    ),
    Claim(
        "untrained_flips",
        "So it is for networks at their start.",
        "abstract, after earlier work on random networks",
        "share of them that flip",
        (1.0, 1.0),
        "fig1",
        lambda rows: _flipped(_untrained(rows)),
    ),
    Claim(
        "untrained_step",
        "And there, too, the step falls as d^(−1/2).",
        "abstract, after earlier work on random networks",
        "log-log slope of δ/‖x‖ in d",
        HALF_ORDER,
        "fig1",
        lambda rows: _step_slope(_untrained(rows)),
    ),
    Claim(
        "robust_half",
        "Under projected adversarial training, robust accuracy is lost once ε passes order d^(−1/2).",
        "figure 3",
        "log-log slope in d of the ε at robust accuracy 1/2",
        HALF_ORDER,
        "fig3",
        _half_slope,
    ),
    Claim(
        "robust_collapse",
        "It collapses altogether at the largest dimension and perturbation.",
        "figure 3",
        "robust test accuracy there",
        (0.0, 0.1),
        "fig3",
        _collapse,
    ),
    Claim(
        "deviation_helps",
        "A larger allowed deviation brings robustness back.",
        "figure 4",
        "robust test accuracy at the largest gap less that at the smallest",
        (0.5, 1.0),
        "fig4",
        _return,
    ),
    Claim(
        "transition",
        "The deviation at which it comes back moves as m^(−1/2) with the width.",
        "figure 4",
        "log-log slope in m of the gap at robust accuracy 1/2",
        HALF_ORDER,
        "fig4",
        _transition_slope,
    ),
)


def judge(claim: Claim, shown: Selection) -> Finding:
    """Measure a claim on the rows of its figure."""
    values = np.array(list(claim.measure(shown.rows)) if len(shown.rows) else [])
    if len(values) < MIN_UNITS:
        value = float(values.mean()) if len(values) else None
        return Finding(claim, value, None, len(values), len(shown.rows), shown.asked)
    if np.ptp(values) == 0:
        interval = (float(values[0]), float(values[0]))
    else:
        found = bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
        interval = (float(found.low), float(found.high))
    return Finding(claim, float(values.mean()), interval, len(values), len(shown.rows), shown.asked)


def judge_all(tables: Mapping[Figure, Selection]) -> list[Finding]:
    """The whole ledger, in its order, from the rows of each figure."""
    return [judge(claim, tables[claim.figure]) for claim in LEDGER]


def as_json(finding: Finding) -> dict[str, object]:
    """A finding as it stands in claims.json."""
    claim = finding.claim
    return {
        "statement": claim.statement,
        "source": claim.source,
        "quantity": claim.quantity,
        "value": finding.value,
        "interval": finding.interval,
        "bound": claim.bound,
        "verdict": finding.verdict,
        "units": finding.units,
        "runs": finding.shown,
        "runs_asked": finding.asked,
    }


def as_markdown(findings: list[Finding]) -> str:
    """The ledger as a table for people."""
    lines = ["| claim | measured | 95 % interval | bound | runs | verdict |", "|---|---|---|---|---|---|"]
    for finding in findings:
        claim = finding.claim
        interval = "–" if finding.interval is None else _range(finding.interval)
        value = "–" if finding.value is None else _number(finding.value)
        lines.append(
            f"| {claim.statement} ({claim.source}) | {claim.quantity}: {value} | {interval} | {_range(claim.bound)} "
            f"| {finding.shown} of {finding.asked} | **{finding.verdict}** |"
        )
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _range(ends: tuple[float, float]) -> str:
    return _number(ends[0]) if ends[0] == ends[1] else f"{_number(ends[0])} … {_number(ends[1])}"
