"""
Kernels that make the districts of a bound hold paths between their sites and their centres.

At the prices of a bound every node goes to its cheapest district, connected or not. The sites of a
district and its centre are joined by paths inside it, though, and node i on a path of district d
costs what it pays there beyond its cheapest district, δ_id ≥ 0. Districts share no node, so

    Σ_i min_d pays_id + Σ_d (least Σ_{i ∈ P} δ_id over paths P of d between what it must join)

bounds every plan. Of what a district must join, the farthest from its first site counts. The paths
are those of Dijkstra (1959, Numerische Mathematik 1), with weights of nodes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...models.formulation import BoolArray, FloatArray, IntArray
from ..compiled import inner_kernel, kernel

HUGE = 1e300
"""Length of a path, moment of inertia, or bound of what cannot be."""


class Links(NamedTuple):
    """
    What the districts of a grouping must join, as arrays for kernels.

    Parameters
    ----------
    begins, neighbours
        Neighbours of node i: ``neighbours[begins[i]:begins[i + 1]]``.
    sites, num_sites
        Nodes of the sites of each district, shapes (districts, most sites) and (districts,).
    inside
        Whether each node lies in each box of a centre, shape (districts, boxes, nodes).
    """

    begins: IntArray
    neighbours: IntArray
    sites: IntArray
    num_sites: IntArray
    inside: BoolArray


class Walk(NamedTuple):
    """
    What nodes pay at some prices, and where a search of paths among them stands.

    Parameters
    ----------
    pays
        What each node pays in each district, HUGE where it may not lie, shape (districts, nodes).
    low, own
        What it pays in its cheapest district, and which that is.
    length, before
        Length of the shortest path to each node so far, and the node before it, -1 for none.
    settled
        Whether that length is final.
    stack
        Nodes that are as far as the last one settled.
    heap_length, heap_node
        Other nodes that were seen, the nearest first, as a binary heap.
    """

    pays: FloatArray
    low: FloatArray
    own: IntArray
    length: FloatArray
    before: IntArray
    settled: BoolArray
    stack: IntArray
    heap_length: FloatArray
    heap_node: IntArray


@kernel
def no_walk(links: Links) -> Walk:
    """Return a search that has not begun."""
    n, arcs = links.begins.size - 1, links.neighbours.size + 1
    return Walk(
        np.zeros((links.num_sites.size, n)),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros(n, np.bool_),
        np.zeros(n + 1, np.int64),
        np.zeros(arcs),
        np.zeros(arcs, np.int64),
    )


@inner_kernel
def join(links: Links, box: IntArray, weights: FloatArray, use: FloatArray, walk: Walk) -> float:
    """
    Join the sites and the centre of every district by paths.

    Parameters
    ----------
    links
        What must be joined.
    box
        Box that the centre of each district lies in, shape (districts,).
    weights
        Weights of the nodes, shape (nodes, weights).
    use
        Weights of what each district holds, shape (districts, weights): those of nodes on a path
        are moved to its district.
    walk
        What nodes pay.

    Returns
    -------
    float
        What the nodes on paths pay more, HUGE if there are none.
    """
    value = 0.0
    for d in range(box.size):
        more, i = farthest(links, d, box[d], walk)
        if more >= HUGE:
            return HUGE
        value += more
        while more > 0.0 and i >= 0:
            for j in range(use.shape[1]):
                use[walk.own[i], j] -= weights[i, j]
                use[d, j] += weights[i, j]
            i = walk.before[i]
    return value


@inner_kernel
def farthest(links: Links, d: int, box: int, walk: Walk) -> tuple[float, int]:
    """
    Walk from the first site of a district until all that it must join is reached.

    Parameters
    ----------
    links
        What must be joined.
    d, box
        District, and the box that its centre lies in.
    walk
        What nodes pay; the rest is overwritten, and ``before`` leads back from the last node.

    Returns
    -------
    tuple
        Length of the path to the last one, HUGE if there is none, and its node.
    """
    _begin(links, d, walk)
    height, size = 1, 0
    sites_left, centre_left = links.num_sites[d], True
    while True:
        i, height, size = _next(walk, height, size)
        if i < 0:
            return HUGE, -1
        walk.settled[i] = True
        centre_left = centre_left and not links.inside[d, box, i]
        for place in range(links.num_sites[d]):
            if links.sites[d, place] == i:
                sites_left -= 1
        if sites_left == 0 and not centre_left:
            return walk.length[i], i
        height, size = _look_round(links, d, i, walk, height, size)


@inner_kernel
def _next(walk: Walk, height: int, size: int) -> tuple[int, int, int]:
    """Take the nearest node that is seen, -1 for none; with what is left in stack and heap."""
    if height > 0:
        return walk.stack[height - 1], height - 1, size
    while size > 0:
        i = walk.heap_node[0]
        size = _drop_first(walk, size)
        if not walk.settled[i]:
            return i, 0, size
    return -1, 0, 0


@inner_kernel
def _look_round(
    links: Links, d: int, i: int, walk: Walk, height: int, size: int
) -> tuple[int, int]:
    """See the neighbours of a node; return how many nodes are in stack and heap."""
    for place in range(links.begins[i], links.begins[i + 1]):
        j = links.neighbours[place]
        if walk.settled[j] or walk.pays[d, j] >= HUGE:
            continue
        extra = walk.pays[d, j] - walk.low[j]
        there = walk.length[i] + extra
        if there >= walk.length[j]:
            continue
        walk.length[j], walk.before[j] = there, i
        if extra <= 0.0:
            walk.settled[j], walk.stack[height] = True, j
            height += 1
        else:
            size = _add(walk, size, there, j)
    return height, size


@inner_kernel
def _begin(links: Links, d: int, walk: Walk) -> None:
    """Stand at the first site of a district."""
    first = links.sites[d, 0]
    walk.length[:] = HUGE
    walk.before[:] = -1
    walk.settled[:] = False
    walk.length[first], walk.settled[first], walk.stack[0] = 0.0, True, first


@inner_kernel
def _add(walk: Walk, size: int, length: float, node: int) -> int:
    """Put a node into the heap; return its size."""
    place = size
    while place > 0:
        above = (place - 1) // 2
        if walk.heap_length[above] <= length:
            break
        walk.heap_length[place] = walk.heap_length[above]
        walk.heap_node[place] = walk.heap_node[above]
        place = above
    walk.heap_length[place], walk.heap_node[place] = length, node
    return size + 1


@inner_kernel
def _drop_first(walk: Walk, size: int) -> int:
    """Take the nearest node out of the heap; return its size."""
    size -= 1
    length, node = walk.heap_length[size], walk.heap_node[size]
    place = 0
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and walk.heap_length[below + 1] < walk.heap_length[below]:
            below += 1
        if walk.heap_length[below] >= length:
            break
        walk.heap_length[place] = walk.heap_length[below]
        walk.heap_node[place] = walk.heap_node[below]
        place = below
    walk.heap_length[place], walk.heap_node[place] = length, node
    return size
