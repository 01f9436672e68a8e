"""Final networks that were kept beside their runs' records, with the data that they were trained on."""

from pathlib import Path
from typing import NamedTuple

from lazyadv import data
from lazyadv.experiments.adversarial import AdversarialRun
from lazyadv.experiments.run import Run
from lazyadv.networks.network import Network
from lazyadv.results.record import RecordError
from lazyadv.workflow import paths, provenance
from lazyadv.workflow.provenance import Input


class KeptNetwork(NamedTuple):
    """A run, its final network, and its data before they are scaled."""

    run: AdversarialRun
    network: Network
    split: data.Split


def load(preset: str, run: Run) -> KeptNetwork:
    """What was kept of a run, and its data.

    Raises:
        RecordError: the network is not there, or not that of the run's record.
        SealError: the network is damaged.
        DataError: the data are not there, or damaged.
    """
    assert isinstance(run, AdversarialRun)
    split = data.Split(**data.load(paths.pair_path(run.dataset, run.pair, run.size, run.antialias)))
    return KeptNetwork(run, load_network(preset, run), split)


def load_network(preset: str, run: Run, root: Path = Path()) -> Network:
    """The final network of a run, below the project's folder.

    Raises:
        RecordError: it is not there, or not that of the run's record.
        SealError: the network is damaged.
    """
    path, record = root / paths.network_path(preset, run), root / paths.run_path(preset, run)
    asked = Input(path, "train", run.model_dump(mode="json"))
    if not path.exists() or provenance.vouched(asked) != provenance.fingerprint_of(record):
        raise RecordError(f"{path}: is not there, or not from the same training as {record}; run snakemake on that")
    arrays = data.load(path)
    return Network(arrays["w"], arrays["b"], arrays["v"], float(arrays["c"]))
