# The table of contents: fetch -> prepare -> train -> collect -> plot, audit, claims.
# A file's inputs are those of its recipe in lazyadv/workflow/recipes.py; what makes it run again is a change of its
# fingerprint (lazyadv/workflow/provenance.py), never its date.
import gc
import logging
import sys
from pathlib import Path

from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError

from lazyadv.errors import UserError
from lazyadv.results import cost
from lazyadv.workflow.lock import LockError, hold, lead
from lazyadv.experiments import EXPERIMENTS
from lazyadv.models import checked
from lazyadv.params import Options
from lazyadv.workflow import arithmetic, bytecode, equivalence
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.planning import go_by_fingerprints
from lazyadv.workflow.progress import show
from lazyadv.workflow.recipes import train
from lazyadv.workflow.sources import SourceError

# planning thousands of runs makes millions of objects that live until the end: look less often for dead ones
gc.set_threshold(200_000, 20, 100)

try:
    arithmetic.require_compiler()
    options = checked(Options, config, "--config (preset, device)")
    pipeline = Pipeline.load("params.yaml", options.preset or None)
    equivalence.known()
    bytecode.renew()
except (UserError, OSError) as error:
    raise WorkflowError(str(error))
lead()

# in a rule, `python stages/…` is the Python that Snakemake runs on, and a stage of this clone, wherever the work is
shell.prefix(
    'set -euo pipefail; python() {{ {sys.executable:q} {workflow.basedir:q}/"$@"; }}; '
)
# Snakemake's own log may lie on a full disk; or each of its lines would be a traceback
logging.raiseExceptions = False


go_by_fingerprints(DAG)


def upstream(output):
    """The input function of the rule that makes `output`: its files, whose dates do not count where that is fresh.

    A stale output is put on Snakemake's list of files to make in any case, as by --forcerun.
    """

    def inputs(wildcards):
        path = output.format(**wildcards)
        try:
            files, fresh = pipeline.upstream(Path(path))
        except (UserError, SourceError, SyntaxError) as error:
            raise SystemExit(str(error))  # one line, which a WorkflowError here is not
        if not fresh:
            workflow.dag.forcefiles.add(path)
        return [ancient(str(file)) if fresh else str(file) for file in files]

    return inputs


def flags(wildcards, output):
    """The flags of stages/train.py for a record."""
    return pipeline.flags(Path(output[0]))


onstart:
    try:
        hold()
    except LockError as error:
        raise WorkflowError(str(error))
    runs = [
        job for job in workflow.dag.needrun_jobs() if job.rule.name in EXPERIMENTS
    ]
    if runs:
        show(
            {
                job.jobid: cost.share(pipeline.run(Path(job.output[0])))
                for job in runs
            }
        )


def group(output):
    """The group of jobs that may share an allocation of a cluster (profiles/slurm): those of short runs."""

    def name(wildcards):
        if not workflow.non_local_exec:
            return None
        run = pipeline.run(Path(output.format(**wildcards)))
        return "short" if cost.minutes(run) <= cost.SHORT else None

    return name


def demand(output, measure):
    """A resource of the job that makes the record `output`, as `measure` has it for a run; more at each attempt."""

    def resource(wildcards, attempt):
        return attempt * measure(pipeline.run(Path(output.format(**wildcards))))

    return resource


wildcard_constraints:
    dataset="[a-z0-9]+",
    preset="[a-z][a-z0-9-]*",
    experiment="[^/]+",
    figure="[^/]+",


localrules:
    all,
    data,
    claims,
    fetch,
    prepare,
    collect,
    plot,
    audit,
    ledger,
    publish,


rule all:
    input:
        expand("figures/{figure}.pdf", figure=pipeline.preset.figures),


rule data:
    input:
        sorted({str(file) for run in pipeline.runs() for file in train(run).files}),


rule claims:
    input:
        f"results/{pipeline.preset_name}/claims.json",


rule fetch:
    input:
        upstream("data/{dataset}/digits.npz"),
    output:
        update("data/{dataset}/digits.npz"),
    log:
        "logs/fetch/{dataset}.log",
    shell:
        "python stages/fetch.py {wildcards.dataset} > {log} 2>&1"


rule prepare:
    input:
        upstream(
            "data/{dataset}/{first}-{second}/size={size},antialias={antialias}.npz"
        ),
    output:
        update(
            "data/{dataset}/{first,[0-9]}-{second,[0-9]}/size={size,[0-9]+},antialias={antialias,true|false}.npz"
        ),
    log:
        "logs/prepare/{dataset}/{first}-{second}/size={size},antialias={antialias}.log",
    params:
        antialias=lambda wildcards: (
            "--antialias" if wildcards.antialias == "true" else "--no-antialias"
        ),
    shell:
        "python stages/prepare.py {wildcards.dataset} --num1 {wildcards.first} --num2 {wildcards.second} "
        "--size {wildcards.size} {params.antialias} > {log} 2>&1"


# a wildcard an axis: on a cluster, Snakemake hands on a job's wildcards in a list of name=value with commas
for experiment, kind in EXPERIMENTS.items():
    name = ",".join(f"{axis}={{{axis}}}" for axis in kind.axes)
    record = f"results/{{preset}}/{experiment}/runs/{name}.json"

    rule:
        name:
            experiment
        input:
            upstream(record),
        output:
            update(record),
        log:
            f"logs/{{preset}}/{experiment}/{name}.log",
        group:
            group(record)
        threads: 1
        resources:
            mem_mb=demand(record, cost.memory_mb),
            runtime=demand(record, cost.minutes),
        params:
            flags=flags,
            device=options.device,
        shell:
            "python stages/train.py {params.flags} --device {params.device:q} "
            "--out {output} > {log} 2>&1"


rule collect:
    input:
        upstream("results/{preset}/{experiment}/table.csv"),
    output:
        update("results/{preset}/{experiment}/table.csv"),
    log:
        "logs/{preset}/{experiment}/collect.log",
    shell:
        "python stages/collect.py {wildcards.experiment} --preset {wildcards.preset} > {log} 2>&1"


rule plot:
    input:
        upstream("figures/{preset}/{figure}.pdf"),
    output:
        update("figures/{preset}/{figure}.pdf"),
        update("figures/{preset}/{figure}.svg"),
    log:
        "logs/{preset}/{figure}.log",
    shell:
        "python stages/plot.py {wildcards.figure} --preset {wildcards.preset} > {log} 2>&1"


rule audit:
    input:
        upstream("results/{preset}/audit.csv"),
    output:
        update("results/{preset}/audit.csv"),
    log:
        "logs/{preset}/audit.log",
    shell:
        "python stages/audit.py --preset {wildcards.preset} > {log} 2>&1"


rule ledger:
    input:
        upstream("results/{preset}/claims.json"),
    output:
        update("results/{preset}/claims.json"),
        update("results/{preset}/claims.md"),
    log:
        "logs/{preset}/claims.log",
    shell:
        "python stages/claims.py --preset {wildcards.preset} > {log} 2>&1"


rule publish:
    input:
        upstream("figures/{figure}.pdf"),
    output:
        update("figures/{figure}.pdf"),
    log:
        "logs/{figure}.log",
    params:
        preset=pipeline.preset_name,
    shell:
        "(cp figures/{params.preset}/{wildcards.figure}.pdf {output}~ && mv {output}~ {output}) 2> {log}"
