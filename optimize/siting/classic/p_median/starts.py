"""Plans by greedy choice and swaps."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, IntArray
from .chain_kernels import search
from .near import Near
from .swap_kernels import Board, greedy, invert, new_plan

STRENGTH = 3
"""Swaps of one disturbance at most."""


def board_of(near: Near, state: IntArray, apart: IntArray) -> Board:
    """
    Prepare a search.

    Parameters
    ----------
    near
        Sites of each client.
    state
        1 for sites that must be open, -1 for those that must be closed, 0 else, shape (sites,).
    apart
        Pairs of sites that exclude each other, shape (pairs, 2).
    """
    # An unserved client costs more than all others together, so that to serve it always pays.
    last = near.first[1:][near.lengths > 0] - 1
    penalty = 1.0 + float(near.cost[last].sum())
    beyond = np.where(np.isfinite(near.beyond), near.beyond, penalty)
    both = np.vstack([apart, apart[:, ::-1]])
    shape = (near.num_sites, near.num_sites)
    excluded = sparse.csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=shape)
    return Board(
        near._replace(beyond=beyond),
        *invert(near),
        state,
        excluded.indptr.astype(np.int64),
        excluded.indices.astype(np.int64),
    )


def greedy_plan(board: Board, count: int) -> BoolArray:
    """Open up to ``count`` sites, each the one that saves most."""
    plan = new_plan(board.near.num_clients, board.near.num_sites)
    greedy(board, plan, count)
    return plan.is_open


def improved(
    board: Board, is_open: BoolArray, *, rounds: int, patience: int, seed: int
) -> BoolArray:
    """Swap sites, and disturb the plan up to ``rounds`` times (:mod:`.chain_kernels`)."""
    plan = new_plan(board.near.num_clients, board.near.num_sites)
    plan.is_open[:] = is_open
    search(board, plan, rounds, patience, STRENGTH, seed)
    return plan.is_open
