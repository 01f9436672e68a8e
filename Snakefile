# The table of contents: fetch -> prepare -> train -> collect -> plot, audit, claims.
# A file's inputs are those of its recipe (lazyadv/workflow/recipes.py, outputs.py); what makes it run again is a change
# of its fingerprint (provenance.py), never its date.
import sys

from lazyadv.experiments import EXPERIMENTS
from lazyadv.results import cost
from lazyadv.workflow.recipes import train
from lazyadv.workflow.rules import Rules

ask = Rules(workflow, config)
# in a rule, `python stages/…` is the Python that Snakemake runs on, and a stage of this clone, wherever the work is
shell.prefix(
    'set -euo pipefail; python() {{ {sys.executable:q} {workflow.basedir:q}/"$@"; }}; '
)


onstart:
    ask.start(cost.share)


wildcard_constraints:
    dataset="[a-z0-9]+",
    preset="[a-z][a-z0-9-]*",
    experiment="[^/]+",
    figure="[^/]+",


rule all:
    input:
        ask.pipeline.figures(),
    localrule: True


rule data:
    input:
        sorted({str(file) for run in ask.pipeline.runs() for file in train(run).files}),
    localrule: True


rule claims:
    input:
        f"results/{ask.pipeline.preset_name}/claims.json",
    localrule: True


rule fetch:
    input:
        ask.upstream("data/{dataset}/digits.npz"),
    output:
        update("data/{dataset}/digits.npz"),
    log:
        "logs/fetch/{dataset}.log",
    localrule: True
    shell:
        "python stages/fetch.py {wildcards.dataset} > {log} 2>&1"


rule prepare:
    input:
        ask.upstream("data/{dataset}/{pair}/{how}.npz"),
    output:
        update("data/{dataset}/{pair,[0-9]-[0-9]}/{how,size=[^/]+}.npz"),
    log:
        "logs/prepare/{dataset}/{pair}/{how}.log",
    localrule: True
    params:
        flags=ask.flags,
    shell:
        "python stages/prepare.py {params.flags} > {log} 2>&1"


# a wildcard an axis: on a cluster, Snakemake hands on a job's wildcards in a list of name=value with commas
for experiment, kind in EXPERIMENTS.items():
    name = ",".join(f"{axis}={{{axis}}}" for axis in kind.axes)
    record = f"results/{{preset}}/{experiment}/runs/{name}.json"

    rule:
        name:
            experiment
        input:
            ask.upstream(record),
        output:
            update(record),
        log:
            f"logs/{{preset}}/{experiment}/{name}.log",
        group:
            ask.group(record, cost.short)
        threads: 1
        resources:
            mem_mb=ask.demand(record, cost.memory_mb),
            runtime=ask.demand(record, cost.minutes),
        params:
            flags=ask.flags,
            device=ask.options.device,
        shell:
            "python stages/train.py {params.flags} --device {params.device:q} --out {output} > {log} 2>&1"


rule collect:
    input:
        ask.upstream("results/{preset}/{experiment}/table.csv"),
    output:
        ask.shown("results/{preset}/{experiment}/table.csv", "table"),
    log:
        "logs/{preset}/{experiment}/collect.log",
    localrule: True
    shell:
        "python stages/collect.py {wildcards.experiment} --preset {wildcards.preset} > {log} 2>&1"


rule plot:
    input:
        ask.upstream("figures/{preset}/{figure}.pdf"),
    output:
        update("figures/{preset}/{figure}.pdf"),
        ask.shown("figures/{preset}/{figure}.svg", "figure"),
    log:
        "logs/{preset}/{figure}.log",
    localrule: True
    shell:
        "python stages/plot.py {wildcards.figure} --preset {wildcards.preset} > {log} 2>&1"


rule audit:
    input:
        ask.upstream("results/{preset}/audit.csv"),
    output:
        update("results/{preset}/audit.csv"),
    log:
        "logs/{preset}/audit.log",
    localrule: True
    shell:
        "python stages/audit.py --preset {wildcards.preset} > {log} 2>&1"


rule ledger:
    input:
        ask.upstream("results/{preset}/claims.json"),
    output:
        update("results/{preset}/claims.json"),
        ask.shown("results/{preset}/claims.md", "ledger"),
    log:
        "logs/{preset}/claims.log",
    localrule: True
    shell:
        "python stages/claims.py --preset {wildcards.preset} > {log} 2>&1"


rule publish:
    input:
        ask.upstream("figures/{figure}.pdf"),
    output:
        update("figures/{figure}.pdf"),
    log:
        "logs/{figure}.log",
    localrule: True
    shell:
        "(cp {input} {output}~ && mv {output}~ {output}) 2> {log}"
