"""Records made again, and compared with those that there are."""

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from lazyadv import data
from lazyadv.errors import UserError
from lazyadv.experiments.run import Run
from lazyadv.results import record
from lazyadv.workflow import equivalence, paths, provenance, recipes
from lazyadv.workflow.provenance import Ingredients
from lazyadv.workflow.sources import ROOT


class Refused(UserError):
    """The evidence asked for does not hold, or is too thin."""


@dataclass(frozen=True)
class Stored:
    """A record that there is, and the network beside it if that is kept."""

    path: Path
    run: Run
    stopped: str
    largest_deviation: float
    seconds: float
    made: Ingredients
    network: Path | None

    @property
    def code(self) -> str:
        """The digest of the code that made it."""
        return equivalence.code_digest(self.made.code)

    @property
    def origin(self) -> str:
        """The digest of the oldest code that this stands for."""
        return equivalence.origin("train", self.made.params, self.code)[0]

    @property
    def regime(self) -> str:
        """Whether its network was trained, and whether it came near the radius."""
        if not (self.run.most_epochs and self.run.radius):
            return "untrained"
        return "free" if self.largest_deviation < self.run.radius / 2 else "lazy"


def stored(path: Path) -> Stored:
    """The record at `path`.

    Raises:
        RecordError: it is damaged, or another run's.
    """
    read = record.read(path)
    deviation = max([read.result.invariants.deviation, *(epoch.deviation for epoch in read.result.epochs)])
    network = path.absolute().parents[1] / "networks" / f"{read.run.name}.npz"
    kept = network if network.exists() else None
    return Stored(path, read.run, read.result.stopped, deviation, read.provenance["seconds"], read.made_from, kept)


def sample(records: list[Stored], count: int, seed: int) -> list[Stored]:
    """`count` records of each experiment in turn, of each size and width in turn; which of these, `seed` draws."""
    drawn = random.Random(seed).sample(records, len(records))
    return in_turn(in_turn(drawn, "run.experiment", "run.size", "run.width"), "run.experiment")[:count]


def in_turn(records: list[Stored], *kind: str) -> list[Stored]:
    """The first record of each kind, the cheapest first, then the second of each, …; `kind` names attributes."""
    places = defaultdict[Any, Iterator[int]](itertools.count)
    place = {each.path: next(places[attrgetter(*kind)(each)]) for each in records}
    return sorted(records, key=lambda each: (place[each.path], each.seconds))


def prepare(run: Run, folder: Path) -> Path:
    """Prepare a run's data in `folder`, from digits that lie in this folder or are fetched again."""
    digits, path = paths.digits_path(run.dataset), paths.pair_path(run.dataset, run.pair, run.size, run.antialias)
    if run.dataset == "mnist" and recipes.has_digits(run.dataset) and not (folder / digits).exists():
        (folder / digits).parent.mkdir(parents=True)
        shutil.copy(digits, folder / digits)
    if not (folder / path).exists():
        run_stage(folder, "prepare", *recipes.prepare_flags(run.dataset, run.pair, run.size, run.antialias))
    return folder / path


def difference(old: Stored, folder: Path) -> tuple[str | None, str]:
    """Make a run again in `folder`, where its data are.

    Returns:
        The first key of its record that differs, if any; the digest of the code that made it again.

    Raises:
        Refused: its training fails.
    """
    new = Path(tempfile.mkdtemp(dir=folder)) / old.path.name  # not by its own path, which may lead anywhere
    network = new.with_suffix(".npz")
    keep = ["--network", str(network)] if old.network else []
    run_stage(folder, "train", *old.run.flags.split(), "--out", str(new), *keep)
    contents = [json.loads(path.read_bytes()) for path in (old.path, new)]
    for content in contents:
        for key in ("fingerprint", "digest", "provenance"):
            del content[key]
    found = first_difference(*contents)
    if not found and old.network:
        found = array_difference(old.network, network)
    return found, equivalence.code_digest(provenance.ingredients_of(new).code)


def first_difference(old: Any, new: Any, key: str = "") -> str | None:
    """Where two contents of JSON differ first, and how."""
    if isinstance(old, dict) and isinstance(new, dict):
        if old.keys() != new.keys():
            return f"{key or 'the record'}: other keys: {', '.join(sorted(old.keys() ^ new.keys()))}"
        parts = {f"{key}.{name}" if key else name: (old[name], new[name]) for name in old}
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        parts = {f"{key}[{place}]": pair for place, pair in enumerate(zip(old, new, strict=True))}
    else:
        texts = [json.dumps(value) for value in (old, new)]
        return None if texts[0] == texts[1] else f"{key}: {texts[0]:.60} became {texts[1]:.60}"
    return next((found for name, pair in parts.items() if (found := first_difference(*pair, name))), None)


def array_difference(old: Path, new: Path) -> str | None:
    """The first array of two .npz files that is not the same bytes."""
    before, after = (
        {name: (each.dtype.str, each.shape, each.tobytes()) for name, each in data.load(path).items()}
        for path in (old, new)
    )
    name = next((name for name in before | after if before.get(name) != after.get(name)), None)
    return f"{old}: {name}: other values" if name else None


def run_stage(folder: Path, stage: str, *arguments: str) -> None:
    """Run a stage in `folder`, beside a copy of this folder's params.yaml, if it has one, on code compiled there.

    Raises:
        Refused: it fails; with the last line that it printed.
    """
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
    if Path("params.yaml").exists():
        shutil.copy("params.yaml", folder)
    variables = os.environ | {"NUMBA_CACHE_DIR": str(folder.resolve() / "compiled")}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(command[1:])} failed: {done.stderr.strip().rpartition(chr(10))[2]}")
