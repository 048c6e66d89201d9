"""Elevations of places from a GeoTIFF, by way of Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Transformer

if TYPE_CHECKING:
    from ..models.formulation import FloatArray

_SCALE, _TIE_POINT, _GEO_KEYS, _NO_DATA = 33550, 33922, 34735, 42113
_GEOGRAPHIC, _PROJECTED, _RASTER_TYPE = 2048, 3072, 1025
_OWN_DEFINITION = 32767


@dataclass(frozen=True, eq=False)
class HeightGrid:
    """
    Elevations on a regular grid.

    Parameters
    ----------
    metres
        Elevations at the centres of the cells, from north to south, NaN where there is none,
        shape (rows, columns).
    west, north
        Coordinates of the centre of the first cell.
    step_x, step_y
        Size of a cell.
    crs
        Reference system of the coordinates.
    """

    metres: FloatArray
    west: float
    north: float
    step_x: float
    step_y: float
    crs: CRS

    def at(self, xy: FloatArray, crs: CRS) -> FloatArray:
        """
        Elevations of places, interpolated between the four cells around each; NaN outside.

        Parameters
        ----------
        xy
            Coordinates, shape (places, 2).
        crs
            Their reference system.
        """
        x, y = Transformer.from_crs(crs, self.crs, always_xy=True).transform(xy[:, 0], xy[:, 1])
        column, row = (x - self.west) / self.step_x, (self.north - y) / self.step_y
        rows, columns = self.metres.shape
        inside = (column > -0.5) & (column < columns - 0.5) & (row > -0.5) & (row < rows - 0.5)
        column = np.clip(np.where(inside, column, 0.0), 0, columns - 1)
        row = np.clip(np.where(inside, row, 0.0), 0, rows - 1)
        left, top = np.floor(column).astype(int), np.floor(row).astype(int)
        right, low = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        east, south = column - left, row - top
        upper = self.metres[top, left] * (1 - east) + self.metres[top, right] * east
        lower = self.metres[low, left] * (1 - east) + self.metres[low, right] * east
        return np.where(inside, upper * (1 - south) + lower * south, np.nan)


def read_heights(path: Path | str) -> HeightGrid:
    """
    Read a GeoTIFF with one band of elevations in metres.

    Parameters
    ----------
    path
        The file, north up, with its reference system by EPSG code.

    Raises
    ------
    ValueError
        If it cannot be read so; says how to convert it.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only rasters need it

    try:
        with Image.open(path) as image:
            tags: dict[int, Any] = dict(getattr(image, "tag_v2", {}))
            bands = len(image.getbands())
            metres = np.asarray(image, dtype=np.float64)
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; check the path.") from None
    except (UnidentifiedImageError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}. {_convert(path)}") from None
    if bands != 1 or metres.ndim != 2:
        raise ValueError(f"{path} has {bands} bands; one of elevations is needed. {_convert(path)}")
    if _SCALE not in tags or _TIE_POINT not in tags:
        raise ValueError(f"{path} does not say where it lies, north up. {_convert(path)}")
    crs, is_point = _reference(path, tags)
    step_x, step_y = (float(step) for step in tags[_SCALE][:2])
    column, row, _, x, y, _ = (float(value) for value in tags[_TIE_POINT][:6])
    half = 0.0 if is_point else 0.5
    metres = np.where(metres == _no_data(tags), np.nan, metres)
    return HeightGrid(
        metres=metres,
        west=x + (half - column) * step_x,
        north=y - (half - row) * step_y,
        step_x=step_x,
        step_y=step_y,
        crs=crs,
    )


def _reference(path: Path | str, tags: dict[int, Any]) -> tuple[CRS, bool]:
    """Return the reference system of the file, and whether its coordinates are of cell centres."""
    keys = np.asarray(tags.get(_GEO_KEYS, ()), dtype=np.int64)[4:]
    values = {int(key): int(value) for key, place, _, value in keys.reshape(-1, 4) if place == 0}
    code = values.get(_PROJECTED, values.get(_GEOGRAPHIC))
    if code is None or code == _OWN_DEFINITION:
        raise ValueError(f"{path} does not name its reference system by EPSG. {_convert(path)}")
    return CRS.from_epsg(code), values.get(_RASTER_TYPE) == 2


def _no_data(tags: dict[int, Any]) -> float:
    """Return the value that stands for nothing; NaN where none is named."""
    try:
        return float(str(tags[_NO_DATA]).strip("\0 "))
    except (KeyError, ValueError):
        return float("nan")


def _convert(path: Path | str) -> str:
    name = Path(path).stem
    return f"Convert it: gdalwarp -t_srs EPSG:4326 -ot Float32 {Path(path).name} {name}-4326.tif"
