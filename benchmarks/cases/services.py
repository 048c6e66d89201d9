"""Several services that share sites: generated systems, and the services of real cities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...instances.synthetic.service_systems import random_system
from ...models.siting.service_system import ServiceSystem
from ...optimize.siting.system.layout import Layout
from ..registry import Case, register_case

if TYPE_CHECKING:
    from ...instances.city import City

SIZES = ((12, 30, 3), (24, 80, 6), (60, 250, 12), (150, 800, 30))
"""Sites, units and communities."""

SYNTHETIC = {60_000: 57, 150_000: 145, 400_000: 382}
"""Residents of generated cities, and their sites."""

SYNTHETIC_SECONDS = 120.0
REAL = {"kaohsiung": 1306, "taipei": 2210}
REAL_SECONDS = 480.0


@dataclass(frozen=True, eq=False)
class ServiceCase:
    """
    A system and where its sites are.

    Parameters
    ----------
    problem
        The system.
    layout
        Where the sites are; None where it is small.
    """

    problem: ServiceSystem
    layout: Layout | None


def generated(data: Path, *, sites: int, units: int, communities: int) -> ServiceCase:
    """Return a random system."""
    del data
    problem = random_system(
        sites, num_sites=sites, num_units=units, num_communities=communities, reach=6.0
    )
    return ServiceCase(problem, None)


def real_city(data: Path, *, name: str) -> ServiceCase:
    """Return all services of a city, for its communities of today."""
    from ...instances.city import read_city  # noqa: PLC0415 - geopandas is slow to load

    return services_of(read_city(data / "cities" / name / "city.gpkg"))


def synthetic_city(data: Path, *, residents: int) -> ServiceCase:
    """Return all services of a generated city."""
    from .cities import generated_city  # noqa: PLC0415 - geopandas is slow to load

    del data
    return services_of(generated_city(residents))


def services_of(city: City) -> ServiceCase:
    """Return all services of the catalogue for the communities of a city as they are."""
    from ...instances.catalogue import load_catalogue  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.policy import Policy  # noqa: PLC0415
    from ...instances.service_places import Places  # noqa: PLC0415
    from ...instances.service_system import service_system  # noqa: PLC0415
    from ...instances.site_units import site_units  # noqa: PLC0415
    from ...instances.travel import CityWalks  # noqa: PLC0415
    from ...optimize.planning.services import city_layout  # noqa: PLC0415

    rules, home = Policy(), city.unit_community_idx
    sites = site_units(city, rules)
    communities = city.communities.copy()
    street = city.units.groupby("community_id")["street_id"].first()
    communities["street_id"] = communities["community_id"].map(street)
    places = Places(communities, home, np.where(sites >= 0, home[np.maximum(sites, 0)], -1))
    found = service_system(city, rules, load_catalogue(), CityWalks(city, rules), places)
    return ServiceCase(found.problem, city_layout(city, found))


for sites, units, communities in SIZES:
    size = {"sites": sites, "units": units, "communities": communities}
    register_case(
        Case(
            name=f"services/random-{sites:03}",
            family="services",
            load=partial(generated, sites=sites, units=units, communities=communities),
            size=size,
            tags=frozenset({"generated", "services"}),
            time_limit=120.0,
        )
    )
for residents, sites in SYNTHETIC.items():
    register_case(
        Case(
            name=f"services/city-{residents // 1000:03}k",
            family="services",
            load=partial(synthetic_city, residents=residents),
            size={"residents": residents, "sites": sites},
            tags=frozenset({"generated", "services"}),
            time_limit=SYNTHETIC_SECONDS,
        )
    )
for name, count in REAL.items():
    register_case(
        Case(
            name=f"services/{name}",
            family="services",
            load=partial(real_city, name=name),
            size={"sites": count},
            tags=frozenset({"real", "services"}),
            needs=f"cities/{name}/city.gpkg",
            where="Taiwan government open data; sites and floor areas synthetic",
            time_limit=REAL_SECONDS,
        )
    )
