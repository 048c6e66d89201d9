"""Networks out of OpenStreetMap, and elevations for them."""

from __future__ import annotations

import builtins
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from pyproj import CRS, Geod
from shequ.instances.osm import OsmWays, edges_of_ways, read_osm
from shequ.instances.osm_tags import is_used, layer_of
from shequ.instances.walking_heights import read_heights
from shequ.instances.walking_import import import_network

NODES = {1: (8.0, 50.0), 2: (8.001, 50.0), 3: (8.002, 50.0), 4: (8.001, 50.001), 5: (8.001, 49.999)}
WAYS = [
    (10, [1, 2, 3], {"highway": "residential", "name": "High Street"}),
    (11, [4, 2], {"highway": "steps"}),
    (12, [2, 5], {"highway": "footway", "footway": "crossing"}),
    (13, [4, 5], {"highway": "footway", "bridge": "viaduct", "layer": "1"}),
    (14, [1, 4], {"highway": "motorway"}),
    (15, [1, 99, 3, 5], {"highway": "cycleway"}),
    (16, [1, 5], {"building": "yes"}),
]


@pytest.fixture
def osm(tmp_path: Path) -> Path:
    """Return a small file of OpenStreetMap; node 99 lies outside of it."""
    lines = ['<?xml version="1.0"?>', '<osm version="0.6">']
    lines += [
        f'<node id="{node}" version="1" lat="{lat}" lon="{lon}"/>'
        for node, (lon, lat) in NODES.items()
    ]
    for way, nodes, tags in WAYS:
        refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
        told = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        lines.append(f'<way id="{way}" version="1">{refs}{told}</way>')
    path = tmp_path / "small.osm"
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


def _raster(path: Path, cells: np.ndarray, *, epsg: int | None = 4326, west: float = 8.0) -> Path:
    """Write a GeoTIFF whose upper left corner is 8 east, 50.002 north, in steps of 0.001."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[33550] = tags.tagtype[33922] = 12
    tags[33550], tags[33922] = (0.001, 0.001, 0.0), (0.0, 0.0, 0.0, west, 50.002, 0.0)
    if epsg is not None:
        tags[34735] = (1, 1, 0, 2, 1025, 0, 1, 1, 2048, 0, 1, epsg)
        tags.tagtype[34735] = 3
    tags[42113] = "-1"
    Image.fromarray(cells.astype(np.float32)).save(path, tiffinfo=tags)
    return path


def test_ways_are_cut_where_they_share_a_node(osm):
    """Streets meet at shared nodes; what people may not walk on is left out."""
    pytest.importorskip("osmium")
    edges = read_osm(osm)
    ends = list(zip(edges["way_id"], edges["from_node"], edges["to_node"], strict=True))
    assert ends == [(10, 1, 2), (10, 2, 3), (11, 4, 2), (12, 2, 5), (13, 4, 5)]
    assert edges["stairs"].tolist() == [False, False, True, False, False]
    assert edges["bridge"].tolist() == [False] * 4 + [True]
    assert edges["layer"].tolist() == [0, 0, 0, 0, 1]
    assert edges["crossings"].tolist() == [0, 0, 0, 1, 0]
    assert edges["no_cycling"].tolist() == [False, False, True, True, True]
    assert edges["name"].tolist() == ["High Street", "High Street", "", "", ""]
    metres = Geod(ellps="WGS84").inv(8.0, 50.0, 8.001, 50.0)[2]
    assert edges["length_m"][0] == pytest.approx(metres)


def test_a_way_is_parted_where_its_node_lies_outside(osm):
    """Of a way with a node that the file does not hold, the parts with two nodes are kept."""
    pytest.importorskip("osmium")
    edges = read_osm(osm, "cycling")
    ends = list(zip(edges["way_id"], edges["from_node"], edges["to_node"], strict=True))
    assert ends == [(10, 1, 3), (15, 3, 5)]


def test_a_way_that_meets_itself_is_cut():
    """A loop of one way with a tail has a node where it closes."""
    places = [(0.0, 0.0), (0.0, 0.001), (0.001, 0.001), (0.0, 0.0)]
    ways = OsmWays([1], [{"highway": "path"}], [7, 8, 9, 7], places, [4])
    edges = edges_of_ways(ways)
    assert edges[["from_node", "to_node"]].to_numpy().tolist() == [[7, 7]]
    tail = OsmWays([1], [{"highway": "path"}], [6, 7, 8, 7], [(-1e-3, 0.0), *places[:3]], [4])
    assert edges_of_ways(tail)[["from_node", "to_node"]].to_numpy().tolist() == [
        [6, 7],
        [7, 7],
    ]


@pytest.mark.parametrize(
    ("tags", "walked", "cycled"),
    [
        ({"highway": "residential"}, True, True),
        ({"highway": "residential", "access": "private"}, False, False),
        ({"highway": "service", "access": "private", "foot": "yes"}, True, False),
        ({"highway": "footway"}, True, False),
        ({"highway": "footway", "bicycle": "yes"}, True, True),
        ({"highway": "cycleway"}, False, True),
        ({"highway": "cycleway", "foot": "designated"}, True, True),
        ({"highway": "steps"}, True, False),
        ({"highway": "steps", "bicycle": "yes"}, True, False),
        ({"highway": "path", "bicycle": "dismount"}, True, False),
        ({"highway": "trunk", "motorroad": "yes"}, False, False),
        ({"highway": "motorway"}, False, False),
        ({"highway": "motorway", "foot": "yes"}, False, False),
        ({"highway": "construction"}, False, False),
        ({"highway": "primary", "foot": "use_sidepath"}, False, True),
    ],
)
def test_who_may_use_a_way(tags, walked, cycled):
    """The tag of the mode wins over access, and either over the kind of the way."""
    assert (is_used(tags, "walking"), is_used(tags, "cycling")) == (walked, cycled)


def test_a_level_that_is_no_number_is_the_ground():
    """Layers are numbers; what else is written counts as 0."""
    assert [layer_of({"layer": text}) for text in ("-1", "2", "1.0", "up")] == [-1, 2, 1, 0]


def test_without_pyosmium_the_extra_is_named(osm, monkeypatch):
    """The message says which extra reads the file."""
    load = builtins.__import__

    def without(name: str, *arguments: object, **options: object) -> object:
        if name == "osmium":
            raise ImportError(name)
        return load(name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'shequ\[osm\]'"):
        read_osm(osm)


def test_files_that_are_none_of_openstreetmap_are_refused(tmp_path):
    """A file that is not there, is broken, or holds no way, is named with what to do."""
    pytest.importorskip("osmium")
    with pytest.raises(ValueError, match="does not exist"):
        read_osm(tmp_path / "none.osm.pbf")
    (tmp_path / "bad.osm.pbf").write_bytes(b"not a map")
    with pytest.raises(ValueError, match="cannot be read as OpenStreetMap"):
        read_osm(tmp_path / "bad.osm.pbf")
    (tmp_path / "empty.osm").write_text('<?xml version="1.0"?><osm version="0.6"></osm>')
    with pytest.raises(ValueError, match="holds no way for walking"):
        read_osm(tmp_path / "empty.osm")


def test_heights_are_interpolated_between_cells(tmp_path):
    """Between the centres of cells the height is linear; outside, and beside nothing, none."""
    cells = np.array([[10.0, 20.0, 30.0], [10.0, 40.0, 50.0], [10.0, 60.0, -1.0]])
    grid = read_heights(_raster(tmp_path / "h.tif", cells))
    centre = [(8.0005, 50.0015), (8.0015, 50.0005)]
    between = [(8.001, 50.0015), (8.0005, 50.001), (8.001, 50.001)]
    outside = [(8.0025, 49.9995), (7.99, 50.0), (8.0, 50.1)]
    found = grid.at(np.array([*centre, *between, *outside]), CRS("EPSG:4326"))
    assert found[:5] == pytest.approx([10, 40, 15, 10, 20])
    assert np.isnan(found[5:]).all()


@pytest.mark.parametrize(
    ("cells", "epsg", "message"),
    [
        (np.zeros((2, 2)), None, "by EPSG. Convert it: gdalwarp"),
        (np.zeros((2, 2)), 32767, "by EPSG. Convert it: gdalwarp"),
    ],
)
def test_rasters_that_lie_nowhere_are_refused(tmp_path, cells, epsg, message):
    """A raster without a reference system is refused with the command that mends it."""
    path = _raster(tmp_path / "h.tif", cells, epsg=epsg)
    with pytest.raises(ValueError, match=message):
        read_heights(path)


def test_a_picture_is_no_raster_of_heights(tmp_path):
    """Colours, pictures without a place, and files of another kind are refused."""
    Image.new("RGB", (3, 3)).save(tmp_path / "colour.tif")
    with pytest.raises(ValueError, match="has 3 bands"):
        read_heights(tmp_path / "colour.tif")
    Image.new("L", (3, 3)).save(tmp_path / "plain.tif")
    with pytest.raises(ValueError, match="does not say where it lies"):
        read_heights(tmp_path / "plain.tif")
    (tmp_path / "text.tif").write_text("no picture")
    with pytest.raises(ValueError, match="cannot be read"):
        read_heights(tmp_path / "text.tif")


def test_an_imported_network_has_slopes(osm, tmp_path):
    """Elevations of a raster become those of both ends of every edge, and notes say so."""
    pytest.importorskip("osmium")
    cells = np.tile(np.array([[0.0, 10.0, 20.0, 30.0]]), (4, 1))
    raster = _raster(tmp_path / "h.tif", cells, west=7.999)
    made = import_network(osm, heights=raster)
    assert made.edges.crs.to_epsg() == 32632
    first = made.edges.iloc[0]
    assert first["from_elevation_m"] == pytest.approx(5.0, abs=1e-4)
    assert first["to_elevation_m"] == pytest.approx(15.0, abs=1e-4)
    assert made.notes[0] == "4 ways for walking of OpenStreetMap."
    assert made.notes[1] == "Elevations of the nodes from 5 to 25 m."
    assert made.notes[2].startswith(
        "5 edges, 5 nodes, 0.6 km; 1 on bridges, 0 in tunnels, 1 on stairs"
    )
    assert made.notes[3] == "1 part; the largest has 100.0% of the nodes."


def test_lines_of_a_file_become_a_network(tmp_path):
    """A layer of lines in degrees is cut in its UTM zone; its own columns are kept."""
    lines = gpd.GeoDataFrame(
        {"name": ["a", "b"]},
        geometry=gpd.GeoSeries.from_wkt(
            ["LINESTRING (8 50, 8.002 50)", "LINESTRING (8.001 49.999, 8.001 50.001)"]
        ),
        crs="EPSG:4326",
    )
    lines.to_file(tmp_path / "lines.gpkg", layer="streets")
    made = import_network(tmp_path / "lines.gpkg")
    assert len(made.edges) == 4
    assert made.edges.crs.to_epsg() == 32632
    assert set(made.edges["name"]) == {"a", "b"}
    assert made.notes[0] == "2 lines, cut at 1 crossing without an end."
    assert import_network(tmp_path / "lines.gpkg", crs="EPSG:25832").edges.crs.to_epsg() == 25832


def test_what_is_wrong_with_a_layer_of_lines_is_said(tmp_path):
    """Layers that are not there, several of them, and networks already cut are refused."""
    path = tmp_path / "lines.gpkg"
    line = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 9 9)"], crs="EPSG:32632")
    gpd.GeoDataFrame({"from_node": [1], "to_node": [2]}, geometry=line).to_file(path, layer="a")
    with pytest.raises(ValueError, match="is a network already"):
        import_network(path)
    gpd.GeoDataFrame(geometry=line).to_file(path, layer="b")
    with pytest.raises(ValueError, match="has the layers a, b; name one with --layer"):
        import_network(path)
    with pytest.raises(ValueError, match="--layer names none of them"):
        import_network(path, layer="c")
    with pytest.raises(ValueError, match="--crs EPSG:4326 is not in metres"):
        import_network(path, layer="b", crs="EPSG:4326")
    with pytest.raises(ValueError, match="does not exist"):
        import_network(tmp_path / "none.gpkg")


def test_real_extracts_give_networks_that_hang_together(shared_data):
    """Porto Alegre has about the nodes that OSMnx keeps (18,801), nearly all in one part."""
    pytest.importorskip("osmium")
    folder = shared_data / "cities" / "porto_alegre"
    made = import_network(folder / "poa_osm.pbf", heights=folder / "poa_elevation.tif")
    nodes = len(set(made.edges["from_node"]) | set(made.edges["to_node"]))
    assert 18_000 < nodes < 20_000
    assert 0.98 < float(made.notes[-1].split("has ")[1].split("%")[0]) / 100 <= 1
    drawn = made.edges.geometry.length
    assert np.abs(drawn / made.edges["length_m"] - 1).max() < 2e-3
