"""
One problem and one objective as arrays that compiled kernels read.

The arrays of a :class:`Board` are C-contiguous, writeable and of fixed types, so that every problem
meets the same compiled kernels. What a problem does not have is an array without rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....models.districting.objective import Objective
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, FloatArray, IntArray

Index = NDArray[np.int32]

_SLACK = 5e-7
"""Half of what :meth:`Districting.violations` forgives: running sums may drift by the rest."""


class Board(NamedTuple):
    """
    What the kernels read.

    Parameters
    ----------
    first, neighbours
        Neighbour lists: those of node i are ``neighbours[first[i] : first[i + 1]]``.
    tail, reverse, edge_costs
        Of each entry of ``neighbours``: the node whose list it is in, the place of the opposite
        entry, and the cost if the edge is cut.
    weights, lower, upper, scale
        Weights of the nodes, bounds of the districts and mean weights of a district.
    factor, mass, location, centre, costs
        Moment of inertia: its factor, mass (times factor, in 10⁶), points; and, if there is a
        matrix, the cost of each node (column) about each centre (row).
    label_costs, may_hold
        Cost of each node in each district, and whether the rules allow it.
    apart_first, apart_from
        Lists of the nodes that each node must be apart from.
    seats
        Node that is a district's centre, -1 where the centre is free.
    """

    first: Index
    neighbours: Index
    tail: Index
    reverse: Index
    edge_costs: FloatArray
    weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    scale: FloatArray
    factor: float
    mass: FloatArray
    location: FloatArray
    centre: FloatArray
    costs: FloatArray
    label_costs: FloatArray
    may_hold: BoolArray
    apart_first: Index
    apart_from: Index
    seats: Index


def make_board(problem: Districting, objective: Objective) -> Board:
    """Return the arrays of a problem under an objective."""
    n, k = problem.num_nodes, problem.num_districts
    rules = problem.rules
    edges = problem.edges.reshape(-1, 2)
    edge_costs = objective.edge_costs
    first, neighbours, edge = _neighbour_lists(edges, n)
    tail = np.repeat(np.arange(n), np.diff(first))
    apart = np.zeros((0, 2), dtype=np.int64)
    if rules is not None and rules.apart is not None:
        apart = rules.apart
    apart_first, apart_from, _ = _neighbour_lists(apart, n)
    restricted = rules is not None and not problem.may_hold.all()
    seats = rules.seats if rules is not None and rules.seats is not None else np.full(k, -1)
    labels, matrix = objective.label_costs, problem.cost_matrix
    return Board(
        first=_index(first),
        neighbours=_index(neighbours),
        tail=_index(tail),
        reverse=_index(_opposite(edge)),
        edge_costs=_floats(np.zeros(edge.size) if edge_costs is None else edge_costs[edge]),
        weights=_floats(problem.weights),
        lower=_floats(problem.district_lower - _SLACK),
        upper=_floats(problem.district_upper + _SLACK),
        scale=_floats(np.maximum(problem.weights.sum(axis=0) / k, 1e-12)),
        factor=float(objective.inertia),
        mass=_floats(problem.mass * objective.inertia / 1e6),
        location=_floats(problem.location),
        centre=_floats(problem.centre),
        costs=_floats(np.zeros((0, 0)) if matrix is None else matrix.T),
        label_costs=_floats(np.zeros((0, k)) if labels is None else labels),
        may_hold=_of(problem.may_hold if restricted else np.zeros((0, k)), np.bool_),
        apart_first=_index(apart_first),
        apart_from=_index(apart_from),
        seats=_index(seats),
    )


def _neighbour_lists(pairs: IntArray, num_nodes: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return starts, neighbours and the pair of each entry; loops are left out."""
    number = np.flatnonzero(pairs[:, 0] != pairs[:, 1])
    i, j = pairs[number].T
    tails, heads, pair = np.r_[i, j], np.r_[j, i], np.r_[number, number]
    order = np.lexsort((heads, tails))
    first = np.searchsorted(tails[order], np.arange(num_nodes + 1))
    return first, heads[order], pair[order]


def _opposite(edge: IntArray) -> IntArray:
    """Place of the other entry of the same edge, for each entry."""
    order = np.argsort(edge, kind="stable")
    opposite = np.empty(edge.size, dtype=np.int64)
    opposite[order[0::2]], opposite[order[1::2]] = order[1::2], order[0::2]
    return opposite


def _of(array: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
    return np.require(array, dtype=kind, requirements=["C", "W"])


def _floats(array: NDArray[Any]) -> FloatArray:
    return _of(array, np.float64)


def _index(array: NDArray[Any]) -> Index:
    return _of(array, np.int32)
