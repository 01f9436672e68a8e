"""The two experiments: standard training until the lazy radius, and projected adversarial training."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from lazyadv.data import Split
from lazyadv.networks import boundary
from lazyadv.networks.attack import norms, pgd
from lazyadv.networks.ball import deviations, project
from lazyadv.networks.network import Array, Network, accuracy, draw, namespace, to_device, to_numpy
from lazyadv.networks.outcome import Diverged, Epoch, Invariants, Outcome, Search, Statistic
from lazyadv.run import AdversarialRun, StandardRun

IMPROVEMENT = 1e-4  # of robust train accuracy, below which an epoch counts as stuck (docs/protocols.md, step 14)
STUCK_EPOCHS = 20
Report = Callable[[Epoch], None]


# a run that diverges is found by its loss and deviation, not by warnings on the way
@np.errstate(over="ignore", invalid="ignore")
def standard(run: StandardRun, split: Split, device: str, report: Report) -> Outcome:
    """SGD until it leaves the (2,∞) ball, then the step along the gradient that flips each test example.

    docs/protocols.md, steps 7 to 9. `released` measures the deviation after every epoch and keeps the first network
    outside the ball; `strict` measures it after every step and keeps the last inside. C0 = 0 means no training.
    """
    split = split.normalized() if run.normalize else split
    network, start, x, y = _begin(run, split, device)
    x_test, y_test = _move(split.x_test, device), _move(split.y_test, device)
    epochs: list[Epoch] = []
    left = run.radius == 0
    while not left and len(epochs) < run.T:
        if run.protocol == "strict":
            loss, left = _sgd_inside(network, x, y, run, start, len(epochs))
        else:
            loss, _ = sgd_epoch(network, x, y, run.bs, run.lr)
        deviation = float(deviations(network, start).max())
        _require_finite(len(epochs), loss, deviation)
        epochs.append(
            Epoch(
                epoch=len(epochs),
                loss=loss,
                clean_test_accuracy=accuracy(network, x_test, y_test),
                deviation=deviation,
            )
        )
        report(epochs[-1])
        left = left or deviation > run.radius
    search, repredicted = measure_search(network, split.x_test, split.y_test, run.protocol)
    deviation = float(deviations(network.double(), start.double()).max())
    invariants = Invariants(radius=run.radius, deviation=deviation, repredicted=repredicted)
    return Outcome(network, epochs, "radius" if left else "epochs", search, invariants)


@np.errstate(over="ignore", invalid="ignore")
def adversarial(run: AdversarialRun, split: Split, device: str, report: Report) -> Outcome:
    """Adversarial training with projection onto the (2,∞) ball (docs/protocols.md, steps 10 to 15).

    `released` projects once an epoch, after the evaluation; `strict` after every step of SGD.
    """
    split = split.normalized()
    network, start, x, y = _begin(run, split, device)
    x_test, y_test = _move(split.x_test, device), _move(split.y_test, device)
    strict = run.protocol == "strict"
    epochs: list[Epoch] = []
    robust: list[float] = []  # train accuracy, an epoch each
    stuck, ended = 0, False
    while not ended:
        attacked = x + pgd(network, x, y, run.eps, run.step, run.atk_iters)
        loss, accuracy_before = sgd_epoch(network, attacked, y, run.bs, run.lr, (start, run.radius) if strict else None)
        deviation = float(deviations(network, start).max())
        _require_finite(len(epochs), loss, deviation)
        robust.append(accuracy_before)
        stuck = stuck + 1 if _is_stuck(robust, strict) else 0
        ended = stuck > STUCK_EPOCHS or len(robust) == run.T
        if ended or not strict:  # `strict` needs it of the reported network alone
            perturbation = pgd(network, x_test, y_test, run.eps, run.step, run.atk_iters)
        epochs.append(
            Epoch(
                epoch=len(epochs),
                loss=loss,
                clean_test_accuracy=accuracy(network, x_test, y_test),
                robust_train_accuracy=accuracy_before,
                robust_test_accuracy=accuracy(network, x_test + perturbation, y_test) if ended or not strict else None,
                deviation=deviation,
            )
        )
        report(epochs[-1])
        if not (ended or strict):  # the reported network is the one before this projection
            project(network, start, run.radius)
    invariants = measure_attack(run.radius, network, start, x_test, y_test, perturbation)
    return Outcome(network, epochs, "patience" if stuck > STUCK_EPOCHS else "epochs", None, invariants)


def _is_stuck(robust: list[float], strict: bool) -> bool:
    """Whether the last epoch counts towards the patience; under `strict` only once there is something to lose."""
    if len(robust) < 3 or (strict and max(robust) == 0):
        return False
    return robust[-1] - robust[-2] <= IMPROVEMENT


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


def _sgd_inside(
    network: Network, x: Array, y: Array, run: StandardRun, start: Network, epoch: int
) -> tuple[float, bool]:
    """One pass of SGD, or the part of it before the first step that leaves the run's ball; that step is withdrawn.

    Returns:
        the mean loss over the minibatches seen, the withdrawn step's included, and whether a step left the ball.
    """
    losses = []
    inside = replace(network)
    for loss, _ in _sgd(network, x, y, run.bs, run.lr):
        losses.append(loss)
        deviation = float(deviations(network, start).max())
        _require_finite(epoch, float(loss), deviation)
        if deviation > run.radius:
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


def measure_search(network: Network, x: np.ndarray, y: np.ndarray, protocol: str) -> tuple[Search, float]:
    """The statistics of the exact search over the test set, and the share of flips that re-prediction confirms."""
    crossings = boundary.search(network, x)
    double = network.double()
    correct = double(x.astype(np.float64)) * y > 0
    flipped = correct & np.isfinite(crossings.step)
    norm = crossings.gradient_norm
    exact = crossings.step[flipped]
    if protocol == "released":
        delta = np.where(correct, crossings.on_grid(), 0)
        eta = delta / np.where(norm > 0, norm, 1)
    else:
        delta, eta = exact, exact / norm[flipped]
    length = np.sqrt((x.astype(np.float64) ** 2).sum(1))[flipped]
    search = Search(
        gradient_norm=Statistic.of(norm),
        delta=Statistic.of(delta),
        eta=Statistic.of(eta),
        delta_exact=Statistic.of(exact),
        relative_delta=Statistic.of(exact[length > 0] / length[length > 0]),  # an image can resize to nothing
        n_correct=int(correct.sum()),
        n_flipped=int(flipped.sum()),
    )
    beyond = (np.floor(exact / boundary.GRID) + 1) * boundary.GRID  # the next point of the release's grid
    moved = x[flipped] + beyond[:, None] * crossings.direction[flipped]
    return search, _share(double(moved) * y[flipped] <= 0)


def measure_attack(
    radius: float, network: Network, start: Network, x: Array, y: Array, perturbation: Array
) -> Invariants:
    """The promises of an adversarial run, measured again in float64 on the final network."""
    double = network.double()
    claimed = to_numpy(network(x + perturbation) * y <= 0)
    attacked = to_numpy(x).astype(np.float64) + to_numpy(perturbation)
    return Invariants(
        radius=radius,
        deviation=float(deviations(double, start.double()).max()),
        max_perturbation=float(norms(to_numpy(perturbation).astype(np.float64)).max()),
        repredicted=_share(double(attacked[claimed]) * to_numpy(y)[claimed] <= 0),
    )


def _share(confirmed: np.ndarray) -> float:
    """The fraction that is true; 1 where nothing was claimed."""
    return float(confirmed.mean()) if len(confirmed) else 1.0


def _begin(run: StandardRun | AdversarialRun, split: Split, device: str) -> tuple[Network, Network, Array, Array]:
    """The network to train, a copy of it at the start, and the training set in the run's order, on the device."""
    order, start = draw(run.seed, len(split.x_train), run.width, split.x_train.shape[1])
    start = to_device(start, device)
    return start.copy(), start, _move(split.x_train[order], device), _move(split.y_train[order], device)


def _move(x: np.ndarray, device: str) -> Array:
    if device == "cpu":
        return x
    import torch

    return torch.from_numpy(x).to(device)


def _require_finite(epoch: int, loss: float, deviation: float) -> None:
    if not (np.isfinite(loss) and np.isfinite(deviation)):
        raise Diverged(f"epoch {epoch}: the loss is {loss}, the deviation {deviation}: lower the learning rate (lr)")
