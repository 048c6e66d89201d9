"""
Better plans by regions: some open sites near each other are chosen anew, all others stay.

Taillard 2003, "Heuristic methods for large centroid clustering problems", Journal of Heuristics
9(1): a region is a site with those around it; each region is solved as a p-median problem of its
own until none of them gives a better plan. Here a solver proves each region, so that a plan which
is left cannot be improved within any region of that size.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from .....models.formulation import BoolArray, IntArray
from ....limits import Deadline
from ....result import Status
from .dual_kernels import CLOSED, OPEN
from .near import Near
from .plans import best_plan
from .solver import solve_core
from .state import Work

FIRST_SIZE, GROWTH = 10, 1.5
"""Open sites of a region at first, and how much larger regions are when those are done."""

SETTLED_SHARE = 3
"""One of so many open sites of a region that did not help is settled, from its middle on."""

REGION_SECONDS = 5.0
"""Most seconds for one region."""


def improve_regions(work: Work, *, seconds: float) -> None:
    """
    Choose regions of the best plan anew, larger and larger ones, for so long.

    Parameters
    ----------
    work
        The solve; its lists hold the whole core, and no sites exclude each other.
    seconds
        Most time to spend.
    """
    deadline = Deadline.after(seconds)
    random = np.random.default_rng(work.search.limits.seed)
    size = float(FIRST_SIZE)
    while size < GROWTH * work.most and not (deadline.passed or work.search.done):
        _settle(work, int(size), deadline, random)
        size *= GROWTH


def _settle(work: Work, size: int, deadline: Deadline, random: np.random.Generator) -> None:
    """Try regions of one size until none of them helps."""
    plan = best_plan(work)
    waits = plan.copy()
    beside = neighbours(work.dual.near, plan)
    while waits.any() and not (deadline.passed or work.search.done):
        middle = int(random.choice(np.flatnonzero(waits)))
        order = csgraph.breadth_first_order(
            beside, middle, directed=False, return_predecessors=False
        )
        region = order[:size].astype(np.int64)
        before = work.search.objective
        solved = _choose_anew(work, plan, region, min(REGION_SECONDS, deadline.seconds_left))
        if work.search.objective < before:
            better = best_plan(work)
            waits[plan != better] = True
            waits[region] = True
            waits &= better
            plan, beside = better, neighbours(work.dual.near, better)
        else:
            waits[region[: 1 + size // SETTLED_SHARE] if solved else middle] = False


def _choose_anew(work: Work, plan: BoolArray, region: IntArray, seconds: float) -> bool:
    """Choose the sites of a region anew; tell whether that was solved to the end."""
    near, state = work.dual.near, work.dual.state
    fixed = plan.copy()
    fixed[region] = False
    fixed |= state == OPEN
    short = up_to_open(near, fixed)
    # A client that a fixed site serves best has one site left; the others are those of the region.
    client = np.repeat(np.arange(short.num_clients), short.lengths)
    free = np.zeros(plan.size, dtype=bool)
    free[short.site[short.lengths[client] > 1]] = True
    region_state = np.where(fixed, OPEN, np.where(free & (state != CLOSED), state, CLOSED))
    result = solve_core(work, region_state, seconds=seconds, near=short)
    return result is None or result.status in {Status.OPTIMAL, Status.INFEASIBLE}


def up_to_open(near: Near, is_open: BoolArray) -> Near:
    """Cut each list after its first site that is open for sure: no other behind it is used."""
    return near.kept(_open_before(near, is_open) == 0)


def neighbours(near: Near, is_open: BoolArray) -> sparse.csr_array:
    """Join open sites that are nearest and second nearest to the same client."""
    opened, rank = is_open[near.site], _open_before(near, is_open)
    client = np.repeat(np.arange(near.num_clients), near.lengths)
    first, second = (np.flatnonzero(opened & (rank == place)) for place in (0, 1))
    _, one, other = np.intersect1d(
        client[first], client[second], assume_unique=True, return_indices=True
    )
    ends = near.site[first[one]], near.site[second[other]]
    size = (near.num_sites, near.num_sites)
    return sparse.csr_array(sparse.coo_array((np.ones(one.size), ends), shape=size))


def _open_before(near: Near, is_open: BoolArray) -> IntArray:
    """Count the open sites before each entry in its list."""
    before = np.concatenate([[0], np.cumsum(is_open[near.site])])
    rank: IntArray = before[:-1] - np.repeat(before[near.first[:-1]], near.lengths)
    return rank
