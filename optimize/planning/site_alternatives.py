"""Whole plans of a city whose stations differ, each nearly as cheap as the cheapest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...instances.city import City
from ...instances.notes import note
from ...instances.policy import Policy
from ...models.siting.station import Siting, StationSiting
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress, silent
from ..result import Reason, Result, Status
from ..siting.engine import least_walking
from ..siting.station_alternatives import (
    SitingAlternative,
    further_siting,
    opened_by,
    stations_shared,
)
from .alternatives import make_alternatives
from .communities_named import IDENTITY
from .plan import Plan
from .shortfall import Shortfall
from .site import CitySiting, site_city, siting_problem
from .site_shortfalls import more_sites, shortfalls
from .snapshot import take_snapshot
from .stages import make_plan

SITING_RULES = frozenset({"floor_area", "reach"})
"""Rules whose shortfalls depend on the stations."""


@dataclass(frozen=True, eq=False)
class StationAlternatives:
    """
    Plans of a city that open different stations.

    Parameters
    ----------
    plans
        Whole plans, the cheapest of the first communities first.
    results
        What is proven of the stations of each plan; None for the first. One more than there are
        plans if the last holds no siting, and says why there are no more.
    within, differ
        What was asked.
    new_splits
        Whether each plan divides the communities in a way of its own.
    """

    plans: tuple[Plan, ...]
    results: tuple[SitingAlternative | None, ...]
    within: float
    differ: float
    new_splits: bool

    def as_record(self) -> dict[str, Any]:
        """Return the content of ``alternatives.json``."""
        last = self.results[-1]
        ended = None if last is None or last.siting is not None else last.shared
        return {
            "of": "both" if self.new_splits else "stations",
            "within": self.within,
            "differ": self.differ,
            "plans": [self._row(number) for number in range(len(self.plans))],
            "no_more": None
            if ended is None
            else {
                "status": str(ended.status),
                "reason": str(ended.reason),
                "detail": ended.detail,
            },
        }

    def _row(self, number: int) -> dict[str, Any]:
        siting = siting_of(self.plans[number])
        problem, chosen, lowest = siting.problem, siting.siting, siting.lowest
        earlier = [siting_of(plan).siting for plan in self.plans[:number]]
        result = self.results[number]
        walking = None if result is None else result.walking
        return {
            "plan": number + 1,
            "communities": len(self.plans[number].after.communities),
            "cost": problem.cost(chosen),
            "cost_bound": None if lowest is None else lowest.bound,
            "most_cost": None
            if lowest is None or lowest.objective is None
            else lowest.objective * (1 + self.within),
            "walking": problem.walking(chosen),
            "opened": int(opened_by(problem, chosen).sum()),
            "shared_with": stations_shared(problem, chosen, earlier),
            "shared": None if result is None else result.shared.as_record(),
            "walking_of_these": None if walking is None else walking.as_record(),
        }


def siting_of(plan: Plan) -> CitySiting:
    """Return the siting of a plan that was made with the stage site."""
    assert plan.siting is not None  # noqa: S101 - so the caller has promised
    return plan.siting


def make_station_alternatives(
    city: City,
    policy: Policy,
    *,
    number: int,
    within: float = 0.05,
    differ: float = 0.10,
    new_splits: bool = False,
    solver: str = "scip",
    relax: bool = True,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> StationAlternatives:
    """
    Make plans that share as few new stations as possible.

    Parameters
    ----------
    city, policy
        The city and the rules.
    number
        Number of plans, the cheapest among them.
    within
        Share by which a plan may cost more than the cheapest of its communities.
    differ
        Least share of the stations that an earlier plan opens, and that each further one leaves
        out.
    new_splits
        Divide the communities anew in each plan, as :func:`.alternatives.make_alternatives` does
        with the same shares; otherwise all plans have the communities of the first.
    solver
        Backend of the integer programs of the alternatives.
    relax
        Meet what can be met where rules cannot be met.
    seconds
        Time limit of all together; None for the policy's, once for each plan.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    InfeasibleError
        If the rules cannot be met, unless ``relax``.
    NoPlanError
        If no plan was found within the limits.
    ValueError
        If a number or share makes no sense.
    """
    if number < 1:
        raise ValueError(f"number = {number} not understood; give at least 1.")
    if not within >= 0:
        raise ValueError(f"within = {within} not understood; give a share that is not negative.")
    if not 0 < differ <= 1:
        raise ValueError(f"differ = {differ} not understood; give a share in (0, 1].")
    task = _Task(city, policy, number, within, differ, solver, relax, seconds, stop, listen)
    plans: list[Plan] = []
    results: list[SitingAlternative | None] = []
    for plan in task.divided() if new_splits else task.repeated():
        if not plans:
            plans, results = [plan], [None]
            continue
        found, changed = task.apart(plan, [siting_of(one).siting for one in plans], len(plans) + 1)
        results.append(found)
        if changed is None:
            break
        plans.append(changed)
        listen(Progress("alternatives", done=len(plans), total=number, text="stations"))
    return StationAlternatives(tuple(plans), tuple(results), within, differ, new_splits)


@dataclass(frozen=True, eq=False)
class _Task:
    """What was asked, and how to go about it."""

    city: City
    policy: Policy
    number: int
    within: float
    differ: float
    solver: str
    relax: bool
    seconds: float | None
    stop: Stop | None
    listen: Listener
    nearest: list[tuple[StationSiting, Result[Siting]]] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """Seconds of one step: there are as many as plans, and one for the first of all."""
        return None if self.seconds is None else self.seconds / (self.number + 1)

    def repeated(self) -> Iterator[Plan]:
        """Give the plan of the city once for each that is asked; their communities are the same."""
        plan = make_plan(
            self.city, self.policy, relax=self.relax, seconds=self.share, stop=self.stop,
            listen=self.listen,
        )  # fmt: skip
        for place in range(self.number):
            if place and self.stop is not None and self.stop.requested:
                return
            yield plan

    def divided(self) -> Iterator[Plan]:
        """Give plans of different splits, each with the cheapest stations of its communities."""
        half = None if self.seconds is None else self.seconds / 2
        found = make_alternatives(
            self.city, self.policy, number=self.number, within=self.within, differ=self.differ,
            solver=self.solver, relax=self.relax, seconds=half, stop=self.stop, listen=self.listen,
        )  # fmt: skip
        for plan in found.plans:
            yield self._sited(plan)

    def _sited(self, plan: Plan) -> Plan:
        """Return a plan of communities with stations."""
        began, after = time.monotonic(), plan.after
        share = None if self.share is None else self.share / 2
        siting, missing = site_city(
            self.city, self.policy, plan.times, communities=after.communities,
            unit_community=after.unit_community, site_community=after.site_community,
            relax=self.relax, seconds=share, stop=self.stop, listen=self.listen,
        )  # fmt: skip
        seconds = {**plan.seconds, "site": time.monotonic() - began}
        shortfalls = (*plan.shortfalls, *missing)
        return with_siting(replace(plan, shortfalls=shortfalls, seconds=seconds), siting)

    def apart(
        self, plan: Plan, earlier: Sequence[Siting], place: int
    ) -> tuple[SitingAlternative, Plan | None]:
        """Return what was found of stations that differ from earlier ones, and its plan."""
        began, siting = time.monotonic(), siting_of(plan)
        lowest, rules = siting.lowest, self.policy.solver
        assert lowest is not None  # noqa: S101 - the cheapest plan comes first
        assert lowest.objective is not None  # noqa: S101
        seconds = self.policy.siting.seconds if self.share is None else self.share
        limits = Limits(max(0.1, seconds), 0.0, rules.seed, rules.threads)
        budget = lowest.objective * (1 + self.within)
        how: dict[str, Any] = {"budget": budget, "solver": self.solver, "stop": self.stop}
        deadline = Deadline.after(limits.seconds)
        found = further_siting(
            siting.problem, earlier, differ=self.differ,
            limits=limits.within(limits.seconds * 0.8), **how,
        )  # fmt: skip
        if found.siting is None:
            return found, None
        nearest = self._nearest(
            siting.problem, found.siting, limits=limits.within(deadline.seconds_left), **how
        )
        slack = max(self.within, self.policy.siting.cost_slack)
        changed = replace(
            plan,
            policy=self.policy.with_values({"siting.cost_slack": slack}),
            seconds={**plan.seconds, "alternatives": time.monotonic() - began},
            shortfalls=_missing(plan, found.siting),
        )
        return found, with_siting(changed, _further(siting, found.siting, nearest, place))

    def _nearest(self, problem: StationSiting, start: Siting, **how: Any) -> Result[Siting]:  # noqa: ANN401
        """Return the least walking within the cost: one bound for all plans of the same splits."""
        for known, nearest in self.nearest:
            if known is problem:
                return nearest
        found = least_walking(problem, start, **how)
        self.nearest.append((problem, found))
        return found


def _further(siting: CitySiting, chosen: Siting, nearest: Result[Siting], place: int) -> CitySiting:
    """Return an alternative as a siting: each step stands against the bound on all plans."""
    problem, lowest = siting.problem, siting.lowest
    assert lowest is not None  # noqa: S101 - as above
    told = note("one_of_several", place=place)
    known: dict[str, Any] = {
        "status": Status.FEASIBLE,
        "reason": Reason.LIMIT,
        "solution": chosen,
        "told": told,
        "detail": str(told),
    }
    cost = replace(lowest, **known, objective=problem.cost(chosen))
    walking = replace(nearest, **known, objective=problem.walking(chosen))
    return CitySiting(problem, chosen, cost, walking, lowest=lowest)


def _missing(plan: Plan, chosen: Siting) -> tuple[Shortfall, ...]:
    """Return what other stations leave unmet, beside what the splits do."""
    city, policy, after = plan.city, plan.policy, plan.after
    asked = siting_problem(
        city, policy, plan.times, after.communities, after.unit_community, after.site_community
    )
    short = shortfalls(city, policy, asked, chosen, after.communities, more_sites)
    stays = [one for one in plan.shortfalls if one.rule not in SITING_RULES]
    return (*stays, *short)


def with_siting(plan: Plan, siting: CitySiting) -> Plan:
    """
    Return a plan with other stations for the same communities.

    Parameters
    ----------
    plan
        The plan; its shortfalls stay.
    siting
        The stations, sited for the communities of the plan.
    """
    after, chosen = plan.after, siting.siting
    names = after.communities[[name for name in IDENTITY if name in after.communities]]
    snapshot = take_snapshot(
        plan.city,
        plan.policy,
        plan.times,
        names=names,
        unit_community=after.unit_community,
        site_community=after.site_community,
        is_open=chosen.is_open,
        area_m2=chosen.area_m2,
        cost=siting.problem.site_costs(chosen),
    )
    return replace(plan, siting=siting, after=snapshot)
