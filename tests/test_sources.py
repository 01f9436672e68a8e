"""The walk over sources, on small packages: what counts that a name alone does not show."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lazyadv.workflow import sources

Reach = Callable[..., dict[str, str]]
USER = "def main():\n    return f()\n"


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reach]:
    """The walk from lazyadv.user:main over a package of these modules."""

    def walk(**modules: str) -> dict[str, str]:
        (tmp_path / "lazyadv").mkdir(exist_ok=True)
        for name, text in (
            {"__init__": "", "a": "def f(): return 1\n", "b": "from lazyadv.a import f\n"} | modules
        ).items():
            (tmp_path / "lazyadv" / f"{name}.py").write_text(text)
        sources._examine.cache_clear()
        sources._parse.cache_clear()
        return sources.reach("lazyadv.user:main")

    monkeypatch.setattr(sources, "ROOT", tmp_path)
    yield walk
    sources._examine.cache_clear()
    sources._parse.cache_clear()


def test_where_a_name_is_imported_from_counts(reach: Reach) -> None:
    """Though the text of its user is the same, and the function in the end, too."""
    from_a, from_b = (reach(user=f"from lazyadv.{module} import f\n{USER}") for module in ("a", "b"))
    assert from_a["lazyadv.user:main"] != from_b["lazyadv.user:main"]
    assert reach(user=f"import math as f\n{USER}") != reach(user=f"import cmath as f\n{USER}")


def test_an_attribute_set_at_the_top_level_counts(reach: Reach) -> None:
    user = "from lazyadv import a\n\n\ndef main():\n    return a.f()\n"
    changed = "def f(): return 1\nf.steps = {}\n"
    one, two = (reach(user=user, a=changed.format(steps)) for steps in (1, 2))
    assert one["lazyadv.a:*"] != two["lazyadv.a:*"]
    assert one["lazyadv.a:f"] == two["lazyadv.a:f"]


def test_a_name_both_imported_and_defined_is_refused(reach: Reach) -> None:
    with pytest.raises(sources.SourceError, match=r"user\.py: f: imported and defined"):
        reach(user=f"from lazyadv.a import f\n{USER}\n\ndef f():\n    return 2\n")


def test_the_packages_own_top_level_always_counts(reach: Reach) -> None:
    user = f"from lazyadv.a import f\n{USER}"
    assert reach(user=user, __init__="print(1)\n") != reach(user=user, __init__="print(2)\n")
