"""Whatever is told of an input or a plan reads Chinese on a Chinese page."""

from __future__ import annotations

import copy
import dataclasses
import html
import re
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.instances.city import City, build_city
from shequ.instances.notes import note
from shequ.instances.policy import Policy
from shequ.instances.walking import walking_times
from shequ.outputs.layers import PlanFiles
from shequ.outputs.report import render_report

CRS, EAST, NORTH, SIDE = "EPSG:4549", 500_000.0, 3_460_000.0, 100.0
CRS_NAMES = re.compile(r"(WGS 84|CGCS2000|China Geodetic)[^()（）；，,;]*(\(EPSG:\d+\))?")
THREE_LATIN_WORDS = re.compile(r"[A-Za-z][\w.]*(?: [A-Za-z][\w.]*){2,}")
Layers = dict[str, Any]


def square(x: float, y: float) -> shapely.Polygon:
    """Square of the grid, by column and row."""
    west, south = EAST + x * SIDE, NORTH + y * SIDE
    return shapely.box(west, south, west + SIDE, south + SIDE)


def good() -> Layers:
    """Four by four units in two communities, three sites, streets along the units."""
    places = [(x, y) for y in range(4) for x in range(4)]
    units = gpd.GeoDataFrame(
        {
            "unit_id": [f"u{i}" for i in range(16)],
            "residents": 100,
            "households": 40,
            "community_id": ["A" if x < 2 else "B" for x, _ in places],
            "street_id": "S1",
            "estate_id": None,
        },
        geometry=[square(*place) for place in places],
        crs=CRS,
    )
    sites = gpd.GeoDataFrame(
        {
            "site_id": ["s0", "s1", "s2"],
            "status": ["existing", "candidate", "candidate"],
            "floor_area_m2": [300.0, 0.0, 0.0],
            "max_area_m2": [300.0, 900.0, 500.0],
            "fixed_cost": 50.0,
            "cost_per_m2": 0.5,
        },
        geometry=shapely.points(EAST + SIDE * np.array([0.5, 1.5, 3.5]), NORTH + 50),
        crs=CRS,
    )
    corners = [(EAST + SIDE * x, NORTH + SIDE * y) for y in range(5) for x in range(5)]
    ends = [(i, i + 1) for i in range(25) if i % 5 < 4] + [(i, i + 5) for i in range(20)]
    network = gpd.GeoDataFrame(
        {"from_node": [a for a, _ in ends], "to_node": [b for _, b in ends], "length_m": SIDE},
        geometry=[shapely.LineString([corners[a], corners[b]]) for a, b in ends],
        crs=CRS,
    )
    return {"units": units, "sites": sites, "network": network}


def odd_columns() -> City:
    """Return a city whose columns are written in unusual ways."""
    layers = good()
    units, sites = layers["units"], layers["sites"]
    layers["units"] = units.assign(
        unit_id=range(16),
        street_id=" S1",
        residents=units["residents"].astype(str),
        residents_65plus=[None, *[5] * 15],
        residents_under_7=None,
        households=[300, *[40] * 15],
        minutes=1,
        **{"long" * 20: 1},
    )
    layers["sites"] = sites.assign(
        status=["existing", "candidate", "candidate"],
        floor_area_m2=[400.0, 50.0, 0.0],
        max_area_m2=[300.0, 900.0, 0.0],
        required=[False, False, True],
        forbidden=[True, False, False],
    ).drop(columns=["fixed_cost", "cost_per_m2"])
    layers["communities"] = gpd.GeoDataFrame(
        {"community_id": ["A", "B", "C"], "seat": ["s0", "nowhere", None]},
        geometry=[shapely.box(EAST, NORTH, EAST + 400, NORTH + 400)] * 3,
        crs=CRS,
    )
    layers["barriers"] = gpd.GeoDataFrame(
        {"kind": ["river"]},
        geometry=[shapely.LineString([(EAST + 150, NORTH - 50), (EAST + 150, NORTH + 450)])],
        crs=CRS,
    )
    layers["parks"] = sites
    layers["edge_changes"] = pd.DataFrame({"unit_a": [], "unit_b": [], "action": []})
    return build_city(layers, Policy().with_values({"siting.services": ["library"]}))


def odd_shapes() -> City:
    """Return a city whose geometries need mending, with streets that lie apart."""
    layers = good()
    units = layers["units"]
    shapes = list(units.geometry)
    bow = [(0, 0), (1, 1), (1, 0), (0, 1)]
    shapes[0] = shapely.Polygon([(EAST + SIDE * x, NORTH + SIDE * y) for x, y in bow])
    shapes[5] = shapely.affinity.scale(shapes[5], 1.02, 1.02)
    layers["units"] = units.set_geometry(shapes, crs=CRS).assign(
        community_id=["A", *["B"] * 14, "A"],
        residents=[16_000, *[100] * 15],
        estate_id=["e", *[None] * 14, "e"],
    )
    network = layers["network"]
    lines = list(network.geometry)
    lines[0] = shapely.affinity.translate(lines[0], 30, -30)
    layers["network"] = network.set_geometry(lines, crs=CRS).assign(
        length_m=[40.0, *[SIDE] * (len(network) - 1)]
    )
    sites = layers["sites"]
    away = shapely.points(EAST + SIDE * np.array([0.5, 1.5, 40.0]), NORTH + 50)
    layers["sites"] = sites.set_geometry(away, crs=CRS).to_crs(32651)
    return build_city(layers, Policy().with_values({"split.keep_together": ["estate_id"]}))


def points_in_degrees() -> City:
    """Return a city of points in degrees, two of them at one place, without a network."""
    layers = good()
    centres = shapely.centroid(layers["units"].geometry.to_numpy())
    centres[1] = centres[0]
    layers["units"] = layers["units"].set_geometry(centres, crs=CRS).to_crs(4326)
    layers["networks"] = layers.pop("network")
    return build_city(layers)


def chinese(page: str, section: str) -> list[str]:
    """Return the Chinese texts of the lists of a section."""
    part = page.split(f'<section id="{section}">')[1].partition("</section>")[0]
    items = re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    spans = [re.findall(r'<span class="t-zh" lang="zh">(.*?)</span>', item) for item in items]
    return [
        html.unescape(found[0] if found else item) for found, item in zip(spans, items, strict=True)
    ]


def assert_chinese(texts: list[str]) -> None:
    """No text has a run of Latin words that is not the name of a reference system."""
    for text in texts:
        bare = CRS_NAMES.sub("", text)
        assert THREE_LATIN_WORDS.findall(bare) == [], text
        assert re.search(r"[\u4e00-\u9fff]", bare), text


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (
            odd_columns,
            (
                "layers_ignored layer_empty no_crossable column_empty ids_are_numbers "
                "blanks_removed "
                "numbers_as_text values_missing more_households required_without_room "
                "existing_forbidden candidates_with_area above_maximum seats_unknown costs_absent "
                "columns_renamed names_too_long communities_empty services_absent"
            ),
        ),
        (
            odd_shapes,
            (
                "crs_differs polygons_mended units_too_large units_cut_off groups_in_parts "
                "sites_outside edges_too_short nodes_apart sites_far"
            ),
        ),
        (points_in_degrees, "crs_not_metric no_network_near points_moved cells_drawn"),
    ],
)
def test_warnings_of_the_input_are_chinese(
    small_plan: PlanFiles, make: Callable[[], City], kinds: str
) -> None:
    """Each kind of warning and repair that checks raise is told in Chinese in the report."""
    city = make()
    told = [*city.warnings, *city.repairs]
    assert sorted(set(kinds.split()) - {one.kind for one in told}) == []
    record = copy.deepcopy(small_plan.record)
    record["city"]["warnings"] = [one.as_record() for one in city.warnings]
    record["city"]["warnings"] += [one.as_record() for one in walking_times(city, Policy()).summary]
    record["city"]["repairs"] = [one.as_record() for one in city.repairs]
    page = render_report(dataclasses.replace(small_plan, record=record), lang="zh")
    shown = chinese(page, "method")
    assert len(shown) >= len(told) + 2
    assert_chinese(shown)
    for one in told:
        assert html.escape(str(one), quote=False)[:40] in html.escape(
            html.unescape(page), quote=False
        )


def test_an_english_sentence_would_be_found(small_plan: PlanFiles) -> None:
    """The check sees a sentence that has no words in Chinese."""
    record = copy.deepcopy(small_plan.record)
    record["city"]["warnings"] = ["units: 2 rows have no households."]
    page = render_report(dataclasses.replace(small_plan, record=record), lang="zh")
    with pytest.raises(AssertionError):
        assert_chinese(chinese(page, "method"))


def test_shortfalls_and_splits_say_in_chinese_why(small_plan: PlanFiles) -> None:
    """What stands in the way of a split is told in the language of the page."""
    why = note(
        "unit_too_large", unit="u1", amount=9_000.0, what=note("amount_residents"), most=8_000.0
    )
    told = note("attempt", districts=3, percent=5.0, why=why)
    record = copy.deepcopy(small_plan.record)
    fault = record["shortfalls"][0] | {"rule": "split", "remedy_key": "not_split"}
    record["shortfalls"] = [fault | {"remedy_values": {"detail": told.as_record()}}]
    record["split"][0] |= {"told": told.as_record(), "detail": str(told)}
    page = render_report(dataclasses.replace(small_plan, record=record), lang="zh")
    for section in ("shortfalls", "splits"):
        part = page.split(f'<section id="{section}">')[1].partition("</section>")[0]
        assert "u1 单独的居民数为 9,000，超过一个分区的上限（8,000）" in part
        assert "u1 alone has 9,000 residents, more than a district may have (8,000)" in part
