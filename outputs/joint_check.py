"""
Check plans of boundaries and stations from their written files alone.

Nothing of the code that made them is used: sums, borders, floor areas and costs are counted again.
Walking minutes are taken as written; whether the station that they lead to is open and lies in the
own district is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from .verify.borders import bordering, hanging_together, uncrossable

SHARE = 1e-6
"""Share of a figure by which it may be missed in rounding."""

ROUNDING_M2 = 0.02


def check_joint(folder: Path) -> list[str]:
    """
    Return every rule that the plans in a folder break, in words; empty if there is none.

    Parameters
    ----------
    folder
        Folder with ``joint.gpkg``, ``joint.csv`` and ``joint.json``.

    Raises
    ------
    ValueError
        If a file is missing or cannot be read.
    """
    record, table = _record(folder), _table(folder)
    planned = [one for one in record["communities"] if not one["why_not"]]
    if not planned:
        return []
    layers = {name: _layer(folder, name) for name in ("districts", "stations", "units")}
    barriers = _barriers(folder)
    findings: list[str] = []
    for one in planned:
        own = {
            name: layer[layer["community_id"] == one["community_id"]]
            for name, layer in layers.items()
        }
        broken = (
            *_districts(one, own["districts"], own["units"]),
            *_connected(one, own["units"], record, barriers),
            *_reach(one, own["units"], own["stations"], record),
            *_areas(one, own["districts"], own["stations"]),
            *_costs(one, own["stations"], table),
        )
        findings += [f"{one['community_id']}: {finding}" for finding in broken]
    return findings


def _record(folder: Path) -> dict[str, Any]:
    path = folder / "joint.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read; write it by `shequ joint`.") from error
    return content


def _table(folder: Path) -> pd.DataFrame:
    path = folder / "joint.csv"
    try:
        return pd.read_csv(path, dtype={"community_id": str}, encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read; write it by `shequ joint`.") from error


def _layer(folder: Path, name: str) -> gpd.GeoDataFrame:
    path = folder / "joint.gpkg"
    try:
        return pyogrio.read_dataframe(path, layer=name)
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise ValueError(f"{path}, layer {name}: cannot be read ({error}).") from error


def _barriers(folder: Path) -> gpd.GeoDataFrame | None:
    names = pyogrio.list_layers(folder / "joint.gpkg")[:, 0]
    return _layer(folder, "barriers") if "barriers" in names else None


def _districts(
    one: dict[str, Any], districts: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> Iterator[str]:
    """Yield what is wrong with number, sums, balance and shapes of the districts."""
    if sorted(districts["district"]) != list(range(1, one["districts"] + 1)):
        yield f"its districts are {sorted(districts['district'])}, not 1 to {one['districts']}"
        return
    for row in districts.to_dict("records"):
        inside = units[units["district"] == row["district"]]
        name = f"district {row['district']}"
        for weight, column in enumerate(("residents", "households")):
            total = int(inside[column].sum())
            if total != row[column]:
                yield f"{name} is said to have {row[column]} {column}; its units have {total}"
            low, high = one["lower"][weight], one["upper"][weight]
            if not low - SHARE <= total <= high + SHARE:
                yield f"{name} has {total} {column}, not {low:g} to {high:g}"
        area = float(shapely.area(np.asarray(inside.geometry, dtype=object)).sum())
        if abs(row["geometry"].area - area) > 1e-4 * max(area, 1.0):
            yield f"the polygon of {name} is not that of its units"


def _connected(
    one: dict[str, Any],
    units: gpd.GeoDataFrame,
    record: dict[str, Any],
    barriers: gpd.GeoDataFrame | None,
) -> Iterator[str]:
    """Yield the districts that do not hang together, and estates that are parted."""
    del one
    shapes = np.asarray(units.geometry, dtype=object)
    pairs = bordering(shapes, record["policy"]["split"], uncrossable(barriers))[0]
    known = {tuple(pair) for pair in pairs.tolist()}
    place = {name: spot for spot, name in enumerate(units["unit_id"])}
    for change in record["edge_changes"]:
        if change["unit_a"] in place and change["unit_b"] in place:
            ends = sorted((place[change["unit_a"]], place[change["unit_b"]]))
            (known.discard if change["action"] == "remove" else known.add)((ends[0], ends[1]))
    both = np.array(sorted(known), dtype=np.int64).reshape(-1, 2)
    district = units["district"].to_numpy()
    part = hanging_together(len(units), both[district[both[:, 0]] == district[both[:, 1]]])
    for number in np.unique(district):
        if np.unique(part[district == number]).size > 1:
            yield f"district {number} does not hang together"
    for column in record["policy"]["split"]["keep_together"]:
        if column not in units:
            continue
        names = units[column].fillna("").astype(str).str.strip().to_numpy(object)
        for u, v in both.tolist():
            if names[u] and names[u] == names[v] and district[u] != district[v]:
                yield f"{column} {names[u]} is parted between districts"


def _reach(
    one: dict[str, Any],
    units: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    record: dict[str, Any],
) -> Iterator[str]:
    """Yield the units that reach no open station of their own district."""
    reach, exempt = record["policy"]["siting"]["reach_minutes"], set(one["rules"]["exempt_units"])
    opened = stations[stations["action"] != "closed"]
    home = dict(zip(opened["site_id"], opened["district"], strict=True))
    for row in units.to_dict("records"):
        missing = pd.isna(row["site_id"])
        if missing and row["residents"] > 0 and row["unit_id"] not in exempt:
            yield f"unit {row['unit_id']} reaches no station of its district"
        if missing:
            continue
        if home.get(row["site_id"]) != row["district"]:
            yield f"unit {row['unit_id']} is led to {row['site_id']}, not open in its district"
        if not row["minutes"] <= reach + SHARE:
            yield f"unit {row['unit_id']} walks {row['minutes']:g} minutes, more than {reach:g}"


def _areas(
    one: dict[str, Any], districts: gpd.GeoDataFrame, stations: gpd.GeoDataFrame
) -> Iterator[str]:
    """Yield districts without a station or with too little floor area, and sites out of size."""
    opened = stations[stations["action"] != "closed"]
    for row in districts.to_dict("records"):
        own = opened[opened["district"] == row["district"]]
        if own.empty:
            yield f"district {row['district']} has no open station"
        need = row["households"] * one["rules"]["m2_per_100_households"] / 100
        if own["floor_area_m2"].sum() < need - ROUNDING_M2:
            yield (
                f"district {row['district']} has {own['floor_area_m2'].sum():g} m², "
                f"it needs {need:g}"
            )
    for row in opened.to_dict("records"):
        if row["floor_area_m2"] > row["max_area_m2"] + ROUNDING_M2:
            yield f"site {row['site_id']} is larger than its {row['max_area_m2']:g} m²"
        if row["floor_area_m2"] < row["floor_area_before_m2"] - ROUNDING_M2:
            yield f"site {row['site_id']} is smaller than today"


def _costs(one: dict[str, Any], stations: gpd.GeoDataFrame, table: pd.DataFrame) -> Iterator[str]:
    """Yield costs that are not those of the sites, and bounds that exclude the plan."""
    total = 0.0
    for row in stations[stations["action"] != "closed"].to_dict("records"):
        more = max(row["floor_area_m2"] - row["floor_area_before_m2"], 0.0)
        cost = row["cost_per_m2"] * more + (row["fixed_cost"] if row["action"] == "opened" else 0)
        if abs(cost - row["cost"]) > SHARE * max(1.0, cost):
            yield f"site {row['site_id']} is said to cost {row['cost']:g}, it costs {cost:g}"
        total += cost
    own = table[(table["community_id"] == one["community_id"]) & (table["way"] == "joint")]
    for row in own.to_dict("records"):
        if abs(total - row["cost"]) > SHARE * max(1.0, total):
            yield f"the plan is said to cost {row['cost']:g}, it costs {total:g}"
        if row["bound"] > row["cost"] + SHARE * max(1.0, row["cost"]):
            yield f"the bound {row['bound']:g} excludes the plan of {row['cost']:g}"
        limit = one["most_inertia"]
        if row["inertia"] > limit * (1 + 10 * SHARE):
            yield f"its moment of inertia is {row['inertia']:g}, more than {limit:g}"
