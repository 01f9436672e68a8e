"""A copy of the project, as a user has it, and a clone of one: what tests of the real tools run in."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lazyadv import params
from lazyadv.workflow import arithmetic, equivalence
from lazyadv.workflow.sources import ROOT

STORE, EVIDENCE = ".dvcstore", equivalence.FILE.name
RECORD = "results/tiny/advtrain/runs/width=20,size=3,C0=10,eps=0.3,seed=0.json"
TINY = params.load(ROOT / "params.yaml").choose("tiny")
RUNS = {experiment: len(TINY.runs_of(experiment)) for experiment in TINY.experiments}
QUIET = ("-c", "user.name=tester", "-c", "user.email=tester@localhost", "-c", "commit.gpgsign=false")


def environment() -> dict[str, str]:
    """A user's: this process's, less what it pins, with the programs that are installed beside its Python first."""
    programs, pinned = Path(sys.executable).parent, arithmetic.THREADS | arithmetic.INSTRUCTIONS
    users = {key: value for key, value in os.environ.items() if key not in pinned}
    return {**users, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}


class Project:
    """A copy of the project, as a fresh clone has it, but without its tests, stored results and their evidence."""

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file() and not name.startswith(("tests/", f"{STORE}/", EVIDENCE)):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        self.edit("params.yaml", "preset: quick", "preset: tiny")
        self.adopt_compiled()

    def adopt_compiled(self) -> None:
        """Take over numba's cache, so that not every copy compiles anew."""
        compiled = ROOT / "lazyadv" / "kernel" / "__pycache__"
        if compiled.exists():
            shutil.copytree(compiled, self.root / "lazyadv" / "kernel" / "__pycache__", dirs_exist_ok=True)

    def pull(self, *names: str) -> None:
        """Become a repository, and pull what is named (or all) from the committed store."""
        shutil.copytree(ROOT / STORE, self.root / STORE)
        shutil.copy(ROOT / EVIDENCE, self.root)
        self.run("git", "init", "-q")
        self.run("dvc", "pull", "-q", *names)

    def take(self, other: Path) -> None:
        """Take over what another copy has made."""
        for folder in ("data", "results", "figures", "logs"):
            shutil.copytree(other / folder, self.root / folder, dirs_exist_ok=True)

    def run(self, *command: str, ok: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the copy; with `ok`, its failure fails the test and shows what it printed."""
        done = subprocess.run(
            command, cwd=self.root, env={**environment(), **variables}, capture_output=True, text=True, check=False
        )
        if ok and done.returncode:
            pytest.fail(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def snakemake(self, *targets: str, preset: str = "tiny", cores: int = 2, ok: bool = True) -> str:
        """Run Snakemake on targets and flags; return all that it printed."""
        done = self.run("snakemake", *targets, "--cores", str(cores), "--config", f"preset={preset}", ok=ok)
        return done.stdout + done.stderr

    def start(self, *targets: str, said: Path, cores: int = 2) -> "subprocess.Popen[bytes]":
        """Start Snakemake, at the head of a process group, and do not wait for it; what it prints goes to a file."""
        command = ["snakemake", *targets, "--cores", str(cores), "--config", "preset=tiny"]
        with said.open("wb") as file:
            return subprocess.Popen(
                command,
                cwd=self.root,
                env=environment(),
                start_new_session=True,
                stdout=file,
                stderr=file,
                # as at a terminal: a process that runs in a shell's background hands on that it ignores SIGINT
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def outputs(self) -> dict[str, Any]:
        """What the tiny preset has made, by path: bytes, but records without their provenance, which may differ."""
        found: dict[str, Any] = {}
        for folder in ("data", "results/tiny", "figures"):
            for path in (self.root / folder).rglob("*"):
                if path.is_file():
                    found[str(path.relative_to(self.root))] = path.read_bytes()
        for name, content in found.items():
            if "/runs/" in name and name.endswith(".json"):
                found[name] = json.loads(content)
                assert found[name].pop("provenance")["seconds"] > 0
        return found

    def change(self, changed: Callable[[dict[str, Any]], object]) -> None:
        """Change what params.yaml says of the tiny preset."""
        content = yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8"))
        changed(content["presets"]["tiny"])
        (self.root / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file, which must have it."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")


class Clone(Project):
    """A git clone of a project."""

    def __init__(self, origin: Path, root: Path) -> None:
        subprocess.run(["git", "clone", "-q", str(origin), str(root)], check=True, env=environment())
        self.root = root
        self.adopt_compiled()

    def jobs(self, *targets: str) -> dict[str, int]:
        """The jobs that Snakemake would run for targets, counted by rule; those that only gather files left out."""
        said = self.snakemake("-n", *(targets or ("all", "claims")))
        if "Nothing to be done" in said:
            return {}
        table = said.rpartition("Job stats:")[2].split("total")[0]
        counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        return {rule: count for rule, count in counts.items() if rule not in ("all", "claims", "data")}
