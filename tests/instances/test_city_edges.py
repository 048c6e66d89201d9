"""Bridges and cuts of a city: read from a layer or a file, checked, and told."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.instances.adjacency import share_along_barriers, shared_borders
from shequ.instances.city import CityError, build_city, read_city, write_city
from shequ.instances.city_edges import unit_neighbours
from shequ.instances.edge_changes import EdgeChange, read_edge_changes
from shequ.instances.policy import Policy


def table(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Return the layer edge_changes with these rows."""
    return pd.DataFrame(list(rows), columns=["unit_a", "unit_b", "action", "length_m"])


def refusal(layers: dict, *rows: tuple[object, ...], **policy: object) -> str:
    """Return why a city with these changes is refused."""
    with pytest.raises(CityError) as caught:
        build_city(layers | {"edge_changes": table(*rows)}, Policy().with_values(policy))
    return " ".join(str(caught.value).split())


def test_the_layer_is_read_and_written_with_the_city(grid, tmp_path):
    """Rows come back from a GeoPackage in their order, and from a city that was written again."""
    layer = table(("u0", "u8", "add", 12.5), ("u0", "u1", "remove", None))
    city = read_city(write_city(grid | {"edge_changes": layer}, tmp_path / "one.gpkg"))
    wanted = [
        {"unit_a": "u0", "unit_b": "u8", "action": "add", "length_m": 12.5},
        {"unit_a": "u0", "unit_b": "u1", "action": "remove", "length_m": 0.0},
    ]
    assert [change.as_record() for change in city.edge_changes] == wanted
    again = read_city(write_city(city, tmp_path / "two.gpkg"))
    assert [change.as_record() for change in again.edge_changes] == wanted
    assert "1 bridge added, 1 border removed" in str(again)


def test_the_layer_may_be_drawn_as_lines(grid, tmp_path):
    """Lines that a planner draws for the bridges change nothing; only their columns count."""
    lines = gpd.GeoDataFrame(
        table(("u0", "u8", "add", 0.0)),
        geometry=[shapely.LineString([(0, 0), (1, 1)])],
        crs=grid["units"].crs,
    )
    city = read_city(write_city(grid | {"edge_changes": lines}, tmp_path / "drawn.gpkg"))
    assert [change.unit_b for change in city.edge_changes] == ["u8"]


def test_parquet_holds_the_layer_without_geometry(grid, tmp_path):
    """A folder of GeoParquet may hold a plain table of changes."""
    pytest.importorskip("pyarrow")
    for name, layer in grid.items():
        layer.to_parquet(tmp_path / f"{name}.parquet")
    table(("u0", "u8", "add", 0.0)).to_parquet(tmp_path / "edge_changes.parquet")
    assert len(read_city(tmp_path).edge_changes) == 1


def test_every_fault_is_told_with_its_row_and_unit(grid):
    """Unknown units, actions, lengths and borders that are not there come in one message."""
    message = refusal(
        grid,
        ("u0", "u77", "add", 0.0),
        ("u0", "u8", "remove", 0.0),
        ("u3", "u4", "remove", 0.0),
        ("u4", "u3", "remove", 0.0),
    )
    assert "edge_changes, row 0, column unit_b: there is no unit 'u77'" in message
    assert "edge_changes, row 1: units u0 and u8 are no neighbours" in message
    assert "edge_changes, row 2" not in message
    assert "edge_changes, row 3: units u4 and u3 are no neighbours" in message


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("u0", "u1", "bridge", 0.0), "row 0, column action: 'bridge' is neither add nor remove"),
        (("u0", "u0", "add", 0.0), "row 0: unit u0 cannot border on itself"),
        (("u0", None, "add", 0.0), "row 0: no unit_b"),
        (("u0", "u1", None, 0.0), "row 0: no action"),
        (("u0", "u1", "add", -1.0), "edge_changes.length_m: a negative value in 1 row"),
    ],
)
def test_a_row_that_is_not_understood_is_refused(grid, row, said):
    """The message names row and column, and says what to write."""
    assert said in refusal(grid, row, ("u1", "u2", "add", 0.0))


def test_a_column_that_is_missing_is_refused(grid):
    """The message names the layer and the column."""
    with pytest.raises(CityError, match=r"edge_changes.*action"):
        build_city(grid | {"edge_changes": table(("u0", "u8", "add", 0)).drop(columns="action")})


def test_numbers_as_ids_name_the_units(grid):
    """Ids that are numbers in both layers are the same text."""
    grid["units"]["unit_id"] = range(9)
    layer = table((0, 8, "add", 0.0))
    changes = build_city(grid | {"edge_changes": layer}).edge_changes
    assert (changes[0].unit_a, changes[0].unit_b) == ("0", "8")


def test_an_empty_layer_is_ignored(grid):
    """A layer without rows is told and changes nothing."""
    city = build_city(grid | {"edge_changes": table()})
    assert city.edge_changes == ()
    said = map(str, city.warnings)
    assert any(text.startswith("edge_changes: the layer has no rows") for text in said)


def test_a_file_comes_after_the_layer(grid, tmp_path):
    """What the layer joins the file may part; faults name the file and its line."""
    file = tmp_path / "edges.csv"
    file.write_text("unit_a,unit_b,action\nu0,u8,remove\n", encoding="utf-8")
    layers = grid | {"edge_changes": table(("u0", "u8", "add", 0.0))}
    assert len(build_city(layers, edge_changes=read_edge_changes(file)).edge_changes) == 2
    with pytest.raises(CityError, match=r"edges\.csv, line 2: units u0 and u8"):
        build_city(grid, edge_changes=read_edge_changes(file))


def test_neighbours_are_those_of_the_policy_and_the_changes(grid):
    """A bridge joins two units, a cut parts two; other pairs and other units stay as they are."""
    changes = (EdgeChange("u8", "u0", "add", 7.0), EdgeChange("u0", "u1", "remove"))
    city = build_city(grid, edge_changes=changes)
    plain = unit_neighbours(city.units, np.arange(9), None, Policy(), ())
    changed = unit_neighbours(city.units, np.arange(9), None, Policy(), changes)
    before, after = (set(map(tuple, found.pairs.tolist())) for found in (plain, changed))
    assert after == (before | {(0, 8)}) - {(0, 1)}
    assert changed.length_m[changed.pairs.tolist().index([0, 8])] == 7.0
    some = unit_neighbours(city.units, np.array([3, 4, 8]), None, Policy(), changes)
    assert some.pairs.tolist() == [[0, 1]]


def test_corners_make_neighbours_for_queen_only(grid):
    """The contiguity of the policy decides whether a cut at a corner is there to be made."""
    cut = ("u0", "u4", "remove", 0.0)
    assert "no neighbours" in refusal(grid, cut)
    policy = Policy().with_values({"split.contiguity": "queen"})
    assert len(build_city(grid | {"edge_changes": table(cut)}, policy).edge_changes) == 1


def test_a_bridge_mends_a_community_in_parts(grid):
    """The warning of units that are cut off follows the bridges, within one community only."""
    grid["units"].loc[[0, 3, 6], "community_id"] = ["A", "B", "B"]
    grid["units"].loc[[1, 4, 7], "community_id"] = ["B", "A", "A"]

    def cut_off(*changes: EdgeChange) -> list[str]:
        city = build_city(grid, edge_changes=changes)
        return [text for text in map(str, city.warnings) if "cut off" in text]

    (told,) = cut_off()
    assert "A: u0" in told
    assert "A: u0" not in "".join(cut_off(EdgeChange("u0", "u4", "add")))
    assert "A: u0" in "".join(cut_off(EdgeChange("u0", "u2", "add"), EdgeChange("u2", "u4", "add")))


def test_the_share_along_barriers_is_that_of_the_shared_line(square):
    """A barrier along half of a border covers half; a crossing covers about its width."""
    shapes = np.array([square(0, 0), square(1, 0), square(0, 1)], dtype=object)
    found = shared_borders(shapes, min_length_m=1.0)
    x, y = shapes[0].bounds[2], shapes[0].bounds[1]
    half = shapely.LineString([(x, y), (x, y + 50)])
    barriers = gpd.GeoDataFrame({"crossable": [True]}, geometry=[half])
    share = share_along_barriers(shapes, found.pairs, barriers, width_m=5.0)
    assert found.pairs.tolist() == [[0, 1], [0, 2]]
    assert share == pytest.approx([0.5, 0.0])
    assert share_along_barriers(shapes, found.pairs, None, width_m=5.0).tolist() == [0.0, 0.0]


def test_a_pair_that_shares_no_line_has_no_share(square):
    """Units that meet at a corner, or lie apart, have no border along a barrier."""
    shapes = np.array([square(0, 0), square(1, 1), square(3, 3)], dtype=object)
    x, y = shapes[0].bounds[2:]
    road = shapely.LineString([(x, y - 90), (x, y + 90)])
    barriers = gpd.GeoDataFrame(geometry=[road])
    pairs = np.array([[0, 1], [1, 2]])
    assert share_along_barriers(shapes, pairs, barriers, width_m=5.0).tolist() == [0.0, 0.0]


def test_the_policy_refuses_what_is_no_objective():
    """Unknown names and slacks below 0 are refused with the values that there are."""
    with pytest.raises(ValueError, match=r"split\.objective = \"width\".*'border'"):
        Policy().with_values({"split.objective": "width"})
    with pytest.raises(ValueError, match=r"split\.compactness_slack"):
        Policy().with_values({"split.compactness_slack": -0.1})
    assert Policy().with_values({"split.contiguity": "queen"}).split.contiguity == "queen"


def test_a_file_that_is_missing_is_not_taken_for_an_empty_one(tmp_path: Path):
    """Reading changes that are not there fails."""
    with pytest.raises(FileNotFoundError):
        read_edge_changes(tmp_path / "none.csv")
