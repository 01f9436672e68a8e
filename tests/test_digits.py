"""The digits themselves: which there are, and how they are resized."""

import numpy as np
import pytest

from lazyadv import data
from lazyadv.digits import mnist5k


def test_mnist5k_is_split_by_class() -> None:
    digits = mnist5k()
    for part, count in (("train", 400), ("test", 100)):
        assert np.bincount(digits[f"{part}_labels"]).tolist() == [count] * 10
        assert digits[f"{part}_images"].shape == (10 * count, 28, 28)


@pytest.mark.parametrize("antialias", [True, False])
def test_prepared_pair(antialias: bool) -> None:
    digits = mnist5k()
    whole, small = (data.prepare(digits, (3, 8), size, antialias) for size in (28, 7))
    assert np.array_equal(
        whole.x_train[:400] * 255, digits["train_images"][digits["train_labels"] == 3].reshape(400, 784)
    )
    assert small.x_test.shape == (200, 49)
    assert small.x_test.min() >= 0
    assert small.x_test.max() <= 1
    assert np.linalg.norm(small.normalized().x_train, axis=1) == pytest.approx(1, abs=1e-6)


def test_digits_are_enlarged_by_interpolation() -> None:
    """Twice the size: an output pixel lies a quarter of a pixel from an input one; at the edge it is that one."""
    digits = mnist5k()
    whole, large = (data.prepare(digits, (0, 1), size, True).x_test.reshape(-1, size, size) for size in (28, 56))
    between = (9 * whole[:, :-1, :-1] + 3 * (whole[:, 1:, :-1] + whole[:, :-1, 1:]) + whole[:, 1:, 1:]) / 16
    assert large[:, 1:-1:2, 1:-1:2] == pytest.approx(between, abs=1e-6)
    assert np.array_equal(large[:, 0, 0], whole[:, 0, 0])
