"""The walk over sources, on small packages: what counts, what does not, what is refused; and on this project's own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project

from lazyadv.workflow import bytecode, command, sources

Reach = Callable[..., dict[str, str]]
USER = "from lazyadv.a import f\n\n\ndef main():\n    return f()\n"


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reach]:
    """The walk from lazyadv.user over a package of these modules."""

    def walk(**modules: str) -> dict[str, str]:
        (tmp_path / "lazyadv").mkdir(exist_ok=True)
        for name, text in ({"__init__": "", "a": "def f(): return 1\n", "user": USER} | modules).items():
            (tmp_path / "lazyadv" / f"{name}.py").write_text(text)
        sources._read.cache_clear()
        return sources.reach("lazyadv.user")

    monkeypatch.setattr(sources, "ROOT", tmp_path)
    yield walk
    sources._read.cache_clear()


@pytest.mark.parametrize(
    "changed",
    [
        {"user": f"{USER}\nSTEPS = 1\n"},
        {"a": "def f(): return 1\n_f = globals().update(f=int)\n"},
        {"a": "def f(): return 1\nf.steps = {}\n"},
        {"a": "import sys\n\n\n@sys.modules.setdefault\ndef f(): return 1\n"},
        {"a": "def f(): return 1\nif __name__ == '__main__':\n    f()\n"},
        {"__init__": "import os\n"},
        {"user": f"import lazyadv.effect\n{USER}", "effect": "import os\n"},
        {"user": "from lazyadv.a import f\n\n\ndef main():\n    from lazyadv.b import g\n", "b": "g = 1\n"},
    ],
)
def test_whatever_runs_counts(reach: Reach, changed: dict[str, str]) -> None:
    assert reach(**changed) != reach()


def test_a_fallback_is_followed_to_both_of_its_ends(reach: Reach) -> None:
    user = "try:\n    from lazyadv.a import f\nexcept ImportError:\n    from lazyadv.slow import f\n"
    assert {"lazyadv", "lazyadv.a", "lazyadv.slow"} <= reach(user=user, slow="def f(): return 1\n").keys()


def test_what_is_registered_counts(reach: Reach) -> None:
    registry, made = "KNOWN = []\nregister = KNOWN.append\n", "from lazyadv.registry import register\n\n\n@register\n"
    user = f"import lazyadv.made\nfrom lazyadv.registry import KNOWN\n{USER}"
    one, two = (reach(user=user, registry=registry, made=f"{made}def g(): return {number}\n") for number in (1, 2))
    assert {name for name in one if one[name] != two[name]} == {"lazyadv.made"}


@pytest.mark.parametrize(
    "same",
    [
        {"a": '"""Text."""\n\n\ndef f():\n    """More."""\n    return 1  # one\n'},
        {"user": f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from lazyadv.b import B\n{USER}"},
        {"unused": "import os\n"},
    ],
)
def test_what_does_not_run_does_not_count(reach: Reach, same: dict[str, str]) -> None:
    before = reach() if "user" not in same else reach(user=same["user"].replace("lazyadv.b", "lazyadv.c"))
    assert reach(**same).keys() == before.keys()
    assert reach(**same)["lazyadv.a"] == before["lazyadv.a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import importlib\nf = importlib.import_module('lazyadv.a').f\n", "importlib"),
        ("from importlib import import_module\n", "importlib"),
        ("f = __import__('lazyadv.a').f\n", "__import__"),
        ("import runpy\n", "runpy"),
        ("exec('f = 1')\n", "exec"),
        ("import os\nfrom .a import f\n", r"user.py:2: a relative import: import by full names"),
        ("from . import a\n", r"user.py:1: a relative import: import by full names"),
        ("from lazyadv.missing import f\n", "no module lazyadv.missing"),
        ("from lazyadv.a import *\n", r"user.py:1: import \*: import by full names"),
        ("from beside import f\n", "beside.py, which is in none of"),
        ("import tools.beside\n", "tools, which is in none of"),
        ("def f(:\n", r"user.py: is no Python"),
    ],
)
def test_what_cannot_be_followed_is_refused(reach: Reach, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "stages" / "tools").mkdir(parents=True)
    (tmp_path / "beside.py").write_text("f = 1\n")

    def stage() -> None:
        reach(user=text)

    with pytest.raises(SystemExit, match=said):  # in one line
        command.run(stage)


def test_a_package_goes_before_a_module_of_its_name_as_in_python(reach: Reach, tmp_path: Path) -> None:
    before = reach()["lazyadv.a"]
    (tmp_path / "lazyadv" / "a").mkdir()
    (tmp_path / "lazyadv" / "a" / "__init__.py").write_text("def f(): return 2\n")
    assert reach()["lazyadv.a"] != before
    (tmp_path / "lazyadv" / "a.abi3.so").write_text("")
    with pytest.raises(sources.SourceError, match="runs in place of"):
        reach()


def test_code_that_was_edited_while_it_ran_makes_nothing(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = reach()
    (tmp_path / "lazyadv" / ".#a.py").symlink_to("somebody@here.1")  # as Emacs marks what it edits
    monkeypatch.setattr(sources, "_BEGAN", sources._texts())
    reach(a="# what does not run\ndef f():\n    return 1\n")
    sources.require_unchanged(code)
    reach(a="def f(): return 2\n")
    with pytest.raises(sources.SourceError, match=r"lazyadv\.a: was edited while this ran"):
        sources.require_unchanged(code)
    monkeypatch.setattr(sources, "_BEGAN", sources._texts())  # edited after Python had read it, before its hash was
    reach()
    with pytest.raises(sources.SourceError, match=r"lazyadv\.a: was edited while this ran"):
        sources.require_unchanged(code)


def test_a_record_rests_on_its_stage_its_experiment_and_all_that_these_import() -> None:
    reached = sources.reach("stages.train", "lazyadv.experiments.adversarial", "lazyadv.experiments.standard").keys()
    names = (
        "networks.attack",
        "kernel.steps",
        "kernel.vectors",
        "kernel.compiled",
        "networks.draws",
        "networks.boundary",
    )
    networks = {f"lazyadv.{name}" for name in names}
    assert {"lazyadv.workflow.command", "lazyadv.workflow.paths", "lazyadv.results.record", *networks} <= reached
    others = ("figures", "findings", "claims", "params")
    assert not {name for name in reached if any(other in name for other in others)}


def test_code_edited_without_a_new_date_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself Python takes its own old .pyc for the source, where date and length are the same."""
    source = tmp_path / "lazyadv" / "a.py"
    source.parent.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def runs(number: int) -> str:
        source.write_text(f"print({number})\n")
        os.utime(source, (1, 1))
        ask = [sys.executable, "-c", "import lazyadv.a"]
        return subprocess.run(ask, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert (runs(1), runs(2)) == ("1\n", "1\n")
    monkeypatch.setattr(bytecode, "ROOT", tmp_path)
    bytecode.renew()
    assert (runs(2), runs(3)) == ("2\n", "3\n")


@pytest.mark.parametrize(
    ("module", "stage", "made"),
    [
        ("results/table", ("collect", "advtrain"), "results/tiny/advtrain/table.csv"),
        ("figures/fig3", ("plot", "fig3"), "figures/tiny/fig3.svg"),
        ("networks/audit", ("audit",), "results/tiny/audit.csv"),
        ("findings/judge", ("claims",), "results/tiny/claims.json"),
    ],
)
def test_what_is_made_of_runs_is_not_kept_either(
    copied: Project, module: str, stage: tuple[str, ...], made: str
) -> None:
    """The module edits itself as it is imported."""
    path, kept = copied.root / "lazyadv" / f"{module}.py", (copied.root / made).read_bytes()
    path.write_text(path.read_text() + "\nwith open(__file__, 'a') as own:\n    own.write('LATER = 1\\n')\n")
    name, *arguments = stage
    done = copied.run("python", f"stages/{name}.py", *arguments, "--preset", "tiny", ok=False)
    assert done.returncode == 1
    assert f"{module.replace('/', '.')}: was edited while this ran" in done.stderr
    assert (copied.root / made).read_bytes() == kept
