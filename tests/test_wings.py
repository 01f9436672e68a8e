"""The house: which room imports which; no circles; no room holds too much, nor does a file or function."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

# from the bottom up: a room imports from those before it
ROOMS = (
    ("errors",),
    ("files", "models"),
    ("data",),
    ("digits",),
    ("kernel",),
    ("networks",),
    ("experiments",),
    ("params",),
    ("workflow",),
    ("results",),
    ("findings",),
    ("figures",),
    ("verify", "report", "api"),
    ("stages",),
)
PLACES = {"grid": "params", "inputs": "api", "module": "api", "foolbox": "api", "lazyadv": "errors"}
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def files() -> Iterator[tuple[Path, str]]:
    """Each file of the library and of the stages, and its room."""
    for path in [*ROOT.glob("lazyadv/**/*.py"), *ROOT.glob("stages/*.py")]:
        name = path.stem if path.parent.name == "lazyadv" else path.parent.name
        yield path, PLACES.get(name, "errors" if name == "__init__" else name)


def imports(path: Path) -> Iterator[str]:
    """The modules of this project that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("lazyadv"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lazyadv"):
            for alias in node.names:
                place = ROOT.joinpath(*f"{node.module}.{alias.name}".split("."))
                there = place.is_dir() or place.with_suffix(".py").exists()
                yield f"{node.module}.{alias.name}" if there else str(node.module)


def test_imports_run_down_and_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path, room in files():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = set(imports(path))
        for used in graph[name]:
            of = [*used.split("."), "lazyadv"][1]
            assert LEVEL[PLACES.get(of, of)] < LEVEL[room] or PLACES.get(of, of) == room, f"{name} imports {used}"
    seen: dict[str, bool] = {}  # name -> whether the walk is still inside it

    def walk(name: str) -> None:
        assert not seen.get(name, False), f"a circle of imports through {name}"
        if name not in seen:
            seen[name] = True
            for used in graph.get(name, ()):
                walk(used)
            seen[name] = False

    for name in graph:
        walk(name)


def test_no_room_holds_a_fifth_of_the_lines_and_no_file_or_function_is_long() -> None:
    lines: Counter[str] = Counter()
    for path, room in files():
        text = path.read_text(encoding="utf-8")
        count = len(text.splitlines())
        assert count <= 250, f"{path}: {count} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 40, f"{path}: {node.name}"
        lines[room] += count if room != "stages" else 0
    for room, count in lines.items():
        assert count <= lines.total() / 5, f"{room}: {count} of {lines.total()} lines"
