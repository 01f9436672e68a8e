"""The way in from Python: its page runs, torch's modules are read as they compute, and what is wrong is said."""

import doctest
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from conftest import ROOT, random_examples, random_network
from project import Project
from torch.nn import Dropout, Flatten, Hardtanh, Linear, ReLU, ReLU6, Sequential

from lazyadv import api, params
from lazyadv.errors import UserError
from lazyadv.networks import attack, audit, boundary
from lazyadv.networks.network import Network

X, Y = random_examples(0, 40, 12)
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


class Saturates(Sequential):
    """ReLU6, all weights 0.02: a ReLU network as long as the mean of an example's 784 numbers is below 0.38."""

    def __init__(self, activation: torch.nn.Module) -> None:
        super().__init__(Linear(784, 30), activation, Linear(30, 1))
        for parameter in self.parameters():
            torch.nn.init.constant_(parameter, 0.02 if parameter.ndim == 2 else 0)


@pytest.mark.parametrize("activation", [ReLU6(), Hardtanh(0, 6)])
def test_a_module_is_compared_where_it_is_used(activation: torch.nn.Module) -> None:
    """At the inputs, and where the attack or the search takes them."""
    module, ones = Saturates(activation), np.ones(5)
    bright, grey = (np.linspace(start, start + 0.05, 5 * 784).reshape(5, 784) for start in (0.5, 0.3))
    assert api.accuracy(module, grey, ones) == 1
    assert api.attack(module, grey, -ones, 0.1).any()
    assert np.isfinite(api.boundary(module, grey).step).all()
    never = Saturates(activation)
    torch.nn.init.constant_(never.get_parameter("2.bias"), -5)  # f would be 0 where its neurons are at 8
    for attempt in (
        lambda: api.accuracy(module, bright, ones),
        lambda: api.boundary(module, bright),
        lambda: api.attack(module, bright, ones, 0.1),
        lambda: api.attack(module, grey, -ones, 10),
        lambda: api.boundary(never, grey),
    ):
        with pytest.raises(api.InputError, match="something else"):
            attempt()


@pytest.mark.parametrize("scale", [1e20, 1e-25, 1e60, 1e-60])
def test_networks_beyond_float32_are_measured_as_others(scale: float) -> None:
    plain = network()
    w, b, v = (part * np.float64(scale) for part in (plain.w, plain.b, plain.v))
    other = Network(w, b, v, plain.c * scale**2)
    assert api.accuracy(other, X, Y) == api.accuracy(plain, X, Y)
    np.testing.assert_allclose(api.attack(other, X, Y, 0.2), api.attack(plain, X, Y, 0.2), atol=1e-4)
    np.testing.assert_allclose(api.boundary(other, X).step, api.boundary(plain, X).step, rtol=1e-4)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_attacked_examples_are_in_the_box(kind: type[np.floating]) -> None:
    """In the type that they come in, so that they can be attacked again."""
    x = (np.random.default_rng(0).integers(0, 256, (40, 12)) / 255).astype(kind)
    delta = api.attack(network(), x, Y, 3)
    assert delta.dtype == kind
    assert ((x + delta >= 0) & (x + delta <= 1)).all()
    assert api.attack(network(), x + delta, Y, 3).shape == x.shape


def test_numbers_of_numpy_are_taken() -> None:
    three, quarter = cast("Any", (np.uint8(3), np.float32(0.25)))
    np.testing.assert_array_equal(api.draw(three, three, three, three)[1].w, api.draw(3, 3, 3, 3)[1].w)
    np.testing.assert_array_equal(api.digits((three, 8), three).x_test, api.digits((3, 8), 3).x_test)
    delta = api.attack(network(), X, Y, quarter, three, quarter)
    np.testing.assert_array_equal(delta, api.attack(network(), X, Y, 0.25, 3, 0.25))
    assert api.run("tiny", "advtrain", ROOT, width=10, size=three, C0=10, eps=quarter, seed=three).seed == 3


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_networks_are_audited_whatever_they_are_made_of(kind: type[np.floating]) -> None:
    """Alike by this project's networks and torch's, and as in the pipeline."""
    own = network()
    module = Sequential(Flatten(), Linear(12, 30), ReLU(), Linear(30, 1))
    for layer, weight, bias in ((module[1], own.w, own.b), (module[3], own.v[None], np.array([own.c], np.float32))):
        layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    y = np.sign(own(X))
    found = api.audit(module, torch.from_numpy(X.astype(kind)).reshape(-1, 3, 4), torch.from_numpy(y > 0), 0.3)
    assert found == api.audit(own, X.astype(kind), y, 0.3) == audit.examine(own, X, y, 0.3, 0.0075, 100)
    assert 0.2 < found["strongest"] < 0.8


def test_foolbox_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "foolbox", None)  # as if it were not installed
    with pytest.raises(UserError, match=r"audit: .*foolbox.*pip install '\.\[foolbox\]'"):
        api.audit(network(), X, Y, 0.3)


def test_torch_s_threads_stay_as_they_are() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        api.train(RUN)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_table_of_another_experiment_is_refused(pulled: Project, tmp_path: Path) -> None:
    for name in ("params.yaml", "results/quick/advtrain/table.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pulled.root / name, tmp_path / name)
    assert len(api.table("quick", "advtrain", tmp_path))
    for preset, experiment in (("quick", "advtraingap"), ("tiny", "advtrain")):
        shutil.copytree(tmp_path / "results/quick/advtrain", tmp_path / "results" / preset / experiment)
        with pytest.raises(
            UserError, match=f"{tmp_path}.*: is a table of quick advtrain, not of {preset} {experiment}"
        ):
            api.table(preset, experiment, tmp_path)


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


@pytest.mark.long
def test_plain_pip_install_brings_what_it_needs() -> None:
    """Out of reach: the packages of all extras but the tests'."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = [*extras["digits"], *extras["foolbox"], *extras["pipeline"][1:]]
    missing = [re.split("[<>=[]", name)[0] for name in wanted]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *missing], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "pip install '.[digits]'" in done.stdout, done.stderr
