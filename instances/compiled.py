"""Kernels compiled by numba, and kept on disk."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


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
