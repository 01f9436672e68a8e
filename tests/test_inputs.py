"""What api's functions cannot work with: each is said in one line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, random_examples, random_network
from torch.nn import BatchNorm1d, Dropout, LeakyReLU, Linear, ReLU, Sequential
from torch.nn.utils import prune, weight_norm

from lazyadv import api
from lazyadv.data import Split
from lazyadv.errors import UserError
from lazyadv.networks.network import Network

X, Y = random_examples(0, 40, 12)
TENSORS = torch.from_numpy(X), torch.from_numpy(Y)
NOTHING: Any = None
TEXT: Any = "0.2"
MANY: Any = np.ones((90, 90))
RUN = api.run("tiny", "advtrain", ROOT, width=10, size=3, C0=10, eps=0.1, seed=0)


def network() -> Network:
    return random_network(0, 30, 12)[1]


def module(*between: torch.nn.Module, ends: int = 1) -> torch.nn.Module:
    return Sequential(Linear(12, 30), *between, Linear(30, ends))


def pruned() -> torch.nn.Module:
    return prune.l1_unstructured(Linear(12, 30), "weight", 0.3)


def normed() -> torch.nn.Module:
    return weight_norm(Linear(12, 30))


class Twice(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: api.attack(module(LeakyReLU()), X, Y, 0.2), "something else"),
        (lambda: api.attack(module(), X, Y, 0.2), "something else"),
        (lambda: api.attack(module(ReLU(), Dropout()), X, Y, 0.2), "call eval()"),
        (lambda: api.attack(module(BatchNorm1d(30), ReLU()).eval(), X, Y, 0.2), "something else"),
        (
            lambda: api.attack(module(ReLU(), Linear(30, 30), ReLU()), X, Y, 0.2),
            "Linear layers are 12 -> 30, 30 -> 30, 30 -> 1",
        ),
        (lambda: api.attack(module(ReLU(), ends=10), X, Y, 0.2), "one output or two; .* 30 -> 10"),
        (lambda: api.boundary(module(ReLU()), X[:, :5]), r"\(m, 5\)"),
        (lambda: api.boundary(module(ReLU()), TENSORS[0].reshape(-1, 3, 4)), "cannot be called"),
        (lambda: api.boundary(network(), X[:, :5]), r"\(m, 5\)"),
        (lambda: api.boundary(network(), np.full_like(X, np.inf)), "finite"),
        (lambda: api.accuracy(network(), np.full_like(X, np.nan), Y), "finite"),
        (lambda: api.boundary(network(), X > 0), "floats"),
        (lambda: api.boundary(network(), X.tolist()), "list"),
        (lambda: api.attack(NOTHING, X, Y, 0.2), "torch.nn.Module"),
        (lambda: api.attack(network(), 3 * X, Y, 0.2), r"\[0, 1\]"),
        (lambda: api.attack(network(), X, 2 * Y, 0.2), "labels"),
        (lambda: api.attack(network(), X, Y[1:], 0.2), r"40 labels.*\(39,\)"),
        (lambda: api.attack(network(), X, Y, -0.2), "eps: .* greater than 0"),
        (lambda: api.attack(network(), X, Y, TEXT), "eps: is not a number"),
        (lambda: api.attack(network(), X, Y, 10**400), "eps"),
        (lambda: api.attack(network(), X, Y, MANY), "eps: is not a number"),
        (lambda: api.attack(network(), X, Y, 0.2, steps=2**70), "steps: .* 1000000"),
        (lambda: api.attack(network(), X, Y, 0.2, step=0), "step: .* greater than 0"),
        (lambda: api.attack(network(), X, Y, 1e-9), "lost in float32"),
        (lambda: api.attack(network(), np.ma.array(X, mask=X > 0.5), Y, 0.2), "MaskedArray"),
        (lambda: api.attack(network(), X, np.ma.array(Y, mask=Y > 0), 0.2), "MaskedArray"),
        (lambda: api.attack(replace(network(), b=np.ones(29, np.float32)), X, Y, 0.2), r"\(29,\)"),
        (lambda: api.boundary(replace(network(), v=np.ones((30, 1), np.float32)), X), r"\(30, 1\)"),
        (lambda: api.accuracy(Network(np.ones((0, 12)), np.ones(0), np.ones(0), 0.0), X, Y), "m > 0"),
        (lambda: api.accuracy(replace(network(), v=np.full(30, np.nan)), X, Y), "v and c should be real and finite"),
        (lambda: api.attack(replace(network(), w=X.tolist()), X, Y, 0.2), "list"),
        (lambda: api.attack(replace(network(), w=network().w * 1j), X, Y, 0.2), "should be real"),
        (lambda: api.boundary(replace(network(), v=network().v.astype(object)), X), "should be real"),
        (lambda: api.accuracy(replace(network(), c=np.nan), X, Y), "c should be real and finite"),
        (lambda: api.attack(replace(network(), c=NOTHING), X, Y, 0.2), "c should be real and finite"),
        (lambda: api.train(RUN, TEXT), "split: should be a Split"),
        (lambda: api.train(NOTHING), "run: should be one that `run` gives"),
        (lambda: api.accuracy(Sequential(pruned(), ReLU(), Linear(30, 1)), X, Y), "plain parameters"),
        (lambda: api.boundary(Sequential(normed(), ReLU(), Linear(30, 1)), X), "remove_weight_norm"),
        (lambda: api.boundary(module(ReLU()).to("meta"), X), "plain parameters"),
        (lambda: api.boundary(network(), TENSORS[0].to("meta")), "cannot be an array"),
        (lambda: api.attack(network(), TENSORS[0].bfloat16(), Y, 0.2), "bfloat16"),
        (lambda: api.accuracy(network(), X[:0], Y[:0]), "n > 0"),
        (lambda: api.accuracy(network(), X, Y[1:]), r"40 labels.*\(39,\)"),
        (lambda: api.audit(network(), X[:0], Y[:0], 0.2), "n > 0"),
        (lambda: api.audit(network(), 3 * X, Y, 0.2), r"\[0, 1\]"),
        (lambda: api.audit(module(LeakyReLU()), X, Y, 0.2), "something else"),
        (lambda: api.audit(network(), X, Y, TEXT), "eps: is not a number"),
        (lambda: api.draw(-1, 10, 30, 12), "seed"),
        (lambda: api.draw(0, 10, 10**6, 10**6), "weights"),
        (lambda: api.train(RUN.model_copy(update={"width": 10**6, "size": 112})), "weights"),
        (lambda: api.train(RUN, Split(X, (Y + 1) / 2, X, Y)), "y_train"),
        (lambda: api.train(RUN, Split(X[:, :9], Y, X[:, :5], Y)), "x_test"),
        (lambda: api.train(RUN, Split(X.astype(float), Y, X, Y)), "float32"),
        (lambda: api.train(RUN, Split(X, Y, X, Y)), r"\(n, 9\).*\(40, 12\)"),
        (lambda: api.attack(Sequential(module(ReLU()), Twice()), X, Y, 0.2), "cannot be called"),
        (lambda: api.digits((3, 3)), "twice"),
        (lambda: api.table("quick", "training", ROOT), "experiment: should be one of advtrain"),
        (lambda: api.table("quick", NOTHING, ROOT), "experiment: should be one of advtrain"),
        (lambda: api.table("quick", MANY, ROOT), "experiment: should be one of advtrain"),
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
