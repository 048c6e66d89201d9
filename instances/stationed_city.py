"""A city whose stations are told by the services of a catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .service_demand import services_of_sites, station_service

if TYPE_CHECKING:
    from .catalogue import Catalogue
    from .city import City
    from .policy import Policy


def stationed_city(city: City, policy: Policy, catalogue: Catalogue) -> tuple[City, Policy]:
    """
    Tell the other stages what a station is: a site that offers the main service of communities.

    Returns
    -------
    tuple
        The city whose sites list services of the catalogue, with the floor area of their station
        alone as that of today; and the policy by which only those count.
    """
    station = station_service(catalogue)
    if station is None:
        raise ValueError(
            "The catalogue has no main service of communities (role main, level community)."
        )
    offers = services_of_sites(city, catalogue)
    ids = [service.id for service in catalogue.service]
    rows = [ids.index(station.id)]
    counted = [station.id] + [s.id for s in catalogue.service if s.extends == station.id]
    sites = city.sites.copy()
    sites["services"] = [
        ";".join(ids[row] for row in np.flatnonzero(offers.listed[:, site]))
        or ("other" if offers.is_listing[site] else "")
        for site in range(city.num_sites)
    ]
    share = offers.listed[rows].any(axis=0) * offers.known_share
    share = share / np.maximum(offers.listed.sum(axis=0), 1)
    existing = (sites["status"] == "existing").to_numpy(bool)
    today = sites["floor_area_m2"].to_numpy(float)
    sites["floor_area_m2"] = np.where(existing & (share > 0), today * share, today)
    siting = policy.siting.model_copy(update={"services": tuple(counted)})
    return replace(city, sites=sites), policy.model_copy(update={"siting": siting})
