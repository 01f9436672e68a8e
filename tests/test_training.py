"""The experiments: what they promise of the ball, of where they stop, and of their own claims."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import random_examples, random_network
from matplotlib.figure import Figure

from lazyadv.data import Split
from lazyadv.experiments import adversarial
from lazyadv.experiments.adversarial import AdvtraingapRun, AdvtrainRun
from lazyadv.experiments.run import Run
from lazyadv.experiments.standard import StandardRun
from lazyadv.findings import style
from lazyadv.networks import sgd
from lazyadv.networks.ball import deviations
from lazyadv.networks.network import Network, accuracy, draw
from lazyadv.networks.outcome import Diverged, Epoch
from lazyadv.results import record, table
from lazyadv.workflow.provenance import Ingredients

COMMON: dict[str, Any] = {"dataset": "mnist5k", "pair": (0, 1), "antialias": False, "width": 40, "size": 3, "seed": 0}


def split(count: int = 60) -> Split:
    """Two classes that differ in their first pixel."""
    x, y = random_examples(0, count, 9)
    x[:, 0] += 0.5 * (y > 0)
    return Split(x[: count // 2], y[: count // 2], x[count // 2 :], y[count // 2 :])


def standard(**changes: Any) -> StandardRun:
    return StandardRun(
        **COMMON | {"bs": 8, "T": 50, "lr": 0.2, "normalize": False, "protocol": "strict", "C0": 4} | changes
    )


def advtrain(**changes: Any) -> AdvtrainRun:
    settings = {"bs": 8, "T": 5, "lr": 0.2, "atk_iters": 5, "protocol": "strict", "C0": 1, "eps": 0.1}
    return AdvtrainRun(**COMMON | settings | changes)


def silent(epoch: Epoch) -> None:
    pass


def test_sgd_is_autograds() -> None:
    """One epoch of the closed form against torch's own autograd and SGD."""
    _, network = random_network(3, 30, 9)
    data = split()
    w, b = (torch.from_numpy(part.copy()).requires_grad_() for part in (network.w, network.b))
    v = torch.from_numpy(network.v)
    optimizer = torch.optim.SGD([w, b], lr=0.3)
    losses = []
    for first in range(0, len(data.x_train), 8):
        x, y = (torch.from_numpy(part[first : first + 8]) for part in (data.x_train, data.y_train))
        loss = torch.nn.functional.softplus(-y * (torch.relu(x @ w.T + b) @ v + network.c)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    loss_of_epoch, _ = sgd.sgd_epoch(network, data.x_train, data.y_train, 8, 0.3)
    np.testing.assert_allclose(network.w, w.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(network.b, b.detach().numpy(), atol=1e-6)
    assert loss_of_epoch == pytest.approx(np.mean(losses), rel=1e-5)


def test_standard_stops_at_the_radius_outside_or_inside() -> None:
    released = standard(protocol="released").train(split(), "cpu", silent)
    strict = standard().train(split(), "cpu", silent)
    for outcome in (released, strict):
        assert outcome.stopped == "radius"
        assert outcome.invariants.repredicted == 1
        assert outcome.invariants.deviation == pytest.approx(outcome.epochs[-1].deviation, rel=1e-5)
    assert released.epochs[-1].deviation > released.invariants.radius >= released.epochs[-2].deviation
    assert strict.invariants.radius >= strict.epochs[-1].deviation > strict.epochs[-2].deviation


def path_of(run: StandardRun, data: Split, steps: int) -> list[tuple[Network, float, float]]:
    """The networks before each of the first steps of SGD, with their deviation and the loss of the minibatch ahead."""
    order, start = draw(run.seed, len(data.x_train), run.width, data.x_train.shape[1])
    x, y = data.x_train[order], data.y_train[order]
    network, path = start.copy(), []
    for step in range(steps):
        first = step * run.bs % (-(-len(x) // run.bs) * run.bs)  # an epoch's last minibatch is shorter
        before, deviation = network.copy(), float(deviations(network, start).max())
        loss, _ = sgd.sgd_epoch(network, x[first : first + run.bs], y[first : first + run.bs], run.bs, run.lr)
        path.append((before, deviation, loss))
    return path


@pytest.mark.parametrize("step", [1, 3, 8, 10])  # within an epoch of four steps, and after its last
def test_strict_reports_the_network_before_the_first_step_that_leaves_the_ball(step: int) -> None:
    """A radius that a step meets exactly keeps it; the next smaller one withdraws it."""
    data, common = split(), {"width": 64, "lr": 0.5}  # √64 rounds nothing
    path = path_of(standard(**common), data, 12)
    met = path[step][1]
    assert met == max(deviation for _, deviation, _ in path[: step + 1]) < path[step + 1][1]
    for radius, kept in ((met, step), (np.nextafter(met, 0), step - 1)):
        outcome = standard(**common, C0=radius * 8).train(data, "cpu", silent)
        network, deviation, _ = path[kept]
        assert outcome.invariants.radius == radius
        assert outcome.stopped == "radius"
        assert np.array_equal(outcome.network.w, network.w)
        assert np.array_equal(outcome.network.b, network.b)
        last = outcome.epochs[-1]
        losses = [loss for _, _, loss in path[last.epoch * 4 : kept + 1]]
        assert len(outcome.epochs) == kept // 4 + 1
        assert last.deviation == deviation <= radius
        assert last.loss == pytest.approx(np.mean(losses), rel=1e-6)
        assert last.clean_test_accuracy == accuracy(network, data.x_test, data.y_test)


def test_released_counts_misclassified_examples_as_zero() -> None:
    data = split()
    data.y_test[:5] *= -1
    searches = [standard(protocol=p).train(data, "cpu", silent).search for p in ("released", "strict")]
    assert all(search is not None for search in searches)
    released, strict = searches
    assert released
    assert strict
    assert released.n_correct < 30
    assert strict.delta == strict.delta_exact
    assert released.delta.mean is not None
    assert released.delta_exact.mean is not None
    assert released.delta.mean < released.delta_exact.mean


def test_radius_zero_keeps_the_start() -> None:
    untrained = standard(C0=0).train(split(), "cpu", silent)
    kept = advtrain(C0=0).train(split(), "cpu", silent)
    _, start = draw(0, 30, 40, 9)
    for outcome in (untrained, kept):
        assert np.array_equal(outcome.network.w, start.w)
        assert np.array_equal(outcome.network.b, start.b)
        assert outcome.invariants.deviation == 0
    assert untrained.epochs == []


def test_strict_ends_inside_the_ball_and_released_where_the_step_left_it() -> None:
    strict = advtrain().train(split(), "cpu", silent)
    released = advtrain(protocol="released").train(split(), "cpu", silent)
    assert strict.invariants.deviation <= strict.invariants.radius * (1 + 1e-5)
    assert released.invariants.deviation > released.invariants.radius
    assert released.invariants.deviation == pytest.approx(released.epochs[-1].deviation, rel=1e-5)
    for outcome in (strict, released):
        assert outcome.invariants.repredicted == 1
        assert outcome.invariants.max_perturbation is not None
        assert outcome.invariants.max_perturbation <= 0.1 * (1 + 1e-5)


def test_the_step_of_the_attack_differs_between_protocols() -> None:
    """2.5 ε/100 whatever atk_iters, against 2.5 ε/atk_iters: five steps go ε/8 far, or reach ε."""
    far = [
        advtrain(protocol=p, T=1).train(split(), "cpu", silent).invariants.max_perturbation
        for p in ("released", "strict")
    ]
    assert far == [pytest.approx(0.1 / 8, rel=1e-3), pytest.approx(0.1, rel=1e-3)]


def test_patience_waits_for_something_to_lose_under_strict_only() -> None:
    """With an attack that always wins, `released` gives up at epoch 22."""
    hopeless = {"eps": 5, "lr": 1e-6, "T": 40, "atk_iters": 100}
    data = split()
    released = advtrain(protocol="released", **hopeless).train(data, "cpu", silent)
    strict = advtrain(**hopeless).train(data, "cpu", silent)
    assert max(epoch.robust_train_accuracy or 0 for epoch in strict.epochs) == 0
    assert (released.stopped, len(released.epochs)) == ("patience", 23)
    assert (strict.stopped, len(strict.epochs)) == ("epochs", 40)


def test_an_epoch_is_stuck_that_gains_no_more_than_one_in_ten_thousand() -> None:
    """docs/protocols.md, step 14."""
    for gain, stuck in ((-0.1, True), (0.5e-4, True), (1.5e-4, False)):
        assert adversarial._is_stuck([0.1, 0.5, 0.5 + gain], strict=False) is stuck


def test_torchs_tensors_give_what_numpys_arrays_do() -> None:
    """The path of GPUs, on the CPU: dense PGD and whole-array projection."""
    for protocol in ("released", "strict"):
        ours, theirs = (advtrain(protocol=protocol).train(split(), device, silent) for device in ("cpu", "cpu:0"))
        for a, b in zip(ours.epochs, theirs.epochs, strict=True):
            assert a.loss == pytest.approx(b.loss, rel=1e-4)
            assert a.deviation == pytest.approx(b.deviation, rel=1e-4)
        np.testing.assert_allclose(ours.network.w, theirs.network.w.numpy(), atol=1e-4)
    ours, theirs = (standard().train(split(), device, silent) for device in ("cpu", "cpu:0"))
    assert ours.search
    assert theirs.search
    assert ours.search.delta.mean == pytest.approx(theirs.search.delta.mean, rel=1e-3)


def test_a_loss_that_is_not_a_number_ends_the_run() -> None:
    with pytest.raises(Diverged, match="lr"):
        standard(lr=1e38, C0=1e38).train(split(), "cpu", silent)


def test_deviation_moves_as_the_gap_allows() -> None:
    common = {key: value for key, value in advtrain().model_dump().items() if key not in ("C0", "experiment")}
    for gap in (0.01, 0.1):
        outcome = AdvtraingapRun(**common, gap=gap).train(split(), "cpu", silent)
        _, start = draw(0, 30, 40, 9)
        assert deviations(outcome.network, start).max() == pytest.approx(gap, rel=1e-4)


def saved(path: Path, run: Run, device: str = "cpu") -> Path:
    outcome = advtrain().train(split(), "cpu", silent)
    result = record.Result(
        n_train=30, n_test=30, stopped="epochs", epochs=tuple(outcome.epochs), invariants=outcome.invariants
    )
    environment = {"seconds": 1.0, "device": device, "arithmetic": "here"}
    record.write(path, Ingredients("train", {}, {}, {}), run, result, environment)
    return path


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    run = advtrain()
    path = saved(tmp_path / f"{run.name}.json", run)
    _, _, again, result, _ = record.read(path)
    assert again == run
    assert len(result.epochs) == 5
    assert next(iter(json.loads(path.read_text()))) == "fingerprint"


def test_a_row_and_the_caption_name_the_device_of_a_record(tmp_path: Path) -> None:
    """Its fingerprint does not: a GPU's record may lie where a CPU's would."""
    run = advtrain()
    rows, marks = [], []
    for device in ("cpu", "cuda"):
        path = saved(tmp_path / f"{run.name}.json", run, device)
        read = record.read(path)
        marks.append(read.fingerprint)
        rows.append(table.row(path, run, read))
    assert [row["arithmetic"] for row in rows] == ["here", "cuda"]
    assert marks[0] == marks[1]
    figure = Figure()
    style.caption(figure, table.Selection(pd.DataFrame(rows), 2))
    assert "computed\xa0on\xa0cuda,\xa0here" in figure.get_supxlabel()


def test_a_damaged_or_misplaced_record_is_named(tmp_path: Path) -> None:
    run = advtrain()
    good = saved(tmp_path / f"{run.name}.json", run).read_text()
    for bad in (
        good[:-40],
        "[]",
        "null",
        "",
        good.replace('"loss": [0', '"loss": ["x'),
        good.replace(": 40", ": 50"),
    ):
        path = tmp_path / f"{run.name}.json"
        path.write_text(bad)
        with pytest.raises(record.RecordError, match=run.name):
            record.read(path)
