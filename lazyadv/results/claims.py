"""The ledger: the paper's claims, each with what was measured, the bound that it is held against, and a verdict.

A claim is measured once per unit (a seed's runs at one width), so that the interval, a bootstrap over units,
says how far seeds and widths disagree. Within the bound as a whole: holds; outside as a whole: fails; astride,
from too few seeds, or where a run is missing or a unit cannot be measured: undecided.

Bounds and rules were fixed before the measurements that they judge. That *laziness binds* at a size of figure 3 means:
the least ε½ of its control there (networks that may move as far as they like) exceeds the largest of the lazy networks
by more than the seeds of either differ among themselves (measures.binding).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from lazyadv.results import measures
from lazyadv.results.table import Selection

MIN_REPEATS = 3  # seeds, or audited runs
HALF_ORDER = (-0.65, -0.35)  # what is called a slope of −1/2


@dataclass(frozen=True)
class Claim:
    """One line of the ledger, before it is measured; `bound` is the closed interval that it must lie in."""

    key: str
    statement: str
    source: str
    quantity: str
    bound: tuple[float, float]
    figure: str  # or audit
    measure: Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class Finding:
    """A claim's measured value (the mean over units), its 95 % interval, its verdict, and what it rests on."""

    claim: Claim
    value: float | None
    interval: tuple[float, float] | None
    measured: int  # units
    units: int
    shown: int  # runs
    asked: int

    @property
    def verdict(self) -> str:
        if self.interval is None or self.measured < self.units or self.shown < self.asked:
            return "undecided"
        (low, high), (least, most) = self.interval, self.claim.bound
        if least <= low and high <= most:
            return "holds"
        return "fails" if high < least or low > most else "undecided"


LEDGER = (
    Claim(
        "clean_accuracy",
        "Networks trained within the lazy radius generalise.",
        "abstract; figure 1",
        "clean test accuracy",
        (0.95, 1.0),
        "fig1",
        measures.clean_accuracy,
    ),
    Claim(
        "trained_flips",
        "One step along its gradient flips every correctly classified test example of a lazily trained network.",
        "abstract; figure 1",
        "share of them that flip",
        (1.0, 1.0),
        "fig1",
        lambda rows: measures.flipped(measures.trained(rows)),
    ),
    Claim(
        "trained_step",
        "That step, relative to the example's norm, falls as d^(−1/2).",
        "abstract; figure 1",
        "log-log slope of δ/‖x‖ in d",
        HALF_ORDER,
        "fig1",
        lambda rows: measures.step_slope(measures.trained(rows)),
    ),
    Claim(
        "untrained_flips",
        "So it is for networks at their start.",
        "abstract, after earlier work on random networks",
        "share of them that flip",
        (1.0, 1.0),
        "fig1",
        lambda rows: measures.flipped(measures.untrained(rows)),
    ),
    Claim(
        "untrained_step",
        "And there, too, the step falls as d^(−1/2).",
        "abstract, after earlier work on random networks",
        "log-log slope of δ/‖x‖ in d",
        HALF_ORDER,
        "fig1",
        lambda rows: measures.step_slope(measures.untrained(rows)),
    ),
    Claim(
        "robust_half",
        "Under projected adversarial training, robust accuracy is lost once ε passes order d^(−1/2).",
        "figure 3",
        "log-log slope in d of the ε at robust accuracy 1/2",
        HALF_ORDER,
        "fig3",
        measures.half_slope,
    ),
    Claim(
        "binding_half",
        "Where laziness binds, that is so.",
        "figure 3 and its control",
        "log-log slope in d of lazy networks' ε at robust accuracy 1/2, over the sizes where laziness binds",
        HALF_ORDER,
        "fig3",
        measures.binding_slope,
    ),
    Claim(
        "control_half",
        "Networks that may move freely lose robust accuracy more slowly there.",
        "no claim of the paper; figure 3's control",
        "log-log slope in d of the control's ε at robust accuracy 1/2, over the same sizes",
        (HALF_ORDER[1], 0.0),
        "fig3",
        measures.control_slope,
    ),
    Claim(
        "control_excess",
        "Where laziness does not bind, lazy and free networks agree: there the digits set the limit.",
        "no claim of the paper; figure 3's control",
        "share by which the control's ε at robust accuracy 1/2 exceeds lazy networks', over the other sizes",
        (-0.05, 0.05),
        "fig3",
        measures.control_excess,
    ),
    Claim(
        "control_unbound",
        "The control's networks move freely.",
        "no claim of the paper, but a condition of the others",
        "share of its runs in which no neuron came as far as half the radius at any epoch",
        (1.0, 1.0),
        "fig3",
        measures.unbound,
    ),
    Claim(
        "training_ended",
        "Figure 3's networks, lazy and free, are trained to the end.",
        "no claim of the paper, but a condition of the others",
        "share of runs that had stopped improving: by patience, or with robust train accuracy in the last fifth of "
        f"the epochs at most {measures.STILL:g} above that in the fifth before",
        (1.0, 1.0),
        "fig3",
        measures.finished,
    ),
    Claim(
        "robust_collapse",
        "It collapses altogether at the largest dimension and perturbation.",
        "figure 3",
        "robust test accuracy there",
        (0.0, 0.1),
        "fig3",
        measures.collapse,
    ),
    Claim(
        "deviation_helps",
        "A larger allowed deviation brings robustness back.",
        "figure 4",
        "robust test accuracy at the largest gap less that at the smallest",
        (0.5, 1.0),
        "fig4",
        measures.recovery,
    ),
    Claim(
        "transition",
        "The deviation at which it comes back moves as m^(−1/2) with the width.",
        "figure 4",
        "log-log slope in m of the gap at robust accuracy 1/2",
        HALF_ORDER,
        "fig4",
        measures.transition_slope,
    ),
    Claim(
        "pairs_half",
        "Other pairs of digits, too, lose robust accuracy at order d^(−1/2) where laziness binds.",
        "no claim of the paper; figure `pairs`",
        "log-log slope in d of lazy networks' ε at robust accuracy 1/2, of each pair that the control learns, over "
        "the sizes at which the control's is a tenth larger",
        HALF_ORDER,
        "pairs",
        measures.pair_slope,
    ),
    Claim(
        "pairs_ratio",
        "For other pairs of digits, too, networks that may move freely withstand more at the largest dimension.",
        "no claim of the paper; figure `pairs`",
        "the control's ε at robust accuracy 1/2 over lazy networks', of each pair that the control learns",
        (1.1, 100.0),
        "pairs",
        measures.pair_ratio,
    ),
    Claim(
        "attack",
        "PGD, by which all this is measured, is about as strong as an attack that is not tuned to ε (DDN).",
        "no claim of the paper, but a condition of the others",
        "robust test accuracy under PGD less that under the stronger of the two",
        (0.0, 0.05),
        "audit",
        measures.overestimate,
    ),
)


def judge(claim: Claim, shown: Selection) -> Finding:
    """Measure a claim on the rows of its figure."""
    values = claim.measure(shown.rows) if len(shown.rows) else pd.Series(dtype=float)
    known = values.dropna().to_numpy()
    value = float(known.mean()) if len(known) else None
    interval = None
    if len(known) and values.index.get_level_values(-1).nunique() >= MIN_REPEATS:
        interval = (float(known[0]), float(known[0])) if np.ptp(known) == 0 else _interval(known)
    return Finding(claim, value, interval, len(known), len(values), len(shown.rows), shown.asked)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean."""
    found = bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    return float(found.low), float(found.high)


def judge_all(tables: Mapping[str, Selection]) -> list[Finding]:
    """The whole ledger, in its order, from the rows of each figure and of the audit."""
    return [judge(claim, tables[claim.figure]) for claim in LEDGER]


def as_json(protocols: Mapping[str, list[Finding]]) -> dict[str, object]:
    """The ledger as it stands in claims.json: by claim, and in it by protocol."""
    return {
        claim.key: {
            "statement": claim.statement,
            "source": claim.source,
            "quantity": claim.quantity,
            "bound": claim.bound,
        }
        | {protocol: _finding_as_json(findings[place]) for protocol, findings in protocols.items()}
        for place, claim in enumerate(LEDGER)
    }


def _finding_as_json(finding: Finding) -> dict[str, object]:
    return {
        "value": finding.value,
        "interval": finding.interval,
        "verdict": finding.verdict,
        "units": finding.units,
        "units_measured": finding.measured,
        "runs": finding.shown,
        "runs_asked": finding.asked,
    }


def as_metrics(protocols: Mapping[str, list[Finding]]) -> dict[str, dict[str, float | None]]:
    """The measured values alone: by claim, and in it by protocol."""
    return {
        claim.key: {protocol: findings[place].value for protocol, findings in protocols.items()}
        for place, claim in enumerate(LEDGER)
    }


def as_markdown(protocols: Mapping[str, list[Finding]]) -> str:
    """The ledger as a table for people, a column for each protocol."""
    heads = ["claim", "measured by", "bound", *(f"`{protocol}`" for protocol in protocols)]
    lines = [heads, ["---"] * len(heads)]
    for place, claim in enumerate(LEDGER):
        found = [_finding_as_markdown(findings[place]) for findings in protocols.values()]
        lines.append([f"{claim.statement} ({claim.source})", claim.quantity, as_range(claim.bound), *found])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _finding_as_markdown(finding: Finding) -> str:
    return f"**{finding.verdict}**: {measured(finding)}; {basis(finding)}"


def measured(finding: Finding) -> str:
    """The value, and its interval in brackets."""
    if finding.value is None:
        return "nothing measured"
    return as_number(finding.value) + (f" ({as_range(finding.interval)})" if finding.interval else "")


def basis(finding: Finding) -> str:
    """The runs, and the units if one of them cannot be measured."""
    if not finding.asked:
        return "not asked of this preset"
    runs = f"{finding.shown} of {finding.asked} runs"
    return runs if finding.measured == finding.units else f"{runs}, {finding.measured} of {finding.units} measurable"


def as_number(value: float) -> str:
    """Three digits; more where they would make it 1, which of a share says all."""
    text = f"{value:.3g}"
    return (f"{value:.6g}" if text == "1" else text).replace("-", "−")


def as_range(ends: tuple[float, float]) -> str:
    """Two ends, or one number where they are the same."""
    return as_number(ends[0]) if ends[0] == ends[1] else f"{as_number(ends[0])} … {as_number(ends[1])}"
