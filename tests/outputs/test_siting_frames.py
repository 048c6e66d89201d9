"""Siting from tables in memory: the answer is rows of these tables."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point
from shequ.outputs.siting_frames import solve_frames


@pytest.fixture
def homes() -> gpd.GeoDataFrame:
    """Five homes on a line in Suzhou, 100 m apart, with residents."""
    points = [Point(100.0 * place, 0.0) for place in range(5)]
    columns = {"id": list("abcde"), "people": [1, 2, 3, 4, 50]}
    plane = gpd.GeoDataFrame(columns, geometry=points, crs="EPSG:32651", index=range(10, 15))
    plane.geometry = plane.translate(280_000.0, 3_466_000.0)
    return plane.to_crs("EPSG:4326")


@pytest.fixture
def places(homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Three of their places as sites, in another reference system."""
    sites = homes.iloc[[0, 2, 4]].rename(columns={"id": "site_id"}).drop(columns="people")
    return sites.assign(capacity=[40.0, 40.0, 60.0], fixed_cost=[1.0, 2.0, 3.0]).to_crs("EPSG:4549")


def test_open_sites_are_rows_of_the_table_of_sites(
    homes: gpd.GeoDataFrame, places: gpd.GeoDataFrame
) -> None:
    """Index, columns and reference system are those of the user; nothing given is changed."""
    before = homes.copy(), places.copy()
    answer = solve_frames("p-median", homes, places, p=2, weight="people")
    assert str(answer.result.status) == "optimal"
    assert answer.sites.crs == places.crs
    assert answer.sites["site_id"].tolist() == ["c", "e"]
    assert answer.sites.index.tolist() == [12, 14]
    # The fourth home lies between both sites, as near to either as projections go.
    fourth = answer.clients["site"].iloc[3]
    assert answer.clients["site"].tolist() == ["c", "c", "c", fourth, "e"]
    assert answer.sites["served"].tolist() == ([10.0, 50.0] if fourth == "c" else [6.0, 54.0])
    assert answer.sites["clients"].tolist() == ([4, 1] if fourth == "c" else [3, 2])
    assert answer.clients["distance"].to_numpy() == pytest.approx([200, 100, 0, 100, 0], rel=2e-3)
    assert answer.result.objective == pytest.approx(800, rel=2e-3)
    assert answer.record["open_sites"] == ["c", "e"]
    pd.testing.assert_frame_equal(homes, before[0])
    pd.testing.assert_frame_equal(places, before[1])


def test_shares_name_the_site_that_serves_most(
    homes: gpd.GeoDataFrame, places: gpd.GeoDataFrame
) -> None:
    """With capacities that split a home, its largest share counts."""
    answer = solve_frames(
        "cpmp", homes, places.assign(capacity=[40.0, 10.0, 45.0]), p=3, weight="people", split=True
    )
    assert str(answer.result.status) == "optimal"
    assert answer.clients["site"].tolist()[-1] == "e"
    assert answer.sites["served"].sum() == pytest.approx(60.0)
    assert (answer.sites["served"] <= answer.sites["capacity"] + 1e-6).all()


def test_covering_names_no_site_for_clients_beyond(homes: gpd.GeoDataFrame) -> None:
    """Without sites every client is one; what is not covered has no site and no distance."""
    answer = solve_frames("mclp", homes, p=1, radius=110.0, weight="people")
    assert answer.sites["id"].tolist() == ["d"]
    assert answer.clients["site"].isna().tolist() == [True, True, False, False, False]
    assert answer.clients["distance"].isna().tolist() == [True, True, False, False, False]


def test_dispersion_has_sites_and_no_clients(homes: gpd.GeoDataFrame) -> None:
    """The two ends of the line are farthest apart."""
    answer = solve_frames("p-dispersion", homes, p=2)
    assert answer.sites["id"].tolist() == ["a", "e"]
    assert answer.clients is None


def test_without_a_solution_there_are_no_rows(homes: gpd.GeoDataFrame) -> None:
    """No three of the five places are 250 m from each other."""
    answer = solve_frames("p-median", homes, p=3, min_distance=250.0)
    assert str(answer.result.status) == "infeasible"
    assert answer.sites is None
    assert answer.clients is None


def test_a_table_of_metres_will_do() -> None:
    """Columns x and y; two sites of four."""
    table = pd.DataFrame({"x": [0.0, 1.0, 10.0, 11.0], "y": np.zeros(4)})
    answer = solve_frames("p-center", table, p=2)
    assert answer.result.objective == 1.0
    assert len(answer.sites) == 2


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"p": 2, "weight": "folk"}, ValueError, "clients has no column 'folk'"),
        ({"p": 9}, ValueError, "p = 9 of 5 sites"),
        ({"p": 2, "colour": "red"}, TypeError, "colour"),
    ],
)
def test_what_cannot_be_used_is_named(
    homes: gpd.GeoDataFrame, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The message names the table, the column or what was asked."""
    with pytest.raises(error, match=message):
        solve_frames("p-median", homes, **given)


def test_tables_that_are_none_are_refused(homes: gpd.GeoDataFrame) -> None:
    """Lists, rows without a geometry, and mixtures of metres and degrees."""
    with pytest.raises(TypeError, match="sites is a list; give a GeoDataFrame"):
        solve_frames("p-median", homes, [1, 2], p=1)
    empty = homes.copy()
    empty.loc[11, "geometry"] = None
    with pytest.raises(ValueError, match=r"clients: 1 row without a geometry \(2\)"):
        solve_frames("p-median", empty, p=1)
    with pytest.raises(ValueError, match="clients has no column x"):
        solve_frames("p-median", pd.DataFrame({"y": [1.0]}), p=1)
