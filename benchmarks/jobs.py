"""What a job of the pipeline costs as a process: start-up, memory, its share of the workflow's planning."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.measure import Section
from benchmarks.problem import MIRRORS, SKIPPED, adversarial_run
from lazyadv.workflow.sources import ROOT

PARTS = ("lazyadv", "stages", "profiles", "Snakefile", "params.yaml")
GRID: dict[str, list[float]] = {  # of figure 3: 5,000 runs
    "width": [1000, 10_000],
    "size": [5, 7, 10, 14, 28],
    "C0": [10],
    "eps": [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8],
    "seed": list(range(50)),
}
# runs a command as the only child of a small process: the kernel counts the memory of a child that was forked
# from a large process from that process's on
METER = """
import json, resource, subprocess, sys, time
started = time.monotonic()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
wall, used = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stdout + done.stderr, wall, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class Job:
    """What a finished process printed and used."""

    printed: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float

    def row(self, what: str) -> dict[str, str | float]:
        """The job as a row of a section."""
        return {"what": what, "wall s": self.wall_seconds, "cpu s": self.cpu_seconds, "peak MB": self.peak_mb}


class Project:
    """A copy of the pipeline to run in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = os.environ | {"NUMBA_CACHE_DIR": str(root / "compiled")}
        for part in map(Path, PARTS):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, root / part)

    def run(self, *command: str) -> Job:
        """Run a program with this process's Python, on one thread.

        Raises:
            RuntimeError: it failed; the message is what it printed.
        """
        words = [sys.executable, "-c", METER, sys.executable, *command]
        done = subprocess.run(words, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        status, printed, wall, cpu, kilobytes = json.loads(done.stdout)
        if status:
            raise RuntimeError(f"{' '.join(command)}: {printed}")
        return Job(printed, wall, cpu, kilobytes * 1024 / 1e6)

    def train(self, flags: str) -> Job:
        """One run through the command line."""
        return self.run("stages/train.py", *flags.split())


def jobs(folder: Path) -> Section:
    """Whole processes, from start-up to the written record."""
    project = Project(folder / "jobs")
    rows = [
        min((project.run("stages/train.py", "--help") for _ in range(3)), key=lambda job: job.cpu_seconds).row(
            "stages/train.py --help: the start-up that every job pays"
        )
    ]
    project.run("stages/prepare.py", "mnist5k", "--size", "28", "--antialias")
    first = project.train(adversarial_run(28, 1000, T=1).flags)
    rows.append(first.row("the first job of an installation, 1 epoch: numba compiles the kernels"))
    rows.append(
        project.train(adversarial_run(28, 1000, T=25).flags).row(
            "one whole run: advtrain, digits of quick, 28×28, width 1000, ε 0.2, 25 epochs of 20 steps, 800 + 200"
        )
    )
    if MIRRORS:
        project.run("stages/prepare.py", "mnist", "--size", "28")
    for width, target in ((1000, 900), (10_000, 2500)):
        what = f"official MNIST, width {width:,}, 1 epoch of 5 steps, 12,665 + 2,115 examples; target below {target} MB"
        flags = f"advtrain --size 28 --width {width} --T 1 --atk_iters 5 --dataset mnist"
        rows.append(project.train(flags).row(what) if MIRRORS else {"what": what, "wall s": SKIPPED})
    return Section(
        "Whole jobs",
        "Wall and CPU seconds and peak memory of a process: `python stages/train.py …` on one thread.",
        rows,
    )


def planning(folder: Path) -> Section:
    """`snakemake -n` on a grid of 5,000 runs of the paper's kind."""
    project = Project(folder / "planning")
    path = project.root / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    paper = params["presets"]["paper"]
    for figure in paper["figures"].values():  # one run each
        figure["grid"] = [{axis: values[:1] for axis, values in figure["grid"][0].items()}]
        figure.pop("audit", None)
    paper["figures"]["fig3"]["grid"] = [GRID]
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    job = project.run("-m", "snakemake", "-n", "--cores", "1", "--config", "preset=paper")
    found = re.search(r"^advtrain\s+(\d+)$", job.printed, re.MULTILINE)
    if not found:
        raise RuntimeError(f"snakemake -n did not count its jobs: {job.printed[-2000:]}")
    row = job.row("snakemake -n, from start-up to the printed plan; target: at most 10 s")
    row |= {"runs": int(found[1]), "ms/run": 1000 * job.cpu_seconds / int(found[1])}
    return Section(
        "Planning",
        "What the workflow itself costs: parse, build the graph of all runs, print what would be done.",
        [row],
    )
