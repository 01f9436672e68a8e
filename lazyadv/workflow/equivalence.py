"""Evidence that code which has changed still makes the same: equivalences.json, which is committed.

A result's fingerprint has a digest of the code that made it. When that code changes, all its results are stale, unless
`stages/verify.py --accept` has made enough of them again and found the same bytes. Then a line of this file says that
the new code stands for the old, for runs of the same settings whose axes lie between the ends that were compared;
fingerprints are worked out as if the old code were still there, and no result file is touched.
"""

import graphlib
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lazyadv.errors import UserError
from lazyadv.files import replacing

FILE = Path(__file__).resolve().parents[2] / "equivalences.json"


class EquivalenceError(UserError):
    """equivalences.json is not as `verify --accept` writes it."""


class Equivalence(BaseModel):
    """For `rule`, with parameters equal to `same`, others `within` their ends, code `new` makes what `old` made."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: str
    same: dict[str, Any]
    within: dict[str, tuple[Any, Any]]  # each axis of what was compared: its least and its largest value
    old: str = Field(pattern="^[0-9a-f]{32}$")
    new: str = Field(pattern="^[0-9a-f]{32}$")
    compared: tuple[str, ...] = Field(min_length=1)  # the files that were made again
    commit: str | None  # that the project stood at, or -dirty when it had changed since
    date: str

    def covers(self, rule: str, params: dict[str, Any]) -> bool:
        """Whether what `rule` makes of these parameters is of the kind that was compared."""
        return (
            self.rule == rule
            and all(params.get(key) == value for key, value in self.same.items())
            and all(key in params and low <= params[key] <= high for key, (low, high) in self.within.items())
            and params.keys() == self.same.keys() | self.within.keys()
        )

    def includes(self, other: "Equivalence") -> bool:
        """Whether `other` says nothing that this one does not."""
        kinds = [(each.rule, each.same, each.old, each.new, each.within.keys()) for each in (self, other)]
        ends = [(*self.within[key], *other.within[key]) for key in other.within] if kinds[0] == kinds[1] else []
        return kinds[0] == kinds[1] and all(low <= least and most <= high for low, high, least, most in ends)

    @property
    def digest(self) -> str:
        """Of the entry itself, beside which it is written."""
        return _hash(self.model_dump(mode="json"))


def code_digest(code: dict[str, str]) -> str:
    """One digest of the hashes of all modules."""
    return _hash(code)


def origin(
    rule: str, params: dict[str, Any], digest: str, entries: tuple[Equivalence, ...] | None = None
) -> tuple[str, list[Equivalence]]:
    """The digest of the oldest code that the code of this one stands for by the entries, and those that lead there."""
    entries, steps = known() if entries is None else entries, list[Equivalence]()
    while step := next((each for each in entries if each.new == digest and each.covers(rule, params)), None):
        digest = step.old
        steps.append(step)
    return digest, steps


@cache
def known() -> tuple[Equivalence, ...]:
    """All entries.

    Raises:
        EquivalenceError: the file is damaged, an entry was written by hand, or they lead round in a circle.
    """
    if not FILE.exists():
        return ()
    try:
        entries = json.loads(FILE.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise TypeError("not a list")
        found = [(each.pop("digest"), Equivalence.model_validate(each)) for each in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise EquivalenceError(f"{FILE.name}: not as verify wrote it ({what:.200}); restore it from git") from None
    for place, (digest, entry) in enumerate(found):
        if digest != entry.digest:
            raise EquivalenceError(f"{FILE.name}: entry {place} is not as verify wrote it; restore it from git")
    entries = tuple(entry for _, entry in found)
    require_straight(entries)
    return entries


def add(entries: list[Equivalence]) -> None:
    """Write entries behind those that the file has by now, in place of those that they include.

    Raises:
        EquivalenceError: with them the entries would lead round in a circle.
    """
    known.cache_clear()
    together = (*(each for each in known() if not any(new.includes(each) for new in entries)), *entries)
    require_straight(together)
    lines = [each.model_dump(mode="json") | {"digest": each.digest} for each in together]
    with replacing(FILE) as temporary:
        temporary.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    known.cache_clear()


def require_straight(entries: tuple[Equivalence, ...]) -> None:
    """See that no code stands for itself by way of others.

    Raises:
        EquivalenceError: one does.
    """
    steps: dict[str, dict[str, set[str]]] = {}
    for each in entries:
        kind = json.dumps([each.rule, each.same], sort_keys=True)
        steps.setdefault(kind, {}).setdefault(each.new, set()).add(each.old)
    for graph in steps.values():
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            codes = " = ".join(error.args[1])
            raise EquivalenceError(f"{FILE.name}: its entries lead round in a circle ({codes})") from None


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
