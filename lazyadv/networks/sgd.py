"""Minibatch SGD on the logistic loss, in the run's order, with or without a (2,∞) ball (docs/protocols.md, step 5)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lazyadv.networks.ball import deviations, project
from lazyadv.networks.network import Array, Network, accuracy, draw, namespace, to_device
from lazyadv.networks.outcome import Diverged, Epoch


def sgd_epoch(
    network: Network,
    x: Array,
    y: Array,
    bs: int,
    lr: float,
    ball: tuple[Network, float] | None = None,
) -> tuple[float, float]:
    """One pass of minibatch SGD over x (n, d), y (n,), in order, changing the network's w and b in place.

    The loss is the mean of log(1 + exp(−y f)), its gradient in closed form. With a `ball` (start, radius)
    the network is projected onto it after every step.

    Returns:
        the means over minibatches of the loss and of the accuracy, both from just before each step.
    """
    losses, accuracies = [], []
    for loss, correct in _sgd(network, x, y, bs, lr):
        losses.append(loss)
        accuracies.append(correct)
        if ball:
            project(network, *ball)
    return _mean(losses), _mean(accuracies)


def sgd_inside(
    network: Network, x: Array, y: Array, bs: int, lr: float, ball: tuple[Network, float], epoch: int
) -> tuple[float, bool]:
    """One pass of SGD, or the part of it before the first step that leaves the `ball`; that step is withdrawn.

    Returns:
        the mean loss over the minibatches seen, the withdrawn step's included, and whether a step left the ball.

    Raises:
        Diverged: the loss or the deviation is no longer finite.
    """
    losses = []
    inside = replace(network)
    start, radius = ball
    for loss, _ in _sgd(network, x, y, bs, lr):
        losses.append(loss)
        deviation = float(deviations(network, start).max())
        require_finite(epoch, float(loss), deviation)
        if deviation > radius:
            network.w, network.b = inside.w, inside.b
            return _mean(losses), True
        inside = replace(network)
    return _mean(losses), False


def _sgd(network: Network, x: Array, y: Array, bs: int, lr: float) -> Iterator[tuple[Array, Array]]:
    """Take a step for each minibatch in turn; yield the loss and the accuracy from just before it.

    A step binds new arrays to the network: a shallow copy taken before it stays as it is.
    """
    xp = namespace(x)
    for first in range(0, len(x), bs):
        batch, labels = x[first : first + bs], y[first : first + bs]
        z = network.hidden(batch)  # (B, m)
        margin = labels * (z.clip(0) @ network.v + network.c)  # (B,)
        decay = xp.exp(-abs(margin))
        loss = (xp.log1p(decay) - margin.clip(None, 0)).mean()
        pull = labels * xp.where(margin > 0, decay, 1 + 0 * decay) / (1 + decay)  # −∂ℓ/∂f = y / (1 + exp(y f))
        back = (lr / len(labels) * pull)[:, None] * ((z > 0) * network.v)  # (B, m)
        stepped = back.T @ batch
        stepped += network.w
        network.w, network.b = stepped, network.b + back.sum(0)
        yield loss, (margin > 0).sum() / len(labels)


def _mean(values: list[Array]) -> float:
    return float(sum(values)) / len(values)


def begin(x: np.ndarray, y: np.ndarray, width: int, seed: int, device: str) -> tuple[Network, Network, Array, Array]:
    """The network to train, a copy of it at the start, and x (n, d), y (n,) in the seed's order, on the device."""
    order, start = draw(seed, len(x), width, x.shape[1])
    start = to_device(start, device)
    return start.copy(), start, move(x[order], device), move(y[order], device)


def move(x: np.ndarray, device: str) -> Array:
    """The array on a device: NumPy's on the CPU, torch's elsewhere."""
    if device == "cpu":
        return x
    import torch

    return torch.from_numpy(x).to(device)


def measure_epoch(
    epoch: int, loss: float, network: Network, start: Network, x_test: Array, y_test: Array, **others: Any
) -> Epoch:
    """An epoch's loss, the deviation and clean test accuracy after it, and `others`.

    Raises:
        Diverged: the loss or the deviation is no longer finite.
    """
    deviation = float(deviations(network, start).max())
    require_finite(epoch, loss, deviation)
    clean = accuracy(network, x_test, y_test)
    return Epoch(epoch=epoch, loss=loss, clean_test_accuracy=clean, deviation=deviation, **others)


def require_finite(epoch: int, loss: float, deviation: float) -> None:
    """See that training has not diverged.

    Raises:
        Diverged: it has.
    """
    if not (np.isfinite(loss) and np.isfinite(deviation)):
        raise Diverged(f"epoch {epoch}: the loss is {loss}, the deviation {deviation}: lower the learning rate (lr)")
