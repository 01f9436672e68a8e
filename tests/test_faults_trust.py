"""Nothing that was read runs code, and no name that was read leads out of the project."""

import ast
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from project import Project

from lazyadv import data
from lazyadv.files import write_sealed
from lazyadv.models import ParamsError
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.provenance import Ingredients
from lazyadv.workflow.sources import ROOT

READERS = {
    "np.load": "allow_pickle=False",
    "numpy.load": "allow_pickle=False",
    "torch.load": "weights_only=True",
    "yaml.load": "_UniqueKeyLoader",  # a SafeLoader
}
MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "pd.read_pickle", "pandas.read_pickle", "yaml.unsafe_load", "yaml.full_load"}


def unsafe(text: str) -> Iterator[str]:
    """The readers in a source that would run code which they read."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            yield from {name.partition(".")[0] for name in names} & MODULES
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = [ast.unparse(argument) for argument in [*node.args, *node.keywords]]
            if called in CALLS or (called in READERS and READERS[called] not in given):
                yield called


def test_no_reader_unpickles() -> None:
    for bad in ("import pickle", "from pickle import load", "np.load(p)", "torch.load(p)", "yaml.load(t, yaml.Loader)"):
        assert list(unsafe(bad)), bad
    sources = [*ROOT.glob("lazyadv/**/*.py"), *ROOT.glob("stages/*.py"), *ROOT.glob("benchmarks/*.py")]
    assert len(sources) > 20
    assert {str(path): found for path in sources if (found := list(unsafe(path.read_text())))} == {}


def test_a_pickle_among_the_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x_train=np.array([print], dtype=object))
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = Ingredients("prepare", {}, {}, {}).stamp.encode()
    write_sealed(path, path.read_bytes())
    with pytest.raises(data.DataError, match=r"data\.npz: not a whole \.npz file"):
        data.load(path)


@pytest.mark.parametrize("name", ["../up", "/tmp/x", "a/b", "..", "", "a b", "A", "$(touch x)", "a;b"])
def test_a_presets_name_is_no_path(name: str) -> None:
    with pytest.raises(ParamsError, match="preset"):
        Pipeline.load(str(ROOT / "params.yaml"), name or "-")


def test_targets_and_flags_cannot_leave_the_project(project: Project) -> None:
    before = {path for path in project.root.parent.rglob("*") if path.is_file()}
    for target in ("results/../../x/advtrain/table.csv", "data/../../x/digits.npz", "figures/../../fig3.pdf"):
        done = project.run("snakemake", "--cores", "1", target, ok=False)
        assert done.returncode
        assert "Traceback" not in done.stdout + done.stderr
    for command in (
        ("python", "stages/train.py", "standard", "--dataset", "../x"),
        ("python", "stages/fetch.py", "../x"),
        ("python", "stages/plot.py", "../fig3", "--preset", "tiny"),
        ("python", "stages/collect.py", "advtrain", "--preset", "../tiny"),
        ("python", "stages/claims.py", "--preset", "../tiny"),
    ):
        done = project.run(*command, ok=False)
        assert done.returncode
        assert "Traceback" not in done.stderr
    after = {path for path in project.root.parent.rglob("*") if path.is_file()}
    assert {path for path in after - before if not {".snakemake", "__pycache__"} & {*path.parts}} == set()
