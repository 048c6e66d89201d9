"""Stage services: all services of the catalogue laid out together, at three levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ...instances.catalogue import Catalogue
from ...instances.city import City
from ...instances.policy import Policy
from ...instances.service_places import Kind, Places, SystemData
from ...instances.service_system import service_system
from ...instances.travel import CityWalks
from ...models.formulation import BoolArray, FloatArray
from ...models.siting.service_parts import Lacks, SystemPlan
from ...models.siting.service_system import ServiceSystem
from ..limits import Limits, Stop
from ..progress import Listener, Progress, silent
from ..result import Result
from ..siting.system.assign import Assignment, assign
from ..siting.system.best import attainable_gap, hopeless
from ..siting.system.engine import solve_system
from ..siting.system.keeping import attached
from ..siting.system.layout import Layout, site_regions
from .earlier_plan import EarlierPlan
from .kept_services import KeptServices, keep_services
from .listening import heard
from .standing_services import standing

REGION = 1600.0
"""Facilities in a region whose program gives a bound, at most: larger ones take too long."""

WHOLE_FACILITIES = 1000
"""Facilities up to which the whole city is one program."""


@dataclass(frozen=True, eq=False)
class CityServices:
    """
    The services of one city.

    Parameters
    ----------
    data
        What was asked.
    result
        The plan and what is known about it.
    assignment
        Who uses which station.
    mode
        How stations are laid out where a street has no mode of its own.
    modes
        Mode of each street.
    kept
        What was kept of an earlier plan; None for a plan from scratch.
    """

    data: SystemData
    result: Result[SystemPlan]
    assignment: Assignment
    mode: str
    modes: dict[str, str]
    kept: KeptServices | None = None

    @property
    def problem(self) -> ServiceSystem:
        """The problem."""
        return self.data.problem

    @property
    def plan(self) -> SystemPlan:
        """The decision."""
        assert self.result.solution is not None  # noqa: S101 - today's plan is always there
        return self.result.solution

    @cached_property
    def lacks(self) -> Lacks:
        """What the plan lacks."""
        return self.problem.lacks(self.plan)

    @cached_property
    def is_station(self) -> BoolArray:
        """Kinds that are stations, centres or their points, shape (services,)."""
        station = next((k.service for k in self.data.kinds if _is_main(k)), None)
        name = "" if station is None else station.id
        return np.array([name in (k.service.id, k.service.extends) for k in self.data.kinds])

    @cached_property
    def facility_cost(self) -> FloatArray:
        """
        Cost of each facility, shape (facilities,).

        What a site costs is divided by the floor area that each of its services gains, equally
        where none does; giving one up costs itself.
        """
        rows, plan, problem = self.problem.facilities, self.plan, self.problem
        closed = rows.closing_cost * ((rows.today_m2 > 0) & ~plan.is_open)
        gained = np.where(plan.is_open, np.maximum(plan.area_m2 - rows.today_m2, 0.0), 0.0)
        shared = problem.site_costs(plan) - np.bincount(rows.site, closed, problem.num_sites)
        total = np.bincount(rows.site, gained, problem.num_sites)[rows.site]
        number = np.bincount(rows.site, plan.is_open.astype(float), problem.num_sites)[rows.site]
        equal = plan.is_open / np.maximum(number, 1)
        part = np.where(total > 0, gained / np.where(total > 0, total, 1.0), equal)
        return np.asarray(closed + shared[rows.site] * part)

    def site_decision(self) -> tuple[BoolArray, FloatArray, FloatArray]:
        """Whether each site has a station, its floor area and its cost, shape (sites,) each."""
        rows, plan = self.problem.facilities, self.plan
        mine = self.is_station[rows.service]
        num = self.problem.num_sites
        is_open = np.bincount(rows.site[mine & plan.is_open], minlength=num) > 0
        area = np.bincount(rows.site[mine], plan.area_m2[mine], num).astype(float)
        cost = np.bincount(rows.site[mine], self.facility_cost[mine], num).astype(float)
        return is_open, area, cost

    def actions(self) -> list[str]:
        """Tell what becomes of each facility; "" where nothing is nor will be."""
        rows, plan, ground = self.problem.facilities, self.plan, self.problem.grounds
        there = rows.today_m2 > 0
        grows = plan.area_m2 > rows.today_m2 + 1e-6
        stands = ground.built_m2[rows.site] > 0
        chosen = np.select(
            [
                there & plan.is_open & grows,
                there & plan.is_open,
                there,
                plan.is_open & stands,
                plan.is_open,
            ],
            ["extended", "kept", "closed", "converted", "opened"],
            default="",
        )
        return [str(text) for text in chosen]

    def table(self) -> pd.DataFrame:
        """Return the figures of each service, a row each."""
        problem, plan, lacks = self.problem, self.plan, self.lacks
        rows, reaches, needs = problem.facilities, problem.reaches, problem.needs
        actions = np.array(self.actions())
        nobody = np.diff(reaches.facilities.indptr) == 0
        found = []
        for number, kind in enumerate(self.data.kinds):
            mine, asked = rows.service == number, reaches.service == number
            needed = needs.service == number
            counts = {
                name: int((mine & (actions == name)).sum())
                for name in ("kept", "extended", "converted", "opened", "closed")
            }
            found.append(
                {
                    "service": kind.id,
                    "name_zh": kind.service.name_zh,
                    "name_en": kind.service.name_en,
                    "category": kind.service.category,
                    "role": kind.service.role,
                    "level": kind.service.level,
                    "facilities": int((mine & plan.is_open).sum()),
                    **counts,
                    "floor_area_m2": float(plan.area_m2[mine].sum()),
                    "cost": float(self.facility_cost[mine].sum()),
                    "people": float(reaches.people[asked].sum()),
                    "people_out_of_reach": float(lacks.people[asked].sum()),
                    "people_beyond_all_sites": float(reaches.people[asked & nobody].sum()),
                    "places_lacking_one": int((lacks.number[needed] > 0).sum()),
                    "places_lacking_area": int((lacks.area_m2[needed] > 0).sum()),
                    "lacking_m2": float(lacks.area_m2[needed].sum()),
                    "people_are": self.data.audiences[number].column,
                }
            )
        return pd.DataFrame(found)

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        problem, plan, lacks = self.problem, self.plan, self.lacks
        cost = problem.cost(plan)
        constant = hopeless(problem)
        return {
            "mode": self.mode,
            "mode_of_street": self.modes,
            "proof": {
                **self.result.as_record(),
                "constant": constant,
                "gap_of_what_can_change": self.gap,
            },
            "cost": cost,
            "price_of_lacks": lacks.price(problem.prices),
            "unserved_m2": lacks.unserved_m2,
            "assigned_m2": float(self.assignment.area_m2.sum()),
            "services": self.table().to_dict("records"),
            "kinds": [rule.as_record() for rule in self.data.rules],
            "may_share": [
                [self.problem.service_ids[a], self.problem.service_ids[b]]
                for a, b in zip(*np.nonzero(np.triu(problem.may_share, 1)), strict=True)
            ],
            "prices": asdict(problem.prices),
            "empty_today_m2": self._stood(),
            "earlier": None if self.kept is None else self.kept.as_record(plan),
            "left_out": list(self.data.left_out),
            "notes": [told.as_record() for told in self.data.notes],
            "spending": self.spending(),
        }

    def _stood(self) -> dict[str, float]:
        """Floor area that stands today where other services than those of today's rows fill it."""
        ground, rows = self.problem.grounds, self.problem.facilities
        known = np.bincount(rows.site, rows.today_m2, self.problem.num_sites)
        differs = np.flatnonzero(np.abs(ground.built_m2 - known) > 1e-6)
        return {self.problem.site_ids[site]: float(ground.built_m2[site]) for site in differs}

    @property
    def gap(self) -> float | None:
        """Gap of what a plan can change: without the people whom no site could reach."""
        result = self.result
        if result.objective is None or result.bound is None:
            return None
        return attainable_gap(result.objective, result.bound, hopeless(self.problem))

    def spending(self) -> list[dict[str, Any]]:
        """Return what each street spends, and that per resident."""
        places, problem = self.data.places, self.problem
        costs = problem.site_costs(self.plan)
        street = places.site_street
        residents = np.bincount(places.unit_street, self.data.residents, len(places.streets))
        spent = np.bincount(street[street >= 0], costs[street >= 0], len(places.streets))
        limits = problem.budgets
        return [
            {
                "street_id": name,
                "spent": float(spent[row]),
                "budget": float(limits[row]) if np.isfinite(limits[row]) else None,
                "residents": float(residents[row]),
                "per_resident": float(spent[row] / residents[row]) if residents[row] else None,
            }
            for row, name in enumerate(places.streets)
        ]


def _is_main(kind: Kind) -> bool:
    return kind.service.role == "main" and kind.service.level == "community"


def site_services(
    city: City,
    policy: Policy,
    catalogue: Catalogue,
    walks: CityWalks,
    places: Places,
    *,
    services: Sequence[str] | None = None,
    earlier: EarlierPlan | None = None,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> CityServices:
    """
    Lay out services for the communities of a plan.

    Parameters
    ----------
    city, policy, catalogue, walks, places
        The city as read, its rules, what services there are, the minutes, and the communities.
    services
        Ids of the services; None for all.
    earlier
        An earlier plan to change as little as pays.
    seconds
        Time limit; None for the policy's.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    ValueError
        If a service or a street is unknown, or what stands today breaks a rule.
    """
    data = service_system(city, policy, catalogue, walks, places, services=services)
    rules, solver = policy.services, policy.solver
    limits = Limits(seconds or rules.seconds, rules.gap, solver.seed, solver.threads)
    kept = None if earlier is None else keep_services(data, earlier, rules)
    result = None
    if kept is not None and earlier is not None:
        data = replace(data, problem=kept.problem, notes=(*data.notes, *kept.notes))
        kept = _with_stations(kept, limits, solver.name)
        result = standing(city, policy, data, kept, earlier.record)
        kept = replace(kept, stands=result is not None)
    problem = data.problem
    listen(Progress("services", text=f"{len(data.kinds)} services at {problem.num_sites:,} sites"))
    result = result or solve_system(
        problem,
        layout=city_layout(city, data),
        first=None if kept is None else kept.first,
        limits=limits,
        solver=solver.name,
        stop=stop,
        listen=heard(listen, "services", "cost and lacks", constant=hopeless(problem)),
    )
    modes = dict(zip(places.streets, data.modes, strict=True))
    assert result.solution is not None  # noqa: S101 - today's plan is always there
    assignment = _assignment(data, walks, result.solution)
    return CityServices(data, result, assignment, rules.mode, modes, kept)


def _with_stations(kept: KeptServices, limits: Limits, solver: str) -> KeptServices:
    """Attach the places of the earlier plan to its stations, where these are shared."""
    first = attached(kept.problem, kept.first, limits=limits, solver=solver)
    return kept if first is None else replace(kept, first=first)


def city_layout(city: City, data: SystemData) -> Layout | None:
    """
    Tell where the sites of a city are, and divide them into regions; None where the city is small.

    Parameters
    ----------
    city, data
        The city and its problem.
    """
    rows, home = data.problem.facilities, data.places.site_community
    if int((~rows.is_kept).sum()) <= WHOLE_FACILITIES:
        return None
    weight = np.bincount(rows.site, minlength=city.num_sites).astype(float)
    points = city.site_points
    return Layout(points, site_regions(points, home, weight, most=REGION))


def _assignment(data: SystemData, walks: CityWalks, plan: SystemPlan) -> Assignment:
    """Assign households to stations within reach and capacity."""
    capacities, rows = data.problem.capacities, data.problem.facilities
    if not capacities.need_m2.size:
        none = np.empty(0, dtype=np.int64)
        return Assignment(none, none, np.empty(0), np.empty(0))
    pairs = sparse.coo_array(capacities.facilities)
    times = walks.minutes("adult", walks.policy.siting.reach_minutes).minutes
    by_unit = sparse.csr_array(times.T)
    site, unit = rows.site[pairs.col], capacities.unit[pairs.row]
    minutes = np.asarray(by_unit[unit, site]).ravel()
    table = sparse.csr_array(
        (np.maximum(minutes, 1e-6), (pairs.row, pairs.col)), shape=capacities.facilities.shape
    )
    return assign(capacities, plan.area_m2, table)
