"""Turn a plan into the layers and the record that are written."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import itertools
import platform
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from ..optimize.planning.plan import Plan
from ..optimize.planning.snapshot import Snapshot
from ..version import __version__
from .layers import PlanFiles
from .service_layers import service_layers

LIBRARIES = ("highspy", "ortools", "pulp", "numpy", "scipy", "shapely", "geopandas", "pyogrio")
SHORTEST_LINE_M = 1e-6
"""Shorter lines have no geometry: one of two equal points is not valid (OGC 06-103r4)."""


def plan_layers(plan: Plan, *, lang: str = "en") -> PlanFiles:
    """
    Return everything that a plan writes, in the CRS of the input.

    Parameters
    ----------
    plan
        The plan.
    lang
        Language in which the report opens, en or zh.
    """
    city = plan.city
    units = _units(plan)
    facilities = _facilities(plan)
    is_open = plan.after.is_open
    layers = {
        "districts": _communities(plan, plan.after),
        "units": units,
        "facilities": facilities[is_open].reset_index(drop=True),
        "candidates": facilities[~is_open].reset_index(drop=True),
        "allocation": _allocation(plan),
        "communities_before": _communities(plan, plan.before),
    }
    layers |= {} if plan.services is None else service_layers(plan, plan.services)
    written = {name: city.in_input_crs(layer) for name, layer in layers.items()}
    return PlanFiles(
        **written,
        network=None if city.network is None else city.in_input_crs(city.network),
        barriers=None if city.barriers is None else city.in_input_crs(city.barriers),
        record=plan_record(plan, lang=lang),
    )


def _communities(plan: Plan, snapshot: Snapshot) -> gpd.GeoDataFrame:
    """Dissolve whole units as a coverage, so that neighbours share every vertex."""
    shapes = np.asarray(plan.city.units.geometry, dtype=object)
    order = np.argsort(snapshot.unit_community, kind="stable")
    starts = np.searchsorted(
        snapshot.unit_community[order], np.arange(len(snapshot.communities) + 1)
    )
    dissolved = [
        shapely.coverage_union_all(shapes[order[a:b]]) for a, b in itertools.pairwise(starts)
    ]
    return gpd.GeoDataFrame(snapshot.communities, geometry=dissolved, crs=plan.city.crs)


def _units(plan: Plan) -> gpd.GeoDataFrame:
    after = plan.after
    units = plan.city.units.copy()
    units["community_id_before"] = units["community_id"].astype(str)
    ids = after.communities["community_id"].to_numpy(object)
    units["community_id"] = ids[after.unit_community]
    in_reach = np.isfinite(after.minutes)
    site_ids = np.array([*plan.city.sites["site_id"], None], dtype=object)
    units["site_id"] = site_ids[after.nearest_site]  # -1, for none, is the last
    units["minutes"] = np.where(in_reach, after.minutes, np.nan)
    units["in_reach"] = in_reach
    return units


def _facilities(plan: Plan) -> gpd.GeoDataFrame:
    """Return all sites with what the plan makes of them."""
    sites, after, units = plan.city.sites, plan.after, plan.city.units
    existing = plan.before.is_open
    more = after.area_m2 > plan.before.area_m2 + 1e-6
    action = np.select(
        [~after.is_open, ~existing, more], ["closed", "opened", "extended"], default="kept"
    )
    served = after.nearest_site >= 0
    nearest = after.nearest_site[served]

    def total(column: str) -> np.ndarray:
        values = units[column].to_numpy(float)[served]
        return np.rint(np.bincount(nearest, values, len(sites))).astype(int)

    ids = after.communities["community_id"].to_numpy(object)
    return gpd.GeoDataFrame(
        {
            "site_id": sites["site_id"].astype(str),
            "name": sites["name"],
            "status": sites["status"],
            "action": action,
            "floor_area_before_m2": plan.before.area_m2,
            "floor_area_m2": np.where(after.is_open, after.area_m2, 0.0),
            "max_area_m2": sites["max_area_m2"].astype(float),
            "fixed_cost": sites["fixed_cost"].astype(float),
            "cost_per_m2": sites["cost_per_m2"].astype(float),
            "cost": after.cost,
            "community_id": np.where(
                after.site_community >= 0, ids[after.site_community], np.array(None)
            ),
            "units_served": np.bincount(nearest, minlength=len(sites)),
            "households_served": total("households"),
            "residents_served": total("residents"),
        },
        geometry=sites.geometry,
        crs=plan.city.crs,
    )


def _allocation(plan: Plan) -> gpd.GeoDataFrame:
    city, after = plan.city, plan.after
    unit = np.flatnonzero(after.nearest_site >= 0)
    site = after.nearest_site[unit]
    ends = np.stack([city.unit_points[unit], city.site_points[site]], axis=1)
    lines = np.array(shapely.linestrings(ends) if unit.size else [], dtype=object)
    lines[shapely.length(lines) < SHORTEST_LINE_M] = None
    return gpd.GeoDataFrame(
        {
            "unit_id": city.units["unit_id"].astype(str).to_numpy(object)[unit],
            "site_id": city.sites["site_id"].astype(str).to_numpy(object)[site],
            "minutes": after.minutes[unit],
            "residents": city.units["residents"].to_numpy()[unit],
            "households": city.units["households"].to_numpy()[unit],
        },
        geometry=lines,
        crs=city.crs,
    )


def plan_record(plan: Plan, *, lang: str) -> dict[str, Any]:
    """Return the content of ``plan.json``."""
    city, policy = plan.city, plan.policy
    limit = plan.time_limit
    extra = {} if plan.rebalance is None else {"rebalance": plan.rebalance.as_record(plan.before)}
    if plan.services is not None:
        extra["services"] = plan.services.as_record()
    return {
        "shequ": __version__,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "lang": lang,
        "city": {
            "name": city.name,
            "file": city.source.name if city.source else "",
            "sha256": city.sha256,
            "crs": city.input_crs.to_string(),
            "working_crs": city.crs.to_string(),
            "units": city.num_units,
            "residents": city.num_residents,
            "households": city.num_households,
            "communities": city.num_communities,
            "sites": city.num_sites,
            "edge_changes": [change.as_record() for change in city.edge_changes],
            "warnings": [told.as_record() for told in (*city.warnings, *plan.times.summary)],
            "repairs": [told.as_record() for told in city.repairs],
        },
        "decisions": [decision.as_record() for decision in city.decisions],
        "policy": policy.model_dump(mode="json"),
        "figures": {"before": plan.before.figures(policy), "after": plan.after.figures(policy)},
        "split": [split.as_record() for split in plan.splits],
        "siting": _siting_record(plan),
        "shortfalls": [shortfall.as_record() for shortfall in plan.shortfalls],
        "seconds": dict(plan.seconds),
        "versions": library_versions(),
        "limits": {
            "seconds": limit,
            "gap": policy.solver.siting_gap,
            "seed": policy.solver.seed,
            "threads": policy.solver.threads,
        },
        "walking_source": plan.times.source,
        "interrupted": plan.interrupted,
        **extra,
    }


def _siting_record(plan: Plan) -> Mapping[str, Any]:
    names = ("budget", "lowest", "cost", "served", "walking")
    nothing = {"mode": "none", **dict.fromkeys(names)}
    return nothing if plan.siting is None else plan.siting.as_record()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a result."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
