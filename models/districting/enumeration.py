"""
Every plan of a small problem, and the value of each: the oracle of all other methods.

Sets of nodes are bit masks. Connected sets grow by one neighbour at a time, as long as they stay
below the upper bounds; plans are put together from the balanced ones, each district starting at
the first node that no district before it holds, so that every plan appears once. No formulation,
bound or search is shared with what is tested against it.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..formulation import BoolArray, FloatArray, IntArray
from .objective import Objective
from .problem import Districting

Masks = NDArray[np.uint64]

MOST_NODES = 62
"""Nodes that fit into a bit mask."""

_PAIRS_AT_ONCE = 4_000_000
_SLACK = 1e-6


def all_plans(problem: Districting, *, most: int = 2_000_000) -> IntArray:
    """
    List every feasible plan.

    Parameters
    ----------
    problem
        What is asked; its rules hold. Districts are numbered by their first nodes, unless the
        rules tell them apart: then every numbering that keeps the rules is listed.
    most
        Sets or partial plans that may be in memory at once.

    Returns
    -------
    IntArray
        District 0..k-1 of each node, shape (plans, nodes).

    Raises
    ------
    ValueError
        If the problem is too large to be enumerated.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.zeros((4, 2))
    >>> ring = Districting(
    ...     weights=np.ones((4, 1)), lower=np.array([2.0]), upper=np.array([2.0]),
    ...     edges=np.array([[0, 1], [1, 2], [2, 3], [3, 0]]), num_districts=2,
    ...     mass=np.ones(4), location=points, centre=points, inertia=np.zeros(4),
    ... )
    >>> all_plans(ring).tolist()
    [[0, 0, 1, 1], [0, 1, 1, 0]]
    """
    sets = _districts(problem, most)
    full = np.uint64((1 << problem.num_nodes) - 1)
    chosen = np.empty((1, 0), dtype=np.uint64)
    for district in range(problem.num_districts - 1):
        chosen = _one_more(chosen, sets, full, problem.num_districts - district - 1)
        _check_size(chosen.shape[0], most)
    rest = full ^ np.bitwise_or.reduce(chosen, axis=1, initial=np.uint64(0))
    kept = _listed(rest, sets)
    chosen = np.concatenate([chosen[kept], rest[kept, None]], axis=1)
    plans = np.zeros((chosen.shape[0], problem.num_nodes), dtype=np.int64)
    for district in range(problem.num_districts):
        plans[_members(chosen[:, district], problem.num_nodes)] = district
    if problem.rules is not None and problem.rules.names_districts:
        _check_size(plans.shape[0] * problem.num_districts, most)
        numberings = permutations(range(problem.num_districts))
        plans = np.concatenate([np.array(numbers)[plans] for numbers in numberings])
    return plans[_keeps_rules(problem, plans)]


def plan_values(problem: Districting, objective: Objective, plans: IntArray) -> FloatArray:
    """
    Value of each plan, recomputed from its definition.

    Parameters
    ----------
    plans
        District 0..k-1 of each node, shape (plans, nodes).
    """
    values = np.zeros(plans.shape[0])
    if objective.inertia:
        values += objective.inertia * _inertias(problem, plans)
    if objective.edge_costs is not None:
        u, v = problem.edges.reshape(-1, 2).T
        values += (plans[:, u] != plans[:, v]) @ objective.edge_costs
    if objective.label_costs is not None:
        values += objective.label_costs[np.arange(problem.num_nodes), plans].sum(axis=1)
    return values


def best_by_enumeration(
    problem: Districting, objective: Objective | None = None
) -> tuple[float, IntArray | None]:
    """
    Least value over all plans and the first plan that has it; infinite and None if none exists.

    Parameters
    ----------
    objective
        What a plan is judged by; None for the moment of inertia.
    """
    plans = all_plans(problem)
    if not plans.shape[0]:
        return np.inf, None
    values = plan_values(problem, objective or Objective(), plans)
    best = int(values.argmin())
    return float(values[best]), plans[best]


def connected_sets(
    problem: Districting, *, upper: FloatArray | None = None, most: int = 2_000_000
) -> Masks:
    """
    List all connected sets of nodes that stay within upper bounds, as sorted bit masks.

    Parameters
    ----------
    upper
        Bound on each weight, shape (weights,); None for no bound.
    most
        Sets of one size that may be in memory at once.
    """
    n = problem.num_nodes
    if n > MOST_NODES:
        raise ValueError(f"{n} nodes are more than the {MOST_NODES} that can be enumerated.")
    bits = np.uint64(1) << np.arange(n, dtype=np.uint64)
    graph = problem.graph
    near = np.array(
        [
            np.bitwise_or.reduce(bits[graph.indices[start:end]], initial=np.uint64(0))
            for start, end in zip(graph.indptr[:-1], graph.indptr[1:], strict=True)
        ]
    )
    grown, found = bits, []
    while grown.size:
        _check_size(grown.size, most)
        inside = _members(grown, n)
        if upper is not None:
            fits = (inside @ problem.weights <= upper + _SLACK).all(axis=1)
            grown, inside = grown[fits], inside[fits]
        found.append(grown)
        shore = np.zeros(grown.size, dtype=np.uint64)
        for node in range(n):
            shore[inside[:, node]] |= near[node]
        row, added = np.nonzero(_members(shore & ~grown, n))
        grown = np.unique(grown[row] | bits[added])
    return np.sort(np.concatenate(found))


def _districts(problem: Districting, most: int) -> Masks:
    """Return the connected sets within the loosest bounds of all districts, sorted."""
    sets = connected_sets(problem, upper=problem.district_upper.max(axis=0), most=most)
    totals = _members(sets, problem.num_nodes) @ problem.weights
    return np.asarray(sets[(totals >= problem.district_lower.min(axis=0) - _SLACK).all(axis=1)])


def _one_more(chosen: Masks, sets: Masks, full: np.uint64, still: int) -> Masks:
    """Give every partial plan one district more, in all ways, ``still`` being left after it."""
    covered = np.bitwise_or.reduce(chosen, axis=1, initial=np.uint64(0))
    first = _first_bit(full ^ covered)
    starts = _first_bit(sets)
    grown = [np.empty((0, chosen.shape[1] + 1), dtype=np.uint64)]
    for start in np.unique(first):
        partial, candidates = np.flatnonzero(first == start), sets[starts == start]
        step = max(1, _PAIRS_AT_ONCE // max(candidates.size, 1))
        for some in np.split(partial, range(step, partial.size, step)):
            row, column = np.nonzero((covered[some, None] & candidates) == 0)
            part = np.concatenate([chosen[some][row], candidates[column, None]], axis=1)
            if still == 1:
                rest = full ^ np.bitwise_or.reduce(part, axis=1)
                part = part[_listed(rest, sets)]
            grown.append(part)
    return np.concatenate(grown)


def _listed(masks: Masks, sets: Masks) -> BoolArray:
    """Whether each mask is one of the sorted sets."""
    if not sets.size:
        return np.zeros(masks.size, dtype=bool)
    place = np.minimum(np.searchsorted(sets, masks), sets.size - 1)
    return np.asarray(sets[place] == masks)


def _first_bit(masks: Masks) -> Masks:
    """Lowest bit of each mask; 0 for an empty one."""
    return masks & (~masks + np.uint64(1))


def _members(masks: Masks, num_nodes: int) -> BoolArray:
    """Whether each set holds each node, shape (sets, nodes)."""
    places = np.arange(num_nodes, dtype=np.uint64)
    return np.asarray((masks[:, None] >> places) & np.uint64(1), dtype=bool)


def _keeps_rules(problem: Districting, plans: IntArray) -> BoolArray:
    """Whether each plan keeps the bounds and rules of its own districts."""
    keeps = problem.may_hold[np.arange(problem.num_nodes), plans].all(axis=1)
    for district in range(problem.num_districts):
        totals = (plans == district) @ problem.weights
        keeps &= (totals >= problem.district_lower[district] - _SLACK).all(axis=1)
        keeps &= (totals <= problem.district_upper[district] + _SLACK).all(axis=1)
    if problem.rules is not None and problem.rules.apart is not None:
        one, other = problem.rules.apart.T
        keeps &= (plans[:, one] != plans[:, other]).all(axis=1)
    return np.asarray(keeps)


def _inertias(problem: Districting, plans: IntArray) -> FloatArray:
    """Sum over the districts of the cost to the seat, else to the best of their own nodes."""
    seats = None if problem.rules is None else problem.rules.seats
    total = np.zeros(plans.shape[0])
    for district in range(problem.num_districts):
        inside = plans == district
        costs = np.where(inside, inside @ problem.costs, np.inf)
        seat = -1 if seats is None else int(seats[district])
        total += costs.min(axis=1) if seat < 0 else costs[:, seat]
    return total


def _check_size(count: int, most: int) -> None:
    if count > most:
        raise ValueError(f"More than {most:,} sets or plans; enumerate a smaller problem.")
