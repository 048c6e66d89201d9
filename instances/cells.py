"""Polygons for units that are given as points: Voronoi cells within the community."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from .faults import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..models.formulation import BoolArray, IntArray
    from .adjacency import GeometryArray
    from .faults import Findings
    from .notes import Note

_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_SHIFT_M = 1.0
_LEAST_MARGIN_M = 20.0
_TOUCH_M = 1e-3


def cells(
    points: GeometryArray,
    community: IntArray,
    outlines: GeometryArray | None,
    names: Sequence[Note],
    findings: Findings,
) -> GeometryArray:
    """
    Return a polygon around every point such that the polygons are a coverage.

    Parameters
    ----------
    points
        The units, shape (units,).
    community
        Index of the community of every unit, shape (units,).
    outlines
        Polygons of the communities; without them the cells end at a margin around the hull of
        each community's points.
    names
        What to call every unit in a message.
    findings
        Where faults and repairs go.
    """
    apart = _move_apart(points, names, findings)
    if outlines is None:
        drawn = _divide(apart, _margins(apart, community))
    else:
        drawn = np.empty(len(points), dtype=object)
        for label in np.unique(community):
            members = community == label
            drawn[members] = _divide(apart[members], outlines[label])
    lost: BoolArray = ~(shapely.area(drawn) > 0)
    if lost.any():
        findings.fault(
            "units",
            f"{counted(int(lost.sum()), 'point')} outside of the community",
            "Move it inside, or mend community_id.",
            rows=[names[i] for i in np.flatnonzero(lost).tolist()],
        )
        return points
    findings.repaired("units", "cells_drawn", count=len(points))
    return drawn


def _move_apart(points: GeometryArray, names: Sequence[Note], findings: Findings) -> GeometryArray:
    """Move points that lie on each other around their place, by a metre and more."""
    xy = shapely.get_coordinates(shapely.centroid(points))
    place, rank = np.unique(xy.round(3), axis=0, return_inverse=True)[1], np.zeros(len(xy))
    order = np.argsort(place, kind="stable")
    start = np.r_[True, np.diff(place[order]) != 0]
    position = np.arange(len(xy))
    rank[order] = position - np.maximum.accumulate(np.where(start, position, 0))
    moved = np.flatnonzero(rank > 0)
    if moved.size:
        findings.repaired(
            "units",
            "points_moved",
            rows=[names[i] for i in moved.tolist()],
            count=moved.size,
            metres=_SHIFT_M,
        )
    angle = rank * _GOLDEN_ANGLE
    radius = _SHIFT_M * np.sqrt(rank)
    shift = np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    return np.asarray(shapely.points(xy + shift), dtype=object)


def _margins(points: GeometryArray, community: IntArray) -> shapely.Geometry:
    """Outline of all communities: hulls of their points, widened by half the usual spacing."""
    hulls = []
    for label in np.unique(community):
        members = shapely.multipoints(points[community == label])
        hull = shapely.convex_hull(members)
        spacing = np.sqrt(shapely.area(hull) / shapely.get_num_geometries(members))
        hulls.append(shapely.buffer(hull, max(_LEAST_MARGIN_M, spacing / 2), quad_segs=4))
    return shapely.union_all(hulls)


def _divide(points: GeometryArray, outline: shapely.Geometry) -> GeometryArray:
    """Divide an outline among points; scraps cut off from their point go to a neighbour."""
    if len(points) == 1:
        return np.asarray([outline], dtype=object)
    diagram = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=outline, ordered=True)
    clipped = shapely.intersection(shapely.get_parts(diagram), outline)
    parts, owner = shapely.get_parts(clipped, return_index=True)
    solid = shapely.area(parts) > 0
    parts, owner = parts[solid], owner[solid]
    reach = shapely.distance(parts, points[owner])
    order = np.lexsort((-shapely.area(parts), reach, owner))
    main = np.zeros(len(parts), dtype=bool)
    main[order[np.unique(owner[order], return_index=True)[1]]] = True
    divided: GeometryArray = np.full(len(points), shapely.Polygon(), dtype=object)
    divided[owner[main]] = parts[main]
    for scrap in parts[~main]:
        near = shapely.STRtree(divided).query(shapely.buffer(scrap, _TOUCH_M))
        border = shapely.length(shapely.intersection(shapely.boundary(divided[near]), scrap))
        if near.size and border.max() > 0:
            taker = near[int(np.argmax(border))]
            divided[taker] = shapely.union(divided[taker], scrap)
    return divided
