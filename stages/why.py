"""Say whether an output is what would be made today: fresh, and why; or stale, and what has changed."""

import sys
from pathlib import Path
from pprint import pformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.files import SealError
from lazyadv.workflow import command, equivalence, paths, provenance
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.provenance import Ingredients

SHOWN = 3  # inputs; a table has hundreds


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("file", type=paths.named, help="an output of the pipeline, by its path")
    parser.add_argument("--preset", help="the preset that figures/*.pdf show; by default that of params.yaml")
    args = parser.parse_args()
    pipeline, path = Pipeline.load("params.yaml", args.preset), args.file
    wanted = pipeline.ingredients(path)
    if not path.exists():
        raise SealError(f"{path}: is not here: `dvc pull`, or run snakemake on it")
    made = provenance.ingredients_of(path)
    stale = list(pipeline.stale(path))
    if not stale:
        lines = freshness(made, wanted)
    elif path in stale:
        lines = ["stale", *provenance.differences(made, wanted)]
    else:
        lines = ["stale", *(f"{other}, made in one go with it, is missing or is another's" for other in stale)]
    print(f"{path}: {lines[0]}", *lines[1:], *origin(made), sep="\n  ")
    if stale:
        sys.exit(1)


def origin(made: Ingredients) -> list[str]:
    """What an output was made from, a line each."""
    inputs = [f"{role} {fingerprint}" for role, fingerprint in made.inputs.items()]
    if len(inputs) > SHOWN:
        inputs = [*inputs[:SHOWN], f"and {len(inputs) - SHOWN} more"]
    return [
        f"made by {made.rule}, fingerprint {made.fingerprint}, from",
        f"code {equivalence.code_digest(made.code)}, the digest of {len(made.code)} hashes",
        *(line for key, value in made.params.items() for line in spelled(key, value)),
        *(f"input {line}" for line in inputs),
    ]


def spelled(key: str, value: object) -> list[str]:
    """A parameter, a block of a grid a line."""
    first, *more = pformat(value, width=110, sort_dicts=False).splitlines()
    return [f"{key} = {first}", *(f"  {line}" for line in more)]


def freshness(made: Ingredients, wanted: Ingredients) -> list[str]:
    """In words, if a fresh output is as today's code made it, or by which evidence it may stay."""
    if made.code == wanted.code:
        return ["fresh as made"]
    lines = ["fresh by evidence (equivalences.json): its code has changed, and was shown to make the same"]
    digests = [equivalence.code_digest(each.code) for each in (wanted, made)]
    found = [step for code in digests for step in equivalence.origin(made.rule, made.params, code)[1]]
    for step in {step.digest: step for step in found}.values():
        lines.append(f"code {step.old} = {step.new}: {len(step.compared)} compared, {step.date}, at {step.commit}")
        lines.append(f"  for {', '.join(f'{key} {value}' for key, value in (step.same | step.within).items())}")
        lines += [f"  {name}" for name in step.compared]
    return lines


if __name__ == "__main__":
    command.run(main)
