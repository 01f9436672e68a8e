"""Train one network and measure it: one run of one experiment, with the release's flags.

Writes the run's record (JSON). The data are prepared first if they are not there.
"""

import argparse
import inspect
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, sources

arithmetic.pin()

from lazyadv import data
from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Flag, Run
from lazyadv.models import ParamsError, checked
from lazyadv.networks.outcome import Epoch
from lazyadv.results import record
from lazyadv.workflow import command, paths, provenance, recipes


def main() -> None:
    started = time.monotonic()
    args = vars(arguments().parse_args())
    out, kept, device = args.pop("out"), args.pop("network"), args.pop("device")
    run = parse(args)
    path = Path(out) if out else paths.run_path("by-hand", run)
    files = [path, Path(kept)] if kept else [path]
    if len({file.parent.resolve() / file.name for file in files}) < len(files):
        raise ParamsError("flags: --out and --network name the same file; name two")
    for file in files:
        require_writable(file)
    require_device(device)
    recipe = recipes.train(run)
    where = (run.dataset, run.pair, run.size, run.antialias)
    command.need(recipes.has_pair(*where), "prepare", *recipes.prepare_flags(*where))
    prepared = paths.pair_path(*where)
    made_from = recipe.ingredients(provenance.vouched)
    split = data.Split(**data.load(prepared))
    with Progress(run.T) as progress:
        outcome = run.train(split, device, progress.report)
    result = record.Result(
        n_train=len(split.y_train),
        n_test=len(split.y_test),
        stopped=outcome.stopped,
        epochs=tuple(outcome.epochs),
        search=outcome.search,
        invariants=outcome.invariants,
    )
    sources.require_unchanged(made_from.code)
    if kept:
        data.save(Path(kept), made_from.stamp, outcome.network.arrays())
    record.write(path, made_from, run, result, provenance.environment(device, time.monotonic() - started))
    print(f"{path}: {len(outcome.epochs)} epochs ({outcome.stopped}), {time.monotonic() - started:.1f} s")


def arguments() -> argparse.ArgumentParser:
    """The release's flags, with the defaults of the commands in its README, and this project's own."""
    parser = command.parser(__doc__)
    experiments = parser.add_subparsers(dest="experiment", required=True)
    for name, kind in EXPERIMENTS.items():
        sub = experiments.add_parser(
            name,
            help=inspect.getdoc(kind),
            description=inspect.getdoc(kind),
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        sub.add_argument("--num1", type=int, default=0, help="digit of class −1")
        sub.add_argument("--num2", type=int, default=1, help="digit of class +1")
        for field, info in kind.model_fields.items():
            for flag in (each for each in info.metadata if isinstance(each, Flag)):
                sub.add_argument(f"--{field}", default=flag.default, help=flag.help, **_kind(info.annotation))
        sub.add_argument("--device", default="cpu", help="cpu, or a device of torch's such as cuda")
        sub.add_argument("--out", metavar="FILE", help="the record; by default under results/by-hand/")
        sub.add_argument("--network", metavar="FILE", help="keep the final network, too (.npz)")
    return parser


def _kind(annotation: Any) -> dict[str, Any]:
    """How argparse reads a field of that type."""
    if annotation is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"choices": get_args(annotation)} if get_args(annotation) else {"type": annotation}


def parse(args: dict[str, Any]) -> Run:
    """The run that the flags ask for.

    Raises:
        ParamsError: a value is senseless; the message names the flag.
    """
    args["pair"] = (args.pop("num1"), args.pop("num2"))
    return checked(EXPERIMENTS[args["experiment"]], args, "flags")


def require_writable(path: Path) -> None:
    """See, before the work, that a file can be written.

    Raises:
        ParamsError: the path is a folder's, a device's, or that of anything else that is not a file.
        OSError: its folder cannot be made, or written to.
    """
    if path.is_dir():
        raise ParamsError(f"flags: {path} is a folder; name a file")
    if (path.exists() and not path.is_file()) or path.parent.resolve() == Path("/dev"):
        raise ParamsError(f"flags: {path} is a device or a pipe, which a file would replace; name a file")
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
            torch.ones(1, device=device).item()  # a device may have arrays, and no numbers in them
        except (RuntimeError, AssertionError, ImportError) as error:
            raise ParamsError(f"flags: device: {device!r} cannot be used: {str(error).partition(chr(10))[0]}") from None


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
