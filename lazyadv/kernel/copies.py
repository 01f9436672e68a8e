"""Copies of the weights in 8 and in 16 bits, and their products with vectors in 16 bits.

A product in integers is exact, and reads a quarter, or half, of the memory. What rounding takes away is bounded here,
and the lazy kernel adds it to every bound (docs/kernel.md, section 4).
"""

import math
from typing import NamedTuple

import numpy as np

from lazyadv.kernel.compiled import compiled, inlined
from lazyadv.kernel.vectors import SQUARE, dot, square_tile

LEVELS = np.float32(32767)  # a vector's length in units of its 16-bit rounding
TINY = np.float32(1e-30)  # below any length that is not zero, above float32's smallest normal number
GROUP = 96  # vectors that stay in the cache while all rows pass


class Neurons(NamedTuple):
    """What is the same for all examples; d is padded to a multiple of CHUNK."""

    w: np.ndarray  # (m, d)
    b: np.ndarray  # (m,)
    v: np.ndarray  # (m,)
    per_norm: np.ndarray  # (m,): 1 / ||w_j||
    coarse: np.ndarray  # (m, d) int8: w_j / ||w_j|| is about unit[j] coarse[j]
    unit: np.ndarray  # (m,)
    fine: np.ndarray  # (m or a little more, d) int16: and about fine[j] / LEVELS
    coarse_error: np.float32  # the largest norm of what a row of the copy lacks
    fine_error: np.float32
    small: np.float32  # a gradient whose squared norm is below may be the rounding left of a zero


@compiled
def copy_rows(w, per_norm, coarse, unit, fine):
    """Write per_norm, and the rows of w over their norms in 8 and in 16 bits; return the copies' largest errors."""
    coarse_error, fine_error = np.float32(0), np.float32(0)
    part = np.empty(w.shape[1], np.float32)
    for j in range(len(w)):
        row = w[j]
        largest = TINY
        for i in range(len(row)):
            largest = max(largest, abs(row[i]))
        for i in range(len(row)):
            part[i] = row[i] / largest  # whatever the length, no overflow
        norm = max(np.float32(math.sqrt(dot(part, part))), TINY) * np.float32(1 + 1e-6)
        per_norm[j] = np.float32(1) / max(largest * norm, TINY)
        unit[j] = np.float32(1) / (norm * np.float32(127))
        per_unit = np.float32(127) / largest
        for i in range(len(row)):
            level = np.rint(row[i] * per_unit)
            coarse[j, i] = np.int8(level)
            part[i] = row[i] * per_unit - level
        coarse_error = max(coarse_error, np.float32(math.sqrt(dot(part, part))) * unit[j])
        per_unit = LEVELS * per_norm[j]
        for i in range(len(row)):
            level = np.rint(row[i] * per_unit)
            fine[j, i] = np.int16(level)
            part[i] = row[i] * per_unit - level
        fine_error = max(fine_error, np.float32(math.sqrt(dot(part, part))) / LEVELS)
    return coarse_error * np.float32(1.001) + np.float32(1e-6), fine_error * np.float32(1.001) + np.float32(1e-6)


@inlined
def round_levels(vector, norm, levels):
    """levels (int16) = vector / (norm / LEVELS), rounded; return what the norm of the rounding is at most."""
    level = norm / LEVELS
    per_level = np.float32(1) / level if level > TINY else np.float32(0)
    for i in range(len(vector)):
        levels[i] = np.int16(np.rint(vector[i] * per_level))
    return level * np.float32(0.51 * math.sqrt(len(vector)))


@compiled
def all_products(rows, vectors, count, out):
    """out[e, j] = rows[j] . vectors[e] of the first `count` vectors; all arrays padded to whole tiles."""
    which = np.arange(len(rows)).astype(np.uint64)
    for group in range(0, count, GROUP):
        for j in range(0, len(rows), SQUARE[0]):
            for e in range(group, min(group + GROUP, count), SQUARE[1]):
                square_tile(rows, which, j, vectors, e, out)
