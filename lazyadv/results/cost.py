"""An estimate of what a run will cost: seconds from its work, memory from its parameters.

The unit of work is one step of the attack on one example, for one neuron and one dimension. Everything else is
converted into such steps. SGD and the search count as the number of steps that take as long. A longer step counts
for more, because the kernel then has to look at more neurons. The constants were fitted, and rounded, to the records of
`quick` and to jobs on all of MNIST; most of these the model predicts to within a third. How many seconds a unit takes
on a machine is worked out from the records there.
"""

import contextlib
import math
import statistics
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import NamedTuple

from lazyadv.experiments.run import Run
from lazyadv.results import record
from lazyadv.workflow.pipeline import Pipeline, reached

EXAMPLES = {
    "mnist": (12_665, 2_115),
    "mnist5k": (800, 200),
}  # train and test examples of the pair (0, 1); other pairs have about as many
SGD = 20  # steps that take as long as a pass of SGD over one example
SEARCH = 200  # steps that take as long as the search along the gradient from one example
LENGTH = 150  # extra steps that a path of length 1, in the units of x, costs
STEP = 250  # the fixed cost of a step, in neurons
NEURON = 60  # the fixed cost of a neuron, in dimensions
START = {True: 3e11, False: 5e10}  # work before the first epoch; True: with an attack, whose kernels are loaded
IMPORTS = 1  # second of imports, before the record's clock starts
UNIT = 2.2e-12  # seconds per unit on the busy core of the fit; for `minutes`, which reads no records
EPOCHS = 50  # the most that `share` counts
SHORT = 15  # minutes; runs that ask for no more than this share an allocation


def work(run: Run, epochs: int | float) -> float:
    """The units of work of a run that ends after `epochs`."""
    load = run.load(epochs, *EXAMPLES[run.dataset])
    steps = load.steps + LENGTH * load.path + SGD * load.sgd + SEARCH * load.searches
    attacks = run.load(1, *EXAMPLES[run.dataset]).steps > 0
    return START[attacks] + steps * (run.width + STEP) * (run.size**2 + NEURON)


def share(run: Run) -> float:
    """A run's weight in a progress display, which cannot know how many of its T epochs the run will need."""
    return work(run, min(run.most_epochs, EPOCHS))


def minutes(run: Run) -> int:
    """The time limit to request: five minutes, and twice the estimate for all T epochs, as cores may be slower."""
    return math.ceil(5 + 2 * UNIT * work(run, run.most_epochs) / 60)


def short(run: Run) -> bool:
    """Whether a run may share an allocation with others."""
    return minutes(run) <= SHORT


def memory_mb(run: Run) -> int:
    """The memory to request, in MB: one and a half times a fit to the measured peaks of jobs.

    The fit has a constant for the programs, and terms for copies of the network and of the examples.
    """
    floats = (16 * run.width + 5 * sum(EXAMPLES[run.dataset])) * run.size**2
    return math.ceil(1.5 * (200 + 4e-6 * floats))


class Measured(NamedTuple):
    """What a record says about its own cost."""

    run: Run
    epochs: int
    seconds: float


class Estimate(NamedTuple):
    """Seconds of one run on one core: expected, and if it takes all T epochs; whether a record like it was found."""

    expected: float
    most: float
    known: bool


def needs(pipeline: Pipeline, targets: Iterable[Path]) -> dict[Path, bool]:
    """The records that the targets need, and whether each of them has to be trained.

    Raises:
        ParamsError: a target is not in the pipeline.
    """
    asked = reached(targets, lambda path: pipeline.recipe(path).files)
    wanted = reached(targets, lambda path: pipeline.upstream(path)[0])
    records = sorted(path for path in asked if path.parent.name == "runs")
    return {path: path in wanted and not pipeline.fresh(path) for path in records}


def measured() -> list[Measured]:
    """The costs of all presets' records that were made on a CPU; damaged records are skipped."""
    found = []
    for path in Path("results").glob("*/*/runs/[!.]*.json"):
        with contextlib.suppress(record.RecordError):
            read = record.read(path)
            if read.provenance["device"] == "cpu":
                found.append(Measured(read.run, len(read.result.epochs), read.provenance["seconds"]))
    return found


def estimates(runs: list[Run], records: list[Measured]) -> list[Estimate]:
    """The cost of each run on the machine that made the records, of which there must be one.

    A run is expected to have as many epochs, and the pace, of the records nearest to it: of the same experiment and
    hyperparameters, at the least distance in the logarithms of the grid's axes (seeds and digits do not
    count). Where there is none it is counted with all T epochs, at the pace of all records.
    """
    groups: dict[Hashable, list[Measured]] = {}
    for each in records:
        groups.setdefault(_likeness(each.run), []).append(each)
    unit = sum(each.seconds for each in records) / sum(work(each.run, each.epochs) for each in records)
    return [_estimate(run, groups.get(_likeness(run), []), unit) for run in runs]


def _likeness(run: Run) -> Hashable:
    """What records must share to be alike; a run that does not train is like none that does."""
    return run.most_epochs > 0, *run.model_dump(exclude={*run.axes, "seed", "pair"}).items()


def _estimate(run: Run, alike: list[Measured], unit: float) -> Estimate:
    place, most = _place(run), run.most_epochs
    distances = [math.dist(place, _place(each.run)) for each in alike]
    near = [each for each, distance in zip(alike, distances, strict=True) if distance <= min(distances) + 1e-9]
    paces = [(each.epochs, each.seconds / work(each.run, each.epochs)) for each in near] or [(most, unit)]
    expected = statistics.mean(pace * work(run, epochs) for epochs, pace in paces)
    bound = statistics.mean(pace * work(run, most) for _, pace in paces)
    return Estimate(IMPORTS + expected, IMPORTS + bound, bool(near) or most == 0)


def _place(run: Run) -> list[float]:
    """The run's point in the grid, in logarithms; zero is far from everything."""
    return [math.log(getattr(run, axis) + 1e-9) for axis in run.axes if axis not in ("seed", "pair")]
