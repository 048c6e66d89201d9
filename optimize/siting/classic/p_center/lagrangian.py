"""
Lagrangian bound of a set covering problem in which every column costs 1.

The rows are relaxed with multipliers u_i >= 0: the bound is the sum of u_i, plus that of all
negative reduced costs 1 - sum_i a_ij u_i. Subgradients as in Caprara, Fischetti and Toth 1999, "A
heuristic method for the set covering problem", Operations Research 47(5).
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray
from ....compiled import inner_kernel, kernel
from .reductions import Lines

SAFE = 1e-9
"""By how much a bound must exceed the number of columns to count."""

_ENOUGH, _PATIENCE, _SHORTEST, _AIM = 1e-8, 10, 0.02, 0.3


@kernel
def climb(
    rows: Lines,
    columns: Lines,
    multipliers: FloatArray,
    reduced_costs: FloatArray,
    target: float,
    iterations: int,
) -> float:
    """
    Raise the bound by subgradients until it exceeds a target or stalls.

    Parameters
    ----------
    rows, columns
        The problem, all lines alive.
    multipliers
        Where to start, shape (rows,); receives the best.
    reduced_costs
        Receives those of the best multipliers, shape (columns,).
    target
        Bound that is enough.
    iterations
        Most steps.

    Returns
    -------
    float
        The best bound.
    """
    current = multipliers.copy()
    costs = np.empty(columns.size.size)
    direction, covered = np.zeros(rows.size.size), np.empty(rows.size.size)
    best, factor, stale = -np.inf, 1.0, 0
    for _ in range(iterations):
        bound = _bound(columns, current, costs, covered)
        stale = 0 if bound > best + 1e-4 else stale + 1
        if bound > best:
            best = bound
            multipliers[:] = current
            reduced_costs[:] = costs
        if best > target + _ENOUGH or factor < _SHORTEST:
            break
        if stale >= _PATIENCE:
            factor, stale = 0.5 * factor, 0
            current[:] = multipliers
            direction[:] = 0.0
        elif not _step(current, direction, covered, factor * (target + _AIM - bound)):
            break
    return best


@inner_kernel
def _bound(
    columns: Lines, multipliers: FloatArray, costs: FloatArray, covered: FloatArray
) -> float:
    """Work out bound and reduced costs, and how often columns of negative cost cover each row."""
    bound = 0.0
    for row in range(multipliers.size):
        bound += multipliers[row]
        covered[row] = 0.0
    for column in range(costs.size):
        cost = 1.0
        for place in range(columns.start[column], columns.start[column + 1]):
            cost -= multipliers[columns.members[place]]
        costs[column] = cost
        if cost < 0.0:
            bound += cost
            for place in range(columns.start[column], columns.start[column + 1]):
                covered[columns.members[place]] += 1.0
    return bound


@inner_kernel
def _step(
    multipliers: FloatArray, direction: FloatArray, covered: FloatArray, length: float
) -> bool:
    """Move multipliers along the deflected subgradient; False if there is none."""
    norm = 0.0
    for row in range(multipliers.size):
        slope = 1.0 - covered[row]
        if slope < 0.0 and multipliers[row] <= 0.0:
            slope = 0.0
        direction[row] = 0.5 * direction[row] + 0.5 * slope
        norm += direction[row] * direction[row]
    if norm < 1e-12:
        return False
    for row in range(multipliers.size):
        moved = multipliers[row] + length / norm * direction[row]
        multipliers[row] = min(1.0, max(0.0, moved))
    return True
