"""What a run costs before it is done: seconds from its work, memory from its tuple.

The unit of work is one step of the attack on one example by one neuron in one dimension. All else is told in
steps: SGD and the search in as many as take their time, a step's length in steps, for the kernel looks at the more
neurons the farther a step goes. The constants are rounded from the records of `quick` and from jobs on all of MNIST,
which the model meets to a third mostly. What a unit takes on a machine is for the records there to say.
"""

import contextlib
import math
import statistics
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lazyadv.results import record
from lazyadv.run import AdversarialRun, Run, StandardRun
from lazyadv.workflow.pipeline import SENTINEL, Pipeline

EXAMPLES = {
    "mnist": (12_665, 2_115),
    "mnist5k": (800, 200),
}  # of the pair (0, 1), other pairs about: train, test
SGD = 20  # steps: one example's pass of SGD
SEARCH = 200  # steps: one example's search along the gradient
LENGTH = 150  # steps: a path of length 1 in the units of x
STEP = 250  # neurons: what a step takes besides them
NEURON = 60  # dimensions: what a neuron takes besides them
START = {True: 3e11, False: 5e10}  # work: before the first epoch; with an attack, its kernels are loaded
IMPORTS = 1  # second, before the record's clock starts
UNIT = 2.2e-12  # seconds a unit on the busy core that the constants are of; for `minutes`, which asks no record
EPOCHS = 50  # that `share` counts at most
SHORT = 15  # minutes to ask for, up to which runs share an allocation


def work(run: Run, epochs: int | float) -> float:
    """The units of work of a run that ends after `epochs` (lazyadv/networks/training.py says what an epoch does)."""
    train, test = EXAMPLES[run.dataset]
    if isinstance(run, AdversarialRun):
        attack = run.atk_iters * (1 + LENGTH * run.step)
        attacks_on_test = 1 if run.protocol == "strict" else epochs
        steps = epochs * train * (attack + SGD) + attacks_on_test * test * attack
    else:
        steps = epochs * train * SGD + test * SEARCH
    return START[isinstance(run, AdversarialRun)] + steps * (run.width + STEP) * (run.size**2 + NEURON)


def most_epochs(run: Run) -> int:
    """T; but `standard` does not train at radius 0."""
    return 0 if isinstance(run, StandardRun) and run.radius == 0 else run.T


def share(run: Run) -> float:
    """A run's part in a progress display, where it is not known yet how many of its T epochs it will need."""
    return work(run, min(most_epochs(run), EPOCHS))


def minutes(run: Run) -> int:
    """Time to ask for: twice that of all T epochs, for slower cores, and five minutes for all that is not the run."""
    return math.ceil(5 + 2 * UNIT * work(run, most_epochs(run)) / 60)


def memory_mb(run: Run) -> int:
    """Memory to ask for, in MB: half as much again as jobs were measured to take at their peak.

    The programs themselves; copies of the network; copies of the examples.
    """
    floats = (16 * run.width + 5 * sum(EXAMPLES[run.dataset])) * run.size**2
    return math.ceil(1.5 * (200 + 4e-6 * floats))


@dataclass(frozen=True)
class Need:
    """The records of an experiment that targets ask for, and the runs among them that are to be trained."""

    preset: str
    experiment: str
    asked: int
    to_train: list[Run]


@dataclass(frozen=True)
class Measured:
    """What a record says of its own cost."""

    preset: str
    run: Run
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """Expected seconds on one core; those of the longest run; the runs that are counted with all T epochs."""

    seconds: float
    longest: float
    at_most: int


def needs(pipeline: Pipeline, targets: Iterable[Path]) -> list[Need]:
    """What targets need of each experiment.

    Raises:
        ParamsError: a target is not in the pipeline.
    """
    asked = _records(targets, lambda path: pipeline.recipe(path).inputs.values())
    wanted = _records(targets, lambda path: [] if pipeline.fresh(path) else pipeline.upstream(path)[0])
    stale = {path for path in wanted if not pipeline.fresh(path)}
    found: dict[tuple[str, str], list[Path]] = {}
    for path in asked:
        found.setdefault((path.parts[1], path.parts[2]), []).append(path)
    return [
        Need(*where, len(paths), [pipeline.run(path) for path in paths if path in stale])
        for where, paths in sorted(found.items())
    ]


def _records(targets: Iterable[Path], inputs: Callable[[Path], Iterable[Path]]) -> list[Path]:
    """The records among targets and all that they are made from, each once."""
    seen: dict[Path, None] = {}
    left = list(targets)
    while left:
        path = left.pop()
        if path not in seen and path != SENTINEL:
            seen[path] = None
            left += inputs(path)
    return [path for path in seen if path.parent.name == "runs"]


def measured() -> list[Measured]:
    """The costs of the records of all presets that a CPU made; a record that is damaged is passed over."""
    found = []
    for path in Path("results").glob("*/*/runs/[!.]*.json"):
        with contextlib.suppress(record.RecordError):
            _, run, result, provenance = record.read(path)
            if provenance["device"] == "cpu":
                found.append(Measured(path.parts[1], run, len(result.epochs), provenance["seconds"]))
    return found


def estimate(runs: list[Run], basis: list[Measured], own: list[Measured]) -> Estimate:
    """The expected cost of runs, a unit of work at the pace of the records in `basis`, which are some.

    A run has as many epochs as, on average, the records among its `own` preset's that differ from it in the seed
    alone; or else in the axes of the grid alone; or else T, which is the most that it can have.
    """
    unit = sum(each.seconds for each in basis) / sum(work(each.run, each.epochs) for each in basis)
    alike: dict[Hashable, list[int]] = {}
    for each in own:
        for key in _likeness(each.run):
            alike.setdefault(key, []).append(each.epochs)
    seconds, at_most = [], 0
    for run in runs:
        epochs = next((alike[key] for key in _likeness(run) if key in alike), None)
        at_most += epochs is None and most_epochs(run) > 0
        seconds.append(IMPORTS + unit * work(run, statistics.mean(epochs) if epochs else most_epochs(run)))
    return Estimate(sum(seconds), max(seconds, default=0), at_most)


def _likeness(run: Run) -> list[Hashable]:
    """What a run shares with those that differ in the seed alone, and with those that differ in their axes alone.

    Runs that do not train are like none that does.
    """
    trains = most_epochs(run) > 0
    return [(trains, tuple(run.model_dump(exclude=out).items())) for out in ({"seed"}, {*run.axes})]


def duration(seconds: float) -> str:
    """In the unit that suits: 12 s, 3.4 min, 5.6 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"
