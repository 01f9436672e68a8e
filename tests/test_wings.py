"""Imports run down only: stages, api; report; results; workflow; params; experiments; networks; the ground."""

import ast

from conftest import ROOT

GROUND = {"models", "data", "digits", "files", "errors", "lazyadv"}
TOP = {"api", "foolbox", "inputs", "module"}  # the way in from Python
PARAMS = {"params", "grid"}
RUNS = {"experiments", "networks", *GROUND}
BELOW = {
    "networks": {"networks", *GROUND},
    "experiments": RUNS,
    "params": {*PARAMS, *RUNS},
    "workflow": {"workflow", *PARAMS, *RUNS},
    "results": {"results", "workflow", *PARAMS, *RUNS},
    "report": {"report", "results", "workflow", *PARAMS, *RUNS},
    "stages": {"report", "results", "workflow", *PARAMS, *RUNS},
    "top": {*TOP, "results", "workflow", *PARAMS, *RUNS},
    "lazyadv": GROUND,
}
PLACES = dict.fromkeys(TOP, "top") | dict.fromkeys(PARAMS, "params")


def test_imports_run_down() -> None:
    graph: dict[str, set[str]] = {}
    for path in [*ROOT.glob("lazyadv/**/*.py"), *ROOT.glob("stages/*.py")]:
        wing = PLACES.get(path.stem, "lazyadv") if path.parent.name == "lazyadv" else path.parent.name
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
