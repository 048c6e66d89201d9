"""
Spanning trees: random plans by recursive halving, and recombination of two districts.

A uniform spanning tree is drawn by loop-erased random walks (Wilson 1996) and cut at an edge that
leaves both sides within their bounds (ReCom; DeFord, Duchin and Solomon 2021, "Recombination: a
family of Markov chains for redistricting", Harvard Data Science Review 3(1)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ....models.formulation import FloatArray
from ...compiled import Random, inner_kernel, kernel, lean_kernel, random_below, random_threshold
from .annealing import keep_best, renew
from .board import Board, Index
from .moves import State, copy_numbers, refresh

_FEASIBLE = 1e-12
_FAR = 14.0
"""Temperatures that a rise in cost exceeds once in a million times."""


Split = tuple[int, int, int]
"""The districts of the two sides of a cut, and the number of trees to try."""


class Tree(NamedTuple):
    """
    A spanning tree of a part, and workspace.

    Parameters
    ----------
    nodes, order
        The nodes of the part; the same, each after its parent in the tree.
    parent, below
        Parent of each node, -1 for the root, and weights of the subtree of each node.
    member, inside
        Whether each node belongs to the part, and to the subtree that is cut off.
    bounds
        Lower and upper bounds of the one side of a cut, then of the other, shape (4, weights).
    before, former
        Plan and centres before a recombination.
    """

    nodes: Index
    order: Index
    parent: Index
    below: FloatArray
    member: Index
    inside: Index
    bounds: FloatArray
    before: Index
    former: Index


def make_tree(board: Board) -> Tree:
    """Return the workspace for one board."""
    n, num_weights = board.weights.shape
    nodes, order, parent, member, inside, before = np.zeros((6, n), dtype=np.int32)
    return Tree(
        nodes=nodes,
        order=order,
        parent=parent,
        below=np.zeros((n, num_weights)),
        member=member,
        inside=inside,
        bounds=np.zeros((4, num_weights)),
        before=before,
        former=np.zeros(board.seats.size, dtype=np.int32),
    )


@inner_kernel
def _gather(tree: Tree, plan: Index, a: int, b: int) -> int:
    """List the nodes of two districts and mark them as members (1)."""
    count = 0
    for i in range(plan.size):
        tree.member[i] = 0
        if plan[i] == a or plan[i] == b:
            tree.member[i] = 1
            tree.nodes[count] = i
            count += 1
    return count


@inner_kernel
def draw_tree(board: Board, tree: Tree, count: int, random: Random) -> None:
    """Draw a uniform spanning tree of a connected part; members of the tree are marked 2."""
    nodes = tree.nodes
    for place in range(count):
        tree.member[nodes[place]] = 1
    root = nodes[random_below(random, count)]
    tree.parent[root] = -1
    tree.member[root] = 2
    tree.order[0] = root
    done = 1
    for place in range(count):
        start = nodes[place]
        i = start
        while tree.member[i] == 1:
            first = board.first[i]
            j = -1
            while j < 0 or tree.member[j] == 0:
                j = board.neighbours[first + random_below(random, board.first[i + 1] - first)]
            tree.parent[i] = j
            i = j
        length = 0
        i = start
        while tree.member[i] == 1:
            tree.member[i] = 2
            tree.order[done + length] = i
            length += 1
            i = tree.parent[i]
        for step in range(length // 2):
            one, other = done + step, done + length - 1 - step
            tree.order[one], tree.order[other] = tree.order[other], tree.order[one]
        done += length


@inner_kernel
def cut_tree(board: Board, tree: Tree, count: int, random: Random) -> tuple[float, bool]:
    """
    Cut the tree where its sides are nearest to their bounds; among equals at random.

    Returns
    -------
    tuple
        Weight outside the bounds in shares, and whether the subtree is the one side.
    """
    _weigh_subtrees(board, tree, count)
    least, chosen, ties, is_one = np.inf, 1, 0, True
    for place in range(1, count):
        for first_side in range(2):
            out = _outside(board, tree, tree.order[place], 2 * first_side)
            if out < least - _FEASIBLE:
                least, ties = out, 0
            if out <= least + _FEASIBLE:
                ties += 1
                if random_below(random, ties) == 0:
                    chosen, is_one = place, first_side == 0
    for place in range(count):
        i = tree.order[place]
        below = place == chosen or (place > chosen and tree.inside[tree.parent[i]] == 1)
        tree.inside[i] = 1 if below else 0
    return least, is_one


@inner_kernel
def _weigh_subtrees(board: Board, tree: Tree, count: int) -> None:
    """Add up the weights below each node of the tree."""
    for place in range(count):
        i = tree.order[place]
        for w in range(board.scale.size):
            tree.below[i, w] = board.weights[i, w]
    for place in range(count - 1, 0, -1):
        i = tree.order[place]
        for w in range(board.scale.size):
            tree.below[tree.parent[i], w] += tree.below[i, w]


@inner_kernel
def _outside(board: Board, tree: Tree, node: int, row: int) -> float:
    """Weight outside the bounds in shares, if a subtree takes those at ``row``, the rest others."""
    out, other, bounds = 0.0, 2 - row, tree.bounds
    for w in range(board.scale.size):
        under = tree.below[node, w]
        rest = tree.below[tree.order[0], w] - under
        over = max(under - bounds[row + 1, w], bounds[row, w] - under, 0.0)
        over += max(rest - bounds[other + 1, w], bounds[other, w] - rest, 0.0)
        out += over / board.scale[w]
    return out


@inner_kernel
def _split(board: Board, tree: Tree, plan: Index, count: int, random: Random, ends: Split) -> float:
    """Draw trees until one can be cut within the bounds, and take the best."""
    one, other, tries = ends
    least = np.inf
    for _ in range(tries):
        draw_tree(board, tree, count, random)
        out, is_one = cut_tree(board, tree, count, random)
        if out < least:
            least = out
            for place in range(count):
                i = tree.nodes[place]
                plan[i] = one if (tree.inside[i] == 1) == is_one else other
        if least <= _FEASIBLE:
            break
    return least


@kernel
def tree_plan(board: Board, tree: Tree, plan: Index, random: Random, tries: int) -> float:
    """
    Halve the whole, then the halves, until every district stands alone.

    Parameters
    ----------
    plan
        Overwritten.
    tries
        Trees drawn at most for each cut that must keep the bounds.

    Returns
    -------
    float
        Weight outside the bounds, in shares, of the worst cut; infinity if there is no plan.
    """
    plan[:] = 0
    stack = [(0, board.seats.size)]
    worst = 0.0
    while len(stack) > 0:
        begin, end = stack.pop()
        if end - begin == 1:
            continue
        middle = (begin + end) // 2
        count = _gather(tree, plan, begin, begin)
        if count < end - begin:
            return np.inf
        for w in range(board.scale.size):
            tree.bounds[0, w] = board.lower[begin:middle, w].sum()
            tree.bounds[1, w] = board.upper[begin:middle, w].sum()
            tree.bounds[2, w] = board.lower[middle:end, w].sum()
            tree.bounds[3, w] = board.upper[middle:end, w].sum()
        worst = max(worst, _split(board, tree, plan, count, random, (begin, middle, tries)))
        stack.append((begin, middle))
        stack.append((middle, end))
    return worst


@lean_kernel
def recombine(
    board: Board,
    state: State,
    tree: Tree,
    random: Random,
    best: Index,
    values: FloatArray,
    steps: int,
    temperature: float,
    price: float,
) -> None:
    """
    Merge two neighbouring districts and cut them anew, a number of times at one temperature.

    Parameters
    ----------
    best, values
        The best feasible plan, and its objective (values[0]); both are updated.
    temperature, price
        In units of the objective, the price for one unit of violation.
    """
    refresh(board, state)
    cost, out = renew(board, state)
    for _ in range(steps):
        if state.num_cut[0] == 0:
            break
        copy_numbers(state.plan, tree.before)
        copy_numbers(state.centres, tree.former)
        least = _recut(board, state, tree, random)
        if price * (least - out) <= _FAR * temperature:
            refresh(board, state)
            new_cost, new_out = renew(board, state)
            rise = new_cost - cost + price * (new_out - out)
            if rise <= random_threshold(random, temperature):
                cost, out = new_cost, new_out
                keep_best(state, cost, out, best, values)
                continue
        copy_numbers(tree.before, state.plan)
        copy_numbers(tree.former, state.centres)
        refresh(board, state)


@inner_kernel
def _recut(board: Board, state: State, tree: Tree, random: Random) -> float:
    """Cut the districts at a random cut edge anew; return the weight outside their bounds."""
    entry = state.cut[random_below(random, state.num_cut[0])]
    a, b = state.plan[board.tail[entry]], state.plan[board.neighbours[entry]]
    count = _gather(tree, state.plan, a, b)
    for w in range(board.scale.size):
        tree.bounds[0, w], tree.bounds[1, w] = board.lower[a, w], board.upper[a, w]
        tree.bounds[2, w], tree.bounds[3, w] = board.lower[b, w], board.upper[b, w]
    return _split(board, tree, state.plan, count, random, (a, b, 1))
