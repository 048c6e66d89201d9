"""The layers of a plan of several services."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..optimize.planning.plan import Plan
from ..optimize.planning.services import CityServices


def service_layers(plan: Plan, services: CityServices) -> dict[str, gpd.GeoDataFrame]:
    """
    Return services at sites, what places lack, and who uses which station.

    Parameters
    ----------
    plan, services
        The plan, and its services.
    """
    return {
        "services": _services(plan, services),
        "service_gaps": _gaps(plan, services),
        "assignments": _assignments(plan, services),
    }


def _services(plan: Plan, services: CityServices) -> gpd.GeoDataFrame:
    rows, chosen = services.problem.facilities, services.plan
    actions = np.array(services.actions(), dtype=object)
    shown = np.flatnonzero(actions != "")
    used = np.bincount(services.assignment.facility, services.assignment.area_m2, rows.num)
    places, data = services.data.places, services.data
    communities = np.array([*places.communities["community_id"].astype(str), None], dtype=object)
    streets = np.array([*places.streets, None], dtype=object)
    kinds = [data.kinds[kind] for kind in rows.service[shown]]
    site, area = rows.site[shown], chosen.area_m2[shown]
    station = services.is_station[rows.service[shown]]
    load = np.where(station, used[shown], np.nan)
    return gpd.GeoDataFrame(
        {
            "site_id": plan.city.sites["site_id"].astype(str).to_numpy(object)[site],
            "service": [kind.service.id for kind in kinds],
            "kind": [kind.id for kind in kinds],
            "name_zh": [kind.service.name_zh for kind in kinds],
            "name_en": [kind.service.name_en for kind in kinds],
            "category": [kind.service.category for kind in kinds],
            "role": [kind.service.role for kind in kinds],
            "level": [kind.service.level for kind in kinds],
            "action": actions[shown],
            "floor_area_before_m2": rows.today_m2[shown],
            "floor_area_m2": area,
            "cost": services.facility_cost[shown],
            "community_id": communities[places.site_community[site]],
            "street_id": streets[places.site_street[site]],
            "used_m2": load,
            "utilisation": np.where(station & (area > 0), load / np.maximum(area, 1e-9), np.nan),
        },
        geometry=plan.city.sites.geometry.to_numpy()[site],
        crs=plan.city.crs,
    )


def _gaps(plan: Plan, services: CityServices) -> gpd.GeoDataFrame:
    """Places that lack a service: people out of reach by community, floor area, a facility."""
    problem, lacks, places = services.problem, services.lacks, services.data.places
    centres = _centres(plan, places.unit_community, len(places.communities))
    ids = places.communities["community_id"].astype(str).to_list()
    parts: list[dict[str, object]] = []
    reaches = problem.reaches
    for kind, found in enumerate(services.data.kinds):
        mine = np.flatnonzero((reaches.service == kind) & (lacks.people > 0))
        home = places.unit_community[reaches.unit[mine]]
        out = np.bincount(home, lacks.people[mine], len(ids))
        every = np.flatnonzero(reaches.service == kind)
        whole = np.bincount(
            places.unit_community[reaches.unit[every]], reaches.people[every], len(ids)
        )
        parts += [
            {
                "service": found.service.id,
                "rule": "reach",
                "place_kind": "community",
                "place_id": ids[row],
                "target": whole[row],
                "value": whole[row] - out[row],
                "short": out[row],
                "geometry": centres[row],
            }
            for row in np.flatnonzero(out > 0)
        ]
    return gpd.GeoDataFrame(
        pd.DataFrame(
            [*parts, *_unmet_needs(plan, services, ids, centres)], columns=list(_GAP_COLUMNS)
        ),
        geometry="geometry",
        crs=plan.city.crs,
    )


_GAP_COLUMNS = (
    "service",
    "rule",
    "place_kind",
    "place_id",
    "target",
    "value",
    "short",
    "geometry",
)


def _unmet_needs(
    plan: Plan, services: CityServices, ids: list[str], centres: np.ndarray
) -> list[dict[str, object]]:
    needs, lacks = services.problem.needs, services.lacks
    places = services.data.places
    where = {("community", name): centre for name, centre in zip(ids, centres, strict=True)}
    sites = plan.city.sites
    where |= {
        ("site", str(name)): point
        for name, point in zip(sites["site_id"], sites.geometry, strict=True)
    }
    for row, street in enumerate(places.streets):
        inside = places.street_of_community == row
        where["street", street] = shapely.centroid(shapely.multipoints(centres[inside]))
    found = []
    for rule, target, short in (
        ("floor_area", needs.area_m2, lacks.area_m2),
        ("number", needs.least.astype(float), lacks.number.astype(float)),
    ):
        for need in np.flatnonzero(short > 0):
            kind, _, place = needs.names[need].partition(" ")
            found.append(
                {
                    "service": services.data.kinds[needs.service[need]].service.id,
                    "rule": rule,
                    "place_kind": kind,
                    "place_id": place,
                    "target": target[need],
                    "value": target[need] - short[need],
                    "short": short[need],
                    "geometry": where.get((kind, place)),
                }
            )
    return found


def _centres(plan: Plan, unit_community: np.ndarray, num: int) -> np.ndarray:
    """Return a point in each community: that of its unit nearest to their mean."""
    points = plan.city.unit_points
    count = np.maximum(np.bincount(unit_community, minlength=num), 1)
    mean = np.stack(
        [np.bincount(unit_community, points[:, axis], num) / count for axis in (0, 1)], axis=1
    )
    away = np.hypot(*(points - mean[unit_community]).T)
    order = np.lexsort((away, unit_community))
    first = np.unique(unit_community[order], return_index=True)
    nearest = np.zeros(num, dtype=np.int64)
    nearest[first[0]] = order[first[1]]
    return np.asarray(shapely.points(points[nearest]), dtype=object)


def _assignments(plan: Plan, services: CityServices) -> gpd.GeoDataFrame:
    """Who uses which station: lines from unit to site, with floor area and households."""
    found, problem = services.assignment, services.problem
    unit = problem.capacities.unit[found.row]
    site = problem.facilities.site[found.facility]
    rate = plan.policy.siting.floor_area_m2_per_100_households / 100
    by_unit = plan.times.minutes.T.tocsr()
    minutes = np.asarray(by_unit[unit, site]).ravel() if unit.size else np.empty(0)
    ends = np.stack([plan.city.unit_points[unit], plan.city.site_points[site]], axis=1)
    lines = np.array(shapely.linestrings(ends) if unit.size else [], dtype=object)
    lines[shapely.length(lines) < 1e-6] = None
    return gpd.GeoDataFrame(
        {
            "unit_id": plan.city.units["unit_id"].astype(str).to_numpy(object)[unit],
            "site_id": plan.city.sites["site_id"].astype(str).to_numpy(object)[site],
            "floor_area_m2": found.area_m2,
            "households": found.area_m2 / rate if rate > 0 else found.area_m2 * 0,
            "minutes": minutes,
        },
        geometry=lines,
        crs=plan.city.crs,
    )
