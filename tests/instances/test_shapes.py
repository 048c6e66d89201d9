"""Lines of several parts, heights and units of length in the layers of a city."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import CityError, build_city
from shequ.instances.network import network_nodes

Layers = dict[str, gpd.GeoDataFrame]


def _cut(line: shapely.LineString, *places: float) -> list[shapely.LineString]:
    """Cut a line at shares of its length."""
    ends = [0.0, *places, 1.0]
    return [
        shapely.LineString(
            [line.interpolate(a, normalized=True), line.interpolate(b, normalized=True)]
        )
        for a, b in pairwise(ends)
    ]


def _promoted(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the layer as PostGIS and ogr2ogr -nlt PROMOTE_TO_MULTI give it."""
    return frame.set_geometry([shapely.MultiLineString([line]) for line in frame.geometry])


def test_multilines_of_one_part_become_lines(grid):
    """A network of multilines of one part is read as lines, without a word."""
    expected = build_city(grid).network
    grid["network"] = _promoted(grid["network"])
    city = build_city(grid)
    assert shapely.equals_exact(
        city.network.geometry.to_numpy(), expected.geometry.to_numpy()
    ).all()
    assert set(city.network.geom_type) == {"LineString"}
    assert (city.warnings, city.repairs) == ((), ())


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_parts_that_follow_each_other_become_one_line(grid, order):
    """Parts of a line in any order are joined, from its start to its end."""
    network = grid["network"]
    parts = _cut(network.geometry[5], 0.3, 0.6)
    network.loc[5, "geometry"] = shapely.MultiLineString([parts[i] for i in order])
    city = build_city(grid)
    joined = city.network.geometry[5]
    assert joined.geom_type == "LineString"
    assert joined.length == pytest.approx(100)
    assert not network_nodes(city.network).spread_m.any()
    said = [*map(str, city.repairs)]
    assert said == ["network: 1 line of several parts joined (row 5: 3 parts)."]
    assert city.warnings == ()


def test_parts_drawn_against_each_other_become_one_line(grid):
    """Parts of opposite directions are joined all the same."""
    parts = _cut(grid["network"].geometry[5], 0.5)
    crossed = [parts[0], parts[1].reverse()]
    grid["network"].loc[5, "geometry"] = shapely.MultiLineString(crossed)
    joined = build_city(grid).network.geometry[5]
    assert (joined.geom_type, joined.length) == ("LineString", pytest.approx(100))


def test_parts_apart_are_refused(grid):
    """Parts that lie apart are no edge between two nodes; told with layer, row and remedy."""
    parts = _cut(grid["network"].geometry[5], 0.3, 0.6)
    grid["network"].loc[5, "geometry"] = shapely.MultiLineString([parts[0], parts[2]])
    with pytest.raises(CityError) as caught:
        build_city(grid)
    message = " ".join(str(caught.value).split())
    assert (
        "network: 1 row with lines that do not join (row 5: 2 parts). Draw one row for" in message
    )


def test_barriers_are_kept_whole(grid):
    """A river of two parts is one barrier: an edge that crosses both pays once."""
    y = 3_460_000
    river = shapely.MultiLineString(
        [[(500_030, y - 9), (500_030, y + 9)], [(500_060, y - 9), (500_060, y + 9)]]
    )
    grid["barriers"] = gpd.GeoDataFrame(
        {"crossable": [True], "crossing_minutes": [4.0]}, geometry=[river], crs="EPSG:4549"
    )
    city = build_city(grid)
    assert city.barriers.geometry.tolist() == [river]
    assert city.repairs == ()


def test_polygons_among_lines_are_made_valid(grid):
    """A lake that crosses itself is mended also where the first barrier is a line."""
    x, y = 500_000, 3_460_000
    bow = shapely.Polygon([(x, y), (x + 9, y + 9), (x + 9, y), (x, y + 9)])
    river = shapely.LineString([(x, y), (x, y + 300)])
    grid["barriers"] = gpd.GeoDataFrame(
        {"crossable": [True, True]}, geometry=[river, bow], crs="EPSG:4549"
    )
    assert build_city(grid).barriers.geometry.is_valid.all()


def test_heights_are_dropped_without_a_word(grid):
    """Heights change nothing in a city, so that nothing is said of them."""
    expected = build_city(grid)
    raised = {
        name: frame.set_geometry(shapely.force_3d(frame.geometry.to_numpy(), 5.0), crs=frame.crs)
        for name, frame in grid.items()
    }
    city = build_city(raised)
    assert not city.network.has_z.any()
    assert np.array_equal(city.unit_points, expected.unit_points)
    assert (city.warnings, city.repairs) == ((), ())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (2263, "whose unit is the US survey foot, not the metre"),
        (4326, "whose unit is the degree, not the metre"),
    ],
)
def test_unit_of_length_is_named_as_it_is(grid, code, said):
    """The unit of a CRS that is not in metres is called by its own name."""
    layers = {
        name: frame.translate(85_500, 1_050_000).set_crs(32618, allow_override=True).to_crs(code)
        for name, frame in grid.items()
    }
    moved = {name: frame.set_geometry(layers[name]) for name, frame in grid.items()}
    told = map(str, build_city(moved).warnings)
    assert said in next(text for text in told if text.startswith("units: the CRS is"))
