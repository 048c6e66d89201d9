"""
Better plans: swaps on lists that grow, and the best plan on the sites of several good ones.

The latter is heuristic concentration (Rosing and ReVelle 1997, "Heuristic concentration: two stage
solution construction", European Journal of Operational Research 97(1)): local searches from
different starts agree on most sites, and the model of the sites that occur in any of their plans is
small. Their starts draw sites as often as the Lagrangian bound chooses them.
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import BoolArray, FloatArray
from .dual_kernels import CLOSED, OPEN
from .solver import solve_core
from .starts import board_of, greedy_plan, improved
from .state import Work

LENGTHENINGS = 4
"""Times that a plan is improved at most, each time on longer lists."""

STARTS = 6
STARTS_PATIENCE = 300
"""Local searches whose plans are joined, and rounds without gain after which each ends."""

JOIN_SECONDS, JOIN_SHARE = 20.0, 0.1
"""Time of the model of their sites at most: seconds, and share of the time left."""

RARE = 1e-3
"""Share at which a site is drawn that the bound never chooses."""


def greedy_start(work: Work) -> BoolArray:
    """Open the sites that save most, one after the other."""
    return greedy_plan(board_of(work.dual.near, work.dual.state, work.apart), work.most)


def best_plan(work: Work) -> BoolArray:
    """Sites of the best plan, or a greedy choice if there is none."""
    plan = work.search.plan
    return greedy_start(work) if plan is None else plan.is_open[work.ground.sites]


def mean_plan(work: Work) -> BoolArray:
    """Sites that the bound chose most often at last."""
    return _first(_wish(work), work.most)


def improve(work: Work, is_open: BoolArray, *, patience: int) -> None:
    """Swap sites of a plan; where a client has no open site in its list, with a longer one too."""
    dual = work.dual
    for _ in range(LENGTHENINGS):
        board = board_of(dual.near, dual.state, work.apart)
        is_open = improved(
            board, is_open, rounds=100 * patience, patience=patience, seed=work.search.limits.seed
        )
        work.offer(is_open)
        client = np.repeat(np.arange(dual.near.num_clients), dual.near.lengths)
        served = np.bincount(client, is_open[dual.near.site], minlength=dual.near.num_clients)
        if work.search.done or not dual.lengthen(np.flatnonzero(served == 0)):
            return


def concentrate(work: Work, round_number: int) -> None:
    """Find the best plan on the sites of several plans; none of these may exclude each other."""
    dual, seed = work.dual, work.search.limits.seed + STARTS * round_number
    board = board_of(dual.near, dual.state, work.apart)
    random = np.random.default_rng(seed)
    joined = best_plan(work)
    for start in range(STARTS):
        if work.search.done:
            return
        # The largest of such keys are a sample without replacement (Efraimidis and Spirakis 2006).
        keys = np.log(random.random(dual.state.size)) / np.maximum(_wish(work), RARE)
        keys[dual.state == OPEN], keys[dual.state == CLOSED] = np.inf, -np.inf
        plan = improved(
            board,
            _first(keys, work.most),
            rounds=100 * STARTS_PATIENCE,
            patience=STARTS_PATIENCE,
            seed=seed + start,
        )
        work.offer(plan)
        joined |= plan
    state = np.where(joined, dual.state, CLOSED)
    seconds = min(JOIN_SECONDS, JOIN_SHARE * work.search.deadline.seconds_left)
    solve_core(work, state, seconds=seconds)


def _wish(work: Work) -> FloatArray:
    """How often the bound chose each site at last; open sites first, closed ones last."""
    state = work.dual.state
    wish = np.where(state == OPEN, np.inf, work.dual.scratch.mean)
    return np.where(state == CLOSED, -1.0, wish)


def _first(wish: FloatArray, count: int) -> BoolArray:
    """Mark the ``count`` largest."""
    marks = np.zeros(wish.size, dtype=bool)
    marks[np.argsort(-wish, kind="stable")[:count]] = True
    return marks
