"""How far the training has come: runs done of runs asked, time left, failures; a bar on a terminal, lines in a log.

Told by Snakemake's own log events. Its blocks of lines about every job, which would bury this, go to its
log file alone (`.snakemake/log/`); what concerns a failure is shown.
"""

import atexit
import logging
import sys
import time
from collections.abc import Mapping

from snakemake.logging import get_event
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

SECONDS = 20  # between two lines in a log
ROUTINE = {LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.GROUP_INFO, LogEvent.PROGRESS}

NOISE = ("Select jobs to execute", "Cannot restore")  # the latter where a job that failed had nothing to replace


class Progress(logging.Handler):
    """Follows the jobs of a Snakemake call by their numbers, each with its share of the work in any unit."""

    def __init__(self, work: Mapping[int, float]) -> None:
        super().__init__()
        self.work = dict(work)
        self.done: set[int] = set()
        self.failed: set[int] = set()
        self.started = self.told = time.monotonic()
        self.plain = not sys.stderr.isatty()
        self.bar = tqdm(
            desc=self.count,
            total=sum(self.work.values()),
            bar_format="{desc} |{bar}| {percentage:.0f} %, {elapsed} spent, {remaining} left",
            smoothing=0,
            disable=self.plain,
        )

    @property
    def count(self) -> str:
        """Runs done of runs asked, and failures."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{len(self.done)} of {len(self.work)} runs trained{failed}"

    @property
    def line(self) -> str:
        """The count, and the time left at the pace so far."""
        done = sum(self.work[job] for job in self.done)
        left = sum(self.work[job] for job in self.work.keys() - self.done - self.failed)
        spent = time.monotonic() - self.started
        return self.count + (f", about {tqdm.format_interval(spent * left / done)} left" if left and done else "")

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a job that has finished or failed."""
        event, job = get_event(record), getattr(record, "job_id", getattr(record, "jobid", None))
        if event not in (LogEvent.JOB_FINISHED, LogEvent.JOB_ERROR) or job not in self.work:
            return
        if event == LogEvent.JOB_FINISHED:
            self.failed.discard(job)  # a retry has mended it
            self.done.add(job)
            self.bar.set_description_str(self.count, refresh=False)
            self.bar.update(self.work[job])
        else:
            self.failed.add(job)
            self.bar.set_description_str(self.count)
        if len(self.done) == len(self.work):
            self.bar.close()
        over = len(self.done) + len(self.failed) == len(self.work)
        if self.plain and (over or event == LogEvent.JOB_ERROR or time.monotonic() - self.told > SECONDS):
            self.told = time.monotonic()
            print(self.line, file=sys.stderr, flush=True)

    def hush(self, record: logging.LogRecord) -> bool:
        """A filter for Snakemake's other handlers: not what is routine, and nothing on top of the bar."""
        routine = get_event(record) in ROUTINE or str(record.msg).startswith(NOISE)
        if not routine:
            self.bar.clear()
        return not routine


def show(work: Mapping[int, float]) -> None:
    """Show the progress of these jobs (number: share of the work) until this Snakemake ends."""
    logger = logging.getLogger("snakemake.logging")
    progress = Progress(work)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(progress.hush)
    logger.addHandler(progress)
    atexit.register(progress.bar.close)  # where a run has failed; a retry may come until then
