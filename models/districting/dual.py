"""
The dual of a planar neighbourhood graph: borders of districts as walks between its faces.

A plane drawing of the graph parts the plane into faces; the dual has a vertex for each face and,
for each edge, two opposite arcs between the faces on its sides. The cut edges around a connected
district whose outside is connected form a simple cycle of the dual, and every such cycle is one
(Whitney 1932, "Non-separable and planar graphs", Transactions of the American Mathematical
Society 34).

What a cycle encloses is added up along it. Hang the graph up as a tree of paths from one node;
the arc that crosses a tree edge and leaves its lower end b to the left carries the weight below
b, the opposite arc that weight with a minus, all others nothing. Along a cycle these fluxes add up
to the weight on its left, up to multiples of the total weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ..formulation import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class DualGraph:
    """
    Faces of a planar graph, and the arcs across its edges.

    Parameters
    ----------
    num_faces
        Number of faces.
    first
        Arcs that leave face f are ``first[f]:first[f + 1]``, shape (faces + 1,).
    tail, head
        Faces that an arc joins, shape (arcs,).
    edge
        Edge that an arc crosses, shape (arcs,).
    left
        Node on the left of an arc: an end of its edge, shape (arcs,).
    """

    num_faces: int
    first: IntArray
    tail: IntArray
    head: IntArray
    edge: IntArray
    left: IntArray

    @property
    def hub(self) -> int:
        """Face with most arcs: most often the outside."""
        return int(np.diff(self.first).argmax())


def dual_graph(num_nodes: int, edges: IntArray) -> DualGraph | None:
    """
    Faces of a drawing without crossings; None if there is none, or the graph is not connected.

    Parameters
    ----------
    edges
        Pairs of neighbouring nodes, no pair twice, shape (edges, 2).
    """
    import networkx as nx  # noqa: PLC0415 - loaded on first use, it takes a fifth of a second

    graph = nx.Graph()
    graph.add_nodes_from(range(num_nodes))
    graph.add_edges_from(edges.tolist())
    if num_nodes < 2 or not nx.is_connected(graph):
        return None
    is_planar, drawing = nx.check_planarity(graph)
    if not is_planar:
        return None
    face: dict[tuple[int, int], int] = {}
    num_faces = 0
    for u, v in [*edges.tolist(), *edges[:, ::-1].tolist()]:
        side = (u, v)
        while side not in face:
            face[side] = num_faces
            side = drawing.next_face_half_edge(*side)
        num_faces = max(num_faces, face[u, v] + 1)
    u, v = edges.T
    # networkx walks a face clockwise: it lies on the right of each of its half edges.
    one = np.array([face[a, b] for a, b in edges.tolist()], dtype=np.int64)
    other = np.array([face[b, a] for a, b in edges.tolist()], dtype=np.int64)
    tail = np.r_[one, other]
    order = np.argsort(tail, kind="stable")
    return DualGraph(
        num_faces,
        np.searchsorted(tail[order], np.arange(num_faces + 1)).astype(np.int64),
        tail[order],
        np.r_[other, one][order],
        np.tile(np.arange(u.size), 2)[order],
        np.r_[u, v][order],
    )


def fluxes(dual: DualGraph, edges: IntArray, weights: IntArray) -> IntArray:
    """
    Weight that each arc carries: along a cycle they add up to what lies on its left.

    Parameters
    ----------
    weights
        Whole weight of each node, shape (nodes,).

    Returns
    -------
    IntArray
        Shape (arcs,).
    """
    n = weights.size
    u, v = edges.T
    graph = sparse.csr_array((np.ones(u.size), (u, v)), shape=(n, n))
    order, above = breadth_first_order(graph, 0, directed=False)
    below = weights.copy()
    for node in order[:0:-1]:
        below[above[node]] += below[node]
    ends = edges[dual.edge]
    right = np.where(ends[:, 0] == dual.left, ends[:, 1], ends[:, 0])
    hangs = above[dual.left] == right
    holds = above[right] == dual.left
    return np.asarray(below[dual.left] * hangs - below[right] * holds, dtype=np.int64)


def parts_without(num_nodes: int, edges: IntArray, cut: IntArray) -> IntArray:
    """Return the connected part of each node without the edges ``cut``, shape (nodes,)."""
    kept = np.ones(edges.shape[0], dtype=bool)
    kept[cut] = False
    u, v = edges[kept].T
    graph = sparse.csr_array((np.ones(u.size), (u, v)), shape=(num_nodes, num_nodes))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def merged_edges(edges: IntArray, costs: FloatArray) -> tuple[IntArray, FloatArray]:
    """Every pair of neighbours once, with the costs of equal pairs added up; no loops."""
    ends = np.sort(edges.reshape(-1, 2), axis=1)
    real = ends[:, 0] != ends[:, 1]
    pairs, place = np.unique(ends[real], axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), costs[real], pairs.shape[0])
    return np.asarray(pairs, dtype=np.int64), np.asarray(total, dtype=np.float64)
