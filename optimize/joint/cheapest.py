"""
The cheapest plan: groupings by their bounds, plans by search, small models for what is left.

A community has few sites, so its groupings are listed (:mod:`.groupings` of the models). When its
turn comes, each is bounded by the linear relaxation of its model without contiguity, which mostly
shows that it holds no plan at all. A few are searched in the order of their bounds; those that
could still be cheaper than the best plan are settled: by their centres where there is a limit on
the moment of inertia (:mod:`.settling`), else by one integer program. The lowest bound of all
groupings bounds the cost: logic-based Benders decomposition (Hooker and Ottosson 2003, Mathematical
Programming 96) with the stations as master and the districts as subproblem, whose master is listed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...models.formulation import BoolArray
from ...models.joint.grouped import grouped_model
from ...models.joint.groupings import ROUNDING, Grouping, Groupings
from ...models.joint.problem import JointPlan, JointSplit
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..search import TOLERANCE, Listen, Search
from .centre_boxes import CentreBoxes
from .heuristic import BOTH, CHEAP, plans_of
from .one_grouping import pairs_within, relaxed, solve_grouped
from .searching import NO_GROUPING, search_from
from .settling import Question, Settling

SEARCHED = 0.2
"""Share of the time that searches without a bound may take."""

PATIENCE = 3
"""Searches in a row that may end without a better plan."""

LEAST_SECONDS = 10.0
"""Seconds that a grouping gets at first; twice as many each further time."""


@dataclass(eq=False)
class _Open:
    """A grouping that may hold a better plan, its bound, and the work on it."""

    bound: float
    grouping: Grouping
    is_relaxed: bool = False
    rounds: int = 0
    settling: Settling | None = None

    @property
    def seconds(self) -> float:
        """Seconds that it gets next."""
        return LEAST_SECONDS * 2.0**self.rounds


def solve_cheapest(
    problem: JointSplit,
    *,
    most_inertia: float | None = None,
    starts: Iterable[JointPlan] = (),
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[JointPlan]:
    """
    Find the cheapest plan of boundaries and stations.

    Parameters
    ----------
    problem
        What is asked.
    most_inertia
        Largest moment of inertia; None for the cheapest plan of any shape.
    starts
        Plans that are known.
    limits
        Time, gap, seed and threads; with a gap the search ends once the cost is proven within it.
    solver
        Backend of the integer programs. "scip" adds contiguity inside its tree.
    stop, listen
        A request to stop, and who hears of progress.

    Returns
    -------
    Result of JointPlan
        Infeasible if it is proven that no plan keeps all rules.
    """
    limit = None if most_inertia is None else most_inertia * (1 + ROUNDING)

    def violations(plan: JointPlan) -> list[str]:
        inertia = problem.compactness(plan)
        if limit is not None and inertia > limit:
            return [f"its moment of inertia is {inertia:g}, more than {most_inertia:g}"]
        return problem.violations(plan)

    search = search_from(
        starts,
        violations=violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
    )
    _Cheapest(problem, search, limit).run()
    return search.result()


class _Cheapest:
    """One solve."""

    def __init__(self, problem: JointSplit, search: Search[JointPlan], limit: float | None) -> None:
        self.problem, self.search, self.limit = problem, search, limit
        self.weights = CHEAP if limit is None else BOTH
        self.open: list[_Open] = []
        self.question = Question(search, limit, lambda: self._target)

    def run(self) -> None:
        """List, search, prove."""
        with self.search.timed("groupings"):
            self._list()
        with self.search.timed("search"):
            self._improve()
        with self.search.timed("prove"):
            self._prove()

    def _list(self) -> None:
        """List the groupings that may hold a better plan, with the bound of their prices."""
        listed = Groupings(self.problem).all(self.search.objective)
        self.open = [_Open(grouping.cost, grouping) for grouping in listed]
        self.search.detail = f"{len(self.open)} groupings of sites"
        self._raise()

    def _in_order(self) -> Iterator[_Open]:
        """Yield groupings in the order of their bounds, those of linear relaxations."""
        waiting = [(one.bound, number, one) for number, one in enumerate(self.open)]
        heapq.heapify(waiting)
        while waiting and not self.search.over:
            _, number, one = heapq.heappop(waiting)
            if one.is_relaxed or one.bound >= self._target:
                yield one
            elif self._relax(one):
                heapq.heappush(waiting, (one.bound, number, one))

    def _relax(self, one: _Open) -> bool:
        """Bound a grouping by its linear relaxation; drop it if it has none."""
        bound = relaxed(self.problem, one.grouping, seed=self.search.limits.seed)
        if bound is None:
            self.open.remove(one)
            return False
        one.bound, one.is_relaxed = max(one.bound, bound), True
        return True

    @property
    def _target(self) -> float:
        """Cost below which a plan is worth finding."""
        search = self.search
        if search.plan is None:
            return np.inf
        # A little above the gap that is asked for, so that rounding does not keep it open.
        return search.objective * (1 - search.limits.gap * (1 - TOLERANCE))

    def _raise(self) -> None:
        """Take the lowest bound of all that is open."""
        search = self.search
        least = min((one.bound for one in self.open), default=np.inf)
        if np.isfinite(min(least, search.objective)):
            search.raise_bound(min(least, search.objective))
        elif not self.open:
            search.infeasible = True
            search.detail = NO_GROUPING

    def _improve(self) -> None:
        """Search plans in the order of the bounds."""
        search, failed = self.search, 0
        deadline = Deadline.after(SEARCHED * search.deadline.seconds_left)
        for one in self._in_order():
            is_late = deadline.passed and search.plan is not None
            if search.done or is_late or one.bound >= self._target:
                break
            better = self._search(one, search.limits.seed + 1)
            failed = 0 if better else failed + 1
            if search.plan is not None and failed > PATIENCE:
                break
        self._raise()

    def _search(self, one: _Open, seed: int) -> bool:
        """Search plans of one grouping; whether a better one was found."""
        search, better = self.search, False
        for plan in plans_of(
            self.problem,
            one.grouping,
            seed=seed,
            weights=self.weights,
            deadline=search.deadline,
            stop=search.stop,
        ):
            better |= search.offer(plan)
        return better

    def _prove(self) -> None:
        """Settle the groupings that may be cheaper, the lowest bound first."""
        search = self.search
        while not search.done and self.open:
            one = min(self.open, key=lambda one: (one.bound, one.seconds))
            if one.bound >= self._target:
                break
            if not one.is_relaxed:
                self._relax(one)
            elif self.limit is None:
                self._solve(one)
            elif self._settle(one):
                # Nothing is left in it below the target, which is lower now than when it began.
                one.bound = max(one.bound, self._target)
            self.open = [one for one in self.open if one.bound < np.inf]
            self._raise()

    def _settle(self, one: _Open) -> bool:
        """Work on a grouping by the centres of its districts; whether nothing better is in it."""
        if one.settling is None:
            households = float(self.problem.households.sum())
            narrow = one.grouping.within(self._target, households)
            if narrow is None:
                return True
            boxes = CentreBoxes(self.problem, narrow, self._pairs, self._target)
            one.settling = Settling(boxes, self.question, one.bound)
        deadline = Deadline.after(one.seconds)
        one.rounds += 1
        return one.settling.run(deadline)

    @cached_property
    def _pairs(self) -> BoolArray:
        """Pairs that plans within the limit may use."""
        assert self.limit is not None  # noqa: S101 - only then are groupings settled
        share = Deadline.after(self.search.deadline.seconds_left / 4)
        return pairs_within(self.problem, self.limit, deadline=share, stop=self.search.stop)

    def _solve(self, one: _Open) -> None:
        """Solve the whole model of a grouping; drop it if nothing better is in it."""
        search = self.search
        if one.rounds:
            self._search_again(one)
        if search.done or one.bound >= self._target:
            return
        grouped = grouped_model(self.problem, one.grouping)
        cutoff = None if search.plan is None else self._target
        result = solve_grouped(
            grouped,
            limits=search.limits.within(min(one.seconds, search.deadline.seconds_left)),
            solver=search.solver,
            cutoff=cutoff,
            stop=search.stop,
        )
        one.rounds += 1
        search.heed(result)
        search.num_cuts += result.cuts
        if result.solution is not None:
            search.offer(one.grouping.plan(self.problem, grouped.labels(result.solution)))
        if result.status is Status.INFEASIBLE:
            self.open.remove(one)
        elif result.reason is Reason.LIMIT and cutoff is not None:
            one.bound = max(one.bound, cutoff)
        elif result.bound is not None:
            one.bound = max(one.bound, result.bound)

    def _search_again(self, one: _Open) -> None:
        """Search a grouping with other seeds: its model was not solved in the time it got."""
        for number in range(2**one.rounds):
            seed = self.search.limits.seed + 100 * one.rounds + 10 * number
            self._search(one, seed)
            if self.search.done or one.bound >= self._target:
                return
