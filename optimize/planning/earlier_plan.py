"""An earlier plan as it was written: what a plan with `--from` starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...instances.city import City
from .kept_stations import EarlierStations

Facility = tuple[str, str]
"""Id of a site, and the kind of facility there."""


@dataclass(frozen=True)
class EarlierServices:
    """
    What an earlier plan of services decided.

    Parameters
    ----------
    area_m2
        Floor area of the facilities that it opened or kept.
    closed
        Facilities of its day that it gave up.
    kinds
        Kinds of facilities that it laid out.
    """

    area_m2: Mapping[Facility, float]
    closed: frozenset[Facility]
    kinds: frozenset[str]


@dataclass(frozen=True, eq=False)
class EarlierPlan:
    """
    What an earlier plan decided.

    Parameters
    ----------
    name
        Where it comes from.
    unit_community, unit_parent
        Its community of each unit, and that community's parent, by unit id.
    community_names
        Name of each of its communities, by id.
    site_area
        Floor area of each site that is open, by site id.
    record
        Content of its ``plan.json``.
    site_grown_m2
        What it adds to the floor area of each station of its day, by site id.
    services
        Facilities of services; None if it has stations alone.
    """

    name: str
    unit_community: Mapping[str, str]
    unit_parent: Mapping[str, str]
    community_names: Mapping[str, str]
    site_area: Mapping[str, float]
    record: Mapping[str, Any]
    site_grown_m2: Mapping[str, float] = field(default_factory=dict)
    services: EarlierServices | None = None

    def stations(self, city: City) -> EarlierStations:
        """Return what it made of the sites of a city; sites that it did not know were closed."""
        ids = city.sites["site_id"].astype(str)
        area = np.array([self.site_area.get(name, 0.0) for name in ids], dtype=float)
        is_open = np.array([name in self.site_area for name in ids], dtype=bool)
        return EarlierStations(is_open, area)
