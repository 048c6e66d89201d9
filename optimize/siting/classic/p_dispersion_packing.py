"""
May k of some sites be open together? A tree search on bits, then an integer program on cliques.

Sayah and Irnich 2017, "A new compact formulation for the discrete p-dispersion problem", European
Journal of Operational Research 256(1), ask the same question for each distance; the rows of the
program, at most one open site of each clique of pairs that are too close, are the clique
inequalities of node packing (Padberg 1973, "On the facial structure of set packing polyhedra",
Mathematical Programming 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....models.formulation import BoolArray, IntArray, ModelBuilder
from ...result import Status
from ...search import Search
from ...solvers import solve_model
from .p_dispersion_kernels import cover_edges, find_clique

MOST_NODES = 2_000_000
"""Nodes of the tree before an integer program is asked."""

WORDS_A_SECOND = 1e9
"""Words of bits that the tree goes through in a second: so it ends in time."""

MOST_PAIRS = 1_000_000
"""Pairs that are too close up to which an integer program is asked."""


@dataclass(frozen=True, eq=False)
class PackingAnswer:
    """
    Answer to the question whether k sites may be open together.

    Parameters
    ----------
    sites
        Such sites; None if none are known.
    proven
        Whether it is known: sites were found, or proven not to exist.
    """

    sites: IntArray | None
    proven: bool


def find_packing(
    near: BoolArray, *, count: int, required: BoolArray, solver: str, search: Search[Any]
) -> PackingAnswer:
    """
    Find sites of which no two are too close, or prove that there are none.

    Parameters
    ----------
    near
        Which pairs are too close, shape (sites, sites), symmetric; the diagonal is not looked at.
    count
        How many sites are wanted.
    required
        Sites that must be among them.
    solver
        Backend of the integer program.
    search
        Limits, and where the nodes are counted.
    """
    near = near.copy()
    np.fill_diagonal(near, val=False)
    fixed = np.flatnonzero(required)
    if near[np.ix_(fixed, fixed)].any():
        return PackingAnswer(None, proven=True)
    left = np.flatnonzero(~required & ~near[:, fixed].any(axis=1))
    wanted = count - fixed.size
    if wanted <= 0:
        return PackingAnswer(fixed, proven=True)
    answer = _search(near[np.ix_(left, left)], wanted, solver, search)
    if answer.sites is None:
        return answer
    return PackingAnswer(np.concatenate([fixed, left[answer.sites]]), proven=True)


def _search(near: BoolArray, wanted: int, solver: str, search: Search[Any]) -> PackingAnswer:
    """Ask the tree, then the solver."""
    if near.shape[0] < wanted:
        return PackingAnswer(None, proven=True)
    # Sites with many others too close come first: they fill the first colour classes.
    order = np.argsort(-near.sum(axis=1), kind="stable")
    joined = ~near[np.ix_(order, order)]
    np.fill_diagonal(joined, val=False)
    bits = _bits(joined)
    everyone = _bits(np.ones((1, order.size), dtype=bool))[0]
    chosen, nodes = np.zeros(wanted, dtype=np.int64), np.zeros(1, dtype=np.int64)
    in_time = search.deadline.seconds_left / 2 * WORDS_A_SECOND / bits.size
    found = find_clique(bits, everyone, wanted, chosen, int(min(MOST_NODES, in_time)), nodes)
    search.nodes += int(nodes[0])
    if found == 1:
        return PackingAnswer(order[chosen], proven=True)
    if found == 0:
        return PackingAnswer(None, proven=True)
    return _ask_solver(near, wanted, solver, search)


def _bits(matrix: BoolArray) -> Any:  # noqa: ANN401 - words of bits
    """Pack each row of a matrix of booleans into words of 64 bits."""
    packed = np.packbits(matrix, axis=1, bitorder="little")
    words = np.zeros((len(matrix), 8 * max(1, -(-matrix.shape[1] // 64))), dtype=np.uint8)
    words[:, : packed.shape[1]] = packed
    return words.view("<u8").astype(np.uint64)


def _ask_solver(near: BoolArray, wanted: int, solver: str, search: Search[Any]) -> PackingAnswer:
    """Ask an integer program on cliques."""
    if near.sum() > 2 * MOST_PAIRS or search.over:
        return PackingAnswer(None, proven=False)
    start = np.zeros(near.size + 2, dtype=np.int64)
    members = np.zeros(max(8 * near.size, 1000), dtype=np.int64)
    num_cliques = cover_edges(near, start, members)
    if num_cliques < 0 or search.over:
        return PackingAnswer(None, proven=False)
    builder = ModelBuilder("packing", maximize=True)
    y = builder.add_columns(np.ones(near.shape[0]), upper=1, integer=True)
    row = np.repeat(np.arange(num_cliques), np.diff(start[: num_cliques + 1]))
    builder.add_rows(row, y[members[: start[num_cliques]]], 1, upper=np.ones(num_cliques))
    builder.add_rows(np.zeros(y.size, dtype=np.int64), y, 1, lower=[wanted])
    limits = search.limits.within(search.deadline.seconds_left)
    result = solve_model(
        builder.build(), solver=solver, limits=limits, cutoff=wanted - 1, stop=search.stop
    )
    search.heed(result)
    if result.solution is not None:
        sites = np.flatnonzero(result.solution > 0.5)[:wanted]
        if sites.size == wanted and not near[np.ix_(sites, sites)].any():
            return PackingAnswer(sites, proven=True)
    beaten = result.bound is not None and result.bound < wanted - 1e-6
    return PackingAnswer(None, proven=result.status is Status.INFEASIBLE or beaten)
