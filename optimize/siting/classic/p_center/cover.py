"""
Do p columns cover all rows? Reductions, a search, the linear bound, and an integer program.

Every step may answer: the reductions leave nothing, the search finds p columns, or the linear bound
exceeds p. Only what is open then goes to an integer program. Since the question is about p and not
about the least number, a column whose reduced cost lifts the bound above p can't be in any answer,
and is dropped (reduced cost fixing).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from ....result import Status
from ....search import Search
from ....solvers import solve_lp, solve_model
from .cover_tree import CoverTree, Node
from .reductions import reduce_cover
from .weighting import search_cover

QUICK, LONG, LONG_PER_ONE = 300_000, 100_000_000, 300
"""Work of the search before the linear bound; before the tree at most, and for each entry."""

MOST_NODES = 1_000
"""Nodes of the tree before an integer program is asked instead."""

LARGE = 500_000
"""Pairs of rows and columns from which an interior point method is faster than the simplex."""

WORTHWHILE = 0.9
"""Share of columns left after fixing, up to which everything is tried again."""

SAFE = 1e-9
"""By how much a bound must exceed p to count."""


class Effort(IntEnum):
    """What is tried at most for one question, each after those before it."""

    QUICK = 0
    SEARCH = 1
    TREE = 2
    PROGRAM = 3


@dataclass(frozen=True, eq=False)
class CoverAnswer:
    """
    Answer to the question whether p columns cover all rows.

    Parameters
    ----------
    columns
        Such columns; None if none are known.
    proven
        Whether it is known: columns were found, or proven not to exist.
    """

    columns: IntArray | None
    proven: bool


NONE = CoverAnswer(None, proven=True)
OPEN = CoverAnswer(None, proven=False)


class CoverQuestion:
    """
    One question, and what is left of it so far.

    Parameters
    ----------
    covers
        Which column covers which row, shape (rows, columns).
    p
        Most columns that may be taken.
    solver
        Backend of the integer program.
    search
        Limits, and where the nodes are counted.
    """

    def __init__(self, covers: BoolArray, *, p: int, solver: str, search: Search[Any]) -> None:
        self.covers, self.p, self.solver, self.search = covers, p, solver, search
        self.whole, self.rows = covers, np.arange(covers.shape[0])
        self.columns = np.arange(covers.shape[1])
        self.hopeless = np.zeros(covers.shape[1], dtype=bool)
        self.taken = self.columns[:0]
        self.duals, self.values = np.zeros(covers.shape[0]), np.zeros(covers.shape[1])

    def quickly(self) -> CoverAnswer:
        """Reduce, search and fix columns as long as that leaves ever fewer of them."""
        while True:
            if not self._reduce():
                return NONE
            found = search_cover(self.covers, p=self.p, work=QUICK, seed=self.search.limits.seed)
            if found is not None:
                return self._answer(found)
            possible = self._possible()
            if not possible.any():
                return NONE
            self.covers, self.columns = self.covers[:, possible], self.columns[possible]
            self.values = self.values[possible]
            if possible.mean() > WORTHWHILE:
                return OPEN

    def by_search(self) -> CoverAnswer:
        """Reduce, and search for long; may be asked without anything before it."""
        if not self._reduce():
            return NONE
        work = min(LONG, LONG_PER_ONE * int(self.covers.sum()))
        found = search_cover(self.covers, p=self.p, work=work, seed=self.search.limits.seed + 1)
        return OPEN if found is None else self._answer(found)

    def thoroughly(self, effort: Effort) -> CoverAnswer:
        """Search in a tree, then ask an integer program if that much effort is asked for."""
        root = Node(self.covers, np.arange(self.columns.size), self.p, (), self.duals)
        tree = CoverTree(root, lambda: self.search.over)
        decided = tree.run(MOST_NODES)
        self.search.nodes += tree.num_nodes
        if decided:
            return NONE if tree.answer is None else self._answer(np.array(tree.answer, dtype=int))
        return OPEN if self.search.over or effort < Effort.PROGRAM else self._ask_solver()

    def fractions(self) -> tuple[IntArray, FloatArray]:
        """Columns of the linear solution and how much of each it takes, after a quick answer."""
        some = self.values > SAFE
        return (
            np.concatenate([self.taken, self.columns[some]]),
            np.concatenate([np.ones(self.taken.size), self.values[some]]),
        )

    @property
    def bound(self) -> float:
        """Linear bound on the number of columns, after a quick answer."""
        return float(self.taken.size + self.values.sum())

    def _answer(self, columns: IntArray) -> CoverAnswer:
        return CoverAnswer(np.concatenate([self.taken, self.columns[columns]]), proven=True)

    def _reduce(self) -> bool:
        """Drop rows and columns that no smallest cover needs; False if there is no cover by p."""
        left = reduce_cover(self.covers)
        self.taken = np.concatenate([self.taken, self.columns[left.forced]])
        self.p -= left.forced.size
        self.covers = self.covers[np.ix_(left.rows, left.columns)]
        self.rows, self.columns = self.rows[left.rows], self.columns[left.columns]
        return left.possible and self.p >= (1 if left.rows.size else 0)

    def _possible(self) -> BoolArray:
        """Tell which columns may be among p that cover all rows; none if none do."""
        everything = np.ones(self.columns.size, dtype=bool)
        self.duals, self.values = np.zeros(self.covers.shape[0]), np.zeros(self.columns.size)
        limits = self.search.limits.within(self.search.deadline.seconds_left)
        interior = self.covers.size > LARGE
        program = solve_lp(cover_model(self.covers, p=None), limits=limits, interior=interior)
        if program.status is not Status.OPTIMAL:
            return everything
        self.values = program.values
        self.duals = safe_duals(self.covers, program.row_duals)
        if not self.taken.size and not self.hopeless.any():
            self._find_hopeless()
        bound = self.duals.sum() + 1.0 - self.duals @ self.covers
        return bound <= self.p + SAFE if self.duals.sum() <= self.p + SAFE else ~everything

    def _find_hopeless(self) -> None:
        """Note which columns of the whole question no p columns that cover all rows include."""
        some = self.duals > 0
        duals = np.zeros(self.whole.shape[0])
        duals[self.rows[some]] = safe_duals(self.whole[self.rows[some]], self.duals[some])
        bound = duals.sum() + 1.0 - duals[self.rows[some]] @ self.whole[self.rows[some]]
        self.hopeless = bound > self.p + SAFE

    def _ask_solver(self) -> CoverAnswer:
        """Ask an integer program."""
        result = solve_model(
            cover_model(self.covers, p=self.p),
            solver=self.solver,
            limits=self.search.limits.within(self.search.deadline.seconds_left),
            cutoff=self.p + 1,
            stop=self.search.stop,
        )
        self.search.heed(result)
        if result.solution is not None:
            columns = np.flatnonzero(result.solution > 0.5)
            if columns.size <= self.p and self.covers[:, columns].any(axis=1).all():
                return self._answer(columns)
        exceeded = result.bound is not None and result.bound > self.p + 1e-6
        return NONE if result.status is Status.INFEASIBLE or exceeded else OPEN


def safe_duals(covers: BoolArray, duals: FloatArray) -> FloatArray:
    """Make duals feasible whatever the rounding: not negative, at most 1 over each column."""
    positive = np.maximum(duals, 0.0)
    largest = float((positive @ covers).max(initial=0.0))
    return positive / (largest * (1 + 1e-12)) if largest > 1 else positive


def cover_model(covers: BoolArray, *, p: int | None) -> LinearModel:
    """Build: least number of columns that cover all rows, at most p of them."""
    builder = ModelBuilder("cover")
    y = builder.add_columns(np.ones(covers.shape[1]), upper=1, integer=True)
    row, column = np.nonzero(covers)
    builder.add_rows(row, y[column], 1, lower=np.ones(covers.shape[0]))
    if p is not None:
        builder.add_rows(np.zeros(y.size, dtype=np.int64), y, 1, upper=[p])
    return builder.build()
