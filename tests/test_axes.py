"""Figure 3's axes: where laziness binds, and that what is measured along one axis does not see the others."""

import dataclasses

import pandas as pd
import pytest
from lines import BY_FIGURE, CLAIMS, falling, line, whole, with_axes, with_control

from lazyadv.figures import fig3
from lazyadv.findings import halves, judge
from lazyadv.models import ParamsError
from lazyadv.results.table import Selection


def test_laziness_binds_where_the_control_keeps_more_than_seeds_differ() -> None:
    rows = with_control().rows
    assert halves.binding(rows) == {5: False, 7: False, 10: True, 20: True, 40: True}
    unknown = rows[~((rows["size"] == 7) & (rows["eps"] > 0.3) & (rows["C0"] == 1000))]
    assert halves.binding(unknown)[7] is None
    assert halves.binding(halves.lazy(rows)) == {}


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_seed_has_no_spread_so_a_tenth_is_asked_for(seeds: int) -> None:
    """Of three lazy seeds the largest ε½ is 2 % above the first's."""
    lazy, free = falling({5: 0.6, 7: 0.5, 10: 0.4}, 10, seeds), falling({5: 0.6, 7: 0.545, 10: 0.45}, 1000, seeds=1)
    assert halves.binding(pd.concat([lazy.rows, free.rows])) == {5: False, 7: False, 10: True}


@pytest.mark.parametrize(
    ("lazy", "free", "binds"),
    [
        ([0.3, 0.36], [0.4, 0.4], False),  # the lazy seeds differ by more
        ([0.3, 0.36], [0.43, 0.43], True),
        ([0.3, 0.3], [0.35, 0.42], False),  # the free seeds do
        ([0.3, 0.3], [0.38, 0.42], True),
        ([0.3], [0.325, 0.325], False),  # a single one has to show a tenth of the lazy ε½
        ([0.3, 0.3], [0.325], False),
        ([0.3], [0.332], True),
        ([0.3, 0.3], [0.325, 0.325], True),
        ([0.3, 0.3], [0.3, 0.3], False),
    ],
)
def test_each_reason_for_a_margin_counts_alone(lazy: list[float], free: list[float], binds: bool) -> None:
    rows = whole(line(28, 10, lazy), line(28, 1000, free)).rows
    assert halves.binding(rows) == {28: binds}
    assert halves.binding_C0(rows) == {10: binds}


def test_runs_that_would_fall_on_one_line_are_refused() -> None:
    rows = with_control().rows
    with pytest.raises(ParamsError, match="several runs of the same eps and width, C0, seed, size"):
        halves.halves(pd.concat([rows, rows]))  # of two pairs of digits, say
    with pytest.raises(ParamsError, match="of one width and C0"):
        halves.lazy_and_free(with_axes().rows)


@pytest.mark.parametrize("key", [claim.key for claim in BY_FIGURE["fig3"]])
def test_what_is_measured_along_one_axis_does_not_see_the_others(key: str) -> None:
    """Here at odds with them: ε½ grows with the width, and falls with C0."""
    found, alone = (judge.judge(CLAIMS[key], shown) for shown in (with_axes(0.5, -1), with_control()))
    if key in ("width_half", "deviation_half", "training_begun", "training_ended"):
        assert found.rests_on > alone.rests_on
    else:
        assert dataclasses.replace(found, shown=alone.shown, asked=alone.asked) == alone


@pytest.mark.parametrize(("power", "verdict"), [(0.0, "holds"), (0.08, "holds"), (-0.08, "holds"), (0.2, "fails")])
def test_the_width_does_not_matter_or_does(power: float, verdict: str) -> None:
    found = judge.judge(CLAIMS["width_half"], with_axes(width_power=power))
    assert found.value == pytest.approx(power, abs=0.01)
    assert (found.units, found.verdict) == (3, verdict)


@pytest.mark.parametrize(("power", "verdict"), [(1.0, "holds"), (0.9, "holds"), (0.7, "fails"), (1.3, "fails")])
def test_the_half_grows_with_C0_where_laziness_binds(power: float, verdict: str) -> None:
    """At C0 = 40 it does not: with that in the line, no slope would be the power."""
    shown = with_axes(C0_power=power)
    assert halves.binding_C0(fig3.by_C0(shown.rows)) == {5: True, 10: True, 20: True, 40: False}
    found = judge.judge(CLAIMS["deviation_half"], shown)
    assert found.value == pytest.approx(power, abs=0.02)
    assert (found.units, found.verdict) == (3, verdict)


def test_without_a_control_nothing_is_said_of_where_C0_binds() -> None:
    rows = halves.lazy(with_axes().rows)
    found = judge.judge(CLAIMS["deviation_half"], Selection(rows, len(rows)))
    assert (found.units_measured, found.units, found.verdict) == (0, 3, "undecided")
