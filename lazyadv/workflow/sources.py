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

from lazyadv.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lazyadv", "stages")
# what runs code by its text or name: functions, and modules but for these parts of them
UNSEEN = ("exec", "eval", "__import__", "importlib", "runpy", "pkgutil")
SEEN = ("importlib.metadata", "importlib.resources")
# import the files beside them; whoever needs one of these names it as an entry
FINDERS = ("lazyadv.experiments", "lazyadv.figures")


class SourceError(UserError):
    """The code behind an output cannot be told."""


def _texts() -> dict[Path, bytes]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path: path.read_bytes() for path in files if path.is_file()}  # not an editor's link to nothing


_BEGAN = _texts()


def require_unchanged(code: dict[str, str]) -> None:
    """See that modules had these hashes since this process began, or it may have run other code than it says.

    Raises:
        SourceError: one was edited meanwhile.
    """
    now = _texts()
    for module, digest in code.items():
        path = _path(module)
        texts = {each.get(path, b"") for each in (_BEGAN, now)} if path else set[bytes]()
        if len(texts) != 1 and {_hash(_parsed(module, text)) for text in texts} != {digest}:
            raise SourceError(f"{module}: was edited while this ran, so what it made is not kept; run again")


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
    """The hash of a module's code, and the modules of this project that it imports, or that are packages around it."""
    path = _path(module)
    if path is None:
        raise SourceError(f"there is no module {module}")
    tree = _parsed(path, path.read_bytes())
    parts = module.split(".")
    around = (".".join(parts[:length]) for length in range(1, len(parts)))
    imported = set(filter(_path, around))  # these run first
    for node in _runnable(tree):
        if (unseen := _unseen(node)) and not (unseen == "importlib" and module in FINDERS):
            raise SourceError(f"{path}:{node.lineno}: {unseen}: import by full names, which can be followed")
        for name in _imports(node):
            if name.partition(".")[0] in PACKAGES:
                imported.add(name)
            elif stray := _stray(name):
                raise SourceError(f"{path}:{node.lineno}: imports {stray}, which is in none of {', '.join(PACKAGES)}")
    return _hash(tree), tuple(sorted(imported))


def _parsed(name: object, text: bytes) -> ast.Module:
    try:
        return ast.parse(text, str(name))
    except (SyntaxError, ValueError) as error:  # the latter of a null byte
        raise SourceError(f"{name}: is no Python ({error})") from None


def _hash(tree: ast.Module) -> str:
    return hashlib.sha256(json.dumps(_canonical(tree)).encode()).hexdigest()[:16]


def _runnable(node: ast.AST) -> Iterator[Any]:
    """The nodes below this one, without those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from (other, *_runnable(other))
        else:
            yield from (child, *_runnable(child))


def _unseen(node: ast.AST) -> str | None:
    """What a node uses to run code that imports do not show, or show by no full name, if it does."""
    match node:
        case ast.ImportFrom(level=level) if level:
            return "a relative import"
        case ast.ImportFrom(module=str(name), names=[ast.alias(name="*")]) if name.partition(".")[0] in PACKAGES:
            return "import *"
        case ast.Name(id=name) | ast.ImportFrom(module=str(name)):
            names = [name]
        case ast.Import(names=aliases):
            names = [alias.name for alias in aliases]
        case _:
            return None
    return next((name for name in names if name.partition(".")[0] in UNSEEN and name not in SEEN), None)


def _imports(node: ast.AST) -> Iterator[str]:
    """The modules that a statement imports."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names):
            yield module
            parts = [f"{module}.{alias.name}" for alias in names]
            yield from (part for part in parts if part.partition(".")[0] in PACKAGES and _path(part))


def _stray(module: str) -> Path | None:
    """The file, or folder, of a module beside the packages or the stages, where Python finds it, too."""
    top = module.partition(".")[0]
    places = [folder / name for folder in (ROOT, ROOT / "stages") for name in (f"{top}.py", top)]
    return next((place for place in places if place.exists()), None)


def _path(module: str) -> Path | None:
    """The file of a module of this project; None if there is none, as of a folder such as stages."""
    path = ROOT.joinpath(*module.split("."))
    if library := next(path.parent.glob(f"{path.name}.*so"), None):
        raise SourceError(f"{library}: runs in place of {path.name}.py, and cannot be read; delete it")
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)  # as Python


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
