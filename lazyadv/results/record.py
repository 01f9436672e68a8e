"""What a run writes, and how it is read back.

One JSON object: the run's tuple, its epochs, the measures of the final network, and the provenance,
which alone may differ between two runs of the same tuple.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from lazyadv.errors import UserError
from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Run
from lazyadv.files import read_sealed, write_sealed
from lazyadv.models import checked
from lazyadv.networks.outcome import Epoch, Invariants, Measures, Search, Stopped
from lazyadv.workflow.provenance import Ingredients, trusted

Word = Annotated[str, Field(pattern="^[ -~]{1,80}$")]  # of ASCII that can be seen


class RecordError(UserError):
    """A record is damaged, or is another run's."""


class Result(Measures):
    """What a record holds beside its run and its provenance."""

    n_train: int
    n_test: int
    stopped: Stopped
    epochs: tuple[Epoch, ...]
    search: Search | None = None
    invariants: Invariants


class Environment(BaseModel):
    """What tables, captions and estimates take from a record's provenance."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    arithmetic: Word
    device: Word
    seconds: Annotated[float, Field(ge=0)]


def write(path: Path, made_from: Ingredients, run: Run, result: Result, environment: dict[str, Any]) -> None:
    """Write a record whole or not at all: a key a line, a column of epochs a line, floats in full."""
    record = {
        **made_from.marks,
        **run.model_dump(mode="json"),
        **result.model_dump(mode="json", exclude_none=True, exclude={"search"}),
    }
    if result.search is not None:
        record["search"] = result.search.model_dump(mode="json")
    record["provenance"] = environment | {"made_from": asdict(made_from)}
    lines = []
    for key, value in record.items():
        text = json.dumps(value, allow_nan=False)
        if key == "epochs":
            columns = [
                f"{json.dumps(name)}: {json.dumps(column, allow_nan=False)}" for name, column in _columns(value).items()
            ]
            text = "{\n  " + ",\n  ".join(columns) + "\n }"
        lines.append(f' "{key}": {text}')
    write_sealed(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def _columns(epochs: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The epochs by column, which takes a quarter of the room; null where an epoch does not have a measure."""
    names = dict.fromkeys(name for epoch in epochs for name in epoch)
    return {name: [epoch.get(name) for epoch in epochs] for name in names}


class Record(NamedTuple):
    """What a file of a record says."""

    fingerprint: str
    made_from: Ingredients
    run: Run
    result: Result
    provenance: dict[str, Any]


def read(path: Path) -> Record:
    """The record at `path`.

    Raises:
        RecordError: it is not whole, not what was sealed, or, in a folder of runs, not the one that its name says.
    """
    try:
        record = dict(json.loads(read_sealed(path)))
        fingerprint, _, provenance = (record.pop(key) for key in ("fingerprint", "digest", "provenance"))
        kind = EXPERIMENTS[record["experiment"]]
        run = checked(kind, {key: record.pop(key) for key in kind.model_fields}, str(path))
        columns = record["epochs"]  # of one length
        record["epochs"] = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        result = checked(Result, record, str(path))
        if not (result.epochs or result.search):
            raise ValueError("it has no epochs")
        made_from = trusted(provenance["made_from"], fingerprint)
        checked(Environment, provenance, f"{path}: provenance")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = str(error) if isinstance(error, UserError) else f"{path}: not a whole record ({error})"
        raise RecordError(f"{what}; delete it and run again") from None
    if path.parent.name == "runs" and path.stem != run.name:
        raise RecordError(f"{path}: is the record of {run.name}; delete it and run again")
    return Record(fingerprint, made_from, run, result, provenance)
