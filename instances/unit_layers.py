"""Units from a layer of a GIS file: polygons whose borders make them neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyproj import CRS

from .adjacency import shared_borders
from .faults import counted, quote
from .unit_graph import Asked, RawUnits, ReadOptions

if TYPE_CHECKING:
    from ..models.formulation import FloatArray, IntArray
    from .adjacency import GeometryArray

UNITS_LAYER = "units"
BARRIERS_LAYER = "barriers"
_UNREADABLE = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError)


def read_unit_layer(path: Path, options: ReadOptions) -> RawUnits:
    """
    Read units with their borders.

    Parameters
    ----------
    path
        A GeoPackage, GeoJSON, shapefile, GeoParquet or any other file that GDAL reads. Lines of a
        layer ``barriers`` that nobody can cross part the units on both sides.
    options
        Layer, condition and contiguity.

    Raises
    ------
    ValueError
        If the file cannot be read, has no units, or a unit has no usable geometry.
    """
    frame = _read_frame(path, options)
    warnings: list[str] = []
    rows = [f"row {i + 1}" for i in range(len(frame))]
    given = _usable(path, frame, rows, warnings)
    flat = gpd.GeoSeries(given, crs=frame.crs)
    if _needs_projection(frame.crs):
        target = flat.estimate_utm_crs()
        flat = flat.to_crs(target)
        warnings.append(f"the units are in {frame.crs.name}; lengths are measured in {target.name}")
    elif frame.crs is None:
        warnings.append("the file names no coordinate reference system; taken as metres")
    shapes: GeometryArray = np.asarray(flat, dtype=object)
    borders = shared_borders(
        shapes,
        min_length_m=options.min_border_m,
        contiguity=options.contiguity,
        connect_gap_m=options.across_m,
        barriers=_barriers(path, flat.crs),
    )
    return RawUnits(
        path=path,
        rows=tuple(frame.drop(columns=frame.geometry.name).to_dict("records")),
        edges=borders.pairs,
        lengths=borders.length_m,
        asked=Asked(),
        points=_centres(given),
        points_m=_centres(shapes),
        area=_areas(shapes),
        outer_perimeter=_outer(shapes, borders.pairs, borders.length_m),
        shapes=shapes,
        crs=flat.crs,
        row_word="row",
        first_row=1,
        warnings=tuple(warnings),
    )


def _read_frame(path: Path, options: ReadOptions) -> gpd.GeoDataFrame:
    """Rows of the layer that the options name."""
    layer = None if path.suffix == ".parquet" else _layer(path, options.layer)
    if layer is None and options.where is not None:
        raise ValueError(f"{path.name}: --where needs a GeoPackage or another file of GDAL.")
    try:
        if path.suffix == ".parquet":
            frame = gpd.read_parquet(path)
        else:
            frame = gpd.read_file(path, layer=layer, engine="pyogrio", where=options.where)
    except ImportError:
        raise ValueError(
            f"{path.name} is GeoParquet, which pyarrow reads: pip install 'shequ[parquet]'"
        ) from None
    except (*_UNREADABLE, ValueError) as error:
        raise ValueError(_complaint(path, options.where, error)) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise ValueError(f"{path.name} has rows without geometries; name another --layer.")  # noqa: TRY004 - a fault of the file
    if frame.empty:
        which = f" with --where {options.where}" if options.where else ""
        raise ValueError(f"{path.name} has no rows{which}. Check the condition and the layer.")
    return frame.reset_index(drop=True)


def _complaint(path: Path, where: str | None, error: Exception) -> str:
    """Return what a library has against a file, or against the condition on its rows."""
    if where is None:
        return f"{path.name} cannot be read as a GIS file: {error}"
    reason = ": ".join(str(error).rsplit(": ", 2)[-2:])
    return (
        f"{path.name}, --where {where}: {reason}. Write it as in SQL, with a column of the layer: "
        "\"community_id = 'A'\"."
    )


def _layer(path: Path, wanted: str | None) -> str:
    """Name of the layer of units: the wanted one, ``units``, or the only one."""
    try:
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except _UNREADABLE as error:
        raise ValueError(_complaint(path, None, error)) from error
    if wanted is not None:
        if wanted not in names:
            raise ValueError(f"{path.name} has no layer {wanted}; it has {', '.join(names)}.")
        return wanted
    if UNITS_LAYER in names:
        return UNITS_LAYER
    if len(names) == 1:
        return names[0]
    raise ValueError(
        f"{path.name} has no layer {UNITS_LAYER}; name one with --layer: {', '.join(names)}."
    )


def _usable(
    path: Path, frame: gpd.GeoDataFrame, rows: list[str], warnings: list[str]
) -> GeometryArray:
    """Geometries that are all there and valid; those that are not are mended or refused."""
    shapes: GeometryArray = np.asarray(frame.geometry, dtype=object)
    absent = np.flatnonzero(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if absent.size:
        raise ValueError(
            f"{path.name}: {counted(absent.size, 'unit')} without geometry "
            f"({quote([rows[i] for i in absent])}). Draw it, or delete the row."
        )
    dimension = shapely.get_dimensions(shapes)
    if not (np.all(dimension == 2) or np.all(dimension == 0)):
        odd = np.flatnonzero(dimension != 2)
        raise ValueError(
            f"{path.name}: {counted(odd.size, 'unit')} not drawn as polygons "
            f"({quote([rows[i] for i in odd])}). Give polygons, or points alone."
        )
    invalid = np.flatnonzero(~shapely.is_valid(shapes))
    if invalid.size:
        shapes = shapes.copy()
        shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure")
        shown = quote([rows[i] for i in invalid])
        warnings.append(f"{counted(invalid.size, 'invalid polygon')} mended ({shown})")
    return shapes


def _needs_projection(crs: Any) -> bool:  # noqa: ANN401 - a CRS of any library, or None
    """Whether lengths in this reference system are no metres."""
    if crs is None:
        return False
    system = CRS(crs)
    return not system.is_projected or system.axis_info[0].unit_name not in {"metre", "meter"}


def _barriers(path: Path, crs: Any) -> gpd.GeoDataFrame | None:  # noqa: ANN401 - as above
    """Layer of barriers in the reference system of the units; None if there is none."""
    if path.suffix == ".parquet":
        return None
    if BARRIERS_LAYER not in {str(name) for name, _ in pyogrio.list_layers(path)}:
        return None
    barriers = gpd.read_file(path, layer=BARRIERS_LAYER, engine="pyogrio")
    known = crs is not None and barriers.crs is not None
    return barriers.to_crs(crs) if known else barriers


def _centres(shapes: GeometryArray) -> FloatArray:
    centroids = shapely.centroid(shapes)
    return np.column_stack([shapely.get_x(centroids), shapely.get_y(centroids)])


def _areas(shapes: GeometryArray) -> FloatArray | None:
    """Areas in m²; None for points."""
    area = np.asarray(shapely.area(shapes), dtype=np.float64)
    return area if (area > 0).all() else None


def _outer(shapes: GeometryArray, pairs: IntArray, length_m: FloatArray) -> FloatArray | None:
    """Length of each outline that borders on no neighbour; None for points."""
    if not (shapely.area(shapes) > 0).all():
        return None
    shared = np.bincount(pairs.T.ravel(), np.tile(length_m, 2), len(shapes))
    return np.asarray(np.maximum(shapely.length(shapes) - shared, 0.0), dtype=np.float64)
