"""
From a power diagram to a plan: connected districts, balance to the unit, and a descent.

A cell of a power diagram is convex, so its units are nearly always connected; pieces that are not
go to a neighbour. Units at the borders then change their district one at a time, as long as this
lowers their cost about the given centres plus a growing price of imbalance; districts stay
connected.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ....models.districting.problem import Districting
from ....models.formulation import FloatArray, IntArray
from ...compiled import kernel
from .allocation import Power, Sites

_SLACK = 2e-10
"""Share of a district's weight that running sums may drift by."""


def connected_plan(problem: Districting, sites: Sites, power: Power) -> IntArray | None:
    """
    Keep the heaviest piece of each district, and give the others to districts next to them.

    Returns
    -------
    IntArray or None
        District of each unit, shape (units,); None if a unit cannot be reached, or a district has
        no unit.
    """
    plan = power.plan.copy()
    i, j = problem.edges.reshape(-1, 2).T
    inside = plan[i] == plan[j]
    shape = problem.graph.shape
    same = sparse.csr_array((np.ones(inside.sum()), (i[inside], j[inside])), shape=shape)
    pieces, piece = connected_components(same, directed=False)
    weight = np.bincount(piece, sites.weights[:, 0] + 1e-9, pieces)
    owner = np.zeros(pieces, dtype=np.int64)
    owner[piece] = plan
    ranked = np.lexsort((-weight, owner))
    first = np.r_[True, np.diff(owner[ranked]) != 0]
    main = np.zeros(pieces, dtype=bool)
    main[ranked[first]] = True
    plan[~main[piece]] = -1
    both = np.concatenate([problem.edges, problem.edges[:, ::-1]])
    while (plan < 0).any():
        near = both[(plan[both[:, 0]] < 0) & (plan[both[:, 1]] >= 0)]
        if not near.size:
            return None
        unit, district = near[:, 0], plan[near[:, 1]]
        away = np.square(sites.point[unit] - power.centres[district]).sum(axis=1)
        cost = sites.mass[unit] * away + (power.prices[district] * sites.weights[unit]).sum(axis=1)
        order = np.lexsort((cost, unit))
        best = order[np.r_[True, np.diff(unit[order]) != 0]]
        plan[unit[best]] = district[best]
    return plan if np.unique(plan).size == len(power.centres) else None


def settle(
    problem: Districting, sites: Sites, power: Power, plan: IntArray, *, passes: int = 30
) -> IntArray:
    """
    Move units at the borders: by regret until the bounds are kept, then until nothing helps.

    Parameters
    ----------
    power
        Centres and prices by which units are moved.
    plan
        Connected districts, none empty, shape (units,).
    passes
        Number of passes over the borders at most, for each of the two aims.

    Returns
    -------
    IntArray
        Connected districts; balanced unless the passes did not suffice.
    """
    settled = plan.astype(np.int64).copy()
    graph = problem.graph
    first, units = graph.indptr.astype(np.int64), graph.indices.astype(np.int64)
    rate = max(power.value - sites.inertia, 1e-300) / len(power.centres)
    price, free = 0.02, np.zeros_like(power.prices)
    for prices in (power.prices, free):
        for _ in range(passes):
            moved, outside = _descend(
                sites.point,
                sites.mass,
                sites.weights,
                sites.lower - _SLACK,
                sites.upper + _SLACK,
                power.centres,
                prices,
                first,
                units,
                settled,
                _border(first, units, settled),
                price * rate,
            )
            if outside > 0:
                price *= 2.0
            elif not moved or prices is not free:
                break
        price = max(price, 16.0)
    return settled


def _border(first: IntArray, units: IntArray, plan: IntArray) -> IntArray:
    """Units with a neighbour in another district."""
    tail = np.repeat(np.arange(plan.size), np.diff(first))
    return np.unique(tail[plan[tail] != plan[units]])


@kernel
def _outside(load: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    """Return the scaled weight outside the bounds."""
    total = 0.0
    for w in range(lower.size):
        total += max(load[w] - upper[w], lower[w] - load[w], 0.0)
    return total


@kernel
def _stays_connected(
    first: IntArray, units: IntArray, plan: IntArray, unit: int, mark: IntArray, queue: IntArray
) -> bool:
    """Search from one neighbour in the district until all of them are met."""
    own = plan[unit]
    stamp = mark[-1] + 1
    mark[-1] = stamp
    wanted = 0
    tail = 0
    for entry in range(first[unit], first[unit + 1]):
        if plan[units[entry]] == own:
            wanted += 1
            if tail == 0:
                queue[0] = units[entry]
                mark[units[entry]] = stamp
                tail = 1
    mark[unit] = stamp
    met, head = 0, 0
    while head < tail:
        i = queue[head]
        head += 1
        for entry in range(first[unit], first[unit + 1]):
            if units[entry] == i:
                met += 1
        if met == wanted:
            return wanted > 0
        for entry in range(first[i], first[i + 1]):
            j = units[entry]
            if plan[j] == own and mark[j] != stamp:
                mark[j] = stamp
                queue[tail] = j
                tail += 1
    return False


@kernel
def _cost(
    i: int,
    district: int,
    point: FloatArray,
    mass: FloatArray,
    weights: FloatArray,
    centres: FloatArray,
    prices: FloatArray,
) -> float:
    """Return the cost of a unit in a district, with the prices of its weights."""
    dx, dy = point[i, 0] - centres[district, 0], point[i, 1] - centres[district, 1]
    cost = float(mass[i] * (dx * dx + dy * dy))
    for w in range(weights.shape[1]):
        cost += prices[district, w] * weights[i, w]
    return cost


@kernel
def _descend(
    point: FloatArray,
    mass: FloatArray,
    weights: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    centres: FloatArray,
    prices: FloatArray,
    first: IntArray,
    units: IntArray,
    plan: IntArray,
    border: IntArray,
    rate: float,
) -> tuple[int, float]:
    """Try each unit once; return the number of moves and the weight outside the bounds."""
    n = mass.size
    load = np.zeros(prices.shape)
    for i in range(n):
        load[plan[i]] += weights[i]
    mark, queue = np.zeros(n + 1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    moved = 0
    for i in border:
        own = plan[i]
        stay = _cost(i, own, point, mass, weights, centres, prices)
        best, to = -1e-12 * stay, -1
        for entry in range(first[i], first[i + 1]):
            other = plan[units[entry]]
            if other in (own, to):
                continue
            worse = -_outside(load[own], lower, upper) - _outside(load[other], lower, upper)
            worse += _outside(load[own] - weights[i], lower, upper)
            worse += _outside(load[other] + weights[i], lower, upper)
            change = _cost(i, other, point, mass, weights, centres, prices) - stay
            if change + rate * worse < best:
                best, to = change + rate * worse, other
        if to < 0 or not _stays_connected(first, units, plan, i, mark, queue):
            continue
        plan[i] = to
        moved += 1
        load[own] -= weights[i]
        load[to] += weights[i]
    outside = 0.0
    for d in range(len(load)):
        outside += _outside(load[d], lower, upper)
    return moved, outside
