"""Plans of cities with something odd about them, written and verified."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from shequ.instances.city import build_city, read_city
from shequ.instances.policy import Policy
from shequ.optimize.planning.stages import make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import geometry_type, read_plan, write_plan
from shequ.outputs.layers import PlanFiles
from shequ.outputs.verify import verify_layers, verify_plan
from shequ.outputs.verify.minutes import streets_of

CRS = "EPSG:4549"
WEST, SOUTH, SIDE = 500_000.0, 3_460_000.0, 200.0
Layers = dict[str, gpd.GeoDataFrame]


def chain(residents: list[int], **columns: list[Any]) -> Layers:
    """Return units in a row, each with a candidate site at its centre."""
    num = len(residents)
    west = WEST + SIDE * np.arange(num)
    shapes = shapely.box(west, SOUTH, west + SIDE, SOUTH + SIDE)
    units = {
        "unit_id": [f"U{k}" for k in range(num)],
        "residents": residents,
        "households": [count // 3 for count in residents],
        "community_id": "C1",
        **columns,
    }
    sites = {
        "site_id": [f"S{k}" for k in range(num)],
        "status": "candidate",
        "floor_area_m2": 0.0,
        "max_area_m2": 9_000.0,
        "fixed_cost": 10.0,
        "cost_per_m2": 0.1,
    }
    return {
        "units": gpd.GeoDataFrame(units, geometry=shapes, crs=CRS),
        "sites": gpd.GeoDataFrame(sites, geometry=shapely.centroid(shapes), crs=CRS),
    }


def planned(layers: Layers, folder: Path, **policy: object) -> PlanFiles:
    """Plan a city, write it and read it back."""
    rules = Policy().with_values(policy)
    write_plan(plan_layers(make_plan(build_city(layers, rules), rules)), folder)
    return read_plan(folder)


def failed(plan: PlanFiles) -> set[str]:
    """Names of the checks that find something."""
    return {check.name for check in verify_layers(plan).checks if not check.ok}


def read_layers(path: Path) -> Layers:
    """Return the layers of a city as they are."""
    names = ("units", "sites", "network", "barriers", "communities")
    return {name: gpd.read_file(path, layer=name) for name in names}


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:3857", "EPSG:2263"])
def test_a_plan_in_degrees_mercator_or_feet_verifies(
    city_file: Path, tmp_path: Path, crs: str
) -> None:
    """Input that is not in true metres is planned in them, written as it was, and verifies."""
    layers = read_layers(city_file)
    if crs == "EPSG:2263":
        layers = {name: _to_new_york(layer) for name, layer in layers.items()}
    layers = {name: layer.to_crs(crs) for name, layer in layers.items()}
    plan = planned(layers, tmp_path)
    assert plan.units.crs == plan.districts.crs == crs
    assert verify_plan(tmp_path).findings == ()


def _to_new_york(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Move a layer to where EPSG:2263, in feet, is made for."""
    shift = np.array([585_000.0, 4_510_000.0])
    start = np.array([WEST, SOUTH])
    moved = shapely.transform(np.asarray(layer.geometry), lambda xy: xy - start + shift)
    return gpd.GeoDataFrame(layer.drop(columns="geometry"), geometry=moved, crs="EPSG:32618")


def test_edges_of_one_part_in_multilinestrings_verify(city_file: Path, tmp_path: Path) -> None:
    """A network of MultiLineStrings walks like one of LineStrings, without a warning."""
    layers = read_layers(city_file)
    network = layers["network"]
    lines = [shapely.MultiLineString([line]) for line in network.geometry]
    plan = planned(layers | {"network": network.set_geometry(lines, crs=network.crs)}, tmp_path)
    assert verify_plan(tmp_path).findings == ()
    multi = plan.network.set_geometry(lines, crs=plan.network.crs)
    assert verify_layers(replace(plan, network=multi)).findings == ()


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        (["LINESTRING (0 0, 1 0)", None], "LineString"),
        (["LINESTRING (0 0, 1 0)", "MULTILINESTRING ((0 0, 1 0))"], "MultiLineString"),
        (["POLYGON ((0 0, 1 0, 1 1, 0 0))"], "Polygon"),
        (["LINESTRING (0 0, 1 0)", "POLYGON ((0 0, 1 0, 1 1, 0 0))"], "Unknown"),
        ([], "LineString"),
    ],
)
def test_the_type_of_geometry_is_that_of_the_data(shapes: list[str | None], kind: str) -> None:
    """Lines are of many parts only where one is; lines beside polygons have no one type."""
    layer = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkt(shapes), crs=CRS)
    assert geometry_type("barriers", layer) == kind


def test_a_network_of_many_parts_is_written_and_read_back(files: PlanFiles, tmp_path: Path) -> None:
    """One MultiLineString makes the layer one of many parts; no geometry is lost."""
    network = files.network.copy()
    network.loc[0, "geometry"] = shapely.MultiLineString([network.geometry[0]])
    write_plan(replace(files, network=network), tmp_path)
    info = pyogrio.read_info(tmp_path / "plan.gpkg", layer="network")
    assert info["geometry_type"] == "MultiLineString"
    back = gpd.read_file(tmp_path / "plan.gpkg", layer="network")
    assert back.length.tolist() == network.length.tolist()


def test_no_line_has_two_equal_points(tmp_path: Path) -> None:
    """A unit whose point is its facility has a row without a geometry, and verifies."""
    plan = planned(chain([900, 900]), tmp_path)
    at_site = plan.allocation["minutes"] < 1e-3
    assert at_site.any()
    assert plan.allocation.geometry[at_site].isna().all()
    assert plan.allocation.geometry[~at_site].is_valid.all()
    assert verify_plan(tmp_path).findings == ()


def test_a_group_is_kept_whole_by_its_connected_parts(tmp_path: Path) -> None:
    """Units of one estate that do not touch may lie in two districts; those that do may not."""
    layers = chain([5_000] * 4, estate_id=["E", None, None, "E"])
    plan = planned(layers, tmp_path)
    assert len(plan.districts) == 2
    assert plan.units["community_id"].nunique() == 2
    assert verify_plan(tmp_path).findings == ()
    touching = plan.units.assign(estate_id=[None, "E", "E", None])
    assert "groups" in failed(replace(plan, units=touching))


def test_a_site_on_a_border_may_count_for_either_side(tmp_path: Path) -> None:
    """A site on the border of two communities counts for one of them; one inside does not."""
    layers = chain([3_000, 3_000], community_id=["A", "B"])
    sites = layers["sites"].iloc[[0]].copy()
    sites["geometry"] = [shapely.Point(WEST + SIDE, SOUTH + SIDE / 2)]
    plan = planned({**layers, "sites": sites}, tmp_path)
    assert "facilities" not in failed(plan)
    other = {"A": "B", "B": "A"}[plan.facilities["community_id"][0]]
    swapped = plan.facilities.assign(community_id=other)
    assert "facilities" not in failed(replace(plan, facilities=swapped))
    moved = swapped.set_geometry(swapped.translate(30 if other == "A" else -30))
    assert "facilities" in failed(replace(plan, facilities=moved))


def test_a_plan_with_shortfalls_and_a_widened_balance_verifies(tmp_path: Path) -> None:
    """What cannot be met is listed with the amounts that the layers show."""
    layers = chain([9_000, 4_000, 4_000])
    sites = layers["sites"].assign(max_area_m2=300.0).iloc[[0]]
    plan = planned({**layers, "sites": sites}, tmp_path, **{"siting.reach_minutes": 2.0})
    rules = {entry["rule"] for entry in plan.record["shortfalls"]}
    assert {"floor_area", "reach", "balance"} <= rules
    assert verify_plan(tmp_path).findings == ()
    for number in range(len(plan.record["shortfalls"])):
        left = [e for k, e in enumerate(plan.record["shortfalls"]) if k != number]
        record = {**plan.record, "shortfalls": left}
        assert "shortfalls" in failed(replace(plan, record=record))


@pytest.mark.parametrize(
    ("stages", "budget"), [(("split",), None), (("site",), None), (("split", "site"), 2_000.0)]
)
def test_plans_of_one_stage_or_with_a_budget_verify(
    city_file: Path, tmp_path: Path, stages: tuple[str, ...], budget: float | None
) -> None:
    """Each way to plan gives layers and a record that agree."""
    city = read_city(city_file, Policy())
    write_plan(plan_layers(make_plan(city, Policy(), stages=stages, budget=budget)), tmp_path)
    assert verify_plan(tmp_path).findings == ()


def test_equally_near_nodes_leave_a_range_of_minutes() -> None:
    """A home between two nodes may be connected to either; a home at one is not in doubt."""
    ends = [(0.0, 0.0), (100.0, 0.0), (0.0, 200.0)]
    network = gpd.GeoDataFrame(
        {"from_node": ["a", "c"], "to_node": ["b", "a"], "length_m": [100.0, 200.0]},
        geometry=[shapely.LineString(ends[:2]), shapely.LineString([ends[2], ends[0]])],
        crs=CRS,
    )
    homes = np.array([shapely.Point(50, 30), shapely.Point(100, 0)], dtype=object)
    rules = Policy().model_dump()["walking"] | {"speed_kmh": 6.0}
    streets = streets_of(homes, network, None, rules)
    station = np.array([[0.0, 200.0]])
    snap = np.hypot(50, 30) / 100
    for found in (streets.nearest(station), streets.to(station, np.zeros(2, int), limit=60)):
        assert found.low == pytest.approx([2 + snap, 3])
        assert found.high == pytest.approx([3 + snap, 3])


def test_qgis_finds_its_styles(folder: Path) -> None:
    """The table has QGIS' key and a date and time; every layer with one kind has a style."""
    with closing(sqlite3.connect(folder / "plan.gpkg")) as file:
        columns = file.execute("PRAGMA table_info(layer_styles)").fetchall()
        kinds = {name: kind for _, name, kind, *_ in columns}
        keys = [name for _, name, *_, is_key in columns if is_key]
        kept = file.execute(
            "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'"
        ).fetchall()
        styled = file.execute("SELECT f_table_name FROM layer_styles WHERE useAsDefault").fetchall()
    assert keys == ["id"]
    assert kinds["update_time"] == "DATETIME"
    assert kept == [("attributes",)]
    layers = {str(name) for name in pyogrio.list_layers(folder / "plan.gpkg")[:, 0]}
    assert {name for (name,) in styled} == layers - {"layer_styles"}
