"""A split by two levels: compact first, then the shortest borders among nearly as compact ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...instances.policy_sections import SplitPolicy
from ...models.districting.measures import Geography, measure_named
from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ..districting.goals.levels import Goal, solve_goals
from ..districting.labelling.engine import solve_labelling
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..search import Listen
from .region import Region

INERTIA = "moment-of-inertia"

FOR_THE_BOUND = 0.2
"""Share of the time that is kept for a bound without the limit, where a split is not proven."""

PROVEN_GAP = 1e-9


@dataclass(frozen=True, eq=False)
class Compactness:
    """
    The moment of inertia that a split keeps while another measure is minimised.

    Parameters
    ----------
    best
        What the moment of inertia reached alone, and its bound; without the plan.
    slack
        Share by which the split may exceed it.
    limit
        What the split must not exceed.
    inertia
        Moment of inertia of the split.
    """

    best: Result[IntArray]
    slack: float
    limit: float
    inertia: float

    @property
    def is_proven(self) -> bool:
        """Whether the limit lies above the least moment of inertia that is possible."""
        return self.best.status is Status.OPTIMAL

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        return {
            "inertia": self.inertia,
            "limit": self.limit,
            "slack": self.slack,
            "best": self.best.as_record(),
        }

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Compactness:
        """Read a record back."""
        best = entry["best"]
        result = Result[IntArray](
            Status(best["status"]),
            Reason(best["reason"]),
            objective=best["objective"],
            bound=best["bound"],
            seconds=best["seconds"],
            solver=best["solver"],
            detail=best["detail"],
        )
        return cls(result, entry["slack"], entry["limit"], entry["inertia"])


def with_bound(result: Result[IntArray], free: Result[IntArray]) -> Result[IntArray]:
    """
    Return a result with the better bound of its own and of a problem with fewer constraints.

    Parameters
    ----------
    result
        A plan that keeps a limit, and its bound.
    free
        The same objective without the limit: no plan with it can cost less than its bound.
    """
    seconds = {**result.seconds, "free bound": free.total_seconds}
    bounds = [bound for bound in (result.bound, free.bound) if bound is not None]
    better = replace(result, seconds=seconds, bound=max(bounds, default=None))
    if better.gap is not None and better.gap <= PROVEN_GAP:
        return replace(better, status=Status.OPTIMAL, reason=Reason.PROVEN)
    return better


def solve_two_levels(
    problem: Districting,
    region: Region,
    rules: SplitPolicy,
    *,
    limits: Limits,
    solver: str,
    stop: Stop | None,
    listen: Listen,
) -> tuple[Result[IntArray], Compactness | None]:
    """
    Minimise the moment of inertia, then the policy's objective within its slack of the best.

    Where the second is not proven, the bound of the same objective without the limit, by walks in
    the dual and the labelling model, holds too, and is often the better one.

    Parameters
    ----------
    problem
        The districts that are asked for.
    region
        The units, which know the lengths of their borders.
    rules
        Objective and slack.
    limits, solver, stop, listen
        As for :func:`.goals.solve_goals`.

    Returns
    -------
    tuple
        Result of the last level, and the moment of inertia that it keeps; None without a plan.
    """
    geography = Geography(edge_lengths=region.weighted_lengths(problem))
    deadline = Deadline.after(limits.seconds)
    solved = solve_goals(
        problem,
        [Goal(INERTIA, slack=rules.compactness_slack), Goal(rules.objective, level=1)],
        geography=geography,
        limits=limits.within((1 - FOR_THE_BOUND) * limits.seconds),
        solver=solver,
        stop=stop,
        listen=listen,
    )
    if solved.plan is None:
        return solved.result, None
    first = solved.levels[0]
    best = replace(first.result, solution=None)
    kept = problem.evaluate(solved.plan)
    seconds = {"compactness": first.result.total_seconds, **solved.result.seconds}
    result = replace(solved.result, seconds=seconds)
    if result.status is not Status.OPTIMAL and not (stop is not None and stop.requested):
        costs = measure_named(rules.objective, geography).parts(problem).edge_costs
        assert costs is not None  # noqa: S101 - both objectives are sums over edges
        free = solve_labelling(
            problem,
            edge_costs=costs,
            start=solved.plan,
            limits=limits.within(deadline.seconds_left),
            stop=stop,
        )
        result = with_bound(result, free)
    return result, Compactness(best, rules.compactness_slack, first.limit, kept)
