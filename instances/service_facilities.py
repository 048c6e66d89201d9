"""Which kinds of facilities a city may have, and where: sites as grounds and facilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..models.siting.service_parts import Facilities, Grounds
from .decisions import closing
from .notes import Note, note
from .service_demand import Audience, Offers, audience, services_of_sites, station_service
from .service_places import Kind, Places

if TYPE_CHECKING:
    from ..models.formulation import BoolArray
    from .catalogue import Catalogue, Service
    from .city import City
    from .policy import Policy
    from .travel import CityWalks


@dataclass(eq=False)
class FacilityParts:
    """Kinds, grounds and facilities of one problem."""

    city: City
    policy: Policy
    catalogue: Catalogue
    walks: CityWalks
    places: Places
    services: Sequence[str] | None = None
    left_out: dict[str, Note] = field(default_factory=dict)

    @cached_property
    def offers(self) -> Offers:
        """Services that the sites list."""
        return services_of_sites(self.city, self.catalogue)

    @cached_property
    def audiences(self) -> list[Audience]:
        """Whom each kind is for."""
        return [audience(self.city.units, kind.service) for kind in self.kinds]

    @cached_property
    def kinds(self) -> list[Kind]:
        """What a facility can be; the services that cannot be sited are left out."""
        services = self.services
        known = [service.id for service in self.catalogue.service]
        wanted = list(known) if services is None else list(dict.fromkeys(services))
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise ValueError(
                f"The catalogue has no service {', '.join(unknown)}; known are {', '.join(known)}."
            )
        kinds = [
            kind
            for service in self.catalogue.service
            if service.id in wanted
            for kind in self._kinds_of(service, wanted)
        ]
        if not kinds:
            raise ValueError("None of the services can be sited; none has a floor area.")
        return kinds

    def _kinds_of(self, service: Service, wanted: list[str]) -> Iterator[Kind]:
        """Yield the kinds of a service, or say why there is none."""
        if service.min_area_m2 is None:
            kind = "service_without_area" if service.min_site_m2 is None else "service_needs_land"
            self.left_out[service.id] = note(kind, service=service.names)
            return
        if service.extends and service.extends not in wanted:
            other = next(one for one in self.catalogue.service if one.id == service.extends)
            self.left_out[service.id] = note(
                "service_extends_none", service=service.names, other=other.names
            )
            return
        least, siting = service.min_area_m2.value, self.policy.siting
        if service == self.station:
            small = siting.min_facility_area_m2
            only_large = set(self.modes) <= {"one", "shared"}
            yield Kind(service.id, service, least if only_large else small)
            if "centre" in self.modes:
                centre = max(self.policy.services.centre_area_m2, least)
                yield Kind(f"{service.id}:centre", service, centre)
            return
        most = np.inf
        if service.extends and service.max_area_m2 is not None:
            most = service.max_area_m2.value
        yield Kind(service.id, service, least, most)

    @cached_property
    def station(self) -> Service | None:
        """The main service of communities."""
        return station_service(self.catalogue)

    @cached_property
    def modes(self) -> list[str]:
        """Mode of each street."""
        rules = self.policy.services
        return [rules.modes.get(name, rules.mode) for name in self.places.streets]

    def _rows_of(self, service_id: str) -> list[int]:
        return [row for row, kind in enumerate(self.kinds) if kind.service.id == service_id]

    @cached_property
    def existing(self) -> BoolArray:
        """Sites that stand today, shape (sites,)."""
        return np.asarray((self.city.sites["status"] == "existing").to_numpy(bool))

    @cached_property
    def grounds(self) -> Grounds:
        """The sites."""
        sites, existing = self.city.sites, self.existing
        today = np.where(existing, sites["floor_area_m2"].to_numpy(float), 0.0)
        most = np.maximum(sites["max_area_m2"].to_numpy(float), today)
        foreign = today * (1 - self.offers.known_share)
        build = sites["cost_per_m2"].to_numpy(float)
        return Grounds(
            built_m2=today - foreign,
            most_m2=most - foreign,
            fixed_cost=np.where(existing, 0.0, sites["fixed_cost"].to_numpy(float)),
            build_cost=build,
            convert_cost=np.minimum(self.policy.services.conversion_cost_per_m2, build) * existing
            + np.where(existing, 0.0, build),
            fund=self.places.site_street,
        )

    @cached_property
    def facilities(self) -> Facilities:
        """Services that may be at sites."""
        rules, listed = self.policy.services, self.offers.listed
        row_of = {service.id: row for row, service in enumerate(self.catalogue.service)}
        known = np.maximum(listed.sum(axis=0), 1)
        given_up = closing(self.city)
        forbidden = self.city.sites["forbidden"].to_numpy(bool)
        parts = []
        for row, kind in enumerate(self.kinds):
            mine = listed[row_of[kind.service.id]]
            there = mine & self.existing & (self.grounds.built_m2 > 0)
            today = np.where(there, self.grounds.built_m2 / known, 0.0)
            if kind.id.endswith(":centre"):
                there = np.zeros_like(there)
                today = np.zeros_like(today)
            unlisted = ~self.existing & (mine | ~self.offers.is_listing)
            fits = self.grounds.most_m2 >= kind.least_m2 - 1e-9
            new = ~there & ~forbidden & fits & (unlisted | self.existing)
            site = np.flatnonzero(there | new)
            least = np.where(there, today, kind.least_m2)[site]
            grows = np.minimum(self.grounds.most_m2[site], kind.most_m2)
            parts.append(
                {
                    "site": site,
                    "service": np.full(site.size, row),
                    "today": today[site],
                    "least": least,
                    "most": np.maximum(grows, least),
                    "kept": there[site] & rules.keep_existing & ~given_up[site],
                    "closing": today[site] * rules.closing_cost_per_m2,
                }
            )
        whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return Facilities(
            whole["site"].astype(np.int64),
            whole["service"].astype(np.int64),
            whole["today"],
            whole["least"],
            whole["most"],
            whole["kept"].astype(bool),
            whole["closing"],
        )

    def _may_share(self) -> BoolArray:
        num = len(self.kinds)
        may = np.zeros((num, num), dtype=bool)
        for a, one in enumerate(self.kinds):
            for b, other in enumerate(self.kinds):
                same = one.service.id == other.service.id
                may[a, b] = not same and self.catalogue.may_share(one.service.id, other.service.id)
        np.fill_diagonal(may, val=True)
        return may
