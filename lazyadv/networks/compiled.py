"""Functions that numba compiles, kept on disk by the text that they are compiled from.

numba alone goes by the date of a function's file, knows nothing of the other modules whose code went into it, and
fails for good on a file of its cache that is not whole, as a full disk or a power cut leave it.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

MODULES = ("ball", "boundary", "copies", "kernel", "rooms", "vectors")  # of which what is compiled is made
SOURCES = [Path(__file__).with_name(f"{module}.py") for module in MODULES]


class Cache(FunctionCache):
    """numba's cache of one function, valid while SOURCES are the same; a damaged file is replaced."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file._source_stamp = [hashlib.sha256(source.read_bytes()).hexdigest() for source in SOURCES]

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception as error:  # a pickle that is not whole raises whatever its bytes happen to say
            said = f"{type(error).__name__}: {error}"
            print(f"{self._name}: numba's cache is damaged ({said}); compiling again", file=sys.stderr)
            self.flush()
            return None


def compiled(function: Callable[..., Any]) -> Any:
    """numba's njit, cached, and IEEE 754 throughout: no licence to reorder sums, to fuse, or to estimate.

    So the bits are those of the text, whatever LLVM makes of it; where speed asks for sums in another order than
    the loop's, the text says so (`vectors.dot`).
    """
    dispatcher: Any = njit(error_model="numpy")(function)
    dispatcher._cache = Cache(function)
    return dispatcher


def inlined(function: Callable[..., Any]) -> Any:
    """The same, for a part of a compiled function: put where it is called, and not kept by itself."""
    return njit(error_model="numpy", forceinline=True)(function)
