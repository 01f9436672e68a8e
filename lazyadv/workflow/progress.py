"""Training progress: runs done of runs asked, failures, time left; a bar on a terminal, lines in a log.

Told by Snakemake's own log events. Its blocks of lines about every job, which would bury this, go to its
log file alone (`.snakemake/log/`); what concerns a failure is shown.
"""

import atexit
import logging
import sys
from collections.abc import Mapping

from snakemake.logging import get_event
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

SECONDS = 20  # between two lines in a log
ROUTINE = {LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.GROUP_INFO, LogEvent.PROGRESS}
NOISE = ("Select jobs to execute", "Cannot restore")  # the latter where a job that failed had nothing to replace


class Lines:
    """Writes what is meant for a terminal as lines of a log."""

    def write(self, text: str) -> None:
        if text.strip():
            print(text.strip(), file=sys.stderr)


class Progress(logging.Handler):
    """Follows the jobs of a Snakemake call by their numbers, each with its share of the work in any unit."""

    def __init__(self, work: Mapping[int, float]) -> None:
        super().__init__()
        self.work = work
        self.done: set[int] = set()
        self.failed: set[int] = set()
        terminal = sys.stderr.isatty()
        self.bar = tqdm(
            bar_format="{desc} |{bar}| {elapsed} spent, {remaining} left",
            smoothing=0,
            miniters=0,
            delay=1e-9,  # not without a description
            mininterval=0.1 if terminal else SECONDS,
            file=sys.stderr if terminal else Lines(),
        )
        self.follow()

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a job that has finished or failed."""
        event, job = get_event(record), getattr(record, "job_id", getattr(record, "jobid", -1))
        if job in self.work and event in (LogEvent.JOB_FINISHED, LogEvent.JOB_ERROR):
            (self.done if event == LogEvent.JOB_FINISHED else self.failed).add(job)
            self.follow(refresh=event == LogEvent.JOB_ERROR)

    def follow(self, refresh: bool = True) -> None:
        """Bring the bar up to date; what has failed is not waited for."""
        self.failed -= self.done  # which a retry has mended
        failed = f", {len(self.failed)} failed" if self.failed else ""
        self.bar.total = sum(self.work[job] for job in self.work.keys() - self.failed)
        self.bar.set_description_str(f"{len(self.done)} of {len(self.work)} runs trained{failed}", refresh)
        self.bar.update(sum(self.work[job] for job in self.done) - self.bar.n)

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
    atexit.register(progress.bar.close)
