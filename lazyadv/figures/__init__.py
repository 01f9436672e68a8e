"""The figures: a file draws one, measures what is read off it, and states its claims. fig1 to fig4 are the paper's.

A figure's file has a function `draw`, from the rows that a preset has of it to a matplotlib figure, and its claims
(lazyadv/findings/claim.py), if any. `audit` has claims alone. The list of figures is that of the files (params.py).
"""

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from lazyadv.errors import UserError
from lazyadv.findings.claim import Claim
from lazyadv.models import ParamsError
from lazyadv.params import AUDIT, FIGURES


@contextmanager
def of_their_experiment(figures: str) -> Iterator[None]:
    """See that figures are of experiments that have the axes and measures that they show, and of fitting grids.

    Raises:
        ParamsError: one is not; the message names `figures`, its place in params.yaml.
    """
    try:
        yield
    except ParamsError as error:
        raise ParamsError(f"params.yaml: {figures}: {error}") from None
    except KeyError as error:
        raise ParamsError(f"params.yaml: {figures}: its experiment has no {error.args[0]!r}; name another") from None


def module(figure: str) -> ModuleType:
    """The file of a figure."""
    return importlib.import_module(f"{__name__}.{figure}")


def claims(figures: Iterable[str]) -> dict[str, list[Claim]]:
    """The claims of these figures and of the audit, in the order of the files and of the claims in them.

    Raises:
        UserError: two have one name, by which the ledger knows them.
    """
    asked = set(figures)
    order = [*(figure for figure in FIGURES if figure in asked), AUDIT]
    found = {figure: [each for each in vars(module(figure)).values() if isinstance(each, Claim)] for figure in order}
    names = [each.key for own in found.values() for each in own]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"lazyadv/figures: two claims have the name {', '.join(sorted(twice))}; rename one")
    return found
