"""What vector code by hand (lazyadv/kernel/vectors.py) buys over the same loops in plain numba."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.measure import Section, side_by_side
from lazyadv.kernel import vectors
from lazyadv.kernel.copies import all_products

ROWS, D, VECTORS = 999, 784, 96


@njit
def plain_products(rows, vectors, out):
    for e in range(len(vectors)):
        for j in range(len(rows)):
            total = np.int32(0)
            for i in range(rows.shape[1]):
                total += np.int32(rows[j, i]) * np.int32(vectors[e, i])
            out[e, j] = total


@njit
def plain_due(start, reach, rate, along, distance, path, due):
    found = 0
    for j in range(len(start)):
        due[found] = j
        found += rate[j] * along + max(start[j] - distance, reach[j] - path) <= 0
    return found


@njit
def due_by_hand(start, reach, rate, along, distance, path, due):
    found = 0
    for first in range(np.uint64(0), np.uint64(start.size), np.uint64(vectors.LANES)):
        mask = vectors.lanes_due(start, reach, rate, first, along, distance, path)
        while mask != 0:
            due[found] = first + vectors.lowest_bit(mask)
            mask &= mask - np.uint64(1)
            found += 1
    return found


@njit
def plain_dots(a, b):
    total = np.float32(0)
    for row in range(len(a)):
        part = np.float32(0)
        for i in range(a.shape[1]):
            part += a[row, i] * b[row, i]
        total += part
    return total


@njit
def dots_by_hand(a, b):
    total = np.float32(0)
    for row in range(len(a)):
        total += vectors.dot(a[row], b[row])
    return total


def by_hand() -> Section:
    """Each operation of the kernel, both ways."""
    generator = np.random.default_rng(0)
    rows, others = (generator.integers(-9, 9, (count, D)).astype(np.int16) for count in (ROWS, VECTORS))
    out = np.zeros((VECTORS, ROWS), np.int32)
    start, reach, rate = generator.random((3, 1024), np.float32)
    bounds = (start, reach, rate, np.float32(0), np.float32(0.01), np.float32(0.01), np.zeros(1100, np.uint64))
    a, b = generator.standard_normal((2, ROWS, D), np.float32)
    cases: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "integer products": (
            lambda: plain_products(rows, others, out),
            lambda: all_products(rows, others, VECTORS, out),
        ),
        "which neurons are due": (
            lambda: [plain_due(*bounds) for _ in range(1000)],
            lambda: [due_by_hand(*bounds) for _ in range(1000)],
        ),
        "float32 dot products": (lambda: plain_dots(a, b), lambda: dots_by_hand(a, b)),
    }
    found = []
    for what, (plain, ours) in cases.items():
        plain(), ours()  # compile
        seconds, _ = side_by_side({"plain": plain, "by hand": ours})
        found.append({"what": what, "times as long": seconds["plain"] / seconds["by hand"]})
    return Section("Vector code by hand", "how many times as long the same loop takes in plain numba, as strict", found)
