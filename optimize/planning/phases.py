"""Stage phases: what is built in which year, so that circles of daily life are recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...instances.city import City
from ...instances.notes import Note, note
from ...instances.policy import Policy
from ...models.formulation import FloatArray, IntArray
from ...models.siting.circles import PhasedCircles, YearStates
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, silent
from ..result import Result, Status
from ..siting.circles import solve_circles
from .listening import heard
from .phase_ground import CircleCity
from .site import NoPlanError


@dataclass(frozen=True, eq=False)
class PhasePlan:
    """
    What is built in which year.

    Parameters
    ----------
    city, policy, circles
        The city, the rules, and what the circles are made of.
    problem
        What was asked, with the weights and targets of the policy.
    years
        Year of each facility: 0 today, -1 never, shape (facilities,).
    steps
        How well each step is known, by its name.
    warnings
        What readers should know.
    seconds
        Seconds by phase of the work.
    """

    city: City
    policy: Policy
    circles: CircleCity
    problem: PhasedCircles
    years: IntArray
    steps: dict[str, Result[IntArray]]
    warnings: tuple[Note, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def states(self) -> YearStates:
        """What every year looks like."""
        return self.problem.states(self.years)

    def shortfalls(self) -> list[dict[str, Any]]:
        """Return the targets that are not met."""
        states, targets = self.states, self.problem.targets
        if targets is None:
            return []
        return [
            {
                "year": t + 1,
                "target": int(targets[t]),
                "circles": int(states.circles[t]),
                "short": int(states.short[t]),
            }
            for t in np.flatnonzero(states.short > 0)
        ]


def phases_city(
    city: City,
    policy: Policy,
    circles: CircleCity,
    *,
    budgets: Sequence[float],
    seconds: float | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listener = silent,
) -> PhasePlan:
    """
    Choose what is built in which year.

    Parameters
    ----------
    city, policy, circles
        The city, the rules, and what the circles are made of.
    budgets
        Money of each year.
    seconds
        Time limit; None for the policy's.
    method
        As of :func:`~shequ.optimize.siting.circles.solve_circles`.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    NoPlanError
        If nothing was found within the limits.
    """
    rules, solver = policy.circles, policy.solver
    targets, warnings = _targets(policy, len(budgets), circles.ground.num_circles)
    problem = PhasedCircles(
        circles.ground,
        budgets=np.array(budgets, dtype=float),
        weights=_weights(policy, len(budgets)),
        carries_over=rules.carry_over,
        targets=targets,
        bonus=rules.target_bonus,
    )
    limits = Limits(seconds or rules.seconds, solver.siting_gap, solver.seed, solver.threads)
    deadline = Deadline.after(limits.seconds)
    plan: IntArray | None = None
    steps: dict[str, Result[IntArray]] = {}
    floors = np.zeros(len(budgets))
    asked = _asked(problem, rules.order)
    for number, (name, step) in enumerate(asked.items()):
        share = deadline.seconds_left / (len(asked) - number)
        result = solve_circles(
            replace(step, floors=floors if floors.any() else None),
            limits=limits.within(share),
            solver=solver.name,
            method=method,
            start=plan,
            stop=stop,
            listen=heard(listen, "phases", name, maximize=True),
        )
        steps[name] = result
        if result.solution is not None:
            plan = result.solution
            floors = _floors(step, plan, floors)
    if plan is None:
        raise NoPlanError("No phases were found within the limits; give more time.")
    broken = problem.violations(plan)
    if broken:
        raise NoPlanError(f"The phases break a rule: {broken[0]}.")
    return PhasePlan(city, policy, circles, problem, plan, steps, (*circles.warnings, *warnings))


def _asked(problem: PhasedCircles, order: str) -> dict[str, PhasedCircles]:
    """Problems that are solved one after the other, each keeping what those before reached."""
    if order == "sum":
        return {"most residents in circles": problem}
    years = list(range(problem.num_years))
    if order == "last_year_first":
        years.reverse()
    found = {}
    for year in years:
        only = np.arange(problem.num_years) == year
        targets = None if problem.targets is None else np.where(only, problem.targets, 0)
        found[f"most residents in circles in year {year + 1}"] = replace(
            problem, weights=only.astype(float), targets=targets
        )
    return found


def _floors(step: PhasedCircles, plan: IntArray, floors: FloatArray) -> FloatArray:
    """Residents that the next steps must keep in the years that this one was about."""
    residents = step.states(plan).residents
    return np.where(step.weights > 0, residents, floors)


def _weights(policy: Policy, num_years: int) -> FloatArray:
    given = policy.circles.year_weights
    return np.array([given[min(year, len(given) - 1)] for year in range(num_years)], dtype=float)


def _targets(
    policy: Policy, num_years: int, num_circles: int
) -> tuple[IntArray | None, list[Note]]:
    """Return the targets of the years, none above the number of circles, and say so."""
    given = policy.circles.targets[:num_years]
    targets = np.zeros(num_years, dtype=np.int64)
    targets[: len(given)] = np.minimum(given, num_circles)
    high = [number for number in given if number > num_circles]
    told = [
        note("target_above_circles", circles=num_circles, target=number)
        for number in dict.fromkeys(high)
    ]
    return (targets if targets.any() else None), told


def proven(plan: PhasePlan) -> bool:
    """Whether every step is proven best."""
    return all(result.status is Status.OPTIMAL for result in plan.steps.values())
