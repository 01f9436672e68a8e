"""The claims that are judged, each with the bound that it is held against.

Bounds were written before the stored runs were trained, though after a look at single ones; the last part of
docs/protocols.md says what came later.

That *laziness binds* at a size (or C0) of figure 3 means: the least ε½ of its control there (networks that may move as
far as they like) exceeds the largest of the lazy networks by more than the seeds of either differ among themselves,
and, where either has a single seed, by more than a tenth (measures.binding).
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from lazyadv.results import measures, parts

HALF_ORDER = (-0.65, -0.35)  # what is called a slope of −1/2
CONDITION = "no claim of the paper, but a condition of the others"
BEGUN = f"share of runs that patience did not end while robust train accuracy had never been above {measures.STILL:g}"
STOPPED = (
    "share of runs that did not end so, and had stopped improving: by patience, or with robust train accuracy in the "
    f"last fifth of the epochs at most {measures.STILL:g} above that in the fifth before"
)


@dataclass(frozen=True)
class Claim:
    """One line of the ledger, before it is measured; `bound` is the closed interval that it must lie in.

    `rows` picks those of the figure's rows that it rests on; `measure` sees no other.
    """

    key: str
    statement: str
    source: str
    quantity: str
    bound: tuple[float, float]
    figure: str  # or audit
    rows: Callable[[pd.DataFrame], pd.DataFrame]
    measure: Callable[[pd.DataFrame], pd.Series]

    @property
    def own(self) -> bool:
        """Whether it is a condition or control of this project, rather than a claim of the paper."""
        return self.source.startswith("no claim of the paper")


def _conditions(figure: str, key: str, networks: str) -> tuple[Claim, ...]:
    """That a figure's networks had begun to learn, and were trained to the end."""
    return tuple(
        Claim(
            f"{key}_{what}", f"{networks} {says}.", CONDITION, quantity, (1.0, 1.0), figure, parts.everything, measure
        )
        for what, says, quantity, measure in (
            ("begun", "learn something before patience ends them", BEGUN, measures.begun),
            ("ended", "are trained to the end", STOPPED, measures.finished),
        )
    )


LEDGER = (
    Claim(
        "clean_accuracy",
        "Networks trained within the lazy radius generalise.",
        "abstract; figure 1",
        "clean test accuracy",
        (0.95, 1.0),
        "fig1",
        parts.trained,
        measures.clean_accuracy,
    ),
    Claim(
        "trained_flips",
        "One step along its gradient flips every correctly classified test example of a lazily trained network.",
        "abstract; figure 1",
        "share of them whose sign changes somewhere along the gradient, at whatever distance",
        (1.0, 1.0),
        "fig1",
        parts.trained,
        measures.flipped,
    ),
    Claim(
        "trained_step",
        "In lazily trained networks the step that flips, relative to the example's norm, falls as d^(−1/2).",
        "abstract; figure 1",
        "log-log slope of δ/‖x‖ in d",
        HALF_ORDER,
        "fig1",
        parts.trained,
        measures.step_slope,
    ),
    Claim(
        "untrained_flips",
        "One step along its gradient flips every correctly classified test example of an untrained network, too.",
        "abstract, after earlier work on random networks",
        "share of them whose sign changes somewhere along the gradient, at whatever distance",
        (1.0, 1.0),
        "fig1",
        parts.untrained,
        measures.flipped,
    ),
    Claim(
        "untrained_step",
        "In untrained networks, too, the step that flips, relative to the example's norm, falls as d^(−1/2).",
        "abstract, after earlier work on random networks",
        "log-log slope of δ/‖x‖ in d",
        HALF_ORDER,
        "fig1",
        parts.untrained,
        measures.step_slope,
    ),
    Claim(
        "robust_half",
        "Under projected adversarial training, robust accuracy is lost once ε passes order d^(−1/2).",
        "figure 3",
        "log-log slope in d of the ε at robust accuracy 1/2",
        HALF_ORDER,
        "fig3",
        parts.lazy_dimension,
        measures.half_slope,
    ),
    Claim(
        "binding_half",
        "Where laziness binds, robust accuracy is lost once ε passes order d^(−1/2).",
        "no claim of the paper in this form; figure 3 with its control",
        "log-log slope in d of lazy networks' ε at robust accuracy 1/2, over the sizes where laziness binds",
        HALF_ORDER,
        "fig3",
        parts.dimension,
        measures.binding_slope,
    ),
    Claim(
        "control_half",
        "Where laziness binds, networks that may move freely lose robust accuracy more slowly.",
        "no claim of the paper; figure 3's control",
        "log-log slope in d of the control's ε at robust accuracy 1/2 less that of lazy networks, over the same sizes",
        (0.15, 1.0),  # half the width of HALF_ORDER: a smaller difference could be between two slopes of −1/2
        "fig3",
        parts.dimension,
        measures.slope_gain,
    ),
    Claim(
        "control_excess",
        "Where laziness does not bind, lazy and free networks agree: there the digits set the limit.",
        "no claim of the paper; figure 3's control",
        "share by which the control's ε at robust accuracy 1/2 exceeds lazy networks', over the other sizes",
        (-0.05, 0.05),
        "fig3",
        parts.dimension,
        measures.control_excess,
    ),
    Claim(
        "control_unbound",
        "The control's networks move freely.",
        CONDITION,
        "share of its runs in which no neuron came as far as half the radius at any epoch",
        (1.0, 1.0),
        "fig3",
        parts.control,
        measures.unbound,
    ),
    *_conditions("fig3", "training", "Figure 3's networks, lazy and free,"),
    Claim(
        "robust_collapse",
        "Robust accuracy collapses altogether at the largest dimension and perturbation.",
        "figure 3",
        "robust test accuracy there",
        (0.0, 0.1),
        "fig3",
        parts.largest,
        measures.collapse,
    ),
    Claim(
        "width_half",
        "At a fixed C0 the width does not matter: the radius is C0/√m, and ε½ stays where it is.",
        "no claim of the paper in this form; figure 3's other axes",
        "log-log slope in the width of the ε at robust accuracy 1/2",
        (-0.1, 0.1),
        "fig3",
        parts.by_width,
        measures.width_slope,
    ),
    Claim(
        "deviation_half",
        "Where laziness binds, ε½ grows in proportion to C0, the deviation that is allowed.",
        "no claim of the paper in this form; figure 3's other axes",
        "log-log slope in C0 of lazy networks' ε at robust accuracy 1/2, over the C0 where laziness binds",
        (0.85, 1.15),
        "fig3",
        parts.by_C0,
        measures.deviation_slope,
    ),
    Claim(
        "deviation_helps",
        "A larger allowed deviation brings robustness back.",
        "figure 4",
        "robust test accuracy at the largest gap less that at the smallest",
        (0.5, 1.0),
        "fig4",
        parts.ends,
        measures.recovery,
    ),
    Claim(
        "transition",
        "The deviation at which robustness comes back moves as m^(−1/2) with the width.",
        "figure 4",
        "log-log slope in m of the gap at robust accuracy 1/2",
        HALF_ORDER,
        "fig4",
        parts.moving,
        measures.transition_slope,
    ),
    *_conditions("fig4", "transition", "Figure 4's networks"),
    Claim(
        "pairs_half",
        "Pair by pair of digits, robust accuracy is lost at order d^(−1/2) where laziness binds.",
        "no claim of the paper; figure `pairs`",
        "log-log slope in d of lazy networks' ε at robust accuracy 1/2, of each pair that the control learns, over "
        "the sizes at which the control's is a tenth larger",
        HALF_ORDER,
        "pairs",
        parts.learned,
        measures.pair_slope,
    ),
    Claim(
        "pairs_ratio",
        "Pair by pair of digits, networks that may move freely withstand more at the largest dimension.",
        "no claim of the paper; figure `pairs`",
        "the control's ε at robust accuracy 1/2 over lazy networks', of each pair that the control learns",
        (1.1, 100.0),
        "pairs",
        parts.learned_largest,
        measures.pair_ratio,
    ),
    Claim(
        "attack",
        "PGD, by which all this is measured, is about as strong as an attack that is not tuned to ε (DDN).",
        CONDITION,
        "robust test accuracy under PGD less that under the stronger of the two",
        (0.0, 0.05),
        "audit",
        parts.everything,
        measures.overestimate,
    ),
)
