"""Train one network and measure it: one run of one experiment, with the release's flags.

Writes the run's record (JSON). The data are prepared first if they are not there.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, paths

arithmetic.pin()

from lazyadv import data
from lazyadv.networks import training
from lazyadv.networks.outcome import Epoch
from lazyadv.results import record
from lazyadv.run import EXPERIMENTS, RUNS, AdversarialRun, Dataset, ParamsError, Protocol, Run, StandardRun, checked
from lazyadv.workflow import command, provenance, recipes

standard = training.standard
advtrain = training.adversarial
advtraingap = training.adversarial
advtrainpair = training.adversarial


def main() -> None:
    started = time.monotonic()
    args = vars(arguments().parse_args())
    out, kept, device = args.pop("out"), args.pop("network"), args.pop("device")
    run = parse(args)
    path = Path(out) if out else paths.run_path("by-hand", run)
    for file in (path, Path(kept)) if kept else (path,):
        require_writable(file)
    require_device(device)
    recipe = recipes.train(run)
    where = (run.dataset, run.pair, run.size, run.antialias)
    command.need(recipes.has_pair(*where), "prepare", *flags_of_data(run))
    prepared = paths.pair_path(*where)
    made_from = recipe.ingredients(provenance.vouched)
    split = data.Split(**data.load(prepared))
    with Progress(run.T) as progress:
        # looked up by name, so that an experiment's record depends on that experiment's code alone
        outcome = globals()[run.experiment](run, split, device, progress.report)
    result = record.Result(
        n_train=len(split.y_train),
        n_test=len(split.y_test),
        stopped=outcome.stopped,
        epochs=tuple(outcome.epochs),
        search=outcome.search,
        invariants=outcome.invariants,
    )
    if kept:
        data.save(Path(kept), made_from.stamp, outcome.network.arrays())
    record.write(path, made_from, run, result, provenance.environment(device, time.monotonic() - started))
    print(f"{path}: {len(outcome.epochs)} epochs ({outcome.stopped}), {time.monotonic() - started:.1f} s")


def arguments() -> argparse.ArgumentParser:
    """The release's flags, with the defaults of the commands in its README, and this project's own."""
    parser = command.parser(__doc__)
    experiments = parser.add_subparsers(dest="experiment", required=True)
    for name in EXPERIMENTS:
        sub = experiments.add_parser(
            name,
            help=RUN_HELP[name],
            description=RUN_HELP[name],
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        clean = name == "standard"
        sub.add_argument("--bs", type=int, default=64 if clean else 32, help="examples in a minibatch")
        sub.add_argument("--T", type=int, default=1000, help="epochs at most")
        sub.add_argument("--lr", type=float, default=0.1 if clean else 0.01, help="learning rate")
        sub.add_argument("--num1", type=int, default=0, help="digit of class −1")
        sub.add_argument("--num2", type=int, default=1, help="digit of class +1")
        sub.add_argument("--width", type=int, default=1000, help="hidden neurons m")
        sub.add_argument(
            "--size", type=int, default=28 if name == "advtraingap" else 5, help="pixels a side; d = size²"
        )
        add_own(sub, name)
        sub.add_argument("--seed", type=int, default=0)
        sub.add_argument("--dataset", choices=get_args(Dataset), default="mnist")
        sub.add_argument("--protocol", choices=get_args(Protocol), default="released")
        sub.add_argument("--antialias", action=argparse.BooleanOptionalAction, default=False, help="when resizing")
        sub.add_argument("--device", default="cpu", help="cpu, or a device of torch's such as cuda")
        sub.add_argument("--out", metavar="FILE", help="the record; by default under results/by-hand/")
        sub.add_argument("--network", metavar="FILE", help="keep the final network, too (.npz)")
    return parser


def add_own(sub: argparse.ArgumentParser, name: str) -> None:
    """The flags that an experiment does not share with all others."""
    if name == "advtraingap":
        sub.add_argument("--gap", type=float, default=0.1, help="largest deviation of a neuron")
    else:
        sub.add_argument("--C0", type=float, default=10, help="largest deviation of a neuron, times √m")
    if name == "standard":
        sub.add_argument(
            "--normalize",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="scale examples to unit length; by default under the strict protocol only",
        )
    else:
        sub.add_argument("--eps", type=float, default=0.2, help="L2 radius of the attack")
        sub.add_argument("--atk_iters", type=int, default=100, help="steps of the attack")


RUN_HELP = {
    "standard": "train until the lazy radius, then find the step along the gradient that flips each prediction",
    "advtrain": "projected adversarial training within C0/√m",
    "advtraingap": "projected adversarial training within a given gap",
    "advtrainpair": "as advtrain, for figures over pairs of digits",
}


def parse(args: dict[str, Any]) -> StandardRun | AdversarialRun:
    """The run that the flags ask for.

    Raises:
        ParamsError: a value is senseless; the message names the flag.
    """
    args["pair"] = (args.pop("num1"), args.pop("num2"))
    if args.get("normalize", 0) is None:
        args["normalize"] = args["protocol"] == "strict"
    run = checked(RUNS[args["experiment"]], args, "flags")
    assert isinstance(run, StandardRun | AdversarialRun)
    return run


def require_writable(path: Path) -> None:
    """See, before the work, that a file can be written.

    Raises:
        ParamsError: the path is a folder's.
        OSError: its folder cannot be made, or written to.
    """
    if path.is_dir():
        raise ParamsError(f"flags: {path} is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=path.parent).close()


def require_device(device: str) -> None:
    """See that the device can be used.

    Raises:
        ParamsError: it cannot; the message says why.
    """
    if device != "cpu":
        import torch

        try:
            torch.zeros(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ParamsError(f"flags: device: {device!r} cannot be used: {str(error).partition(chr(10))[0]}") from None


def flags_of_data(run: Run) -> list[str]:
    """The arguments that make stages/prepare.py prepare the run's data."""
    antialias = "--antialias" if run.antialias else "--no-antialias"
    words = [run.dataset, "--num1", run.pair[0], "--num2", run.pair[1], "--size", run.size, antialias]
    return [str(word) for word in words]


class Progress:
    """A bar on a terminal; elsewhere a plain line for every tenth epoch."""

    def __init__(self, epochs: int) -> None:
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=epochs, unit="epoch")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def report(self, epoch: Epoch) -> None:
        values = epoch.model_dump(exclude_none=True, exclude={"epoch"})
        if self._bar is None:
            if epoch.epoch % 10 == 0:
                print(
                    f"epoch {epoch.epoch}: " + ", ".join(f"{k} {v:.4f}" for k, v in values.items()),
                    flush=True,
                )
        else:
            self._bar.set_postfix({key: f"{value:.3f}" for key, value in values.items()}, refresh=False)
            self._bar.update()


if __name__ == "__main__":
    command.run(main)
