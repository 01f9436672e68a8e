"""What it takes to say that today's code makes the same as older code: enough runs, chosen so that they tell."""

import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import milp

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
    name = pipeline.preset_name
    wanted = [paths.run_path(name, run) for run in pipeline.runs()]
    wanted += [paths.network_path(name, run) for run in pipeline.preset.kept]
    if missing := sum(not path.exists() for path in wanted):  # which might have taken a path that no record here took
        raise Refused(f"{name}: {missing} of its {len(wanted)} records and networks are not here: `dvc pull` them")
    found = {each.path: codes_of(pipeline, each.path, each.made) for each in records}
    return {path: codes for path, codes in found.items() if codes}


def choose(records: list[Stored], count: int) -> list[Stored]:
    """Records that tell, as cheap as can be: one of each of `_demands`, and LEAST or more.

    Up to `count`, the cheapest others of each experiment in turn.

    Raises:
        Refused: `count` does not suffice for that, or is less than LEAST.
    """
    if not records:
        return []
    meets = [[float(each.path in demand) for each in records] for demand in _demands(records)]
    found = milp([1 + each.seconds for each in records], constraints=(meets, 1, np.inf), integrality=1, bounds=(0, 1))
    needed = [each for each, taken in zip(records, found.x, strict=True) if taken > 0.5]
    least = max(LEAST, len(needed))
    if len(records) < least:
        raise Refused(f"evidence takes {least} records, and only {len(records)} can be compared: train again")
    if count < least:
        raise Refused(f"evidence takes {least} of the {len(records)} records: give --sample {least} or more")
    others = in_turn(sorted(records, key=lambda each: (each.seconds, each.path)), "run.experiment")
    return list({each.path: each for each in (*needed, *others)}.values())[:count]


def _demands(records: list[Stored]) -> Iterable[set[Path]]:
    """The records of each experiment and code that took one path through the code: by their regime, how they stopped,
    and if their network is kept; and those at either end of each axis.
    """
    found = defaultdict[Any, set[Path]](set)
    groups = defaultdict[Any, list[Stored]](list)
    for each in records:
        groups[each.run.experiment, each.origin, each.code].append(each)
    for kind, group in groups.items():
        axes = group[0].run.axes
        ends = {axis: [end(getattr(each.run, axis) for each in group) for end in (min, max)] for axis in axes}
        for each in group:
            traits = {"regime": each.regime, "stopped": each.stopped, "kept": bool(each.network)}
            traits |= {axis: value for axis in axes if (value := getattr(each.run, axis)) in ends[axis]}
            for trait in traits.items():
                found[kind, trait].add(each.path)
    return found.values()


def evidence(
    rule: str, origin: str, made: dict[Path, Ingredients], axes: Iterable[str], today: str
) -> list[Equivalence]:
    """Entries on files that today's code made again: for it, and for each code that had made them.

    All have the same parameters outside `axes`.
    """
    by_code = {today: made}
    for path, each in made.items():
        by_code.setdefault(equivalence.code_digest(each.code), {})[path] = each
    date, commit = datetime.datetime.now(datetime.UTC).date().isoformat(), provenance.commit()
    entries = []
    for code, of in by_code.items():
        columns = {axis: [each.params[axis] for each in of.values()] for axis in axes}
        entry = Equivalence(
            rule=rule,
            same={key: value for key, value in next(iter(of.values())).params.items() if key not in columns},
            within={axis: (min(values), max(values)) for axis, values in columns.items()},
            old=origin,
            new=code,
            compared=tuple(map(str, sorted(of))),
            commit=commit,
            date=date,
        )
        entries += [entry] if code != origin else []
    return entries


def prepared(pipeline: Pipeline, folder: Path) -> list[Equivalence]:
    """Evidence on digits and prepared data whose code has changed: all those of the preset that are here.

    Those that DVC does not keep (digits, other pairs) need not be here; but evidence on them needs them.

    Raises:
        Refused: one is not the same when it is made again.
    """
    found = defaultdict[tuple[str, str, str], dict[Path, Ingredients]](dict)
    runs = {file: run for run in pipeline.runs() for file in recipes.train(run).files}
    for path in filter(Path.exists, [paths.digits_path(pipeline.preset.dataset), *runs]):
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
        found[made.rule, codes.origin, codes.today][path] = made
    axes = {"fetch": (), "prepare": ("pair", "size")}
    entries = (evidence(rule, origin, of, axes[rule], today) for (rule, origin, today), of in found.items())
    return [*itertools.chain(*entries)]


def trained(codes: dict[Path, Codes], records: list[Stored], compared: list[Stored]) -> list[Equivalence]:
    """Evidence on the records whose code has changed, once those compared were seen to be the same.

    Raises:
        Refused: it would also cover records that other code made.
    """
    entries: list[Equivalence] = []
    made = defaultdict[str, defaultdict[str, dict[Path, Ingredients]]](lambda: defaultdict(dict))
    for each in compared:
        made[each.run.experiment][each.origin][each.path] = each.made
    for experiment, by_origin in made.items():
        own = [each for each in records if each.run.experiment == experiment and each.path in codes]
        today, axes = codes[own[0].path].today, own[0].run.axes
        groups = [evidence("train", origin, of, axes, today) for origin, of in by_origin.items()]
        for order in itertools.permutations(groups):  # of entries that cover the same run the first counts
            found = [*itertools.chain(*order)]
            together = (*equivalence.known(), *found)
            equivalence.require_straight(together)
            if all(
                equivalence.origin("train", each.made.params, digest, together)[0] == each.origin
                for each in own
                for digest in (each.code, today)
            ):
                entries += found
                break
        else:
            raise Refused(
                f"{experiment}: today's code made some records between the ends of those that other code made: "
                "get the older back (dvc checkout), or train the rest"
            )
    return entries
