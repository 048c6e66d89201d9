"""
What a city offers and needs of the services of a catalogue: names, people, floor area.

The layer of sites names services as people write them; here they become those of the catalogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .services import service_ids
from .travel_groups import Group

if TYPE_CHECKING:
    import pandas as pd

    from ..models.formulation import BoolArray, FloatArray
    from .catalogue import Catalogue, Service
    from .city import City

_OLDER = re.compile(r"residents_(\d+)plus")
_YOUNGER = re.compile(r"residents_under_(\d+)")
GROUP_OF_TARGET: dict[str, Group] = {"all": "adult", "elderly": "elderly", "child": "child"}
"""At whose pace the target group of a service walks."""


@dataclass(frozen=True, eq=False)
class Offers:
    """
    Services of the catalogue at the sites of a city.

    Parameters
    ----------
    listed
        Whether the site lists the service, shape (services, sites), in the order of the catalogue.
    is_listing
        Whether the site lists any service, known or not, shape (sites,).
    known_share
        Share of the services that a site lists that the catalogue knows, 1 where it lists none,
        shape (sites,).
    unknown
        Sites by the name of each service that the catalogue does not know.
    """

    listed: BoolArray
    is_listing: BoolArray
    known_share: FloatArray
    unknown: dict[str, int]


def services_of_sites(city: City, catalogue: Catalogue) -> Offers:
    """
    Find the services of the catalogue that each site lists.

    A site of today that lists none is a station: it offers the main service of communities.
    """
    rows = {service.id: row for row, service in enumerate(catalogue.service)}
    listed = np.zeros((len(rows), city.num_sites), dtype=bool)
    names = np.zeros(city.num_sites)
    unknown: dict[str, int] = {}
    for site, text in enumerate(_texts(city)):
        for name in service_ids(text):
            names[site] += 1
            known = catalogue.names.get(name)
            if known is None:
                unknown[name] = unknown.get(name, 0) + 1
            else:
                listed[rows[known], site] = True
    is_listing = names > 0
    existing = (city.sites["status"] == "existing").to_numpy(bool)
    station = station_service(catalogue)
    if station is not None:
        listed[rows[station.id], existing & ~is_listing] = True
    known_share = np.where(is_listing, listed.sum(axis=0) / np.maximum(names, 1), 1.0)
    return Offers(listed, is_listing, np.minimum(known_share, 1.0), unknown)


def _texts(city: City) -> list[str]:
    if "services" not in city.sites:
        return [""] * city.num_sites
    return list(city.sites["services"].fillna("").astype(str))


def station_service(catalogue: Catalogue) -> Service | None:
    """Return the main service of communities: what a station is."""
    for service in catalogue.service:
        if service.role == "main" and service.level == "community":
            return service
    return None


@dataclass(frozen=True, eq=False)
class Audience:
    """
    Whom a service is for.

    Parameters
    ----------
    people
        Of each unit, shape (units,).
    column
        Column that tells them; "residents" where the city does not know the ages.
    """

    people: FloatArray
    column: str


def audience(units: pd.DataFrame, service: Service) -> Audience:
    """
    Count the people that a service is for, unit by unit.

    The column of ages nearest to those of the service counts, such as ``residents_65plus`` for
    60 and older; without one, all residents do.
    """
    columns: dict[str, float] = {}
    if service.target != "all" and service.ages is not None:
        first, end = service.ages
        pattern, age = (_OLDER, first) if service.target == "elderly" else (_YOUNGER, end)
        for column in map(str, units.columns):
            found = pattern.fullmatch(column)
            if found:
                columns[column] = abs(float(found.group(1)) - age)
    column = min(columns, key=lambda name: (columns[name], name)) if columns else "residents"
    return Audience(units[column].fillna(0).to_numpy(float), column)


def area_needed(
    service: Service,
    *,
    residents: FloatArray,
    households: FloatArray,
    people: FloatArray,
    by_places: bool = False,
    per_100_households: float | None = None,
) -> FloatArray:
    """
    Return the floor area that places must have of a service.

    Parameters
    ----------
    service
        The service; the largest of what its figures ask for counts.
    residents, households, people
        Of the places; ``people`` of the target group, shape (places,) each.
    by_places
        Whether its places (beds, seats) must all be provided.
    per_100_households
        m² per 100 households instead of the catalogue's, shape (places,) or one number.

    Returns
    -------
    FloatArray
        m², 0 where any size will do, shape (places,).
    """
    need = np.zeros(residents.size)
    rate = service.area_per_100_households_m2
    if per_100_households is not None:
        need = np.maximum(need, households * per_100_households / 100)
    elif rate is not None:
        need = np.maximum(need, households * rate.value / 100)
    if service.area_per_1000_residents_m2 is not None:
        need = np.maximum(need, residents * service.area_per_1000_residents_m2.value / 1000)
    for tier in service.tiers:
        inside = (residents >= tier.residents[0]) & (residents < tier.residents[1])
        need = np.where(inside, np.maximum(need, tier.area_m2.value), need)
    each = service.area_per_place_m2
    if by_places and each is not None:
        for figure, base in (
            (service.places_per_1000_residents, residents),
            (service.places_per_1000_of_target, people),
        ):
            if figure is not None:
                need = np.maximum(need, base * figure.value / 1000 * each.value)
    return need
