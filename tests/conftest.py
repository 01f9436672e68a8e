"""What the tests share: copies of the project (project.py), an HTTP server on loopback, the official MNIST if any."""

from lazyadv.workflow import arithmetic

arithmetic.pin()

import fcntl
import functools
import http.server
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from project import QUIET, Clone, Project

from lazyadv.digits import FILES
from lazyadv.networks.network import Network, draw
from lazyadv.workflow import equivalence
from lazyadv.workflow.sources import ROOT

settings.register_profile("lazyadv", deadline=None, derandomize=True)
settings.load_profile("lazyadv")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[Path], object]], Path]:
    """Gives a folder, by name; the first of the tests' processes to ask for it makes it, the others wait."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (shared / name).exists():
                make(own / f"{name}.new")
                (own / f"{name}.new").rename(shared / name)
        return shared / name

    return folder


@pytest.fixture(scope="session")
def finished(once: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project in which the tiny preset's figures and ledger are made; tests leave it so."""
    project = Project(tmp_path_factory.mktemp("finished") / "project")
    project.take(once("finished", lambda root: Project(root).snakemake("all", "claims")))
    return project


@pytest.fixture
def copied(finished: Project, project: Project) -> Project:
    """Another such copy, for a test to damage."""
    project.take(finished.root)
    return project


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project that is a repository, with the table of figure 3 pulled from the committed store."""
    project = Project(tmp_path_factory.mktemp("pulled") / "project")
    project.pull("results/quick/advtrain/table.csv")
    return project


@pytest.fixture(scope="session")
def origin(once: Callable[..., Path], finished: Project) -> Path:
    """A repository in which the tiny preset is the pipelined one, with results made, locked, pushed and committed."""
    return once("origin", lambda root: _make_origin(root, finished))


def _make_origin(root: Path, finished: Project) -> None:
    project = Project(root)
    project.take(finished.root)
    for name in ("dvc.yaml", "params.yaml", ".gitignore"):
        text = (root / name).read_text().replace("preset: quick", "preset: tiny")
        if name == "dvc.yaml":  # tiny has none beside it, and the pair at two sizes
            text = re.sub(r".*(data --config preset=quick-released|size=\d\d,).*\n", "", text)
            text = text.replace(", presets.quick-released", "")
            text = text.replace("size=7,", "size=3,")
        (root / name).write_text(re.sub(r"(presets\.|results/|figures/|preset=)quick", r"\1tiny", text))
    project.run("git", "init", "-q", "-b", "main")
    project.run("rm", "dvc.lock")
    for preset in ("quick", "quick-released", "paper", "paper-strict"):
        project.run("rm", "-rf", f"results/{preset}", f"figures/{preset}")
    project.run("git", "add", "-A")
    project.run("git", *QUIET, "commit", "-q", "-m", "the project")
    project.run("dvc", "commit", "-q", "-f", "dvc.yaml")
    project.run("dvc", "push", "-q")
    project.run("git", "add", "-A")
    project.run("git", *QUIET, "commit", "-q", "-m", "its results")
    assert project.run("git", "status", "--porcelain").stdout == ""


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Clone:
    """A fresh clone with its results pulled."""
    clone = Clone(origin, tmp_path / "clone")
    clone.run("dvc", "pull", "-q")
    return clone


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A real HTTP server on loopback for a folder; gives its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the evidence of this process lies: a file of the test's own, which is not there yet."""
    monkeypatch.setattr(equivalence, "FILE", tmp_path / equivalence.FILE.name)
    equivalence.known.cache_clear()
    yield equivalence.FILE
    equivalence.known.cache_clear()


@pytest.fixture(scope="session")
def official_mnist() -> Path:
    """A folder with the official MNIST files; the test is skipped where there is none."""
    named = os.environ.get("LAZYADV_MNIST_MIRROR", "")
    for folder in (named.removeprefix("file://"), ROOT.parent / "shared" / "data" / "mnist"):
        if folder and all((Path(folder) / name).is_file() for name, *_ in FILES):
            return Path(folder)
    pytest.skip("needs the official MNIST files: put file:// and their folder into LAZYADV_MNIST_MIRROR")


def random_network(seed: int, width: int, dimension: int, spread: float = 0.0) -> tuple[Network, Network]:
    """A start, and the same network with its neurons moved by about `spread`, as training would."""
    _, start = draw(seed, 1, width, dimension)
    network = start.copy()
    generator = np.random.default_rng(seed)
    network.w += spread * generator.standard_normal(network.w.shape).astype(np.float32)
    network.b += spread * generator.standard_normal(network.b.shape).astype(np.float32)
    return start, network


def random_examples(seed: int, count: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Examples of unit length in the box, some pixels on its faces; labels ±1."""
    generator = np.random.default_rng(seed)
    x = generator.random((count, dimension)) * (generator.random((count, dimension)) < 0.7)
    x[:, 0] += 1e-3
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32), np.where(generator.random(count) < 0.5, -1, 1).astype(np.float32)
