"""Take one pair of digits from a data set and resize it."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, paths

arithmetic.pin()

from lazyadv import data
from lazyadv.experiments.run import Dataset
from lazyadv.models import MOST_SIZE
from lazyadv.workflow import command, provenance, recipes


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("dataset", choices=get_args(Dataset))
    parser.add_argument("--num1", type=int, default=0, choices=range(10), metavar="DIGIT", help="class −1")
    parser.add_argument("--num2", type=int, default=1, choices=range(10), metavar="DIGIT", help="class +1")
    parser.add_argument(
        "--size", type=int, default=28, choices=range(1, MOST_SIZE + 1), metavar="SIZE", help="pixels a side"
    )
    parser.add_argument("--antialias", action=argparse.BooleanOptionalAction, default=False)
    args = parser.parse_args()
    if args.num1 == args.num2:
        parser.error("--num1 and --num2 are the same digit")
    where = (args.dataset, (args.num1, args.num2), args.size, args.antialias)
    digits = paths.digits_path(args.dataset)
    command.need(recipes.has_digits(args.dataset), "fetch", args.dataset)
    split = data.prepare(data.load(digits), *where[1:])
    stamp = recipes.prepare(*where).ingredients(provenance.vouched).stamp
    data.save(paths.pair_path(*where), stamp, dataclasses.asdict(split))


if __name__ == "__main__":
    command.run(main)
