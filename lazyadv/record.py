"""What a run writes, and how it is read back.

One JSON object: the run's tuple, its epochs, the measures of the final network, and the provenance,
which alone may differ between two runs of the same tuple.
"""

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from lazyadv.errors import UserError
from lazyadv.files import SealError, read_sealed, write_sealed
from lazyadv.provenance import Ingredients
from lazyadv.run import RUNS, ParamsError, Run, checked


class RecordError(UserError):
    """A record is damaged, or is another run's."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Epoch(_Part):
    """After an epoch; robust accuracies of adversarial runs, on the test set under `strict` after the last one only."""

    epoch: int
    loss: float
    clean_test_accuracy: float
    robust_train_accuracy: float | None = None
    robust_test_accuracy: float | None = None
    deviation: float


class Statistic(_Part):
    """Mean and population standard deviation; none of an empty set."""

    mean: float | None
    std: float | None

    @classmethod
    def of(cls, values: np.ndarray) -> "Statistic":
        if not len(values):
            return cls(mean=None, std=None)
        return cls(mean=float(values.mean()), std=float(values.std()))


class Search(_Part):
    """The step along the gradient that flips a test example (protocol.md, `standard`).

    delta and eta = delta/‖∇f‖ are as the protocol defines them; delta_exact and relative_delta =
    delta_exact/‖x‖ are always exact and over the correctly classified examples that flip.
    """

    gradient_norm: Statistic
    delta: Statistic
    eta: Statistic
    delta_exact: Statistic
    relative_delta: Statistic
    n_correct: int
    n_flipped: int


class Invariants(_Part):
    """Promises measured again from the final network, in float64.

    deviation against radius; the attack's largest norm against eps; and the share of the claimed
    successes (flips, or broken predictions) that a new prediction confirms.
    """

    radius: float
    deviation: float
    max_perturbation: float | None = None
    repredicted: float


class Result(_Part):
    """What a record holds beside its run and its provenance."""

    n_train: int
    n_test: int
    stopped: Literal["patience", "radius", "epochs"]
    epochs: tuple[Epoch, ...]
    search: Search | None = None
    invariants: Invariants


def write(path: Path, made_from: Ingredients, run: Run, result: Result, environment: dict[str, Any]) -> None:
    """Write a record whole or not at all: a key a line, an epoch a line, floats in full."""
    record = {
        **made_from.marks,
        **run.model_dump(mode="json"),
        **result.model_dump(mode="json", exclude_none=True, exclude={"search"}),
    }
    if result.search is not None:
        record["search"] = result.search.model_dump(mode="json")
    record["provenance"] = environment | {"made_from": made_from.as_dict()}
    lines = []
    for key, value in record.items():
        text = json.dumps(value, allow_nan=False)
        if key == "epochs":
            text = "[\n  " + ",\n  ".join(json.dumps(epoch, allow_nan=False) for epoch in value) + "\n ]"
        lines.append(f' "{key}": {text}')
    write_sealed(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


class Record(NamedTuple):
    """What a file of a record says."""

    fingerprint: str
    run: Run
    result: Result
    provenance: dict[str, Any]


def read(path: Path) -> Record:
    """The record at `path`.

    Raises:
        RecordError: it is not whole, not what was sealed, or not the run that its path names.
    """
    try:
        record = dict(json.loads(read_sealed(path)))
        fingerprint, _, provenance = (record.pop(key) for key in ("fingerprint", "digest", "provenance"))
        kind = RUNS[record["experiment"]]
        run = checked(kind, {key: record.pop(key) for key in kind.model_fields}, str(path))
        result = checked(Result, record, str(path))
        float(provenance["seconds"])  # which cost.py counts on
    except (ValueError, KeyError, TypeError) as error:
        what = str(error) if isinstance(error, ParamsError | SealError) else f"{path}: not a whole record ({error!r})"
        raise RecordError(f"{what}; delete it and run again") from None
    if path.stem != run.name:
        raise RecordError(f"{path}: is the record of {run.name}; delete it and run again")
    return Record(fingerprint, run, result, provenance)
