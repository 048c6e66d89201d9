"""Minutes along single edges: slopes, crossings, barriers, stairs."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import build_city
from shequ.instances.policy import Policy
from shequ.instances.walking import walking_times
from shequ.instances.walking_edges import edge_minutes, edge_slopes, slope_factor

POLICY = Policy()
MINUTES = 100 / 75
"""Minutes that an adult takes for an edge of the fixture."""


def _barrier(*, crossable: bool) -> gpd.GeoDataFrame:
    """Return a line from north to south between the first two columns of crossings."""
    line = shapely.LineString([(500_050, 3_459_000), (500_050, 3_461_000)])
    columns = {"crossable": [crossable], "crossing_minutes": [2.0]}
    return gpd.GeoDataFrame(columns, geometry=[line], crs="EPSG:4549")


def test_the_slope_follows_tobler():
    """Downhill at a twentieth is the quickest; the factors are those of the published speeds."""
    slopes = np.linspace(-0.5, 0.5, 101)
    published = 6 * np.exp(-3.5 * np.abs(slopes + 0.05))
    flat = 6 * math.exp(-3.5 * 0.05)
    assert np.allclose(slope_factor(slopes), flat / published)
    assert slopes[slope_factor(slopes).argmin()] == pytest.approx(-0.05)


def test_uphill_takes_longer_than_downhill(grid):
    """An edge that rises is slower there than back, by the factors of its slope."""
    network = grid["network"].assign(slope=0.0)
    network.loc[0, "slope"] = 0.1
    minutes = edge_minutes(network, None, POLICY)
    assert minutes.there[0] == pytest.approx(MINUTES * math.exp(3.5 * 0.1))
    assert minutes.back[0] == pytest.approx(MINUTES * math.exp(3.5 * (0.05 - 0.05)))
    assert minutes.there[1] == minutes.back[1] == MINUTES
    assert [*map(str, minutes.notes)] == ["1 edge rises or falls (Tobler's hiking function)."]


def test_elevations_of_the_ends_give_the_slope(grid):
    """Where no slope is given it is the rise by the length; without elevations an edge is flat."""
    network = grid["network"].assign(from_elevation_m=2.0, to_elevation_m=7.0, slope=np.nan)
    network.loc[1, "slope"] = -0.02
    network.loc[2, "to_elevation_m"] = np.nan
    network.loc[3, "to_elevation_m"] = 500.0
    assert edge_slopes(network, 0.5)[:5].tolist() == [0.05, -0.02, 0.0, 0.5, 0.05]


def test_own_minutes_know_their_slope(grid):
    """Minutes that an edge has of its own are not lengthened by its slope."""
    network = grid["network"].assign(slope=0.1, minutes=np.nan)
    network.loc[0, "minutes"] = 3.0
    minutes = edge_minutes(network, None, POLICY)
    assert minutes.there[0] == minutes.back[0] == 3.0
    assert minutes.there[1] > MINUTES


def test_who_cycles_is_not_slowed_by_a_hikers_slope(grid):
    """Tobler walked: the slope does not touch the minutes of cycling."""
    network = grid["network"].assign(slope=0.1)
    assert edge_minutes(network, None, POLICY, "cycling").there[0] == pytest.approx(0.1 / 14 * 60)


def test_the_way_there_counts(grid):
    """The minutes are those from home to the site, uphill if the site lies above."""
    grid["network"]["slope"] = 0.1
    city = build_city(grid)
    minutes = walking_times(city, POLICY, limit_minutes=60).minutes.toarray()
    legs = 2 * 50 * 2**0.5 / 75
    up, down = MINUTES * math.exp(3.5 * 0.1), MINUTES
    # site 0 stands in unit 0 at the lower left: from unit 8 it is downhill, two streets each way
    assert minutes[0, 8] == pytest.approx(legs + 4 * down)
    # site 1 stands in unit 5, two columns right and one row up of unit 0
    assert minutes[1, 0] == pytest.approx(legs + 3 * up)


def test_crossings_are_waited_at(grid):
    """Each crossing of an edge takes the policy's delay, beside minutes given outright."""
    network = grid["network"].assign(crossings=0, crossing_minutes=np.nan)
    network.loc[0, "crossings"] = 2
    network.loc[1, "crossing_minutes"] = 0.7
    policy = POLICY.with_values({"walking.crossing_delay_minutes": 0.4})
    for group, pace in (("adult", 4.5), ("elderly", 3.2)):
        minutes = edge_minutes(network, None, policy, group)
        walk = 0.1 / pace * 60
        assert minutes.there[:3] == pytest.approx([walk + 0.8, walk + 0.7, walk])
    assert [*map(str, minutes.notes)] == ["2 edges take longer because of crossings."]


def test_a_barrier_cuts_what_is_no_bridge(grid):
    """With a column bridge, edges across an uncrossable barrier are closed, bridges are not."""
    network = grid["network"].assign(bridge=False, tunnel=False)
    network.loc[0, "bridge"] = network.loc[3, "tunnel"] = True
    minutes = edge_minutes(network, _barrier(crossable=False), POLICY)
    assert np.flatnonzero(np.isinf(minutes.there)).tolist() == [6, 9]
    assert np.isfinite(minutes.there[[0, 3]]).all()
    assert [*map(str, minutes.notes)] == ["2 edges are cut by a barrier that cannot be crossed."]


def test_without_marks_the_network_is_believed(grid):
    """A network that does not say which edges are bridges is not cut, and a note says so."""
    minutes = edge_minutes(grid["network"], _barrier(crossable=False), POLICY)
    assert np.isfinite(minutes.there).all()
    assert str(minutes.notes[0]).startswith("4 edges cross a barrier that cannot be crossed")


def test_a_crossable_barrier_cuts_nothing(grid):
    """A barrier that can be crossed takes its minutes and closes no edge."""
    network = grid["network"].assign(bridge=False)
    minutes = edge_minutes(network, _barrier(crossable=True), POLICY)
    assert minutes.there[0] == pytest.approx(MINUTES + 2)
    assert minutes.there[1] == MINUTES


@pytest.mark.parametrize(
    ("group", "closed"),
    [("adult", []), ("elderly", []), ("wheelchair", [0, 1]), ("cycling", [0, 1, 2])],
)
def test_stairs_are_closed_to_wheels(grid, group, closed):
    """Stairs, by their own column or as highway=steps, are closed to wheels; no_cycling to one."""
    network = grid["network"].assign(stairs=False, highway="footway", no_cycling=False)
    network.loc[0, "stairs"] = True
    network.loc[1, "highway"] = "['footway', 'steps']"
    network.loc[2, "no_cycling"] = True
    minutes = edge_minutes(network, None, POLICY, group)
    assert np.flatnonzero(np.isinf(minutes.there)).tolist() == closed


def test_marks_are_read_as_openstreetmap_writes_them(grid):
    """A viaduct is a bridge, an empty cell and no are none."""
    grid["network"]["bridge"] = ["viaduct", "no", None, "yes"] + [""] * 20
    city = build_city(grid)
    assert city.network is not None
    assert city.network["bridge"].tolist() == [True, False, False, True] + [False] * 20


def test_slopes_and_elevations_may_be_negative(grid):
    """Cities below the sea and ways downhill are read as they are."""
    grid["network"]["slope"], grid["network"]["from_elevation_m"] = -0.1, -3.0
    city = build_city(grid)
    assert city.network is not None
    assert city.network["slope"].tolist() == [-0.1] * 24
    assert city.network["from_elevation_m"].tolist() == [-3.0] * 24
