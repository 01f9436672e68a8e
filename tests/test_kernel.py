"""The lazy kernel against dense PGD in float64: the same margins, the same robust accuracy."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, random_examples, random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from lazyadv import data
from lazyadv.digits import mnist5k
from lazyadv.kernel.vectors import CHUNK, dot
from lazyadv.networks import sgd
from lazyadv.networks.attack import advanced, copies, dense_pgd, pgd
from lazyadv.networks.ball import project
from lazyadv.networks.network import Network, draw

CLOSE = 1e-3


def margins(network: Network, x: np.ndarray, y: np.ndarray, perturbation: np.ndarray) -> np.ndarray:
    return network.double()(x.astype(float) + perturbation) * y


def compare(network: Network, x: np.ndarray, y: np.ndarray, eps: float, step: float, steps: int) -> np.ndarray:
    """The differences of final margins (n,) between the kernel and dense PGD in float64."""
    lazy = pgd(network, x, y, eps, step, steps)
    assert np.isfinite(lazy).all()
    dense = dense_pgd(network.double(), x.astype(float), y.astype(float), eps, step, steps)
    return np.abs(margins(network, x, y, lazy) - margins(network, x, y, dense))


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    return mnist5k()


@pytest.mark.parametrize("size", [5, 10, 28])
@pytest.mark.parametrize("trained", [False, True])
def test_margins_and_robust_accuracy_are_denses(digits: dict[str, np.ndarray], size: int, trained: bool) -> None:
    """On real digits, at the presets' ε and beyond both ends, with the steps of both protocols.

    A preactivation within rounding of zero may be taken for either sign, by any implementation in float32 (dense PGD
    differs from itself in float64 on one example or two of these), and from there two paths may part: 1 in 400 may.
    """
    split = data.prepare(digits, (0, 1), size, antialias=True).normalized()
    order, start = draw(0, len(split.x_train), 300, size**2)
    network = start.copy()
    x, y = split.x_train[order], split.y_train[order]
    if trained:
        for _ in range(8):
            attacked = x + pgd(network, x, y, 0.2, 0.025, 20)
            sgd.sgd_epoch(network, attacked, y, 32, 0.1)
            project(network, start, 10 / np.sqrt(300))
    for eps, step, steps in (
        (0.01, 2.5e-4, 100),
        (0.05, 2.5e-4, 20),
        (0.2, 5e-3, 100),
        (0.6, 0.015, 100),
        (1, 0.125, 20),
    ):
        difference = compare(network, x, y, eps, step, steps)
        assert (difference > CLOSE).sum() <= len(x) / 400, (eps, steps, difference.max())
        robust, reference = (
            (margins(network, x, y, attack(network, x, y, eps, step, steps)) > 0).sum() for attack in (pgd, dense_pgd)
        )
        assert abs(robust - reference) <= 1


@settings(max_examples=150)
@given(
    st.integers(0, 2**31),
    st.integers(1, 200),
    st.integers(1, 120) | st.integers(2, 4),
    st.sampled_from([1e-3, 0.05, 0.2, 1.0, 5.0]),
    st.sampled_from([(100, 100), (20, 20), (100, 20), (0.5, 20)]),
    st.sampled_from([1e-24, 1, 1e12]),
)
def test_no_flip_goes_unnoticed(
    seed: int, width: int, dimension: int, eps: float, pace: tuple[float, int], scale: float
) -> None:
    """What the bounds promise: each neuron's side is that of its preactivation in float64, up to float32's rounding.

    Also where a step is longer than ε, so that a path may return to where it was, and with weights of any length.
    """
    _, network = random_network(seed, width, dimension, spread=0.1)
    network.w[::2] *= np.float32(scale)
    network.b[::2] *= np.float32(scale)
    x, y = random_examples(seed, 8, dimension)
    step, steps = 2.5 * eps / pace[0], pace[1]
    on = advanced(copies(network), x, y, eps, step, steps).on
    point = x.astype(float) + pgd(network, x, y, eps, step, steps - 1)
    z = network.double().hidden(point) / np.linalg.norm(network.w.astype(float), axis=1)
    assert not ((z > 0) != on)[np.abs(z) > 1e-6 * (1 + np.linalg.norm(point, axis=1)[:, None])].any()


def test_an_edit_of_the_vector_operations_is_compiled(tmp_path: Path) -> None:
    """numba's cache goes by the file of the function that it compiled, which is another."""
    shutil.copytree(ROOT / "lazyadv", tmp_path / "lazyadv", ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import numpy as np\nfrom lazyadv.kernel.copies import all_products\nout = np.zeros((3, 3), np.int32)\n"
        "all_products(np.ones((3, 16), np.int16), np.ones((3, 16), np.int16), 3, out)\nprint(out[0, 0])"
    )
    vectors = tmp_path / "lazyadv" / "kernel" / "vectors.py"
    printed = [subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, text=True)]
    vectors.write_text(vectors.read_text().replace("return builder.add(even, odd)", "return builder.sub(even, odd)"))
    printed.append(subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, text=True))
    assert printed == ["16\n", "0\n"]


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_file_of_compiled_code_is_replaced(kind: str, tmp_path: Path) -> None:
    """As a full disk or a power cut leaves it."""
    shutil.copytree(ROOT / "lazyadv", tmp_path / "lazyadv", ignore=shutil.ignore_patterns("__pycache__"))
    script = "import numpy as np\nfrom lazyadv.networks.ball import _project\none = np.ones((1, 1), np.float32)\n"
    script += "_project(3 * one, one[0], one, one[0], 1.0)\nprint(len(_project.stats.cache_misses))"

    def misses() -> tuple[str, int]:
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip(), done.stderr.count("numba's cache is damaged")

    assert misses() == ("1", 0)
    (damaged,) = tmp_path.glob(f"lazyadv/kernel/__pycache__/compiled-*/*_project*.{kind}")
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert misses() == ("1", 1)
    assert misses() == ("0", 0)


def test_sums_are_in_the_order_that_is_written_down() -> None:
    """`dot` against the same order in plain NumPy: whatever LLVM makes of it may not change a bit."""
    generator = np.random.default_rng(0)
    for length in (0, 1, 15, 16, 17, 31, 784, 1000):
        a, b = generator.standard_normal((2, length)).astype(np.float32)
        whole = length // CHUNK * CHUNK
        sums = np.zeros(CHUNK, np.float32)
        for first in range(0, whole, CHUNK):
            sums += a[first : first + CHUNK] * b[first : first + CHUNK]
        while len(sums) > 1:
            sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
        total = sums[0]
        for i in range(whole, length):
            total += a[i] * b[i]
        assert njit(lambda a, b: dot(a, b))(a, b) == total  # type: ignore[call-arg]


KINDS = ("plain", "dead", "off", "twins", "box", "scaled")


@settings(max_examples=150)
@given(
    st.integers(0, 2**31),
    st.integers(1, 70),
    st.integers(1, 40),
    st.sampled_from([1e-4, 0.05, 0.2, 0.4, 5.0]),
    st.sampled_from([(100, 100), (20, 20), (100, 20)]),
    st.sampled_from(KINDS),
)
def test_odd_networks_and_examples(
    seed: int, width: int, dimension: int, eps: float, pace: tuple[int, int], kind: str
) -> None:
    """Dead neurons, no gradient at all, neurons of very different length, examples on the faces of the box."""
    _, network = random_network(seed, width, dimension, spread=0.1)
    x, y = random_examples(seed, 12, dimension)
    if kind == "dead":
        network.w[::2] = 0
    elif kind == "off":
        network.b[:] = -1e3
    elif kind == "twins":
        network.w[1::2] = network.w[: width // 2 * 2 : 2] if width > 1 else network.w[1::2]
    elif kind == "box":
        x = (x > 0.2).astype(np.float32)
    elif kind == "scaled":
        network.w *= np.logspace(-2, 2, width, dtype=np.float32)[:, None]
    difference = compare(network, x, y, eps, 2.5 * eps / pace[0], pace[1])
    scale = 1 + np.abs(network.w).max()
    assert (difference > CLOSE * scale).sum() <= 1
    if kind == "off":
        assert not pgd(network, x, y, eps, eps, 3).any()
