"""The ledger on made-up tables whose answer is known."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from lines import BY_FIGURE, CLAIMS, SIZES, falling, fig3, with_axes, with_control

from lazyadv.findings import judge
from lazyadv.results.table import Selection
from lazyadv.workflow import arithmetic


def steps(C0: float, seeds: int = 3) -> pd.DataFrame:
    """Steps of figure 1 that fall as d^(−1/2)."""
    points = itertools.product(SIZES, range(seeds))
    rows = [
        {"width": 100, "C0": C0, "size": size, "seed": seed, "relative_delta_mean": 1 / size} for size, seed in points
    ]
    return pd.DataFrame(rows)


def finding(key: str, value: float, interval: tuple[float, float] | None, asked: int = 9) -> judge.Finding:
    """A claim measured on three units of nine runs."""
    return judge.Finding(CLAIMS[key], value, interval, 3, 3, 3, "seed", 9, 0, 9, asked)


def test_a_run_that_patience_ended_before_it_learned_is_counted_apart() -> None:
    """Neither as trained to the end, nor as still improving; what learned nothing in all its epochs is no such run."""
    rows = with_control().rows
    for stopped, best, begun in (("patience", 0.01, False), ("epochs", 0.0, True), ("patience", 0.02, True)):
        one = rows["run"] == rows["run"].iloc[-1]
        columns = {"stopped": stopped, "best_robust_train_accuracy": best}
        changed = rows.assign(**{name: rows[name].mask(one, value) for name, value in columns.items()})
        for key in ("training_begun", "training_ended"):
            found = judge.judge(CLAIMS[key], Selection(changed, len(rows)))
            assert (found.value == 1, found.verdict == "holds") == (begun, begun), key


def test_the_ledger_tells_laziness_from_the_digits() -> None:
    found = {claim.key: judge.judge(claim, with_axes()) for claim in BY_FIGURE["fig3"]}
    assert found["binding_half"].value == pytest.approx(-0.5, abs=0.01)
    assert found["control_half"].value == pytest.approx(0.5 - 0.066, abs=0.01)
    assert found["control_excess"].value == pytest.approx(0.015, abs=0.005)
    conditions = ("control_unbound", "training_begun", "training_ended")
    for key in ("binding_half", "control_half", "control_excess", "width_half", "deviation_half", *conditions):
        assert found[key].verdict == "holds", key
    assert found["robust_half"].value == pytest.approx(-0.44, abs=0.01)  # over all sizes


def test_free_networks_that_lose_as_fast_do_not_lose_more_slowly() -> None:
    """Both fall as d^(−0.3): the control's slope alone would be small enough."""
    at = {size: size**-0.6 for size in (10, 20, 40)}
    slow, free = falling(at, 10), falling({size: 2 * half for size, half in at.items()}, 1000)
    rows = pd.concat([slow.rows, free.rows])
    assert judge.judge(CLAIMS["control_half"], Selection(rows, len(rows))).verdict == "fails"


def test_a_control_that_was_bound_or_still_improves_is_counted() -> None:
    rows = with_control().rows
    one = rows["run"] == rows["run"].iloc[-1]
    bound = rows.assign(largest_deviation=np.where(one, 20.0, 1.0))
    found = judge.judge(CLAIMS["control_unbound"], Selection(bound, len(bound)))
    assert (found.value, found.verdict) != (1, "holds")
    rising = rows.assign(late_gain=np.where(one, 0.02, 0.0))
    assert judge.judge(CLAIMS["training_ended"], Selection(rising, len(rows))).verdict != "holds"
    patient = rising.assign(stopped=np.where(one, "patience", "epochs"))
    assert judge.judge(CLAIMS["training_ended"], Selection(patient, len(rows))).verdict == "holds"


def test_without_a_known_control_nothing_is_said_of_where_it_binds() -> None:
    rows = with_control(seeds=2).rows
    assert judge.judge(CLAIMS["control_half"], Selection(rows, len(rows))).verdict == "undecided"
    rows = with_control().rows
    never = rows.assign(robust_test_accuracy=np.where(rows["C0"] == 1000, 0.9, rows["robust_test_accuracy"]))
    assert judge.judge(CLAIMS["binding_half"], Selection(never, len(rows))).verdict == "undecided"


def test_pairs_that_the_control_does_not_learn_count_in_no_slope() -> None:
    parts = [with_control().rows.assign(pair=pair, clean_test_accuracy=0.95) for pair in ("0-1", "1-7", "4-9")]
    parts += [with_control().rows.assign(pair="3-8", clean_test_accuracy=0.85)]
    rows = pd.concat(parts)
    rows = rows[rows["seed"] == 0]
    for key, value in (("pairs_half", -0.5), ("pairs_ratio", 5)):
        found = judge.judge(CLAIMS[key], Selection(rows, len(rows)))
        assert (found.units, found.verdict) == (3, "holds"), key
        assert found.value == pytest.approx(value, abs=0.02)


def test_a_slope_of_one_half_holds_and_one_of_one_fails() -> None:
    right = judge.judge(CLAIMS["robust_half"], fig3(-0.5))
    assert right.verdict == "holds"
    assert right.value == pytest.approx(-0.5, abs=0.01)
    assert judge.judge(CLAIMS["robust_half"], fig3(-1)).verdict == "fails"


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.65, -0.35), "holds"),
        ((-0.7, -0.6), "undecided"),
        ((-0.8, -0.65), "undecided"),
        ((-0.4, -0.3), "undecided"),
        ((-0.8, -0.1), "undecided"),
        ((-0.8, -0.66), "fails"),
        ((-0.34, -0.1), "fails"),
    ],
)
def test_a_claim_fails_only_if_the_interval_lies_outside_as_a_whole(
    interval: tuple[float, float], verdict: str
) -> None:
    assert finding("robust_half", -0.5, interval).verdict == verdict


def test_one_exception_fails_a_claim_about_all() -> None:
    """However many networks it is true of, so that the interval reaches up to the bound."""
    assert finding("untrained_flips", 0.999, (0.998, 1.0)).verdict == "fails"
    assert finding("untrained_flips", 1.0, (1.0, 1.0)).verdict == "holds"
    assert finding("untrained_flips", 0.9, None, asked=180).verdict == "fails"


def test_a_setting_that_cannot_be_measured_is_not_averaged_away() -> None:
    """At the larger C0 a size is missing, so no seed has a mean over both."""
    both = pd.concat([steps(C0) for C0 in (10, 20)])
    for rows, measured in ((both, 3), (both[(both["C0"] == 10) | (both["size"] != 10)], 0)):
        found = judge.judge(CLAIMS["trained_step"], Selection(rows, len(rows)))
        assert (found.units_measured, found.units) == (measured, 3)
    assert found.verdict == "undecided"


def test_a_deliberately_wrong_claim_fails() -> None:
    """That the slope is −1, held against a table whose slope is −1/2."""
    wrong = dataclasses.replace(CLAIMS["robust_half"], bound=(-1.15, -0.85))
    assert judge.judge(wrong, fig3(-0.5)).verdict == "fails"


def test_two_seeds_do_not_tell() -> None:
    found = judge.judge(CLAIMS["robust_half"], fig3(-0.5, seeds=2))
    assert found.verdict == "undecided"
    assert found.interval is None
    assert judge.basis(found) == f"{found.asked} runs, 2 seeds of at least 3"


@pytest.mark.parametrize(
    ("key", "size"), [("robust_half", 20), ("binding_half", 20), ("control_half", 20), ("control_excess", 5)]
)
def test_a_seed_that_lacks_a_size_is_not_measured(key: str, size: int) -> None:
    """Its number would be of other dimensions than those of the others."""
    rows = with_control().rows
    fewer = rows[(rows["seed"] != 2) | (rows["size"] != size)]
    found = judge.judge(CLAIMS[key], Selection(fewer, len(fewer)))
    assert (found.units_measured, found.units, found.verdict) == (2, 3, "undecided")


def test_the_collapse_is_of_the_largest_size_and_eps_of_all_seeds() -> None:
    rows = fig3(-0.5).rows
    fewer = rows[(rows["seed"] != 2) | (rows["size"] != 20)]
    found = judge.judge(CLAIMS["robust_collapse"], Selection(fewer, len(fewer)))
    assert (found.rests_on, found.repeats, found.verdict) == (2, 2, "undecided")


def test_a_missing_run_is_counted_and_no_slope_is_fitted_without_its_line() -> None:
    whole = fig3(-0.5)
    rows = whole.rows[~((whole.rows["size"] == 20) & (whole.rows["seed"] == 1) & (whole.rows["eps"] < 0.2))]
    found = judge.judge(CLAIMS["robust_half"], Selection(rows, whole.asked))
    assert found.shown < found.asked
    assert (found.units_measured, found.units) == (2, 3)
    assert found.verdict == "undecided"
    assert judge.basis(found) == "440 of 450 runs, 2 of 3 measurable, 2 seeds of at least 3"


def test_no_verdict_without_the_run_that_may_contradict_it() -> None:
    """Robust accuracy of 0.9 at the largest ε fails the collapse; without that run it does not hold either."""
    whole = fig3(-0.5)
    largest = whole.rows["eps"] == whole.rows["eps"].max()
    rows = whole.rows.assign(robust_test_accuracy=np.where(largest, 0.9, 0.0))
    assert judge.judge(CLAIMS["robust_collapse"], Selection(rows, len(rows))).verdict == "fails"
    assert judge.judge(CLAIMS["robust_collapse"], Selection(rows[~largest], len(rows))).verdict == "undecided"


def test_a_width_that_stays_robust_is_not_left_out() -> None:
    """Its lines never fall through one half, so no slope can be measured; three other widths do not make up for it."""
    rows = with_axes().rows
    robust = rows.assign(robust_test_accuracy=rows["robust_test_accuracy"].where(rows["width"] != 3000, 0.99))
    found = judge.judge(CLAIMS["width_half"], Selection(robust, len(robust)))
    assert (found.units_measured, found.units, found.verdict) == (0, 3, "undecided")


def test_the_ratio_under_the_strongest_attack_is_of_figure_3s_networks_along_the_dimension() -> None:
    rows = with_control(seeds=1).rows.assign(experiment="advtrain")
    rows["strongest"] = rows["robust_test_accuracy"]
    narrow = rows[(rows["C0"] == 10) & (rows["size"] == 40)].assign(width=300)
    others = [rows.assign(experiment="advtrainpair", eps=rows["eps"] / 2), narrow]
    for part in (rows, pd.concat([rows, *others])):
        assert judge.judge(CLAIMS["attack_ratio"], Selection(part, len(part))).value == pytest.approx(5, abs=0.01)


def test_settings_of_one_seed_do_not_stand_for_seeds() -> None:
    rows = pd.concat([steps(C0, seeds=1) for C0 in (5, 10, 20)])
    found = judge.judge(CLAIMS["trained_step"], Selection(rows, len(rows)))
    assert (found.units, found.verdict) == (1, "undecided")


def test_the_ledger_counts_the_runs_of_another_arithmetic() -> None:
    """Their records have the same fingerprint, and may differ in the last digits."""
    rows = fig3(-0.5).rows.assign(arithmetic=arithmetic.NAME)
    rows.loc[rows.index[:7], "arithmetic"] = "cuda"
    rows.loc[rows.index[-5:], "arithmetic"] = "x86_64 nehalem"
    found = judge.judge(CLAIMS["robust_half"], Selection(rows, len(rows)))
    assert judge.basis(found) == "450 runs, 12 of 450 on other arithmetic"
    assert judge._finding_as_json(found)["on_other_arithmetic"] == 12
    of_one = judge.judge(CLAIMS["robust_half"], Selection(rows.assign(arithmetic=arithmetic.NAME), len(rows)))
    assert judge.basis(of_one) == "450 runs"


def test_presets_stand_side_by_side() -> None:
    empty = Selection(pd.DataFrame(), 7)
    tables: dict[str, Selection] = dict.fromkeys(BY_FIGURE, empty)
    ledger = {
        "quick": judge.judge_all(BY_FIGURE, {**tables, "fig3": fig3(-0.5)}),
        "paper": judge.judge_all(BY_FIGURE, {**tables, "fig3": fig3(-1)}),
    }
    found = judge.as_json(ledger)["robust_half"]
    assert isinstance(found, dict)
    assert [found[preset]["verdict"] for preset in ledger] == ["holds", "fails"]
    line = next(line for line in judge.as_markdown(ledger).splitlines() if "once ε passes" in line)
    assert line.index("**holds**: −0.5") < line.index("**fails**: −1")
