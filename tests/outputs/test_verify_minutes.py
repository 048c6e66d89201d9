"""The verification finds the minutes of the planner by code of its own, under every rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import City, build_city
from shequ.instances.policy import Policy
from shequ.instances.synthetic.city import generate_city
from shequ.instances.travel import GROUPS, Group, walking_times
from shequ.models.siting.station import nearest_open
from shequ.optimize.planning.stages import make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import read_plan, write_plan
from shequ.outputs.verify import verify_layers, verify_plan
from shequ.outputs.verify.minutes import streets_of

POLICY = Policy().with_values({"siting.reach_minutes": 60.0})


@pytest.fixture(scope="module")
def hilly() -> City:
    """Return a city with hills, stairs, crossings, a river with bridges, and odd elevations."""
    layers = dict(generate_city(residents=20_000, seed=3))
    random = np.random.default_rng(5)
    network = layers["network"].copy()
    count = len(network)
    height = dict.fromkeys([*network["from_node"], *network["to_node"]], 0.0)
    for node in height:
        height[node] = float(random.uniform(-2, 9))
    network["minutes"] = np.where(random.random(count) < 0.2, network["minutes"], np.nan)
    network["from_elevation_m"] = [height[node] for node in network["from_node"]]
    network["to_elevation_m"] = [height[node] for node in network["to_node"]]
    network.loc[random.random(count) < 0.1, "to_elevation_m"] = np.nan
    network["slope"] = np.where(random.random(count) < 0.1, random.uniform(-0.9, 0.9, count), None)
    network["slope"] = network["slope"].astype(float)
    network["crossings"] = random.integers(0, 3, count)
    network["crossing_minutes"] = np.where(random.random(count) < 0.1, 0.3, np.nan)
    network["bridge"] = random.random(count) < 0.3
    network["tunnel"] = random.random(count) < 0.2
    network["stairs"] = random.random(count) < 0.1
    network["highway"] = np.where(random.random(count) < 0.05, "steps", "footway")
    network["no_cycling"] = random.random(count) < 0.1
    layers["network"] = network
    west, south, east, north = network.total_bounds
    across = [0.37 * west + 0.63 * east, 0.6 * west + 0.4 * east]
    lines = [shapely.LineString([(x, south - 9), (x + 31, north + 9)]) for x in across]
    layers["barriers"] = gpd.GeoDataFrame(
        {"crossable": [False, True], "crossing_minutes": [5.0, 1.5]},
        geometry=lines,
        crs=network.crs,
    )
    return build_city(layers, POLICY)


@pytest.mark.parametrize("group", GROUPS)
def test_the_minutes_of_every_group_are_found_again(hilly: City, group: Group) -> None:
    """Minutes to the nearest and to a given station are those of the planner, in both codes."""
    times = walking_times(hilly, POLICY, group=group)
    site, minutes = nearest_open(times.minutes, np.ones(hilly.num_sites, dtype=bool))
    homes = np.asarray(shapely.points(hilly.unit_points), dtype=object)
    rules = POLICY.model_dump()["walking"]
    streets = streets_of(homes, hilly.network, hilly.barriers, rules, group)
    near = streets.nearest(hilly.site_points)
    reached = np.isfinite(minutes)
    assert reached.sum() > 50
    assert near.holds(minutes, tolerance=1e-5)[reached].all()
    assert (near.high[~reached] > 60 - 1e-5).all()
    to = streets.to(hilly.site_points, np.where(reached, site, -1), limit=61)
    assert to.holds(minutes, tolerance=1e-5)[reached].all()


def test_each_rule_changes_the_minutes(hilly: City) -> None:
    """The city of these tests has an edge for every rule: without its column, minutes differ."""
    columns = ["slope", "to_elevation_m", "crossings", "crossing_minutes", "bridge", "tunnel"]
    assert isinstance(hilly.network, gpd.GeoDataFrame)
    whole = walking_times(hilly, POLICY).minutes
    for column in columns:
        blank = hilly.network.assign(**{column: False if column in {"bridge", "tunnel"} else 0.0})
        without = replace(hilly, network=blank)
        assert (walking_times(without, POLICY).minutes != whole).nnz, column
    for group, column in (("wheelchair", "stairs"), ("cycling", "no_cycling")):
        open_ = replace(hilly, network=hilly.network.assign(**{column: False}))
        found = walking_times(hilly, POLICY, group=group).minutes  # type: ignore[arg-type]
        assert (walking_times(open_, POLICY, group=group).minutes != found).nnz, column  # type: ignore[arg-type]


def test_a_plan_under_every_rule_verifies_from_its_files(hilly: City, tmp_path: Path) -> None:
    """Slopes, crossings, cuts and bridges are written and found again; a moved slope is noticed."""
    policy = Policy()
    write_plan(plan_layers(make_plan(hilly, policy, stages=("site",))), tmp_path)
    assert verify_plan(tmp_path).findings == ()
    assert hilly.network is not None
    moved = replace(read_plan(tmp_path), network=hilly.network.assign(slope=-0.05))
    findings = verify_layers(moved).findings
    assert any("are written" in finding for finding in findings), findings


def test_a_plan_from_before_the_rules_is_verified_by_those_of_its_time() -> None:
    """The record of an older plan names neither delays nor slopes: they count for nothing."""
    rules = Policy().model_dump()["walking"]
    del rules["crossing_delay_minutes"], rules["max_slope"]
    network = gpd.GeoDataFrame(
        {"from_node": [1], "to_node": [2], "length_m": [75.0], "slope": [0.3], "crossings": [4]},
        geometry=[shapely.LineString([(0, 0), (75, 0)])],
        crs="EPSG:4549",
    )
    homes = np.array([shapely.Point(0, 0)], dtype=object)
    streets = streets_of(homes, network, None, rules)
    assert streets.nearest(np.array([[75.0, 0.0]])).low == pytest.approx([1.0])
