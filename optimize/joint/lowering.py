"""
Rules that the sites cannot meet are lowered before anything is chosen, and no more than needed.

A unit that no site of the community reaches is exempt. Then every site is opened as large as it may
be; if no division of the community keeps reach and floor area even so, the fewest residents are
exempted from reach (the rooted model that counts them), and floor area is lowered for all districts
alike, to the largest whole number of m² per 100 households that some division meets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...models.formulation import IntArray
from ...models.joint.grouped import GroupedModel, grouped_model
from ...models.joint.groupings import Grouping, Groupings
from ...models.joint.problem import JointPlan, JointSplit
from ...models.joint.rooted import rooted_model
from ..limits import Deadline, Limits, Stop
from ..result import Status
from ..solvers.lazy import solve_with_cuts
from .heuristic import plans_of
from .one_grouping import relaxed, solve_grouped
from .separation import RootSeparation

LEAST_SECONDS = 1.0
"""Seconds that a model gets at least."""

NEAR = 0.25
"""Share of the time that is left for a plan near one of lower rules."""


@dataclass(frozen=True, eq=False)
class Attainable:
    """
    The rules that some plan keeps.

    Parameters
    ----------
    problem
        The problem with these rules.
    exempt
        Units that the rule of reach was lifted for, ascending.
    plan
        A plan that keeps the rules; None if the community cannot be divided at all.
    is_proven
        Whether it is proven that the rules could not be lowered less.
    """

    problem: JointSplit
    exempt: IntArray
    plan: JointPlan | None
    is_proven: bool


def attainable(
    problem: JointSplit, *, limits: Limits, solver: str = "scip", stop: Stop | None = None
) -> Attainable:
    """
    Lower the rules that no plan keeps.

    Parameters
    ----------
    problem
        The rules that are asked for.
    limits
        Time, seed and threads.
    solver, stop
        Backend of the integer programs, and a request to stop.
    """
    finder = _Finder(limits, solver, stop, Deadline.after(limits.seconds))
    reached = problem.reaches[problem.usable].any(axis=0)
    exempt = np.flatnonzero(problem.stations.must_reach & ~reached)
    asked = problem.area_per_household_m2
    kept = problem.with_rules(exempt=exempt, area_per_household_m2=asked)
    plan, proven = finder.any_plan(kept)
    if plan is not None:
        return Attainable(kept, exempt, plan, is_proven=True)
    free = problem.with_rules(exempt=exempt, area_per_household_m2=0.0)
    plan, sure = finder.any_plan(free)
    if plan is None:
        plan, more, counted = finder.fewest_out_of_reach(free)
        if plan is None:
            return Attainable(kept, exempt, None, is_proven=proven and sure and counted)
        exempt = np.union1d(exempt, more)
        proven = proven and sure and counted
        free = problem.with_rules(exempt=exempt, area_per_household_m2=0.0)
    lowered, plan, sure = finder.most_area(free, plan, asked)
    return Attainable(lowered, exempt, plan, is_proven=proven and sure)


@dataclass(frozen=True, eq=False)
class _Finder:
    """Looks for any plan."""

    limits: Limits
    solver: str
    stop: Stop | None
    deadline: Deadline

    def any_plan(
        self, problem: JointSplit, near: JointPlan | None = None
    ) -> tuple[JointPlan | None, bool]:
        """
        Return a plan with every site open, or None; and whether that is proven.

        Groupings are searched first. Then, if a plan of lower rules is given, one near that is
        looked for, and last the model of every grouping is solved.
        """
        groupings, left = Groupings(problem), list[Grouping]()
        for one in groupings.complete():
            if self._is_over:
                return None, False
            if relaxed(problem, one) is None:
                continue
            left.append(one)
            for plan in self._plans_of(problem, one):
                if not problem.violations(plan):
                    return plan, True
        if near is not None:
            groups = groupings.of(near)
            same = next((one for one in left if one.groups == groups), None)
            found = None if same is None else self._near(problem, same, near)
            if found is not None:
                return found, True
        return self._solved(problem, left)

    def _plans_of(self, problem: JointSplit, one: Grouping) -> Iterator[JointPlan]:
        return plans_of(
            problem,
            one,
            seed=self.limits.seed,
            weights=(),
            deadline=self.deadline,
            stop=self.stop,
        )

    def _solved(self, problem: JointSplit, left: list[Grouping]) -> tuple[JointPlan | None, bool]:
        """Solve the models of groupings until one has a plan."""
        proven = True
        for place, one in enumerate(left):
            if self._is_over:
                return None, False
            seconds = max(LEAST_SECONDS, self.deadline.seconds_left / (len(left) - place) / 2)
            plan, is_empty = self._any_of(problem, one, grouped_model(problem, one), seconds)
            if plan is not None:
                return plan, True
            proven &= is_empty
        return None, proven

    def _near(self, problem: JointSplit, one: Grouping, plan: JointPlan) -> JointPlan | None:
        """Look for a plan with the grouping of one of lower rules, compact about its centres."""
        centres = problem.districting.centres(plan.labels)
        home = plan.labels[problem.node_of_site[[group[0] for group in one.groups]]]
        grouped = grouped_model(problem, one, inertia=problem.districting.costs[:, centres[home]])
        return self._any_of(problem, one, grouped, NEAR * self.deadline.seconds_left)[0]

    def _any_of(
        self, problem: JointSplit, one: Grouping, grouped: GroupedModel, seconds: float
    ) -> tuple[JointPlan | None, bool]:
        """Return a plan of a model of a grouping, or None; and whether there is none."""
        result = solve_grouped(
            grouped,
            limits=replace(self.limits, gap=0.99).within(seconds),
            solver=self.solver,
            stop=self.stop,
        )
        if result.solution is not None:
            plan = one.plan(problem, grouped.labels(result.solution))
            if not problem.violations(plan):
                return plan, False
        return None, result.status is Status.INFEASIBLE

    @property
    def _is_over(self) -> bool:
        return self.deadline.passed or (self.stop is not None and self.stop.requested)

    def fewest_out_of_reach(self, problem: JointSplit) -> tuple[JointPlan | None, IntArray, bool]:
        """Return a plan with the fewest residents out of reach, who they are, whether proven."""
        rooted = rooted_model(problem, reach="count")
        roots = problem.node_of_site[problem.usable]
        separation = RootSeparation(problem.districting, rooted, roots)
        result = solve_with_cuts(
            rooted.model,
            separation.broken_by,
            solver=self.solver,
            limits=replace(self.limits, gap=0.0).within(self.deadline.seconds_left),
            stop=self.stop,
            separate_fractional=separation.broken_in_part,
        )
        nobody = np.empty(0, dtype=np.int64)
        if result.solution is None:
            return None, nobody, result.status is Status.INFEASIBLE
        plan = rooted.plan(result.solution)
        everything = np.zeros(problem.stations.num_sites, dtype=bool)
        everything[problem.usable] = True
        plan = problem.sized(plan.labels, everything)
        out = problem.out_of_reach(plan)
        must = problem.stations.must_reach[out]
        return plan, out[must], result.status is Status.OPTIMAL

    def most_area(
        self, free: JointSplit, plan: JointPlan, asked: float
    ) -> tuple[JointSplit, JointPlan, bool]:
        """Return the problem with the largest floor area for all districts alike, and a plan."""
        room = float(free.stations.max_area_m2[free.usable].sum())
        most = min(asked, room / max(float(free.households.sum()), 1e-9))
        nobody = np.empty(0, dtype=np.int64)

        def with_area(per_100: int) -> JointSplit:
            return free.with_rules(exempt=nobody, area_per_household_m2=per_100 / 100)

        beyond, proven = int(np.floor(100 * most + 1e-9)) + 1, True
        least = min(most_per_100(free, plan), beyond - 1)
        while beyond - least > 1:
            middle = (least + beyond) // 2
            found, sure = self.any_plan(with_area(middle), plan)
            if found is None:
                beyond, proven = middle, proven and sure
            else:
                plan, least = found, max(middle, min(most_per_100(free, found), beyond - 1))
        lowered = with_area(least)
        is_open = plan.siting.is_open
        return lowered, lowered.sized(plan.labels, is_open), proven


def most_per_100(problem: JointSplit, plan: JointPlan) -> int:
    """
    Largest whole number of m² per 100 households that the open sites of a plan have room for.

    Parameters
    ----------
    problem, plan
        The community and its plan.
    """
    k, is_open = problem.num_districts, plan.siting.is_open
    home = plan.labels[problem.node_of_site]
    room = np.bincount(home[is_open], problem.stations.max_area_m2[is_open], k)
    households = np.bincount(plan.labels, problem.households, k)
    return int(np.floor(100 * float((room / np.maximum(households, 1e-9)).min()) + 1e-9))
