"""
Compact starting plans: spread centres, allocation by prices, and growing of whole districts.

Nodes go to the district of least cost plus price times weight. The prices are raised where a
district is too heavy and lowered where it is too light, and the centres follow (location-allocation
by power diagrams; Hess et al. 1965; Aurenhammer, Hoffmann and Aronov 1998). What a district got
but cannot reach is then grown into by its neighbours, in the order of regret.
"""

from __future__ import annotations

import heapq

import numpy as np
from scipy.sparse.csgraph import dijkstra

from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...compiled import inner_kernel, kernel
from .board import Board, Index
from .centres import best_centres, node_cost

_BAND = 0.25
"""Share of the distance between the bounds that prices keep away from either bound."""


def spread_centres(problem: Districting, rng: np.random.Generator) -> IntArray:
    """Random centres, far from each other (k-means++, Arthur and Vassilvitskii 2007)."""
    n, k = problem.num_nodes, problem.num_districts
    seats = problem.rules.seats if problem.rules is not None else None
    chosen = np.full(k, -1, dtype=np.int64) if seats is None else seats.copy()
    nearest = np.full(n, np.inf)
    for seat in chosen[chosen >= 0]:
        nearest = np.minimum(nearest, problem.costs_to(np.array([seat]))[:, 0])
    for district in np.flatnonzero(chosen < 0):
        chance = problem.mass if np.isinf(nearest).all() else nearest
        chance = np.where(_is_free(problem, int(district), chosen), chance, 0.0)
        total = chance.sum()
        if not total > 0:
            free = np.flatnonzero(~np.isin(np.arange(n), chosen))
            chosen[district] = rng.choice(free)
        else:
            chosen[district] = rng.choice(n, p=chance / total)
        new = problem.costs_to(chosen[district : district + 1])[:, 0]
        nearest = np.minimum(nearest, new)
    return chosen


def _is_free(problem: Districting, district: int, chosen: IntArray) -> BoolArray:
    """Nodes that a district may hold, those locked to it where there are any."""
    rules = problem.rules
    free = problem.may_hold[:, district].copy()
    if rules is not None and rules.locked is not None and (rules.locked == district).any():
        free &= rules.locked == district
    free[chosen[chosen >= 0]] = False
    return free


@inner_kernel
def _priced_cost(board: Board, prices: FloatArray, node: int, district: int, centre: int) -> float:
    """Return cost plus price times weight; infinity where the rules forbid it."""
    if board.may_hold.shape[0] and not board.may_hold[node, district]:
        return np.inf
    cost = node_cost(board, node, district, centre)
    for w in range(board.scale.size):
        cost += prices[district, w] * board.weights[node, w]
    return cost


@kernel
def allocate(
    board: Board,
    plan: Index,
    centres: Index,
    prices: FloatArray,
    rounds: int,
    step: float,
) -> None:
    """
    Give each node to a district, change the prices, and repeat.

    Parameters
    ----------
    plan, prices
        Updated; prices has the shape of the bounds, in cost per unit of weight.
    step
        First change of a price by a district that is wrong by its whole mean weight.
    """
    totals = np.zeros(board.lower.shape)
    for turn in range(rounds):
        totals.fill(0.0)
        for i in range(plan.size):
            least = np.inf
            for d in range(centres.size):
                cost = _priced_cost(board, prices, i, d, centres[d])
                if cost < least:
                    least, plan[i] = cost, d
            for w in range(board.scale.size):
                totals[plan[i], w] += board.weights[i, w]
        _change_prices(board, totals, prices, step / (1.0 + 0.15 * turn))


@inner_kernel
def _change_prices(board: Board, totals: FloatArray, prices: FloatArray, step: float) -> None:
    """Raise the prices of districts that are too heavy, and lower those of light ones."""
    for d in range(totals.shape[0]):
        for w in range(board.scale.size):
            low, high = board.lower[d, w], board.upper[d, w]
            margin = _BAND * (high - low)
            if np.isfinite(margin):
                low, high = low + margin, high - margin
            wrong = totals[d, w] - min(max(totals[d, w], low), high)
            prices[d, w] += step * wrong / (board.scale[w] * board.scale[w])


@kernel
def grow(board: Board, plan: Index, centres: Index, prices: FloatArray, fixed: Index) -> int:
    """
    Grow all districts at once from their centres by the regret of each node.

    Parameters
    ----------
    plan
        Overwritten; -1 where no district could come.
    fixed
        District of the nodes to start with, -1 elsewhere.

    Returns
    -------
    int
        Number of nodes that were reached.
    """
    plan.fill(-1)
    heap = [(-np.inf, int(centres[d]), d) for d in range(centres.size)]
    heap += [(-np.inf, i, int(fixed[i])) for i in range(plan.size) if fixed[i] >= 0]
    heapq.heapify(heap)
    least = np.full(plan.size, np.inf)
    reached = 0
    while len(heap) > 0:
        _, i, district = heapq.heappop(heap)
        if plan[i] >= 0:
            continue
        plan[i] = district
        reached += 1
        for entry in range(board.first[i], board.first[i + 1]):
            j = board.neighbours[entry]
            if plan[j] >= 0:
                continue
            if least[j] == np.inf:
                for d in range(centres.size):
                    least[j] = min(least[j], _priced_cost(board, prices, j, d, centres[d]))
            cost = _priced_cost(board, prices, j, district, centres[district])
            if cost < np.inf:
                heapq.heappush(heap, (cost - least[j], int(j), district))
    return reached


def located_plan(
    problem: Districting, board: Board, rng: np.random.Generator, *, turns: int = 12
) -> IntArray | None:
    """
    Allocate to spread centres, move the centres, repeat, and grow what came out.

    Parameters
    ----------
    board
        With a moment of inertia, even if the objective has none.
    turns
        How often the centres move.

    Returns
    -------
    IntArray or None
        District of each node, every district connected, bounds not always kept; None if some
        nodes cannot be reached.
    """
    n = problem.num_nodes
    centres = spread_centres(problem, rng).astype(np.int32)
    plan = np.zeros(n, dtype=np.int32)
    prices = np.zeros(board.lower.shape)
    least = problem.costs_to(centres.astype(np.int64)).min(axis=1)
    step = max(float(least.mean()), 1e-12) * n / problem.num_districts * board.factor
    for turn in range(turns):
        allocate(board, plan, centres, prices, 40 if turn == 0 else 10, step)
        before = centres.copy()
        if np.bincount(plan, minlength=centres.size).min() > 0:
            best_centres(board, plan, centres)
        if turn and np.array_equal(before, centres):
            break
    allocate(board, plan, centres, prices, 40, 0.5 * step)
    return grown_plan(problem, board, centres, prices, rng)


def grown_plan(
    problem: Districting,
    board: Board,
    centres: Index,
    prices: FloatArray,
    rng: np.random.Generator,
) -> IntArray | None:
    """Grow districts from centres, after each was joined to what is locked to it."""
    n = problem.num_nodes
    plan = np.full(n, -1, dtype=np.int32)
    fixed = _joined(problem, centres, rng)
    grow(board, plan, centres, prices, fixed)
    both = np.concatenate([problem.edges, problem.edges[:, ::-1]])
    while (plan < 0).any():
        # What the rules keep from every district in reach goes to any of them, to be moved later.
        entering = both[(plan[both[:, 0]] < 0) & (plan[both[:, 1]] >= 0)]
        if not entering.size:
            return None
        plan[entering[:, 0]] = plan[entering[:, 1]]
    return plan.astype(np.int64) if np.unique(plan).size == centres.size else None


def _joined(problem: Districting, centres: Index, rng: np.random.Generator) -> Index:
    """Paths that join the nodes locked to each district, as far as there are any."""
    n = problem.num_nodes
    fixed = np.full(n, -1, dtype=np.int32)
    rules = problem.rules
    if rules is None or (rules.locked is None and rules.seats is None):
        return fixed
    if rules.locked is not None:
        fixed[:] = rules.locked
    for district, centre in enumerate(centres):
        if fixed[centre] < 0 or (rules.seats is not None and rules.seats[district] >= 0):
            fixed[centre] = district
    for district in rng.permutation(centres.size):
        _join(problem, fixed, int(district), int(centres[district]), rng)
    return fixed


def _join(
    problem: Districting, fixed: Index, district: int, centre: int, rng: np.random.Generator
) -> None:
    """Join the nodes fixed to a district by shortest paths, nearest first."""
    wanted = np.flatnonzero(fixed == district)
    if wanted.size <= 1:
        return
    passable = problem.may_hold[:, district] & ((fixed < 0) | (fixed == district))
    lengths = problem.graph.copy()
    noise = 1 + 0.1 * rng.random(problem.num_nodes)
    entering = np.where(fixed == district, 1e-3, np.where(passable, noise, np.inf))
    lengths.data = entering[lengths.indices]
    fields = dijkstra(lengths, indices=[centre], return_predecessors=True)
    away, before = fields[0][0], fields[1][0]
    for node in wanted[np.argsort(away[wanted])]:
        here = int(node)
        if not np.isfinite(away[node]):
            fixed[node] = -1
        while np.isfinite(away[node]) and before[here] >= 0:
            here = int(before[here])
            fixed[here] = district
