"""What it takes to say that today's code makes the same as older code: enough runs, chosen so that they tell."""

import datetime
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from lazyadv.verify.verification import Refused, Stored, array_difference, in_turn, prepare, run_stage
from lazyadv.workflow import equivalence, paths, provenance, recipes
from lazyadv.workflow.equivalence import Equivalence
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.provenance import Ingredients, Input, fingerprint_of

LEAST = 16  # runs that evidence rests on


class Codes(NamedTuple):
    """Digests of code: the oldest that a file's stands for, the oldest that today's stands for, today's."""

    origin: str
    reached: str
    today: str

    @property
    def changed(self) -> bool:
        """Whether it takes evidence for the file to count as today's."""
        return self.origin != self.reached


def codes_of(pipeline: Pipeline, path: Path, made: Ingredients) -> Codes | None:
    """The code behind a file, and today's; None if its parameters or inputs have changed, too."""

    def fingerprint(asked: Input) -> str:
        found = fingerprint_of(asked.path)
        if found is None and asked.rule in ("fetch", "prepare") and not asked.path.exists():
            return pipeline.fingerprint(asked.path)  # data that are not here are taken for what they should be
        if found is None:
            raise Refused(f"{asked.path}: is not there, or damaged; `dvc pull` it")
        return found

    wanted = pipeline.recipe(path).ingredients(fingerprint)
    if (wanted.params, wanted.inputs) != (made.params, made.inputs):
        return None
    stored, today = (equivalence.code_digest(each.code) for each in (made, wanted))
    old, new = (equivalence.origin(made.rule, made.params, digest)[0] for digest in (stored, today))
    return Codes(old, new, today)


def behind(pipeline: Pipeline, records: list[Stored]) -> dict[Path, Codes]:
    """The code behind each record of which at most the code has changed.

    Raises:
        Refused: a record, a kept network or data are not there.
    """
    _require_all(pipeline, records)
    found = {each.path: codes_of(pipeline, each.path, each.made) for each in records}
    return {path: codes for path, codes in found.items() if codes}


def _require_all(pipeline: Pipeline, records: list[Stored]) -> None:
    """Or what is not there might have taken a path through the code that no record here took."""
    name = pipeline.preset_name
    networks = [paths.network_path(name, run) for run in pipeline.preset.kept]
    for what, there, asked in (
        ("records", len(records), len(pipeline.runs())),
        ("networks", sum(path.exists() for path in networks), len(networks)),
    ):
        if there < asked:
            raise Refused(f"{name}: {asked - there} of its {asked} {what} are not here: `dvc pull` them")


def choose(records: list[Stored], count: int) -> list[Stored]:
    """Records that tell, as cheap as can be: of each experiment and code both ends of each axis, and each trait.

    Up to `count`, the cheapest others of each experiment in turn.

    Raises:
        Refused: `count` does not suffice for that, or is less than LEAST.
    """
    if not records:
        return []
    demands: dict[tuple[Any, ...], set[Path]] = {}
    for each in records:
        for trait in _traits(each):
            demands.setdefault(trait, set()).add(each.path)
    demands |= _ends(records)
    meets = np.array([[each.path in paths for each in records] for paths in demands.values()])
    found = milp(
        [1 + each.seconds for each in records],
        constraints=LinearConstraint(meets.astype(float), lb=1),
        integrality=np.ones(len(records)),
        bounds=Bounds(0, 1),
    )
    needed = [each for each, taken in zip(records, found.x, strict=True) if taken > 0.5]
    least = max(LEAST, len(needed))
    if len(records) < least:
        raise Refused(f"evidence takes {least} records, and only {len(records)} can be compared: train again")
    if count < least:
        raise Refused(f"evidence takes {least} of the {len(records)} records: give --sample {least} or more")
    cheapest = sorted(records, key=lambda each: (each.seconds, each.path))
    others = in_turn(cheapest, "run.experiment")
    chosen = list({each.path: each for each in (*needed, *others)}.values())[:count]
    return sorted(chosen, key=lambda each: each.seconds)


def _traits(each: Stored) -> Iterator[tuple[Any, ...]]:
    """The paths through the code that a record's run took: its regime, how it stopped, if its network is kept."""
    kind = (each.run.experiment, each.origin, each.code)
    yield (*kind, each.regime)
    yield (*kind, each.stopped)
    if each.network:
        yield (*kind, "keeps its network")


def _ends(records: list[Stored]) -> dict[tuple[Any, ...], set[Path]]:
    """The records at the ends of each axis, of each experiment and code."""
    groups: dict[tuple[str, ...], list[Stored]] = {}
    for each in records:
        groups.setdefault((each.run.experiment, each.origin, each.code), []).append(each)
    found = {}
    for kind, group in groups.items():
        for axis in group[0].run.axes:
            values = {each.path: getattr(each.run, axis) for each in group}
            for end in (min, max):
                extreme = end(values.values())
                found[*kind, axis, end.__name__] = {path for path, value in values.items() if value == extreme}
    return found


def evidence(
    rule: str, origin: str, made: dict[Path, Ingredients], axes: Iterable[str], today: str
) -> list[Equivalence]:
    """Entries on files that today's code made again: for it, and for each code that had made them.

    All have the same parameters outside `axes`.
    """
    by_code = {today: made}
    for path, each in made.items():
        by_code.setdefault(equivalence.code_digest(each.code), {})[path] = each
    same = {key: value for key, value in next(iter(made.values())).params.items() if key not in axes}
    date, commit = datetime.datetime.now(datetime.UTC).date().isoformat(), provenance.commit()
    entries = []
    for code, of in by_code.items():
        columns = {axis: [each.params[axis] for each in of.values()] for axis in axes}
        within = {axis: (min(values), max(values)) for axis, values in columns.items()}
        names = tuple(map(str, sorted(of)))
        entry = Equivalence(
            rule=rule, same=same, within=within, old=origin, new=code, compared=names, commit=commit, date=date
        )
        entries += [entry] if code != origin else []
    return entries


def prepared(pipeline: Pipeline, folder: Path) -> list[Equivalence]:
    """Evidence on digits and prepared data whose code has changed: all those of the preset that are here.

    Those that DVC does not keep (digits, other pairs) need not be here; but evidence on them needs them.

    Raises:
        Refused: one is not the same when it is made again.
    """
    found: dict[tuple[str, str, str], dict[Path, Ingredients]] = {}
    runs = {file: run for run in pipeline.runs() for file in recipes.train(run).files}
    digits = paths.digits_path(pipeline.preset.dataset)
    for path in filter(Path.exists, [digits, *runs]):
        made = provenance.ingredients_of(path)
        codes = codes_of(pipeline, path, made)
        if codes is None or not codes.changed:
            continue
        if path in runs:
            prepare(runs[path], folder)
        else:
            run_stage(folder, "fetch", pipeline.preset.dataset)
        if difference := array_difference(path, folder / path):
            raise Refused(f"refused: {difference}")
        found.setdefault((made.rule, codes.origin, codes.today), {})[path] = made
    axes = {"fetch": (), "prepare": ("pair", "size")}
    entries = [evidence(rule, origin, of, axes[rule], today) for (rule, origin, today), of in found.items()]
    return [entry for each in entries for entry in each]


def trained(codes: dict[Path, Codes], records: list[Stored], compared: list[Stored]) -> list[Equivalence]:
    """Evidence on the records whose code has changed, once those compared were seen to be the same.

    Raises:
        Refused: it would also cover records that other code made.
    """
    entries: list[Equivalence] = []
    for experiment in dict.fromkeys(each.run.experiment for each in compared):
        own = [each for each in records if each.run.experiment == experiment and each.path in codes]
        by_origin: dict[str, dict[Path, Ingredients]] = {}
        for each in compared:
            if each.run.experiment == experiment:
                by_origin.setdefault(each.origin, {})[each.path] = each.made
        today, axes = codes[own[0].path].today, own[0].run.axes
        groups = [evidence("train", origin, made, axes, today) for origin, made in by_origin.items()]
        # of entries that cover the same run the first counts: so the order may matter
        orders = ([*itertools.chain(*order)] for order in itertools.permutations(groups))
        found = next((order for order in orders if _keeps(order, codes, own)), None)
        if found is None:
            raise Refused(
                f"{experiment}: today's code made some records between the ends of those that other code made: "
                "get the older back (dvc checkout), or train the rest"
            )
        entries += found
    return entries


def _keeps(entries: list[Equivalence], codes: dict[Path, Codes], records: list[Stored]) -> bool:
    """Whether with these entries every record's code stands for what it stood for, and today's for the same."""
    together = (*equivalence.known(), *entries)
    equivalence.require_straight(together)
    return all(
        equivalence.origin("train", each.made.params, digest, together)[0] == each.origin
        for each in records
        for digest in (each.code, codes[each.path].today)
    )
