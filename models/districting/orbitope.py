"""
One numbering of each plan: orders of the nodes, and the partitioning orbitope.

Where districts are interchangeable, a plan may be numbered by the first node of each district in a
given order of the nodes. Variables: x_id = 1 if node i lies in district d; o_id = 1 if d has a node
at or before i. With i⁻ the node before i in the order,

    x_id = 0 and o_id = 0                    i before place d              (diagonal)
    o_i⁻d ≤ o_id ≤ o_i⁻d + x_id              every i, d                    (a node opens d)
    Σ_{c ≥ d} x_ic ≤ o_id                    every i, d                    (d is open)
    o_id ≤ o_i⁻,d-1                          every i, d > 1                (d opens after d - 1)

Exactly one numbering is left. The relaxation implies every shifted column inequality of Kaibel and
Pfetsch (2008), "Packing and partitioning orbitopes", Mathematical Programming 114, with a number
of entries that grows like nodes x districts²: an extended formulation as that of Faenza and Kaibel
(2009), "Extended formulations for packing and partitioning orbitopes", Mathematics of Operations
Research 34(3), its paths counted up to each node.

Nodes of a set B whose connected parts are all too light for a district may come last: no district
opens at one of them. The fewer nodes are left, the fewer ways there are to open the districts
(L-fixing of Validi and Buchanan 2022, "Political districting to minimize cut edges", Mathematical
Programming Computation 14, section 4.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import breadth_first_order

from ..formulation import FloatArray, IntArray, ModelBuilder
from .problem import Districting

_SLACK = 1e-6


class Opening(NamedTuple):
    """
    An order of the nodes, and how many of them can open a district.

    Parameters
    ----------
    order
        Nodes in the order that numbers the districts, shape (nodes,).
    num_front
        Districts open at the first ``num_front`` nodes of the order only.
    """

    order: IntArray
    num_front: int


def numbering_order(problem: Districting) -> IntArray:
    """Nodes from the heaviest to the lightest: districts are numbered by their first nodes."""
    return np.argsort(-_size(problem), kind="stable").astype(np.int64)


def opening_order(problem: Districting, *, tries: int = 40) -> Opening:
    """
    Order the nodes so that few of them can open a district.

    The last nodes are a large set whose connected parts are too light for a district, grown
    greedily along breadth-first orders from ``tries`` nodes; the others come first, the heaviest
    of them foremost.
    """
    heaviest = numbering_order(problem)
    starts = heaviest[np.linspace(0, heaviest.size - 1, min(tries, heaviest.size)).astype(int)]
    back = max((_light_parts(problem, int(start)) for start in starts), key=np.count_nonzero)
    front = heaviest[~back[heaviest]]
    return Opening(np.r_[front, heaviest[back[heaviest]]], max(front.size, 1))


def _light_parts(problem: Districting, start: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Grow a set along a breadth-first order; a node that joins too heavy a part is left out."""
    n, graph = problem.num_nodes, problem.graph
    reached = breadth_first_order(graph, start, return_predecessors=False)
    order = np.r_[reached, np.setdiff1d(np.arange(n), reached)]
    parent = np.arange(n)
    load = problem.weights.copy()
    taken = np.zeros(n, dtype=bool)
    least = problem.district_lower.min(axis=0) - _SLACK

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    for node in order:
        beside = graph.indices[graph.indptr[node] : graph.indptr[node + 1]]
        parts = sorted({root(int(other)) for other in beside if taken[other]})
        together = load[node] + load[parts].sum(axis=0)
        if (together < least).any():
            taken[node] = True
            parent[parts] = node
            load[node] = together
    return taken


def numbered(assignment: IntArray, *, order: IntArray) -> IntArray:
    """
    Return the same plan, its districts numbered by their first nodes in ``order``.

    Examples
    --------
    >>> numbered(np.array([2, 0, 2]), order=np.array([1, 0, 2])).tolist()
    [1, 0, 1]
    """
    present, first, place = np.unique(assignment[order], return_index=True, return_inverse=True)
    number = np.empty(present.size, dtype=np.int64)
    number[np.argsort(first)] = np.arange(present.size)
    result = np.empty(assignment.size, dtype=np.int64)
    result[order] = number[place]
    return result


def add_orbitope(builder: ModelBuilder, x: IntArray, opening: Opening) -> IntArray:
    """
    Add the partitioning orbitope in its extended formulation.

    Parameters
    ----------
    x
        Column of x_id, shape (nodes, districts); those before place d are zero already.
    opening
        Order of the nodes; the districts are all open after its front.

    Returns
    -------
    IntArray
        Columns of o_id of the front, in its order, shape (front, districts).
    """
    k, front = x.shape[1], opening.num_front
    ordered = x[opening.order[:front]]
    place = np.arange(front)[:, None]
    reachable = place >= np.arange(k)
    last = np.broadcast_to(place == front - 1, (front, k))
    opened = builder.add_columns(
        np.zeros(front * k), lower=last.ravel(), upper=(reachable | last).ravel(), integer=True
    ).reshape(front, k)
    _at_most(builder, opened[:-1], opened[1:])
    _at_most(builder, opened[1:], opened[:-1], ordered[1:])
    _at_most(builder, opened[0], ordered[0])
    _at_most(builder, opened[1:, 1:], opened[:-1, :-1])
    for d in range(k):
        rows = np.arange(front)
        builder.add_rows(
            np.r_[np.repeat(rows, k - d), rows],
            np.r_[ordered[:, d:].ravel(), opened[:, d]],
            np.r_[np.ones(front * (k - d)), -np.ones(front)],
            upper=np.zeros(front),
        )
    return opened


def opened_by(district: IntArray, opening: Opening, num_districts: int) -> FloatArray:
    """Values o_id of the front for a plan that is numbered by its order, shape (front, k)."""
    first = np.full(num_districts, opening.num_front - 1)
    places = district[opening.order]
    present, at = np.unique(places, return_index=True)
    first[present] = at
    return (np.arange(opening.num_front)[:, None] >= first).astype(float)


def _at_most(builder: ModelBuilder, less: IntArray, *more: IntArray) -> None:
    """Add less ≤ Σ more, entry by entry."""
    rows = np.arange(less.size)
    builder.add_rows(
        np.tile(rows, 1 + len(more)),
        np.concatenate([less.ravel(), *(part.ravel() for part in more)]),
        np.repeat([1.0, -1.0], [rows.size, rows.size * len(more)]),
        upper=np.zeros(rows.size),
    )


def _size(problem: Districting) -> FloatArray:
    """Weights of each node as a share of all, added up."""
    total = np.maximum(problem.weights.sum(axis=0), 1e-12)
    return np.asarray((problem.weights / total).sum(axis=1))
