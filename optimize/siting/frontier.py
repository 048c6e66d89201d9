"""
Points of the trade-off curve of station siting, each proven.

A point takes two integer programs (:mod:`...models.siting.station_frontier`): the best that a
budget buys, then the least cost of as much. Both run to a gap of 0; what they return is computed
again from the siting and checked, and a point says of each step whether it is proven and by what
bound. One step's bound also holds for every smaller budget, so the points enclose the whole curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ...models.formulation import FloatArray
from ...models.siting.station import Siting, StationSiting
from ...models.siting.station_frontier import cheapest_walking_model
from ...models.siting.station_models import StationModel, served_model, walking_model
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..solvers import solve_model
from .engine import cheapest_siting
from .trim import trimmed

Against = Literal["served", "walking"]

PROVEN = 1e-6
"""Relative distance to the bound up to which a step counts as proven."""

_HELD = 1e-9
_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """
    One point of a trade-off curve.

    Parameters
    ----------
    budget
        Money that was offered.
    siting
        The decision: as good as any within the budget, and the cheapest that is as good.
    cost, value
        Its cost, and its residents served or resident-minutes.
    best
        What is proven of the value within the budget.
    cheapest
        What is proven of the least cost of that value.
    """

    budget: float
    siting: Siting
    cost: float
    value: float
    best: Result[Siting]
    cheapest: Result[Siting]

    @property
    def is_proven(self) -> bool:
        """Whether both steps are proven optimal."""
        return all(step.status is Status.OPTIMAL for step in (self.best, self.cheapest))


@dataclass(frozen=True, eq=False)
class Frontier:
    """
    The curve of one city: cost against residents served, or against walking.

    Parameters
    ----------
    problem
        The siting problem; for walking its rules are those that the sites can meet.
    against
        What is weighed against cost.
    solver
        Backend of the integer programs.
    """

    problem: StationSiting
    against: Against
    solver: str = "scip"

    def __post_init__(self) -> None:
        """Refuse a curve that is not known."""
        if self.against not in ("served", "walking"):
            raise ValueError(f"against = {self.against!r} not understood; give served or walking.")

    @property
    def maximize(self) -> bool:
        """Whether more of the value is better."""
        return self.against == "served"

    @cached_property
    def rules(self) -> StationSiting:
        """What every point must keep: all rules, or of served those of open sites and sizes."""
        if not self.maximize:
            return self.problem
        nobody = np.zeros(self.problem.num_units, dtype=bool)
        nothing = np.zeros(self.problem.num_communities)
        return replace(self.problem, must_reach=nobody, target_m2=nothing)

    def value(self, siting: Siting) -> float:
        """Residents served, or resident-minutes, of a siting."""
        problem = self.problem
        return problem.residents_served(siting) if self.maximize else problem.walking(siting)

    def least(self) -> Siting:
        """Return the siting to start from: what stands, and what is required, no larger."""
        problem = self.problem
        siting = problem.today()
        siting.is_open[problem.required] = True
        area = np.where(problem.required, problem.min_area_m2, 0.0)
        return Siting(siting.is_open, np.maximum(siting.area_m2, area))

    def every_rule(self, limits: Limits, stop: Stop | None = None) -> Result[Siting]:
        """Return the cheapest plan of every rule that the sites can meet."""
        exact = replace(limits, gap=0.0)
        attainable = self.problem.attainable()
        return cheapest_siting(attainable, limits=exact, solver=self.solver, stop=stop)

    def ends(
        self, limits: Limits, *, budget: float | None = None, stop: Stop | None = None
    ) -> tuple[float, float, Result[Siting]]:
        """
        Return the least and the largest budget of the curve, and the cost of every rule.

        Of residents served from what is required to the cost of every rule; of walking from there
        to the least cost at which nobody could walk less.

        Parameters
        ----------
        limits
            Of each of the two solves.
        budget
            Largest budget that is of interest; None for all.
        stop
            A request to stop.
        """
        rules = self.every_rule(limits, stop)
        if rules.objective is None:
            raise ValueError(f"The cost of every rule was not found ({rules.detail}).")
        if self.maximize:
            low, high = self.problem.cost(self.least()), rules.objective
        elif budget is not None:
            low, high = rules.objective, budget
        else:
            shortest = self.problem.walking(self.problem.everything())
            answer = self._cheapest(shortest, self.problem.everything(), limits, stop)
            found = rules.objective if answer.objective is None else answer.objective
            low, high = rules.objective, found
        high = high if budget is None else min(high, budget)
        if high < low:
            raise ValueError(
                f"A budget of {high:,.2f} is less than {low:,.2f}, where the curve begins."
            )
        return low, high, rules

    def point(
        self,
        budget: float,
        *,
        start: Siting | None = None,
        limits: Limits | None = None,
        stop: Stop | None = None,
    ) -> FrontierPoint | None:
        """
        Find one point; None if nothing was found within the limits.

        Parameters
        ----------
        budget
            Money to spend.
        start
            A siting within the budget, such as that of the point before.
        limits
            Time of both steps together, seed and threads.
        stop
            A request to stop.
        """
        limits = replace(limits or Limits(), gap=0.0)
        deadline = Deadline.after(limits.seconds)
        best = self._best(budget, start, limits.within(limits.seconds * _SHARE), stop)
        if best.solution is None or best.objective is None:
            return None
        cheapest = self._cheapest(
            best.objective, best.solution, limits.within(deadline.seconds_left), stop
        )
        siting, cost = cheapest.solution, cheapest.objective
        assert siting is not None  # noqa: S101 - at least the siting that it started from
        assert cost is not None  # noqa: S101
        value = self.value(siting)
        best = self._stated(best, siting, value, best.bound, maximize=self.maximize)
        return FrontierPoint(max(budget, cost), siting, cost, value, best, cheapest)

    def _best(
        self, budget: float, start: Siting | None, limits: Limits, stop: Stop | None
    ) -> Result[Siting]:
        """Get the most from a budget."""
        allowed = budget + _room(budget)
        make = served_model if self.maximize else walking_model
        station = make(self.problem, budget=allowed)
        first = None if self.maximize or start is None else station.start(self.problem, start)
        answer = self._solve(station, limits, stop, first)
        known = [self._decoded(station, answer), start, self.least()]
        found = self._best_of([one for one in known if one is not None], budget)
        value = None if found is None else self.value(found)
        return self._stated(answer, found, value, answer.bound, maximize=self.maximize)

    def _cheapest(
        self, value: float, start: Siting, limits: Limits, stop: Stop | None
    ) -> Result[Siting]:
        """Find the least cost of a value."""
        problem = self.problem
        if self.maximize:
            least = value * (1 - _HELD)
            spent = problem.cost(start)
            station = served_model(problem, budget=spent + _room(spent), least_served=least)
            answer = self._solve(station, limits, stop, None)
        else:
            station = cheapest_walking_model(problem, most_walking=value * (1 + _HELD))
            answer = self._solve(station, limits, stop, station.start(problem, start))
        found = self._decoded(station, answer)
        keeps = found is not None and self._keeps(found, value=value)
        if found is None or not keeps or problem.cost(found) > problem.cost(start):
            found = start
        return self._stated(answer, found, problem.cost(found), answer.bound, maximize=False)

    def _solve(
        self,
        station: StationModel,
        limits: Limits,
        stop: Stop | None,
        start: FloatArray | None,
    ) -> Result[FloatArray]:
        if not station.model.num_columns:
            bound = station.model.offset
            nothing = np.empty(0)
            return Result(Status.OPTIMAL, Reason.PROVEN, nothing, bound, bound, solver=self.solver)
        return solve_model(station.model, solver=self.solver, limits=limits, start=start, stop=stop)

    def _decoded(self, station: StationModel, answer: Result[FloatArray]) -> Siting | None:
        if answer.solution is None:
            return None
        return trimmed(self.problem, station.siting(self.problem, answer.solution))

    def _keeps(
        self, siting: Siting, *, budget: float | None = None, value: float | None = None
    ) -> bool:
        """Whether a siting keeps every rule, a budget, and is as good as a value."""
        problem = self.problem
        if budget is not None and problem.cost(siting) > budget + PROVEN * max(1.0, budget):
            return False
        if value is not None:
            own = self.value(siting)
            worse = value - own if self.maximize else own - value
            if worse > PROVEN * max(1.0, abs(value)):
                return False
        return not self.rules.violations(siting)

    def _best_of(self, sitings: list[Siting], budget: float) -> Siting | None:
        """Return the cheapest of the best sitings that keep the rules and the budget."""
        kept = [one for one in sitings if self._keeps(one, budget=budget)]
        if not kept:
            return None
        losses = [-self.value(one) if self.maximize else self.value(one) for one in kept]
        least = min(losses)
        close = least + PROVEN * max(1.0, abs(least))
        best = [one for one, loss in zip(kept, losses, strict=True) if loss <= close]
        return min(best, key=self.problem.cost)

    def _stated(
        self,
        answer: Result[FloatArray] | Result[Siting],
        siting: Siting | None,
        value: float | None,
        bound: float | None,
        *,
        maximize: bool,
    ) -> Result[Siting]:
        """State what is proven of a value that was computed again."""
        known = Result[Siting](
            Status.UNKNOWN, answer.reason, siting, value, bound, seconds=answer.seconds,
            solver=answer.solver, version=answer.version, seed=answer.seed, nodes=answer.nodes,
            maximize=maximize, model_size=answer.model_size,
        )  # fmt: skip
        if value is None:
            return replace(known, reason=_unproven(answer.reason))
        if bound is None or not np.isfinite(bound):
            return replace(known, status=Status.FEASIBLE, bound=None,
                           reason=_unproven(answer.reason))  # fmt: skip
        distance = bound - value if maximize else value - bound
        size = PROVEN * max(1.0, abs(value))
        if distance < -10 * size:
            return replace(
                known, status=Status.UNKNOWN, reason=Reason.ERROR, solution=None, objective=None,
                detail=f"{value:,.6f} is better than the bound {bound:,.6f}",
            )  # fmt: skip
        if distance <= size:
            return replace(known, status=Status.OPTIMAL, reason=Reason.PROVEN, bound=value)
        return replace(known, status=Status.FEASIBLE, reason=_unproven(answer.reason))


def _room(budget: float) -> float:
    """Money that counts as none, so that a budget that a plan just costs admits the plan."""
    return 1e-6 + _HELD * budget


def _unproven(reason: Reason) -> Reason:
    return Reason.LIMIT if reason is Reason.PROVEN else reason


def dominated(
    costs: Sequence[float], values: Sequence[float], *, maximize: bool, relative: float = PROVEN
) -> list[bool]:
    """
    Say of each point whether another is at least as good in both, and better in one or earlier.

    Parameters
    ----------
    costs, values
        Of the points.
    maximize
        Whether more of the value is better.
    relative
        Relative difference that counts as none.

    Examples
    --------
    >>> dominated([1.0, 2.0, 3.0], [10.0, 20.0, 20.0], maximize=True)
    [False, False, True]
    """
    cost = np.asarray(costs, dtype=float)
    loss = -np.asarray(values, dtype=float) if maximize else np.asarray(values, dtype=float)
    slack = [relative * max(1.0, float(np.abs(x).max(initial=0.0))) for x in (cost, loss)]
    found = []
    for i in range(cost.size):
        as_good = (cost <= cost[i] + slack[0]) & (loss <= loss[i] + slack[1])
        better = (cost < cost[i] - slack[0]) | (loss < loss[i] - slack[1])
        earlier = np.arange(cost.size) < i
        as_good[i] = False
        found.append(bool((as_good & (better | earlier)).any()))
    return found
