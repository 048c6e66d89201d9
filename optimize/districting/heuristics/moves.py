"""
Kernels for moving one node: bounds and rules, contiguity, and the list of cut edges.

A district stays connected without a node if the node's neighbours in it are joined by paths that
avoid the node. On a planar graph nearly always the neighbours' own neighbours decide (King,
Jacobson, Sewell and Cho 2012, "Geo-graphs: an efficient model for enforcing contiguity and hole
constraints in planar graph partitioning", Operations Research 60(5)); where they do not, searches
from all neighbours at once go on until they meet or one of them is closed in, which visits the
smaller side only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ....models.formulation import FloatArray, IntArray
from ...compiled import inner_kernel, lean_kernel
from .board import Board, Index


class State(NamedTuple):
    """
    A plan, and what is kept up to date with it.

    Parameters
    ----------
    plan, centres, totals, sizes
        District of each node; centre, weights and number of nodes of each district.
    cut, num_cut, place
        Entries of the neighbour lists that lead to another district, their number (one element),
        and where each entry stands among them, -1 if it is not cut.
    mark, stamp, queue, root, open_nodes
        Workspace of the contiguity test.
    """

    plan: Index
    centres: Index
    totals: FloatArray
    sizes: IntArray
    cut: Index
    num_cut: IntArray
    place: Index
    mark: IntArray
    stamp: IntArray
    queue: Index
    root: Index
    open_nodes: IntArray


@inner_kernel
def excess(board: Board, totals: FloatArray, district: int, node: int, sign: float) -> float:
    """Weight outside the bounds, in shares, of a district that gains (1) or loses (-1) a node."""
    outside = 0.0
    for w in range(board.scale.size):
        total = totals[district, w] + sign * board.weights[node, w]
        over = max(total - board.upper[district, w], board.lower[district, w] - total)
        if over > 0.0:
            outside += over / board.scale[w]
    return outside


@inner_kernel
def is_kept_apart(board: Board, plan: Index, node: int, district: int) -> int:
    """Return the number of nodes in a district that a node must be apart from."""
    count = 0
    for entry in range(board.apart_first[node], board.apart_first[node + 1]):
        if plan[board.apart_from[entry]] == district:
            count += 1
    return count


@lean_kernel
def violation(board: Board, state: State) -> float:
    """Return the weight outside the bounds in shares, plus the number of broken rules."""
    total = 0.0
    for d in range(state.sizes.size):
        total += excess(board, state.totals, d, 0, 0.0)
    if board.may_hold.shape[0] or board.apart_from.size:
        for i in range(state.plan.size):
            if board.may_hold.shape[0] and not board.may_hold[i, state.plan[i]]:
                total += 1.0
            total += 0.5 * is_kept_apart(board, state.plan, i, state.plan[i])
    return total


@inner_kernel
def _find(root: Index, i: int) -> int:
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@lean_kernel
def stays_connected(board: Board, state: State, node: int) -> bool:
    """
    Whether a node's district is connected, and not empty, without the node.

    All searches share one queue, so they advance in turn; ``root`` joins searches that meet, and
    ``open_nodes`` counts, for each root, the nodes that still wait. A search that ends before it
    met the others is cut off.
    """
    mark, root, queue, waiting = state.mark, state.root, state.queue, state.open_nodes
    groups = _start_searches(board, state, node)
    if groups <= 1:
        return groups == 1
    own, stamp = state.plan[node], state.stamp[0]
    head, end = 0, groups
    while head < end:
        i = queue[head]
        head += 1
        mine = _find(root, i)
        for entry in range(board.first[i], board.first[i + 1]):
            j = board.neighbours[entry]
            if state.plan[j] != own or j == node:
                continue
            if mark[j] != stamp:
                mark[j], root[j], queue[end] = stamp, mine, j
                waiting[mine] += 1
                end += 1
                continue
            other = _find(root, j)
            if other != mine:
                root[other] = mine
                waiting[mine] += waiting[other]
                groups -= 1
        waiting[mine] -= 1
        if groups == 1 or waiting[mine] == 0:
            return groups == 1
    return False


@inner_kernel
def _start_searches(board: Board, state: State, node: int) -> int:
    """Put a node's neighbours in its district into the queue, each a search of its own."""
    state.stamp[0] += 1
    state.mark[node] = state.stamp[0]
    groups = 0
    for entry in range(board.first[node], board.first[node + 1]):
        i = board.neighbours[entry]
        if state.plan[i] == state.plan[node] and state.mark[i] != state.stamp[0]:
            state.mark[i] = state.stamp[0]
            state.root[i] = i
            state.open_nodes[i] = 1
            state.queue[groups] = i
            groups += 1
    return groups


@inner_kernel
def _set_cut(state: State, entry: int, is_cut: bool) -> None:
    """Put an entry on the list of cut ones, or take it off."""
    place = state.place[entry]
    if is_cut and place < 0:
        state.place[entry] = state.num_cut[0]
        state.cut[state.num_cut[0]] = entry
        state.num_cut[0] += 1
    elif not is_cut and place >= 0:
        state.num_cut[0] -= 1
        last = state.cut[state.num_cut[0]]
        state.cut[place] = last
        state.place[last] = place
        state.place[entry] = -1


@lean_kernel
def move_node(board: Board, state: State, node: int, district: int) -> None:
    """Put a node into a district, and keep totals and cut edges."""
    before = state.plan[node]
    state.plan[node] = district
    state.sizes[before] -= 1
    state.sizes[district] += 1
    for w in range(board.scale.size):
        state.totals[before, w] -= board.weights[node, w]
        state.totals[district, w] += board.weights[node, w]
    for entry in range(board.first[node], board.first[node + 1]):
        is_cut = state.plan[board.neighbours[entry]] != district
        _set_cut(state, entry, is_cut)
        _set_cut(state, board.reverse[entry], is_cut)


@inner_kernel
def copy_numbers(source: Index, target: Index) -> None:
    """Copy an array into another one of its size."""
    for i in range(source.size):
        target[i] = source[i]


@lean_kernel
def refresh(board: Board, state: State) -> None:
    """Count totals, sizes and cut edges anew from the plan."""
    state.totals.fill(0.0)
    state.sizes.fill(0)
    state.num_cut[0] = 0
    state.place.fill(-1)
    for i in range(state.plan.size):
        d = state.plan[i]
        state.sizes[d] += 1
        for w in range(board.scale.size):
            state.totals[d, w] += board.weights[i, w]
        for entry in range(board.first[i], board.first[i + 1]):
            if state.plan[board.neighbours[entry]] != d:
                _set_cut(state, entry, True)


def make_state(board: Board, plan: IntArray) -> State:
    """Return the state of a plan; its centres are yet to be chosen."""
    n, k = board.mass.size, board.seats.size
    num_entries = board.neighbours.size
    return State(
        plan=plan.astype(np.int32),
        centres=np.zeros(k, dtype=np.int32),
        totals=np.zeros(board.lower.shape),
        sizes=np.zeros(k, dtype=np.int64),
        cut=np.zeros(num_entries, dtype=np.int32),
        num_cut=np.zeros(1, dtype=np.int64),
        place=np.full(num_entries, -1, dtype=np.int32),
        mark=np.zeros(n, dtype=np.int64),
        stamp=np.zeros(1, dtype=np.int64),
        queue=np.zeros(n, dtype=np.int32),
        root=np.zeros(n, dtype=np.int32),
        open_nodes=np.zeros(n, dtype=np.int64),
    )
