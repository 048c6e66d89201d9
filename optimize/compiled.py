"""Compiled kernels, and the random numbers that they draw."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..instances.compiled import inner_kernel, kernel, lean_kernel, start_numba

__all__ = [
    "Random",
    "inner_kernel",
    "kernel",
    "lean_kernel",
    "random_below",
    "random_threshold",
    "random_unit",
    "start_numba",
]

Random = NDArray[np.uint64]
"""State of a random number generator, one element."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


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
