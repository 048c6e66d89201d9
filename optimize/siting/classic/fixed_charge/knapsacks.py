"""
Compiled knapsacks: what the clients at one site are worth together.

0-1 knapsacks by depth-first branch and bound (Horowitz and Sahni 1974, "Computing partitions with
applications to the knapsack problem", Journal of the ACM 21(2)) with the bound of Dantzig 1957; if
that takes too many steps, by dynamic programming where weights are whole. Where both fail, the
continuous knapsack bounds from above. Items come by falling profit per weight.
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import BoolArray, FloatArray
from ....compiled import kernel

MOST_STEPS = 3000
"""Steps of branch and bound before dynamic programming takes over."""

LARGEST_TABLE = 4_000_000
"""Entries of the largest table of a dynamic program."""

EPSILON = 1e-11


@kernel
def continuous_value(profit: FloatArray, weight: FloatArray, begin: int, room: float) -> float:
    """Value of the continuous knapsack of the items from ``begin`` on."""
    value = 0.0
    for k in range(begin, profit.size):
        if weight[k] <= room:
            room -= weight[k]
            value += profit[k]
        else:
            value += profit[k] * room / weight[k]
            break
    return value


@kernel
def continuous_fill(
    profit: FloatArray, weight: FloatArray, room: float, share: FloatArray
) -> float:
    """Solve the continuous knapsack; write the share of each item."""
    value = 0.0
    share[: profit.size] = 0.0
    for k in range(profit.size):
        part = 1.0 if weight[k] <= room else room / weight[k]
        share[k] = part
        value += part * profit[k]
        room -= part * weight[k]
        if part < 1.0:
            break
    return value


@kernel
def whole_fill(
    profit: FloatArray, weight: FloatArray, room: float, share: FloatArray, whole: bool
) -> float:
    """
    Solve the 0-1 knapsack; write which items are taken.

    Returns
    -------
    float
        The value, or an upper bound on it where the steps did not suffice.
    """
    count = profit.size
    share[:count] = 0.0
    if weight.sum() <= room:
        share[:count] = 1.0
        total: float = profit.sum()
        return total
    taken = np.zeros(count, dtype=np.bool_)
    value = _branch(profit, weight, room, taken)
    if value < 0.0 and whole and (count + 1) * (int(room) + 1) <= LARGEST_TABLE:
        value = _table(profit, weight, int(room), taken)
    for k in range(count):
        share[k] = 1.0 if taken[k] else 0.0
    if value < 0.0:
        return continuous_value(profit, weight, 0, room)
    return value


@kernel
def _branch(profit: FloatArray, weight: FloatArray, room: float, best: BoolArray) -> float:
    """Depth-first branch and bound; -1 if it takes too many steps."""
    count = profit.size
    taken = np.zeros(count, dtype=np.bool_)
    best_value, value, k, steps = 0.0, 0.0, 0, 0
    while True:
        steps += 1
        if steps > MOST_STEPS:
            return -1.0
        if value + continuous_value(profit, weight, k, room) > best_value + EPSILON:
            while k < count and weight[k] <= room:
                taken[k] = True
                room -= weight[k]
                value += profit[k]
                k += 1
            if value > best_value:
                best_value = value
                best[:] = taken
            if k < count:
                k += 1
                continue
        k = min(k, count) - 1
        while k >= 0 and not taken[k]:
            k -= 1
        if k < 0:
            return best_value
        taken[k] = False
        room += weight[k]
        value -= profit[k]
        k += 1


@kernel
def _table(profit: FloatArray, weight: FloatArray, room: int, best: BoolArray) -> float:
    """Dynamic program over the room that is used."""
    count = profit.size
    value = np.zeros(room + 1)
    taken = np.zeros((count, room + 1), dtype=np.bool_)
    for k in range(count):
        w = int(weight[k])
        for r in range(room, w - 1, -1):
            other = value[r - w] + profit[k]
            if other > value[r]:
                value[r] = other
                taken[k, r] = True
    r = room
    for k in range(count - 1, -1, -1):
        best[k] = taken[k, r]
        if best[k]:
            r -= int(weight[k])
    best_value: float = value[room]
    return best_value


@kernel
def table_values(profit: FloatArray, weight: FloatArray, room: int) -> FloatArray:
    """Value of the 0-1 knapsack for every room 0..room; weights are whole."""
    value = np.zeros(room + 1)
    for k in range(profit.size):
        w = int(weight[k])
        for r in range(room, w - 1, -1):
            other = value[r - w] + profit[k]
            value[r] = max(value[r], other)
    return value
