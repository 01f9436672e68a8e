"""What is made of runs, and from what: tables, figures, audits, ledgers (recipes.py has the runs themselves)."""

from collections.abc import Iterable
from typing import Any

from lazyadv.errors import UserError
from lazyadv.experiments.run import Run
from lazyadv.models import ParamsError
from lazyadv.params import AUDIT, Params, Preset
from lazyadv.workflow import paths
from lazyadv.workflow.provenance import Ingredients, Input, vouched
from lazyadv.workflow.recipes import Recipe, data_of


def collect(name: str, preset: Preset, experiment: str) -> Recipe:
    """The table of an experiment.

    Raises:
        ParamsError: the preset has no run of it.
    """
    runs = preset.runs_of(experiment)
    if not runs:
        raise ParamsError(f"presets.{name} has no run of it")
    records = {run.name: _record(name, run) for run in runs}
    return Recipe("collect", {"preset": name, "experiment": experiment}, ("stages.collect",), records)


def plot(name: str, preset: Preset, figure: str) -> Recipe:
    """A figure, from a table or from the networks that it shows.

    Raises:
        ParamsError: the preset has no grid for it.
    """
    if figure not in preset.figures:
        raise ParamsError(f"presets.{name} has no grid for it")
    inputs = _networks(name, preset.shown(figure)) or {"table": _table(name, preset.figures[figure].experiment)}
    return Recipe("plot", {"figure": figure, **_grid(preset, figure)}, ("stages.plot", _code(figure)), inputs)


def audit(name: str, preset: Preset) -> Recipe:
    """The table of what other attacks make of kept networks."""
    return Recipe("audit", _audit(name, preset).params, ("stages.audit",), _networks(name, preset.audited))


def claims(params: Params, name: str) -> Recipe:
    """The ledger of a preset, and of those beside it."""
    presets = params.with_others(name)
    grids = {name: {figure: _grid(preset, figure) for figure in preset.figures} for name, preset in presets.items()}
    tables = {f"{name} {each}": _table(name, each) for name in presets for each in presets[name].experiments}
    audits = {f"{name} audit": _audit(name, preset) for name, preset in presets.items() if preset.audited}
    figures = dict.fromkeys(figure for preset in presets.values() for figure in preset.figures)
    code = ("stages.claims", *map(_code, [*figures, AUDIT]))
    return Recipe("claims", {"presets": list(presets), "grids": grids}, code, tables | audits)


def gather(recipe: Recipe) -> Ingredients:
    """What an output is made from. A stage asks before it works: what is edited or replaced meanwhile is not in it.

    Raises:
        UserError: a file is not there, or is not what was asked for.
    """
    for path in recipe.files:
        if not path.exists():
            raise UserError(f"{path}: is not here: `dvc pull`, or run snakemake on it")
    return recipe.ingredients(vouched)


def _code(figure: str) -> str:
    """The module of a figure."""
    return f"lazyadv.figures.{figure}"


def _grid(preset: Preset, figure: str) -> dict[str, Any]:
    return preset.figures[figure].model_dump(mode="json", include={"experiment", "grid"})


def _record(name: str, run: Run) -> Input:
    return Input(paths.run_path(name, run), "train", run.model_dump(mode="json"))


def _table(name: str, experiment: str) -> Input:
    return Input(paths.table_path(name, experiment), "collect", {"preset": name, "experiment": experiment})


def _audit(name: str, preset: Preset) -> Input:
    grids = {figure: grid.model_dump(mode="json")["audit"] for figure, grid in preset.figures.items() if grid.audit}
    return Input(paths.audit_path(name), "audit", {"preset": name, **grids})


def _networks(name: str, runs: Iterable[Run]) -> dict[str, Input]:
    """The files behind what is done with the runs' final networks: records, beside which the networks are, and data."""
    behind = [each for run in runs for each in (_record(name, run), data_of(run))]
    return {str(each.path): each for each in behind}
