"""Attack the networks that a preset keeps by other means than they were trained against; write a table."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.workflow import arithmetic, paths

arithmetic.pin()

import pandas as pd

from lazyadv import data, params
from lazyadv.networks import audit
from lazyadv.networks.network import Network
from lazyadv.results import table
from lazyadv.results.record import RecordError
from lazyadv.run import AdversarialRun
from lazyadv.workflow import command, pipeline, provenance


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--preset", required=True, help="a preset of params.yaml")
    args = parser.parse_args()
    preset = params.load("params.yaml").choose(args.preset)
    recipe = pipeline.audit(args.preset, preset)
    rows = []
    for run in preset.audited:
        assert isinstance(run, AdversarialRun)
        network = kept(args.preset, run)
        split = data.Split(**data.load(paths.pair_path(run.dataset, run.pair, run.size, run.antialias)))
        axes = run.model_dump(include=set(run.axes))
        rows.append({"run": run.name, "experiment": run.experiment, **axes, **audit.examine(run, network, split)})
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    for path in Path("results", args.preset).glob("*/networks/*.npz"):  # of runs that are audited no more
        if path not in {paths.network_path(args.preset, run) for run in preset.audited}:
            path.unlink()
    out = paths.audit_path(args.preset)
    table.write(out, recipe.ingredients(provenance.fingerprint_of).stamp, pd.DataFrame(rows))


def kept(preset: str, run: AdversarialRun) -> Network:
    """The final network of a run.

    Raises:
        RecordError: it is not there, or not that of the run's record.
    """
    path, record = paths.network_path(preset, run), paths.run_path(preset, run)
    if not path.exists() or provenance.fingerprint_of(path) != provenance.fingerprint_of(record):
        raise RecordError(f"{path}: is not there, or not from the same training as {record}; run snakemake on that")
    arrays = data.load(path)
    return Network(arrays["w"], arrays["b"], arrays["v"], float(arrays["c"]))


if __name__ == "__main__":
    command.run(main)
