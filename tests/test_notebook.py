"""The notebooks are kept without outputs, and run in a fresh clone from `dvc pull` to their figures."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from project import Project

from lazyadv.workflow import arithmetic


def outputs(notebook: Path) -> list[Any]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebook_is_kept_without_outputs(path: Path) -> None:
    assert outputs(path) == [], "clear all outputs in the editor, and save"


@pytest.mark.long
def test_from_pull_to_plot(pulled: Project) -> None:
    notebook = pulled.root / "examples" / "lazy_against_free.ipynb"
    variables: Any = arithmetic.INSTRUCTIONS  # for which numba has compiled
    pulled.run("jupyter", "execute", "--inplace", str(notebook), **variables)
    shown = [output["data"] for output in outputs(notebook) if "data" in output]
    assert sum("image/png" in data for data in shown) == 2
    recorded, found = ast.literal_eval(shown[-1]["text/plain"][0])
    assert found == pytest.approx(recorded, abs=0.02)
