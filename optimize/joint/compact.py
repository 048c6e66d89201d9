"""
The most compact plan that keeps the rules of stations, whatever it costs.

More open stations never break a rule, so every site that may open is open here, and what is left to
choose is which of them share a district. The best split without stations comes first: if its
districts can be served, nothing is more compact. Else every grouping is a districting whose
districts are told apart by their stations. Its Lagrangian bound drops it, or leaves few pairs of a
node and a centre; a Hess model of these with separators finds its best plan or shows that none is
better than the one known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ...models.joint.groupings import Grouping, Groupings
from ...models.joint.problem import JointPlan, JointSplit
from ..districting.hess.engine import solve_districting
from ..districting.hess.lagrangian import Fixing
from ..districting.hess.tree import HessTree
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..search import Listen, Search
from .heuristic import plans_of
from .one_grouping import nothing_fixed, relaxed
from .searching import NO_GROUPING, search_from

CLIMBS = (60, 300)
"""Directions in which the dual of every grouping is climbed, and of one that this leaves."""

PROBING = 60
"""Directions for each centre of a grouping with many pairs left."""

FEW = 3
"""Pairs a node that are few enough for a model."""

FIRST = 0.3
"""Share of the time for the first grouping."""


@dataclass(eq=False)
class _Open:
    """A grouping that may hold a better plan, what is fixed in it, and its bound."""

    grouping: Grouping
    fixing: Fixing
    bound: float = -np.inf
    tried: int = 0


def solve_compact(
    problem: JointSplit,
    *,
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
    _Compact(problem, search).run()
    return search.result()


class _Compact:
    """One solve."""

    def __init__(self, problem: JointSplit, search: Search[JointPlan]) -> None:
        self.problem, self.search = problem, search
        self.open: list[_Open] = []
        self.least = -np.inf

    def run(self) -> None:
        """List, bound, search, prove."""
        search = self.search
        with search.timed("split"):
            if self._split_serves():
                return
        with search.timed("groupings"):
            self._list()
        self._raise()
        with search.timed("search"):
            self._improve()
        with search.timed("prove"):
            while not search.done and self.open:
                one = min(self.open, key=lambda one: (one.tried, one.bound))
                if one.bound < search.objective:
                    self._settle(one)
                else:
                    self.open.remove(one)
                self._raise()
        if not search.over:
            self._raise()

    def _exact(self, share: float = 1.0) -> Limits:
        """Return the limits of a solve without a gap in a share of the time that is left."""
        search = self.search
        return replace(search.limits, gap=0.0).within(share * search.deadline.seconds_left)

    def _split_serves(self) -> bool:
        """Split without stations; whether that settles it."""
        search = self.search
        result = solve_districting(
            self.problem.districting,
            limits=self._exact(FIRST),
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
            self.least = result.bound
            search.raise_bound(result.bound)
        return search.done

    def _list(self) -> None:
        """Keep the groupings that can hold a plan, with a first bound."""
        search = self.search
        for grouping in Groupings(self.problem).complete():
            if relaxed(self.problem, grouping, seed=search.limits.seed) is not None:
                fixing = nothing_fixed(grouping.districting(self.problem))
                self.open.append(_Open(grouping, fixing))
        for one in self.open:
            if search.over:
                return
            self._climb(one, CLIMBS[0])

    def _climb(self, one: _Open, iterations: int) -> None:
        """Climb the dual of a grouping."""
        search = self.search
        one.fixing.tighten(
            None,
            search.objective,
            iterations=iterations,
            deadline=Deadline.after(search.deadline.seconds_left / 4),
            stop=search.stop,
        )
        one.bound = max(one.bound, one.fixing.bound)

    def _raise(self) -> None:
        """Take the lowest bound of all that is open."""
        search = self.search
        if not self.open and search.plan is None:
            search.infeasible = True
            search.detail = NO_GROUPING
            return
        least = min((one.bound for one in self.open), default=np.inf)
        search.raise_bound(min(max(least, self.least), search.objective))

    def _improve(self) -> None:
        """Search plans of every grouping, and the best of the most promising one exactly."""
        search = self.search
        self.open.sort(key=lambda one: one.bound)
        best: _Open | None = None
        for one in self.open:
            if search.over or one.bound >= search.objective:
                break
            for plan in plans_of(
                self.problem,
                one.grouping,
                seed=search.limits.seed,
                weights=(),
                deadline=search.deadline,
                stop=search.stop,
            ):
                if search.offer(plan):
                    best = one
        if best is not None and not search.done:
            self._solve_first(best)

    def _solve_first(self, one: _Open) -> None:
        """Solve one grouping by the engine of districting, for a good plan."""
        search = self.search
        result = solve_districting(
            one.grouping.districting(self.problem),
            limits=self._exact(FIRST),
            solver=search.solver,
            stop=search.stop,
        )
        search.heed(result)
        if result.solution is not None:
            kept = search.offer(one.grouping.plan(self.problem, result.solution))
            if kept and result.status is Status.OPTIMAL:
                self.open.remove(one)
        if result.bound is not None:
            one.bound = max(one.bound, result.bound)

    def _settle(self, one: _Open) -> None:
        """Raise the bound of a grouping, then solve the Hess model of what is left."""
        search, fixing = self.search, one.fixing
        one.tried += 1
        self._climb(one, CLIMBS[1])
        if one.bound >= search.objective:
            return
        split = fixing.problem
        allowed = fixing.allowed(search.objective)
        if allowed.sum() > FEW * split.num_nodes and search.plan is not None:
            fixing.probe(
                search.objective,
                iterations=PROBING,
                deadline=Deadline.after(search.deadline.seconds_left / 4),
                stop=search.stop,
            )
            one.bound = max(one.bound, fixing.bound)
            if one.bound >= search.objective:
                return
            allowed = fixing.allowed(search.objective)
        self._solve(one, HessTree(split, allowed))

    def _solve(self, one: _Open, tree: HessTree) -> None:
        search = self.search
        cutoff = search.objective if search.plan is not None else None
        found = tree.solve(
            solver=search.solver,
            limits=self._exact(),
            cutoff=cutoff,
            stop=search.stop,
        )
        search.heed(found.result)
        search.num_cuts += found.result.cuts
        status = found.result.status
        if status is Status.INFEASIBLE or found.result.reason is Reason.LIMIT:
            self.open.remove(one)
            return
        if found.result.bound is not None:
            one.bound = max(one.bound, found.result.bound)
        if found.plan is None:
            return
        search.offer(one.grouping.plan(self.problem, found.plan))
        if status is Status.OPTIMAL:
            self.open.remove(one)
