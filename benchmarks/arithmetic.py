"""What it costs to compute alike on every processor."""

import json
import subprocess
import sys

from benchmarks.measure import Section
from lazyadv.workflow.arithmetic import INSTRUCTIONS
from lazyadv.workflow.sources import ROOT

TASK = """
import json, sys
from benchmarks.epoch import parts
from benchmarks.problem import split
found = parts(split(int(sys.argv[1])), 20)
print(json.dumps({"attack": found["attack"], "epoch": found["whole"]}))
"""
TURNS = 3


def one_arithmetic() -> Section:
    """The attack and an epoch, pinned and with all that this processor has, in processes that take turns."""
    rows = []
    for size in (14, 28):
        turns = [[measured(size, unset) for unset in ([], list(INSTRUCTIONS))] for _ in range(TURNS)]
        pinned, free = ({key: min(turn[key] for turn in each) for key in each[0]} for each in zip(*turns, strict=True))
        rows.append({"what": f"size {size}", **{key: pinned[key] / free[key] for key in pinned}})
    meaning = "how many times as long as with whatever instructions this processor has; width 1000, 20 steps, mnist5k"
    return Section("One arithmetic", meaning, rows)


def measured(size: int, unset: list[str]) -> dict[str, float]:
    """CPU seconds in a process of its own, in which some variables are not set."""
    command = ["env", *(word for name in unset for word in ("-u", name)), sys.executable, "-c", TASK, str(size)]
    return json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
