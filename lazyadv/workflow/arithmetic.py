"""One arithmetic for every x86-64 processor with AVX2 and FMA, so that a run is the same bits on all of them.

OpenBLAS, NumPy, numba and torch choose their instructions by the processor, and with them the order of their
sums. `pin` has them all choose those of x86-64-v3 (Haswell, 2013, and what came after it), on one thread. It only
sets variables of the environment, which the libraries read when they are imported: so it is to come first.
"""

import os
import platform
import sys

from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

from lazyadv.errors import UserError

NAME = "x86-64-v3"
FEATURES = (
    *("avx", "avx2", "bmi", "bmi2", "cmov", "crc32", "cx16", "cx8", "f16c", "fma", "fxsr", "lzcnt", "mmx", "movbe"),
    *("popcnt", "sahf", "sse", "sse2", "sse3", "sse4.1", "sse4.2", "ssse3", "xsave"),
)
THREADS = dict.fromkeys((f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")), "1")
INSTRUCTIONS = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # as NumPy 2.4 names what it has beyond x86-64-v3
    "NUMBA_CPU_NAME": NAME,
    "NUMBA_CPU_FEATURES": ",".join(f"+{feature}" for feature in FEATURES),  # or numba adds the processor's own
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "COMPATIBLE",  # torch's products; the one branch that MKL takes on every maker's processor
}
READERS = ("numpy", "numba", "torch")


def pin() -> None:
    """Have the libraries that are imported from now on compute alike; say so, in one line, where they cannot."""
    try:
        require_compiler()
    except UserError as error:
        sys.exit(str(error))
    early = [library for library in READERS if library in sys.modules and not _is_set(THREADS | INSTRUCTIONS)]
    os.environ.update(THREADS)
    if missing := _missing():
        _warn(f"this processor has not {', '.join(missing)}")
    elif early:
        _warn(f"{', '.join(early)} {'was' if len(early) == 1 else 'were'} imported before arithmetic.pin()")
    else:
        os.environ.update(INSTRUCTIONS)


def require_compiler() -> None:
    """See that numba compiles: the kernel cannot be interpreted, and the rest would be of other bits.

    Raises:
        UserError: it is told not to.
    """
    if os.environ.get("NUMBA_DISABLE_JIT", "").strip("0"):
        raise UserError("NUMBA_DISABLE_JIT is set, and the code runs compiled only: unset it")


def name() -> str:
    """The arithmetic of this process: NAME, or whatever its processor is."""
    return NAME if _is_set(INSTRUCTIONS) and not _missing() else f"{platform.machine()} {get_host_cpu_name()}"


def _is_set(variables: dict[str, str]) -> bool:
    return all(os.environ.get(key) == value for key, value in variables.items())


def _missing() -> list[str]:
    """What this processor lacks of x86-64-v3."""
    try:
        has = get_host_cpu_features()
    except RuntimeError:  # LLVM does not know it
        return [NAME]
    return [feature for feature in FEATURES if not has.get(feature)]


def _warn(reason: str) -> None:
    line = f"{reason}: the last digits of results may differ from those of {NAME}, in which this project's are"
    print(f"arithmetic: {line}", file=sys.stderr)
