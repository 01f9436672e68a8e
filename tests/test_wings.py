"""Imports run down only: stages, api; report; results; then networks and workflow side by side; then the ground."""

import ast

from conftest import ROOT

GROUND = {"run", "grid", "params", "data", "files", "errors", "lazyadv"}
TOP = {"api", "foolbox", "inputs", "module"}  # the way in from Python
BELOW = {
    "top": {"results", "networks", "workflow", *GROUND, *TOP},
    "stages": {"report", "results", "networks", "workflow", *GROUND},
    "report": {"report", "results", "networks", "workflow", *GROUND},
    "results": {"results", "networks", "workflow", *GROUND},
    "networks": {"networks", *GROUND},
    "workflow": {"workflow", *GROUND},
    "lazyadv": GROUND,
}


def test_imports_run_down() -> None:
    graph: dict[str, set[str]] = {}
    for path in [*ROOT.glob("lazyadv/**/*.py"), *ROOT.glob("stages/*.py")]:
        wing = "top" if path.parent.name == "lazyadv" and path.stem in TOP else path.parent.name
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lazyadv"):
                for alias in node.names:
                    used = f"{node.module}.{alias.name}"
                    used = used if (ROOT / used.replace(".", "/")).with_suffix(".py").exists() else node.module
                    assert [*used.split("."), "lazyadv"][1] in BELOW[wing], f"{name} imports {used}"
                    graph.setdefault(name, set()).add(used)
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
