"""
Does any plan exist? The Hess model without costs and without a choice of centres.

In the Hess model every node of a district may be its centre, so a plan that does not exist has to
be refuted once for each choice of centres. Here a district is named by its first node in an order
of the nodes, its root, which leaves one choice. Sets: nodes V in an order, A ⊆ V x V the pairs
(i, j) with j no later than i where some path from j to i that avoids all nodes before j weighs no
more than U. Variables: x_ij = 1 if i lies in the district with root j. All rows are those of the
Hess model on A (:mod:`.hess`), the costs are 0.

The order puts nodes last whose connected parts are too light for a district (:mod:`.orbitope`), so
that few roots are left: L-fixing, and the paths are U-fixing, of Validi and Buchanan (2022),
"Political districting to minimize cut edges", Mathematical Programming Computation 14, section 4.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ..formulation import BoolArray
from .label_rules import seats_of
from .orbitope import opening_order
from .problem import Districting


def without_centres(problem: Districting) -> Districting:
    """Return the problem without costs; seats only lock their nodes."""
    n, rules, seats = problem.num_nodes, problem.rules, seats_of(problem)
    if rules is not None and (seats >= 0).any():
        rules = replace(rules, forbidden=~problem.may_hold, seats=None)
    return replace(problem, cost_matrix=np.zeros((n, n)), rules=rules)


def rooted_pairs(problem: Districting) -> BoolArray:
    """Pairs (i, j) of a node and the root of a district that may hold it, shape (nodes, nodes)."""
    n = problem.num_nodes
    order, num_front = opening_order(problem)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    allowed = np.zeros((n, n), dtype=bool)
    for root in order[:num_front]:
        allowed[:, root] = _reached(problem, int(root), place >= place[root])
    return allowed


def _reached(problem: Districting, root: int, later: BoolArray) -> BoolArray:
    """Nodes that a district within the upper bounds can hold besides its root."""
    nodes = np.flatnonzero(later)
    graph = problem.graph[nodes][:, nodes]
    start = np.searchsorted(nodes, [root])
    most = problem.district_upper.max(axis=0)
    inside = np.isfinite(dijkstra(graph, indices=start, unweighted=True)[0])
    for w in np.flatnonzero(np.isfinite(most)):
        # Dijkstra takes entries of 0 for no edge, so every step gets a little weight.
        entering = problem.weights[nodes[graph.indices], w] + 1e-9
        lengths = sparse.csr_array((entering, graph.indices, graph.indptr), shape=graph.shape)
        beside = dijkstra(lengths, indices=start)[0] + problem.weights[root, w]
        inside &= beside <= most[w] + 1e-6
    reached = np.zeros(later.size, dtype=bool)
    reached[nodes[inside]] = True
    reached[root] = True
    return reached
