"""What is read from the columns of a layer, and what passes through them untouched."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shequ.instances.city import CityError, build_city
from shequ.instances.columns import LAYERS
from shequ.instances.policy import Policy
from shequ.instances.services import service_ids

Layers = dict[str, gpd.GeoDataFrame]


def _warnings(layers: Layers, place: str, policy: Policy | None = None) -> list[str]:
    """Return the warnings about a layer or column."""
    city = build_city(layers, policy)
    return [text for text in map(str, city.warnings) if text.startswith(f"{place}:")]


def _refusal(layers: Layers, policy: Policy | None = None) -> str:
    """Return the message with which a city is refused, on one line."""
    with pytest.raises(CityError) as caught:
        build_city(layers, policy)
    return " ".join(str(caught.value).split())


# Services


@pytest.mark.parametrize(
    "written",
    [
        "library; Comprehensive",
        "library；comprehensive",
        "Library , COMPREHENSIVE;",
        "library，、comprehensive",
    ],
)
def test_services_are_read_whatever_separates_them(grid, written):
    """Blanks, capitals and other separators between services make no difference."""
    grid["sites"]["services"] = [written, None]
    assert build_city(grid).sites["services"].tolist() == ["library;comprehensive", ""]


def test_service_named_twice_is_kept_once():
    """A service that a site names twice is listed once, at its first place."""
    assert service_ids("Meals;library;meals") == ("meals", "library")


@given(st.text(alphabet="aA bß;；,，、\t", max_size=20))
def test_services_read_back_as_they_were_read(text):
    """Reading what was read changes nothing, so that a city can be written and read again."""
    once = service_ids(text)
    assert service_ids(";".join(once)) == once


def test_service_of_the_policy_that_no_site_offers_is_told(grid):
    """A service that occurs at no site is told with those that do."""
    grid["sites"]["services"] = ["library; Comprehensive", "meals"]
    policy = Policy().with_values({"siting.services": ["comprehensve", "Library"]})
    found = _warnings(grid, "sites.services", policy)
    assert found == [
        (
            "sites.services: 1 service of siting.services at no site (comprehensve); the sites "
            "offer comprehensive; library; meals."
        )
    ]


def test_services_of_the_policy_that_all_occur_are_not_told(grid):
    """Services that occur at some site are no reason for a warning, however they are written."""
    grid["sites"]["services"] = ["library; Comprehensive", "meals"]
    policy = Policy().with_values({"siting.services": [" COMPREHENSIVE", "meals"]})
    assert _warnings(grid, "sites.services", policy) == []


def test_policy_asks_for_services_and_no_site_names_any(grid):
    """Sites without a column of services are told to offer none."""
    policy = Policy().with_values({"siting.services": ["meals"]})
    found = _warnings(grid, "sites.services", policy)
    assert found == [
        ("sites.services: 1 service of siting.services at no site (meals); the sites offer none.")
    ]


# Counts


@pytest.mark.parametrize(
    ("column", "value"), [("residents_source", "census"), ("residents_share", 0.31)]
)
def test_only_documented_counts_are_counts(grid, column, value):
    """A column that only begins like a count passes through untouched."""
    grid["units"][column] = value
    assert build_city(grid).units[column].tolist() == [value] * 9


@pytest.mark.parametrize("column", ["residents_65plus", "residents_under_7"])
def test_missing_age_count_is_told_and_counted_as_none(grid, column):
    """A unit without a count of an age group is told and counts 0."""
    grid["units"][column] = [np.nan, *range(8)]
    city = build_city(grid)
    assert city.units[column].tolist() == [0, *range(8)]
    assert city.units[column].dtype == np.int64
    assert f"units.{column}: no value in 1 row (row 0); counted as 0." in map(str, city.warnings)


def test_age_count_without_any_value_is_left_out(grid):
    """A column of an age group without a single value is no count of 0."""
    grid["units"]["residents_65plus"] = None
    city = build_city(grid)
    assert "residents_65plus" not in city.units
    assert "units.residents_65plus: no value in any row; left out." in map(str, city.warnings)


def test_wrong_age_count_is_refused(grid):
    """A count of an age group below 0 is refused as any other count."""
    grid["units"]["residents_65plus"] = -1
    assert "units.residents_65plus: a negative value in 9 rows" in _refusal(grid)


# Hints


@pytest.mark.parametrize(
    ("layer", "missing"),
    [
        (layer, column.name)
        for layer in ("units", "sites", "network")
        for column in LAYERS[layer]
        if column.required
    ],
)
def test_hint_names_no_column_that_is_known(grid, layer, missing):
    """Never is a column that the schema knows offered in the place of another."""
    known = [column.name for column in LAYERS[layer] if column.name != missing]
    absent = {name: None for name in known if name not in grid[layer]}
    grid[layer] = grid[layer].assign(**absent).drop(columns=missing)
    message = _refusal(grid)
    assert f"{layer}: has no column {missing}. Add it; the layer has" in message
    assert "Did you mean" not in message


def test_hint_names_no_column_that_is_only_alike(grid):
    """A column that shares half of its letters with the missing one is not offered."""
    grid["units"] = grid["units"].rename(columns={"unit_id": "community_idx"})
    assert "Did you mean" not in _refusal(grid)


# Names of columns


@pytest.mark.parametrize("name", ["site_id", "minutes", "in_reach", "community_id_before"])
def test_column_that_the_plan_writes_is_renamed(grid, name):
    """A column of the units of a name that the plan writes is kept under another name."""
    grid["units"][name] = "mine"
    city = build_city(grid)
    assert name not in city.units
    assert city.units[f"{name}_input"].tolist() == ["mine"] * 9
    assert (
        f"units: 1 column renamed ({name} to {name}_input); the plan writes its own under the "
        "old name." in map(str, city.warnings)
    )


def test_renamed_column_takes_a_free_name(grid):
    """The new name is free, and the case of the old one does not matter, as in a GeoPackage."""
    grid["units"] = grid["units"].assign(Minutes=1, minutes_INPUT=2, minutes_input2=3)
    units = build_city(grid).units
    assert [units[name].iloc[0] for name in ("minutes_INPUT", "minutes_input2")] == [2, 3]
    assert units["Minutes_input3"].iloc[0] == 1
    assert "Minutes" not in units


def test_all_new_names_are_told(grid):
    """Every renamed column is told, not only the first few."""
    names = ("site_id", "minutes", "in_reach", "community_id_before")
    grid["units"] = grid["units"].assign(**dict.fromkeys(names, 1))
    found = _warnings(grid, "units")
    assert len(found) == 1
    assert [name for name in names if f"{name} to {name}_input" not in found[0]] == []


def test_other_layers_keep_their_columns(grid):
    """Only the units get new columns in a plan: the minutes of an edge stay what they are."""
    grid["network"]["minutes"] = 2.0
    assert build_city(grid).network["minutes"].tolist() == [2.0] * 24


def test_keep_together_of_a_renamed_column(grid):
    """A policy that groups by a renamed column is told the new name."""
    grid["units"]["site_id"] = "mine"
    policy = Policy().with_values({"split.keep_together": ["site_id"]})
    message = _refusal(grid, policy)
    assert "no column site_id, which split.keep_together names. Write site_id_input," in message


@pytest.mark.parametrize("name", ["a" * 64, "住" * 22])
def test_name_too_long_for_postgis_is_told(grid, name):
    """A name of a column that PostGIS would cut is told; letters of three bytes count thrice."""
    grid["units"][name] = 1
    found = _warnings(grid, "units")
    assert found[0].startswith("units: 1 column name longer than 63 bytes (")
    assert found[0].endswith("); PostGIS cuts it there.")
    assert name[:20] in found[0]


def test_name_that_just_fits_is_not_told(grid):
    """A name of exactly 63 bytes is not cut."""
    grid["units"]["a" * 63] = 1
    assert _warnings(grid, "units") == []


# Sites


def test_required_site_without_room_is_told(grid):
    """A site that must open but may hold nothing stays closed, and it is said."""
    grid["sites"] = grid["sites"].assign(required=True, max_area_m2=[300.0, 0.0])
    found = _warnings(grid, "sites.required")
    assert found == [
        (
            "sites.required: 1 required candidate without room (max_area_m2 is 0) (row 1); nothing "
            "is opened there."
        )
    ]


def test_forbidden_station_is_told(grid):
    """A station that exists stays open though it is forbidden, and it is said."""
    grid["sites"]["forbidden"] = True
    found = _warnings(grid, "sites.forbidden")
    assert found == [
        (
            "sites.forbidden: 1 existing station forbidden (row 0); kept: only candidates can be "
            "forbidden."
        )
    ]


def test_seat_that_is_no_site_is_told(grid):
    """A seat of a community that names no site is told."""
    known = build_city(grid).communities[["community_id", "geometry"]]
    grid["communities"] = known.assign(seat=["s0", "s9"])
    found = _warnings(grid, "communities.seat")
    assert found == [
        (
            'communities.seat: 1 seat not among the sites (row 1: "s9"); if the community is '
            "split, its largest district keeps its id and name."
        )
    ]


def test_communities_without_seats_are_not_told(grid):
    """A community may be without a seat."""
    known = build_city(grid).communities[["community_id", "geometry"]]
    grid["communities"] = known.assign(seat=pd.Series([None, "s1"], dtype=object))
    assert _warnings(grid, "communities.seat") == []


def test_an_attribute_called_geometry_does_not_hide_the_shapes(grid):
    """A column of text called geometry moves aside for the geometry column."""
    units = grid["units"].rename_geometry("shape").assign(geometry="square")
    city = build_city({**grid, "units": units})
    assert city.units.geometry.area.min() > 0
    assert set(city.units["geometry_input"]) == {"square"}
