"""Plans of several services, recounted site by site and place by place."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from ...models.siting.service_parts import SystemPlan
from ...models.siting.service_system import ServiceSystem
from ..cases.services import ServiceCase
from ..registry import register_check

SLACK = 1e-3
MOST_PAIRS = 20_000
"""Pairs of units and open facilities up to which the flow is found by linear programming."""


def check_services(case: ServiceCase, plan: SystemPlan) -> tuple[float, list[str]]:
    """Add up costs and what is lacking, and look for broken rules."""
    problem = case.problem
    lacking = problem.prices.person * _people(problem, plan)
    area, number = _needs(problem, plan)
    lacking += problem.prices.facility * number
    lacking += problem.prices.square_metre * (area + _unserved(problem, plan))
    return _cost(problem, plan) + lacking, _broken(problem, plan)


def _sites(problem: ServiceSystem) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for facility, site in enumerate(problem.facilities.site.tolist()):
        found[site].append(facility)
    return found


def _cost(problem: ServiceSystem, plan: SystemPlan) -> float:
    rows, ground, total = problem.facilities, problem.grounds, []
    for site, mine in _sites(problem).items():
        open_here = [f for f in mine if plan.is_open[f]]
        area = math.fsum(float(plan.area_m2[f]) for f in open_here)
        gained = area - math.fsum(float(rows.today_m2[f]) for f in open_here)
        built = max(area - float(ground.built_m2[site]), 0.0)
        total.append(float(ground.fixed_cost[site]) if open_here else 0.0)
        total.append(float(ground.build_cost[site]) * built)
        total.append(float(ground.convert_cost[site]) * max(gained - built, 0.0))
        total += [
            float(rows.closing_cost[f])
            for f in mine
            if rows.today_m2[f] > 0 and not plan.is_open[f]
        ]
    return math.fsum(total)


def _people(problem: ServiceSystem, plan: SystemPlan) -> float:
    table, out = problem.reaches.facilities, []
    for row, people in enumerate(problem.reaches.people.tolist()):
        mine = table.indices[table.indptr[row] : table.indptr[row + 1]]
        if not plan.is_open[mine].any():
            out.append(people)
    return math.fsum(out)


def _needs(problem: ServiceSystem, plan: SystemPlan) -> tuple[float, int]:
    needs, missing, number = problem.needs, [], 0
    shared = dict(zip(problem.sharing.needs.tolist(), plan.attached.tolist(), strict=False))
    left = plan.area_m2.astype(float).copy()
    for need, wanted in enumerate(needs.area_m2.tolist()):
        members = needs.members.indices[needs.members.indptr[need] : needs.members.indptr[need + 1]]
        points = needs.points.indices[needs.points.indptr[need] : needs.points.indptr[need + 1]]
        count = int(plan.is_open[members].sum())
        have = min(float(plan.area_m2[points].sum()), needs.point_share * wanted)
        have += float(plan.area_m2[members].sum())
        facility = shared.get(need, -1)
        if facility >= 0:
            given = min(max(wanted - have, 0.0), float(left[facility]))
            left[facility] -= given
            have, count = have + given, count + 1
        missing.append(max(wanted - have, 0.0))
        number += max(int(needs.least[need]) - count, 0)
    return math.fsum(missing), number


def _unserved(problem: ServiceSystem, plan: SystemPlan) -> float:
    """Floor area that cannot be had within reach, by linear programming where that is small."""
    capacities = problem.capacities
    pairs = sparse.coo_array(capacities.facilities)
    used = plan.is_open[pairs.col]
    row, facility = pairs.row[used], pairs.col[used]
    if row.size > MOST_PAIRS:
        return problem.unserved(plan.area_m2)
    if not row.size:
        return float(capacities.need_m2.sum())
    num, column = capacities.need_m2.size, np.arange(row.size)
    rooms, room_row = np.unique(facility, return_inverse=True)
    matrix = sparse.csr_array(
        (np.ones(2 * row.size), (np.r_[row, num + room_row], np.r_[column, column])),
        shape=(num + rooms.size, row.size),
    )
    limits = np.r_[capacities.need_m2, plan.area_m2[rooms]]
    sent = linprog(  # type: ignore[call-overload]
        -np.ones(row.size), A_ub=matrix, b_ub=limits, bounds=(0.0, None)
    )
    return float(capacities.need_m2.sum() + sent.fun)


def _broken(problem: ServiceSystem, plan: SystemPlan) -> list[str]:
    needs, broken = problem.needs, list[str]()
    for site, mine in _sites(problem).items():
        broken += _broken_site(problem, plan, site, [f for f in mine if plan.is_open[f]])
    for facility in range(problem.facilities.num):
        broken += _broken_facility(problem, plan, facility)
    for need, most in enumerate(needs.most.tolist()):
        members = needs.members.indices[needs.members.indptr[need] : needs.members.indptr[need + 1]]
        if int(plan.is_open[members].sum()) > most:
            broken.append(f"need {need} has more than {most} facilities")
    return broken


def _broken_site(
    problem: ServiceSystem, plan: SystemPlan, site: int, there: list[int]
) -> Iterator[str]:
    rows = problem.facilities
    used = math.fsum(float(plan.area_m2[f]) for f in there)
    if used > float(problem.grounds.most_m2[site]) + SLACK:
        yield f"site {site} holds {used:g} m²"
    for one, other in itertools.combinations(there, 2):
        apart = not problem.may_share[rows.service[one], rows.service[other]]
        if apart and not (rows.is_kept[one] and rows.is_kept[other]):
            yield f"site {site} holds facilities {one} and {other}"


def _broken_facility(problem: ServiceSystem, plan: SystemPlan, facility: int) -> Iterator[str]:
    rows = problem.facilities
    area, is_open = float(plan.area_m2[facility]), bool(plan.is_open[facility])
    if rows.is_kept[facility] and not is_open:
        yield f"facility {facility} is closed"
    low, high = float(rows.least_m2[facility]), float(rows.most_m2[facility])
    if is_open and not low - SLACK <= area <= high + SLACK:
        yield f"facility {facility} has {area:g} m², not {low:g} to {high:g}"
    if not is_open and area > SLACK:
        yield f"facility {facility} is closed and has {area:g} m²"


register_check("services", check_services)
