"""
A system of services: which facilities of which services open at which sites, and how large.

A facility is a service at a site. Facilities share the floor area of their site; places
(communities, streets) need floor area and a number of facilities of a service; residents must have
each service within reach; floor area is used by the households that are within reach of it, not
only counted.

The rules that sites may be unable to meet are priced: what a plan lacks is part of its objective,
at prices far above any cost, so that a plan lacks as little as can be. A facility whose state
differs from that in an earlier plan has a price too, and so has a smaller one. Hard are sizes,
room, what may share a building, what stays, the most facilities of a place, and funds.

Levels, the roles main, specialised and point, and the modes of stations are all told by the same
parts: :class:`Facilities`, :class:`Needs`, :class:`Reaches`, :class:`Sharing`, :class:`Capacities`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray
from .capacity_flow import Capacities, largest_flow
from .service_parts import (
    Earlier,
    Facilities,
    Grounds,
    Lacks,
    Needs,
    Prices,
    Reaches,
    Sharing,
    SystemPlan,
)

TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class ServiceSystem:
    """
    One problem of siting several services, as arrays.

    Parameters
    ----------
    grounds, facilities, needs, reaches, capacities, sharing, prices
        Its parts.
    may_share
        Whether two services may be in one building, shape (services, services), symmetric.
    budgets
        Money of each fund, infinite for no limit, shape (funds,).
    service_ids, site_ids
        Names, for messages.
    earlier
        An earlier plan to change as little as pays; None for a plan from scratch.

    Raises
    ------
    ValueError
        If shapes differ or a number is out of range.
    """

    grounds: Grounds
    facilities: Facilities
    needs: Needs
    reaches: Reaches
    capacities: Capacities
    sharing: Sharing
    may_share: BoolArray
    prices: Prices = field(default_factory=Prices)
    budgets: FloatArray = field(default_factory=lambda: np.empty(0))
    service_ids: tuple[str, ...] = ()
    site_ids: tuple[str, ...] = ()
    earlier: Earlier | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num, facilities = self.facilities.num, self.facilities
        tables = {
            "needs.members": self.needs.members,
            "needs.points": self.needs.points,
            "reaches.facilities": self.reaches.facilities,
            "capacities.facilities": self.capacities.facilities,
            "sharing.facilities": self.sharing.facilities,
        }
        for label, table in tables.items():
            if table.shape[1] != num:
                raise ValueError(f"{label} has {table.shape[1]} columns, expected {num}.")
        if num and not 0 <= facilities.site.min() <= facilities.site.max() < self.num_sites:
            raise ValueError(f"facilities.site should be rows of the {self.num_sites} sites.")
        for label in ("today_m2", "least_m2", "most_m2", "closing_cost"):
            values = getattr(facilities, label)
            if values.shape != (num,) or not (values >= 0).all():
                raise ValueError(f"facilities.{label} should be {num} numbers of 0 or more.")
        if (facilities.least_m2 > facilities.most_m2 + TOLERANCE).any():
            row = int(np.argmax(facilities.least_m2 - facilities.most_m2))
            raise ValueError(
                f"{self.facility_name(row)}: least_m2 {facilities.least_m2[row]:g} is above "
                f"most_m2 {facilities.most_m2[row]:g}."
            )
        if not (self.may_share == self.may_share.T).all():
            raise ValueError("may_share is not symmetric.")
        earlier = self.earlier
        for label in () if earlier is None else ("was_open", "area_m2", "price", "price_m2"):
            values = getattr(earlier, label)
            if values.shape != (num,) or not (values >= 0).all():
                raise ValueError(f"earlier.{label} should be {num} numbers of 0 or more.")

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.grounds.most_m2.size)

    @property
    def num_services(self) -> int:
        """Number of services."""
        return len(self.may_share)

    def facility_name(self, facility: int) -> str:
        """Service and site of a facility, for messages."""
        site, service = self.facilities.site[facility], self.facilities.service[facility]
        names = (self.service_ids[service] if self.service_ids else f"service {service}",)
        return f"{names[0]} at {self.site_ids[site] if self.site_ids else f'site {site}'}"

    @cached_property
    def sized(self) -> BoolArray:
        """Facilities whose floor area is a choice: the others are as small as they may be."""
        wanted = np.zeros(self.facilities.num, dtype=bool)
        for table in (self.needs.members, self.needs.points):
            rows = sparse.coo_array(table)
            wanted[rows.col[self.needs.area_m2[rows.row] > 0]] = True
        for table in (self.capacities.facilities, self.sharing.facilities):
            wanted[table.indices] = True
        return wanted & (self.facilities.most_m2 > self.facilities.least_m2 + TOLERANCE)

    def today(self) -> SystemPlan:
        """Return the plan of today: what is there, as large as it is, and nothing else."""
        there = self.facilities.today_m2 > 0
        kept = there | self.facilities.is_kept
        area = np.where(there, self.facilities.today_m2, self.facilities.least_m2) * kept
        return SystemPlan(kept, area, np.full(self.sharing.needs.size, -1, dtype=np.int64))

    def site_costs(self, plan: SystemPlan) -> FloatArray:
        """
        Return the cost of each site: opening, building, changing and closing, shape (sites,).

        Floor area beyond what stands today is built; other floor area that a service gains
        is changed from another service or from none.
        """
        rows, ground = self.facilities, self.grounds

        def by_site(values: FloatArray) -> FloatArray:
            return np.bincount(rows.site, values, self.num_sites).astype(float)

        area = by_site(plan.area_m2)
        gained = area - by_site(rows.today_m2 * plan.is_open)
        built = np.maximum(area - ground.built_m2, 0.0)
        closed = by_site(rows.closing_cost * ((rows.today_m2 > 0) & ~plan.is_open))
        changed = np.maximum(gained - built, 0.0)
        opened = by_site(plan.is_open.astype(float)) > 0
        return np.asarray(
            ground.fixed_cost * opened
            + ground.build_cost * built
            + ground.convert_cost * changed
            + closed
        )

    def cost(self, plan: SystemPlan) -> float:
        """Return the cost of a plan."""
        return float(self.site_costs(plan).sum())

    def lacks(self, plan: SystemPlan) -> Lacks:
        """Count what a plan lacks."""
        is_open = plan.is_open.astype(float)
        covered = (self.reaches.facilities @ is_open) > 0
        area, number = self._given(plan)
        missing = np.maximum(self.needs.area_m2 - area, 0.0)
        missing[missing <= TOLERANCE * np.maximum(1.0, self.needs.area_m2)] = 0.0
        return Lacks(
            people=np.where(covered, 0.0, self.reaches.people),
            area_m2=missing,
            number=np.maximum(self.needs.least - np.rint(number).astype(np.int64), 0),
            unserved_m2=self.unserved(plan.area_m2),
        )

    def _given(self, plan: SystemPlan) -> tuple[FloatArray, FloatArray]:
        """Floor area and number of facilities that each need gets."""
        needs = self.needs
        points = np.minimum(needs.points @ plan.area_m2, needs.point_share * needs.area_m2)
        area = needs.members @ plan.area_m2 + points
        number = needs.members @ plan.is_open.astype(float)
        shared, attached = self.sharing.needs, plan.attached
        some = attached >= 0
        number[shared[some]] += 1
        area[shared] += self._shared_area(plan, points)
        return area, number

    def _shared_area(self, plan: SystemPlan, points: FloatArray) -> FloatArray:
        """
        Floor area that each shared need gets of its facility.

        What a facility has is divided so that as little as possible is lacking in all: it does
        not matter which of its places lacks, so the first ones are served first.
        """
        shared = self.sharing.needs
        wanted = np.maximum(self.needs.area_m2[shared] - points[shared], 0.0)
        given = np.zeros(shared.size)
        left = plan.area_m2.copy()
        for row in np.flatnonzero(plan.attached >= 0):
            facility = plan.attached[row]
            given[row] = min(wanted[row], left[facility])
            left[facility] -= given[row]
        return given

    def unserved(self, area_m2: FloatArray) -> float:
        """Return the floor area that households need and cannot get within their reach, in m²."""
        return float(largest_flow(self.capacities, area_m2).lacking_m2)

    def evaluate(self, plan: SystemPlan) -> float:
        """Return the objective: cost, and what is lacking and what changes at their prices."""
        return self.cost(plan) + self.lacks(plan).price(self.prices) + self.changes(plan)

    def changes(self, plan: SystemPlan) -> float:
        """Return what the changes against an earlier plan count like, in money."""
        return 0.0 if self.earlier is None else self.earlier.charge(plan)

    def violations(self, plan: SystemPlan) -> list[str]:
        """Say which hard rules a plan breaks."""
        rows, area = self.facilities, plan.area_m2
        by = {
            "is closed and has floor area": ~plan.is_open & (area > TOLERANCE),
            "may not be closed": rows.is_kept & ~plan.is_open,
            "is too small": plan.is_open & (area < rows.least_m2 - TOLERANCE),
            "is too large": plan.is_open & (area > rows.most_m2 + TOLERANCE),
        }
        found = [
            f"{self.facility_name(int(row))} {text}"
            for text, where in by.items()
            for row in np.flatnonzero(where)
        ]
        used = np.bincount(rows.site, area, self.num_sites)
        most = self.grounds.most_m2
        found += [
            f"site {site} has {used[site]:.1f} of {most[site]:.1f} m²"
            for site in np.flatnonzero(used > most + TOLERANCE)
        ]
        found += [*self._apart(plan), *self._too_many(plan)]
        costs = self.site_costs(plan)
        paid = np.bincount(self.grounds.fund + 1, costs, self.budgets.size + 1)[1:]
        return found + [
            f"fund {fund} pays {paid[fund]:.2f} of {self.budgets[fund]:.2f}"
            for fund in np.flatnonzero(paid > self.budgets * (1 + 1e-6) + 0.01)
        ]

    def _apart(self, plan: SystemPlan) -> Iterator[str]:
        """Find services that may not be in one building."""
        rows = self.facilities
        offered = np.zeros((self.num_sites, self.num_services))
        chosen = np.flatnonzero(plan.is_open)
        np.add.at(offered, (rows.site[chosen], rows.service[chosen]), 1.0)
        kept = self._kept_together
        for site in np.flatnonzero(offered.sum(axis=1) > 1).tolist():
            for one, other in itertools.combinations(np.flatnonzero(offered[site]).tolist(), 2):
                if not self.may_share[one, other] and (site, one, other) not in kept:
                    yield f"site {site} has the services {one} and {other}"

    @cached_property
    def _kept_together(self) -> set[tuple[int, int, int]]:
        """Pairs of services that stay at a site although they may not share a building."""
        rows = self.facilities
        found: set[tuple[int, int, int]] = set()
        kept = np.flatnonzero(rows.is_kept)
        for site in np.unique(rows.site[kept]).tolist():
            there = np.sort(rows.service[kept[rows.site[kept] == site]]).tolist()
            found |= {(site, a, b) for a, b in itertools.combinations(there, 2)}
        return found

    def _too_many(self, plan: SystemPlan) -> Iterator[str]:
        """Find places with more facilities than allowed, and facilities with more places."""
        number = np.rint(self.needs.members @ plan.is_open.astype(float))
        for need in np.flatnonzero(number > self.needs.most):
            yield (
                f"{self.needs.names[need]} has {number[need]:.0f} facilities of service "
                f"{self.needs.service[need]}, at most {self.needs.most[need]} are allowed"
            )
        attached, allowed = plan.attached, self.sharing.facilities
        for row in np.flatnonzero(attached >= 0):
            if not plan.is_open[attached[row]]:
                yield f"shared need {row} is attached to a closed facility"
            if not allowed[[row]].toarray()[0, attached[row]]:
                yield f"shared need {row} is attached to a facility that may not serve it"
        served = np.bincount(attached[attached >= 0], minlength=1)
        for facility in np.flatnonzero(served > self.sharing.most_places):
            yield f"{self.facility_name(int(facility))} serves {served[facility]} places"
