"""
Kernels of the local search: a greedy start, and swaps until none is worth it.

Resende and Werneck (2007), "A fast swap-based local search procedure for location problems", Annals
of Operations Research 150: with the closest and the second closest open site of each client, the
profit of opening f and closing r is gain(f) - loss(r) + extra(f, r), where extra counts what the
clients of r save because f is near. Only clients that have f in their list matter, so the time of
one trial does not depend on the number of clients. A site is tried again only when one of its
clients has changed (the "don't look bits" of Bentley 1992).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....compiled import inner_kernel, kernel
from .dual_kernels import CLOSED, OPEN
from .near import Near


class Board(NamedTuple):
    """
    What stays the same during a search.

    Parameters
    ----------
    near
        Sites of each client; ``beyond`` is finite: what a client costs that none of them serves.
    begin, client, price
        The same pairs by site: where the clients of each site begin, clients and costs.
    state
        Open and closed sites stay so, shape (sites,).
    apart_first, apart_site
        Sites that may not be open together with each site, one after the other.
    """

    near: Near
    begin: IntArray
    client: IntArray
    price: FloatArray
    state: IntArray
    apart_first: IntArray
    apart_site: IntArray


class Plan(NamedTuple):
    """
    Open sites, and what follows from them.

    Parameters
    ----------
    is_open
        Shape (sites,).
    nearest, paid
        The two closest open sites of each client, -1 if none, and their costs, shape (clients, 2).
    loss
        What closing an open site costs, shape (sites,).
    blocked
        Number of open sites that exclude each site, shape (sites,).
    """

    is_open: BoolArray
    nearest: IntArray
    paid: FloatArray
    loss: FloatArray
    blocked: IntArray


class Queue(NamedTuple):
    """Sites that wait to be tried: a ring, where it begins and ends, and who is in it."""

    ring: IntArray
    ends: IntArray
    waits: BoolArray


def new_plan(num_clients: int, num_sites: int) -> Plan:
    """Room for a plan."""
    return Plan(
        np.zeros(num_sites, dtype=np.bool_),
        np.zeros((num_clients, 2), dtype=np.int64),
        np.zeros((num_clients, 2)),
        np.zeros(num_sites),
        np.zeros(num_sites, dtype=np.int64),
    )


@kernel
def invert(near: Near) -> tuple[IntArray, IntArray, FloatArray]:
    """Turn lists of sites by client into lists of clients by site."""
    begin = np.zeros(near.num_sites + 1, dtype=np.int64)
    for j in near.site:
        begin[j + 1] += 1
    begin = np.cumsum(begin)
    at = begin[:-1].copy()
    client, price = np.empty(near.site.size, dtype=np.int64), np.empty(near.site.size)
    for i in range(near.first.size - 1):
        for e in range(near.first[i], near.first[i + 1]):
            k = at[near.site[e]]
            client[k] = i
            price[k] = near.cost[e]
            at[near.site[e]] = k + 1
    return begin, client, price


@inner_kernel
def _most_saving(board: Board, plan: Plan, saves: FloatArray) -> int:
    """Find the closed site that may be opened and saves most, -1 if there is none."""
    best, most = -1, -np.inf
    for j in range(saves.size):
        may = not plan.is_open[j] and board.state[j] != CLOSED and plan.blocked[j] == 0
        if may and saves[j] > most:
            most = saves[j]
            best = j
    return best


@kernel
def greedy(board: Board, plan: Plan, count: int) -> int:
    """
    Open the required sites, then the site that saves most, again and again.

    Writes the open sites only. Returns their number, less than ``count`` if no more may be opened.
    """
    near = board.near
    paid = near.beyond.copy()
    saves = np.zeros(near.num_sites)
    for i in range(paid.size):
        for e in range(near.first[i], near.first[i + 1]):
            saves[near.site[e]] += max(paid[i] - near.cost[e], 0.0)
    plan.is_open[:] = False
    plan.blocked[:] = 0
    required = np.flatnonzero(board.state == OPEN)
    for opened in range(count):
        j = required[opened] if opened < required.size else _most_saving(board, plan, saves)
        if j < 0:
            return opened
        plan.is_open[j] = True
        _block(board, plan, j, 1)
        for k in range(board.begin[j], board.begin[j + 1]):
            i = board.client[k]
            before, after = paid[i], board.price[k]
            if after < before:
                paid[i] = after
                for e in range(near.first[i], near.first[i + 1]):
                    if near.cost[e] >= before:
                        break
                    saves[near.site[e]] -= before - max(near.cost[e], after)
    return count


@inner_kernel
def _block(board: Board, plan: Plan, j: int, change: int) -> None:
    """Count an open site more, or less, at the sites that it excludes."""
    for k in range(board.apart_first[j], board.apart_first[j + 1]):
        plan.blocked[board.apart_site[k]] += change


@inner_kernel
def _look(near: Near, plan: Plan, i: int) -> None:
    """Find the two closest open sites of a client."""
    found = 0
    for e in range(near.first[i], near.first[i + 1]):
        if plan.is_open[near.site[e]]:
            plan.nearest[i, found] = near.site[e]
            plan.paid[i, found] = near.cost[e]
            found += 1
            if found == 2:
                return
    for k in range(found, 2):
        plan.nearest[i, k] = -1
        plan.paid[i, k] = near.beyond[i]


@inner_kernel
def refresh(board: Board, plan: Plan) -> None:
    """Find out all that follows from the open sites."""
    plan.loss[:] = 0.0
    plan.blocked[:] = 0
    for i in range(board.near.beyond.size):
        _look(board.near, plan, i)
        if plan.nearest[i, 0] >= 0:
            plan.loss[plan.nearest[i, 0]] += plan.paid[i, 1] - plan.paid[i, 0]
    for j in range(plan.is_open.size):
        if plan.is_open[j]:
            _block(board, plan, j, 1)


@inner_kernel
def _enqueue(queue: Queue, j: int) -> None:
    if not queue.waits[j]:
        queue.waits[j] = True
        queue.ring[queue.ends[1] % queue.ring.size] = j
        queue.ends[1] += 1


@inner_kernel
def _notice(board: Board, plan: Plan, queue: Queue, i: int) -> None:
    """Look anew at a client whose sites have changed, and queue the sites that may serve it."""
    near = board.near
    reach = plan.paid[i, 1]
    if plan.nearest[i, 0] >= 0:
        plan.loss[plan.nearest[i, 0]] -= plan.paid[i, 1] - plan.paid[i, 0]
    _look(near, plan, i)
    if plan.nearest[i, 0] >= 0:
        plan.loss[plan.nearest[i, 0]] += plan.paid[i, 1] - plan.paid[i, 0]
    reach = max(reach, plan.paid[i, 1])
    for e in range(near.first[i], near.first[i + 1]):
        if near.cost[e] >= reach:
            break
        if not plan.is_open[near.site[e]]:
            _enqueue(queue, near.site[e])


@inner_kernel
def swap(board: Board, plan: Plan, queue: Queue, opened: int, closed: int) -> None:
    """Open one site and close another."""
    plan.is_open[opened] = True
    plan.is_open[closed] = False
    _block(board, plan, opened, 1)
    _block(board, plan, closed, -1)
    for k in range(board.begin[opened], board.begin[opened + 1]):
        if board.price[k] < plan.paid[board.client[k], 1]:
            _notice(board, plan, queue, board.client[k])
    for k in range(board.begin[closed], board.begin[closed + 1]):
        i = board.client[k]
        if plan.nearest[i, 0] == closed or plan.nearest[i, 1] == closed:
            _notice(board, plan, queue, i)
    plan.loss[closed] = 0.0
    _enqueue(queue, closed)


@inner_kernel
def _weakest(board: Board, plan: Plan) -> int:
    """Open site that may be closed at the least loss, -1 if there is none."""
    best, least = -1, np.inf
    for j in range(plan.is_open.size):
        if plan.is_open[j] and board.state[j] != OPEN and plan.loss[j] < least:
            least = plan.loss[j]
            best = j
    return best


@inner_kernel
def _only_blocker(board: Board, plan: Plan, f: int) -> int:
    """Find the one open site that excludes f, -1 if it must stay open."""
    for k in range(board.apart_first[f], board.apart_first[f + 1]):
        j = board.apart_site[k]
        if plan.is_open[j]:
            return j if board.state[j] != OPEN else -1
    return -1


@inner_kernel
def _best_exchange(
    board: Board, plan: Plan, f: int, weakest: int, extra: FloatArray, touched: IntArray
) -> tuple[int, float]:
    """Best site to close for f, -1 if none, and the profit. ``extra`` is 0 before and after."""
    gain, number = 0.0, 0
    for k in range(board.begin[f], board.begin[f + 1]):
        i = board.client[k]
        saved = plan.paid[i, 1] - board.price[k]
        if saved <= 0.0:
            continue
        gain += max(plan.paid[i, 0] - board.price[k], 0.0)
        r = plan.nearest[i, 0]
        if r >= 0:
            if extra[r] == 0.0:
                touched[number] = r
                number += 1
            extra[r] += min(saved, plan.paid[i, 1] - plan.paid[i, 0])
    best, profit = weakest, extra[weakest] - plan.loss[weakest]
    for k in range(number):
        r = touched[k]
        if extra[r] - plan.loss[r] > profit and board.state[r] != OPEN:
            best, profit = r, extra[r] - plan.loss[r]
    if plan.blocked[f] == 1:
        best = _only_blocker(board, plan, f)
        profit = extra[best] - plan.loss[best] if best >= 0 else -np.inf
    for k in range(number):
        extra[touched[k]] = 0.0
    return best, gain + profit


@kernel
def descend(board: Board, plan: Plan, queue: Queue, least_profit: float) -> None:
    """Swap until no site that waits is worth it."""
    extra = np.zeros(plan.is_open.size)
    touched = np.empty(plan.is_open.size + 1, dtype=np.int64)
    weakest = _weakest(board, plan)
    while queue.ends[0] < queue.ends[1]:
        f = queue.ring[queue.ends[0] % queue.ring.size]
        queue.ends[0] += 1
        queue.waits[f] = False
        if plan.is_open[f] or board.state[f] == CLOSED or plan.blocked[f] > 1 or weakest < 0:
            continue
        closed, profit = _best_exchange(board, plan, f, weakest, extra, touched)
        if closed >= 0 and profit > least_profit:
            swap(board, plan, queue, f, closed)
            weakest = _weakest(board, plan)
