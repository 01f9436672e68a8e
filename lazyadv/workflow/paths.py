"""Where every output lies: a path for each kind, from what it is of."""

import json
from pathlib import Path

from lazyadv.experiments.run import Run
from lazyadv.files import SealError, read_sealed


def named(file: str) -> Path:
    """The path of a file as the pipeline names it, also where a link to this folder leads there."""
    path = Path(file).absolute()
    root = next((folder for folder in path.parents if folder.exists() and folder.samefile(".")), None)
    return path.relative_to(root) if root else Path(file)


def digits_path(dataset: str) -> Path:
    return Path("data", dataset, "digits.npz")


def pair_path(dataset: str, pair: tuple[int, int], size: int, antialias: bool) -> Path:
    return Path("data", dataset, f"{pair[0]}-{pair[1]}", f"size={size},antialias={str(antialias).lower()}.npz")


def run_path(preset: str, run: Run) -> Path:
    return Path("results", preset, run.experiment, "runs", f"{run.name}.json")


def network_path(preset: str, run: Run) -> Path:
    return Path("results", preset, run.experiment, "networks", f"{run.name}.npz")


def audit_path(preset: str) -> Path:
    return Path("results", preset, "audit.csv")


def table_path(preset: str, experiment: str) -> Path:
    return Path("results", preset, experiment, "table.csv")


def claims_paths(preset: str) -> list[Path]:
    return [Path("results", preset, f"claims.{suffix}") for suffix in ("json", "md")]


def metrics_path(preset: str) -> Path:
    """The folder of a file for each claim, which DVC takes for a table."""
    return Path("results", preset, "metrics")


def figure_paths(preset: str, figure: str) -> list[Path]:
    return [Path("figures", preset, f"{figure}.{suffix}") for suffix in ("pdf", "svg")]


def metrics_paths(preset: str) -> list[Path]:
    """The files of metrics of a preset's ledger, one for each claim in it; none where it is damaged or not there."""
    try:
        claims = json.loads(read_sealed(claims_paths(preset)[0]))["claims"]
    except (OSError, SealError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [metrics_path(preset) / f"{claim}.yaml" for claim in claims]
