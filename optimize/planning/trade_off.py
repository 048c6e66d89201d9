"""The trade-off curve of a city: cost against residents served, or against walking."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...instances.city import City
from ...instances.policy import Policy, render_policy
from ...instances.site_units import site_units
from ...instances.walking import WalkingTimes, walking_times
from ...models.formulation import FloatArray
from ...models.siting.station import Siting, StationSiting
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress, silent
from ..result import Reason, Result, Status
from ..siting.frontier import Against, Frontier, FrontierPoint, dominated
from .audit import audit_city
from .checkpoint import Checkpoint
from .site import siting_problem
from .snapshot import Snapshot, communities_of_sites

SOLVERS: dict[str, str] = {"served": "scip", "walking": "highs"}
"""Backend of each curve where none is given: the faster of the two on whole cities."""

POINT_SECONDS = 600.0
"""Time limit of a point where none is given."""


@dataclass(frozen=True, eq=False)
class TradeOff:
    """
    A trade-off curve of a city.

    Parameters
    ----------
    city, policy, times, before
        The input, and the city today.
    problem
        The siting problem of the communities of today, with its rules as the policy asks them.
    against
        ``served`` or ``walking``.
    points
        Points by budget.
    asked
        Number of points that were asked.
    every_rule
        The cheapest plan of every rule that the sites can meet.
    resumed
        Points that an earlier, stopped run had found.
    """

    city: City
    policy: Policy
    times: WalkingTimes
    before: Snapshot
    problem: StationSiting
    against: Against
    points: tuple[FrontierPoint, ...]
    asked: int
    every_rule: Result[Siting]
    resumed: int = 0

    @cached_property
    def attainable(self) -> StationSiting:
        """The problem with every rule lowered to what the sites can meet."""
        return self.problem.attainable()

    def value(self, siting: Siting) -> float:
        """Residents served, or resident-minutes of all whom the sites can reach."""
        if self.against == "served":
            return self.problem.residents_served(siting)
        return self.attainable.walking(siting)

    @property
    def dominated(self) -> tuple[bool, ...]:
        """Which points another one is as good as in both, and better or earlier."""
        found = dominated(
            [point.cost for point in self.points],
            [point.value for point in self.points],
            maximize=self.against == "served",
        )
        return tuple(found)

    @property
    def is_whole(self) -> bool:
        """Whether every point that was asked is there and proven."""
        return len(self.points) == self.asked and all(point.is_proven for point in self.points)


def make_trade_off(
    city: City,
    policy: Policy,
    *,
    against: Against = "served",
    points: int = 10,
    budget: float | None = None,
    solver: str | None = None,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
    resume: Path | None = None,
) -> TradeOff:
    """
    Compute the curve of the stations of a city, for its communities of today.

    Parameters
    ----------
    city, policy
        The city and the rules.
    against
        ``served``: residents that are served; no rule has to be met. ``walking``:
        resident-minutes among plans that meet every rule that the sites can meet.
    points
        Number of budgets, evenly spaced from end to end.
    budget
        Largest budget of interest; None for the whole curve.
    solver
        Backend of the integer programs; None for the one that is usually faster.
    seconds
        Time limit of all points together; None for ten minutes each.
    stop, listen
        A request to stop, which keeps the points found, and who hears of progress.
    resume
        File that keeps the points, so that the next run on the same input goes on from there; those
        that are not proven are computed again.

    Raises
    ------
    ValueError
        If a number makes no sense, or the budget lies before the begin of the curve.
    """
    if points < 2:
        raise ValueError(f"points = {points} not understood; give at least 2.")
    listen(Progress("walk", text="walking times"))
    times = walking_times(city, policy)
    before = audit_city(city, policy, times)
    site_community = communities_of_sites(site_units(city, policy), before.unit_community)
    problem = siting_problem(
        city, policy, times, before.communities, before.unit_community, site_community
    )
    asked_of = problem if against == "served" else problem.attainable()
    frontier = Frontier(asked_of, against, solver or SOLVERS.get(against, "highs"))
    kept = None if resume is None else _open(resume, city, policy, (against, points, budget))
    deadline = Deadline.after(POINT_SECONDS * points if seconds is None else seconds)
    limits = Limits(max(0.1, deadline.seconds_left / points), 0.0, policy.solver.seed,
                    policy.solver.threads)  # fmt: skip
    low, high, rules = frontier.ends(limits, budget=budget, stop=stop)
    found: list[FrontierPoint] = []
    resumed = 0
    for place, money in enumerate(np.linspace(low, high, points).tolist()):
        if stop is not None and stop.requested:
            break
        point = None if kept is None else _kept_point(kept.entries.get(str(place)), frontier)
        resumed += point is not None
        if point is None:
            share = deadline.seconds_left / (points - place)
            start = found[-1].siting if found else None
            point = frontier.point(money, start=start, limits=limits.within(share), stop=stop)
        if point is None:
            continue
        found.append(point)
        if kept is not None and point.is_proven:
            kept.put(str(place), _entry(point))
        listen(
            Progress("trade-off", f"cost {point.cost:,.1f}", len(found), points,
                     text=f"{against} {point.value:,.1f}, "
                          f"{'proven' if point.is_proven else 'not proven'}")
        )  # fmt: skip
    return TradeOff(
        city, policy, times, before, problem, against, tuple(found), points, rules, resumed
    )


def _open(path: Path, city: City, policy: Policy, asked: tuple[object, ...]) -> Checkpoint:
    decided = [repr(one) for one in (*city.edge_changes, *getattr(city, "decisions", ()))]
    return Checkpoint.open(path, city.sha256, render_policy(policy), json.dumps(asked), *decided)


def _entry(point: FrontierPoint) -> dict[str, Any]:
    """Return a point as JSON takes it."""
    siting = point.siting
    return {
        "budget": point.budget,
        "open": np.flatnonzero(siting.is_open).tolist(),
        "area_m2": siting.area_m2[siting.is_open].tolist(),
        "best": _facts(point.best),
        "cheapest": _facts(point.cheapest),
    }


def _facts(result: Result[Siting]) -> dict[str, Any]:
    return {
        "status": str(result.status),
        "reason": str(result.reason),
        "objective": result.objective,
        "bound": result.bound,
        "seconds": dict(result.seconds),
        "solver": result.solver,
        "version": result.version,
        "seed": result.seed,
        "nodes": result.nodes,
        "maximize": result.maximize,
    }


def _kept_point(entry: dict[str, Any] | None, frontier: Frontier) -> FrontierPoint | None:
    """Return a point that was kept; None if its figures are not those of its siting."""
    if entry is None:
        return None
    problem = frontier.problem
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[entry["open"]] = True
    area: FloatArray = np.zeros(problem.num_sites)
    area[entry["open"]] = entry["area_m2"]
    siting = Siting(is_open, area)
    cost, value = problem.cost(siting), frontier.value(siting)
    steps = [
        Result[Siting](**{**entry[key], "status": Status(entry[key]["status"]),
                          "reason": Reason(entry[key]["reason"]), "solution": siting})
        for key in ("best", "cheapest")
    ]  # fmt: skip
    same = [
        step.objective is not None and abs(step.objective - now) <= 1e-6 * max(1.0, abs(now))
        for step, now in zip(steps, (value, cost), strict=True)
    ]
    if not all(same) or frontier.rules.violations(siting):
        return None
    return FrontierPoint(entry["budget"], siting, cost, value,
                         replace(steps[0], objective=value), steps[1])  # fmt: skip
