"""Check the kind and the validity of the geometries of a layer, and mend what can be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from .faults import counted, in_row
from .notes import named, note

if TYPE_CHECKING:
    import geopandas as gpd

    from ..models.formulation import BoolArray
    from .adjacency import GeometryArray
    from .faults import Findings
    from .notes import Note

_POINT, _LINE, _POLYGON, _OTHER = 0, 1, 2, 3
_LINE_STRING, _MULTI_LINE_STRING = 1, 5
_KIND_OF_TYPE = np.array([_POINT, _LINE, _LINE, _POLYGON, _POINT, _LINE, _POLYGON, _OTHER])
_NAMES = ("point", "line", "polygon", "geometry collection")
_ALLOWED = {
    "units": ((_POLYGON,), (_POINT,)),
    "sites": ((_POINT, _POLYGON),),
    "network": ((_LINE,),),
    "barriers": ((_LINE, _POLYGON),),
    "communities": ((_POLYGON,),),
}
_REMEDY = {
    "units": "Give polygons, or points alone.",
    "sites": "Give points, or polygons of the plots.",
    "network": "Give lines.",
    "barriers": "Give lines, or polygons of water.",
    "communities": "Give polygons.",
}


def check_shapes(
    layer: str, frame: gpd.GeoDataFrame, findings: Findings
) -> gpd.GeoDataFrame | None:
    """
    Return a layer whose geometries are present, of one allowed kind and valid.

    Parameters
    ----------
    layer, frame
        The layer, indexed by row number, in metres.
    findings
        Where faults and repairs go.

    Returns
    -------
    GeoDataFrame or None
        None if a geometry cannot be used; the fault says which.
    """
    shapes: GeometryArray = np.asarray(frame.geometry, dtype=object)
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    endless = ~absent & ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    for wrong, problem in ((absent, "no geometry"), (endless, "coordinates that are not finite")):
        if wrong.any():
            findings.fault(
                layer,
                f"{counted(int(wrong.sum()), 'row')} with {problem}",
                "Draw it, or delete the row.",
                rows=[f"row {row}" for row in frame.index[wrong]],
            )
    if absent.any() or endless.any():
        return None
    shapes = _unpack_collections(shapes)
    if not _right_kind(layer, frame, shapes, findings):
        return None
    mended: GeometryArray | None = shapes
    if layer == "network":
        mended = _join_lines(frame, shapes, findings)
    elif (kind_of(shapes) == _POLYGON).any():
        mended = _mend_polygons(layer, frame, shapes, findings)
    return None if mended is None else frame.set_geometry(mended, crs=frame.crs)


def are_points(shapes: GeometryArray) -> bool:
    """Whether all of the geometries are points."""
    return bool((kind_of(shapes) == _POINT).all())


def kind_of(shapes: GeometryArray) -> GeometryArray:
    """Return 0 for points, 1 for lines, 2 for polygons, 3 for anything else, of every geometry."""
    return np.asarray(_KIND_OF_TYPE[shapely.get_type_id(shapes)])


def points_inside(shapes: GeometryArray) -> GeometryArray:
    """Return a point inside every geometry; points stay where they are."""
    inside: GeometryArray = np.asarray(shapely.point_on_surface(shapes), dtype=object)
    return inside


def unite(shapes: GeometryArray) -> shapely.Geometry:
    """Return the union of polygons, quickly where their borders match."""
    try:
        return shapely.coverage_union_all(shapes)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapes)


def _unpack_collections(shapes: GeometryArray) -> GeometryArray:
    """Keep the polygons of geometry collections, which hold them beside stray lines and points."""
    unpacked = shapes.copy()
    for position in np.flatnonzero(kind_of(shapes) == _OTHER):
        parts = shapely.get_parts(shapes[position])
        polygons = parts[kind_of(parts) == _POLYGON]
        if polygons.size:
            unpacked[position] = shapely.union_all(polygons)
    return unpacked


def _right_kind(
    layer: str, frame: gpd.GeoDataFrame, shapes: GeometryArray, findings: Findings
) -> bool:
    """Whether the geometries are of kinds that the layer allows together."""
    kinds = kind_of(shapes)
    if any(np.isin(kinds, allowed).all() for allowed in _ALLOWED[layer]):
        return True
    counts = np.bincount(kinds, minlength=len(_NAMES))
    found = " and ".join(
        counted(int(counts[kind]), _NAMES[kind]) for kind in np.flatnonzero(counts)
    )
    odd = kinds != int(np.argmax(np.where(np.isin(np.arange(4), _ALLOWED[layer][0]), counts, -1)))
    rows = [in_row(row, shape.geom_type) for row, shape in zip(frame.index, shapes, strict=True)]
    findings.fault(
        layer,
        f"holds {found}",
        _REMEDY[layer],
        rows=[row for row, wrong in zip(rows, odd, strict=True) if wrong],
    )
    return False


def _join_lines(
    frame: gpd.GeoDataFrame, shapes: GeometryArray, findings: Findings
) -> GeometryArray | None:
    """Make one line of every edge, in the direction of its parts; None if parts lie apart."""
    parts = shapely.get_num_geometries(shapes)
    joined = np.where(parts == 1, shapely.get_geometry(shapes, 0), shapes)
    several = np.flatnonzero(parts > 1)
    joined[several] = shapely.line_merge(shapes[several], directed=True)
    crossed = several[shapely.get_type_id(joined[several]) != _LINE_STRING]
    joined[crossed] = shapely.line_merge(shapes[crossed])
    apart = shapely.get_type_id(joined) == _MULTI_LINE_STRING
    if apart.any():
        findings.fault(
            "network",
            f"{counted(int(apart.sum()), 'row')} with lines that do not join",
            "Draw one row for each line, with its own nodes and length_m.",
            rows=[
                f"row {row}: {n} parts"
                for row, n in zip(frame.index[apart], parts[apart], strict=True)
            ],
        )
        return None
    if several.size:
        rows = [
            note("row_parts", row=row, count=n)
            for row, n in zip(frame.index[several], parts[several], strict=True)
        ]
        findings.repaired("network", "lines_joined", rows=rows, count=len(rows))
    return joined


def _mend_polygons(
    layer: str, frame: gpd.GeoDataFrame, shapes: GeometryArray, findings: Findings
) -> GeometryArray | None:
    """Make invalid polygons valid; None if one of them has no area."""
    polygons = kind_of(shapes) == _POLYGON
    invalid = polygons & ~shapely.is_valid(shapes)
    mended = shapes.copy()
    mended[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    flat: BoolArray = polygons & ~(shapely.area(mended) > 0)
    if flat.any():
        findings.fault(
            layer,
            f"{counted(int(flat.sum()), 'polygon')} without area",
            "Draw them again, or delete the row.",
            rows=[f"row {row}" for row in frame.index[flat]],
        )
        return None
    if invalid.any():
        rows = [
            note("row_mended", row=row, reason=_fault_of(reason), before=before, after=after)
            for row, reason, before, after in zip(
                frame.index[invalid],
                (text.split("[")[0] for text in shapely.is_valid_reason(shapes[invalid])),
                shapely.area(shapes[invalid]),
                shapely.area(mended[invalid]),
                strict=True,
            )
        ]
        findings.repaired(layer, "polygons_mended", rows=rows, count=len(rows))
    return mended


def _fault_of(reason: str) -> Note | str:
    """Return what is wrong with a polygon, by what the library of geometry says of it."""
    return named("shape", reason.strip().casefold().replace("-", "_").replace(" ", "_"))
