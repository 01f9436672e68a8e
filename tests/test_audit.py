"""The second attack: where the smallest perturbation is known, it finds it; and it only ever lowers robust accuracy."""

import subprocess
import sys
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, random_examples, random_network
from project import environment

from lazyadv import params
from lazyadv.experiments.adversarial import AdversarialRun, AdvtrainRun
from lazyadv.experiments.run import LazyRun
from lazyadv.figures.audit import attack
from lazyadv.networks import audit, network
from lazyadv.workflow import outputs


def test_ddn_finds_the_distance_to_a_plane() -> None:
    """One neuron that is always active: f(x) = w·x + b, so that the nearest flip is |f(x)|/‖w‖ away."""
    w = np.array([[0.6, -0.8]], np.float32)
    plane = network.Network(w, np.array([2], np.float32), np.ones(1, np.float32), -2.0)
    x = np.array([[0.5, 0.3], [0.3, 0.5]], np.float32)
    y = np.sign(plane(x))
    found = audit.ddn(plane, x, y)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.abs(plane(x)), rel=1e-2)
    assert (plane(x + found) * y <= 0).all()


def test_what_breaks_a_prediction_is_small_and_changes_its_sign() -> None:
    plane = network.Network(np.eye(1, 2, dtype=np.float32), np.ones(1, np.float32), np.ones(1, np.float32), -1.5)
    x = np.full((4, 2), 0.7, np.float32)
    y = np.array([1, 1, 1, -1], np.float32)  # the last is wrong already
    perturbation = np.array([[-0.3, 0], [-0.1, 0], [-0.3, 0.3], [0, 0]])
    assert audit.breaks(plane, x, y, perturbation, 0.3).tolist() == [True, False, False, True]


@pytest.mark.parametrize(("reach", "robust"), [(1.005, 1), (0.98, 0)])
def test_perturbations_of_eps_count_and_no_longer_ones(reach: float, robust: int) -> None:
    """The plane of one neuron that is always active lies half a percent beyond ε, or two before it."""
    w = np.array([[0.6, -0.8]], np.float32)
    plane = network.Network(w, np.array([2], np.float32), np.ones(1, np.float32), 0.3 * reach - 2)
    x, y = np.array([[0.8, 0.6]], np.float32), np.ones(1, np.float32)
    run = params.load("params.yaml").choose("quick").run("advtrain", width=1, size=1, C0=10.0, eps=0.3, seed=0)
    assert isinstance(run, AdversarialRun)
    found = audit.examine(plane, x, y, run.eps, run.step, run.atk_iters)
    assert found == dict.fromkeys(("pgd", "pgd1000", "apgd", "ddn", "strongest"), robust)


def test_the_strongest_attack_leaves_no_more_than_any() -> None:
    preset = params.load("params.yaml").choose("tiny")
    run = next(run for run in preset.audited if isinstance(run, AdversarialRun))
    _, trained = random_network(0, run.width, run.size**2, 0.1)
    x, y = random_examples(0, 60, run.size**2)
    found = audit.examine(trained, x, y, run.eps, run.step, run.atk_iters)
    assert 0 < found["strongest"] <= min(found.values())


@pytest.mark.parametrize("size", [1, 1e30, 1e-30])
def test_masked_gradients_are_caught(size: float) -> None:
    """f = size (1 − Σ relu(4 |x_i − ½| − 1)) is flat at the examples, so that PGD, which starts there, stays there."""
    w = 4 * np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    b = np.repeat(np.array([-3, 1], np.float32), 3)  # on from ¾, and below ¼
    flat = network.Network(w, b, np.full(6, -size, np.float32), size)
    x, y = 0.5 + 0.2 * (np.random.default_rng(0).random((40, 3), np.float32) - 0.5), np.ones(40, np.float32)
    found = audit.examine(flat, x, y, 0.8, 0.2, 10)
    assert found["pgd"] == found["pgd1000"] == 1
    assert found["apgd"] == found["strongest"] == 0


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_ddn_does_not_depend_on_the_size_of_f(size: float) -> None:
    """Beyond 17 the cross-entropy's gradient is 0 in float32."""
    x, y = random_examples(0, 60, 9)
    plain = random_network(0, 20, 9, 0.1)[1]
    other = network.Network(plain.w, plain.b, plain.v * np.float32(size), plain.c * size)
    expected, found = (np.linalg.norm(audit.ddn(each, x, y), axis=1) for each in (plain, other))
    np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_too_few_steps_are_caught() -> None:
    _, trained = random_network(0, 50, 9, 0.1)
    x, _ = random_examples(0, 60, 9)
    found = audit.examine(trained, x, np.sign(trained(x)), 0.5, 0.01, 3)
    assert found["pgd"] > 0.9 > 0.5 > found["strongest"]


def test_runs_of_one_name_in_two_experiments_are_two() -> None:
    class Twin(LazyRun, AdversarialRun):
        axes: ClassVar = AdvtrainRun.axes
        experiment: Literal["twin"] = "twin"

    tiny = params.load("params.yaml").choose("tiny")
    one = next(run for run in tiny.audited if run.experiment == "advtrain")
    other = Twin(**one.model_dump(exclude={"experiment"}))
    assert one.name == other.name
    vars(tiny)["audited"] = [one, other]
    records = ["results/tiny/advtrain/runs", "results/tiny/twin/runs"]
    parents = [str(path.parent) for path in outputs.audit("tiny", tiny).files]
    assert [parent for parent in parents if parent.startswith("results")] == records
    rows = [{"run": run.name, "experiment": run.experiment, "pgd": 0.5, "strongest": 0.4} for run in (one, other)]
    assert attack.measure(pd.DataFrame(rows)).tolist() == pytest.approx([0.1, 0.1])


def test_git_is_not_needed() -> None:
    """Of which foolbox, that has DDN, imports an interface."""
    code = (
        "import numpy as np; from lazyadv.networks import audit, network; one = np.ones((1, 2), np.float32);"
        "print(audit.ddn(network.draw(0, 1, 3, 2)[1], one, one[:, 0]).shape)"
    )
    users = {key: value for key, value in environment().items() if not key.startswith("GIT_PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**users, "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "(1, 2)\n", done.stderr
