"""
Simulated annealing by boundary moves and swaps, with a price on what is out of bounds.

Every district stays connected. A move costs what it adds to the objective plus a price times what
it adds to the violation; the price follows how often the plan is feasible, so that the search
oscillates about the edge of the feasible region (strategic oscillation; Glover and Hao 2011,
"The case for strategic oscillation", Annals of Operations Research 183). Moments of inertia are
taken about centres that are chosen anew every so often.
"""

from __future__ import annotations

from ....models.formulation import FloatArray
from ...compiled import (
    Random,
    inner_kernel,
    lean_kernel,
    random_below,
    random_threshold,
    random_unit,
)
from .board import Board, Index
from .centres import best_centres, node_cost, plan_cost
from .moves import (
    State,
    copy_numbers,
    excess,
    is_kept_apart,
    move_node,
    refresh,
    stays_connected,
    violation,
)

_PARTNER_TRIES = 8
_COPIED_AT_ONCE = 4096
_DRIFT = 1e-9
_FEASIBLE = 1e-12
_EPSILON = 1e-9


@inner_kernel
def _deltas(board: Board, state: State, node: int, to: int) -> tuple[float, float]:
    """Return what a move adds to the objective and to the violation."""
    plan = state.plan
    own = plan[node]
    cost = node_cost(board, node, to, state.centres[to])
    cost -= node_cost(board, node, own, state.centres[own])
    for entry in range(board.first[node], board.first[node + 1]):
        other = plan[board.neighbours[entry]]
        if other == own:
            cost += board.edge_costs[entry]
        elif other == to:
            cost -= board.edge_costs[entry]
    out = excess(board, state.totals, own, node, -1.0) + excess(board, state.totals, to, node, 1.0)
    out -= excess(board, state.totals, own, node, 0.0) + excess(board, state.totals, to, node, 0.0)
    if board.apart_from.size:
        out += is_kept_apart(board, plan, node, to) - is_kept_apart(board, plan, node, own)
    if board.may_hold.shape[0] and not board.may_hold[node, own]:
        out -= 1.0
    return cost, out


@inner_kernel
def _may_move(board: Board, state: State, node: int, to: int) -> bool:
    """Whether the rules and the centres let a node go to a district."""
    if board.may_hold.shape[0] and not board.may_hold[node, to]:
        return False
    own = state.plan[node]
    if state.sizes[own] <= 1:
        return False
    return not (board.factor > 0.0 and state.centres[own] == node and board.seats[own] >= 0)


@inner_kernel
def _partner(
    board: Board,
    state: State,
    random: Random,
    node: int,
    own: int,
    to: int,
    budget: float,
    price: float,
) -> tuple[float, float, int]:
    """
    Find a second move that mends what the first one broke: out of ``to``, or into ``own``.

    Returns
    -------
    tuple
        What the second move adds to objective and violation, and the node it moved; -1 if none.
    """
    for _ in range(_PARTNER_TRIES):
        entry = state.cut[random_below(random, state.num_cut[0])]
        i = board.tail[entry]
        target = state.plan[board.neighbours[entry]]
        if i == node or (state.plan[i] != to and target != own):
            continue
        is_centre = board.factor > 0.0 and state.centres[state.plan[i]] == i
        if is_centre or not _may_move(board, state, i, target):
            continue
        cost, out = _deltas(board, state, i, target)
        if cost + price * out < budget and stays_connected(board, state, i):
            move_node(board, state, i, target)
            return cost, out, i
    return 0.0, 0.0, -1


@inner_kernel
def _try_move(
    board: Board,
    state: State,
    random: Random,
    temperature: float,
    price: float,
    swap_share: float,
) -> tuple[float, float, float, int]:
    """
    Try to move one node, or two if the one move breaks a bound.

    Returns
    -------
    tuple
        What was added to objective and violation, the size of the first move's cost, and the
        district that the first node left; -1 if nothing moved.
    """
    entry = state.cut[random_below(random, state.num_cut[0])]
    node, to = board.tail[entry], state.plan[board.neighbours[entry]]
    if not _may_move(board, state, node, to):
        return 0.0, 0.0, 0.0, -1
    own = state.plan[node]
    cost, out = _deltas(board, state, node, to)
    size = abs(cost)
    threshold = random_threshold(random, temperature)
    is_taken = cost + price * out <= threshold
    is_paired = not is_taken and out > 0.0 and random_unit(random) < swap_share
    if not (is_taken or is_paired) or not stays_connected(board, state, node):
        return 0.0, 0.0, size, -1
    move_node(board, state, node, to)
    if is_paired:
        budget = threshold - cost - price * out
        more, worse, partner = _partner(board, state, random, node, own, to, budget, price)
        if partner < 0:
            move_node(board, state, node, own)
            return 0.0, 0.0, size, -1
        cost, out = cost + more, out + worse
    return cost, out, size, own


@inner_kernel
def renew(board: Board, state: State) -> tuple[float, float]:
    """Choose the centres anew, and return objective and violation."""
    best_centres(board, state.plan, state.centres)
    return plan_cost(board, state.plan, state.centres), violation(board, state)


@inner_kernel
def keep_best(state: State, cost: float, out: float, best: Index, values: FloatArray) -> None:
    """Keep a plan in ``best``, and its objective in ``values[0]``, if it is feasible and better."""
    if out < _FEASIBLE and cost < values[0] - _EPSILON:
        values[0] = cost
        copy_numbers(state.plan, best)


@lean_kernel
def anneal(
    board: Board,
    state: State,
    random: Random,
    best: Index,
    values: FloatArray,
    steps: int,
    temperature: float,
    price: float,
    swap_share: float,
) -> tuple[float, float]:
    """
    Make a number of steps at one temperature.

    Parameters
    ----------
    best, values
        The best feasible plan, and its objective (values[0]); both are updated.
    steps
        Number of moves that are tried.
    temperature, price
        In units of the objective, the price for one unit of violation.
    swap_share
        Share of the moves that break a bound which are tried together with a second move.

    Returns
    -------
    tuple
        Share of the steps at a feasible plan, and mean size of a move's cost.
    """
    refresh(board, state)
    cost, out = renew(board, state)
    renewal = max(1000, state.plan.size)
    # Copies would take longer than the moves between them where there are many nodes.
    copied_at_once = state.plan.size <= _COPIED_AT_ONCE
    feasible, sizes = 0, 0.0
    for step in range(steps):
        if state.num_cut[0] == 0:
            break
        feasible += out < _FEASIBLE
        more, worse, size, left = _try_move(board, state, random, temperature, price, swap_share)
        sizes += size
        if left >= 0:
            cost += more
            out += worse
            if out != 0.0 and abs(out) < _DRIFT:
                out = violation(board, state)
        if step % renewal == renewal - 1 or (left >= 0 and _lost_centre(board, state, left)):
            cost, out = renew(board, state)
            keep_best(state, cost, out, best, values)
        elif copied_at_once:
            keep_best(state, cost, out, best, values)
    cost, out = renew(board, state)
    keep_best(state, cost, out, best, values)
    return feasible / max(steps, 1), sizes / max(steps, 1)


@inner_kernel
def _lost_centre(board: Board, state: State, district: int) -> bool:
    """Whether a district's centre is no longer in it."""
    return board.factor > 0.0 and state.plan[state.centres[district]] != district
