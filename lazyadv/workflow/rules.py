"""What the Snakefile asks: how a call begins, and, of a job by its wildcards, the inputs, flags and resources."""

import gc
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.io import ancient, report
from snakemake.ioflags import update

from lazyadv.errors import UserError
from lazyadv.experiments import EXPERIMENTS
from lazyadv.experiments.run import Run
from lazyadv.models import checked
from lazyadv.params import Options
from lazyadv.workflow import arithmetic, bytecode, equivalence
from lazyadv.workflow.lock import LockError, hold, lead
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.planning import go_by_fingerprints
from lazyadv.workflow.progress import show

Wildcards = Mapping[str, str]


class Rules:
    """A call of Snakemake: its options (--config), the pipeline, and what rules ask of it."""

    def __init__(self, workflow: Any, config: dict[str, Any]) -> None:
        """Make ready to plan.

        Raises:
            WorkflowError: params.yaml, equivalences.json or an option is senseless, or there is no compiler.
        """
        # planning thousands of runs makes millions of objects that live until the end: look less often for dead ones
        gc.set_threshold(200_000, 20, 100)
        # Snakemake's own log may lie on a full disk; or each of its lines would be a traceback
        logging.raiseExceptions = False
        try:
            arithmetic.require_compiler()
            self.options = checked(Options, config, "--config (preset, device)")
            self.pipeline = Pipeline.load("params.yaml", self.options.preset or None)
            equivalence.known()
            bytecode.renew()
        except (UserError, OSError) as error:
            raise WorkflowError(str(error)) from None
        lead()
        go_by_fingerprints(DAG)
        self._workflow = workflow

    def upstream(self, output: str) -> Callable[[Wildcards], list[str]]:
        """The input function of the rule that makes `output`: its files, whose dates do not count where that is fresh.

        A stale output is put on Snakemake's list of files to make in any case, as by --forcerun.
        """

        def inputs(wildcards: Wildcards) -> list[str]:
            path = output.format(**wildcards)
            try:
                files, fresh = self.pipeline.upstream(Path(path))
            except UserError as error:
                raise SystemExit(str(error)) from None  # one line, which a WorkflowError here is not
            if not fresh:
                self._workflow.dag.forcefiles.add(path)
            return [ancient(str(file)) if fresh else str(file) for file in files]

        return inputs

    def shown(self, output: str, kind: str) -> Any:
        """An output that `snakemake --report` shows, with the caption of its kind."""
        return report(update(output), caption=f"docs/captions/{kind}.rst", category="{preset}", subcategory=kind)

    def flags(self, _: Wildcards, output: list[str]) -> str:
        """The arguments of the stage that makes a record, or prepared data."""
        return self.pipeline.flags(Path(output[0]))

    def demand(self, output: str, measure: Callable[[Run], int]) -> Callable[[Wildcards, int], int]:
        """A resource of the job that makes the record `output`, by a measure of its run; more at each attempt."""
        return lambda wildcards, attempt: attempt * measure(self.pipeline.run(Path(output.format(**wildcards))))

    def group(self, output: str, short: Callable[[Run], bool]) -> Callable[[Wildcards], str | None]:
        """The group of jobs that may share an allocation of a cluster (profiles/slurm): those of short runs."""

        def name(wildcards: Wildcards) -> str | None:
            alone = not self._workflow.non_local_exec or not short(self.pipeline.run(Path(output.format(**wildcards))))
            return None if alone else "short"

        return name

    def start(self, share: Callable[[Run], float]) -> None:
        """Take the lock, and show the progress of what trains, by each run's share of the work.

        Raises:
            WorkflowError: another call is at work here.
        """
        try:
            hold()
        except LockError as error:
            raise WorkflowError(str(error)) from None
        jobs = [job for job in self._workflow.dag.needrun_jobs() if job.rule.name in EXPERIMENTS]
        if jobs:
            show({job.jobid: share(self.pipeline.run(Path(job.output[0]))) for job in jobs})
