"""Which units are neighbours, by the length of the border that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from ..models.formulation import BoolArray, FloatArray, IntArray

GeometryArray = NDArray[np.object_]
Contiguity = Literal["rook", "queen"]


@dataclass(frozen=True, eq=False)
class Adjacency:
    """
    Pairs of neighbouring units.

    Parameters
    ----------
    pairs
        Indices of the two units, the smaller first, in ascending order, shape (pairs, 2).
    length_m
        Length of their shared border in metres, shape (pairs,); 0 where units count as neighbours
        across a gap.
    """

    pairs: IntArray
    length_m: FloatArray


def shared_borders(
    geometries: GeometryArray | Sequence[shapely.Geometry],
    *,
    min_length_m: float,
    contiguity: Contiguity = "rook",
    within: IntArray | None = None,
    connect_gap_m: float = 0.0,
    barriers: gpd.GeoDataFrame | None = None,
    barrier_share: float = 0.5,
    barrier_width_m: float = 5.0,
) -> Adjacency:
    """
    Find the pairs of units that share a border (rook), or at least a corner (queen).

    Parameters
    ----------
    geometries
        Polygons of the units in metres.
    min_length_m
        Shortest border that connects, for "rook".
    contiguity
        "rook": a border connects. "queen": so does a corner, as a border of length 0 or more.
    within
        Group of every unit, shape (units,): only pairs of one group are returned.
    connect_gap_m
        Units at most this far apart count as neighbours, with a border of length 0.
    barriers
        Lines with a column ``crossable``; a border connects no more where a share of at least
        ``barrier_share`` of it lies within ``barrier_width_m`` of an uncrossable one, nor does a
        gap that it crosses. Missing or null ``crossable`` counts as uncrossable.
    barrier_share, barrier_width_m
        See ``barriers``.

    Raises
    ------
    ValueError
        If ``contiguity`` is none of the two.
    """
    if contiguity not in get_args(Contiguity):
        raise ValueError(f"contiguity = {contiguity!r} not understood; choose rook or queen.")
    shapes: GeometryArray = np.asarray(geometries, dtype=object)
    first, second = _candidate_pairs(shapes, within, connect_gap_m)
    outlines: GeometryArray = np.asarray(shapely.boundary(shapes), dtype=object)
    borders = shapely.intersection(outlines[first], outlines[second])
    length = shapely.length(borders)
    if contiguity == "queen":
        bordering = ~(shapely.is_missing(borders) | shapely.is_empty(borders))
    else:
        bordering = length >= max(min_length_m, 1e-9)
    lines = _uncrossable(barriers)
    keep = bordering.copy()
    if lines.size:
        share = _share_along(borders[bordering], length[bordering], lines, barrier_width_m)
        keep[np.flatnonzero(bordering)[share >= barrier_share]] = False
    if connect_gap_m > 0:
        gaps = np.flatnonzero(~bordering)
        across = shapely.shortest_line(shapes[first[gaps]], shapes[second[gaps]])
        keep[gaps[~_crossing(across, lines)]] = True
        length = np.where(bordering, length, 0.0)
    pairs = np.column_stack([first[keep], second[keep]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return Adjacency(pairs=pairs[order], length_m=length[keep][order])


def share_along_barriers(
    geometries: GeometryArray | Sequence[shapely.Geometry],
    pairs: IntArray,
    barriers: gpd.GeoDataFrame | None,
    *,
    width_m: float,
) -> FloatArray:
    """
    Share of the border of each pair that runs along a barrier, crossable or not.

    Parameters
    ----------
    geometries
        Polygons of the units in metres.
    pairs
        Pairs of units, shape (pairs, 2).
    barriers
        Lines; None for none.
    width_m
        Metres; a border this close to a barrier runs along it.

    Returns
    -------
    FloatArray
        From 0 to 1, shape (pairs,); 0 where a pair shares no line.
    """
    share = np.zeros(len(pairs))
    if barriers is None or len(barriers) == 0 or not len(pairs):
        return share
    shapes: GeometryArray = np.asarray(geometries, dtype=object)
    outlines: GeometryArray = np.asarray(shapely.boundary(shapes), dtype=object)
    borders = shapely.intersection(outlines[pairs[:, 0]], outlines[pairs[:, 1]])
    length = shapely.length(borders)
    lines: GeometryArray = np.asarray(barriers.geometry, dtype=object)
    has_line = length > 0
    found = _share_along(borders[has_line], length[has_line], lines, width_m)
    share[has_line] = np.clip(found, 0.0, 1.0)
    return share


def components(num_units: int, pairs: IntArray) -> IntArray:
    """
    Label the connected parts of a graph of units.

    Parameters
    ----------
    num_units
        Number of units.
    pairs
        Neighbours, shape (pairs, 2).

    Returns
    -------
    IntArray
        Label of every unit, from 0, shape (num_units,).

    Examples
    --------
    >>> components(3, np.array([[0, 2]])).tolist()
    [0, 1, 0]
    """
    graph = sparse.coo_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(num_units, num_units)
    )
    _, labels = csgraph.connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int64)


def _candidate_pairs(
    shapes: GeometryArray, within: IntArray | None, gap_m: float
) -> tuple[IntArray, IntArray]:
    """Pairs of one group whose boxes meet, or that lie within the gap."""
    tree = shapely.STRtree(shapes)
    if gap_m > 0:
        found = tree.query(shapes, predicate="dwithin", distance=gap_m)
    else:
        found = tree.query(shapes)
    first, second = found.astype(np.int64)
    wanted = first < second
    if within is not None:
        wanted &= within[first] == within[second]
    return first[wanted], second[wanted]


def _uncrossable(barriers: gpd.GeoDataFrame | None) -> GeometryArray:
    """Lines of the barriers that nobody can cross."""
    if barriers is None or len(barriers) == 0:
        return np.empty(0, dtype=object)
    lines: GeometryArray = np.asarray(barriers.geometry, dtype=object)
    if "crossable" not in barriers:
        return lines
    crossable: Any = barriers["crossable"]
    passable: BoolArray = crossable.eq(True).fillna(value=False).to_numpy(dtype=bool)
    return lines[~passable]


def _share_along(
    borders: GeometryArray, length_m: FloatArray, lines: GeometryArray, width_m: float
) -> FloatArray:
    """Share of every border within ``width_m`` of one of the lines; 0 or 1 for a corner."""
    zone = shapely.union_all(shapely.buffer(lines, max(width_m, 1e-3), cap_style="flat"))
    parts: GeometryArray = np.asarray(shapely.get_parts(zone), dtype=object)
    border, part = shapely.STRtree(parts).query(borders, predicate="intersects")
    covered = shapely.length(shapely.intersection(borders[border], parts[part]))
    total = np.bincount(border, weights=covered, minlength=len(borders))
    met = np.bincount(border, minlength=len(borders)) > 0
    corner = length_m <= 0
    share = total / np.where(corner, 1.0, length_m)
    return np.asarray(np.where(corner, met, share), dtype=np.float64)


def _crossing(across: GeometryArray, lines: GeometryArray) -> BoolArray:
    """Whether each straight line meets one of the barriers."""
    crossing = np.zeros(len(across), dtype=bool)
    if lines.size:
        crossing[shapely.STRtree(lines).query(across, predicate="intersects")[0]] = True
    return crossing
