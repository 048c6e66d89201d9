"""
The service system of a city as a problem: facilities, needs, reaches, capacities, sharing.

Each *kind* is a service of the catalogue, or the centre of a street in the mode "centre", which is
a larger station.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ..models.siting.capacity_flow import Capacities
from ..models.siting.service_parts import Prices, Reaches
from ..models.siting.service_system import ServiceSystem
from .notes import Note, named, note
from .service_demand import GROUP_OF_TARGET
from .service_needs import NeedParts
from .service_places import KindRule, Places, SystemData

if TYPE_CHECKING:
    from .catalogue import Catalogue
    from .city import City
    from .policy import Policy
    from .travel import CityWalks
    from .travel_groups import Group


def service_system(
    city: City,
    policy: Policy,
    catalogue: Catalogue,
    walks: CityWalks,
    places: Places,
    *,
    services: Sequence[str] | None = None,
) -> SystemData:
    """
    Turn a city with given communities into a problem of services.

    Parameters
    ----------
    city, policy, catalogue, walks, places
        The city, its rules, what services there are, the minutes, and the communities.
    services
        Ids of the services; None for all that have a floor area.

    Raises
    ------
    ValueError
        If a service is not in the catalogue, or none can be sited.
    """
    return _Build(city, policy, catalogue, walks, places, services).data()


class _Build(NeedParts):
    """The parts of one problem, one after the other."""

    def data(self) -> SystemData:
        """Put the parts together."""
        needs, sharing = self._needs()
        streets, budgets = self.places.streets, self.policy.services.budgets
        named = sorted(set(budgets) | set(self.policy.services.modes))
        lost = [name for name in named if name not in streets]
        if lost:
            raise ValueError(
                f"The policy names the streets {', '.join(lost)}, which there are not; known are "
                f"{', '.join(streets)}."
            )
        prices = self.policy.services
        problem = ServiceSystem(
            self.grounds,
            self.facilities,
            needs,
            self._reaches(),
            self._capacities(),
            sharing,
            self._may_share(),
            Prices(prices.price_person, prices.price_m2, prices.price_facility),
            np.array([budgets.get(name, np.inf) for name in streets]),
            tuple(kind.id for kind in self.kinds),
            tuple(self.city.sites["site_id"].astype(str)),
        )
        return SystemData(
            problem,
            tuple(self.kinds),
            self.places,
            tuple(self.audiences),
            self.left_out,
            tuple(self._notes()),
            self.offers,
            tuple(self.modes),
            self.city.units["residents"].to_numpy(float),
            tuple(self._rule(row) for row in range(len(self.kinds))),
        )

    def _rule(self, row: int) -> KindRule:
        kind = self.kinds[row]
        asked = not kind.is_point and not kind.id.endswith(":centre")
        limit = self._limit(row) if asked else None
        serving = [] if limit is None else list(self._serving_kinds(row))
        return KindRule(
            kind.id,
            kind.service.id,
            kind.service.level,
            kind.least_m2,
            limit,
            GROUP_OF_TARGET[kind.service.target],
            self.audiences[row].column,
            tuple((self.kinds[other].id, minutes) for other, minutes in serving),
            tuple(self.kinds[other].id for other in self._covering(kind.service.id)),
        )

    def _within(self, row: int, limit: float, group: Group) -> sparse.csr_array:
        """Whether each facility of a kind is within reach of each unit, (facilities, units)."""
        minutes = self.walks.minutes(group, limit).minutes
        mine = np.flatnonzero(self.facilities.service == row)
        near = sparse.coo_array(sparse.csr_array(minutes[self.facilities.site[mine]]))
        return sparse.csr_array(
            (np.ones(near.nnz), (mine[near.row], near.col)),
            shape=(self.facilities.num, self.city.num_units),
        )

    def _limit(self, row: int) -> float | None:
        service = self.kinds[row].service
        if service == self.station:
            return self.policy.siting.reach_minutes
        return None if service.reach_minutes is None else service.reach_minutes.value

    def _serving_kinds(self, row: int) -> Iterator[tuple[int, float]]:
        """Kinds that give a service within reach, each with its own minutes."""
        service, limit = self.kinds[row].service, self._limit(row)
        assert limit is not None  # noqa: S101 - asked for services with a reach only
        for other in self._covering(service.id):
            own = limit if self.kinds[other].service == service else self._limit(other)
            if own is not None:
                yield other, own
        for other in self._extending(service.id):
            yield other, limit

    def _serving(self, row: int) -> sparse.csr_array:
        """Facilities that give units a service within reach, (units, facilities)."""
        total = sparse.csr_array((self.facilities.num, self.city.num_units))
        group = GROUP_OF_TARGET[self.kinds[row].service.target]
        for other, minutes in self._serving_kinds(row):
            total = total + self._within(other, minutes, group)
        return sparse.csr_array(total.T)

    def _reaches(self) -> Reaches:
        parts = []
        for row, kind in enumerate(self.kinds):
            if kind.is_point or kind.id.endswith(":centre") or self._limit(row) is None:
                continue
            people = self.audiences[row].people
            unit = np.flatnonzero(people > 0)
            parts.append((row, unit, people[unit], self._serving(row)[unit]))
        num = self.facilities.num
        return Reaches(
            service=np.concatenate([np.full(unit.size, row) for row, unit, _, _ in parts]),
            unit=np.concatenate([unit for _, unit, _, _ in parts]),
            people=np.concatenate([people for _, _, people, _ in parts]),
            facilities=_pattern(
                sparse.csr_array(sparse.vstack([table for *_, table in parts]))
                if parts
                else sparse.csr_array((0, num))
            ),
        )

    def _capacities(self) -> Capacities:
        rows = [row for row, kind in enumerate(self.kinds) if kind.service == self.station]
        households = self.city.units["households"].to_numpy(float)
        unit = np.flatnonzero(households > 0)
        if not rows or not self.policy.services.use_capacity:
            unit = unit[:0]
        need = households[unit] * self.policy.siting.floor_area_m2_per_100_households / 100
        table = sparse.csr_array((0, self.facilities.num))
        if unit.size:
            table = _pattern(sparse.csr_array(self._serving(rows[0])[unit]))
        return Capacities(unit, need, self.places.unit_community[unit], table)

    def _notes(self) -> Iterator[Note]:
        for name, number in sorted(self.offers.unknown.items()):
            yield note("service_unknown", count=number, service=name)
        for kind, found in zip(self.kinds, self.audiences, strict=True):
            if kind.service.target != "all" and found.column == "residents":
                people = named("people", kind.service.target)
                yield note("service_for_all", people=people, service=kind.service.names)
        yield from self.left_out.values()


def _pattern(table: sparse.csr_array) -> sparse.csr_array:
    """Return the matrix with ones, sorted."""
    found = sparse.csr_array(table)
    found.sum_duplicates()
    found.data = np.ones(found.nnz)
    return found
