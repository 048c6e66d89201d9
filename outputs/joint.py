"""Boundaries and stations together, beside one after the other: layers, table and record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from ..instances.city import City
from ..instances.policy import Policy
from ..instances.walking import WalkingTimes
from ..models.formulation import BoolArray, FloatArray, IntArray
from ..models.joint.problem import JointPlan
from ..models.siting.station import Siting
from ..optimize.joint.city import CommunityJoint
from ..optimize.joint.engine import JointSolution
from ..version import __version__
from .atomic import replacing_all
from .files import plain

LAYERS, TABLE, RECORD = "joint.gpkg", "joint.csv", "joint.json"
WAYS = ("two_step", "joint")
SHOWN = (
    "name", "units", "districts", "way", "cost", "inertia", "mean_minutes",
    "residents_out_of_reach", "missing_m2", "districts_without_station", "status", "gap", "seconds",
)  # fmt: skip


def write_joint(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    found: list[CommunityJoint],
    folder: Path,
) -> list[Path]:
    """
    Write ``joint.gpkg``, ``joint.csv`` and ``joint.json``, all or none.

    Parameters
    ----------
    city, policy, times
        What the plans were made for.
    found
        What is known about each community.
    folder
        Where the files go.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the folder cannot be written.
    """
    layers = joint_layers(city, times, found)
    with replacing_all(folder, (LAYERS, TABLE, RECORD)) as draft:
        for name, layer in layers.items():
            pyogrio.write_dataframe(layer, draft / LAYERS, layer=name, driver="GPKG")
        comparison(found).to_csv(
            draft / TABLE, index=False, encoding="utf-8-sig", float_format="%.10g"
        )
        text = json.dumps(plain(joint_record(city, policy, found)), ensure_ascii=False, indent=2)
        (draft / RECORD).write_text(text, encoding="utf-8")
    return [folder / name for name in (LAYERS, TABLE, RECORD)]


def comparison(found: list[CommunityJoint]) -> pd.DataFrame:
    """Return one row for each community and way to plan it: one after the other, and together."""
    return pd.DataFrame([row for one in found for row in _rows(one)])


def joint_text(found: list[CommunityJoint]) -> str:
    """Return the comparison as a table for people, and what the joint plans gain."""
    table = comparison(found)
    shown = table[[name for name in SHOWN if name in table]].copy()
    lines = [shown.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:,.4g}")]
    lines += [gain for one in found if (gain := _gain(one))]
    lines += [f"{one.name}: no plan: {one.why_not}" for one in found if one.plan is None]
    return "\n".join(lines)


def _gain(one: CommunityJoint) -> str:
    """Say what the joint plan changes, in a sentence; empty without both plans."""
    solution = one.solution
    if solution is None or solution.plan is None or solution.two_step.plan is None:
        return ""
    problem, two, plan = solution.rules.problem, solution.two_step.plan, solution.plan
    before, after = problem.evaluate(two), problem.evaluate(plan)
    wider = problem.compactness(plan) / max(problem.compactness(two), 1e-12) - 1
    broken = _shortfalls(solution, two)
    kept = f"; one after the other leaves {broken}" if broken else ""
    proof = "proven" if solution.is_proven else "not proven"
    return (
        f"{one.name}: together {after:,.1f} instead of {before:,.1f} "
        f"({100 * (after - before) / max(before, 1e-9):+.1f} %), moment of inertia "
        f"{100 * wider:+.1f} %, {proof}{kept}"
    )


def _shortfalls(solution: JointSolution, plan: JointPlan) -> str:
    problem = solution.rules.problem
    out = problem.out_of_reach(plan)
    out = np.setdiff1d(out, solution.rules.exempt)
    residents, area = problem.stations.residents[out].sum(), problem.missing_m2(plan).sum()
    empty = problem.without_station(plan).size
    parts = [f"{residents:,.0f} residents out of reach"] if residents else []
    parts += [f"{area:,.0f} m² missing"] if area else []
    parts += [f"{empty} districts without a station"] if empty else []
    return ", ".join(parts)


def _plans(one: CommunityJoint) -> dict[str, JointPlan | None]:
    solution = one.solution
    if solution is None:
        return dict.fromkeys(WAYS)
    return {"two_step": solution.two_step.plan, "joint": solution.plan}


def _rows(one: CommunityJoint) -> list[dict[str, Any]]:
    """Figures of one community, a row for each way."""
    known = {
        "community_id": one.community_id,
        "name": one.name,
        "units": int(one.members.size),
        "districts": one.districts,
    }
    if one.solution is None:
        return [{**known, "way": "joint", "status": "none"}]
    solution, problem = one.solution, one.solution.rules.problem
    rows = []
    for way, plan in _plans(one).items():
        row: dict[str, Any] = {**known, "way": way}
        if plan is not None:
            row |= {
                "cost": problem.evaluate(plan),
                "inertia": problem.compactness(plan),
                "mean_minutes": problem.mean_minutes(plan),
                "residents_out_of_reach": float(
                    problem.stations.residents[problem.out_of_reach(plan)].sum()
                ),
                "missing_m2": float(problem.missing_m2(plan).sum()),
                "districts_without_station": int(problem.without_station(plan).size),
                "stations": int(plan.siting.is_open.sum()),
            }
        result = solution.cost if way == "joint" else solution.two_step.split
        row |= {"status": str(result.status), "reason": str(result.reason)}
        row |= {"bound": result.bound, "gap": result.gap}
        if way == "joint":
            row["is_proven"] = solution.is_proven
            row["seconds"] = one.seconds
        rows.append(row)
    return rows


def joint_record(city: City, policy: Policy, found: list[CommunityJoint]) -> dict[str, Any]:
    """Return the content of ``joint.json``."""
    return {
        "shequ": __version__,
        "city": {
            "name": city.name,
            "file": city.source.name if city.source else "",
            "sha256": city.sha256,
        },
        "policy": policy.model_dump(mode="json"),
        "edge_changes": [change.as_record() for change in city.edge_changes],
        "communities": [_community_record(one) for one in found],
    }


def _community_record(one: CommunityJoint) -> dict[str, Any]:
    record: dict[str, Any] = {
        "community_id": one.community_id,
        "name": one.name,
        "districts": one.districts,
        "tolerance": one.tolerance,
        "why_not": one.why_not,
        "seconds": one.seconds,
        "ways": _rows(one),
    }
    solution = one.solution
    if solution is None:
        return record
    split = solution.asked.districting
    record |= {
        "lower": split.lower.tolist(),
        "upper": split.upper.tolist(),
        "rules": {
            "asked_m2_per_100_households": 100 * solution.asked.area_per_household_m2,
            "m2_per_100_households": 100 * solution.rules.problem.area_per_household_m2,
            "exempt_units": [solution.asked.stations.unit_ids[u] for u in solution.rules.exempt],
            "is_proven": solution.rules.is_proven,
        },
        "split": solution.two_step.split.as_record(),
        "compact": solution.compact.as_record(),
        "most_inertia": solution.most_inertia,
        "cost": solution.cost.as_record(),
        "is_proven": solution.is_proven,
    }
    return record


def joint_layers(
    city: City, times: WalkingTimes, found: list[CommunityJoint]
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers districts, stations and units of all joint plans, in the input's CRS."""
    parts: dict[str, list[gpd.GeoDataFrame]] = {"districts": [], "stations": [], "units": []}
    for one in found:
        if one.plan is None or one.solution is None:
            continue
        units = _units(city, times, one)
        parts["units"].append(units)
        parts["districts"].append(_districts(one, units))
        parts["stations"].append(_stations(city, one))
    layers: dict[str, gpd.GeoDataFrame] = {
        name: gpd.GeoDataFrame(pd.concat(layer, ignore_index=True), crs=city.crs)
        for name, layer in parts.items()
        if layer
    }
    if layers and city.barriers is not None and not city.barriers.empty:
        layers["barriers"] = city.barriers
    return {name: city.in_input_crs(layer) for name, layer in layers.items()}


def _units(city: City, times: WalkingTimes, one: CommunityJoint) -> gpd.GeoDataFrame:
    """Units of a community with their district and their nearest station of it."""
    del times
    solution, plan = one.solution, one.plan
    assert solution is not None  # noqa: S101 - the caller has both
    assert plan is not None  # noqa: S101
    problem = solution.rules.problem
    site, minutes = problem.given(plan.labels).nearest(plan.siting.is_open)
    ids = np.array([*problem.stations.site_ids, None], dtype=object)
    units = city.units.iloc[one.members]
    columns = ["unit_id", "residents", "households"]
    columns += [name for name in ("estate_id",) if name in units]
    layer = units[[*columns, "geometry"]].copy()
    layer["community_id"] = one.community_id
    layer["district"] = one.region.to_units(plan.labels) + 1
    two = solution.two_step.plan
    layer["district_two_step"] = 0 if two is None else one.region.to_units(two.labels) + 1
    layer["site_id"] = ids[site]
    layer["minutes"] = np.where(np.isfinite(minutes), minutes, np.nan)
    return gpd.GeoDataFrame(layer, geometry="geometry", crs=city.crs)


def _districts(one: CommunityJoint, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Dissolve whole units as a coverage, with the figures of each district."""
    solution, plan = one.solution, one.plan
    assert solution is not None  # noqa: S101 - the caller has both
    assert plan is not None  # noqa: S101
    problem = solution.rules.problem
    area = problem.given(plan.labels).community_area(plan.siting)
    shapes, labels = np.asarray(units.geometry, dtype=object), units["district"].to_numpy()
    rows = []
    for district in range(1, one.districts + 1):
        inside = units[labels == district]
        households = int(inside["households"].sum())
        rows.append(
            {
                "community_id": one.community_id,
                "name": one.name,
                "district": district,
                "units": len(inside),
                "residents": int(inside["residents"].sum()),
                "households": households,
                "floor_area_m2": float(area[district - 1]),
                "floor_area_target_m2": households * problem.area_per_household_m2,
                "residents_out_of_reach": int(inside["residents"][inside["minutes"].isna()].sum()),
                "mean_minutes": _mean(inside),
            }
        )
    dissolved = [
        shapely.coverage_union_all(shapes[labels == district])
        for district in range(1, one.districts + 1)
    ]
    return gpd.GeoDataFrame(rows, geometry=dissolved, crs=units.crs)


def _mean(units: gpd.GeoDataFrame) -> float:
    reached = units[units["minutes"].notna() & (units["residents"] > 0)]
    residents: FloatArray = reached["residents"].to_numpy(float)
    if not residents.size:
        return float("nan")
    return float(residents @ reached["minutes"].to_numpy(float) / residents.sum())


def _stations(city: City, one: CommunityJoint) -> gpd.GeoDataFrame:
    """Sites of a community with what the joint plan makes of them, and what the other did."""
    solution, plan = one.solution, one.plan
    assert solution is not None  # noqa: S101 - the caller has both
    assert plan is not None  # noqa: S101
    problem, stations = solution.rules.problem, solution.rules.problem.stations
    two = solution.two_step.plan
    layer = {
        "site_id": list(stations.site_ids),
        "community_id": one.community_id,
        "district": np.where(plan.siting.is_open, plan.labels[problem.node_of_site] + 1, 0),
        "unit_id": [stations.unit_ids[unit] for unit in _unit_of_site(city, one)],
        "action": _actions(stations.existing, stations.area_today_m2, plan.siting),
        "action_two_step": (
            "" if two is None else _actions(stations.existing, stations.area_today_m2, two.siting)
        ),
        "floor_area_before_m2": stations.area_today_m2,
        "floor_area_m2": np.where(plan.siting.is_open, plan.siting.area_m2, 0.0),
        "max_area_m2": stations.max_area_m2,
        "fixed_cost": stations.fixed_cost,
        "cost_per_m2": stations.cost_per_m2,
        "cost": stations.site_costs(plan.siting),
    }
    points = shapely.points(city.site_points[one.sites])
    return gpd.GeoDataFrame(layer, geometry=points, crs=city.crs)


def _unit_of_site(city: City, one: CommunityJoint) -> IntArray:
    """Place among the members of the unit that each site belongs to, shape (sites,)."""
    solution = one.solution
    assert solution is not None  # noqa: S101 - the caller has it
    points = np.asarray(shapely.points(city.site_points[one.sites]), dtype=object)
    shapes = np.asarray(city.units.geometry, dtype=object)[one.members]
    nodes, of_unit = solution.asked.node_of_site, solution.asked.node_of_unit
    places = []
    for point, node in zip(points, nodes, strict=True):
        inside = np.flatnonzero(of_unit == node)
        places.append(int(inside[np.argmin(shapely.distance(shapes[inside], point))]))
    return np.array(places, dtype=np.int64)


def _actions(existing: BoolArray, today: FloatArray, siting: Siting) -> list[str]:
    more = siting.area_m2 > today + 1e-6
    found = np.select(
        [~siting.is_open, ~existing, more], ["closed", "opened", "extended"], default="kept"
    )
    return [str(one) for one in found]
