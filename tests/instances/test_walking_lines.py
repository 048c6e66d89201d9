"""Plain lines become a network: cut where they meet, joined where they nearly do."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import csgraph
from shequ.instances.network import network_nodes
from shequ.instances.walking_lines import NodedLines, node_lines

CRS = "EPSG:32650"


def _lines(*shapes: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    geometry = [shapely.LineString(shape) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS, index=range(len(shapes)))


def _pairs(noded: NodedLines) -> set[frozenset[int]]:
    edges = noded.edges
    return {frozenset(pair) for pair in zip(edges["from_node"], edges["to_node"], strict=True)}


def _num_nodes(noded: NodedLines) -> int:
    return len(network_nodes(noded.edges).ids)


def _num_parts(start: np.ndarray, end: np.ndarray) -> int:
    """Count the connected parts of a graph whose nodes all have an edge."""
    size = int(max(start.max(), end.max())) + 1
    graph = sparse.coo_array((np.ones(start.size), (start, end)), shape=(size, size))
    return int(csgraph.connected_components(graph, directed=False)[0])


def test_lines_that_cross_become_four_edges():
    """A crossing of two streets is a node, though neither has a vertex there."""
    noded = node_lines(_lines([(0, 0), (100, 0)], [(50, -50), (50, 50)], name=["a", "b"]))
    assert len(noded.edges) == 4
    assert noded.num_crossings == 1
    assert noded.edges["name"].tolist() == ["a", "a", "b", "b"]
    assert noded.edges["length_m"].tolist() == [50, 50, 50, 50]
    middle = set.intersection(*map(set, _pairs(noded)))
    assert len(middle) == 1


def test_a_bridge_does_not_meet_what_it_crosses():
    """Lines of another level cross without a node; where the bridge ends, streets go on."""
    noded = node_lines(
        _lines(
            [(0, 0), (100, 0)],
            [(50, -50), (50, -20)],
            [(50, -20), (50, 20)],
            [(50, 20), (50, 50)],
            bridge=[None, None, "viaduct", "no"],
        )
    )
    assert (len(noded.edges), _num_nodes(noded)) == (4, 6)
    assert (noded.num_crossings, noded.num_apart) == (0, 1)
    assert noded.edges["bridge"].tolist() == [False, False, True, False]


def test_a_shared_vertex_joins_levels():
    """Stairs that share a vertex with a footbridge lead up to it."""
    bridge = [(0, 0), (50, 0), (100, 0)]
    noded = node_lines(_lines(bridge, [(50, -30), (50, 0), (50, 30)], layer=[1, 0]))
    assert len(noded.edges) == 4
    assert noded.num_apart == 0


def test_ends_that_nearly_meet_are_joined():
    """An end 0.3 m short of a street or of another end is moved there; one 0.7 m short is not."""
    street = [(0, 0), (100, 0)]
    for gap, joined in ((0.3, 1), (0.7, 0)):
        noded = node_lines(_lines(street, [(50, gap), (50, 80)]), tolerance_m=0.5)
        assert noded.num_joined == joined
        assert len(noded.edges) == 2 + joined
        ends = node_lines(_lines(street, [(100, gap), (100, 80)]), tolerance_m=0.5)
        assert ends.num_joined == joined
        assert _num_nodes(ends) == 4 - joined
    moved = node_lines(_lines(street, [(50, 0.3), (50, 80)])).edges
    assert moved["length_m"].tolist() == [50, 50, 80]
    assert network_nodes(moved).spread_m.max() == 0


def test_a_line_that_crosses_itself_is_cut():
    """A loop of one line meets itself in a node."""
    noded = node_lines(_lines([(0, 0), (100, 0), (100, 50), (50, 50), (50, -50)]))
    assert len(noded.edges) == 3
    assert _num_nodes(noded) == 3
    assert noded.edges["length_m"].sum() == pytest.approx(300)


def test_pieces_shorter_than_the_tolerance_vanish():
    """A scrap whose two ends become one node is dropped and counted."""
    noded = node_lines(_lines([(0, 0), (100, 0)], [(100, 0), (100.2, 0)], [(100.2, 0), (200, 0)]))
    assert noded.num_dropped == 1
    assert len(noded.edges) == 2
    assert _num_nodes(noded) == 3


def test_multilines_and_heights_are_taken_apart():
    """Parts of a multiline are lines of their own; the third coordinate goes."""
    parts = shapely.from_wkt("MULTILINESTRING Z ((0 0 5, 50 0 6), (80 0 1, 99 0 1))")
    noded = node_lines(gpd.GeoDataFrame({"name": ["x"]}, geometry=[parts], crs=CRS))
    assert noded.num_lines == len(noded.edges) == 2
    assert not shapely.has_z(noded.edges.geometry.to_numpy()).any()


@pytest.mark.parametrize(
    ("shapes", "crs", "message"),
    [
        ([shapely.Point(0, 0)], CRS, "made of lines; the layer has Point"),
        ([], CRS, "the layer has no rows"),
        ([shapely.LineString([(0, 0), (1, 1)])], "EPSG:4326", "in metres"),
    ],
)
def test_what_is_no_line_in_metres_is_refused(shapes, crs, message):
    """The message says what was found instead."""
    with pytest.raises(ValueError, match=message):
        node_lines(gpd.GeoDataFrame(geometry=shapes, crs=crs))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25))
def test_random_lines_are_noded_as_by_geos(seed, count):
    """Without a tolerance, lengths and nodes are those of shapely's own noding."""
    random = np.random.default_rng(seed)
    shapes = [
        [tuple(xy) for xy in random.integers(0, 12, (random.integers(2, 5), 2)) * 10.0]
        for _ in range(count)
    ]
    shapes = [shape for shape in shapes if all(a != b for a, b in itertools.pairwise(shape))]
    if not shapes:
        return
    lines = _lines(*shapes)
    noded = node_lines(lines, tolerance_m=0)
    wanted = shapely.get_parts(shapely.node(shapely.union_all(lines.geometry.to_numpy())))
    merged = shapely.union_all(noded.edges.geometry.to_numpy())
    assert shapely.length(merged) == pytest.approx(shapely.length(wanted).sum(), abs=1e-3)
    if lines.geometry.is_simple.all():
        total = lines.geometry.length.sum()
        assert noded.edges["length_m"].sum() == pytest.approx(total, abs=1e-3)
    crossings = shapely.get_coordinates(shapely.get_point(wanted, 0))
    nodes = shapely.MultiPoint(network_nodes(noded.edges).xy)
    assert shapely.distance(nodes, shapely.points(crossings)).max() < 1e-3
    assert (noded.edges["length_m"] > 0).all()
    ends = shapely.get_coordinates(shapely.get_point(wanted, -1))
    labels = {tuple(xy): i for i, xy in enumerate(np.r_[crossings, ends].round(3).tolist())}
    start, end = (
        np.array([labels[tuple(xy)] for xy in side.round(3).tolist()]) for side in (crossings, ends)
    )
    seen = np.unique(np.r_[start, end], return_inverse=True)[1]
    assert _num_parts(seen[: start.size], seen[start.size :]) == _num_parts(
        *noded.edges[["from_node", "to_node"]].to_numpy().T
    )
