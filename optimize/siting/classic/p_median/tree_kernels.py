"""
Kernels that search with the Lagrangian bound: sites tried one by one, and a tree of open sites.

A node of the tree picks the client whose possible sites promise the least work. One of them is open
in every better plan; so a child opens the first, the next closes the first and opens the second,
and so on. Children whose bound reaches the cutoff are dropped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....compiled import inner_kernel, kernel
from .dual_kernels import (
    CLOSED,
    FREE,
    OPEN,
    Scratch,
    Steps,
    climb,
    evaluate,
    fix_sites,
    margins,
    plan_cost,
    unserved,
    without_closed,
)
from .near import Near

CLOSE_ALL = -1
"""Child that closes all sites of the others."""


@kernel
def probe(
    near: Near,
    point: FloatArray,
    state: IntArray,
    count: int,
    steps: Steps,
    sites: IntArray,
    scratch: Scratch,
) -> int:
    """
    Close each of ``sites`` that is in no plan below ``steps.target``; returns how many were closed.

    Every climb tells of other sites too: at its end they are fixed by their reduced costs.
    """
    best_point = np.empty_like(point)
    closed_before = np.sum(state == CLOSED)
    for j in sites:
        if state[j] != FREE:
            continue
        trial = state.copy()
        trial[j] = OPEN
        lists = without_closed(near, trial)
        if unserved(lists):
            continue
        bound = climb(lists, point.copy(), trial, count, steps, best_point, scratch)
        value = evaluate(lists, best_point, state, count, scratch)
        fix_sites(value, state, steps.target, scratch)
        if bound >= steps.target and state[j] == FREE:
            state[j] = CLOSED
    return int(np.sum(state == CLOSED) - closed_before)


class Tree(NamedTuple):
    """
    A depth-first search that can be continued.

    Parameters
    ----------
    state, point, bound
        Of the node at each level, shapes (levels, sites), (levels, clients) and (levels,).
    child, num_children, next_child
        Sites that the children of each level open, their number, and the next one to visit.
    level
        The level at which the search stands, -1 at its end, shape (1,).
    cutoff, is_open
        Bound at which a node is dropped, and the best plan found, shapes (1,) and (sites,).
    """

    state: IntArray
    point: FloatArray
    bound: FloatArray
    child: IntArray
    num_children: IntArray
    next_child: IntArray
    level: IntArray
    cutoff: FloatArray
    is_open: BoolArray


def new_tree(num_clients: int, num_sites: int, *, levels: int, cutoff: float) -> Tree:
    """Room for a search of so many levels."""
    return Tree(
        np.zeros((levels, num_sites), dtype=np.int64),
        np.zeros((levels, num_clients)),
        np.zeros(levels),
        np.zeros((levels, num_sites + 1), dtype=np.int64),
        np.zeros(levels, dtype=np.int64),
        np.zeros(levels, dtype=np.int64),
        np.full(1, -1, dtype=np.int64),
        np.full(1, cutoff),
        np.zeros(num_sites, dtype=np.bool_),
    )


@inner_kernel
def _burden(
    near: Near, i: int, point: FloatArray, state: IntArray, penalty: FloatArray, slack: float
) -> float:
    """Guess of the work that a branching on the sites of client i makes, infinite for none."""
    burden, num_free = 0.0, 0
    for e in range(near.first[i], near.first[i + 1]):
        j = near.site[e]
        if state[j] == OPEN:
            return burden + 1.0 if num_free else np.inf
        pair = max(near.cost[e] - point[i], 0.0)
        if penalty[j] + pair < slack:
            num_free += 1
            burden += (1.0 - penalty[j] / slack) ** 2
    if near.beyond[i] < np.inf and near.beyond[i] - point[i] < slack:
        return np.inf
    return burden if num_free else np.inf


@kernel
def _branch(
    near: Near,
    point: FloatArray,
    state: IntArray,
    slack: float,
    penalty: FloatArray,
    child: IntArray,
) -> int:
    """Write the sites of the children, those with the largest penalty first; returns how many."""
    best, pick = np.inf, -1
    for i in range(point.size):
        burden = _burden(near, i, point, state, penalty, slack)
        if burden < best:
            best, pick = burden, i
    if pick < 0:
        return 0
    number, is_served = 0, False
    weight = np.empty(near.first[pick + 1] - near.first[pick])
    for e in range(near.first[pick], near.first[pick + 1]):
        j = near.site[e]
        if state[j] == OPEN:
            is_served = True
            break
        if penalty[j] + max(near.cost[e] - point[pick], 0.0) < slack:
            child[number] = j
            weight[number] = -penalty[j]
            number += 1
    order = np.argsort(weight[:number])
    child[:number] = child[:number][order]
    if is_served:
        child[number] = CLOSE_ALL
        number += 1
    return number


@kernel
def _descend(tree: Tree, level: int) -> IntArray:
    """State of the next child of a level."""
    number = tree.next_child[level]
    tree.next_child[level] = number + 1
    state: IntArray = tree.state[level].copy()
    for k in range(number):
        state[tree.child[level, k]] = CLOSED
    if tree.child[level, number] != CLOSE_ALL:
        state[tree.child[level, number]] = OPEN
    return state


@kernel
def _offer(near: Near, tree: Tree, chosen: BoolArray, unit: float) -> None:
    """Keep a choice of sites if it is the best plan so far."""
    cost = plan_cost(near, chosen)
    if cost - unit < tree.cutoff[0]:
        tree.cutoff[0] = cost - unit
        tree.is_open[:] = chosen


@kernel
def _visit(
    near: Near,
    tree: Tree,
    level: int,
    state: IntArray,
    point: FloatArray,
    count: int,
    unit: float,
    steps: Steps,
    scratch: Scratch,
) -> bool:
    """Bound a node, and write its children to ``level`` if it has any."""
    lists = without_closed(near, state)
    num_open = np.sum(state == OPEN)
    if unserved(lists) or num_open > count:
        return False
    here = tree.point[level]
    aimed = Steps(
        tree.cutoff[0],
        steps.factor,
        steps.least_factor,
        steps.patience,
        steps.iterations,
        steps.trial,
        steps.share,
    )
    bound = climb(lists, point.copy(), state, count, aimed, here, scratch)
    if bound >= tree.cutoff[0]:
        return False
    value = evaluate(lists, here, state, count, scratch)
    _offer(near, tree, scratch.chosen, unit)
    if fix_sites(value, state, tree.cutoff[0], scratch):
        lists = without_closed(near, state)
        if unserved(lists):
            return False
        value = evaluate(lists, here, state, count, scratch)
        _offer(near, tree, scratch.chosen, unit)
    if value >= tree.cutoff[0]:
        return False
    inner, _ = margins(state, scratch)
    if inner == -np.inf:
        return False
    penalty = np.maximum(scratch.reduced - inner, 0.0)
    tree.num_children[level] = _branch(
        lists, here, state, tree.cutoff[0] - value, penalty, tree.child[level]
    )
    tree.next_child[level] = 0
    tree.state[level] = state
    tree.bound[level] = bound
    return bool(tree.num_children[level] > 0)


@kernel
def plant(
    near: Near,
    tree: Tree,
    point: FloatArray,
    state: IntArray,
    count: int,
    unit: float,
    steps: Steps,
    scratch: Scratch,
) -> None:
    """Visit the root."""
    if _visit(near, tree, 0, state.copy(), point, count, unit, steps, scratch):
        tree.level[0] = 0


@kernel
def explore(
    near: Near,
    tree: Tree,
    count: int,
    unit: float,
    steps: Steps,
    most_nodes: int,
    scratch: Scratch,
) -> int:
    """Visit nodes, depth first; returns how many. A tree too deep for its room stays unfinished."""
    nodes = 0
    while tree.level[0] >= 0 and nodes < most_nodes:
        level = tree.level[0]
        if tree.next_child[level] == tree.num_children[level]:
            tree.level[0] -= 1
            continue
        if level + 1 == tree.bound.size:
            break
        state = _descend(tree, level)
        nodes += 1
        if tree.bound[level] >= tree.cutoff[0]:
            continue
        if _visit(near, tree, level + 1, state, tree.point[level], count, unit, steps, scratch):
            tree.level[0] = level + 1
    return nodes
