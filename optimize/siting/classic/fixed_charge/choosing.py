"""Which sites the Lagrangian function opens, and what it costs at least to decide otherwise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray


def best_options(value: FloatArray, first: IntArray) -> IntArray:
    """Return the option of least value of each site."""
    if first.size == value.size + 1:
        return np.arange(value.size)
    return np.array([a + int(np.argmin(value[a:b])) for a, b in pairwise(first.tolist())])


def choose_sites(
    value: FloatArray, lower: FloatArray, upper: FloatArray, *, least: int, most: int
) -> BoolArray:
    """Return the choice of least value that keeps bounds and numbers."""
    is_open = lower > 0
    free = np.flatnonzero((lower < 1) & (upper > 0))
    order = free[np.argsort(value[free], kind="stable")]
    already = int(is_open.sum())
    wanted = max(int((value[order] < 0).sum()), least - already)
    is_open[order[: max(0, min(wanted, most - already))]] = True
    return is_open


def penalties(
    value: FloatArray,
    is_open: BoolArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    least: int,
    most: int,
) -> tuple[FloatArray, FloatArray]:
    """
    Bound from below what it costs to open each closed site, and to close each open one.

    Required and forbidden sites cost infinitely much.
    """
    count = int(is_open.sum())
    movable = is_open & (lower < 1)
    addable = ~is_open & (upper > 0)
    worst = float(value[movable].max()) if movable.any() else -np.inf
    best = float(value[addable].min()) if addable.any() else np.inf
    if count >= most:
        enter = value - worst if movable.any() else np.full(value.size, np.inf)
    else:
        enter = value - max(0.0, worst)
    leave = (best if count <= least else min(0.0, best)) - value
    enter = np.where(addable, enter, np.inf)
    return enter, np.where(movable, leave, np.inf)
