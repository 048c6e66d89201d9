"""
Facilities of services of an earlier plan: what a new plan of services starts from.

A facility counts `services.price_change` if it is open and was not, or was and no longer is, and
`services.price_smaller_m2` for each m² by which it is smaller. Facilities of services that the
earlier plan did not lay out are opened freely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...instances.notes import Note, note, some
from ...instances.policy_services import ServicesPolicy
from ...instances.service_places import SystemData
from ...models.formulation import BoolArray, FloatArray
from ...models.siting.service_parts import Earlier, SystemPlan
from ...models.siting.service_system import TOLERANCE, ServiceSystem
from .earlier_plan import EarlierPlan, EarlierServices, Facility

GONE, NOT_ASKED, NOT_ALLOWED = "gone from the input", "not asked for", "no longer possible"


@dataclass(frozen=True)
class LostFacility:
    """A facility of an earlier plan that cannot be kept: where, how large, and why not."""

    site_id: str
    kind: str
    area_m2: float
    why: str


@dataclass(frozen=True, eq=False)
class KeptServices:
    """
    A problem of services that starts from an earlier plan.

    Parameters
    ----------
    earlier
        Name of the earlier plan.
    problem
        The problem, with prices of changes.
    first
        The earlier plan, as far as it can be kept.
    prices
        What changes count like.
    kinds
        Kinds of facilities whose changes count.
    lost
        Facilities that cannot be kept.
    notes
        What readers should know.
    stands
        Whether nothing that it depends on has changed, so that it was not solved again.
    """

    earlier: str
    problem: ServiceSystem
    first: SystemPlan
    prices: ServicesPolicy
    kinds: tuple[str, ...]
    lost: tuple[LostFacility, ...]
    notes: tuple[Note, ...] = ()
    stands: bool = field(default=False)

    def as_record(self, plan: SystemPlan) -> dict[str, Any]:
        """Return the entry of the plan's record: enough to count the changes again."""
        problem, rows = self.problem, self.problem.facilities
        assert problem.earlier is not None  # noqa: S101 - that is what this is made of
        return {
            "name": self.earlier,
            "stands": self.stands,
            "price": self.prices.price_change,
            "price_smaller_m2": self.prices.price_smaller_m2,
            "counted": problem.changes(plan),
            "changes": int(problem.earlier.changed(plan.is_open).sum()),
            "smaller_m2": float(problem.earlier.smaller_m2(plan).sum()),
            "kinds": list(self.kinds),
            "was_open": [
                {"site_id": problem.site_ids[rows.site[row]],
                 "kind": problem.service_ids[rows.service[row]],
                 "floor_area_m2": float(problem.earlier.area_m2[row])}
                for row in np.flatnonzero(problem.earlier.was_open)
            ],
            "lost": [
                {"site_id": one.site_id, "kind": one.kind, "floor_area_m2": one.area_m2,
                 "why": one.why}
                for one in self.lost
            ],
            "notes": [told.as_record() for told in self.notes],
        }  # fmt: skip


def keep_services(data: SystemData, earlier: EarlierPlan, prices: ServicesPolicy) -> KeptServices:
    """
    Return the problem of services in which changes against an earlier plan have a price.

    Parameters
    ----------
    data
        What is asked now.
    earlier
        The earlier plan; where it has stations alone, these are its facilities.
    prices
        What changes count like.
    """
    problem, known = data.problem, _known(data, earlier)
    rows = problem.facilities
    was, area = np.zeros(rows.num, dtype=bool), np.zeros(rows.num)
    lost = []
    place = {
        (problem.site_ids[site], problem.service_ids[service]): row
        for row, (site, service) in enumerate(zip(rows.site, rows.service, strict=True))
    }
    for (site, kind), floor in known.area_m2.items():
        row = _row(place, site, kind)
        if row is None:
            lost.append(LostFacility(site, kind, floor, _why(data, site, kind)))
        else:
            was[row], area[row] = True, max(area[row], floor)
    given_up = np.zeros(rows.num, dtype=bool)
    given_up[[place[one] for one in known.closed if one in place]] = True
    was |= rows.is_kept | ((rows.today_m2 > 0) & ~given_up)
    counted = tuple(name for name in problem.service_ids if name in known.kinds)
    counts = np.array([name in counted for name in problem.service_ids])[rows.service]
    change = Earlier(
        was,
        np.where(problem.sized & was, np.minimum(area, rows.most_m2), 0.0),
        np.where(counts, prices.price_change, 0.0),
        np.where(counts, prices.price_smaller_m2, 0.0),
    )
    first, full = _first(problem, was, area)
    notes = tuple(_notes(data, earlier, known, lost, full))
    asked = replace(problem, earlier=change)
    return KeptServices(earlier.name, asked, first, prices, counted, tuple(lost), notes)


def _known(data: SystemData, earlier: EarlierPlan) -> EarlierServices:
    """Return the services of an earlier plan; of one of stations, these as facilities."""
    if earlier.services is not None:
        return earlier.services
    problem, rows = data.problem, data.problem.facilities
    station = next(
        (kind.id for kind in data.kinds if _is_station(kind.service) and ":" not in kind.id), None
    )
    if station is None:
        return EarlierServices({}, frozenset(), frozenset())
    mine = rows.service == problem.service_ids.index(station)
    today = {problem.site_ids[rows.site[row]]: rows.today_m2[row] for row in np.flatnonzero(mine)}
    area = {}
    for site, floor in earlier.site_area.items():
        grown = earlier.site_grown_m2.get(site)
        if grown is None:
            area[site, station] = floor
        elif today.get(site, 0.0) > 0:  # other sites of today offer other services
            area[site, station] = today[site] + grown
    return EarlierServices(area, frozenset(), frozenset({station}))


def _is_station(service: Any) -> bool:  # noqa: ANN401 - a service of the catalogue
    return bool(service.role == "main" and service.level == "community")


def _row(place: Mapping[Facility, int], site: str, kind: str) -> int | None:
    """Find a facility; that of a plain kind where there are no centres any more."""
    return place.get((site, kind), place.get((site, kind.partition(":")[0])))


def _why(data: SystemData, site: str, kind: str) -> str:
    asked = {one.service.id for one in data.kinds}
    if kind.partition(":")[0] not in asked:
        return NOT_ASKED
    return NOT_ALLOWED if site in data.problem.site_ids else GONE


def _first(problem: ServiceSystem, was: BoolArray, area: FloatArray) -> tuple[SystemPlan, int]:
    """
    Return the earlier plan, as small as may be at sites that have too little room for it.

    Returns
    -------
    tuple
        The plan, and the number of such sites.
    """
    rows = problem.facilities
    area = np.where(was, np.clip(area, rows.least_m2, rows.most_m2), 0.0)
    used = np.bincount(rows.site, area, problem.num_sites)
    full = used > problem.grounds.most_m2 + TOLERANCE
    area = np.where(full[rows.site] & was, rows.least_m2, area)
    nowhere = np.full(problem.sharing.needs.size, -1, dtype=np.int64)
    return SystemPlan(was, area, nowhere), int(full.sum())


def _notes(
    data: SystemData,
    earlier: EarlierPlan,
    known: EarlierServices,
    lost: list[LostFacility],
    full: int,
) -> Iterator[Note]:
    """Say what of the earlier plan cannot be kept, and what it did not lay out."""
    if earlier.services is None:
        yield note("earlier_stations_alone", plan=earlier.name)
    else:
        new = [name for name in data.problem.service_ids if name not in known.kinds]
        if new:
            names = [_called(data, name) for name in new]
            yield note("earlier_without", plan=earlier.name, services=names)
    left = Counter(one.kind for one in lost if one.why == NOT_ASKED)
    if left:
        names = [note("row_number", name=kind, count=many) for kind, many in left.items()]
        yield note("earlier_not_asked", services=names)
    for why, told in ((GONE, "earlier_gone"), (NOT_ALLOWED, "earlier_not_allowed")):
        there = [
            note("row_facility", service=_called(data, one.kind), site=one.site_id)
            for one in lost
            if one.why == why
        ]
        if there:
            yield note(told, count=len(there), rows=some(there))
    if full:
        yield note("earlier_full", count=full)


def _called(data: SystemData, kind: str) -> object:
    """Return the name of a kind by language, of its service where there are several."""
    names = {one.id: one.service.names for one in data.kinds}
    return names.get(kind, kind)
