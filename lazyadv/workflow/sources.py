"""The code behind an output: every module of this project that its stage imports, itself or by way of others.

Modules count whole, by their syntax trees: comments, docstrings and formatting do not. So whatever runs when a module
is imported counts, too. Imports are followed wherever they stand, in functions and in both branches of a `try`, but not
under `if TYPE_CHECKING`. Code that is looked up by a string cannot be followed, and is refused.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lazyadv", "stages")
# what runs code by its text or name: functions, and modules but for these parts of them
UNSEEN = ("exec", "eval", "__import__", "importlib", "runpy", "pkgutil")
SEEN = ("importlib.metadata", "importlib.resources")
FINDERS = ("lazyadv.experiments",)  # import the files beside them; whoever needs one of these names it as an entry


class SourceError(ValueError):
    """The code behind an output cannot be told."""


def reach(*entries: str) -> dict[str, str]:
    """The hash of each module reached from the entries, all as "lazyadv.networks.attack".

    Raises:
        SourceError: a module of this project does not exist, or runs code that its imports do not show.
    """
    reached: dict[str, str] = {}
    waiting = list(entries)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached[module], imported = _read(module)
            waiting += imported
    return dict(sorted(reached.items()))


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """The hash of a module's code, and the modules of this project that it imports."""
    path = _path(module)
    if path is None:
        raise SourceError(f"there is no module {module}")
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    imported = {package for package in _packages(module) if _path(package)}
    for node in _runnable(tree):
        if (unseen := _unseen(node)) and module not in FINDERS:
            raise SourceError(f"{path}:{node.lineno}: {unseen}: write an import, which can be followed")
        imported |= {name for name in _imports(node) if name.partition(".")[0] in PACKAGES}
    text = json.dumps(_canonical(tree))
    return hashlib.sha256(text.encode()).hexdigest()[:16], tuple(sorted(imported))


def _runnable(node: ast.AST) -> Iterator[Any]:
    """The nodes below this one, without those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from (other, *_runnable(other))
        else:
            yield from (child, *_runnable(child))


def _unseen(node: ast.AST) -> str | None:
    """What a node uses to run code that imports do not show, if it does."""
    match node:
        case ast.Name(id=name) | ast.ImportFrom(module=str(name)):
            names = [name]
        case ast.Import(names=aliases):
            names = [alias.name for alias in aliases]
        case _:
            return None
    return next((name for name in names if name.partition(".")[0] in UNSEEN and name not in SEEN), None)


def _imports(node: ast.AST) -> Iterator[str]:
    """The modules that a statement imports, with the packages around them, which run first."""
    match node:
        case ast.Import(names=names):
            found = [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0, names=names):
            parts = [f"{module}.{alias.name}" for alias in names]
            found = [module, *(part for part in parts if part.partition(".")[0] in PACKAGES and _path(part))]
        case ast.ImportFrom():
            raise SourceError(f"line {node.lineno}: import by full names, which can be followed")
        case _:
            return
    for name in found:
        yield name
        yield from (package for package in _packages(name) if _path(package))


def _packages(module: str) -> list[str]:
    """The packages around a module."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _path(module: str) -> Path | None:
    """The file of a module of this project; None if there is none, as of a folder such as stages."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _canonical(node: Any) -> Any:
    """A syntax tree as plain lists, without docstrings and positions, the same on every Python."""
    if isinstance(node, ast.AST):
        fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
        body = fields.get("body")
        if isinstance(body, list) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            fields["body"] = body[1:]
        fields.pop("ctx", None)
        fields.pop("kind", None)
        return [type(node).__name__, {name: _canonical(value) for name, value in sorted(fields.items())}]
    if isinstance(node, list):
        return [_canonical(item) for item in node]
    return node if isinstance(node, (str, int, float, type(None))) else repr(node)
