"""
Compiled search for k sites that may all be open together.

Branch and bound for a clique of the graph of pairs that are far enough apart, with greedy colouring
as bound (Tomita and Seki 2003, "An efficient branch-and-bound algorithm for finding a maximum
clique", DMTCS 2003; bits as in San Segundo, Rodríguez-Losada and Jiménez 2011, "An exact
bit-parallel algorithm for the maximum clique problem", Computers & Operations Research 38(2)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....models.formulation import BoolArray, IntArray
from ...compiled import inner_kernel, kernel

Bits = NDArray[np.uint64]
_ONE, _ZERO = np.uint64(1), np.uint64(0)


@kernel
def find_clique(
    joined: Bits, candidates: Bits, wanted: int, chosen: IntArray, most_nodes: int, nodes: IntArray
) -> int:
    """
    Find ``wanted`` vertices that are all joined to each other.

    Parameters
    ----------
    joined
        Bits of the neighbours of each vertex, in an order in which early ones are chosen last.
    candidates
        Bits of the vertices that may be chosen.
    wanted
        Size of the clique, 1 at least.
    chosen
        Receives the clique, shape (wanted,).
    most_nodes
        Nodes after which to give up.
    nodes
        Counts the nodes, shape (1,).

    Returns
    -------
    int
        1 if a clique was found, 0 if there is none, -1 if nodes ran out.
    """
    num_vertices, num_words = joined.shape
    left = np.zeros((wanted + 1, num_words), np.uint64)
    order = np.zeros((wanted + 1, num_vertices), np.int64)
    size = np.zeros(wanted + 1, np.int64)
    classes = np.zeros((2, num_words), np.uint64)
    left[0] = candidates
    depth = 0
    size[0] = _to_branch(joined, left[0], wanted, order[0], classes)
    while depth >= 0:
        if size[depth] == 0:
            depth -= 1
            continue
        nodes[0] += 1
        if nodes[0] > most_nodes:
            return -1
        size[depth] -= 1
        vertex = order[depth, size[depth]]
        chosen[depth] = vertex
        if depth + 1 == wanted:
            return 1
        left[depth, vertex // 64] &= ~(_ONE << np.uint64(vertex % 64))
        for word in range(num_words):
            left[depth + 1, word] = left[depth, word] & joined[vertex, word]
        depth += 1
        size[depth] = _to_branch(joined, left[depth], wanted - depth, order[depth], classes)
    return 0


@inner_kernel
def _to_branch(joined: Bits, left: Bits, wanted: int, order: IntArray, classes: Bits) -> int:
    """
    List the vertices outside the first ``wanted - 1`` colour classes, those of high colour last.

    A clique has at most one vertex of each class, so that one of ``wanted`` vertices is listed.
    """
    num_words = left.size
    uncoloured, free = classes[0], classes[1]
    for word in range(num_words):
        uncoloured[word] = left[word]
    colour, count = 0, 0
    while True:
        first = _first_word(uncoloured)
        if first < 0:
            return count
        colour += 1
        for word in range(num_words):
            free[word] = uncoloured[word]
        word = first
        while word < num_words:
            if free[word] == _ZERO:
                word += 1
                continue
            bit = _lowest(free[word])
            vertex = word * 64 + bit
            uncoloured[word] &= ~(_ONE << np.uint64(bit))
            free[word] &= ~(_ONE << np.uint64(bit))
            for other in range(word, num_words):
                free[other] &= ~joined[vertex, other]
            if colour >= wanted:
                order[count] = vertex
                count += 1


@inner_kernel
def _first_word(bits: Bits) -> int:
    """Find the first word that is not zero, -1 if all are."""
    for word in range(bits.size):
        if bits[word] != _ZERO:
            return word
    return -1


@inner_kernel
def _lowest(word: int) -> int:
    """Find the lowest bit of a word that is not zero."""
    place, width = 0, 32
    rest = np.uint64(word)
    while width > 0:
        if rest & ((_ONE << np.uint64(width)) - _ONE) == _ZERO:
            rest >>= np.uint64(width)
            place += width
        width //= 2
    return place


@kernel
def cover_edges(near: BoolArray, start: IntArray, members: IntArray) -> int:
    """
    Cover all pairs that are too close by cliques of such pairs, grown greedily.

    Parameters
    ----------
    near
        Which pairs are too close, shape (sites, sites), symmetric, False on the diagonal.
    start, members
        Receive the cliques: ``members[start[i]:start[i + 1]]``.

    Returns
    -------
    int
        Number of cliques, -1 if there is no room for all.
    """
    num_sites = near.shape[0]
    uncovered = near.copy()
    count, used = 0, 0
    for a in range(num_sites):
        for b in range(a + 1, num_sites):
            if not uncovered[a, b]:
                continue
            if count + 2 > start.size or used + num_sites > members.size:
                return -1
            members[used], members[used + 1] = a, b
            end = _grown(near, members, used, used + 2)
            for i in range(used, end):
                for j in range(used, end):
                    uncovered[members[i], members[j]] = False
            used = end
            count += 1
            start[count] = used
    return count


@inner_kernel
def _grown(near: BoolArray, members: IntArray, first: int, end: int) -> int:
    """Add every site that is too close to all members of a clique; return where it ends."""
    for site in range(near.shape[0]):
        fits = True
        for place in range(first, end):
            if not near[site, members[place]]:
                fits = False
                break
        if fits:
            members[end] = site
            end += 1
    return end
