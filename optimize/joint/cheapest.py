"""
The cheapest plan: groupings by their bounds, plans by search, small models for what is left.

A community has few sites, so its groupings are listed (:mod:`.groupings` of the models). Each is
bounded by the linear relaxation of its model without contiguity, which mostly shows that it holds
no plan at all. The others are searched in the order of their bounds; those that could still be
cheaper than the best plan get an integer program, with separators added in its tree and a limit on
its objective. The lowest bound of all groupings bounds the cost: logic-based Benders decomposition
(Hooker and Ottosson 2003, Mathematical Programming 96) with the stations as master and the
districts as subproblem, whose master is listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...models.joint.grouped import GroupedModel, grouped_model
from ...models.joint.groupings import ROUNDING, Grouping, Groupings
from ...models.joint.problem import JointPlan, JointSplit
from ..districting.hess.lagrangian import Fixing
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..search import TOLERANCE, Listen, Search
from .heuristic import BOTH, CHEAP, plans_of
from .one_grouping import nothing_fixed, relaxed, solve_grouped
from .searching import NO_GROUPING, search_from

SEARCHED = 0.4
"""Share of the time that searches without a bound may take."""

FIRST = 3
"""Groupings that are searched at once, so that a cost is known."""

PATIENCE = 12
"""Searches in a row that may end without a better plan."""

CLIMBS, PROBING = 300, 60
"""Directions in which the dual of a grouping is climbed, and for each centre that is left."""

MOST_COLUMNS = 60_000
"""Pairs of a node and a centre, for every district, up to which a model is built."""

LEAST_SECONDS = 2.0
"""Seconds that an integer program gets at first; twice as many each further time."""


@dataclass(eq=False)
class _Open:
    """A grouping that may hold a better plan, and its bound."""

    bound: float
    grouping: Grouping
    rounds: int = 0
    fixing: Fixing | None = None
    is_too_large: bool = False

    @property
    def seconds(self) -> float:
        """Seconds that its next integer program gets."""
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
    compact = np.inf if most_inertia is None else most_inertia * (1 + ROUNDING)

    def violations(plan: JointPlan) -> list[str]:
        inertia = problem.compactness(plan)
        if inertia > compact:
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
    _Cheapest(problem, search, most_inertia).run()
    return search.result()


class _Cheapest:
    """One solve."""

    def __init__(
        self, problem: JointSplit, search: Search[JointPlan], most_inertia: float | None
    ) -> None:
        self.problem, self.search, self.most_inertia = problem, search, most_inertia
        self.weights = CHEAP if most_inertia is None else BOTH
        self.open: list[_Open] = []

    def run(self) -> None:
        """List, bound, search, prove."""
        with self.search.timed("groupings"):
            self._list()
        self._raise()
        with self.search.timed("search"):
            self._improve()
        with self.search.timed("prove"):
            self._prove()

    def _list(self) -> None:
        """Bound groupings by their linear relaxations, as far as they may hold a better plan."""
        search, searched = self.search, 0
        listed = sorted(Groupings(self.problem).all(search.objective), key=lambda one: one.cost)
        for grouping in listed:
            if search.over or grouping.cost >= self._target:
                self.open.append(_Open(grouping.cost, grouping))
                continue
            bound = relaxed(self.problem, grouping, seed=search.limits.seed)
            if bound is None:
                continue
            self.open.append(_Open(max(bound, grouping.cost), grouping))
            if searched < FIRST:
                searched += 1
                self._search(self.open[-1], search.limits.seed)
        self.open.sort(key=lambda one: one.bound)
        search.detail = f"{len(listed)} groupings of sites, {len(self.open)} of them possible"

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
        for one in self.open:
            if search.done or deadline.passed or one.bound >= self._target:
                return
            better = self._search(one, search.limits.seed + 1)
            failed = 0 if better else failed + 1
            if search.plan is not None and failed > PATIENCE:
                return

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
        """Solve the models of the groupings that may be cheaper, the lowest bound first."""
        search = self.search
        while not search.done and self.open:
            self.open.sort(key=lambda one: (one.bound, one.seconds))
            one = self.open[0]
            if one.bound >= self._target or one.is_too_large:
                break
            if one.rounds:
                self._search_again(one)
            if not search.done and one.bound < self._target:
                self._solve(one)
            self._raise()

    def _search_again(self, one: _Open) -> None:
        """Search a grouping with other seeds: its model was not solved in the time it got."""
        for number in range(2**one.rounds):
            seed = self.search.limits.seed + 100 * one.rounds + 10 * number
            self._search(one, seed)
            if self.search.done or one.bound >= self._target:
                return

    def _solve(self, one: _Open) -> None:
        """Solve one model; drop it if nothing better is in it."""
        search = self.search
        grouped = self._model(one)
        if grouped is None:
            if one.is_too_large:
                search.detail += "; the pairs left by the bound are too many for a model"
            else:
                self.open.remove(one)
            return
        cutoff = None if search.plan is None else self._target
        result = solve_grouped(
            grouped,
            limits=search.limits.within(min(one.seconds, search.deadline.seconds_left)),
            solver=search.solver,
            cutoff=cutoff,
            stop=search.stop,
        )
        search.heed(result)
        search.num_cuts += result.cuts
        if result.solution is not None:
            search.offer(one.grouping.plan(self.problem, grouped.labels(result.solution)))
        one.rounds += 1
        if result.status is Status.INFEASIBLE:
            self.open.remove(one)
        elif result.reason is Reason.LIMIT and cutoff is not None:
            one.bound = max(one.bound, cutoff)
        elif result.bound is not None:
            one.bound = max(one.bound, result.bound)

    def _model(self, one: _Open) -> GroupedModel | None:
        """Return the model of a grouping; None if no plan is compact enough or it is too large."""
        if self.most_inertia is None:
            return grouped_model(self.problem, one.grouping)
        split, limit = one.grouping.districting(self.problem), self.most_inertia * (1 + ROUNDING)
        if one.fixing is None:
            one.fixing = nothing_fixed(split)
            deadline = Deadline.after(self.search.deadline.seconds_left / 4)
            one.fixing.tighten(
                None, limit, iterations=CLIMBS, deadline=deadline, stop=self.search.stop
            )
            if one.fixing.bound <= limit:
                one.fixing.probe(
                    limit, iterations=PROBING, deadline=deadline, stop=self.search.stop
                )
        if one.fixing.bound > limit:
            return None
        pairs = one.fixing.allowed(limit)
        one.is_too_large = bool(pairs.sum() * len(one.grouping.groups) > MOST_COLUMNS)
        if one.is_too_large:
            return None
        return grouped_model(
            self.problem,
            one.grouping,
            most_inertia=limit,
            pairs=pairs,
        )
