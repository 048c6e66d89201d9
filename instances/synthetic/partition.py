"""Cutting a planar graph into connected parts of given sizes, by cuts of spanning trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from ...models.formulation import BoolArray, FloatArray, IntArray

TRIES = 24
CUTS_PER_TREE = 4
TOLERANCE = 0.012
"""Share of the goal by which a part may miss it before that counts against the cut."""


@dataclass(frozen=True, eq=False)
class Graph:
    """
    Neighbours with the length and the rank of their common border.

    Parameters
    ----------
    sizes
        Residents of the vertices, shape (vertices,).
    pairs
        Ends of the edges, shape (edges, 2).
    lengths
        Length of each common border in metres, shape (edges,).
    ranks
        Rank of the line along the border: the higher, the better a place for a cut.
    """

    sizes: FloatArray
    pairs: IntArray
    lengths: FloatArray
    ranks: FloatArray

    def part(self, members: IntArray) -> Graph:
        """Subgraph of ``members`` (vertex indices), numbered in their order."""
        number = np.full(self.sizes.size, -1)
        number[members] = np.arange(members.size)
        pairs = number[self.pairs]
        inside = (pairs >= 0).all(axis=1)
        return Graph(self.sizes[members], pairs[inside], self.lengths[inside], self.ranks[inside])


def partition(graph: Graph, targets: FloatArray, rng: np.random.Generator) -> IntArray:
    """
    Part of each vertex, in as many connected parts as there are targets.

    The idea is that of recombination (DeFord, Duchin and Solomon 2021): cutting one edge of a
    spanning tree leaves two connected parts. Trees are drawn with weights that grow with the rank
    of a border, so that parts tend to end at arterials; the shortest cut near the goal is kept.

    Parameters
    ----------
    graph
        A connected graph.
    targets
        Sizes of the parts, shape (parts,); scaled to the size of the graph.
    rng
        Source of every random choice.

    Returns
    -------
    part
        Index into ``targets``, shape (vertices,).
    """
    part = np.zeros(graph.sizes.size, dtype=np.int64)
    if targets.size == 1:
        return part
    half = targets.size // 2
    share = targets[:half].sum() / targets.sum()
    parts = (half, targets.size - half)
    first = split_in_two(graph, float(share * graph.sizes.sum()), parts, rng)
    for members, start, goals in (
        (np.flatnonzero(first), 0, targets[:half]),
        (np.flatnonzero(~first), half, targets[half:]),
    ):
        part[members] = start + partition(graph.part(members), goals, rng)
    return part


def split_in_two(
    graph: Graph, goal: float, parts: tuple[int, int], rng: np.random.Generator
) -> BoolArray:
    """
    Tell which vertices belong to a connected part of about ``goal``, leaving the rest connected.

    Parameters
    ----------
    graph
        A connected graph of at least two vertices.
    goal
        Size of the part that is returned as True.
    parts
        Parts that the True side and the other will be cut into: each has as many vertices.
    rng
        Source of every random choice.

    Raises
    ------
    ValueError
        If no cut leaves enough vertices on both sides.
    """
    best_score, best = np.inf, np.zeros(graph.sizes.size, dtype=bool)
    for _ in range(TRIES):
        order, subtree, size = _draw_tree(graph, rng)
        for flip in (False, True):
            miss = np.abs((graph.sizes.sum() - size if flip else size) - goal) / goal
            miss[0] = np.inf
            for place in np.argsort(miss, kind="stable")[:CUTS_PER_TREE]:
                inside = np.full(graph.sizes.size, flip)
                inside[order[place : place + subtree[place]]] = not flip
                crossing = inside[graph.pairs[:, 0]] != inside[graph.pairs[:, 1]]
                length = float((graph.lengths * (5.0 - graph.ranks))[crossing].sum())
                score = length * (1 + 60 * max(0.0, float(miss[place]) - TOLERANCE))
                if score < best_score and _room(inside, parts):
                    best_score, best = score, inside
    if not best.any():
        raise ValueError(f"{best.size} vertices cannot be cut into {sum(parts)} connected parts.")
    return best


def _room(inside: BoolArray, parts: tuple[int, int]) -> bool:
    """Tell whether both sides have a vertex for each of their parts."""
    return bool(inside.sum() >= parts[0] and (~inside).sum() >= parts[1])


def _draw_tree(graph: Graph, rng: np.random.Generator) -> tuple[IntArray, IntArray, FloatArray]:
    """Vertices of a random spanning tree in preorder, and size of the subtree at each place."""
    count = graph.sizes.size
    weights = graph.ranks + rng.uniform(0.1, 2.1, graph.ranks.size)
    links = sparse.csr_array((weights, (graph.pairs[:, 0], graph.pairs[:, 1])), (count, count))
    tree = csgraph.minimum_spanning_tree(links)
    root = int(rng.integers(count))
    order, parent = csgraph.depth_first_order(tree, root, directed=False)
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    above = [0, *place[parent[order[1:]]].tolist()]
    vertices, size = [1] * count, graph.sizes[order].tolist()
    for i in range(count - 1, 0, -1):
        vertices[above[i]] += vertices[i]
        size[above[i]] += size[i]
    return order.astype(np.int64), np.array(vertices), np.array(size)
