"""Isochrones: areas within some minutes of a site."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import build_city
from shequ.instances.isochrones import Isochrones, isochrones
from shequ.instances.policy import Policy
from shequ.instances.travel import GROUPS, walking_times

POLICY = Policy()
LEG = 50 * 2**0.5 / 75
"""Minutes from a site of the fixture to the network."""


def _strips(city, **options: float) -> shapely.Geometry:
    """Area within 3 minutes of the first site."""
    return isochrones(city, POLICY, sites=["s0"], minutes=[3], **options).geometry.iloc[0]


def test_reached_streets_end_where_the_minutes_do(grid):
    """A street is drawn as far as one can set out on it and be there in time."""
    city = build_city(grid)
    area = _strips(city, width_m=1.0)
    left = (3 - LEG) * 75
    # the site is joined to the crossing at the lower left, (500000, 3460000)
    for along in (left - 1.5, left + 1.5):
        here = shapely.Point(500_000 + along, 3_460_000)
        assert area.contains(here) == (along < left)
    assert not area.contains(shapely.Point(500_150, 3_460_150))


def test_slopes_shape_the_area(grid):
    """Homes that are uphill of the site reach it from farther."""
    grid["network"]["slope"] = -0.05
    downhill = _strips(build_city(grid), width_m=1.0)
    grid["network"]["slope"] = 0.05
    uphill = _strips(build_city(grid), width_m=1.0)
    faster = math.exp(-3.5 * 0.05)
    slower = math.exp(3.5 * 0.05)
    for area, factor in ((uphill, faster), (downhill, slower)):
        far = area.bounds[2] - 1 - 500_000
        assert far == pytest.approx((3 - LEG) * 75 / factor, abs=0.01)


@pytest.mark.parametrize("group", GROUPS)
def test_areas_are_valid_and_nested(grid, group):
    """Each area is a valid polygon that holds those of fewer minutes."""
    found = isochrones(build_city(grid), POLICY, minutes=[1, 2, 5], group=group)
    assert found["minutes"].tolist() == [5, 2, 1]
    assert found["sites"].tolist() == [1, 1, 1]
    assert found.geometry.is_valid.all()
    wide, middle, small = found.geometry
    assert small.difference(middle).area < 1e-6
    assert middle.difference(wide).area < 1e-6
    assert small.area < middle.area < wide.area == pytest.approx(found["area_m2"].iloc[0])


def test_units_in_reach_lie_beside_the_area(grid):
    """A unit within the minutes of a site is within its way to the network of the area."""
    city = build_city(grid)
    times = walking_times(city, POLICY, limit_minutes=3)
    area = _strips(city)
    distance = shapely.distance(area, shapely.points(city.unit_points))
    reached = times.minutes.toarray()[0] > 0
    assert 0 < reached.sum() < 9
    assert (distance[reached] <= 50 * 2**0.5).all()


def test_all_open_sites_are_one_area(grid):
    """The area of all open sites is the union of the areas of each."""
    grid["sites"]["status"] = "existing"
    city = build_city(grid)
    together = isochrones(city, POLICY, minutes=[3])
    apart = isochrones(city, POLICY, sites=["s0", "s1"], minutes=[3])
    assert together["sites"].tolist() == [2]
    assert together["site_id"].tolist() == [""]
    union = shapely.union_all(apart.geometry.to_numpy())
    assert together.geometry.iloc[0].symmetric_difference(union).area < 1e-6


def test_without_a_network_areas_are_circles(grid):
    """A straight walk, lengthened by the detour factor, reaches a circle."""
    del grid["network"]
    found = isochrones(build_city(grid), POLICY, sites=["s0"], minutes=[10])
    radius = 750 / 1.3
    assert found["area_m2"].iloc[0] == pytest.approx(math.pi * radius**2, rel=0.01)


def test_areas_come_back_in_the_reference_system_of_the_city(grid, tmp_path):
    """Written and read again they are the same shapes, in the CRS of the input."""
    degrees = {name: layer.to_crs("EPSG:4490") for name, layer in grid.items()}
    found = isochrones(build_city(degrees), POLICY, minutes=[5, 10])
    assert found.crs.to_epsg() == 4490
    found.to_file(tmp_path / "areas.gpkg")
    again = gpd.read_file(tmp_path / "areas.gpkg")
    assert again.crs.to_epsg() == 4490
    assert again.geometry.is_valid.all()
    assert shapely.normalize(again.geometry.to_numpy()).tolist() == (
        shapely.normalize(found.geometry.to_numpy()).tolist()
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"sites": ["nowhere"]}, "nowhere: no site of the city has this site_id"),
        ({"minutes": [0, 5]}, "minutes above 0"),
        ({"minutes": []}, "minutes above 0"),
        ({"width_m": 0.0}, "a strip of 0 m has no area"),
        ({"group": "runner"}, "no group that gets about"),
    ],
)
def test_what_cannot_be_drawn_is_refused(grid, asked, message):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=message):
        isochrones(build_city(grid), POLICY, **asked)


def test_sites_far_from_the_network_have_no_area(grid):
    """Where no site is near the network, there is nothing to draw."""
    policy = POLICY.with_values({"walking.max_snap_m": 60})
    with pytest.raises(ValueError, match="near enough to the network"):
        isochrones(build_city(grid, policy), policy)
    grid["sites"]["status"] = "candidate"
    with pytest.raises(ValueError, match="no site of the city is open"):
        isochrones(build_city(grid), POLICY)


def test_real_areas_are_valid_and_hold_the_units_in_reach(shared_data):
    """In a real city, nested areas are valid; units in reach lie within their way to a street."""
    from shequ.instances.city import read_city  # noqa: PLC0415 - only here

    city = read_city(shared_data / "cities" / "kaohsiung" / "city.gpkg")
    drawn = Isochrones(city, POLICY, "elderly")
    times = walking_times(city, POLICY, limit_minutes=15, group="elderly")
    for site in range(0, city.num_sites, 200):
        areas = drawn.around(np.array([site]), [5, 10, 15])
        assert all(area.is_valid for area in areas)
        assert areas[0].difference(areas[1]).area < 1e-3
        assert areas[1].difference(areas[2]).area < 1e-3
        reached = times.minutes[[site]].indices
        distance = shapely.distance(areas[2], shapely.points(city.unit_points[reached]))
        assert (distance <= times.unit_snap_m[reached]).all()
