"""``shequ network`` and ``shequ isochrones``."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely
from shequ.cli import main
from shequ.commands.options import BAD_INPUT
from shequ.instances.city import read_city, write_city
from shequ.instances.synthetic import generate_city


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small generated city."""
    folder = tmp_path_factory.mktemp("town")
    return write_city(generate_city(residents=15_000, seed=2), folder / "town.gpkg")


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, str, str]:
    """Run the command; return exit code and what it says."""
    monkeypatch.setattr(sys, "argv", ["shequ", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_a_city_gets_a_network_of_lines(town, tmp_path, monkeypatch, capsys):
    """The layers of a city are written with the new network, and how far its places lie from it."""
    city = read_city(town)
    assert city.network is not None
    lines = city.network[["geometry"]]
    lines.to_file(tmp_path / "lines.gpkg", layer="lines")
    target = tmp_path / "new" / "city.gpkg"
    code, out, _ = run(
        monkeypatch, capsys, "network", tmp_path / "lines.gpkg", "-o", target, "--city", town
    )
    assert code == 0
    assert f"{city.num_sites} sites: " in out
    assert f"{city.num_units} units: " in out
    again = read_city(target)
    assert again.network is not None
    assert again.num_units == city.num_units
    assert abs(again.network["length_m"].sum() / lines.geometry.length.sum() - 1) < 1e-6


@pytest.mark.parametrize("ending", ["gpkg", "geojson"])
def test_isochrones_are_written_and_read_back(town, tmp_path, monkeypatch, capsys, ending):
    """The file holds valid nested areas of both sites, in the reference system of the city."""
    city = read_city(town)
    names = city.sites["site_id"].tolist()[:2]
    target = tmp_path / f"areas.{ending}"
    asked = ["--site", names[0], "--site", names[1], "--minutes", "10,5", "--group", "child"]
    code, out, _ = run(monkeypatch, capsys, "isochrones", town, *asked, "-o", target)
    assert code == 0
    assert out.startswith(f"{names[0]}: 10 minutes child, ")
    areas = gpd.read_file(target)
    assert pyogrio.list_layers(target)[:, 0].tolist() == ["isochrones"]
    assert areas.crs == city.input_crs
    assert areas["site_id"].tolist() == [names[0], names[0], names[1], names[1]]
    assert areas["minutes"].tolist() == [10, 5, 10, 5]
    assert areas["travel_group"].tolist() == ["child"] * 4
    assert shapely.is_valid(areas.geometry.to_numpy()).all()
    assert areas.geometry[1].difference(areas.geometry[0]).area < 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("isochrones", "{town}", "-o", "{here}/a.gpkg"), "--all-open"),
        (("isochrones", "{town}", "--all-open", "--site", "x", "-o", "{here}/a.gpkg"), "--site"),
        (("isochrones", "{town}", "--all-open", "-o", "{here}/a.txt"), "neither .gpkg nor"),
        (("isochrones", "{town}", "--all-open", "--group", "bus", "-o", "{here}/a.gpkg"), "adult"),
        (("isochrones", "{town}", "--all-open", "--minutes", "x", "-o", "{here}/a.gpkg"), "5,10"),
        (("isochrones", "{town}", "--site", "x", "-o", "{here}/a.gpkg"), "x: no site"),
        (("network", "{here}/none.gpkg", "-o", "{here}/n.gpkg"), "does not exist"),
        (("network", "{town}", "-o", "{here}/n.shp"), "is no GeoPackage"),
        (("network", "{town}", "-o", "{here}/n.gpkg"), "name one with --layer"),
        (("network", "{town}", "--profile", "car", "-o", "{here}/n.gpkg"), "walking or cycling"),
        (("network", "{town}", "--layer", "units", "-o", "{here}/n.gpkg"), "made of lines"),
        (("network", "{town}", "--layer", "network", "-o", "{here}/n.gpkg"), "a network already"),
    ],
)
def test_what_cannot_be_done_is_said(town, tmp_path, monkeypatch, capsys, words, message):
    """Wrong options end with one message and leave no file."""
    filled = [word.format(town=town, here=tmp_path) for word in words]
    code, _, err = run(monkeypatch, capsys, *filled)
    assert code == BAD_INPUT
    assert message in err
    assert list(tmp_path.iterdir()) == []
