"""
The most compact plan that keeps the rules of stations, whatever it costs.

More open stations never break a rule, so every site that may open is open here, and what is left to
choose is which of them share a district. The best split without stations comes first: if its
districts can be served, nothing is more compact. Else the moment of inertia is raised by steps,
from that of the split on: all groupings are settled for plans below it, until one is found, or the
best plan known is reached. So a good plan need not be known first, and what is proven grows with
time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ...models.formulation import IntArray
from ...models.joint.groupings import Grouping, Groupings
from ...models.joint.problem import JointPlan, JointSplit
from ..districting.hess.engine import solve_districting
from ..limits import Limits, Stop
from ..result import Result, Status
from ..search import GAIN, SMALLEST, Listen, Search
from .centre_boxes import CentreBoxes
from .heuristic import plans_of
from .one_grouping import pairs_within, relaxed
from .searching import NO_GROUPING, search_from
from .settling import Question, Settling

SPLIT = 0.3
"""Share of the time for the split without stations."""

STEP = 0.02
"""First step above the moment of inertia of the split, as a share; each next is twice that."""

SEARCHED = 3
"""Groupings of the lowest bounds that are searched for a plan at each step."""


def solve_compact(
    problem: JointSplit,
    *,
    split: Result[IntArray] | None = None,
    starts: Iterable[JointPlan] = (),
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[JointPlan]:
    """
    Find the plan of least moment of inertia.

    Parameters
    ----------
    problem
        What is asked.
    split
        What is known of the most compact split without stations; None to solve it first.
    starts, limits, solver, stop, listen
        As for :func:`.cheapest.solve_cheapest`.
    """
    search = search_from(
        starts,
        violations=problem.violations,
        evaluate=problem.compactness,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
    )
    _Compact(problem, search, split).run()
    return search.result()


class _Compact:
    """One solve."""

    def __init__(
        self, problem: JointSplit, search: Search[JointPlan], split: Result[IntArray] | None
    ) -> None:
        self.problem, self.search, self.split = problem, search, split
        self.groupings: list[Grouping] = []

    def run(self) -> None:
        """Split, list, and raise the moment of inertia until a plan is proven best."""
        search = self.search
        with search.timed("split"):
            if self._split_serves():
                return
        with search.timed("groupings"):
            self._list()
        if not self.groupings and not search.over:
            search.infeasible, search.detail = True, NO_GROUPING
            return
        with search.timed("prove"):
            self._climb()

    def _split_serves(self) -> bool:
        """Split without stations; whether that settles it."""
        search, result = self.search, self.split
        if result is None:
            result = solve_districting(
                self.problem.districting,
                limits=replace(search.limits, gap=0.0).within(SPLIT * search.deadline.seconds_left),
                solver=search.solver,
                stop=search.stop,
            )
        search.heed(result)
        if result.status is Status.INFEASIBLE:
            search.infeasible, search.detail = True, result.detail
            return True
        if result.solution is not None:
            is_open = np.zeros(self.problem.stations.num_sites, dtype=bool)
            is_open[self.problem.usable] = True
            search.offer(self.problem.sized(result.solution, is_open))
        if result.bound is not None:
            search.raise_bound(result.bound)
        return search.done

    def _list(self) -> None:
        """Keep the groupings that can hold a plan."""
        search = self.search
        for grouping in Groupings(self.problem).complete():
            if search.over:
                return
            if relaxed(self.problem, grouping, seed=search.limits.seed) is not None:
                self.groupings.append(grouping)

    def _climb(self) -> None:
        """Raise the moment of inertia that plans must lie below."""
        search, step = self.search, STEP
        most = float(self.problem.districting.costs.max(axis=1).sum())
        base = search.bound if np.isfinite(search.bound) and search.bound > 0 else STEP * most
        while not search.done:
            level = min(self._target, base * (1 + step))
            if not self._settle(level):
                return
            # No plan that is not known lies below the level.
            search.raise_bound(min(level, search.objective))
            if search.plan is None and level > most:
                search.infeasible, search.detail = True, NO_GROUPING
            if search.objective <= level or level == self._target:
                search.raise_bound(search.objective)
            step *= 2

    @property
    def _target(self) -> float:
        """Moment of inertia below which a plan is worth finding."""
        search = self.search
        if search.plan is None:
            return np.inf
        return search.objective - GAIN * max(search.objective, SMALLEST)

    def _settle(self, level: float) -> bool:
        """Find the best plan below a level, if there is one; whether that was done in time."""
        search, problem = self.search, self.problem
        pairs = pairs_within(problem, level, deadline=search.deadline, stop=search.stop)
        question = Question(search, None, lambda: min(level, self._target))
        begun = []
        for grouping in self.groupings:
            if search.over:
                return False
            begun.append(Settling(CentreBoxes(problem, grouping, pairs), question))
        begun.sort(key=lambda one: one.bound)
        for place, one in enumerate(begun):
            if place < SEARCHED and one.waiting and search.objective > level:
                self._search(one.boxes.grouping)
            if not one.run(search.deadline):
                return False
        return True

    def _search(self, grouping: Grouping) -> None:
        """Look for a compact plan of a grouping."""
        search = self.search
        for plan in plans_of(
            self.problem,
            grouping,
            seed=search.limits.seed,
            weights=(),
            deadline=search.deadline,
            stop=search.stop,
        ):
            search.offer(plan)
