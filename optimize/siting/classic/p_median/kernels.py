"""How kernels of this package are compiled: once, kept on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

_NEWEST_SOURCE = max(path.stat().st_mtime for path in Path(__file__).parent.glob("*.py"))


def kernel(function: _Function) -> _Function:
    """
    Compile a function at its first call; it holds no lock of the interpreter while it runs.

    Machine code that is older than any file of this folder is forgotten: numba itself looks at a
    kernel's own file only, not at those of the kernels that it calls.
    """
    compiled = njit(cache=True, nogil=True)(function)
    with contextlib.suppress(OSError):
        for index in Path(compiled.stats.cache_path).glob(f"*.{function.__name__}-*.nbi"):
            if index.stat().st_mtime < _NEWEST_SOURCE:
                index.unlink()
    return cast("_Function", compiled)
