"""The table of an experiment: a row a run, a column a quantity, and what it was made from."""

import io
import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadv.experiments.run import Run
from lazyadv.files import SealError, read_sealed, write_sealed
from lazyadv.results import record
from lazyadv.results.kept import KeptNetwork
from lazyadv.workflow.provenance import ingredients_in


@dataclass(frozen=True)
class Selection:
    """The rows of the runs that were asked for, as far as the table has them."""

    rows: pd.DataFrame
    asked: int
    networks: tuple[KeptNetwork, ...] = ()  # that the figure shows


def row(path: Path, run: Run, read: record.Record) -> dict[str, Any]:
    """A run's record, read from `path`, as one flat row: its tuple, and the measures of its final network.

    Raises:
        RecordError: the record is not that run's.
    """
    result = read.result
    if read.run != run:
        raise record.RecordError(f"{path}: was made with other hyperparameters; delete it and run again")
    values: dict[str, Any] = {"run": run.name, **run.model_dump(exclude={"pair"})}
    values |= {"pair": f"{run.pair[0]}-{run.pair[1]}", "n_train": result.n_train, "n_test": result.n_test}
    values |= {"stopped": result.stopped, "epochs": len(result.epochs)}
    device = read.provenance["device"]
    values |= {"arithmetic": read.provenance["arithmetic"] if device == "cpu" else device}
    if result.search:
        values["clean_test_accuracy"] = result.search.n_correct / result.n_test
        for name, value in result.search.model_dump().items():
            values |= (
                {f"{name}_{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
            )
    else:
        values |= result.epochs[-1].model_dump(exclude={"epoch", "deviation"})
        values |= {"largest_deviation": max(epoch.deviation for epoch in result.epochs)}
        robust = [epoch.robust_train_accuracy or 0 for epoch in result.epochs]
        values |= {"best_robust_train_accuracy": max(robust), "late_gain": late_gain(robust)}
    return values | result.invariants.model_dump(exclude_none=True) | {"fingerprint": read.fingerprint}


def late_gain(accuracy: list[float]) -> float:
    """By how much the mean over the last fifth of the epochs exceeds that over the fifth before; NaN of one epoch."""
    fifth = max(len(accuracy) // 5, 1)
    before, last = accuracy[-2 * fifth : -fifth], accuracy[-fifth:]
    return statistics.mean(last) - statistics.mean(before) if before else math.nan


def rows(runs: dict[Path, Run]) -> pd.DataFrame:
    """The rows of the records at these paths, in their order.

    Raises:
        RecordError: a record is damaged, or is not that run's.
    """
    return pd.DataFrame([row(path, run, record.read(path)) for path, run in runs.items()])


def write(path: Path, stamp: str, table: pd.DataFrame) -> None:
    """Write a table of one row or more as CSV; the stamp stands in the first row, in a column of its own."""
    stamps = [stamp, *[None] * (len(table) - 1)]
    text = table.assign(made_from=stamps).to_csv(index=False, lineterminator="\n")
    write_sealed(path, text.encode())


def select(path: Path, runs: list[Run], root: Path = Path()) -> Selection:
    """The rows of `runs` in the table at `path` below the project's folder.

    Raises:
        RecordError: it is not there, is no table, another preset's or experiment's, or not what was sealed.
    """
    where = root / path
    try:
        content = read_sealed(where)
        said = ingredients_in(content, where).params
        _, *asked, _ = path.parts  # the preset; and the experiment, but of the audit
        if (found := [said[key] for key in ("preset", "experiment") if key in said]) != asked:
            raise SealError(f"{where}: is a table of {' '.join(found) or 'something else'}, not of {' '.join(asked)}")
        table = pd.read_csv(io.BytesIO(content)).drop(columns="made_from")
        return Selection(table[table["run"].isin([run.name for run in runs])], len(runs))
    except SealError as error:
        raise record.RecordError(f"{error}; delete it and run again") from None
    except FileNotFoundError:
        raise record.RecordError(f"{where}: is not here: `dvc pull`, or run snakemake on it") from None
    except (ValueError, KeyError) as error:
        raise record.RecordError(f"{where}: not a whole table ({error}); delete it and run again") from None
