"""A whole plan: written, read back, verified, and found out when it is tampered with."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shequ.optimize.planning import communities_named
from shequ.optimize.planning.plan import Plan
from shequ.outputs import schema
from shequ.outputs.layers import PlanFiles
from shequ.outputs.verify import verify_plan


def test_the_written_plan_verifies(folder: Path) -> None:
    """Nothing speaks against the plan that was written."""
    assert verify_plan(folder).findings == ()


def test_files_and_plans_tell_communities_by_the_same_columns() -> None:
    """The schema of the files, which the verifier reads, names what a plan names."""
    assert schema.IDENTITY == communities_named.IDENTITY


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
