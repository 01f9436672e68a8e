"""Functions that numba compiles, kept on disk by everything that they are compiled from.

numba alone goes by a function's own file, knows nothing of the options and the other modules that went into it, and
fails for good on a file of its cache that is not whole, as a full disk or a power cut leave it.
"""

import contextlib
import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO, Any

import llvmlite
import numba
from numba import njit
from numba.core import caching

OPTIONS: Any = {"error_model": "numpy"}
LIBRARY = Path(__file__).parents[1]


@cache
def folder() -> Path | None:
    """Where compiled functions are kept: a folder for this text of kernel/ and networks/, these libraries and settings.

    It lies below NUMBA_CACHE_DIR, or beside the sources, or where the user's caches are; None where none of these can
    be written to.
    """
    text = hashlib.sha256()
    settings = {key: value for key, value in os.environ.items() if key.startswith("NUMBA_")}
    named = settings.pop("NUMBA_CACHE_DIR", None)
    text.update(repr([sys.version, numba.__version__, llvmlite.__version__, sorted(settings.items())]).encode())
    for source in sorted(path for room in ("kernel", "networks") for path in LIBRARY.glob(f"{room}/*.py")):
        text.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    name = f"compiled-{text.hexdigest()[:16]}"
    users = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "lazyadv")
    for base in [Path(named)] if named else [Path(__file__).parent / "__pycache__", users]:
        try:
            place = base.expanduser() / name
            place.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=place).close()
        except (OSError, RuntimeError):  # the latter of a user who has no home at all
            continue
        return place
    print(
        "compiled functions are not kept, for no folder can be written to: name one in NUMBA_CACHE_DIR", file=sys.stderr
    )
    return None


class Locator(caching._CacheLocator):
    """Tells numba to keep every function in `folder`, whose name stands for all that it is compiled from."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "Locator":
        return cls(function)

    def get_cache_path(self) -> str:
        return str(folder())

    def get_source_stamp(self) -> str:
        return ""

    def get_disambiguator(self) -> str:
        return str(self._line)


class Implementation(caching.CompileResultCacheImpl):
    _locator_classes: Any = (Locator,)


class Turn:
    """A lock between processes, which ends with its process; a function that calls others is compiled with them."""

    def __init__(self) -> None:
        self._depth = 0
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Wait until no other process has it."""
        self._depth += 1
        if self._depth == 1 and (place := folder()):
            with contextlib.suppress(OSError):  # a disk without locks: two may compile the same
                self._file = (place / "lock").open("w")
                fcntl.flock(self._file, fcntl.LOCK_EX)

    def give(self) -> None:
        """Let the next process have it."""
        self._depth -= 1
        if self._depth == 0 and self._file:
            self._file.close()
            self._file = None


turn = Turn()


class Cache(caching.FunctionCache):
    """numba's cache of one function, in `folder`; a damaged file is replaced.

    One process at a time looks a function up, and keeps its turn until it has compiled what it did not find: the
    others wait, and find it.
    """

    _impl_class = Implementation

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
    dispatcher: Any = njit(**OPTIONS)(function)
    if folder():
        dispatcher._cache, compile_or_load = Cache(function), dispatcher.compile

        def compile_in_turn(signature: Any) -> Any:
            turn.take()
            try:
                return compile_or_load(signature)
            finally:
                turn.give()

        dispatcher.compile = compile_in_turn
    return dispatcher


def inlined(function: Callable[..., Any]) -> Any:
    """The same, for a part of a compiled function: put where it is called, and not kept by itself."""
    return njit(forceinline=True, **OPTIONS)(function)
