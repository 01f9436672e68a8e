"""Other pairs of digits: behind a preset's name, and as an axis of a grid."""

from pathlib import Path

import pytest

from lazyadv import params
from lazyadv.models import ParamsError
from lazyadv.workflow.pipeline import Pipeline
from lazyadv.workflow.sources import ROOT


def test_a_pair_of_digits_behind_a_presets_name_is_that_preset_for_them() -> None:
    loaded = params.load(ROOT / "params.yaml")
    other, quick = loaded.choose("quick-4-9"), loaded.choose("quick")
    assert (other.pair, other.beside) == ((4, 9), ())
    assert other.figures == {name: grid for name, grid in quick.figures.items() if name not in ("pairs", "examples")}
    for experiment in other.experiments:
        assert other.shared(experiment) == quick.shared(experiment) | {"pair": (4, 9)}
    path = Path("results/quick-4-9/advtrain/runs/width=1000,size=5,C0=10,eps=0.3,seed=0.json")
    pipeline = Pipeline(loaded, "quick-4-9")
    assert pipeline.run(path).pair == (4, 9)
    assert Path("data/mnist5k/4-9/size=5,antialias=true.npz") in pipeline.recipe(path).files
    for name in ("quick-4-4", "quick-4", "slow-4-9", "quick-4-9-4"):
        with pytest.raises(ParamsError, match=name):
            loaded.choose(name)


def test_runs_over_pairs_have_the_pair_in_their_path() -> None:
    pipeline = Pipeline.load(str(ROOT / "params.yaml"), "tiny")
    runs = pipeline.preset.runs("pairs")
    assert [run.pair for run in runs] == [(0, 1), (3, 8)]
    path = Path(f"results/tiny/advtrainpair/runs/{runs[1].name}.json")
    assert path.name == "pair=3-8,width=20,size=3,C0=10,eps=0.05,seed=0.json"
    assert pipeline.run(path) == runs[1]
