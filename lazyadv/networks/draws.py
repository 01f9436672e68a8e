"""The random draws behind a run, in the order of docs/protocols.md, step 4, without torch.

The release seeds NumPy's legacy generator and torch's CPU generator with the same seed. Both are the
Mersenne Twister MT19937, so the torch stream is read here from NumPy's implementation of it. The
transform to normal deviates is done in float64 and rounded once, so the numbers equal torch's to about
1e-7 relative and do not depend on the vector instructions that torch happens to use on a machine.
"""

import math

import numpy as np


class TorchStream:
    """Torch's default CPU generator: the draws that an experiment needs from it, and no others."""

    def __init__(self, seed: int) -> None:
        self._twister = np.random.RandomState(seed)
        self._spare: float | None = None  # the second half of a scalar pair waits for the next call

    def _words(self, count: int) -> np.ndarray:
        return self._twister.randint(0, 1 << 32, count, dtype=np.uint32)

    def skip_uniforms(self, count: int, block: int = 1 << 20) -> None:
        """Throw away `count` single-precision uniforms (one 32-bit word each)."""
        for start in range(0, count, block):
            self._words(min(block, count - start))

    def normal(self, count: int) -> np.ndarray:
        """`count` standard normals as `torch.Tensor.normal_` fills a contiguous float32 tensor, (count,).

        From 16 elements on, torch works on groups of 16 uniforms, of which the first and the second half
        make pairs (Box-Muller); a last, incomplete group overlaps its neighbour and is drawn afresh.
        Below 16, it takes pairs of double-precision uniforms, one element at a time.
        """
        if count < 16:
            return np.array([self._scalar_normal() for _ in range(count)], np.float32)
        words = self._words(count)
        whole = count - count % 16
        values = np.empty(count, np.float32)
        values[:whole] = _box_muller(words[:whole])
        if whole < count:
            values[-16:] = _box_muller(self._words(16))
        return values

    def _scalar_normal(self) -> float:
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        turn, tail = (
            (((int(high) << 32) | int(low)) & ((1 << 53) - 1)) * 2.0**-53 for high, low in self._words(4).reshape(2, 2)
        )
        radius, angle = math.sqrt(-2 * math.log1p(-tail)), 2 * math.pi * turn
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)


def _box_muller(words: np.ndarray) -> np.ndarray:
    """Normals from 32-bit words (24 bits used): groups of 16, element j with j + 8. (n,) -> (n,)."""
    uniforms = ((words & 0xFFFFFF) * 2.0**-24).reshape(-1, 2, 8)
    radius, angle = np.sqrt(-2 * np.log(1 - uniforms[:, 0])), 2 * np.pi * uniforms[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1).astype(np.float32)
