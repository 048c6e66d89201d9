"""The layers and the record of a plan, exactly as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from geopandas import GeoDataFrame


@dataclass(frozen=True)
class PlanFiles:
    """
    Everything that a plan writes, and that can be read back from what was written.

    Parameters
    ----------
    districts
        Polygons of the communities of the plan, with their figures.
    units
        The units of the city, each with its community before and after, and its way to a facility.
    facilities
        Points; the sites that are open.
    candidates
        Points; the sites that stay closed.
    allocation
        Lines from each unit in reach to its facility.
    communities_before
        Polygons of the communities of today, with the same figures as the districts.
    network, barriers
        Lines as read; None if the city has none.
    record
        Content of ``plan.json``.
    services, service_gaps, assignments
        Points of the services at the sites, points of the places that lack one, and who uses which
        station; None if the plan has stations alone.
    """

    districts: GeoDataFrame
    units: GeoDataFrame
    facilities: GeoDataFrame
    candidates: GeoDataFrame
    allocation: GeoDataFrame
    communities_before: GeoDataFrame
    network: GeoDataFrame | None
    barriers: GeoDataFrame | None
    record: dict[str, Any]
    services: GeoDataFrame | None = None
    service_gaps: GeoDataFrame | None = None
    assignments: GeoDataFrame | None = None
