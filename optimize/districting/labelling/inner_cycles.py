"""Cheapest cycles of the dual that do not touch the outside: borders of districts within."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ....models.districting.dual import parts_without
from ....models.districting.orbitope import opening_order
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, IntArray
from .walk_network import Walks
from .walks import least_pair


class InnerCycles:
    """
    Search of cycles that avoid the hub.

    Parameters
    ----------
    problem
        What is asked.
    walks
        Its dual; coarse weights suffice, as the cycles are rarely cheap enough to matter.
    """

    def __init__(self, problem: Districting, walks: Walks) -> None:
        self.problem, self.walks, self.hub = problem, walks, walks.dual.hub

    def least(self, count: int, limit: int) -> int:
        """
        Least cost of a cycle that avoids the hub with so many districts on one side.

        It has at least one district on the side without the hub, and so a node of the front of
        :func:`.opening_order`. That side does not touch the hub, so the cycle crosses each path
        from there to a node that does: only cycles through a face beside such a path are searched.

        Returns
        -------
        int
            The limit if there is none below it.

        Raises
        ------
        TimeoutError
            If the time is up.
        """
        window = self.walks.window(count)
        is_open = np.ones(self.walks.dual.num_faces, dtype=bool)
        is_open[self.hub] = False
        for source in self._gates:
            self.walks.heed()
            near = self._near(int(source), is_open, limit)
            if self._may_enclose(near, int(window[0])):
                limit = self._cycle_through(int(source), np.flatnonzero(near), window, limit)
            is_open[source] = False
        return limit

    @cached_property
    def _gates(self) -> IntArray:
        """One face beside each edge of shortest paths from the front to nodes at the hub."""
        opening = opening_order(self.problem)
        dual, edges = self.walks.dual, self.walks.edges
        outer = np.unique(edges[dual.edge[dual.tail == self.hub]])
        _, above, _ = dijkstra(
            self.problem.graph,
            indices=outer,
            min_only=True,
            unweighted=True,
            return_predecessors=True,
        )
        face_of: dict[tuple[int, int], int] = {}
        for arc in range(dual.edge.size):
            u, v = (int(node) for node in edges[dual.edge[arc]])
            face_of[u, v] = face_of[v, u] = int(dual.tail[arc])
        gates: list[int] = []
        for start in opening.order[: opening.num_front]:
            node = int(start)
            while above[node] >= 0:
                gates.append(face_of[node, int(above[node])])
                node = int(above[node])
        return np.array(list(dict.fromkeys(gates)), dtype=np.int64)

    @cached_property
    def _lengths(self) -> sparse.csr_array:
        """Cheapest arc between each two faces."""
        dual, cost = self.walks.dual, self.walks.cost
        order = np.lexsort((cost, dual.head, dual.tail))
        ends = np.stack([dual.tail[order], dual.head[order]], axis=1)
        first = np.unique(ends, axis=0, return_index=True)[1]
        # Entries of 0 count as no arc, so every arc costs a little.
        lengths = np.maximum(cost[order][first], 1e-6)
        shape = (dual.num_faces, dual.num_faces)
        return sparse.csr_array((lengths, tuple(ends[first].T)), shape=shape)

    def _near(self, source: int, is_open: BoolArray, limit: int) -> BoolArray:
        """Faces on closed walks through the source that cost less than the limit."""
        inner = np.flatnonzero(is_open)
        at = int(np.searchsorted(inner, source))
        far = dijkstra(self._lengths[inner][:, inner], indices=np.array([at]), limit=limit / 2 + 1)[
            0
        ]
        near = np.zeros(is_open.size, dtype=bool)
        near[inner[np.isfinite(far)]] = True
        return near

    def _may_enclose(self, near: BoolArray, low: int) -> bool:
        """Whether a closed walk through these faces can enclose so much away from the hub."""
        dual, edges = self.walks.dual, self.walks.edges
        crossed = dual.edge[near[dual.tail] & near[dual.head]]
        part = parts_without(self.problem.num_nodes, edges, crossed)
        weight = np.bincount(part, self.walks.weights)
        weight[part[edges[dual.edge[dual.tail == self.hub]].ravel()]] = 0
        return bool(weight.sum() >= low)

    def _cycle_through(self, source: int, near: IntArray, window: IntArray, limit: int) -> int:
        """Least cost below the limit of a closed walk through a face within these faces."""
        walks = self.walks.within(near)
        at = int(np.searchsorted(near, source))
        table = walks.table()
        walks.fill(table, at, walks.half(limit))
        value, _ = least_pair(table, int(window[0]), int(window[1]), limit)
        return int(min(value, walks.least_loop(at, window)))
