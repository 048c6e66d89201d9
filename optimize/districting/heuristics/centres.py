"""Kernels that choose the centres of districts and judge plans about them."""

from __future__ import annotations

import numpy as np

from ....models.formulation import FloatArray
from ...compiled import inner_kernel, kernel, lean_kernel
from .board import Board, Index

_SMALL_DISTRICT = 64
"""Number of nodes up to which every node is tried as the centre."""


@inner_kernel
def node_cost(board: Board, node: int, district: int, centre: int) -> float:
    """Return the cost of a node in a district, its own inertia left out."""
    cost = 0.0
    if board.label_costs.shape[0]:
        cost = board.label_costs[node, district]
    if board.factor > 0.0:
        if board.costs.shape[0]:
            cost += board.factor * board.costs[centre, node]
        else:
            x = board.location[node, 0] - board.centre[centre, 0]
            y = board.location[node, 1] - board.centre[centre, 1]
            cost += board.mass[node] * (x * x + y * y)
    return cost


@lean_kernel
def plan_cost(board: Board, plan: Index, centres: Index) -> float:
    """Return the objective of a plan about given centres, the nodes' own inertia left out."""
    total = 0.0
    for i in range(plan.size):
        total += node_cost(board, i, plan[i], centres[plan[i]])
        for entry in range(board.first[i], board.first[i + 1]):
            if plan[board.neighbours[entry]] != plan[i]:
                total += 0.5 * board.edge_costs[entry]
    return total


@kernel
def best_centres(board: Board, plan: Index, centres: Index) -> None:
    """
    Choose each district's centre among its nodes, those with a seat keep it.

    Without a cost matrix it is the node next to the mass centre, as in
    :meth:`Districting.centres`. With one, all nodes of a small district are tried; in a large one
    a descent over neighbours starts from the better of that node and the former centre, and finds
    the best node unless its costs have local minima.
    """
    if board.factor <= 0.0:
        return
    middle = _nearest_to_mass_centres(board, plan, centres.size)
    order, begin = _members(plan, centres.size)
    for d in range(centres.size):
        if board.seats[d] >= 0:
            centres[d] = board.seats[d]
        elif board.costs.shape[0] and middle[d] >= 0:
            members = order[begin[d] : begin[d + 1]]
            centres[d] = _descend(board, plan, members, middle[d], centres[d])
        elif middle[d] >= 0:
            centres[d] = middle[d]


@kernel
def _nearest_to_mass_centres(board: Board, plan: Index, num_districts: int) -> Index:
    """Return the node of each district that is nearest to its mass centre, -1 if it is empty."""
    sums = np.zeros((num_districts, 3))
    for i in range(plan.size):
        mass = max(board.mass[i], 1e-300)
        sums[plan[i], 0] += mass * board.location[i, 0]
        sums[plan[i], 1] += mass * board.location[i, 1]
        sums[plan[i], 2] += mass
    least = np.full(num_districts, np.inf)
    nearest = np.full(num_districts, -1, dtype=np.int32)
    for j in range(plan.size):
        d = plan[j]
        x = board.centre[j, 0] - sums[d, 0] / sums[d, 2]
        y = board.centre[j, 1] - sums[d, 1] / sums[d, 2]
        if x * x + y * y < least[d]:
            least[d] = x * x + y * y
            nearest[d] = j
    return nearest


@kernel
def _members(plan: Index, num_districts: int) -> tuple[Index, Index]:
    """Return the nodes sorted by district, and where each district begins."""
    begin = np.zeros(num_districts + 1, dtype=np.int32)
    for d in plan:
        begin[d + 1] += 1
    for d in range(num_districts):
        begin[d + 1] += begin[d]
    order = np.zeros(plan.size, dtype=np.int32)
    place = begin.copy()
    for i in range(plan.size):
        order[place[plan[i]]] = i
        place[plan[i]] += 1
    return order, begin


@inner_kernel
def _column_cost(costs: FloatArray, members: Index, centre: int) -> float:
    total = 0.0
    for i in members:
        total += costs[centre, i]
    return total


@inner_kernel
def _descend(board: Board, plan: Index, members: Index, middle: int, former: int) -> int:
    """Return the best centre of a small district, else one that no neighbour improves on."""
    here, least = middle, _column_cost(board.costs, members, middle)
    if members.size <= _SMALL_DISTRICT:
        for j in members:
            cost = _column_cost(board.costs, members, j)
            if cost < least:
                here, least = j, cost
        return here
    if former != middle and plan[former] == plan[middle]:
        cost = _column_cost(board.costs, members, former)
        if cost < least:
            here, least = former, cost
    improved = True
    while improved:
        improved = False
        centre = here
        for entry in range(board.first[centre], board.first[centre + 1]):
            j = board.neighbours[entry]
            if plan[j] == plan[middle]:
                cost = _column_cost(board.costs, members, j)
                if cost < least:
                    here, least, improved = j, cost, True
    return here
