"""The figure of digits that fool networks: what it shows is the attack's and the exact search's."""

import numpy as np
import pytest
from conftest import random_examples, random_network

from lazyadv import data, params
from lazyadv.experiments.adversarial import AdversarialRun
from lazyadv.figures import examples
from lazyadv.results.kept import KeptNetwork


def test_what_is_shown_is_within_eps_and_the_step_ends_where_f_is_zero() -> None:
    run = params.load("params.yaml").choose("quick").run("advtrain", width=50, size=6, C0=10.0, eps=0.3, seed=0)
    assert isinstance(run, AdversarialRun)
    _, network = random_network(0, run.width, run.size**2, 0.1)
    x, y = random_examples(0, 40, run.size**2)
    split = data.Split(x, y, x, y)
    found = examples.examine(KeptNetwork(run, network, split))
    assert [each.label for each in found] == [-1, 1]
    for each in found:
        assert np.linalg.norm(each.digit) == pytest.approx(1, rel=1e-6)
        assert np.linalg.norm(each.perturbation) <= run.eps * (1 + 1e-6)
        assert each.label * each.after < each.label * each.before
        assert np.linalg.norm(each.step) == pytest.approx(each.length)
        moved = (each.digit + each.step).reshape(1, -1)
        assert network.double()(moved)[0] == pytest.approx(0, abs=1e-9)


def test_a_row_for_each_digit_and_dimension() -> None:
    preset = params.load("params.yaml").choose("quick")
    kept = []
    for run in preset.runs("examples"):
        assert isinstance(run, AdversarialRun)
        _, network = random_network(0, run.width, run.size**2, 0.1)
        x, y = random_examples(0, 8, run.size**2)
        kept.append(KeptNetwork(run, network, data.Split(x, y, x, y)))
    figure = examples.draw_networks(tuple(reversed(kept)))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [
        "digit",
        *(
            f"{name}: attack" if place == 0 else title
            for name in ("lazy", "free")
            for place, title in enumerate(("", "digit + attack", "smallest step"))
        ),
    ]
    sizes = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert sizes == 2 * ["d = 100", "d = 400", "d = 784"]
    assert len(figure.axes) == 6 * 7
