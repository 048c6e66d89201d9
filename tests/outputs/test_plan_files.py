"""A whole plan: written, read back, verified, and found out when it is tampered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shequ.instances.city import read_city
from shequ.instances.policy import Policy
from shequ.optimize.planning.plan import Plan, make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import read_plan, write_plan
from shequ.outputs.layers import PlanFiles
from shequ.outputs.verify import verify_layers, verify_plan


@pytest.fixture(scope="module")
def plan(city_file: Path) -> Plan:
    """Plan of the synthetic city."""
    return make_plan(read_city(city_file, Policy()), Policy())


@pytest.fixture(scope="module")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the plan was written to."""
    path = tmp_path_factory.mktemp("plan")
    write_plan(plan_layers(plan), path)
    return path


@pytest.fixture(scope="module")
def files(folder: Path) -> PlanFiles:
    """Return the plan as read back."""
    return read_plan(folder)


def test_the_written_plan_verifies(folder: Path) -> None:
    """Nothing speaks against the plan that was written."""
    assert verify_plan(folder).findings == ()


def test_every_file_is_there_and_none_is_half_written(folder: Path) -> None:
    """The folder holds the files that are promised, and no temporary ones."""
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "plan.gpkg",
        "plan.json",
        "report.html",
        "map.png",
        "districts.geojson",
        "assignment.csv",
        "facilities.csv",
        "communities.csv",
    }


def test_layers_keep_crs_text_and_topology(folder: Path, plan: Plan) -> None:
    """Read back: the CRS is the input's, Chinese text is intact, the coverage is valid."""
    districts = gpd.read_file(folder / "plan.gpkg", layer="districts")
    units = gpd.read_file(folder / "plan.gpkg", layer="units")
    assert districts.crs == units.crs == plan.city.input_crs
    assert set(plan.city.communities["name"]) <= set(districts["name"])
    for layer in (districts, units):
        shapes = np.asarray(layer.geometry, dtype=object)
        assert shapely.coverage_is_valid(shapes)
        assert shapely.is_valid(shapes).all()
    assert units["unit_id"].is_unique
    assert units["community_id"].isin(districts["community_id"]).all()
    assert districts.area.sum() == pytest.approx(units.area.sum())
    styles = pyogrio.read_dataframe(folder / "plan.gpkg", layer="layer_styles")
    assert {"districts", "units", "facilities"} <= set(styles["f_table_name"])


def test_tables_and_geojson_agree_with_the_layers(folder: Path, files: PlanFiles) -> None:
    """The CSV files and the GeoJSON hold the same units and communities."""
    assignment = pd.read_csv(folder / "assignment.csv", dtype=str)
    assert dict(zip(assignment["unit_id"], assignment["community_id"], strict=True)) == dict(
        zip(files.units["unit_id"], files.units["community_id"], strict=True)
    )
    districts = gpd.read_file(folder / "districts.geojson")
    assert districts.crs.to_epsg() == 4326
    assert set(districts["community_id"]) == set(files.districts["community_id"])


def test_the_rules_of_the_programme_are_met(files: PlanFiles) -> None:
    """No community is over a threshold, each has its floor area, everybody reaches a station."""
    table = files.districts
    assert (table["change_type"] == "split").any()
    assert table["residents"].max() < 15_000
    assert table["households"].max() < 5_000
    assert (table["floor_area_m2"] >= 0.8 * table["households"] - 0.1).all()
    assert files.units.loc[files.units["residents"] > 0, "in_reach"].all()
    assert files.record["shortfalls"] == []


def _moved_unit(plan: PlanFiles) -> PlanFiles:
    units = plan.units.copy()
    other = plan.districts["community_id"].iloc[-1]
    units.loc[0, "community_id"] = other if units.loc[0, "community_id"] != other else "nowhere"
    return replace(plan, units=units)


def _small_facility(plan: PlanFiles) -> PlanFiles:
    facilities = plan.facilities.copy()
    row = int(np.argmax(facilities["floor_area_m2"]))
    facilities.loc[row, "floor_area_m2"] /= 2
    return replace(plan, facilities=facilities)


def _faster_walk(plan: PlanFiles) -> PlanFiles:
    units = plan.units.copy()
    units.loc[int(np.argmax(units["minutes"])), "minutes"] -= 1
    return replace(plan, units=units)


def _forged_proof(plan: PlanFiles) -> PlanFiles:
    step = {**plan.record["siting"]["walking"], "status": "optimal"}
    step["bound"] = step["objective"] * 0.9
    return replace(
        plan, record={**plan.record, "siting": {**plan.record["siting"], "walking": step}}
    )


def _closed_facility(plan: PlanFiles) -> PlanFiles:
    busiest = int(np.argmax(plan.facilities["residents_served"]))
    return replace(plan, facilities=plan.facilities.drop(index=busiest).reset_index(drop=True))


def _overlap(plan: PlanFiles) -> PlanFiles:
    districts = plan.districts.copy()
    districts.loc[0, "geometry"] = districts.loc[0, "geometry"].buffer(5)
    return replace(plan, districts=districts)


def _wrong_crs(plan: PlanFiles) -> PlanFiles:
    return replace(plan, facilities=plan.facilities.to_crs("EPSG:32651"))


def _invented_shortfall(plan: PlanFiles) -> PlanFiles:
    entry = {
        "rule": "floor_area",
        "place_id": plan.districts["community_id"].iloc[0],
        "short": 5.0,
        "value": 1.0,
    }
    return replace(plan, record={**plan.record, "shortfalls": [entry]})


@pytest.mark.parametrize(
    ("tamper", "check"),
    [
        (_moved_unit, "membership"),
        (_small_facility, "floor area"),
        (_faster_walk, "walking"),
        (_forged_proof, "proofs"),
        (_closed_facility, "walking"),
        (_overlap, "coverage"),
        (_wrong_crs, "crs"),
        (_invented_shortfall, "floor area"),
    ],
)
def test_tampering_is_found(
    files: PlanFiles, tamper: Callable[[PlanFiles], PlanFiles], check: str
) -> None:
    """Each kind of mistake is found by the check that is there for it."""
    assert verify_layers(files).ok
    failed = {c.name for c in verify_layers(tamper(files)).checks if not c.ok}
    assert check in failed


def test_units_swapped_between_districts_break_contiguity(files: PlanFiles) -> None:
    """A district with a unit from across its community is not contiguous."""
    split = files.districts.loc[files.districts["change_type"] == "split"]
    one, other = split["community_id"].iloc[:2]
    units = files.units.copy()
    mine = units.index[units["community_id"] == one]
    centre = split.geometry.iloc[1].centroid
    units.loc[units.loc[mine].distance(centre).idxmax(), "community_id"] = other
    failed = {c.name for c in verify_layers(replace(files, units=units)).checks if not c.ok}
    assert {"membership", "contiguity"} <= failed


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    """The message names the missing file and the command that writes it."""
    with pytest.raises(ValueError, match=r"plan\.gpkg.*shequ plan"):
        verify_plan(tmp_path)


def test_a_geographic_city_gets_its_own_crs_back(city_file: Path, tmp_path: Path) -> None:
    """Input in degrees is planned in metres, written in degrees, and verifies."""
    layers = {
        name: gpd.read_file(city_file, layer=name).to_crs("EPSG:4490")
        for name in ("units", "sites", "network", "barriers", "communities")
    }
    for name, layer in layers.items():
        pyogrio.write_dataframe(layer, tmp_path / "degrees.gpkg", layer=name)
    city = read_city(tmp_path / "degrees.gpkg", Policy())
    plan = make_plan(city, Policy(), stages=("site",))
    write_plan(plan_layers(plan), tmp_path / "out")
    assert gpd.read_file(tmp_path / "out/plan.gpkg", layer="districts").crs.to_epsg() == 4490
    assert verify_plan(tmp_path / "out").findings == ()
