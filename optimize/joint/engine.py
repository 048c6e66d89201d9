"""
Boundaries and stations of one community: together, and one after the other to compare with.

Three questions, each answered with a bound: which rules the sites can meet at all; the most compact
plan that keeps them, whatever it costs; the cheapest plan among those that are nearly as compact.
Without the limit the cheapest plan moves boundaries only to bring households to the site with the
cheaper m², in districts that nobody wants; with it, cost decides among good shapes. It is the order
of the split with a second measure (compactness first, then the other within its slack), and it
never does worse than one after the other: where the split by compactness alone keeps the rules, it
lies within the limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...models.formulation import IntArray
from ...models.joint.problem import JointPlan, JointSplit
from ...models.siting.station import Siting
from ..districting.hess.engine import solve_districting
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..siting.engine import cheapest_siting
from .cheapest import solve_cheapest
from .compact import solve_compact
from .lowering import Attainable, attainable

SHARES = (0.3, 0.6)
"""Shares of the time that is left for the rules and for the most compact plan."""

SITING_SOLVER = "highs"


@dataclass(frozen=True, eq=False)
class OneAfterTheOther:
    """
    Split by compactness, then site.

    Parameters
    ----------
    split
        The most compact split, without a thought of stations.
    siting
        The cheapest stations for its districts, as far as their rules can be met; None without.
    plan
        Both; None if there is no split.
    """

    split: Result[IntArray]
    siting: Result[Siting] | None
    plan: JointPlan | None


@dataclass(frozen=True, eq=False)
class JointSolution:
    """
    What is known about one community.

    Parameters
    ----------
    asked
        The problem with the rules of the policy.
    rules
        The rules that some plan keeps.
    two_step
        One after the other, under the same rules.
    compact
        The most compact plan that keeps the rules, whatever it costs.
    most_inertia
        Largest moment of inertia of the joint plan; None if there is no plan.
    cost
        The joint plan: the cheapest within that limit.
    """

    asked: JointSplit
    rules: Attainable
    two_step: OneAfterTheOther
    compact: Result[JointPlan]
    most_inertia: float | None
    cost: Result[JointPlan]

    @property
    def plan(self) -> JointPlan | None:
        """The joint plan."""
        return self.cost.solution

    @property
    def is_proven(self) -> bool:
        """Whether rules, limit and cost are all proven."""
        settled = self.cost.status is Status.OPTIMAL or self.cost.reason is Reason.GAP
        return self.rules.is_proven and self.compact.status is Status.OPTIMAL and settled


def solve_joint(
    problem: JointSplit,
    *,
    compactness_slack: float,
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
) -> JointSolution:
    """
    Choose boundaries and stations of one community together, and one after the other.

    Parameters
    ----------
    problem
        The rules that are asked for.
    compactness_slack
        Share by which the moment of inertia may exceed that of the most compact plan.
    limits
        Time, gap of the cost, seed and threads.
    solver
        Backend of the integer programs. "scip" adds contiguity inside its tree.
    stop
        A request to stop; the best plan so far is kept.
    """
    limits = limits or Limits()
    deadline = Deadline.after(limits.seconds)
    exact = replace(limits, gap=0.0)
    left = exact.within(SHARES[0] * deadline.seconds_left)
    rules = attainable(problem, limits=left, solver=solver, stop=stop)
    lowered = rules.problem
    left = exact.within(SHARES[0] * deadline.seconds_left)
    two_step = one_after_the_other(lowered, limits=left, solver=solver, stop=stop)
    starts = [plan for plan in (two_step.plan, rules.plan) if plan is not None]
    left = exact.within(SHARES[1] * deadline.seconds_left)
    compact = solve_compact(
        lowered, split=two_step.split, starts=starts, limits=left, solver=solver, stop=stop
    )
    if compact.solution is None or compact.objective is None:
        return JointSolution(problem, rules, two_step, compact, None, compact)
    most = compact.objective * (1 + compactness_slack)
    starts.append(with_cheapest_stations(lowered, compact.solution, limits=limits))
    left = limits.within(deadline.seconds_left)
    cost = solve_cheapest(
        lowered, most_inertia=most, starts=starts, limits=left, solver=solver, stop=stop
    )
    return JointSolution(problem, rules, two_step, compact, most, cost)


def one_after_the_other(
    problem: JointSplit, *, limits: Limits, solver: str = "scip", stop: Stop | None = None
) -> OneAfterTheOther:
    """
    Split by compactness alone, then open and size the cheapest stations of these districts.

    Parameters
    ----------
    problem
        The rules; those that these districts cannot meet are lowered for them alone.
    limits, solver, stop
        As for :func:`solve_joint`.
    """
    split = solve_districting(problem.districting, limits=limits, solver=solver, stop=stop)
    if split.solution is None:
        return OneAfterTheOther(split, None, None)
    given = problem.given(split.solution).attainable()
    siting = cheapest_siting(given, limits=limits, solver=SITING_SOLVER, stop=stop)
    plan = None if siting.solution is None else JointPlan(split.solution, siting.solution)
    return OneAfterTheOther(split, siting, plan)


def with_cheapest_stations(problem: JointSplit, plan: JointPlan, *, limits: Limits) -> JointPlan:
    """Return a plan with the cheapest stations of its districts; itself if none is found."""
    siting = cheapest_siting(problem.given(plan.labels), limits=limits, solver=SITING_SOLVER)
    return plan if siting.solution is None else JointPlan(plan.labels, siting.solution)
