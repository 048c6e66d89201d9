"""
Kernels of the iterated local search: disturb a plan in one neighbourhood, descend, keep the better.

Lourenço, Martin and Stützle (2003), "Iterated local search", Handbook of Metaheuristics. Only the
sites around the disturbance are tried again, so that a round takes no longer in a larger problem.
"""

from __future__ import annotations

import numpy as np

from ....compiled import inner_kernel, kernel
from .dual_kernels import CLOSED, OPEN
from .near import Near
from .swap_kernels import Board, Plan, Queue, descend, refresh, swap

TRIES = 8
"""Draws after which a disturbance gives up finding an open site."""


@inner_kernel
def _window(near: Near, plan: Plan, i: int, wanted: int) -> int:
    """How many sites of a client hold so many open ones."""
    seen, length = 0, near.first[i + 1] - near.first[i]
    for window in range(length):
        if plan.is_open[near.site[near.first[i] + window]]:
            seen += 1
            if seen == wanted:
                return window + 1
    return int(length)


@inner_kernel
def _disturb(board: Board, plan: Plan, queue: Queue, strength: int) -> int:
    """Swap some sites around a client at random; returns how many."""
    near = board.near
    i = np.random.randint(near.beyond.size)  # noqa: NPY002 - numba has no generators in arguments
    wanted = 1 + np.random.randint(strength)  # noqa: NPY002 - see above
    begin, done = near.first[i], 0
    for _ in range(4 * wanted):
        window = _window(near, plan, i, wanted + 1)
        if done == wanted or window == 0:
            break
        f = near.site[begin + np.random.randint(window)]  # noqa: NPY002 - see above
        if plan.is_open[f] or board.state[f] == CLOSED or plan.blocked[f] > 0:
            continue
        for _ in range(TRIES):
            r = near.site[begin + np.random.randint(window)]  # noqa: NPY002 - see above
            if plan.is_open[r] and board.state[r] != OPEN:
                swap(board, plan, queue, f, r)
                done += 1
                break
    return done


@kernel
def _copy(source: Plan, target: Plan) -> None:
    target.is_open[:] = source.is_open
    target.nearest[:] = source.nearest
    target.paid[:] = source.paid
    target.loss[:] = source.loss
    target.blocked[:] = source.blocked


@kernel
def search(board: Board, plan: Plan, rounds: int, patience: int, strength: int, seed: int) -> float:
    """
    Descend; then disturb, descend and keep what is not worse, again and again.

    ``plan.is_open`` is the start and becomes the best plan. Ends after ``rounds``, or ``patience``
    rounds without gain. Returns its cost by the lists.
    """
    np.random.seed(seed)  # noqa: NPY002 - the generator of numba itself
    size = plan.is_open.size
    queue = Queue(
        np.random.permutation(size),  # noqa: NPY002 - see above
        np.array([0, size]),
        np.ones(size, dtype=np.bool_),
    )
    refresh(board, plan)
    least_profit = 1e-9 * max(1.0, np.sum(plan.paid[:, 0]))
    descend(board, plan, queue, least_profit)
    best = np.sum(plan.paid[:, 0])
    kept = Plan(
        plan.is_open.copy(),
        plan.nearest.copy(),
        plan.paid.copy(),
        plan.loss.copy(),
        plan.blocked.copy(),
    )
    idle = 0
    for _ in range(rounds):
        if idle >= patience:
            break
        idle += 1
        if _disturb(board, plan, queue, strength) == 0:
            continue
        descend(board, plan, queue, least_profit)
        cost = np.sum(plan.paid[:, 0])
        if cost < best - least_profit:
            idle = 0
        if cost <= best + least_profit:
            best = min(best, cost)
            _copy(plan, kept)
        else:
            _copy(kept, plan)
    _copy(kept, plan)
    return best
