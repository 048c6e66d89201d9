"""The command on a small city: files, table, and a check that finds what was spoilt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
from shequ.cli import app
from shequ.outputs.joint_check import check_joint
from typer.testing import CliRunner

COMMUNITY = "community_id"


@pytest.fixture(scope="session")
def written(city_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the joint plan of the smallest community over a threshold."""
    audit = tmp_path_factory.mktemp("audit")
    run = CliRunner().invoke(app, ["audit", str(city_file), "-o", str(audit)])
    assert run.exit_code == 0, run.output
    table = pd.read_csv(audit / "audit.csv", dtype={COMMUNITY: str}, encoding="utf-8-sig")
    large = table[table["tier"] != "none"].sort_values("units")
    folder = tmp_path_factory.mktemp("joint")
    asked = ["joint", str(city_file), "-o", str(folder), "--time-limit", "20"]
    run = CliRunner().invoke(app, [*asked, "--community", large[COMMUNITY].iloc[0]])
    assert run.exit_code == 0, run.output
    assert "checked: joint.gpkg, joint.csv, joint.json" in run.output
    return folder


def spoilt(folder: Path, into: Path, name: str, column: str, value: object) -> Path:
    """Copy a folder, with a column of the largest row of a layer replaced."""
    copy = into / "copy"
    shutil.copytree(folder, copy)
    layer = pyogrio.read_dataframe(copy / "joint.gpkg", layer=name)
    most = "residents" if name == "units" else "cost" if name == "stations" else "district"
    layer.loc[layer[most].idxmax(), column] = value
    pyogrio.write_dataframe(layer, copy / "joint.gpkg", layer=name, driver="GPKG")
    return copy


def test_both_ways_stand_side_by_side(written: Path) -> None:
    """The table has a row for each way, and the record a bound that the plan keeps."""
    table = pd.read_csv(written / "joint.csv", encoding="utf-8-sig")
    assert table["way"].tolist() == ["two_step", "joint"]
    together = table[table["way"] == "joint"].iloc[0]
    assert together["missing_m2"] == 0
    assert together["districts_without_station"] == 0
    record = json.loads((written / "joint.json").read_text(encoding="utf-8"))
    (one,) = record["communities"]
    assert one["cost"]["bound"] <= one["cost"]["objective"] + 1e-6
    assert together["inertia"] <= one["most_inertia"] * (1 + 1e-5)


def test_layers_have_one_type_of_geometry(written: Path) -> None:
    """A district in parts does not make a layer of mixed types, which not every GIS reads."""
    kinds = dict(pyogrio.list_layers(written / "joint.gpkg"))
    assert {name: kinds[name] for name in ("districts", "units", "stations")} == {
        "districts": "MultiPolygon",
        "units": "MultiPolygon",
        "stations": "Point",
    }


def test_a_community_without_sites_has_no_plan(city_file: Path, tmp_path: Path) -> None:
    """The command says why, writes nothing, and ends like every one that finds no plan."""
    bare = tmp_path / "bare.gpkg"
    shutil.copy(city_file, bare)
    layers = {name: pyogrio.read_dataframe(bare, layer=name) for name in ("sites", "communities")}
    communities, sites = layers["communities"], layers["sites"]
    away = ~sites.within(communities.geometry.iloc[0])
    pyogrio.write_dataframe(sites[away], bare, layer="sites", driver="GPKG")
    asked = ["joint", str(bare), "-o", str(tmp_path / "out"), "--community"]
    run = CliRunner().invoke(app, [*asked, communities[COMMUNITY].iloc[0]])
    assert run.exit_code == 4
    assert "no plan: 2 districts: the community has 0 sites that may be open" in run.output
    assert not any((tmp_path / "out").iterdir())


def test_a_written_plan_keeps_its_rules(written: Path) -> None:
    """The check of the files finds nothing."""
    assert check_joint(written) == []


@pytest.mark.parametrize(
    ("layer", "column", "value", "finding"),
    [
        ("units", "district", 9, "is said to have"),
        ("units", "minutes", 99.0, "minutes, more than"),
        ("units", "site_id", "nowhere", "not open in its district"),
        ("districts", "residents", 1, "is said to have 1 residents"),
        ("stations", "cost", 1e6, "is said to cost"),
        ("stations", "floor_area_m2", 0.0, "smaller than today|has 0 m²|it needs"),
    ],
)
def test_a_spoilt_plan_is_found_out(
    written: Path, tmp_path: Path, layer: str, column: str, value: object, finding: str
) -> None:
    """Whatever is changed in a layer shows in the findings."""
    copy = spoilt(written, tmp_path, layer, column, value)
    findings = "\n".join(check_joint(copy))
    assert any(part in findings for part in finding.split("|"))


def test_an_unknown_community_is_refused(city_file: Path, tmp_path: Path) -> None:
    """The message names the option and some communities that exist."""
    asked = ["joint", str(city_file), "-o", str(tmp_path), "--community", "nowhere"]
    run = CliRunner().invoke(app, asked)
    assert run.exit_code != 0
    assert "--community nowhere" in str(run.exception)
