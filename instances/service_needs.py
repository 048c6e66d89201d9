"""What places need of services: numbers, floor area, and the modes of stations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ..models.siting.service_parts import Needs, Sharing
from .service_demand import area_needed
from .service_facilities import FacilityParts

if TYPE_CHECKING:
    from ..models.formulation import FloatArray, IntArray

UNLIMITED = 10**6


class NeedParts(FacilityParts):
    """Needs and sharing of one problem."""

    def _covering(self, service_id: str) -> list[int]:
        """Kinds that make a service superfluous, the service itself among them."""
        found, waiting = {service_id}, [service_id]
        while waiting:
            name = waiting.pop()
            for service in self.catalogue.service:
                if name in service.covers and service.id not in found:
                    found.add(service.id)
                    waiting.append(service.id)
        return [row for row, kind in enumerate(self.kinds) if kind.service.id in found]

    def _extending(self, service_id: str) -> list[int]:
        return [row for row, kind in enumerate(self.kinds) if kind.service.extends == service_id]

    def _needs(self) -> tuple[Needs, Sharing]:
        rows: list[dict[str, object]] = []
        for row, kind in enumerate(self.kinds):
            if kind.is_point or kind.service.level == "point" or kind.id.endswith(":centre"):
                continue
            if kind.service == self.station:
                rows += self._station_needs(row)
            else:
                rows += self._plain_needs(row)
        rows += self._required_sites()
        num = self.facilities.num
        shared = [number for number, need in enumerate(rows) if need.get("shared") is not None]
        needs = Needs(
            service=np.array([need["service"] for need in rows], dtype=np.int64),
            names=tuple(str(need["name"]) for need in rows),
            area_m2=np.array([need["area"] for need in rows], dtype=float),
            least=np.array([need["least"] for need in rows], dtype=np.int64),
            most=np.array([need["most"] for need in rows], dtype=np.int64),
            members=_table([need["members"] for need in rows], num),
            points=_table([need["points"] for need in rows], num),
            point_share=self.policy.services.point_share,
        )
        sharing = Sharing(
            needs=np.array(shared, dtype=np.int64),
            facilities=_table([rows[number]["shared"] for number in shared], num),
            most_places=self.policy.services.most_communities,
        )
        return needs, sharing

    def _required_sites(self) -> Iterator[dict[str, object]]:
        """Yield candidates that must open: each needs one facility, whichever."""
        sites = self.city.sites
        wanted = sites["required"].to_numpy(bool) & ~self.existing
        for site in np.flatnonzero(wanted):
            members = np.flatnonzero(self.facilities.site == site)
            if members.size:
                yield {
                    "service": int(self.facilities.service[members[0]]),
                    "name": f"site {sites['site_id'].iloc[site]}",
                    "area": 0.0,
                    "least": 1,
                    "most": UNLIMITED,
                    "members": members,
                    "points": np.empty(0, dtype=np.int64),
                }

    def _totals(self, values: FloatArray, level: str) -> FloatArray:
        home = self.places.unit_street if level == "street" else self.places.unit_community
        return np.bincount(home, values, len(self.places.names(level))).astype(float)

    def _areas(self, row: int, level: str) -> FloatArray:
        kind = self.kinds[row]
        units = self.city.units
        is_station = kind.service == self.station
        rate = self.policy.siting.floor_area_m2_per_100_households
        return area_needed(
            kind.service,
            residents=self._totals(units["residents"].to_numpy(float), level),
            households=self._totals(units["households"].to_numpy(float), level),
            people=self._totals(self.audiences[row].people, level),
            by_places=kind.service.id in self.policy.services.by_places,
            per_100_households=rate if is_station else None,
        )

    def _inside(self, kinds: list[int], level: str) -> list[IntArray]:
        """Facilities of some kinds in each place of a level."""
        home = self.places.site_street if level == "street" else self.places.site_community
        mine = np.isin(self.facilities.service, kinds)
        place = np.where(mine, home[self.facilities.site], -1)
        order = np.argsort(place, kind="stable")
        starts = np.searchsorted(place[order], np.arange(len(self.places.names(level)) + 1))
        return [order[a:b] for a, b in itertools.pairwise(starts)]

    def _plain_needs(self, row: int) -> Iterator[dict[str, object]]:
        service = self.kinds[row].service
        level = service.level
        area = self._areas(row, level)
        members = self._inside(self._covering(service.id), level)
        points = self._inside(self._extending(service.id), level)
        lives = self._totals(self.audiences[row].people, level) > 0
        number = 1 if service.number_per_place is None else round(service.number_per_place.value)
        for place, name in enumerate(self.places.names(level)):
            if lives[place]:
                yield {
                    "service": row,
                    "name": name,
                    "area": area[place],
                    "least": number,
                    "most": UNLIMITED,
                    "members": members[place],
                    "points": points[place],
                }

    def _station_needs(self, row: int) -> Iterator[dict[str, object]]:
        service_id = self.kinds[row].service.id
        stations, points = self._rows_of(service_id), self._extending(service_id)
        centres = [kind for kind in stations if self.kinds[kind].id.endswith(":centre")]
        names, none = self.places.names("community"), np.empty(0, dtype=np.int64)
        area, homes = self._areas(row, "community"), self._inside(stations, "community")
        extra = self._inside(points, "community")
        lives = self._totals(self.city.units["residents"].to_numpy(float), "community") > 0
        street_of, rules = self.places.street_of_community, self.policy.services
        for place, name in enumerate(names):
            mode = self.modes[street_of[place]]
            kept = int(self.facilities.is_kept[homes[place]].sum())
            most = {"one": 1, "several": rules.most_stations}.get(mode, UNLIMITED)
            need: dict[str, object] = {
                "service": row,
                "name": name,
                "area": 0.0 if mode == "centre" else area[place],
                "least": int(lives[place]),
                "most": max(most, kept),
                "members": none if mode == "shared" else homes[place],
                "points": none if mode == "centre" else extra[place],
            }
            if mode == "shared" and lives[place]:
                need["shared"] = self._shared_with(place, stations)
            if lives[place]:
                yield need
        streets, outside = self._inside(stations, "street"), self._inside(points, "street")
        middle, total = self._inside(centres, "street"), np.bincount(street_of, area)
        for street, name in enumerate(self.places.names("street")):
            if self.modes[street] == "centre":
                base = {"service": row, "name": name, "most": UNLIMITED}
                members, around = streets[street], outside[street]
                yield base | {
                    "area": total[street],
                    "least": 0,
                    "members": members,
                    "points": around,
                }
                few = {"area": 0.0, "least": 1, "most": 1, "service": centres[0]}
                yield base | few | {"members": middle[street], "points": none}

    def _shared_with(self, community: int, stations: list[int]) -> IntArray:
        """Stations that a community may be attached to: of its street, and near enough."""
        rows, places = self.facilities, self.places
        street = places.street_of_community[community]
        mine = np.isin(rows.service, stations) & (places.site_street[rows.site] == street)
        mean = self._mean_minutes[rows.site, community]
        own = places.site_community[rows.site] == community
        return np.flatnonzero(mine & (own | (mean <= self.policy.services.shared_minutes)))

    @cached_property
    def _mean_minutes(self) -> FloatArray:
        """
        Mean walk of the residents of each community to each site, shape (sites, communities).

        Those farther than twice the limit count as twice the limit.
        """
        longest = 2 * self.policy.services.shared_minutes
        minutes = self.walks.minutes("adult", longest).minutes
        residents = self.city.units["residents"].to_numpy(float)
        home = sparse.csr_array(
            (residents, (np.arange(residents.size), self.places.unit_community)),
            shape=(residents.size, len(self.places.communities)),
        )
        near = minutes.copy()
        near.data = np.minimum(near.data - longest, 0.0)
        total = np.maximum(np.asarray(home.sum(axis=0)).ravel(), 1e-9)
        return np.asarray((near @ home).toarray() / total + longest)


def _table(rows: Sequence[object], num: int) -> sparse.csr_array:
    """Boolean matrix from the columns of each row."""
    lists = [np.asarray(row, dtype=np.int64) for row in rows]
    counts = [row.size for row in lists]
    columns = np.concatenate(lists) if lists else np.empty(0, dtype=np.int64)
    return sparse.csr_array(
        (np.ones(columns.size), columns, np.r_[0, np.cumsum(counts, dtype=np.int64)]),
        shape=(len(lists), num),
    )
