"""Say what an output was made from, and whether it is what would be made today: fresh, and why; or what has changed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import command, equivalence, provenance
from lazyadv.workflow.equivalence import Equivalence
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.provenance import Ingredients


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("file", type=Path, help="an output of the pipeline, as it names it")
    args = parser.parse_args()
    made = provenance.ingredients_of(args.file)
    print(f"{args.file}: whole; fingerprint {made.fingerprint}, made by {made.rule} from")
    print(f"  code {equivalence.code_digest(made.code)}, the digest of {len(made.code)} definitions")
    for kind in ("params", "inputs"):
        for key, value in getattr(made, kind).items():
            print(f"  {kind.removesuffix('s')} {key} = {value}")
    pipeline = Pipeline.load("params.yaml")
    path = args.file.resolve()
    if not path.is_relative_to(Path.cwd()):
        print("It lies outside this folder: there is nothing to compare it with.")
        return
    wanted = pipeline.ingredients(path.relative_to(Path.cwd()))
    if made.fingerprint == wanted.fingerprint:
        print("\n".join(freshness(made, wanted)))
    else:
        print("\n".join(["stale:", *(f"  {line}" for line in provenance.differences(made, wanted))]))
        sys.exit(1)


def freshness(made: Ingredients, wanted: Ingredients) -> list[str]:
    """In words, if a fresh output is as today's code made it, or by which evidence it may stay."""
    steps = dict[str, Equivalence]()
    for each in (wanted, made):
        steps |= {step.digest: step for step in equivalence.origin(each.rule, each.params, each.code)[1]}
    if made.code == wanted.code:
        return ["fresh as made"]
    lines = ["fresh by evidence (equivalences.json): its code has changed, and was shown to make the same"]
    for step in steps.values():
        where = f"{', '.join(f'{key} {value}' for key, value in (step.same | step.at_most).items())}"
        lines.append(f"  code {step.old} = {step.new}: {len(step.compared)} compared, {step.date}, at {step.commit}")
        lines += [f"    for {where}", *(f"    {name}" for name in step.compared)]
    return lines


if __name__ == "__main__":
    command.run(main)
