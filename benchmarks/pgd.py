"""PGD at many cells: against its dense form, against others' implementations, against the machine's own rate."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.attacks import ALL, OURS, WITH_TORCH, Attack, pace
from benchmarks.measure import Section, side_by_side
from benchmarks.problem import problem
from lazyadv.networks.attack import dense_pgd, pgd

NETWORKS = ("untrained", "trained")
SIZES = (5, 10, 14, 20, 28)
EPS = (0.05, 0.1, 0.2, 0.4)
CENTRE = (28, 0.2)
MANY, FEW = 512, 256  # examples at the centre, and elsewhere
COMPARED = (
    ("untrained", 28, 0.2),
    ("trained", 28, 0.2),
    ("trained", 28, 0.05),
    ("trained", 14, 0.2),
    ("trained", 5, 0.2),
)


def grid() -> Iterator[Section]:
    """Every cell, in the paper's 100 steps and in the 20 of quick's figure 4."""
    for steps, kinds in ((100, WITH_TORCH), (20, OURS)):
        rows = [_cell(kinds, name, size, eps, steps) for name in NETWORKS for size in SIZES for eps in EPS]
        ratios = [row["dense/lazy"] for row in rows]
        yield Section(
            f"PGD of {steps} steps",
            "CPU seconds of the lazy kernel, and of two matrix products a step (dense) in NumPy and in torch; …/lazy: "
            "how many times as long that takes. Width 1000. "
            f"Dense/lazy: {min(ratios):.2f} to {max(ratios):.2f}, median {np.median(ratios):.2f}.",
            rows,
        )


def _cell(kinds: dict[str, Attack], name: str, size: int, eps: float, steps: int) -> dict[str, Any]:
    what, count = _words(name, size, eps)
    where = problem(size)
    seconds, _ = pace(kinds, where.networks[name], where.x[:count], where.y[:count], eps, steps)
    row: dict[str, Any] = {"what": what} | {f"{kind} s": second for kind, second in seconds.items()}
    return row | {f"{kind}/lazy": second / seconds["lazy"] for kind, second in seconds.items() if kind != "lazy"}


def _words(name: str, size: int, eps: float) -> tuple[str, int]:
    """A cell's name, and its number of examples."""
    count = MANY if (size, eps) == CENTRE else FEW
    return f"{name} network, {size}×{size}, ε {eps:g}, {count} examples", count


def others() -> Section:
    """Every implementation at a few cells, and that all reach the same margin."""
    rows = []
    for name, size, eps in COMPARED:
        what, count = _words(name, size, eps)
        where = problem(size)
        network, x, y = where.networks[name], where.x[:count], where.y[:count]
        seconds, found = pace(ALL, network, x, y, eps, 100)
        for kind, perturbation in found.items():
            margin = (network.double()(x.astype(np.float64) + perturbation) * y).mean()
            longest = np.linalg.norm(perturbation.astype(np.float64), axis=1).max()
            row = {"what": f"{what}: {kind}", "s": seconds[kind], "/lazy": seconds[kind] / seconds["lazy"]}
            rows.append(row | {"margin": f"{margin:.5f}", "longest δ/ε": f"{longest / eps:.6f}"})
    return Section(
        "PGD against others' implementations",
        "100 steps: CPU seconds; how many times as long as the lazy kernel; the mean of y f(x + δ) reached, in float64 "
        "(lower is a stronger attack); the longest δ. autograd is a plain torch loop; the weights ask for no gradient. "
        "foolbox and torchattacks clip to the box after scaling back to the ball, so they end a little inside it.",
        rows,
    )


def share_of_sgemm() -> Section:
    """How near to this machine's matrix products the dense attack comes."""
    square = np.random.default_rng(0).random((2048, 2048), np.float32)
    where = problem(28)
    network, x, y = where.networks["untrained"], where.x[:MANY], where.y[:MANY]
    seconds, _ = side_by_side(
        {
            "matmul": lambda: square @ square,
            "dense": lambda: dense_pgd(network, x, y, 0.2, 0.005, 100),
            "lazy": lambda: pgd(network, x, y, 0.2, 0.005, 100),
        }
    )
    attack = 100 * 2 * 2 * MANY * network.w.size  # two products a step, an addition and a multiplication an entry
    rates = {task: (2 * 2048**3 if task == "matmul" else attack) / seconds[task] for task in seconds}
    words = {
        "matmul": "NumPy's product of two 2048×2048 matrices: the machine's rate",
        "dense": "dense PGD: untrained network, 28×28, ε 0.2, 512 examples, 100 steps",
        "lazy": "lazy PGD, the same, as if it made the products that it leaves out",
    }
    return Section(
        "Share of the machine's sgemm rate",
        "Billions of float32 operations a second, on one thread, and their share of NumPy's matrix product.",
        [{"what": words[task], "GFLOP/s": rate / 1e9, "share": rate / rates["matmul"]} for task, rate in rates.items()],
    )
