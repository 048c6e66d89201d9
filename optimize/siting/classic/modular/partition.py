"""Blocks of neighbouring sites that share as few clients with other blocks as possible."""

from __future__ import annotations

import heapq

import numpy as np
from scipy import sparse

from .....models.formulation import IntArray
from .....models.siting.modular_floor_area import totals
from .reduction import Reduced

_SWEEPS = 10


def shared_need(reduced: Reduced) -> sparse.csr_array:
    """
    Weigh each pair of sites by the floor area that clients within reach of both need.

    A group counts in full at each pair of its two sites, and less the more sites it has.
    """
    degree = np.diff(reduced.first_arc)
    weight = reduced.group_need / np.maximum(degree - 1, 1)
    shape = (reduced.num_groups, reduced.num_sites)
    arcs = sparse.csr_array(
        (np.sqrt(weight[reduced.arc_group]), (reduced.arc_group, reduced.arc_site)), shape=shape
    )
    shared = sparse.coo_array(arcs.T @ arcs)
    other = shared.row != shared.col
    return sparse.csr_array(
        (shared.data[other], (shared.row[other], shared.col[other])), shape=shared.shape
    )


def blocks_of(shared: sparse.csr_array, *, most: int) -> IntArray:
    """
    Divide the sites into blocks of at most ``most``.

    Blocks that share most for their sizes are merged first; then single sites move to the block
    that they share more with.

    Returns
    -------
    IntArray
        Block of each site, shape (sites,).
    """
    label = _merge(shared, most)
    _refine(shared, label, most)
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _merge(shared: sparse.csr_array, most: int) -> IntArray:
    """Merge pairs of blocks, the ones that share most first."""
    num = shared.shape[0]
    links: list[dict[int, float]] = [
        dict(
            zip(
                shared.indices[shared.indptr[j] : shared.indptr[j + 1]].tolist(),
                shared.data[shared.indptr[j] : shared.indptr[j + 1]].tolist(),
                strict=True,
            )
        )
        for j in range(num)
    ]
    size, parent, alive = [1] * num, np.arange(num), [True] * num
    queue = [(-w, a, b, 1, 1) for a in range(num) for b, w in links[a].items() if a < b]
    heapq.heapify(queue)
    while queue:
        _, a, b, size_a, size_b = heapq.heappop(queue)
        current = alive[a] and alive[b] and size[a] == size_a and size[b] == size_b
        if not current or size_a + size_b > most:
            continue
        alive[b], size[a] = False, size_a + size_b
        parent[parent == b] = a
        for other, weight in links[b].items():
            del links[other][b]
            if other != a:
                links[a][other] = links[other][a] = links[a].get(other, 0.0) + weight
        for other, weight in links[a].items():
            key = -weight / np.sqrt(size[a] * size[other])
            low, high = min(a, other), max(a, other)
            heapq.heappush(queue, (key, low, high, size[low], size[high]))
    return parent


def _refine(shared: sparse.csr_array, label: IntArray, most: int) -> None:
    """Move sites to the block that they share more with, while there is room."""
    size = np.bincount(label, minlength=label.size)
    for _ in range(_SWEEPS):
        moved = False
        for j in range(label.size):
            near = slice(shared.indptr[j], shared.indptr[j + 1])
            around = totals(label[shared.indices[near]], shared.data[near], label.size)
            own = around[label[j]]
            around[size >= most] = 0.0
            best = int(np.argmax(around))
            if around[best] > own * (1 + 1e-9):
                size[label[j]] -= 1
                size[best] += 1
                label[j], moved = best, True
        if not moved:
            return
