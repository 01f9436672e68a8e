"""Timing side by side, and the sections of the report."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
ROUNDS = 2
LONG = 1.0  # seconds: go on for so long, where ROUNDS take less


@dataclass(frozen=True)
class Section:
    """A table, with what its columns mean; each row begins with its name in words."""

    title: str
    meaning: str
    rows: list[dict[str, Any]]

    def __str__(self) -> str:
        header = list(dict.fromkeys(key for row in self.rows for key in row))
        lines = [header, *([spelled(row.get(key, "")) for key in header] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ("  ".join(_cells(line, widths)).rstrip() for line in lines)
        return "\n".join([f"## {self.title}", self.meaning, "", *table, ""])


def _cells(line: list[str], widths: list[int]) -> Iterable[str]:
    """The first cell set left, the numbers right."""
    yield line[0].ljust(widths[0])
    yield from (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))


def spelled(value: Any) -> str:
    """A number to three digits; anything else as it is."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def side_by_side(tasks: Mapping[str, Callable[[], T]]) -> tuple[dict[str, float], dict[str, T]]:
    """The least CPU seconds of each task and what it returned last, the tasks taking turns.

    CPU time, of all threads, is the wall time of an idle machine, and other processes disturb it less.
    """
    seconds, results = dict.fromkeys(tasks, float("inf")), {}
    began, rounds = time.monotonic(), 0
    while rounds < ROUNDS or time.monotonic() - began < LONG:
        for name, task in tasks.items():
            started = time.process_time()
            results[name] = task()
            seconds[name] = min(seconds[name], time.process_time() - started)
        rounds += 1
    return seconds, results
