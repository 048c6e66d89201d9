"""A network of the city input out of a file from elsewhere: OpenStreetMap, or plain lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyogrio
from pyproj import CRS
from pyproj.exceptions import CRSError
from scipy.sparse import csgraph

from .faults import counted
from .network import network_nodes, quickest_edges
from .osm import read_osm
from .osm_tags import Profile
from .walking_edges import is_stairs
from .walking_heights import read_heights
from .walking_lines import node_lines

if TYPE_CHECKING:
    from .network import NetworkNodes

OSM_ENDINGS = (".pbf", ".osm", ".osm.bz2", ".osm.gz", ".opl")
_NETWORK_COLUMNS = ("from_node", "to_node")


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """
    A network in the schema of the city input, and what was found and done.

    Parameters
    ----------
    edges
        Lines with ``from_node``, ``to_node``, ``length_m`` and what is known of each.
    notes
        Sentences for people.
    """

    edges: gpd.GeoDataFrame
    notes: tuple[str, ...]


def import_network(
    path: Path | str,
    *,
    profile: Profile = "walking",
    layer: str | None = None,
    heights: Path | str | None = None,
    tolerance_m: float = 0.5,
    crs: str | None = None,
) -> ImportedNetwork:
    """
    Make a network out of a file of OpenStreetMap or of lines.

    Parameters
    ----------
    path
        A file ``.osm.pbf``, or one with a layer of lines that GDAL reads.
    profile
        Whose ways of OpenStreetMap are taken, ``walking`` or ``cycling``.
    layer
        Layer of lines; None for the only one.
    heights
        GeoTIFF of elevations, for slopes; None for none.
    tolerance_m
        How far the end of a line may be from what it was meant to meet.
    crs
        Reference system of the result, in metres; None for that of the lines, or the UTM zone.

    Raises
    ------
    ValueError
        If a file cannot be read or is not what it should be.
    """
    path = Path(path)
    if path.name.lower().endswith(OSM_ENDINGS):
        edges = read_osm(path, profile)
        edges = edges.to_crs(_metric(edges, crs))
        notes = [f"{counted(edges['way_id'].nunique(), 'way')} for {profile} of OpenStreetMap."]
    else:
        lines = _read_lines(path, layer)
        noded = node_lines(lines.to_crs(_metric(lines, crs)), tolerance_m=tolerance_m)
        edges = noded.edges
        lines_cut = counted(noded.num_lines, "line")
        moved = f"{counted(noded.num_joined, 'end')} moved by up to {tolerance_m:g} m to a line"
        notes = [
            f"{lines_cut}, cut at {counted(noded.num_crossings, 'crossing')} without an end.",
            f"{moved}; {counted(noded.num_dropped, 'piece')} shorter than that dropped.",
            f"{counted(noded.num_apart, 'pair')} of lines crossing on different levels left apart.",
        ]
    nodes = network_nodes(edges)
    if heights is not None:
        edges, note = _with_heights(edges, nodes, heights)
        notes.append(note)
    return ImportedNetwork(edges, (*notes, *_parts(edges, nodes)))


def _read_lines(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    """Read a layer of lines that is no network yet."""
    if not path.exists():
        raise ValueError(f"{path} does not exist; check the path.")
    try:
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if layer is None and len(names) == 1:
            layer = names[0]
        if layer not in names:
            told = "--layer names none of them" if layer else "name one with --layer"
            raise ValueError(f"{path} has the layers {', '.join(names) or 'none'}; {told}.")
        lines = gpd.read_file(path, layer=layer, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise ValueError(f"{path} cannot be read as a layer of lines: {error}") from error
    if lines.crs is None:
        raise ValueError(f"{path}: layer {layer} has no reference system; assign one.")
    if set(_NETWORK_COLUMNS) <= set(lines.columns):
        raise ValueError(
            f"{path}: layer {layer} has from_node and to_node and is a network already; "
            "remove these columns to cut its lines anew."
        )
    return lines.drop(columns=[c for c in (*_NETWORK_COLUMNS, "length_m") if c in lines])


def _metric(lines: gpd.GeoDataFrame, crs: str | None) -> CRS:
    """Return the reference system in metres that a network is written in."""
    if crs is None:
        known = CRS(lines.crs)
        is_metric = known.is_projected and known.axis_info[0].unit_name in {"metre", "meter"}
        return known if is_metric else CRS(lines.estimate_utm_crs())
    try:
        wanted = CRS(crs)
    except CRSError as error:
        raise ValueError(f"--crs {crs} is no reference system: {error}") from error
    if not wanted.is_projected or wanted.axis_info[0].unit_name not in {"metre", "meter"}:
        raise ValueError(f"--crs {crs} is not in metres; name a projected one.")
    return wanted


def _with_heights(
    edges: gpd.GeoDataFrame, nodes: NetworkNodes, heights: Path | str
) -> tuple[gpd.GeoDataFrame, str]:
    """Add the elevations of both ends of every edge."""
    metres = read_heights(heights).at(nodes.xy, CRS(edges.crs))
    known = np.isfinite(metres)
    if not known.any():
        raise ValueError(f"{heights} covers no node of the network; take one of the same place.")
    found = edges.assign(from_elevation_m=metres[nodes.start], to_elevation_m=metres[nodes.end])
    low, high = float(metres[known].min()), float(metres[known].max())
    blank = (
        f" {int((~known).sum()):,} nodes lie outside and count as flat." if not known.all() else ""
    )
    return found, f"Elevations of the nodes from {low:,.0f} to {high:,.0f} m.{blank}"


def _parts(edges: gpd.GeoDataFrame, nodes: NetworkNodes) -> list[str]:
    """Say how large the network is, what its edges are marked as, and whether it hangs together."""
    length = edges["length_m"].to_numpy(dtype=np.float64)
    graph = quickest_edges(nodes.start, nodes.end, length, len(nodes.ids))
    count, part = csgraph.connected_components(graph, directed=False)
    largest = int(np.bincount(part).max())
    marks = {
        "on bridges": edges.get("bridge"),
        "in tunnels": edges.get("tunnel"),
        "on stairs": is_stairs(edges),
        "not for cycling": edges.get("no_cycling"),
    }
    told = [f"{int(flags.sum()):,} {name}" for name, flags in marks.items() if flags is not None]
    size = f"{counted(len(edges), 'edge')}, {counted(len(nodes.ids), 'node')}"
    return [
        f"{size}, {length.sum() / 1000:,.1f} km; {', '.join(told)}.",
        f"{counted(count, 'part')}; the largest has {largest / len(nodes.ids):.1%} of the nodes.",
    ]
