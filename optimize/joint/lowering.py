"""
Rules that the sites cannot meet are lowered before anything is chosen, and no more than needed.

A unit that no site of the community reaches is exempt. Then every site is opened as large as it may
be; if no division of the community keeps reach and floor area even so, the fewest residents are
exempted from reach (the rooted model that counts them), and floor area is lowered for all districts
alike, to the largest whole number of m² per 100 households that some division meets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.formulation import IntArray
from ...models.joint.grouped import grouped_model
from ...models.joint.groupings import Groupings
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

    def any_plan(self, problem: JointSplit) -> tuple[JointPlan | None, bool]:
        """Return a plan with every site open, or None; and whether that is proven."""
        left = []
        for one in Groupings(problem).complete():
            if self._is_over:
                return None, False
            if relaxed(problem, one) is None:
                continue
            left.append(one)
            for plan in plans_of(
                problem,
                one,
                seed=self.limits.seed,
                weights=(),
                deadline=self.deadline,
                stop=self.stop,
            ):
                if not problem.violations(plan):
                    return plan, True
        proven = True
        for place, one in enumerate(left):
            if self._is_over:
                return None, False
            seconds = max(LEAST_SECONDS, self.deadline.seconds_left / (len(left) - place) / 2)
            grouped = grouped_model(problem, one)
            result = solve_grouped(
                grouped,
                limits=replace(self.limits, gap=0.99).within(seconds),
                solver=self.solver,
                stop=self.stop,
            )
            if result.solution is not None:
                plan = one.plan(problem, grouped.labels(result.solution))
                if not problem.violations(plan):
                    return plan, True
            proven &= result.status is Status.INFEASIBLE
        return None, proven

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

        least, beyond, proven = 0, int(np.floor(100 * most + 1e-9)) + 1, True
        best = with_area(0), plan
        while beyond - least > 1:
            middle = (least + beyond) // 2
            problem = with_area(middle)
            found, sure = self.any_plan(problem)
            if found is None:
                beyond, proven = middle, proven and sure
            else:
                least, best = middle, (problem, found)
        return *best, proven
