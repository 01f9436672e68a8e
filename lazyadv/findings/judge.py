"""Claims judged: what was measured, and a verdict by the bound that the ledger has.

A claim is measured once per unit (a seed's runs at one width), so that the interval, a bootstrap over units,
says how far seeds and widths disagree. Within the bound as a whole: holds; outside as a whole: fails; astride,
from too few seeds, or where a run is missing or a unit cannot be measured: undecided. A claim about all (its bound is
a single value) fails with the first unit that is an exception, whatever else is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from lazyadv.findings.claim import Claim
from lazyadv.results.table import Selection
from lazyadv.workflow import arithmetic

MIN_REPEATS = 3  # seeds, runs or pairs: what repeats the measurement
VERDICTS = ("holds", "fails", "undecided")


@dataclass(frozen=True)
class Finding:
    """A claim's measured value (the mean over units), its interval, its verdict, and what it rests on."""

    claim: Claim
    value: float | None
    interval: tuple[float, float] | None
    units_measured: int
    units: int
    repeats: int  # among those measured
    repeated_by: str | None  # seed, run or pair; None if there is no row
    rests_on: int  # runs
    elsewhere: int  # of these, on another arithmetic: a GPU's, or another processor's
    shown: int  # of its figure's, those that are there
    asked: int

    @property
    def verdict(self) -> str:
        least, most = self.claim.bound
        if least == most and self.value is not None and self.value != least:
            return "fails"
        if self.interval is None or self.units_measured < self.units or self.shown < self.asked:
            return "undecided"
        low, high = self.interval
        if least <= low and high <= most:
            return "holds"
        return "fails" if high < least or low > most else "undecided"


def judge(claim: Claim, shown: Selection) -> Finding:
    """Measure a claim on those of its figure's rows that it rests on."""
    rows = claim.rows(shown.rows) if len(shown.rows) else shown.rows
    values = claim.measure(rows) if len(rows) else pd.Series(dtype=float)
    known = values.dropna()
    repeats = known.index.get_level_values(-1)
    return Finding(
        claim,
        value=float(known.mean()) if len(known) else None,
        interval=_interval(known.to_numpy()) if repeats.nunique() >= MIN_REPEATS else None,
        units_measured=len(known),
        units=len(values),
        repeats=repeats.nunique(),
        repeated_by=repeats.name,
        rests_on=len(rows),
        elsewhere=int((rows["arithmetic"] != arithmetic.NAME).sum()) if "arithmetic" in rows else 0,
        shown=len(shown.rows),
        asked=shown.asked,
    )


def _interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean; of three values it is their range, which covers 75 %."""
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    return float(found.low), float(found.high)


def judge_all(claims: Mapping[str, list[Claim]], tables: Mapping[str, Selection]) -> dict[str, Finding]:
    """Findings by claim, in their order, from the rows of each figure; `claims` has those of each figure."""
    nothing = Selection(pd.DataFrame(), 0)
    return {each.key: judge(each, tables.get(figure, nothing)) for figure, own in claims.items() for each in own}


def _claims(presets: Mapping[str, dict[str, Finding]]) -> list[Claim]:
    return [finding.claim for finding in next(iter(presets.values())).values()]


def as_json(presets: Mapping[str, dict[str, Finding]]) -> dict[str, object]:
    """The ledger as it stands in claims.json: by claim, and in it by preset."""
    return {
        claim.key: {name: getattr(claim, name) for name in ("statement", "source", "quantity", "bound")}
        | {preset: _finding_as_json(findings[claim.key]) for preset, findings in presets.items()}
        for claim in _claims(presets)
    }


def _finding_as_json(finding: Finding) -> dict[str, object]:
    names = ("value", "interval", "verdict", "units", "units_measured", "repeats", "rests_on")
    counts = {"on_other_arithmetic": finding.elsewhere, "runs": finding.shown, "runs_asked": finding.asked}
    return {name: getattr(finding, name) for name in names} | counts


def as_metrics(presets: Mapping[str, dict[str, Finding]]) -> dict[str, dict[str, float | None]]:
    """The measured values alone: by claim, and in it by preset."""
    return {
        claim.key: {preset: findings[claim.key].value for preset, findings in presets.items()}
        for claim in _claims(presets)
    }


def as_markdown(presets: Mapping[str, dict[str, Finding]]) -> str:
    """The ledger as a table for people, a column for each preset."""
    heads = ["claim", "measured by", "bound", *(f"`{preset}`" for preset in presets)]
    lines = [heads, ["---"] * len(heads)]
    for claim in _claims(presets):
        found = [findings[claim.key] for findings in presets.values()]
        cells = [f"**{each.verdict}**: {measured(each)}; {basis(each)}" if each.asked else "–" for each in found]
        lines.append([f"{claim.statement} ({claim.source})", claim.quantity, as_range(claim.bound), *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def measured(finding: Finding) -> str:
    """The value, and its interval in brackets."""
    if finding.value is None:
        return "nothing measured"
    return as_number(finding.value) + (f" ({as_range(finding.interval)})" if finding.interval else "")


def basis(finding: Finding) -> str:
    """The runs that it rests on, or how many of its figure's are there, if not all; what else to know of them."""
    runs = _counted(finding.rests_on, "run")
    parts = [runs if finding.shown == finding.asked else f"{finding.shown} of {finding.asked} runs"]
    if finding.elsewhere:
        parts.append(f"{finding.elsewhere} of {finding.rests_on} on other arithmetic")
    if finding.units_measured < finding.units:
        parts.append(f"{finding.units_measured} of {finding.units} measurable")
    if finding.verdict == "undecided" and 0 < finding.repeats < MIN_REPEATS:
        parts.append(f"{_counted(finding.repeats, str(finding.repeated_by))} of at least {MIN_REPEATS}")
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def as_number(value: float) -> str:
    """Three digits; more where they would make it 1, which of a share says all."""
    text = f"{value:.3g}"
    return (f"{value:.6g}" if text == "1" else text).replace("-", "−")


def as_range(ends: tuple[float, float]) -> str:
    """Two ends, or one number where they are the same."""
    return as_number(ends[0]) if ends[0] == ends[1] else f"{as_number(ends[0])} … {as_number(ends[1])}"
