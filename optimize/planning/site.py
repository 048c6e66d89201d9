"""Stage site: which stations open, and how large."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.decisions import closing, least_areas
from ...instances.notes import named, note
from ...instances.policy import Policy
from ...instances.walking import WalkingTimes
from ...models.formulation import IntArray
from ...models.siting.station import Siting, StationSiting
from ...models.siting.station_spending import Spending
from ...models.siting.walking_goals import WalkingGoal
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, silent
from ..result import Reason, Result, Status
from ..siting.engine import (
    cheapest_by_part,
    cheapest_of_served,
    least_goal,
    least_walking,
    most_served,
)
from .listening import heard
from .shortfall import InfeasibleError, Shortfall
from .site_shortfalls import AREA_TOLERANCE_M2, BudgetRemedy, Mend, more_sites, shortfalls
from .snapshot import counts_as_existing, offers_service

SHARE = 0.5
"""Share of the time that is left for the first of two steps."""


@dataclass(frozen=True, eq=False)
class CitySiting:
    """
    The siting of one city.

    Parameters
    ----------
    problem
        What was asked, after lowering rules that no site can meet.
    siting
        The decision.
    cost, walking
        How well it is known that cost and walking are best; None with a budget.
    served
        How well it is known that the residents served with a budget are most; None without.
    budget
        The budget, or None for the cheapest plan.
    lowest
        The cheapest plan that meets every rule that the sites allow, whatever was chosen then.
    """

    problem: StationSiting
    siting: Siting
    cost: Result[Siting] | None
    walking: Result[Siting] | None
    served: Result[Siting] | None = None
    budget: float | None = None
    lowest: Result[Siting] | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        return {
            "mode": "cheapest" if self.budget is None else "budget",
            "budget": self.budget,
            "lowest": _optional_record(self.lowest),
            "cost": _optional_record(self.cost),
            "served": _optional_record(self.served),
            "walking": _optional_record(self.walking),
        }


def _optional_record(result: Result[Any] | None) -> dict[str, Any] | None:
    return None if result is None else {**result.as_record(), "maximize": result.maximize}


class NoPlanError(RuntimeError):
    """No plan was found within the limits."""


def site_city(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    *,
    communities: pd.DataFrame,
    unit_community: IntArray,
    site_community: IntArray,
    budget: float | None = None,
    relax: bool = False,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> tuple[CitySiting, list[Shortfall]]:
    """
    Open and size stations for the communities of a plan.

    Parameters
    ----------
    city, policy, times
        The city, the rules and the walking minutes.
    communities
        One row a community with ``community_id`` and ``name``.
    unit_community, site_community
        Row of the community of each unit and site (-1 for none).
    budget
        Serve the most residents with this much money, instead of all at least cost.
    relax
        Meet what can be met where the sites do not suffice.
    seconds
        Time limit; None for the policy's.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    InfeasibleError
        If the sites cannot meet the rules, unless ``relax`` or with a budget.
    NoPlanError
        If nothing was found within the limits.
    """
    problem = siting_problem(city, policy, times, communities, unit_community, site_community)
    attainable = problem.attainable()
    everything = problem.everything()
    impossible = list(shortfalls(city, policy, problem, everything, communities, more_sites))
    if impossible and not relax and budget is None:
        raise InfeasibleError(impossible)
    rules = policy.solver
    limits = Limits(seconds or policy.siting.seconds, rules.siting_gap, rules.seed, rules.threads)
    steps = _Steps(city, policy, problem, attainable, communities, limits, stop, listen)
    return steps.cheapest() if budget is None else steps.with_budget(budget)


@dataclass(frozen=True, eq=False)
class _Steps:
    """The solves of one siting, one after the other within one time limit."""

    city: City
    policy: Policy
    problem: StationSiting
    attainable: StationSiting
    communities: pd.DataFrame
    limits: Limits
    stop: Stop | None
    listen: Listener

    def cheapest(self) -> tuple[CitySiting, list[Shortfall]]:
        """Find the cheapest plan, then the least walking among the cheapest."""
        deadline = Deadline.after(self.limits.seconds)
        problem = self.attainable
        lowest, spending = self._lowest(deadline.seconds_left * SHARE, "least cost")
        first = _solution(lowest)
        budget = problem.cost(first) * (1 + self.policy.siting.cost_slack)
        left = self.limits.within(deadline.seconds_left)
        asked: dict[str, Any] = {"budget": budget, "spending": spending, "limits": left}
        goal = walking_goal(self.city, self.policy, self.communities, self.problem)
        if goal is None:
            how = self._how("least walking")
            walking = least_walking(problem, first, **asked, **how)
        else:
            how = self._how(f"least walking, {goal.kind}")
            walking = least_goal(problem, first, goal, **asked, **how)
        chosen = _solution(walking)
        cost = _cost_of(lowest, problem.cost(chosen), self.policy)
        siting = CitySiting(problem, chosen, cost, walking, lowest=lowest)
        return siting, self._missing(chosen, more_sites)

    def with_budget(self, budget: float) -> tuple[CitySiting, list[Shortfall]]:
        """Serve the most residents, at the least cost; find what would meet every rule."""
        deadline = Deadline.after(self.limits.seconds)
        problem, attainable = self.problem, self.attainable
        lowest, _ = self._lowest(self.limits.seconds / 4, "cost of every rule")
        served = most_served(
            problem,
            budget=budget,
            limits=self.limits.within(deadline.seconds_left * SHARE),
            **self._how("most residents served", maximize=True),
        )
        chosen = cheapest_of_served(
            problem,
            _solution(served),
            limits=self.limits.within(deadline.seconds_left),
            **self._how("least cost of these"),
        )
        served = replace(served, solution=chosen, objective=problem.residents_served(chosen))
        remedy = budget_remedy(problem, attainable, lowest, self.policy)
        siting = CitySiting(problem, chosen, None, None, served, budget, lowest)
        return siting, self._missing(chosen, remedy)

    def _lowest(self, seconds: float, step: str) -> tuple[Result[Siting], Spending | None]:
        exact = replace(self.limits.within(seconds), gap=0.0)
        return cheapest_by_part(self.attainable, limits=exact, **self._how(step))

    def _how(self, step: str, *, maximize: bool = False) -> dict[str, Any]:
        """Return the arguments that every engine takes: solver, stop and listener."""
        listen = heard(self.listen, "site", step, maximize=maximize)
        return {"solver": self.policy.solver.name, "stop": self.stop, "listen": listen}

    def _missing(self, chosen: Siting, mend: Mend) -> list[Shortfall]:
        found = shortfalls(self.city, self.policy, self.problem, chosen, self.communities, mend)
        return list(found)


def _solution(result: Result[Siting]) -> Siting:
    if result.solution is None:
        raise NoPlanError(f"No siting was found within the limits ({result.detail}).")
    return result.solution


def _cost_of(cheapest: Result[Siting], cost: float, policy: Policy) -> Result[Siting]:
    """Return the first step's bound with the cost of the plan that was chosen in the second."""
    lowest = cheapest.objective
    proven = cheapest.bound is not None and cost <= cheapest.bound + 1e-5 * max(1.0, cost)
    if proven or lowest is None:
        return replace(cheapest, objective=cost)
    told = note(
        "cheapest_costs",
        cost=lowest,
        status=named("known", cheapest.status),
        slack=100 * policy.siting.cost_slack,
    )
    reason = cheapest.reason if cheapest.status is not Status.OPTIMAL else Reason.GAP
    stated = replace(cheapest, status=Status.FEASIBLE, reason=reason, objective=cost)
    return stated.telling(told)


def budget_remedy(
    problem: StationSiting, attainable: StationSiting, lowest: Result[Siting], policy: Policy
) -> BudgetRemedy:
    """
    Return what mends that a budget leaves unmet.

    Parameters
    ----------
    problem, attainable
        The rules, and those rules as far as the sites can meet them.
    lowest
        The cheapest plan that meets the latter.
    policy
        Whose rules they are.
    """
    suffices = attainable.target_m2 >= problem.target_m2 - AREA_TOLERANCE_M2
    return BudgetRemedy(suffices, attainable.must_reach, lowest, policy)


def walking_goal(
    city: City, policy: Policy, communities: pd.DataFrame, problem: StationSiting
) -> WalkingGoal | None:
    """
    Return whose minutes are least; None for those of all together.

    Raises
    ------
    ValueError
        If the policy names a column of walkers that the units do not have.
    """
    rules, units = policy.siting, city.units
    if rules.walking_goal == "mean":
        return None
    if rules.walkers not in units:
        raise ValueError(
            f"siting.walkers = {rules.walkers!r} is no column of the layer units; known are "
            f"{', '.join(str(name) for name in units.columns)}."
        )
    people = np.maximum(units[rules.walkers].fillna(0).to_numpy(float), 0.0)
    if rules.walking_goal == "street":
        names = communities["street_id"].fillna("").astype(str)
        group = np.unique(names, return_inverse=True)[1][problem.community_of_unit]
        return WalkingGoal("group", people, group=group.astype(np.int64))
    return WalkingGoal(rules.walking_goal, people, rules.worst_share)


def siting_problem(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    communities: pd.DataFrame,
    unit_community: IntArray,
    site_community: IntArray,
) -> StationSiting:
    """Turn a city with given communities into the arrays of a siting problem."""
    sites, units = city.sites, city.units
    existing = counts_as_existing(city, policy) & ~closing(city)
    largest = sites["max_area_m2"].to_numpy(float)
    today = np.where(existing, sites["floor_area_m2"].to_numpy(float), 0.0)
    largest = np.maximum(largest, today)
    households = units["households"].to_numpy(float)
    residents = units["residents"].to_numpy(float)
    total = np.bincount(unit_community, households, len(communities))
    unusable = ~existing & ((sites["status"] == "existing").to_numpy() | (largest <= 0))
    forbidden = sites["forbidden"].to_numpy(bool) | unusable | ~offers_service(city, policy)
    required = sites["required"].to_numpy(bool) & ~existing & ~forbidden
    return StationSiting(
        existing=existing,
        area_today_m2=today,
        min_area_m2=np.minimum(
            np.maximum(policy.siting.min_facility_area_m2, least_areas(city)), largest
        ),
        max_area_m2=largest,
        fixed_cost=sites["fixed_cost"].to_numpy(float),
        cost_per_m2=sites["cost_per_m2"].to_numpy(float),
        community_of_site=site_community,
        required=required,
        forbidden=forbidden & ~existing,
        residents=residents,
        households=households,
        community_of_unit=unit_community,
        must_reach=residents > 0,
        minutes=times.minutes,
        target_m2=total * policy.siting.floor_area_m2_per_100_households / 100,
        site_ids=tuple(sites["site_id"].astype(str)),
        unit_ids=tuple(units["unit_id"].astype(str)),
        community_ids=tuple(communities["community_id"].astype(str)),
    )
