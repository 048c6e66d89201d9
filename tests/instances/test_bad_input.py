"""Every way in which a city can be broken, and what is said about it."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shequ.instances.city import CityError, build_city, read_city
from shequ.instances.policy import Policy

Layers = dict[str, gpd.GeoDataFrame]
Save = Callable[[Layers], Path]


def _refusal(location: Path | Layers, policy: Policy | None = None) -> str:
    """Return the message with which a city is refused, on one line."""
    read = build_city if isinstance(location, dict) else read_city
    with pytest.raises(CityError) as caught:
        read(location, policy)
    message = str(caught.value)
    assert len(message.splitlines()) <= 24
    assert max(len(line) for line in message.splitlines()[1:] or [""]) <= 100
    return " ".join(message.split())


def _warning(location: Path | Layers, place: str, policy: Policy | None = None) -> str:
    """Return the one warning about a layer or column."""
    read = build_city if isinstance(location, dict) else read_city
    city = read(location, policy)
    found = [text for text in map(str, city.warnings) if text.startswith(f"{place}:")]
    assert len(found) == 1, city.warnings
    return found[0]


# Files


def test_missing_file(tmp_path):
    """A path where nothing is, is refused with the path."""
    with pytest.raises(CityError, match=r"none\.gpkg does not exist"):
        read_city(tmp_path / "none.gpkg")


def test_file_of_another_format(tmp_path):
    """A file that is no GeoPackage is refused with the command that converts it."""
    path = tmp_path / "city.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(CityError, match=r"not a GeoPackage\. Convert it: ogr2ogr -f GPKG"):
        read_city(path)


def test_damaged_geopackage(tmp_path):
    """A file that only begins like a GeoPackage is refused."""
    path = tmp_path / "city.gpkg"
    path.write_bytes(b"SQLite format 3\x00" + b"nonsense" * 100)
    with pytest.raises(CityError, match="cannot be read as a GeoPackage"):
        read_city(path)


def test_folder_without_layers(tmp_path):
    """A folder without GeoParquet files is refused with the layers that are looked for."""
    with pytest.raises(CityError, match=r"has no GeoParquet files; it needs units\.parquet"):
        read_city(tmp_path)


def test_unreadable_parquet(tmp_path):
    """A folder of files that are no GeoParquet, or without pyarrow to read them, is refused."""
    (tmp_path / "units.parquet").write_bytes(b"nothing")
    with pytest.raises(CityError, match=r"shequ\[parquet\]|cannot be read as GeoParquet"):
        read_city(tmp_path)


def test_database_that_does_not_answer():
    """A database that cannot be reached, or without the extra, is refused; no password is told."""
    with pytest.raises(CityError, match=r"shequ\[postgis\]|cannot be read") as caught:
        read_city("postgresql://reader:secret@127.0.0.1:1/city")
    assert "secret" not in str(caught.value)


# Layers and columns


def test_missing_layer_with_a_near_name(grid, save):
    """A layer of a similar name is suggested."""
    grid["unit"] = grid.pop("units")
    message = _refusal(_written(grid, save))
    assert "there is no layer units. Did you mean unit? Rename it to units." in message


def _written(layers: Layers, save: Save) -> Path:
    """Write layers of any name, which the writer of cities would leave out."""
    path = save({name: layers[name] for name in ("sites",)})
    for name, frame in layers.items():
        if name != "sites":
            pyogrio.write_dataframe(frame, path, layer=name)
    return path


def test_missing_sites(grid, save):
    """A city without sites is refused and told which layers there are."""
    del grid["sites"]
    message = _refusal(save(grid))
    assert "there is no layer sites. Add it; the input has units; network." in message


def test_unknown_layers_are_listed(grid, save):
    """Layers that the schema does not know are named and ignored."""
    path = _written({**grid, "shops": grid["sites"]}, save)
    assert _warning(path, "layers") == "layers: 1 layer ignored (shops)."


def test_missing_column_with_a_near_name(grid, save):
    """A column of a similar name is suggested."""
    grid["units"] = grid["units"].rename(columns={"residents": "Residnts"})
    message = _refusal(save(grid))
    assert "units: has no column residents. Did you mean Residnts? Rename it" in message


def test_missing_column_without_a_near_name(grid, save):
    """Without a similar column those that there are get listed."""
    grid["sites"] = grid["sites"].drop(columns="status")
    message = _refusal(save(grid))
    assert "sites: has no column status. Add it; the layer has site_id; floor_area_m2" in message


@pytest.mark.parametrize("layer", ["units", "sites", "network"])
def test_empty_layer(grid, save, layer):
    """A layer without rows is refused."""
    grid[layer] = grid[layer].iloc[:0]
    assert f"{layer}: the layer has no rows. Fill it" in _refusal(save(grid))


def test_empty_optional_layer_is_ignored(grid, save):
    """A layer of barriers without rows is ignored, and it is said."""
    line = shapely.LineString([(500_000, 3_460_000), (500_300, 3_460_000)])
    barriers = gpd.GeoDataFrame({"kind": ["river"]}, geometry=[line], crs="EPSG:4549")
    grid["barriers"] = barriers.iloc[:0]
    assert "no rows; it was ignored" in _warning(save(grid), "barriers")


def test_layer_without_geometry(grid):
    """A table is no layer."""
    grid["units"] = pd.DataFrame(grid["units"].drop(columns="geometry"))
    assert "units: has no geometry." in _refusal(grid)


def test_keep_together_column_that_is_not_there(grid):
    """A column that the policy names and the units lack is refused with the nearest."""
    policy = Policy().with_values({"split.keep_together": ["street"]})
    with pytest.raises(CityError, match="has no column street, which split"):
        build_city(grid, policy)


# Values


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        (
            "residents",
            [-5],
            "units.residents: a negative value in 1 row (row 1: -5). Give 0 or more.",
        ),
        ("households", [np.nan], "units.households: no value in 1 row (row 1: nan)."),
        ("residents", [1.5], "units.residents: a fraction in 1 row (row 1: 1.5)."),
        ("residents", [np.inf], "units.residents: an infinite value in 1 row (row 1: inf)."),
        ("residents", ["many"], 'units.residents: no number in 1 row (row 1: "many").'),
        ("unit_id", [None], "units.unit_id: no id in 1 row (row 1:"),
        ("unit_id", ["  "], 'units.unit_id: no id in 1 row (row 1: " ").'),
        ("unit_id", ["u4"], 'units.unit_id: an id that was used before in 1 row (row 5: "u4").'),
        ("community_id", [None], "units.community_id: no id in 1 row (row 1:"),
    ],
)
def test_wrong_value_in_units(grid, save, column, values, said):
    """A wrong value is told with layer, column, row and value."""
    frame = grid["units"]
    grid["units"] = frame.assign(**{column: [*values, *frame[column].tolist()[1:]]})
    assert said in _refusal(save(grid))


def test_many_wrong_values_are_counted(grid, save):
    """Three rows are quoted, the others counted."""
    grid["units"]["residents"] = -1
    message = _refusal(save(grid))
    assert "a negative value in 9 rows (row 1: -1; row 2: -1; row 3: -1; … and 6 more)" in message


def test_unknown_status_is_led_to_the_nearest(grid, save):
    """A misspelt status is told with the nearest that is known."""
    grid["sites"]["status"] = ["existing", "candidat"]
    message = _refusal(save(grid))
    assert (
        'sites.status: an unknown status in 1 row (row 2: "candidat"). Did you mean candidate?'
        in (message)
    )


@pytest.mark.parametrize("column", ["fixed_cost", "cost_per_m2", "floor_area_m2", "max_area_m2"])
def test_negative_costs_and_areas(grid, save, column):
    """Costs and areas below 0 are refused."""
    grid["sites"].loc[1, column] = -1.0
    assert f"sites.{column}: a negative value in 1 row (row 2: -1.0)" in _refusal(save(grid))


def test_flag_that_is_neither_yes_nor_no(grid, save):
    """A flag of another word is refused."""
    grid["sites"]["required"] = ["yes", "maybe"]
    message = _refusal(save(grid))
    assert 'sites.required: neither yes nor no in 1 row (row 2: "maybe")' in message


def test_required_and_forbidden(grid, save):
    """A site cannot be both required and forbidden."""
    grid["sites"] = grid["sites"].assign(required=[True, False], forbidden=[True, False])
    assert "1 site both required and forbidden (row 1)" in _refusal(save(grid))


def test_unknown_community(grid, save):
    """Units of a community that is not in its layer are refused with the nearest."""
    grid["communities"] = build_city(grid).communities.assign(community_id=["A", "B1"])
    message = _refusal(save(grid))
    assert "units.community_id: 3 units of a community" in message
    assert 'row 3: "B"' in message


def test_community_without_units(grid, save):
    """A community without units is left out, and it is said."""
    known = build_city(grid).communities[["community_id", "name", "geometry"]]
    grid["communities"] = pd.concat(
        [known, known.iloc[[0]].assign(community_id="Z")], ignore_index=True
    )
    assert "1 community without units (community Z); left out" in _warning(
        save(grid), "communities"
    )


def test_more_households_than_residents(grid, save):
    """More households than residents are told, not refused."""
    grid["units"].loc[0, "households"] = 500
    assert "(row 1: 500 > 100)" in _warning(save(grid), "units.households")


def test_floor_area_above_its_maximum(grid, save):
    """A maximum below the floor area of today is raised, and it is said."""
    grid["sites"].loc[0, "max_area_m2"] = 200.0
    path = save(grid)
    assert "(row 1: 300 > 200); the maximum was raised" in _warning(path, "sites.max_area_m2")
    assert read_city(path).sites["max_area_m2"].tolist() == [300, 900]


def test_candidate_with_floor_area(grid, save):
    """A candidate that has floor area already is told."""
    grid["sites"].loc[1, "floor_area_m2"] = 70.0
    assert "1 candidate with floor area already (row 2: 70.0)" in _warning(
        save(grid), "sites.floor_area_m2"
    )


def test_all_faults_come_at_once(grid, save):
    """Faults of several layers and of geometry and tables come in one message."""
    grid["units"]["residents"] = -1
    grid["sites"]["status"] = "closed"
    grid["network"] = grid["network"].rename(columns={"length_m": "length"})
    grid["units"].loc[2, "geometry"] = grid["units"].geometry[1]
    message = _refusal(save(grid))
    assert "cannot be used: 4 faults." in message
    for place in (
        "units.residents:",
        "sites.status:",
        "network: has no column length_m",
        "units: 1 pair of units overlapping",
    ):
        assert place in message


def test_message_fits_a_screen(grid):
    """However many faults there are, the message has at most 24 lines and counts the rest."""
    policy = Policy().with_values({"split.keep_together": [f"group_{i}" for i in range(40)]})
    assert "more faults; mend these first." in _refusal(grid, policy)


# Coordinates


def test_no_crs(grid):
    """A layer without CRS is refused with the way to set it."""
    grid["units"] = grid["units"].set_crs(None, allow_override=True)
    message = _refusal(grid)
    assert "units: has no coordinate reference system (CRS). Set it: in QGIS" in message


@pytest.mark.parametrize("layers", [["units"], ["units", "sites", "network"]])
def test_swapped_degrees(grid, layers):
    """Latitude in the place of longitude is recognised."""
    for layer in layers:
        frame = grid[layer].to_crs(4490)
        swapped = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
        grid[layer] = frame.set_geometry(swapped, crs=4490)
    assert "units: lies outside the earth" in _refusal(grid)
    assert "Latitude and longitude seem to be swapped" in _refusal(grid)


def test_layers_far_apart(grid, save):
    """A layer that lies nowhere near the units is refused with both extents."""
    grid["sites"] = grid["sites"].set_geometry(grid["sites"].translate(1e6, 0))
    message = _refusal(save(grid))
    assert "sites: lies elsewhere than the units: x 1,500,050 to 1,500,250" in message
    assert "against x 500,000 to 500,300" in message


# Geometry


@pytest.mark.parametrize("layer", ["units", "sites", "network"])
@pytest.mark.parametrize("shape", [None, shapely.Point()])
def test_row_without_geometry(grid, layer, shape):
    """Null and empty geometries are refused with their rows."""
    grid[layer].loc[1, "geometry"] = shape
    assert f"{layer}: 1 row with no geometry (row 1)" in _refusal(grid)


def test_mixed_geometry(grid, save):
    """Points among polygons are refused with their rows."""
    grid["units"].loc[4, "geometry"] = shapely.Point(500_150, 3_460_150)
    message = _refusal(save(grid))
    assert "units: holds 1 point and 8 polygons (row 5: " in message


@pytest.mark.parametrize("layer", ["units", "sites"])
def test_lines_are_no_places(grid, save, layer):
    """Lines in a layer of places are refused."""
    grid[layer] = grid[layer].set_geometry(
        [shapely.LineString([(500_000, 3_460_000), (500_100, 3_460_000)])] * len(grid[layer])
    )
    assert f"{layer}: holds {len(grid[layer])} lines" in _refusal(save(grid))


def test_polygon_without_area(grid, save):
    """A polygon that vanishes when it is made valid is refused."""
    x, y = 500_000, 3_460_000
    grid["units"].loc[0, "geometry"] = shapely.Polygon([(x, y), (x + 100, y), (x, y)])
    assert "units: 1 polygon without area (row 1)" in _refusal(save(grid))


def test_large_overlap(grid, save):
    """Units that overlap by more than the policy repairs are refused by name."""
    grid["units"].loc[0, "geometry"] = shapely.box(500_000, 3_460_000, 500_150, 3_460_100)
    message = _refusal(save(grid))
    assert "1 pair of units overlapping by more than 20% of the smaller" in message
    assert "unit u0 and unit u1: 5,000.0 m², 50% of the smaller" in message


def test_duplicated_polygon(grid, save):
    """Two units with the same polygon are refused."""
    extra = grid["units"].iloc[[0]].assign(unit_id="twin")
    grid["units"] = pd.concat([grid["units"], extra], ignore_index=True)
    assert "unit u0 and unit twin: 10,000.0 m², 100% of the smaller" in _refusal(save(grid))


def test_point_outside_its_community(grid, save):
    """A unit whose cell lies outside of its drawn community is refused."""
    grid["communities"] = build_city(grid).communities[["community_id", "geometry"]]
    points = grid["units"].geometry.centroid
    points[8] = shapely.Point(499_500, 3_460_050)
    grid["units"] = grid["units"].set_geometry(points)
    assert "1 point outside of the community" in _refusal(save(grid))
    assert "unit u8" in _refusal(save(grid))


# Remarks


def test_scattered_community(grid, save):
    """A community in two parts is told with the units of the smaller one."""
    grid["units"].loc[0, "community_id"] = "B"
    warning = _warning(save(grid), "units")
    assert "1 community with units cut off from the rest (B: u0)" in warning
    assert "split.connect_gap_m" in warning


def test_barrier_cuts_a_community(grid, save):
    """A river along a border of units cuts a community in two."""
    line = shapely.LineString([(500_100, 3_459_900), (500_100, 3_460_400)])
    grid["barriers"] = gpd.GeoDataFrame(
        {"kind": ["river"], "crossable": [False]}, geometry=[line], crs="EPSG:4549"
    )
    assert "(A: u1, u4 and 1 more)" in _warning(save(grid), "units")


def test_unit_too_large_for_a_district(grid, save):
    """A unit as large as a district must not be is told, in a community that is split."""
    grid["units"].loc[0, "residents"] = 16_000
    assert "(unit u0: 16,000 residents, 40 households)" in _warning(save(grid), "units")


def test_site_outside_of_every_community(grid, save):
    """A site that lies in no community is told."""
    grid["sites"].loc[1, "geometry"] = shapely.Point(500_320, 3_460_050)
    assert "1 site outside of every community (site s1)" in _warning(save(grid), "sites")


def test_site_far_from_the_network(grid, save):
    """A site too far from the network is told with its distance."""
    policy = Policy().with_values({"walking.max_snap_m": 75})
    x, y = 500_300 + 80, 3_460_000
    grid["sites"].loc[1, "geometry"] = shapely.Point(x, y)
    city = read_city(save(grid), policy)
    assert any(
        "sites: 1 site further than 75 m from the network (s1: 80 m)" in text
        for text in map(str, city.warnings)
    )


def test_edge_shorter_than_its_line(grid, save):
    """An edge that claims to be shorter than it is drawn is told."""
    grid["network"].loc[0, "length_m"] = 50.0
    assert "(0 to 1: 50 m, drawn 100 m); the column was believed" in _warning(
        save(grid), "network.length_m"
    )


def test_line_drawn_from_its_end(grid, save):
    """A line that is drawn against the order of its nodes is told."""
    grid["network"].loc[5, "geometry"] = grid["network"].geometry[5].reverse()
    assert "2 nodes where the ends of lines lie apart" in _warning(save(grid), "network")
