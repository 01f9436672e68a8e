"""The code behind an output: every definition of this project that its stage can reach.

The walk starts at the functions that make the output and follows each name they use, through imports,
to the function, class or constant of this project that it stands for, and so on. Only what is reached
counts, by its syntax tree: comments, docstrings and formatting do not. What a name cannot tell (a look-up
by string, as stages/train.py does for its experiment) is followed by naming it as an entry.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lazyadv", "stages")
# they name outputs, and make none
BOOKKEEPING = tuple(
    f"lazyadv.workflow.{name}" for name in ("provenance", "equivalence", "sources", "pipeline", "paths")
)
LOOSE = "*"  # stands for a module's top-level statements that define nothing


class SourceError(ValueError):
    """The walk cannot tell what a name stands for."""


class Module(NamedTuple):
    """A module's statements by the name they define, and what its imports stand for."""

    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, tuple[str, str | None]]


def reach(*entries: str) -> dict[str, str]:
    """The hash of each definition reached from the entries, all as "lazyadv.networks.attack:pgd".

    Raises:
        SourceError: an entry or a name imported from this project does not exist.
    """
    reached: dict[str, str] = {}
    waiting = list(entries)
    while waiting:
        entry = waiting.pop()
        if entry in reached or entry.partition(":")[0] in BOOKKEEPING:
            continue
        reached[entry], uses = _examine(entry)
        waiting += uses
    return dict(sorted(reached.items()))


@cache
def _examine(entry: str) -> tuple[str, tuple[str, ...]]:
    """The hash of one definition, and the definitions that it uses."""
    name, _, symbol = entry.partition(":")
    module = _parse(name)
    if symbol not in module.definitions:
        if symbol in module.imports:
            return _hash([]), tuple(_resolve(*module.imports[symbol]))
        raise SourceError(f"{name} defines no {symbol!r}")
    statements = module.definitions[symbol]
    # the top levels of a module and of the packages around it run with every import of it
    parts = name.split(".")
    around = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    uses = [f"{each}:{LOOSE}" for each in around if _parse(each).definitions[LOOSE]]
    for statement in statements:
        nodes = list(ast.walk(statement))
        imports = module.imports | _imports(nodes)
        qualified = {}  # a module's name, where only one of its attributes is used
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                qualified[id(node.value)] = node.attr
        for node in nodes:
            if not isinstance(node, ast.Name):
                continue
            if node.id in imports:
                uses += _resolve(*imports[node.id], attribute=qualified.get(id(node)))
            elif node.id in module.definitions and node.id != symbol:
                uses.append(f"{name}:{node.id}")
    names = {node.id for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Name)}
    bindings = sorted((name, *map(str, module.imports[name])) for name in names & module.imports.keys())
    return _hash([bindings, *(_canonical(statement) for statement in statements)]), tuple(uses)


def _resolve(name: str, symbol: str | None, attribute: str | None = None) -> list[str]:
    """The definitions that an imported name stands for; none where it is not of this project."""
    if name.split(".")[0] not in PACKAGES:
        return []
    if symbol is not None and _path(f"{name}.{symbol}").exists():
        name, symbol = f"{name}.{symbol}", None
    if symbol is None:
        symbol = attribute
    if symbol is not None:
        return [f"{name}:{symbol}"]
    return [f"{name}:{definition}" for definition in _parse(name).definitions]


@cache
def _parse(name: str) -> Module:
    path = _path(name)
    if path.name == "__init__.py" and not path.exists():  # a folder of modules, such as stages
        return Module({LOOSE: []}, {})
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    definitions: dict[str, list[ast.stmt]] = {LOOSE: []}
    for statement in tree.body:
        for symbol in _defines(statement):
            definitions.setdefault(symbol, []).append(statement)
    imports = _imports(tree.body)
    if both := imports.keys() & definitions.keys():
        raise SourceError(f"{path}: {', '.join(sorted(both))}: imported and defined; rename one")
    return Module(definitions, imports)


def _defines(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement defines; LOOSE where it does something else."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets) if all(isinstance(target, ast.Name) for target in targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return []
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return []
    return [LOOSE]


def _imports(nodes: Any) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in PACKAGES:
                    raise SourceError(f"'import {alias.name}': write 'from … import …', which the walk can follow")
                found[alias.asname or alias.name.split(".")[0]] = (alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module or node.names[0].name == "*":
                raise SourceError(f"line {node.lineno}: import by full names, which the walk can follow")
            found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return found


def _path(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


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


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
