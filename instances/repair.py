"""Make the polygons of the units a coverage: no overlaps, no slivers, borders that match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from .faults import counted
from .notes import Note, note
from .shapes import unite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..models.formulation import FloatArray, IntArray
    from .adjacency import GeometryArray
    from .faults import Findings
    from .policy_sections import InputPolicy

_GRID_M = 0.001


def repair_coverage(
    shapes: GeometryArray, names: Sequence[Note], policy: InputPolicy, findings: Findings
) -> GeometryArray:
    """
    Return polygons without overlaps and narrow gaps.

    Overlaps of up to a share of the smaller polygon, and gaps narrower than the policy's width,
    are closed; the rest of the plane stays as it was.

    Parameters
    ----------
    shapes
        Valid polygons in metres, shape (units,).
    names
        What to call every unit in a message.
    policy
        Which overlaps and gaps are repaired.
    findings
        Where overlaps that are too large, and all repairs, go.
    """
    if shapely.coverage_is_valid(shapes, gap_width=policy.max_gap_m):
        _warn_of_gaps(shapes, findings)
        return shapes
    first, second, area = overlaps(shapes)
    share = area / np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    reported = area > policy.max_overlap_m2
    refused = reported & (share > policy.max_repair_overlap_share)
    described = [
        note("row_overlap", one=names[i], other=names[j], area=overlap, share=part)
        for i, j, overlap, part in zip(first, second, area, share, strict=True)
    ]
    if refused.any():
        findings.fault(
            "units",
            f"{counted(int(refused.sum()), 'pair')} of units overlapping by more than "
            f"{policy.max_repair_overlap_share:.0%} of the smaller",
            "Cut one of the two, delete a duplicate, or raise input.max_repair_overlap_share.",
            rows=[told for told, wrong in zip(described, refused, strict=True) if wrong],
        )
        return shapes
    if reported.any():
        findings.repaired(
            "units",
            "overlaps_given",
            rows=[told for told, large in zip(described, reported, strict=True) if large],
            count=int(reported.sum()),
        )
    return _clean(shapes, names, policy, findings)


def overlaps(shapes: GeometryArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the pairs of polygons whose interiors meet, and the area in common in m²."""
    first, second = shapely.STRtree(shapes).query(shapes).astype(np.int64)
    ordered = first < second
    first, second = first[ordered], second[ordered]
    area = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    common = area > 0
    return first[common], second[common], area[common]


def cut_later(shapes: GeometryArray) -> GeometryArray:
    """
    Give every overlap to the first of its polygons, and match the borders of all.

    The borders cut the plane into faces; each face goes to the first polygon around it. This is
    for versions of shapely that cannot clean a coverage themselves, and closes no gaps.
    """
    borders = shapely.union_all(shapely.boundary(shapes), grid_size=_GRID_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(borders)))
    face, owner = shapely.STRtree(shapes).query(shapely.point_on_surface(faces), predicate="within")
    first = np.full(len(faces), len(shapes), dtype=np.int64)
    np.minimum.at(first, face, owner)
    cut: GeometryArray = np.full(len(shapes), shapely.Polygon(), dtype=object)
    for unit in range(len(shapes)):
        cut[unit] = unite(faces[first == unit])
    return cut


def _clean(
    shapes: GeometryArray, names: Sequence[Note], policy: InputPolicy, findings: Findings
) -> GeometryArray:
    """Close overlaps and gaps, and report whose area changed."""
    gap = policy.max_gap_m
    if hasattr(shapely, "coverage_clean"):
        cleaned = shapely.coverage_clean(shapes, gap_width=gap)
        if gap > 0 and not shapely.coverage_is_valid(cleaned, gap_width=gap):
            # A gap that is open to the outside is no ring to fill: its two sides are snapped.
            snapped = shapely.coverage_clean(shapes, gap_width=gap, snapping_distance=gap)
            cleaned = cleaned if shapely.is_empty(snapped).any() else snapped
    else:
        cleaned = cut_later(shapes)
    vanished = np.flatnonzero(shapely.area(cleaned) <= 0)
    if vanished.size:
        findings.fault(
            "units",
            f"{counted(vanished.size, 'unit')} would vanish when overlaps and gaps are closed",
            "Delete them, or draw them larger.",
            rows=[names[i] for i in vanished.tolist()],
        )
        return shapes
    change = np.abs(shapely.area(cleaned) - shapely.area(shapes))
    changed = np.flatnonzero(change > policy.max_overlap_m2)
    if changed.size:
        findings.repaired(
            "units",
            "gaps_closed",
            rows=[
                note("row_area", unit=names[i], area=change[i])
                for i in changed[np.argsort(-change[changed])].tolist()
            ],
            count=changed.size,
            gap=gap,
        )
    else:
        findings.repaired("units", "borders_matched")
    _warn_of_gaps(cleaned, findings)
    return np.asarray(cleaned, dtype=object)


def _warn_of_gaps(shapes: GeometryArray, findings: Findings) -> None:
    """Tell of holes between the units."""
    parts = shapely.get_parts(unite(shapes))
    rings, part = shapely.get_rings(parts, return_index=True)
    outer = np.r_[True, part[1:] != part[:-1]]
    holes = shapely.area(shapely.polygons(rings[~outer]))
    if holes.size:
        findings.warn(
            "units",
            "gaps_left",
            count=holes.size,
            area=holes.sum(),
            largest=holes.max(),
        )
