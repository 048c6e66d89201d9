"""
Exact station siting: the cheapest plan part by part, then the least walking among the cheapest.

The problem falls apart into many small integer programs (see :mod:`.parts`), each solved to
optimality; their bounds add up. Walking minutes link the whole city again, so the second step is
one model, started from the first plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...models.siting.station import Siting, StationSiting
from ...models.siting.station_models import (
    StationModel,
    cheapest_model,
    served_model,
    walking_model,
)
from ...models.siting.station_spending import Spending
from ...models.siting.walking_goals import WalkingGoal, goal_model
from ..limits import Deadline, Limits, Stop
from ..result import ModelSize, Reason, Result, Status, larger_model
from ..solvers import solve_model
from .parts import Part, independent_parts
from .trim import trimmed

Listen = Callable[[float | None, float | None], None]
TOLERANCE = 1e-6


@dataclass
class _Sum:
    """Objectives, bounds and statuses of independent parts, added up."""

    objective: float = 0.0
    bound: float = 0.0
    proven: bool = True
    reason: Reason = Reason.PROVEN
    version: str = ""
    nodes: int = 0
    model_size: ModelSize | None = None

    def add(self, result: Result[np.ndarray]) -> None:
        self.bound += result.bound if result.bound is not None else 0.0
        self.version, self.nodes = result.version, self.nodes + result.nodes
        self.model_size = larger_model(self.model_size, result.model_size)
        if result.status is not Status.OPTIMAL:
            self.proven, self.reason = False, result.reason


def cheapest_siting(
    problem: StationSiting,
    *,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Siting]:
    """
    Find the cheapest plan that gives every community its floor area and everybody a station.

    Parameters
    ----------
    problem
        What is asked; see :meth:`StationSiting.attainable` for what can be met at all.
    limits
        Time, gap, seed and threads; each part gets a fair share of the time.
    solver
        Backend of the integer programs.
    stop
        A request to stop: parts not yet solved open everything they may.
    listen
        Called with (objective, bound) as the parts are solved.

    Returns
    -------
    Result of Siting
        Infeasible if the sites cannot meet the rules; the violations say where.
    """
    return cheapest_by_part(problem, limits=limits, solver=solver, stop=stop, listen=listen)[0]


def cheapest_by_part(
    problem: StationSiting,
    *,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> tuple[Result[Siting], Spending | None]:
    """
    Find the cheapest plan, and what each independent part costs at least.

    Parameters
    ----------
    problem, limits, solver, stop, listen
        As in :func:`cheapest_siting`.

    Returns
    -------
    plan : Result of Siting
        As :func:`cheapest_siting` returns it.
    spending : Spending or None
        Bounds for :func:`least_walking`; None if the sites cannot meet the rules.
    """
    limits = limits or Limits()
    began = time.monotonic()
    everything = problem.everything()
    broken = problem.violations(everything)
    if broken:
        detail = f"even with every site open: {'; '.join(broken[:5])}"
        nothing = Result[Siting](
            Status.INFEASIBLE, Reason.PROVEN, solver=solver, seed=limits.seed, detail=detail
        )
        return nothing, None
    deadline = Deadline.after(limits.seconds)
    siting = problem.today()
    siting.is_open[problem.required] = True
    total = _Sum()
    parts = independent_parts(problem)
    part_of_site = np.full(problem.num_sites, len(parts))
    least = np.zeros(len(parts) + 1)
    for number, part in enumerate(parts):
        share = max(0.05, deadline.seconds_left / (len(parts) - number) * 4)
        result = _solve_part(
            problem, part, siting, limits.within(min(share, deadline.seconds_left)), solver, stop
        )
        total.add(result)
        part_of_site[part.sites], least[number] = number, result.bound or 0.0
        if listen is not None:
            listen(problem.cost(siting), None)
    cost, seconds = problem.cost(siting), time.monotonic() - began
    plan = _checked(problem, siting, cost, total, limits, solver, seconds)
    return plan, Spending(part_of_site, least)


def _solve_part(
    problem: StationSiting,
    part: Part,
    siting: Siting,
    limits: Limits,
    solver: str,
    stop: Stop | None,
) -> Result[np.ndarray]:
    """Solve one part and write its decision into ``siting``."""
    station = cheapest_model(
        problem, sites=part.sites, communities=part.communities, units=part.units
    )
    result = solve_model(station.model, solver=solver, limits=limits, stop=stop)
    if result.solution is None:
        chosen = problem.everything()
    else:
        chosen = station.siting(problem, result.solution)
    siting.is_open[part.sites] = chosen.is_open[part.sites]
    siting.area_m2[part.sites] = chosen.area_m2[part.sites]
    return result


def least_walking(
    problem: StationSiting,
    start: Siting,
    *,
    budget: float,
    spending: Spending | None = None,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Siting]:
    """
    Find the plan of least walking among those that cost at most ``budget``.

    Parameters
    ----------
    start
        A plan within the budget, returned unless a better one is found.
    budget
        Largest cost, in the policy's currency.
    spending
        What parts of the city cost at least, from :func:`cheapest_by_part`; None if unknown.
    limits, solver, stop, listen
        As in :func:`cheapest_siting`.
    """
    limits = limits or Limits()
    allowed = budget + TOLERANCE * max(1.0, budget)
    station = walking_model(problem, budget=allowed, spending=spending)
    return _solve_city(problem, station, start, limits, solver, stop, listen)


def least_goal(
    problem: StationSiting,
    start: Siting,
    goal: WalkingGoal,
    *,
    budget: float,
    spending: Spending | None = None,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Siting]:
    """
    Find the plan that is best for those who walk farthest, among those within ``budget``.

    Parameters
    ----------
    start
        A plan within the budget, returned unless a better one is found.
    goal
        Whose minutes count, and how.
    budget
        Largest cost, in the policy's currency.
    spending, limits, solver, stop, listen
        As in :func:`least_walking`.
    """
    limits = limits or Limits()
    allowed = budget + TOLERANCE * max(1.0, budget)
    station = goal_model(problem, goal, budget=allowed, spending=spending)
    value = partial(goal.value, problem)
    return _solve_city(problem, station, start, limits, solver, stop, listen, value)


def most_served(
    problem: StationSiting,
    *,
    budget: float,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Siting]:
    """
    Serve the most residents with a budget.

    A resident is served when an open station is within reach and the floor area of the own
    community suffices for the household.

    Raises
    ------
    ValueError
        If the required sites alone cost more than the budget.
    """
    limits = limits or Limits()
    start = problem.today()
    start.is_open[problem.required] = True
    start.area_m2[problem.required] = np.maximum(start.area_m2, problem.min_area_m2)[
        problem.required
    ]
    if problem.cost(start) > budget + TOLERANCE:
        raise ValueError(
            f"The required sites alone cost {problem.cost(start):,.1f}, more than the budget of "
            f"{budget:,.1f}. Raise the budget or require fewer sites."
        )
    station = served_model(problem, budget=budget)
    return _solve_city(problem, station, start, limits, solver, stop, listen)


def cheapest_of_served(
    problem: StationSiting,
    start: Siting,
    *,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Siting:
    """
    Return the cheapest decision that serves as many residents as ``start``, or ``start`` itself.

    Parameters
    ----------
    start
        A decision within its budget.
    limits, solver, stop, listen
        As in :func:`cheapest_siting`.
    """
    wanted, spent = problem.residents_served(start), problem.cost(start)
    station = served_model(problem, budget=spent, least_served=wanted * (1 - 1e-9))
    if station.candidates.size + station.sized.size == 0:
        return start
    result = solve_model(
        station.model, solver=solver, limits=limits or Limits(), stop=stop, listen=listen
    )
    if result.solution is None:
        return start
    found = trimmed(problem, station.siting(problem, result.solution))
    kept = problem.residents_served(found) >= wanted * (1 - 1e-6)
    return found if kept and problem.cost(found) < spent else start


def _solve_city(
    problem: StationSiting,
    station: StationModel,
    start: Siting,
    limits: Limits,
    solver: str,
    stop: Stop | None,
    listen: Listen | None,
    goal: Callable[[Siting], float] | None = None,
) -> Result[Siting]:
    """Solve one model of the whole city; keep the better of its plan and ``start``."""
    began = time.monotonic()
    maximize = station.model.maximize
    value = goal or (problem.residents_served if maximize else problem.walking)
    if station.candidates.size + station.sized.size == 0:
        trivial = _Sum(bound=value(start))
        return _checked(problem, start, value(start), trivial, limits, solver, 0.0, maximize)
    result = solve_model(
        station.model,
        solver=solver,
        limits=limits,
        start=None if maximize or goal is not None else station.start(problem, start),
        stop=stop,
        listen=listen,
    )
    total = _Sum()
    total.add(result)
    total.bound = result.bound if result.bound is not None else (np.inf if maximize else -np.inf)
    best = start
    if result.solution is not None:
        found = trimmed(problem, station.siting(problem, result.solution))
        better = value(found) - value(start)
        best = found if (better > 0) == maximize and better != 0 else start
    seconds = time.monotonic() - began
    return _checked(problem, best, value(best), total, limits, solver, seconds, maximize)


def _checked(
    problem: StationSiting,
    siting: Siting,
    objective: float,
    total: _Sum,
    limits: Limits,
    solver: str,
    seconds: float,
    maximize: bool = False,
) -> Result[Siting]:
    """Recompute, compare with the bound and check every rule, whatever the solver said."""
    broken = [] if maximize else problem.violations(siting)
    distance = total.bound - objective if maximize else objective - total.bound
    slack = 1e-5 * max(1.0, abs(objective))
    if broken or distance < -slack:
        reason = broken[0] if broken else f"objective {objective} beats its bound {total.bound}"
        return Result(Status.UNKNOWN, Reason.ERROR, solver=solver, seed=limits.seed, detail=reason)
    proven = distance <= slack
    return Result(
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        reason=Reason.PROVEN if proven else total.reason,
        solution=siting,
        objective=objective,
        bound=(objective if proven else total.bound) if np.isfinite(total.bound) else None,
        seconds={"solve": seconds},
        solver=solver,
        version=total.version,
        seed=limits.seed,
        nodes=total.nodes,
        maximize=maximize,
        model_size=total.model_size,
    )
