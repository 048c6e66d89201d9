"""
Branch on the centres by the Lagrangian bound, and leave what is left of them to small models.

Where balance and not contiguity makes the gap, a Hess model of many pairs is slow although its
linear relaxation is close: each of its nodes solves a large linear program. Here the nodes are
those of the Lagrangian dual, at a few milliseconds each. One with open centres S picks a unit that
no centre of S can hold and opens each of its remaining centres in turn; the bound fixes pairs at
every node as it does at the root. Once few pairs are left, a Hess model on them finds the best
plan, with separators that all models share. The node of the lowest bound comes first, so that bound
holds for all plans.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....models.formulation import BoolArray, FloatArray, IntArray
from ...result import Status
from ...search import TOLERANCE
from ..search import Search
from .lagrangian import Ascent, Fixing
from .relaxation import Relaxation
from .tree import HessTree

ITERATIONS = 60
"""Directions that the dual is climbed at each node."""

LEAF_PAIRS = 1500
"""Pairs of nodes with a choice of centres up to which a model is solved."""

KNOWN = 300
"""Latest separators that a model starts with."""

FIRST_STEP = 0.02
"""Length of the first step of a climb, as a share of the mean multiplier."""


@dataclass(frozen=True, eq=False)
class _Node:
    """Open centres, the pairs that are left (as bits), and where the climb goes on."""

    bound: float
    opened: IntArray
    pairs: IntArray
    point: FloatArray
    balance: FloatArray


class CentreTree:
    """
    Prove the best plan of a search, or find a better one.

    Parameters
    ----------
    search
        Takes plans and bounds; it has a plan.
    fixing
        Pairs that are left, and where the dual was climbed to.
    """

    def __init__(self, search: Search, fixing: Fixing) -> None:
        """Start from what the bound has left."""
        self.search, self.problem = search, search.problem
        self.count = itertools.count()
        self.open: list[tuple[float, int, _Node]] = []
        self.leaves = 0
        point, balance = fixing.best_multipliers()
        allowed = fixing.allowed(search.objective)
        self._push(fixing.bound, fixing.seats, allowed, point, balance)

    def run(self) -> None:
        """Take nodes until none can hold a better plan, or the time is up."""
        search = self.search
        while self.open and not search.over:
            bound, _, node = heapq.heappop(self.open)
            search.raise_bound(bound)
            if search.closed:
                return
            self._process(node)
        if not search.over:
            search.raise_bound(search.objective)

    def _push(
        self,
        bound: float,
        opened: IntArray,
        allowed: BoolArray,
        point: FloatArray,
        balance: FloatArray,
    ) -> None:
        pairs = np.flatnonzero(allowed)
        node = _Node(bound, opened, pairs, point, balance)
        heapq.heappush(self.open, (bound, next(self.count), node))

    def _process(self, node: _Node) -> None:
        """Climb, fix, and branch or solve."""
        search, n = self.search, self.problem.num_nodes
        allowed = np.zeros(n * n, dtype=bool)
        allowed[node.pairs] = True
        relaxation = Relaxation(
            self.problem, allowed.reshape(n, n), forced=node.opened, balance=node.balance
        )
        if relaxation.is_empty:
            return
        search.nodes += 1
        ascent = Ascent(node.point, step=FIRST_STEP * float(np.abs(node.point).mean()))
        ascent.climb(
            relaxation,
            target=search.objective,
            iterations=ITERATIONS,
            deadline=search.deadline,
            stop=search.stop,
        )
        bound = max(node.bound, ascent.bound)
        if bound >= search.objective - TOLERANCE:
            return
        bounds = np.full((n, n), np.inf)
        bounds[relaxation.node, relaxation.centres[relaxation.column]] = relaxation.pair_bounds
        keep = bounds <= search.objective + TOLERANCE
        keep &= np.diag(keep)[None, :]
        choices = keep.sum(axis=1)
        if not choices.all() or not keep[node.opened, node.opened].all():
            return
        if (
            choices[choices > 1].sum() <= LEAF_PAIRS
            or node.opened.size == search.problem.num_districts
        ):
            self._solve(node, keep, bound)
            return
        balance = np.zeros_like(node.balance)
        balance[relaxation.centres] = relaxation.balance
        for opened, pairs, least in self._branches(node.opened, keep, bounds):
            self._push(max(bound, least), opened, pairs, ascent.best_point, balance)

    def _branches(
        self, opened: IntArray, keep: BoolArray, bounds: FloatArray
    ) -> Iterator[tuple[IntArray, BoolArray, float]]:
        """Open each centre of the unit that has fewest, none of them open yet."""
        choices = keep.sum(axis=1).astype(float)
        choices[keep[:, opened].any(axis=1)] = np.inf
        unit = int(np.argmin(choices))
        if not np.isfinite(choices[unit]):
            yield from self._halves(opened, keep, bounds)
            return
        for centre in np.flatnonzero(keep[unit]):
            pairs = keep.copy()
            pairs[unit] = False
            pairs[unit, centre] = True
            more = np.append(opened, centre)
            if more.size == self.problem.num_districts:
                closed = np.setdiff1d(np.arange(keep.shape[0]), more)
                pairs[:, closed] = False
            yield more, pairs, float(bounds[unit, centre])

    def _halves(
        self, opened: IntArray, keep: BoolArray, bounds: FloatArray
    ) -> Iterator[tuple[IntArray, BoolArray, float]]:
        """Open the cheapest centre that is not open yet, or close it."""
        own = np.diag(bounds).copy()
        own[opened] = np.inf
        centre = int(np.argmin(own))
        yield np.append(opened, centre), keep, float(own[centre])
        closed = keep.copy()
        closed[:, centre] = False
        yield opened, closed, -np.inf

    def _solve(self, node: _Node, keep: BoolArray, bound: float) -> None:
        """Solve the Hess model on the pairs of a node; what it leaves open goes back."""
        search = self.search
        self.leaves += 1
        found = HessTree(self.problem, keep, eager=False, known=search.cuts[-KNOWN:]).solve(
            solver=search.solver,
            limits=search.limits.within(search.deadline.seconds_left),
            cutoff=search.objective,
            stop=search.stop,
        )
        search.heed(found.result)
        search.cuts += found.separators
        if found.plan is not None:
            search.offer(found.plan)
        least = found.result.bound
        settled = found.result.status in {Status.OPTIMAL, Status.INFEASIBLE}
        if settled or (least is not None and least >= search.objective - TOLERANCE):
            return
        # The time is up: the bound of this node counts again.
        self._push(bound, node.opened, keep, node.point, node.balance)
