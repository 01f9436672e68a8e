"""Measure everything in one run, on one thread: `python benchmarks/run.py`.

Prints a table for each question, and writes results.json and growth.svg beside this file. With the address of the
official MNIST files in LAZYADV_MNIST_MIRROR (file:///… or https://…) it measures also what needs them.
"""

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic

arithmetic.pin()
for name in ("MKL_CBWR", "ATEN_CPU_CAPABILITY"):  # torch's own, which others' attacks are to have as fast as it is
    os.environ.pop(name, None)

import torch

from benchmarks.apgd import stronger
from benchmarks.arithmetic import one_arithmetic
from benchmarks.epoch import epoch
from benchmarks.growth import draw_growth, growth
from benchmarks.jobs import jobs, planning
from benchmarks.measure import Section
from benchmarks.pgd import grid, others, share_of_sgemm
from benchmarks.stepping import search
from benchmarks.vectors import by_hand
from lazyadv.files import replacing

HERE = Path(__file__).parent
PACKAGES = ("numpy", "numba", "torch", "foolbox", "torchattacks", "snakemake")


def sections() -> Iterator[Section]:
    """Every section, as it is measured."""
    yield from grid()
    yield others()
    yield stronger()
    yield share_of_sgemm()
    curves = growth()
    draw_growth(curves, HERE / "growth.svg")
    yield curves
    yield search()
    yield epoch()
    yield by_hand()
    yield one_arithmetic()
    with tempfile.TemporaryDirectory() as folder:
        yield jobs(Path(folder))
        yield planning(Path(folder))


def machine() -> dict[str, Any]:
    """What the numbers are measured on."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.machine()
    versions = {package: version(package) for package in PACKAGES}
    return {"processor": processor, "cores": os.cpu_count(), "python": platform.python_version(), **versions}


def main() -> None:
    torch.set_num_threads(1)
    started = time.monotonic()
    report: dict[str, Any] = {"machine": machine(), "sections": {}}
    print(", ".join(f"{key} {value}" for key, value in report["machine"].items()), end="\n\n", flush=True)
    for section in sections():
        print(section, flush=True)
        report["sections"][section.title] = {"meaning": section.meaning, "rows": section.rows}
    report["seconds"] = round(time.monotonic() - started)
    print(f"All in {report['seconds']} s.")
    with replacing(HERE / "results.json") as temporary:
        temporary.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
