"""What it takes to say that today's code makes the same as older code: enough runs, chosen so that they tell."""

import datetime
import json
from pathlib import Path
from typing import Any

from lazyadv.results.verification import Refused, Stored, array_difference, prepare, run_stage, sample
from lazyadv.workflow import equivalence, paths, pipeline, provenance
from lazyadv.workflow.equivalence import Equivalence
from lazyadv.workflow.provenance import Ingredients, fingerprint_of

LEAST = 8  # runs that evidence rests on


class Acceptance:
    """The evidence that a preset's results would be the same if today's code had made them."""

    def __init__(self, made: pipeline.Pipeline, records: list[Stored]) -> None:
        """Of these records, those of which nothing but the code has changed.

        Raises:
            Refused: a record, a kept network or data are not there; or some records of an experiment are of other
                code than the rest.
        """
        self.pipeline = made
        _require_all(made, records)
        self.codes: dict[str, tuple[str, str]] = {}  # experiment -> the oldest code, today's
        groups: dict[str, dict[str, list[Stored]]] = {}
        for each in records:
            if found := self._codes(each.path, each.made):
                groups.setdefault(each.run.experiment, {}).setdefault(found[0], []).append(each)
                if found[0] != found[1]:
                    self.codes[each.run.experiment] = (found[0], found[2])
        self.changed = [each for experiment in self.codes for group in groups[experiment].values() for each in group]
        for experiment in self.codes:
            if len(groups[experiment]) > 1:
                counts = " and ".join(f"{len(group)} of code {code:.8}" for code, group in groups[experiment].items())
                raise Refused(f"{experiment}: {counts}: get the former back (dvc checkout), or train the rest")

    def _codes(self, path: Path, made: Ingredients) -> tuple[str, str, str] | None:
        """The oldest code that stands for the file's, that for today's, and today's; if parameters and data are so."""
        wanted = self.pipeline.recipe(path).ingredients(self._fingerprint)
        if (wanted.params, wanted.inputs) != (made.params, made.inputs):
            return None
        old, new = (equivalence.origin(each.rule, each.params, each.code)[0] for each in (made, wanted))
        return old, new, equivalence.code_digest(wanted.code)

    def _fingerprint(self, path: Path) -> str:
        """That of a file which results were made from; of data that are not here, that which they should have."""
        found = fingerprint_of(path)
        if found is None and path.parts[0] == "data" and not path.exists():
            return self.pipeline.fingerprint(path)
        if found is None:
            raise Refused(f"{path}: is not there, or damaged; `dvc pull` it")
        return found

    def choose(self, count: int, seed: int) -> list[Stored]:
        """At least one changed record of every path through the code, one of the largest size among those of the
        largest width, and one the other way about.

        Raises:
            Refused: `count` does not suffice for that, or is less than LEAST.
        """
        demands: dict[tuple[str, str], set[Path]] = {}
        for each in self.changed:
            for trait in each.traits:
                demands.setdefault(trait, set()).add(each.path)
        for experiment in self.codes:
            runs = [each for each in self.changed if each.run.experiment == experiment]
            for axes in (("width", "size"), ("size", "width")):
                largest = max(_values(each, axes) for each in runs)
                demands[experiment, axes[0]] = {each.path for each in runs if _values(each, axes) == largest}
        needed: dict[Path, Stored] = {}
        pool = sample(self.changed, len(self.changed), seed)
        while unmet := [paths for paths in demands.values() if not paths & needed.keys()]:
            best = max(pool, key=lambda each: sum(each.path in paths for paths in unmet))
            needed[best.path] = best
        least = max(LEAST, len(needed))
        if self.changed and len(self.changed) < least:
            raise Refused(f"evidence takes {least} records, and only {len(self.changed)} can be compared: train again")
        if self.changed and count < least:
            raise Refused(f"evidence takes {least} of the {len(self.changed)} records: give --sample {least} or more")
        return sample(self.changed, count, seed, needed.values())

    def prepared(self, folder: Path) -> list[Equivalence]:
        """Evidence on digits and prepared data whose code has changed: all those of the preset that are here.

        Those that DVC does not keep (digits, other pairs) need not be here; but evidence on them needs them.

        Raises:
            Refused: one is not the same when it is made again.
        """
        found: dict[tuple[str, str, str, str], list[Path]] = {}
        runs = {file: run for run in self.pipeline.runs() for file in pipeline.train(run).inputs.values()}
        digits = paths.digits_path(self.pipeline.preset.dataset)
        for path in filter(Path.exists, [digits, *runs]):
            codes = self._codes(path, provenance.ingredients_of(path))
            if codes and codes[0] != codes[1]:
                if path in runs:
                    prepare(runs[path], folder)
                else:
                    run_stage(folder, "fetch", self.pipeline.preset.dataset)
                if changed := array_difference(path, folder / path):
                    raise Refused(f"refused: {changed}")
                recipe = self.pipeline.recipe(path)
                same = json.dumps({key: value for key, value in recipe.params.items() if key != "size"})
                found.setdefault((recipe.rule, codes[0], codes[2], same), []).append(path)
        return [self._data_entry(*key, paths) for key, paths in found.items()]

    def _data_entry(self, rule: str, old: str, new: str, same: str, paths: list[Path]) -> Equivalence:
        params = [self.pipeline.recipe(path).params for path in paths]
        at_most = {"size": max(each["size"] for each in params)} if "size" in params[0] else {}
        return _entry(rule, json.loads(same), at_most, old, new, paths)

    def trained(self, compared: list[Stored], made_by: set[tuple[str, str]]) -> list[Equivalence]:
        """Evidence on the records whose code has changed, once those compared were seen to be the same.

        Raises:
            Refused: what made them again, by experiment, is not today's code: it was edited meanwhile.
        """
        if made_by != {(experiment, codes[1]) for experiment, codes in self.codes.items()}:
            raise Refused("refused: the code was changed while the sample was made")
        entries = []
        for experiment, codes in self.codes.items():
            own = [each for each in compared if each.run.experiment == experiment]
            params = own[0].made.params
            same = {key: value for key, value in params.items() if key not in own[0].run.axes}
            changed = [each.run for each in self.changed if each.run.experiment == experiment]
            at_most = {axis: max(getattr(run, axis) for run in changed) for axis in ("width", "size")}
            entries.append(_entry("train", same, at_most, *codes, [each.path for each in own]))
        return entries


def _require_all(made: pipeline.Pipeline, records: list[Stored]) -> None:
    """Or what is not there might have taken a path through the code that no record here took."""
    networks = [paths.network_path(made.preset_name, run) for run in made.preset.kept]
    for what, there, asked in (
        ("records", len(records), len(made.runs())),
        ("networks", sum(path.exists() for path in networks), len(networks)),
    ):
        if there < asked:
            raise Refused(f"{made.preset_name}: {asked - there} of its {asked} {what} are not here: `dvc pull` them")


def _values(each: Stored, axes: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(getattr(each.run, axis) for axis in axes)


def _entry(
    rule: str, same: dict[str, Any], at_most: dict[str, int], old: str, new: str, paths: list[Path]
) -> Equivalence:
    names, today = tuple(map(str, sorted(paths))), datetime.datetime.now(datetime.UTC).date().isoformat()
    return Equivalence(
        rule=rule, same=same, at_most=at_most, old=old, new=new, compared=names, commit=provenance.commit(), date=today
    )
