"""Snakemake's planning by fingerprints alone: what it would do by the dates of files is taken out of it."""

from collections.abc import Iterator
from typing import Any


def go_by_fingerprints(dag: type[Any]) -> None:
    """Change Snakemake's class of plans, so that every output on its list of files to make is made, and no other.

    A finished job's files may be older than its inputs, as a skewed clock makes them; Snakemake would remove them. And
    a job on the list counts though it lies behind one that runs and, between them, one that is fresh; Snakemake looks
    at nothing behind a job that runs (snakemake/snakemake#4166).
    """
    update_needrun, bfs = dag.update_needrun, dag.bfs

    async def ignore_dates(*_: Any) -> None:
        pass

    async def look_at_all(self: Any, *arguments: Any, **named: Any) -> None:
        self.skips = False
        try:
            await update_needrun(self, *arguments, **named)
        finally:
            self.skips = True

    def behind(self: Any, direction: Any, *jobs: Any, **named: Any) -> Iterator[Any]:
        if direction is self.depending and not getattr(self, "skips", True):
            return iter(())
        return bfs(self, direction, *jobs, **named)

    dag.check_output_mtime, dag.update_needrun, dag.bfs = ignore_dates, look_at_all, behind
