"""
Which nodes can share a district at all, by the weight of the lightest path between them.

A connected district that holds i and u holds a path from i to u. If every such path weighs more
than the upper bound, no district holds both (U-fixing of Validi and Buchanan 2022, "Political
districting to minimize cut edges", Mathematical Programming Computation 14, section 4.2).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ..formulation import BoolArray, IntArray, ModelBuilder
from .orbitope import Opening
from .problem import Districting


def may_share(problem: Districting, sources: IntArray) -> BoolArray:
    """
    Whether each source and each node fit into one connected district, shape (sources, nodes).

    A path longer than the largest upper bound of any weight rules a pair out.
    """
    graph, share = problem.graph, np.ones((sources.size, problem.num_nodes), dtype=bool)
    most = problem.district_upper.max(axis=0)
    for w in np.flatnonzero(np.isfinite(most)):
        # Dijkstra takes entries of 0 for no edge, so every step gets a little weight.
        entering = problem.weights[graph.indices, w] + 1e-9
        lengths = sparse.csr_array((entering, graph.indices, graph.indptr), shape=graph.shape)
        beside = dijkstra(lengths, indices=sources) + problem.weights[sources, w][:, None]
        share &= beside <= most[w] + 1e-6
    share[np.arange(sources.size), sources] = True
    return share


def add_reach(
    builder: ModelBuilder, problem: Districting, x: IntArray, opened: IntArray, opening: Opening
) -> None:
    """
    Add x_ud ≤ Σ (o_id - o_i⁻d) over the nodes i of the front that may open the district of u.

    Those are the nodes that come no later than u and may share a district with it; rows are added
    for nodes u that some earlier node of the front cannot reach.

    Parameters
    ----------
    x
        Column of x_ud, shape (nodes, districts).
    opened
        Columns of o_id of the front, shape (front, districts).
    """
    front = opening.order[: opening.num_front]
    place = np.full(problem.num_nodes, front.size)
    place[front] = np.arange(front.size)
    earlier = np.arange(front.size)[:, None] <= place
    share = may_share(problem, front)
    short = np.flatnonzero((earlier & ~share).any(axis=0))
    opens = (earlier & share)[:, short].astype(float)
    # Σ over i of (o_i - o_i⁻) with the indicator s_i is Σ over i of (s_i - s_i+1) o_i.
    weight = opens - np.r_[opens[1:], np.zeros((1, short.size))]
    place_of, row = np.nonzero(weight)
    for d in range(x.shape[1]):
        builder.add_rows(
            np.r_[np.arange(short.size), row],
            np.r_[x[short, d], opened[place_of, d]],
            np.r_[np.ones(short.size), -weight[place_of, row]],
            upper=np.zeros(short.size),
        )
