"""Networks out of OpenStreetMap: ways of an .osm.pbf file, cut where they meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod

from .osm_tags import PROFILES, Profile, is_crossing, is_used, is_yes, layer_of, may_cycle

if TYPE_CHECKING:
    from ..models.formulation import FloatArray, IntArray

OSM_CRS = "EPSG:4326"


@dataclass(eq=False)
class OsmWays:
    """
    The ways of a network and their nodes, in the order of the file.

    Parameters
    ----------
    way_id, tags
        Number and tags of every way.
    node_id, xy
        Nodes of all ways one after the other, and their longitudes and latitudes.
    num_nodes
        How many nodes each way has.
    """

    way_id: list[int] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    node_id: list[int] = field(default_factory=list)
    xy: list[tuple[float, float]] = field(default_factory=list)
    num_nodes: list[int] = field(default_factory=list)


def read_osm(path: Path | str, profile: Profile = "walking") -> gpd.GeoDataFrame:
    """
    Read the network of a profile from a file of OpenStreetMap.

    Ways are cut at the nodes that they share with another way of the network or with themselves,
    so a bridge meets only what it shares a node with.

    Parameters
    ----------
    path
        A file ``.osm.pbf`` (or ``.osm``, ``.osm.bz2``, ``.opl``).
    profile
        ``walking`` or ``cycling``.

    Returns
    -------
    GeoDataFrame
        One line an edge, in longitude and latitude, with ``from_node``, ``to_node`` (numbers of
        OpenStreetMap), ``length_m`` (on the ellipsoid), ``way_id``, ``highway``, ``name``,
        ``layer``, ``bridge``, ``tunnel``, ``stairs``, ``no_cycling`` and ``crossings``.

    Raises
    ------
    ValueError
        If the file cannot be read, holds no such way, or pyosmium is not installed.
    """
    if profile not in PROFILES:
        raise ValueError(f'"{profile}" is no profile; choose {" or ".join(PROFILES)}.')
    ways = _ways_of(Path(path), profile)
    if not ways.way_id:
        raise ValueError(f"{path} holds no way for {profile}; take a file with its highways.")
    return edges_of_ways(ways)


def edges_of_ways(ways: OsmWays) -> gpd.GeoDataFrame:
    """
    Cut ways at the nodes where they meet, and name the edges.

    Parameters
    ----------
    ways
        Ways with at least two nodes each.
    """
    nodes = np.asarray(ways.node_id, dtype=np.int64)
    xy = np.asarray(ways.xy, dtype=np.float64)
    count = np.asarray(ways.num_nodes, dtype=np.int64)
    way = np.repeat(np.arange(count.size), count)
    last = np.cumsum(count) - 1
    first = last - count + 1
    _, node, uses = np.unique(nodes, return_inverse=True, return_counts=True)
    cut = uses[node] > 1
    cut[first] = cut[last] = True
    begins = np.flatnonzero(cut & ~np.isin(np.arange(nodes.size), last))
    stops = np.flatnonzero(cut & ~np.isin(np.arange(nodes.size), first))
    size = stops - begins + 1
    edge = np.repeat(np.arange(begins.size), size)
    vertex = np.arange(edge.size) - np.repeat(np.cumsum(size) - size - begins, size)
    of_way = way[begins]
    return gpd.GeoDataFrame(
        {
            "from_node": nodes[begins],
            "to_node": nodes[stops],
            "length_m": _lengths(xy[vertex], edge),
            **_columns(ways.way_id, ways.tags, of_way, begins == first[of_way]),
        },
        geometry=shapely.linestrings(xy[vertex], indices=edge),
        crs=OSM_CRS,
    )


def _columns(
    way_id: list[int],
    tags: list[dict[str, str]],
    of_way: IntArray,
    is_first: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return the columns that come from tags; a crossing is counted on its first edge alone."""
    per_way = {
        "way_id": np.asarray(way_id, dtype=np.int64),
        "highway": np.array([one.get("highway", "") for one in tags], dtype=object),
        "name": np.array([one.get("name", "") for one in tags], dtype=object),
        "layer": np.array([layer_of(one) for one in tags], dtype=np.int64),
        "bridge": np.array([is_yes(one, "bridge") for one in tags], dtype=bool),
        "tunnel": np.array([is_yes(one, "tunnel") for one in tags], dtype=bool),
        "stairs": np.array([one.get("highway") == "steps" for one in tags], dtype=bool),
        "no_cycling": np.array([not may_cycle(one) for one in tags], dtype=bool),
    }
    crossing = np.array([is_crossing(one) for one in tags], dtype=bool)
    columns = {name: values[of_way] for name, values in per_way.items()}
    return {**columns, "crossings": (crossing[of_way] & is_first).astype(np.int64)}


def _lengths(xy: FloatArray, edge: IntArray) -> FloatArray:
    """Metres of every edge on the ellipsoid, of vertices one edge after the other."""
    same = edge[1:] == edge[:-1]
    a, b = xy[:-1][same], xy[1:][same]
    _, _, metres = Geod(ellps="WGS84").inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    total = np.bincount(edge[1:][same], weights=metres, minlength=int(edge[-1]) + 1)
    return np.asarray(total, dtype=np.float64)


def _ways_of(path: Path, profile: Profile) -> OsmWays:
    """Read the ways that belong to a profile."""
    try:
        import osmium  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError(
            f"{path} is a file of OpenStreetMap, which pyosmium reads: pip install 'shequ[osm]'"
        ) from None
    if not path.is_file():
        raise ValueError(f"{path} does not exist; check the path.")
    found = OsmWays()
    wanted = osmium.filter.KeyFilter("highway")
    try:
        reader = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
        for way in reader.with_locations().with_filter(_only_ways()).with_filter(wanted):
            tags = dict(way.tags)
            if is_used(tags, profile):
                _take(found, way.id, tags, way.nodes)
    except RuntimeError as error:
        raise ValueError(f"{path} cannot be read as OpenStreetMap: {error}") from error
    return found


def _only_ways() -> Any:  # noqa: ANN401 - of an extra
    import osmium  # noqa: PLC0415 - an extra

    return osmium.filter.EntityFilter(osmium.osm.WAY)


def _take(found: OsmWays, way_id: int, tags: dict[str, str], nodes: Any) -> None:  # noqa: ANN401
    """Add a way, in several parts where a node of it has no place in the file."""
    runs: list[list[tuple[int, tuple[float, float]]]] = [[]]
    for node in nodes:
        if not node.location.valid():
            runs.append([])
        elif not runs[-1] or runs[-1][-1][0] != node.ref:
            runs[-1].append((node.ref, (node.lon, node.lat)))
    for run in runs:
        if len(run) > 1:
            found.way_id.append(way_id)
            found.tags.append(tags)
            found.num_nodes.append(len(run))
            found.node_id += [ref for ref, _ in run]
            found.xy += [place for _, place in run]
