"""Walking times against an oracle that knows no sparse matrix."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shequ.instances.city import City, build_city
from shequ.instances.network import network_nodes, walking_network
from shequ.instances.policy import Policy
from shequ.instances.walking import WalkingTimes, walking_times
from shequ.models.formulation import FloatArray, IntArray
from shequ.models.siting.station import nearest_open

POLICY = Policy()
METRES_A_MINUTE = 75.0


def _edges(
    rows: list[tuple[int, int, float]], xy: Mapping[int, tuple[float, float]]
) -> gpd.GeoDataFrame:
    """Return a network of (from, to, length) rows between numbered places."""
    start, end, length = zip(*rows, strict=True)
    lines = [shapely.LineString([xy[a], xy[b]]) for a, b, _ in rows]
    columns = {"from_node": start, "to_node": end, "length_m": [float(x) for x in length]}
    return gpd.GeoDataFrame(columns, geometry=lines, crs="EPSG:4549")


def _dense_paths(num_nodes: int, start: IntArray, end: IntArray, minutes: FloatArray) -> FloatArray:
    """Floyd and Warshall on a dense matrix of the quickest edges."""
    best = np.full((num_nodes, num_nodes), np.inf)
    np.fill_diagonal(best, 0)
    for a, b, value in zip(start, end, minutes, strict=True):
        best[a, b] = best[b, a] = min(best[a, b], value)
    for k in range(num_nodes):
        best = np.minimum(best, best[:, [k]] + best[[k], :])
    return best


def _oracle(city: City, limit: float) -> FloatArray:
    """Dense minutes, sites times units; infinite beyond the limit."""
    nodes = network_nodes(city.network)
    length = city.network["length_m"].to_numpy()
    best = _dense_paths(len(nodes.ids), nodes.start, nodes.end, length / METRES_A_MINUTE)

    def snap(points: FloatArray) -> tuple[IntArray, FloatArray]:
        distance = np.linalg.norm(points[:, None] - nodes.xy[None], axis=2)
        return distance.argmin(axis=1), distance.min(axis=1)

    site_node, site_leg = snap(city.site_points)
    unit_node, unit_leg = snap(city.unit_points)
    legs = (site_leg[:, None] + unit_leg[None]) / METRES_A_MINUTE
    minutes = best[np.ix_(site_node, unit_node)] + legs
    return np.where(minutes <= limit, minutes, np.inf)


def _dense(times: WalkingTimes) -> FloatArray:
    full = np.full(times.minutes.shape, np.inf)
    pairs = times.minutes.tocoo()
    full[pairs.coords] = pairs.data
    return full


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(150, 900)),
        min_size=1,
        max_size=14,
    ),
    st.sampled_from([4.0, 15.0]),
)
def test_times_equal_the_dense_oracle(rows, limit):
    """On graphs with loops, parallel edges and cut-off parts the times are those of the oracle."""
    east, north = 500_000.0, 3_460_000.0
    xy = {i: (east + 60 * i, north + 35 * (i * i % 5)) for i in range(7)}
    units = gpd.GeoDataFrame(
        {
            "unit_id": [f"u{i}" for i in range(5)],
            "residents": 10,
            "households": 4,
            "community_id": "A",
        },
        geometry=[
            shapely.box(east + 77 * i, north, east + 77 * i + 77, north + 90) for i in range(5)
        ],
        crs="EPSG:4549",
    )
    sites = gpd.GeoDataFrame(
        {
            "site_id": ["a", "b", "c"],
            "status": "candidate",
            "floor_area_m2": 0.0,
            "max_area_m2": 100.0,
        },
        geometry=shapely.points([xy[0], (east + 100, north + 40), (east + 101, north + 41)]),
        crs="EPSG:4549",
    )
    city = build_city({"units": units, "sites": sites, "network": _edges(rows, xy)})
    times = walking_times(city, POLICY, limit_minutes=limit)
    assert np.allclose(_dense(times), _oracle(city, limit), atol=2e-6)


def test_parallel_edges_keep_the_quickest_and_loops_go():
    """Of two streets between the same crossings the quicker counts; a loop counts for nothing."""
    xy = {0: (0, 0), 1: (100, 0)}
    network = _edges([(0, 1, 300), (1, 0, 150), (0, 0, 1)], xy)
    graph = walking_network(network, None, POLICY).graph
    assert np.allclose(graph.toarray(), [[0, 2], [2, 0]])


def test_minutes_of_an_edge_win_over_its_length(grid):
    """An edge's own minutes are used where they are given, its length elsewhere."""
    network = grid["network"].assign(minutes=np.nan)
    network.loc[0, "minutes"] = 9.0
    graph = walking_network(network, None, POLICY).graph.toarray()
    assert graph[0, 1] == pytest.approx(9)
    assert graph[1, 2] == pytest.approx(100 / METRES_A_MINUTE)


def test_crossing_a_barrier_takes_its_minutes(grid):
    """Edges that cross a crossable barrier take its minutes longer, others do not."""
    line = shapely.LineString([(500_050, 3_459_000), (500_050, 3_461_000)])
    barriers = gpd.GeoDataFrame(
        {"crossable": [True], "crossing_minutes": [3.0]}, geometry=[line], crs="EPSG:4549"
    )
    network = walking_network(grid["network"], barriers, POLICY)
    graph = network.graph.toarray()
    assert graph[0, 1] == pytest.approx(100 / METRES_A_MINUTE + 3)
    assert graph[1, 2] == pytest.approx(100 / METRES_A_MINUTE)
    assert [*map(str, network.notes)] == ["4 edges take longer because they cross a barrier."]


def test_small_parts_of_the_network_are_not_snapped_to(grid):
    """A place beside a cut-off scrap of network is connected to the large part."""
    policy = POLICY.with_values({"walking.snap_to_components_of": 0.5})
    scrap = _edges([(90, 91, 20)], {90: (500_050, 3_460_050), 91: (500_050, 3_460_070)})
    network = pd.concat([grid["network"], scrap], ignore_index=True)
    built = walking_network(network, None, policy)
    node, distance = built.snap(np.array([[500_050.0, 3_460_050.0]]))
    assert built.snappable[node].all()
    assert distance[0] == pytest.approx(50 * 2**0.5)
    assert "2 of 18 nodes" in str(built.notes[0])


def test_site_far_from_the_network_reaches_nobody(grid):
    """A site beyond the snap distance has no times and is reported."""
    policy = POLICY.with_values({"walking.max_snap_m": 60})
    city = build_city(grid, policy)
    times = walking_times(city, policy)
    assert times.unsnapped_sites.tolist() == [0, 1]
    assert times.minutes.nnz == 0
    assert times.unreached_units.tolist() == list(range(9))


def test_zero_minutes_stay_stored():
    """A site on the unit's own point keeps its pair, with a time of next to nothing."""
    unit = shapely.box(500_000, 3_460_000, 500_100, 3_460_100)
    here = shapely.point_on_surface(unit)
    layers = {
        "units": gpd.GeoDataFrame(
            {"unit_id": ["u"], "residents": [1], "households": [1], "community_id": ["A"]},
            geometry=[unit],
            crs="EPSG:4549",
        ),
        "sites": gpd.GeoDataFrame(
            {"site_id": ["s"], "status": "existing", "floor_area_m2": 1.0, "max_area_m2": 1.0},
            geometry=[here],
            crs="EPSG:4549",
        ),
    }
    times = walking_times(build_city(layers), POLICY)
    assert times.minutes.nnz == 1
    assert 0 < times.minutes.data[0] < 1e-3


def test_straight_lines_take_the_detour(grid):
    """Without a network the minutes are those of the straight line times the detour factor."""
    del grid["network"]
    city = build_city(grid)
    times = walking_times(city, POLICY)
    assert times.source == "straight line × 1.3"
    gap = np.linalg.norm(city.site_points[:, None] - city.unit_points[None], axis=2)
    assert np.allclose(_dense(times), gap * 1.3 / METRES_A_MINUTE, atol=2e-6)
    assert "straight line × 1.3" in str(times.summary[0])


def test_nearest_among_open_sites(grid):
    """Each unit gets the nearest open site; without one within reach minutes are infinite."""
    city = build_city(grid)
    times = walking_times(city, POLICY)
    full = _dense(times)
    site, minutes = nearest_open(times.minutes, np.array([True, True]))
    assert np.allclose(minutes, full.min(axis=0))
    assert site.tolist() == full.argmin(axis=0).tolist()
    site, minutes = nearest_open(times.minutes, np.array([False, False]))
    assert np.isinf(minutes).all()
    assert set(site.tolist()) == {-1}
