"""The compiled bounded search against scipy's, which fills dense rows."""

from __future__ import annotations

import tracemalloc

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import csgraph
from shequ.instances.city import read_city
from shequ.instances.network import quickest_edges, walking_network
from shequ.instances.policy import Policy
from shequ.instances.walking_search import bounded_paths
from shequ.models.formulation import FloatArray, IntArray

Pairs = tuple[IntArray, IntArray, FloatArray]


def _by_scipy(graph: sparse.csr_array, sources: IntArray, ends: IntArray, limit: float) -> Pairs:
    """Search with scipy, fifty sources at a time."""
    rows = [
        np.atleast_2d(csgraph.dijkstra(graph, indices=sources[i : i + 50], limit=limit))[:, ends]
        for i in range(0, sources.size, 50)
    ]
    dense = np.concatenate(rows)
    start, stop = np.nonzero(np.isfinite(dense))
    return start, stop, dense[start, stop]


def _assert_equal(graph: sparse.csr_array, sources: IntArray, ends: IntArray, limit: float) -> int:
    """Compare all pairs and minutes; return how many there are."""
    start, stop, length = bounded_paths(graph, sources, ends, limit)
    order = np.lexsort((stop, start))
    wanted = _by_scipy(graph, sources, ends, limit)
    assert start[order].tolist() == wanted[0].tolist()
    assert stop[order].tolist() == wanted[1].tolist()
    assert np.abs(length[order] - wanted[2]).max(initial=0) <= 1e-9
    return length.size


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(0, 150), st.floats(0, 12))
def test_random_graphs_give_what_scipy_finds(seed, num_nodes, num_edges, limit):
    """Directed graphs with ties, loops, parallel edges and cut-off parts give the same pairs."""
    random = np.random.default_rng(seed)
    start, end = random.integers(0, num_nodes, (2, num_edges))
    there, back = random.integers(1, 9, (2, num_edges)) / 2
    graph = quickest_edges(start, end, there, num_nodes, back=back)
    sources = random.permutation(num_nodes)[: random.integers(1, num_nodes + 1)]
    ends = random.permutation(num_nodes)[: random.integers(1, num_nodes + 1)]
    _assert_equal(graph, sources, ends, limit)


def test_a_path_of_exactly_the_limit_counts():
    """A way of the very limit is found, one a hair longer is not."""
    graph = sparse.csr_array(np.array([[0, 1.5, 0], [0, 0, 2.5], [0, 0, 0]]))
    assert bounded_paths(graph, np.array([0]), np.arange(3), 4.0)[1].tolist() == [0, 1, 2]
    assert bounded_paths(graph, np.array([0]), np.arange(3), 3.999)[1].tolist() == [0, 1]


def test_there_may_be_nothing_to_search():
    """Without sources, ends or edges there are no pairs but those of a node with itself."""
    graph = sparse.csr_array((3, 3))
    none = np.empty(0, dtype=np.int64)
    assert bounded_paths(graph, none, np.arange(3), 5.0)[2].size == 0
    assert bounded_paths(graph, np.arange(3), none, 5.0)[2].size == 0
    start, stop, length = bounded_paths(graph, np.arange(3), np.arange(3), 5.0)
    assert (start == stop).all()
    assert not length.any()


def test_memory_grows_with_the_pairs_in_reach():
    """A thousand sources on a long street of 200,000 nodes need no thousand rows of it."""
    n = 200_000
    here = np.arange(n - 1)
    graph = quickest_edges(here, here + 1, np.ones(n - 1), n)
    sources = np.arange(0, n, 200)
    bounded_paths(graph, sources[:1], np.arange(n), 10.0)
    tracemalloc.start()
    _, _, length = bounded_paths(graph, sources, np.arange(n), 10.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length.size == 1000 * 21 - 10
    assert peak < sources.size * n * 8 / 100


def test_punggol_with_its_parallel_edges_gives_what_scipy_finds(shared_data):
    """Parallel edges keep their quickest and loops go, on a real network from OpenStreetMap."""
    path = shared_data / "cities" / "punggol" / "punggol.gpkg"
    edges = gpd.read_file(path, layer="walk_edges").rename(
        columns={"u": "from_node", "v": "to_node", "length": "length_m"}
    )
    network = walking_network(edges, None, Policy())
    ends = edges[["from_node", "to_node"]].to_numpy()
    low, high = np.sort(ends, axis=1).T
    proper = low != high
    assert (~proper).sum() == 6
    distinct = len({*zip(low[proper].tolist(), high[proper].tolist(), strict=True)})
    assert network.graph.nnz == 2 * distinct < 2 * proper.sum()
    shortest = edges[proper].groupby([low[proper], high[proper]])["length_m"].min()
    assert network.graph.data.sum() == pytest.approx(2 * shortest.sum() / 75)
    every = np.arange(network.num_nodes)
    assert _assert_equal(network.graph, every, every, 15.0) > 100_000


def test_taipei_gives_what_scipy_finds(shared_data):
    """All sites and units of a city of 2.7 million give the same pairs and minutes."""
    city = read_city(shared_data / "cities" / "taipei" / "city.gpkg")
    network = walking_network(city.network, city.barriers, Policy())
    sources = np.unique(network.snap(city.site_points)[0])
    ends = np.unique(network.snap(city.unit_points)[0])
    assert _assert_equal(network.graph, sources, ends, 15.0) > 300_000
