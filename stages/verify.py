"""Train records again, in a temporary place, and compare them byte for byte; their `provenance` may differ.

Named records, or a sample of a preset's. With --accept, code that has changed since is written down as equal if
the sample is (equivalences.json), and the results that older code made stay fresh.
"""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic

arithmetic.pin()

from lazyadv.results import cost
from lazyadv.verify import acceptance, verification
from lazyadv.verify.acceptance import LEAST
from lazyadv.verify.verification import Refused, Stored
from lazyadv.workflow import bytecode, command, equivalence
from lazyadv.workflow.paths import run_path
from lazyadv.workflow.pipeline import Pipeline


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("records", nargs="*", type=Path, help="records to remake; by default a sample of a preset's")
    parser.add_argument("--preset", help="a preset of params.yaml; by default the one that params.yaml names")
    parser.add_argument("--sample", type=int, metavar="N", help=f"size of the sample; by default {LEAST}")
    parser.add_argument("--seed", type=int, help="seed of its draw; by default 0")
    parser.add_argument("--accept", action="store_true", help="if all agree, let today's code stand for the older")
    args = parser.parse_args()
    if args.records and args.accept:
        parser.error("--accept takes a sample of a preset, not named records")
    if args.records and [args.preset, args.sample, args.seed] != [None] * 3:
        parser.error("--preset, --sample and --seed are of a sample, not of named records")
    if args.accept and args.seed is not None:
        parser.error("--seed: --accept draws a sample of its own")
    count = LEAST if args.sample is None else args.sample
    if count < 1:
        parser.error("--sample: give a number above 0")
    bytecode.renew()
    if args.accept:
        accept(Pipeline.load("params.yaml", args.preset), count)
        return
    if args.records:
        chosen = [verification.stored(path) for path in args.records]
    else:
        chosen = verification.sample(stored(Pipeline.load("params.yaml", args.preset)), count, args.seed or 0)
    with tempfile.TemporaryDirectory() as folder:
        if compare(chosen, Path(folder)) is None:
            sys.exit(1)


def stored(pipeline: Pipeline) -> list[Stored]:
    """The records that there are of a preset.

    Raises:
        Refused: there is none.
    """
    paths = (run_path(pipeline.preset_name, run) for run in pipeline.runs())
    found = [verification.stored(path) for path in paths if path.exists()]
    if not found:
        raise Refused(f"{pipeline.preset_name} has no record here: `dvc pull`, or train it first")
    return found


def compare(chosen: list[Stored], folder: Path) -> set[tuple[str, str]] | None:
    """Make the records again, as many at a time as there are cores, and say of each if it is the same.

    Returns:
        The experiments and the digests of the code that made them again; None if a record is not the same.
    """
    time = timedelta(seconds=round(sum(each.seconds + cost.IMPORTS for each in chosen)))
    print(f"{len(chosen)} runs, about {time} (h:mm:ss) of one core like that which made them", flush=True)
    for each in chosen:
        verification.prepare(each.run, folder)
    same, codes = 0, set[tuple[str, str]]()
    with ThreadPoolExecutor(_cores()) as pool:
        found = pool.map(lambda each: verification.difference(each, folder), chosen)
        for place, (each, (difference, code)) in enumerate(zip(chosen, found, strict=True), 1):
            same += difference is None
            codes.add((each.run.experiment, code))
            print(f"{place:4} of {len(chosen)}  {difference or 'the same bytes':<16} {each.path}", flush=True)
    print(f"{same} of {len(chosen)} are the same bytes outside their provenance; arithmetic: {arithmetic.name()}")
    return codes if same == len(chosen) else None


def _cores() -> int:
    """The cores that this process may use; all, where the system (macOS) does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def accept(pipeline: Pipeline, count: int) -> None:
    """Write down that today's code makes what the code of a preset's results made, if a sample shows it.

    Raises:
        Refused: it does not, or the sample is too small.
    """
    records = stored(pipeline)
    behind = acceptance.behind(pipeline, records)
    chosen = acceptance.choose([each for each in records if each.path in behind and behind[each.path].changed], count)
    with tempfile.TemporaryDirectory() as folder:
        entries = acceptance.prepared(pipeline, Path(folder))
        codes = compare(chosen, Path(folder)) if chosen else set[tuple[str, str]]()
    if codes is None:
        raise Refused("refused: today's code makes other results, so these are stale")
    if codes != {(each.run.experiment, behind[each.path].today) for each in chosen}:
        raise Refused("refused: the code was changed while the sample was made")
    entries += acceptance.trained(behind, records, chosen)
    if entries:
        equivalence.add(entries)
    print(f"{equivalence.FILE.name}: {len(entries)} entries added; commit it" if entries else "nothing to accept")


if __name__ == "__main__":
    command.run(main)
