"""Compiled kernels that climb Lagrangian bounds by deflected subgradients."""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import inner_kernel, kernel
from .state_kernels import Arrays


@inner_kernel
def add_scores(a: Arrays, multipliers: FloatArray, sign: float, scores: FloatArray) -> None:
    """Add the multipliers of the rows of each site to its score."""
    for row in range(multipliers.size):
        multiplier = multipliers[row]
        if multiplier > 0.0:
            for k in range(a.row_ptr[row], a.row_ptr[row + 1]):
                scores[a.row_sites[k]] += sign * multiplier


@kernel
def most_weight(
    a: Arrays, multipliers: FloatArray, least: int, most: int, scores: FloatArray, taken: IntArray
) -> float:
    """Bound on the weight covered: the sites with the highest scores are taken."""
    scores[:] = 0.0
    add_scores(a, multipliers, 1.0, scores)
    order = np.argsort(-scores)
    bound = 0.0
    for row in range(multipliers.size):
        bound += a.weights[row] - multipliers[row]
    taken[:] = 0
    for place in range(most):
        j = order[place]
        if scores[j] > 0.0 or place < least:
            bound += scores[j]
            taken[j] = 1
    return bound


@kernel
def least_cost(a: Arrays, multipliers: FloatArray, scores: FloatArray, taken: IntArray) -> float:
    """Bound on the cost: the sites whose multipliers exceed their cost are taken."""
    scores[:] = a.costs
    add_scores(a, multipliers, -1.0, scores)
    bound = 0.0
    for row in range(multipliers.size):
        bound += multipliers[row]
    for j in range(scores.size):
        taken[j] = 1 if scores[j] < 0.0 else 0
        if taken[j]:
            bound += scores[j]
    return bound


@inner_kernel
def turn(
    a: Arrays, multipliers: FloatArray, upper: FloatArray, taken: IntArray, direction: FloatArray
) -> float:
    """Turn the direction towards the subgradient; returns its squared length."""
    norm = 0.0
    for row in range(multipliers.size):
        gradient = 1.0
        for k in range(a.row_ptr[row], a.row_ptr[row + 1]):
            gradient -= taken[a.row_sites[k]]
        at_end = multipliers[row] <= 0.0 if gradient < 0.0 else multipliers[row] >= upper[row]
        direction[row] = 0.7 * direction[row] + (0.0 if at_end else 0.3 * gradient)
        norm += direction[row] * direction[row]
    return norm


@kernel
def climb(
    a: Arrays,
    upper: FloatArray,
    multipliers: FloatArray,
    best_multipliers: FloatArray,
    least: int,
    most: int,
    target: float,
    iterations: int,
    factor: float,
    best: FloatArray,
) -> None:
    """
    Climb the Lagrangian bound of the rows that say what is covered.

    Parameters
    ----------
    a
        The problem.
    upper
        Largest multiplier of each row: its weight for the most weight, infinite for the least cost.
    multipliers
        Where to begin; changed.
    best_multipliers, best
        Multipliers of the best bound and the bound, shape (1,); updated.
    least, most
        Fewest and most sites for the most weight; ``most`` is -1 for the least cost.
    target
        Objective of a plan.
    iterations, factor
        Steps, and length of the first as a share of the gap to the target.
    """
    sign = -1.0 if most >= 0 else 1.0
    scores = np.zeros(a.costs.size)
    taken = np.zeros(a.costs.size, dtype=np.int64)
    direction = np.zeros(multipliers.size)
    stale = 0
    for _ in range(iterations):
        if most >= 0:
            bound = most_weight(a, multipliers, least, most, scores, taken)
        else:
            bound = least_cost(a, multipliers, scores, taken)
        gain = sign * (bound - best[0])
        stale = 0 if gain > 1e-5 * abs(bound) else stale + 1
        if gain > 0.0:
            best[0] = bound
            best_multipliers[:] = multipliers
        if stale >= 20:
            factor *= 0.6
            stale = 0
            multipliers[:] = best_multipliers
        norm = turn(a, multipliers, upper, taken, direction)
        if factor < 1e-4 or norm <= 1e-12:
            return
        step = factor * abs(target - bound) / norm
        for row in range(multipliers.size):
            value = multipliers[row] + step * direction[row]
            multipliers[row] = min(max(value, 0.0), upper[row])
