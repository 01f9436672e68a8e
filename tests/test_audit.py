"""The second attack: where the smallest perturbation is known, it finds it; and it only ever lowers robust accuracy."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, random_examples, random_network
from project import environment

from lazyadv import params
from lazyadv.experiments.adversarial import AdversarialRun
from lazyadv.networks import audit, network


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
    assert audit.examine(plane, x, y, run.eps, run.step, run.atk_iters) == {
        "pgd": robust,
        "ddn": robust,
        "strongest": robust,
    }


def test_the_stronger_of_two_attacks_leaves_no_more_than_either() -> None:
    preset = params.load("params.yaml").choose("tiny")
    run = next(run for run in preset.audited if isinstance(run, AdversarialRun))
    _, trained = random_network(0, run.width, run.size**2, 0.1)
    x, y = random_examples(0, 60, run.size**2)
    found = audit.examine(trained, x, y, run.eps, run.step, run.atk_iters)
    assert 0 < found["strongest"] <= min(found["pgd"], found["ddn"])


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
