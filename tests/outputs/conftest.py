"""A small city with a plan, as layers; and a synthetic city, planned and written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.instances.city import read_city
from shequ.instances.policy import Policy
from shequ.optimize.planning.plan import Plan
from shequ.optimize.planning.stages import make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import read_plan, write_plan
from shequ.outputs.layers import PlanFiles

CRS = "EPSG:4547"
WEST, SOUTH, CELL = 500_000.0, 3_460_000.0, 100.0
COLUMNS, ROWS = 16, 12
NAMES = ["桂花社区", "Willow & Lake", "平江社区", "胥门社区"]
TIERS = ["mandatory", "none", "gradual", "none"]
RESIDENTS = [500, 180, 340, 200]


@pytest.fixture(scope="session")
def plan(city_file: Path) -> Plan:
    """Plan of the synthetic city."""
    return make_plan(read_city(city_file, Policy()), Policy())


@pytest.fixture(scope="session")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the plan was written to."""
    path = tmp_path_factory.mktemp("plan")
    write_plan(plan_layers(plan), path)
    return path


@pytest.fixture(scope="session")
def files(folder: Path) -> PlanFiles:
    """Return the plan as read back."""
    return read_plan(folder)


@pytest.fixture
def build_plan() -> Callable[..., PlanFiles]:
    """Return a function that builds the plan, with other names of the communities if asked."""
    return _plan


@pytest.fixture
def small_plan() -> PlanFiles:
    """Four communities of 48 units; the first is split in three, the third in two."""
    return _plan()


def _plan(names: list[str] | None = None) -> PlanFiles:
    names = names or NAMES
    units = _units()
    before = _communities(units, "community_id_before").assign(
        name=names, tier=TIERS, street_id=["S1", "S1", "S2", "S2"]
    )
    districts = _communities(units, "community_id")
    parents = districts["community_id"].str[:2]
    row = before.set_index("community_id").loc[parents]
    is_split = districts["community_id"].str.len().to_numpy() > 2
    suffix = districts["community_id"].str[2:].to_numpy(object)
    districts = districts.assign(
        name=row["name"].to_numpy(object) + suffix,
        parent_id=parents,
        street_id=row["street_id"].to_numpy(),
        tier=row["tier"].to_numpy(),
        change_type=np.where(is_split, "split", "kept"),
        provisional=is_split,
        deviation=np.where(is_split, 0.012, 0.0),
    )
    open_sites, closed = _sites()
    allocation = units.loc[units["in_reach"], ["unit_id", "site_id", "minutes", "residents"]]
    lines = shapely.linestrings(
        np.tile([[WEST, SOUTH], [WEST + 1, SOUTH]], (len(allocation), 1, 1))
    )
    return PlanFiles(
        districts=districts,
        units=units,
        facilities=open_sites,
        candidates=closed,
        allocation=gpd.GeoDataFrame(allocation, geometry=lines, crs=CRS),
        communities_before=before,
        network=_lines([[(0, 4), (16, 4)], [(8, 0), (8, 12)]], from_node=["a", "c"]),
        barriers=_lines([[(0, 6.1), (16, 6.1)]], kind=["river"], crossable=[False]),
        record=_record(names),
    )


def _units() -> gpd.GeoDataFrame:
    column, row = (part.ravel() for part in np.meshgrid(np.arange(COLUMNS), np.arange(ROWS)))
    west, south = WEST + CELL * column, SOUTH + CELL * row
    community = 2 * (row >= ROWS // 2) + (column >= COLUMNS // 2)
    part = np.select(
        [community == 0, community == 2], [1 + column // 3 % 3, 1 + row // 3 % 2], default=0
    )
    minutes = np.round(np.hypot(column - 8, row - 6) * 1.8, 2)
    minutes = np.where(minutes > 15, np.nan, minutes)
    before = np.array(["C1", "C2", "C3", "C4"], dtype=object)[community]
    residents = np.array(RESIDENTS)[community]
    return gpd.GeoDataFrame(
        {
            "unit_id": [f"u{idx:03d}" for idx in range(len(column))],
            "residents": residents,
            "households": residents // 3,
            "community_id": np.where(part > 0, before + "-" + part.astype(str), before),
            "community_id_before": before,
            "site_id": pd.Series(np.where(np.isnan(minutes), None, "f1"), dtype=object),
            "minutes": minutes,
            "in_reach": ~np.isnan(minutes),
        },
        geometry=shapely.box(west, south, west + CELL, south + CELL),
        crs=CRS,
    )


def _communities(units: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    reached = units["residents"].where(units["in_reach"], 0)
    table = units.assign(residents_in_reach=reached, units=1).dissolve(
        by=column,
        aggfunc={
            "residents": "sum",
            "households": "sum",
            "units": "sum",
            "residents_in_reach": "sum",
            "minutes": "mean",
        },
    )
    area = np.linspace(900.0, 8_000.0, len(table))
    target = table["households"] * 0.8
    return (
        table.rename(columns={"minutes": "mean_minutes"})
        .assign(
            residents_out_of_reach=table["residents"] - table["residents_in_reach"],
            floor_area_m2=area,
            floor_area_target_m2=target,
            floor_area_shortfall_m2=(target - area).clip(lower=0),
            floor_area_per_100_households=100 * area / table["households"],
            workers=np.ceil(table["residents"] * 0.0018).astype(int),
            facilities=1,
        )
        .rename_axis("community_id")
        .reset_index()
    )


def _sites() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    places = [(8, 6), (3, 3), (12, 9), (4, 10), (13, 2)]
    table = gpd.GeoDataFrame(
        {
            "site_id": ["f1", "f2", "f3", "f4", "f5"],
            "name": ["中心站", "North hall", None, "Lot 4", "Old mill"],
            "status": ["existing", "existing", "candidate", "candidate", "existing"],
            "action": ["kept", "extended", "opened", "closed", "closed"],
            "floor_area_before_m2": [900.0, 500.0, 0.0, 0.0, 300.0],
            "floor_area_m2": [900.0, 1_400.0, 2_000.0, 0.0, 0.0],
            "max_area_m2": [900.0, 1_500.0, 2_500.0, 800.0, 300.0],
            "fixed_cost": 100.0,
            "cost_per_m2": 0.5,
            "cost": [0.0, 450.0, 1_100.0, 0.0, 0.0],
            "community_id": ["C4", "C1-2", "C4", "C3-2", "C2"],
            "units_served": [150, 20, 10, 0, 0],
            "households_served": [9_000, 700, 300, 0, 0],
            "residents_served": [27_000, 2_100, 900, 0, 0],
        },
        geometry=[shapely.Point(WEST + CELL * x, SOUTH + CELL * y) for x, y in places],
        crs=CRS,
    )
    is_open = table["action"] != "closed"
    return table[is_open], table[~is_open]


def _lines(paths: list[list[tuple[float, float]]], **columns: list[Any]) -> gpd.GeoDataFrame:
    shapes = [
        shapely.LineString([(WEST + CELL * x, SOUTH + CELL * y) for x, y in path]) for path in paths
    ]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def _record(names: list[str]) -> dict[str, Any]:
    return {
        "shequ": "0.1.0",
        "created": "2026-01-02T03:04:05+00:00",
        "city": {
            "name": "Pingjiang 平江",
            "file": "city.gpkg",
            "sha256": hashlib.sha256(b"city").hexdigest(),
            "crs": CRS,
            "units": COLUMNS * ROWS,
            "residents": 58_560,
            "households": 19_400,
            "communities": 4,
            "sites": 5,
            "warnings": ["units: 2 rows have no households."],
            "repairs": [],
        },
        "policy": Policy().model_dump(mode="json"),
        "lang": "en",
        "figures": {"before": _figures(0), "after": _figures(1)},
        "split": [_split("C1", names[0], 3), _split("C3", names[2], 2)],
        "siting": {
            "cost": _solve("optimal", "proven", 1_550.0, 1_550.0),
            "walking": _solve("feasible", "time", 210_400.0, 208_000.0),
            "mode": "cheapest",
            "budget": None,
            "lowest": _solve("optimal", "proven", 1_545.0, 1_545.0),
            "served": None,
        },
        "shortfalls": [
            {
                "rule": "floor_area",
                "place_kind": "community",
                "place_id": "C1-1",
                "place_name": names[0] + "-1",
                "value": 900.0,
                "target": 1_200.0,
                "short": 300.0,
                "unit_of_measure": "m2",
                "remedy_key": "more_area",
                "remedy_values": {"area": "300"},
                "remedy": "Candidate sites in it with 300 m² more.",
            },
            {
                "rule": "reach",
                "place_kind": "unit",
                "place_id": "u000",
                "place_name": "u000",
                "value": None,
                "target": 15.0,
                "short": 3.0,
                "unit_of_measure": "minutes",
                "remedy_key": "connect_or_site",
                "remedy_values": {"reach": "15", "limit": "60"},
                "remedy": "A candidate site within 15 minutes of it.",
            },
        ],
        "seconds": {"read": 0.2, "split": 1.5, "site": 0.7},
        "versions": {"highspy": "1.15.1"},
        "limits": {"seconds": None, "gap": 0.001, "seed": 1, "threads": 2},
        "interrupted": False,
    }


def _figures(after: int) -> dict[str, Any]:
    return {
        "communities": 4 + 3 * after,
        "over_mandatory": 1 - after,
        "over_gradual": 1 - after,
        "largest_residents": 24_000 - 14_000 * after,
        "largest_households": 8_000 - 5_000 * after,
        "floor_area_m2": 1_700.0 + 2_600.0 * after,
        "floor_area_per_100_households": 8.8 + 72.0 * after,
        "mean_floor_area_m2": 425.0 + 189.0 * after,
        "communities_below_target": 4 - 3 * after,
        "residents_in_reach": 50_000,
        "share_in_reach": 0.853,
        "residents_out_of_reach": 8_560,
        "mean_minutes": 9.4,
        "workers_needed": 106,
        "facilities": 3,
        "cost": 1_550.0 if after else None,
    }


def _split(community: str, name: str, districts: int) -> dict[str, Any]:
    return {
        "community_id": community,
        "name": name,
        "tier": "mandatory",
        "residents": 24_000,
        "households": 8_000,
        "units": 48,
        "districts": districts,
        "lower": 7_600,
        "upper": 8_400,
        **_solve("optimal", "proven", 123_456.0, 123_456.0),
    }


def _solve(status: str, reason: str, objective: float, bound: float) -> dict[str, Any]:
    return {
        "status": status,
        "reason": reason,
        "objective": objective,
        "bound": bound,
        "gap": (objective - bound) / objective,
        "seconds": 1.25,
        "solver": "highs 1.15.1",
        "detail": "",
    }
