"""The way in from Python: its page runs, torch's modules are read as they compute, and what is wrong is said."""

import doctest
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, random_examples, random_network
from project import Project
from torch.nn import BatchNorm1d, Dropout, Flatten, LeakyReLU, Linear, ReLU, Sequential

from lazyadv import api, params
from lazyadv.data import Split
from lazyadv.errors import UserError
from lazyadv.networks import attack, boundary
from lazyadv.networks.network import Network

X, Y = random_examples(0, 40, 12)
NOTHING: Any = None
TEXT: Any = "0.2"
torch.manual_seed(0)  # of the modules below
TENSORS = torch.from_numpy(X), torch.from_numpy(Y)
RUN = api.run("tiny", "advtrain", ROOT, width=10, size=3, C0=10, eps=0.1, seed=0)


def test_the_page_runs(pulled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    examples = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    monkeypatch.chdir(pulled.root)
    page = doctest.DocTestParser().get_doctest(examples, {}, "docs/python.md", "docs/python.md", 0)
    found = doctest.DocTestRunner().run(page)
    assert found.failed == 0
    assert all(name in text for name in [f"api.{name}" for name in api.__all__ if name.islower()])


def test_a_point_of_the_grid_is_the_preset_s_own() -> None:
    preset = params.load(ROOT / "params.yaml").choose("quick")
    for experiment in preset.experiments:
        run = preset.runs_of(experiment)[0]
        axes = {axis: getattr(run, axis) for axis in run.axes}
        assert api.run("quick", experiment, ROOT, **axes) == run


class Written(torch.nn.Module):
    """A module with one hidden layer as one may write it, its layers of another name and order."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.first, self.last = Dropout(), Linear(12, 30), Linear(30, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.drop(self.first(x.flatten(1)).clamp(min=0)))


@pytest.mark.parametrize(
    "module",
    [
        Sequential(Linear(12, 30), ReLU(), Linear(30, 1)),
        Sequential(Linear(12, 30, bias=False), ReLU(), Linear(30, 2)),
        Sequential(Flatten(), Linear(12, 30), ReLU(), Linear(30, 2)).double(),
        Written().eval(),
    ],
)
def test_modules_of_torch_are_attacked_as_they_compute(module: torch.nn.Module) -> None:
    """Against the same steps by autograd, in float64; and the gradient of the search likewise."""

    def f(x: torch.Tensor) -> torch.Tensor:
        outputs = double(x)
        return outputs[:, -1] - (outputs[:, 0] if outputs.shape[1] == 2 else 0)

    images, labels = TENSORS
    delta = api.attack(module, images, labels, 0.2, steps=5)
    found = api.boundary(module, images)
    double = module.double()
    assert delta.dtype == torch.float32
    exact = images.double().requires_grad_()
    (gradient,) = torch.autograd.grad(f(exact).sum(), exact)
    torch.testing.assert_close(found.gradient_norm, gradient.norm(dim=1))
    at = torch.zeros_like(exact)
    for _ in range(5):
        at.requires_grad_()
        (slope,) = torch.autograd.grad(-(labels * f(images + at)).sum(), at)
        at = at.detach() + 0.1 * slope / slope.norm(dim=1, keepdim=True)
        at = (images + at).clip(0, 1) - images
        at = at * (0.2 / at.norm(dim=1, keepdim=True)).clip(max=1)
    assert ((delta - at).norm(dim=1) < 1e-4).double().mean() > 0.9  # a neuron at zero may fall to either side


def test_what_comes_in_comes_out() -> None:
    _, network = random_network(0, 30, 12, 0.1)
    expected = attack.pgd(network, X, Y, 0.2, 0.05, 10)
    np.testing.assert_array_equal(api.attack(network, X, Y, 0.2, steps=10), expected)
    images = TENSORS[0].reshape(-1, 3, 2, 2).double()
    for labels in (Y, TENSORS[1] > 0, (Y > 0).astype(int)):
        delta = api.attack(network, images, labels, 0.2, steps=10, step=0.05)
        assert (delta.shape, delta.dtype) == (images.shape, torch.float64)
        np.testing.assert_array_equal(delta.flatten(1).numpy(), expected)
    assert api.boundary(network, images).direction.shape == images.shape
    np.testing.assert_array_equal(api.boundary(network, X).step, boundary.search(network, X).step)


def test_accuracy_takes_what_the_attack_takes() -> None:
    """A module of one output or two, images, labels of either kind."""
    one, images = module(ReLU()), TENSORS[0].reshape(-1, 3, 4)
    f = one(TENSORS[0]).detach().numpy()[:, 0]
    expected = float(((f > 0) == (Y > 0)).mean())
    assert 0 < expected < 1
    assert api.accuracy(one, X, Y) == api.accuracy(one, TENSORS[0], TENSORS[1] > 0) == expected
    two = module(ReLU(), ends=2)
    weights = one.state_dict()
    second = {f"2.{part}": torch.cat([0 * weights[f"2.{part}"], weights[f"2.{part}"]]) for part in ("weight", "bias")}
    two.load_state_dict(weights | second)
    assert api.accuracy(Sequential(Flatten(), two), images, (Y > 0).astype(int)) == expected


def network() -> Network:
    return random_network(0, 30, 12)[1]


def module(*between: torch.nn.Module, ends: int = 1) -> torch.nn.Module:
    return Sequential(Linear(12, 30), *between, Linear(30, ends))


class Twice(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: api.attack(module(LeakyReLU()), X, Y, 0.2), "something else"),
        (lambda: api.attack(module(), X, Y, 0.2), "something else"),
        (lambda: api.attack(module(ReLU(), Dropout()), X, Y, 0.2), "call eval()"),
        (lambda: api.attack(module(BatchNorm1d(30), ReLU()).eval(), X, Y, 0.2), "1.weight, .* beside"),
        (lambda: api.attack(module(ReLU(), Linear(30, 30), ReLU()), X, Y, 0.2), "3 Linear layers"),
        (lambda: api.attack(module(ReLU(), ends=10), X, Y, 0.2), "one output or two"),
        (lambda: api.boundary(module(ReLU()), X[:, :5]), "takes 12 numbers"),
        (lambda: api.boundary(module(ReLU()), TENSORS[0].reshape(-1, 3, 4)), "cannot be called"),
        (lambda: api.boundary(network(), X[:, :5]), "takes 12"),
        (lambda: api.boundary(network(), np.full_like(X, np.inf)), "finite"),
        (lambda: api.accuracy(network(), np.full_like(X, np.nan), Y), "finite"),
        (lambda: api.boundary(network(), X > 0), "floats"),
        (lambda: api.boundary(network(), X.tolist()), "list"),
        (lambda: api.attack(NOTHING, X, Y, 0.2), "torch.nn.Module"),
        (lambda: api.attack(network(), 3 * X, Y, 0.2), r"\[0, 1\]"),
        (lambda: api.attack(network(), X, 2 * Y, 0.2), "labels"),
        (lambda: api.attack(network(), X, Y[1:], 0.2), "39 labels"),
        (lambda: api.attack(network(), X, Y, -0.2), "positive"),
        (lambda: api.attack(network(), X, Y, TEXT), "numbers"),
        (lambda: api.attack(network(), TENSORS[0].bfloat16(), Y, 0.2), "bfloat16"),
        (lambda: api.accuracy(network(), X[:0], Y[:0]), "no example"),
        (lambda: api.accuracy(network(), X, Y[1:]), "39 labels"),
        (lambda: api.draw(-1, 10, 30, 12), "seed"),
        (lambda: api.train(RUN, Split(X, (Y + 1) / 2, X, Y)), "y_train"),
        (lambda: api.train(RUN, Split(X, Y, X[:, :5], Y)), "x_test"),
        (lambda: api.train(RUN, Split(X.astype(float), Y, X, Y)), "float32"),
        (lambda: api.train(RUN, TEXT), "split: should be a Split"),
        (lambda: api.train(NOTHING), "run: should be one that `run` gives"),
        (lambda: api.attack(Sequential(module(ReLU()), Twice()), X, Y, 0.2), "cannot be called"),
        (lambda: api.digits((3, 3)), "twice"),
        (lambda: api.table("quick", "training", ROOT), "none of standard"),
        (lambda: api.table("fast", "standard", ROOT), "none of quick"),
        (lambda: api.table("tiny", "standard", ROOT), "dvc pull"),
        (lambda: api.table("paper", "advtrainpair", ROOT), "no run"),
        (lambda: api.run("quick", "standard", ROOT, width=10), "missing"),
        (lambda: api.train(api.run("paper", "standard", ROOT, width=10, size=5, C0=1, seed=0)), "split"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(attempt: Callable[[], Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        attempt()
    assert "\n" not in str(error.value)


ALONE = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))  # None: as if they were not installed
import numpy as np
from lazyadv import api
order, network = api.draw(0, 10, 30, 12)
x = np.full((10, 12), 0.5, np.float32)
assert api.attack(network, x, np.ones(10), 0.2).any()
assert api.boundary(network, x).step.shape == (10,)
try:
    api.digits()
except api.InputError as error:
    print(error)
"""


def test_plain_pip_install_brings_what_it_needs() -> None:
    """Out of reach: the packages of all extras but the tests'."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = [*extras["digits"], *extras["foolbox"], *extras["pipeline"][1:]]
    missing = [re.split("[<>=[]", name)[0] for name in wanted]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *missing], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "pip install '.[digits]'" in done.stdout, done.stderr
