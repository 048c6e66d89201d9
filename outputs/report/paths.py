"""Geometry as short SVG paths: whole numbers, relative to an origin, y downwards."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from geopandas import GeoDataFrame

_SPAN_OF_FINE_STEPS_M = 3_000.0
_SPAN_OF_MEDIUM_STEPS_M = 10_000.0

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Frame:
    """
    The paper that the maps are drawn on.

    Parameters
    ----------
    west, north
        Origin, in the coordinates of the layers.
    step
        Length of one step of the drawing, in the coordinates of the layers.
    metres
        Length of one step in metres.
    width, height
        Extent in steps.
    """

    west: float
    north: float
    step: float
    metres: float
    width: int
    height: int

    def steps(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return coordinates (n, 2) as whole steps from the origin."""
        shifted = (coordinates - [self.west, self.north]) * [1.0, -1.0]
        return np.rint(shifted / self.step).astype(np.int64)


def frame_of(layer: GeoDataFrame) -> Frame:
    """Return the frame around a layer of a projected CRS, with steps of 0.1 to 1 m."""
    west, south, east, north = (float(value) for value in layer.total_bounds)
    metres_per_unit = 1.0 if layer.crs is None else layer.crs.axis_info[0].unit_conversion_factor
    span = max(east - west, north - south) * metres_per_unit
    fine, medium = span <= _SPAN_OF_FINE_STEPS_M, span <= _SPAN_OF_MEDIUM_STEPS_M
    metres = 0.1 if fine else 0.5 if medium else 1.0
    step = metres / metres_per_unit
    width, height = ((east - west) / step, (north - south) / step)
    return Frame(west, north, step, metres, int(np.ceil(width)), int(np.ceil(height)))


def in_metres(layer: GeoDataFrame) -> GeoDataFrame:
    """Return the layer in a projected CRS: its own, or that of its UTM zone."""
    if layer.crs is None or not layer.crs.is_geographic:
        return layer
    return layer.to_crs(layer.estimate_utm_crs())


def simplified(layer: GeoDataFrame, *, tolerance: float) -> GeoDataFrame:
    """
    Return the layer with fewer vertices; borders that were shared stay shared.

    Parameters
    ----------
    layer
        Polygons, or anything else.
    tolerance
        Distance, in the coordinates of the layer, below which a bend is not drawn.
    """
    shapes = np.asarray(layer.geometry.array, dtype=object)
    dimensions = shapely.get_dimensions(shapes)
    if (dimensions == 2).all() and shapely.coverage_is_valid(shapes):
        thinned = shapely.coverage_simplify(shapes, tolerance)
    else:
        thinned = shapely.simplify(shapes, tolerance, preserve_topology=True)
    return layer.set_geometry(gpd.GeoSeries(thinned, index=layer.index, crs=layer.crs))


def svg_paths(shapes: Geometries, frame: Frame) -> list[str]:
    """
    Return one path a geometry: rings are closed, points are lines of no length.

    Parameters
    ----------
    shapes
        Geometries of any type, in the coordinates of the frame; None gives an empty path.
    frame
        Where they are drawn.

    Examples
    --------
    >>> frame = Frame(0.0, 10.0, 1.0, 1.0, 10, 10)
    >>> svg_paths(np.array([shapely.box(0, 0, 4, 2)]), frame)
    ['M4 10v-2h-4v2z']
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = _lines(parts)
    coordinates, ring_of = shapely.get_coordinates(rings, return_index=True)
    steps = frame.steps(coordinates)
    bounds = np.searchsorted(ring_of, np.arange(len(rings) + 1))
    closed = shapely.get_type_id(rings) == shapely.GeometryType.LINEARRING
    paths = [""] * len(shapes)
    for idx in range(len(rings)):
        ring = steps[bounds[idx] : bounds[idx + 1]]
        paths[owner[ring_part[idx]]] += _path(ring, closed=bool(closed[idx]))
    return paths


def _lines(parts: Geometries) -> tuple[Geometries, npt.NDArray[np.int64]]:
    """Return rings of polygons, and other parts as they are, with the index of their part."""
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, ring_part = shapely.get_rings(parts[polygonal], return_index=True)
    lines = np.concatenate([rings, parts[~polygonal]])
    index = np.concatenate([np.flatnonzero(polygonal)[ring_part], np.flatnonzero(~polygonal)])
    return lines, index


def _path(steps: npt.NDArray[np.int64], *, closed: bool) -> str:
    """Return one ring, line or point as relative moves."""
    if len(steps) == 0:
        return ""
    moves = np.diff(steps, axis=0)
    moves = moves[(moves != 0).any(axis=1)]
    if closed:
        moves = moves[:-1]
    start = f"M{steps[0, 0]} {steps[0, 1]}"
    if len(moves) == 0:
        return f"{start}h0"
    return f"{start}{''.join(map(_move, moves.tolist()))}{'z' if closed else ''}"


def _move(move: list[int]) -> str:
    east, south = move
    if south == 0:
        return f"h{east}"
    if east == 0:
        return f"v{south}"
    return f"l{east} {south}" if south > 0 else f"l{east}{south}"
