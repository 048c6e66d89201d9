"""Neighbours by shared border, gaps and barriers."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shequ.instances.adjacency import components, shared_borders

ROW = [shapely.box(x, 0, x + 10, 10) for x in (0, 10, 20)]


def _barrier(line: list[tuple[float, float]], *, crossable: bool = False) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"crossable": [crossable]}, geometry=[shapely.LineString(line)])


def test_shared_border_has_its_length():
    """Squares side by side are neighbours by the length of their common side."""
    found = shared_borders(ROW, min_length_m=1)
    assert found.pairs.tolist() == [[0, 1], [1, 2]]
    assert found.length_m.tolist() == [10, 10]


def test_corner_does_not_connect():
    """Squares that meet in a corner are no neighbours."""
    corner = [shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)]
    assert shared_borders(corner, min_length_m=0).pairs.shape == (0, 2)


def test_short_border_does_not_connect():
    """A border shorter than the least length does not connect."""
    touching = [shapely.box(0, 0, 10, 10), shapely.box(10, 9.5, 20, 20)]
    assert len(shared_borders(touching, min_length_m=1).pairs) == 0
    assert len(shared_borders(touching, min_length_m=0.4).pairs) == 1


def test_only_pairs_of_one_group():
    """Units of different communities are not paired if groups are given."""
    found = shared_borders(ROW, min_length_m=1, within=np.array([0, 0, 1]))
    assert found.pairs.tolist() == [[0, 1]]


def test_gap_connects_when_asked():
    """Units across a street are neighbours of border 0 within the gap, and not beyond it."""
    apart = [shapely.box(0, 0, 10, 10), shapely.box(14, 0, 24, 10), shapely.box(40, 0, 50, 10)]
    found = shared_borders(apart, min_length_m=1, connect_gap_m=5)
    assert found.pairs.tolist() == [[0, 1]]
    assert found.length_m.tolist() == [0]


@pytest.mark.parametrize(("top", "connected"), [(10, False), (6, False), (4, True)])
def test_border_along_a_barrier(top, connected):
    """A border of which half or more runs along a barrier does not connect."""
    found = shared_borders(
        ROW[:2], min_length_m=1, barriers=_barrier([(10.1, -5), (10.1, top)]), barrier_width_m=0.5
    )
    assert bool(len(found.pairs)) is connected


def test_crossable_barrier_connects():
    """A barrier that can be crossed leaves the neighbours as they are."""
    barrier = _barrier([(10, -5), (10, 15)], crossable=True)
    assert len(shared_borders(ROW[:2], min_length_m=1, barriers=barrier).pairs) == 1


def test_barrier_in_a_gap():
    """A barrier between two units keeps them apart across the gap, and touching ones too."""
    apart = [shapely.box(0, 0, 10, 10), shapely.box(14, 0, 24, 10)]
    barrier = _barrier([(12, -5), (12, 15)])
    options = {"min_length_m": 1, "connect_gap_m": 5}
    assert len(shared_borders(apart, barriers=barrier, **options).pairs) == 0
    along = _barrier([(10, -5), (10, 15)])
    assert len(shared_borders(ROW[:2], barriers=along, **options).pairs) == 0


def test_components_label_the_parts():
    """Units joined by pairs have one label, others their own."""
    assert components(4, np.array([[1, 3]])).tolist() == [0, 1, 2, 1]
    assert components(2, np.empty((0, 2), dtype=np.int64)).tolist() == [0, 1]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_grid_has_the_neighbours_of_a_grid(columns, rows, random):
    """In a grid in any order each inner side is one pair of the side's length."""
    places = [(x, y) for x in range(columns) for y in range(rows)]
    random.shuffle(places)
    found = shared_borders([shapely.box(x, y, x + 1, y + 1) for x, y in places], min_length_m=0.1)
    expected = {
        (i, j)
        for i, (x, y) in enumerate(places)
        for j, (u, v) in enumerate(places)
        if i < j and abs(x - u) + abs(y - v) == 1
    }
    assert {(i, j) for i, j in found.pairs.tolist()} == expected
    assert np.allclose(found.length_m, 1)
