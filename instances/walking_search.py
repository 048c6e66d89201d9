"""Bounded searches from many nodes of a graph, compiled: memory grows with the pairs in reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .compiled import inner_kernel, kernel

if TYPE_CHECKING:
    from ..models.formulation import FloatArray, IntArray

Indices = NDArray[np.int32]
Values = TypeVar("Values", NDArray[np.int32], NDArray[np.float64])

_FIRST_ROOM = 1 << 14
_UNSEEN, _SETTLED = -1, -2


def bounded_paths(
    graph: sparse.csr_array, sources: IntArray, ends: IntArray, limit: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """
    Lengths of the shortest paths from some nodes to others, within a limit.

    Dijkstra's algorithm (1959) with a binary heap of the nodes in sight (Williams 1964) that moves
    a node up when a shorter way to it is found. A search ends at the limit and touches nothing
    beyond it; apart from four arrays as long as there are nodes, memory grows with the pairs found.

    Parameters
    ----------
    graph
        Lengths of the edges, none negative, from row to column, shape (nodes, nodes).
    sources, ends
        Nodes to search from, and nodes whose lengths are wanted, each named once, shapes
        (sources,) and (ends,).
    limit
        Longest path; one of exactly this length counts.

    Returns
    -------
    tuple
        Of every pair within the limit the index of its source, the index of its end, and the
        length, shapes (pairs,), ordered by source.
    """
    end_of_node = np.full(graph.shape[0], -1, dtype=np.int32)
    end_of_node[ends] = np.arange(ends.size, dtype=np.int32)
    count, end, length = _search_all(
        graph.indptr.astype(np.int64, copy=False),
        graph.indices.astype(np.int32, copy=False),
        graph.data.astype(np.float64, copy=False),
        sources.astype(np.int64, copy=False),
        end_of_node,
        float(limit),
        _FIRST_ROOM,
    )
    return np.repeat(np.arange(sources.size), count), end.astype(np.int64), length


@kernel
def _search_all(
    first_edge: IntArray,
    head: Indices,
    length: FloatArray,
    sources: IntArray,
    end_of_node: Indices,
    limit: float,
    room: int,
) -> tuple[IntArray, Indices, FloatArray]:
    """Search from every source; return how many ends each finds, the ends and their lengths."""
    num_nodes = end_of_node.size
    heap = np.empty(num_nodes, dtype=np.int32)
    place = np.full(num_nodes, _UNSEEN, dtype=np.int32)
    best = np.empty(num_nodes, dtype=np.float64)
    seen = np.empty(num_nodes, dtype=np.int32)
    count = np.zeros(sources.size, dtype=np.int64)
    found_end = np.empty(room, dtype=np.int32)
    found_length = np.empty(room, dtype=np.float64)
    found = 0
    for row in range(sources.size):
        num_seen = _search(first_edge, head, length, sources[row], limit, heap, place, best, seen)
        if found + num_seen > found_end.size:
            wider = max(2 * found_end.size, found + num_seen)
            found_end = _widened(found_end, found, wider)
            found_length = _widened(found_length, found, wider)
        before = found
        for i in range(num_seen):
            node = seen[i]
            place[node] = _UNSEEN
            if end_of_node[node] >= 0:
                found_end[found] = end_of_node[node]
                found_length[found] = best[node]
                found += 1
        count[row] = found - before
    return count, found_end[:found].copy(), found_length[:found].copy()


@kernel
def _widened(values: Values, used: int, size: int) -> Values:
    """Return an array of another size with the used values in front."""
    wider = np.empty(size, dtype=values.dtype)
    wider[:used] = values[:used]
    return wider


@inner_kernel
def _search(
    first_edge: IntArray,
    head: Indices,
    length: FloatArray,
    source: int,
    limit: float,
    heap: Indices,
    place: Indices,
    best: FloatArray,
    seen: Indices,
) -> int:
    """Settle every node within the limit; return how many were seen, all of them settled."""
    heap[0] = source
    place[source] = 0
    best[source] = 0.0
    seen[0] = source
    num_seen, size = 1, 1
    while size > 0:
        node = heap[0]
        place[node] = _SETTLED
        size -= 1
        if size > 0:
            _sink(heap, place, best, heap[size], size)
        for edge in range(first_edge[node], first_edge[node + 1]):
            other = head[edge]
            way = best[node] + length[edge]
            if way > limit or place[other] == _SETTLED:
                continue
            if place[other] == _UNSEEN:
                seen[num_seen] = other
                num_seen += 1
                place[other] = size
                size += 1
            elif way >= best[other]:
                continue
            best[other] = way
            _rise(heap, place, best, other)
    return num_seen


@inner_kernel
def _rise(heap: Indices, place: Indices, best: FloatArray, node: int) -> None:
    """Move a node up the heap from its place to where it belongs."""
    i = place[node]
    while i > 0:
        above = (i - 1) >> 1
        if best[heap[above]] <= best[node]:
            break
        heap[i] = heap[above]
        place[heap[i]] = i
        i = above
    heap[i] = node
    place[node] = i


@inner_kernel
def _sink(heap: Indices, place: Indices, best: FloatArray, node: int, size: int) -> None:
    """Put a node at the top of the heap and move it down to where it belongs."""
    i = 0
    while True:
        below = 2 * i + 1
        if below >= size:
            break
        if below + 1 < size and best[heap[below + 1]] < best[heap[below]]:
            below += 1
        if best[node] <= best[heap[below]]:
            break
        heap[i] = heap[below]
        place[heap[i]] = i
        i = below
    heap[i] = node
    place[node] = i
