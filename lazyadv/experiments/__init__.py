"""What is run. A file has all of an experiment: its tuple, hyperparameters, radius, training loop, what it computes.

The list of experiments is the list of files: each class of runs that has axes is one. The code behind a record is that
of its experiment's file, which workflow/recipes.py names.
"""

import importlib
from pathlib import Path

from lazyadv.experiments.run import Run


def _found() -> dict[str, type[Run]]:
    """The experiments by name, in the order of the files and of the classes in them."""
    found: dict[str, type[Run]] = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        module = importlib.import_module(f"{__name__}.{path.stem}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Run) and "axes" in vars(kind):
                found[kind.model_fields["experiment"].default] = kind
    return found


EXPERIMENTS = _found()
