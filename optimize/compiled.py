"""Compiled kernels, and the random numbers that they draw."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Random = NDArray[np.uint64]
"""State of a random number generator, one element."""

_Function = TypeVar("_Function", bound=Callable[..., Any])

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


def kernel(function: _Function) -> _Function:
    """
    Compile a function at its first call, and keep the machine code on disk.

    It holds no lock of the interpreter while it runs.
    """
    return _compiled(function, {"nogil": True})


def _compiled(function: _Function, options: dict[str, bool]) -> _Function:
    """
    Compile, and forget machine code that is older than what it was made of.

    Numba itself looks at a kernel's own file only, not at those of the kernels that it calls.
    """
    compiled = njit(cache=True, **options)(function)
    newest = _newest_source(function)
    with contextlib.suppress(OSError):
        for index in Path(compiled.stats.cache_path).glob(f"*.{function.__name__}-*.nbi"):
            if index.stat().st_mtime < newest:
                index.unlink()
    return cast("_Function", compiled)


def _newest_source(function: Callable[..., Any]) -> float:
    """Return when the newest file was changed in its folder, or in one of a kernel beside it."""
    codes = [function.__code__]
    beside = function.__globals__.values()
    codes += [known.py_func.__code__ for known in beside if hasattr(known, "py_func")]
    folders = {Path(code.co_filename).parent for code in codes}
    return max(_newest_file(folder) for folder in folders)


@functools.cache
def _newest_file(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.glob("*.py")), default=0.0)


def _lean_options() -> dict[str, bool]:
    """Turn reference counting off, if this numba can; else the kernels are slower, not wrong."""
    try:
        njit(_nrt=False)(_lean_options)
    except KeyError:
        return {}
    return {"_nrt": False}


_LEAN = _lean_options()
_WITHOUT_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def lean_kernel(function: _Function) -> _Function:
    """
    Compile a function that makes no arrays, without counting references to those it is given.

    Counting took nine tenths of the time of the short kernels, since each holds dozens of arrays.
    """
    return _compiled(function, _LEAN)


def inner_kernel(function: _Function) -> _Function:
    """Compile likewise a function that kernels alone call: half of the compilation is saved."""
    return _compiled(function, {**_LEAN, **_WITHOUT_WRAPPERS})


@kernel
def _nothing() -> int:
    return 0


def start_numba() -> None:
    """Let numba load its tables, which takes a third of a second before the first kernel runs."""
    _nothing()


@inner_kernel
def random_unit(random: Random) -> float:
    """Return a random number in [0, 1) (SplitMix64; Steele, Lea and Flood 2014)."""
    random[0] += _GOLDEN
    z = random[0]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z ^= z >> _S31
    return float(np.float64(z >> _S11) * (1.0 / 9007199254740992.0))


@inner_kernel
def random_below(random: Random, count: int) -> int:
    """Return a random number in 0..count-1."""
    return int(random_unit(random) * count)


@inner_kernel
def random_threshold(random: Random, temperature: float) -> float:
    """Return what a change may cost at most to be taken at a temperature (Metropolis et al.)."""
    return -temperature * math.log(max(random_unit(random), 1e-300))
