"""Bring every layer into one projected coordinate reference system in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS

from .notes import named

if TYPE_CHECKING:
    import geopandas as gpd

    from .faults import Findings

_CGCS2000 = 4490
_FIRST_GAUSS_KRUGER = 4534
_FIRST_MERIDIAN = 75
_LAST_MERIDIAN = 135
_WEB_MERCATOR = 3857
_NEAR_M = 1000.0


def has_crs(layer: str, frame: gpd.GeoDataFrame, findings: Findings) -> bool:
    """Whether a layer says where on earth its coordinates are, and they can be there."""
    crs = frame.crs
    known = crs is not None and (crs.is_projected or crs.is_geographic)
    if not known or "undefined" in crs.name.casefold():
        findings.fault(
            layer,
            "has no coordinate reference system (CRS)",
            "Set it: in QGIS by Layer > Layer CRS > Set, or with ogr2ogr -a_srs EPSG:4490",
        )
        return False
    if not np.isfinite(frame.total_bounds).all():
        return True
    low_x, low_y, high_x, high_y = frame.total_bounds
    if crs.is_geographic and (max(-low_x, high_x) > 180 or max(-low_y, high_y) > 90):
        swapped = max(-low_x, high_x) <= 90 and max(-low_y, high_y) <= 180
        findings.fault(
            layer,
            f"lies outside the earth: longitude {low_x:g} to {high_x:g}, latitude {low_y:g} to "
            f"{high_y:g}",
            "Latitude and longitude seem to be swapped: exchange x and y."
            if swapped
            else "The CRS seems to be wrong: set that in which the coordinates were measured.",
        )
        return False
    return True


def choose_crs(units: gpd.GeoDataFrame, findings: Findings) -> CRS:
    """
    Choose the CRS to compute in: that of the units if it is projected in metres.

    Degrees on CGCS2000 (EPSG:4490) become the 3-degree Gauss-Krüger zone of the units' centre,
    anything else the UTM zone.
    """
    given = CRS(units.crs)
    unit = given.axis_info[0].unit_name
    if given.is_projected and unit in {"metre", "meter"} and given.to_epsg() != _WEB_MERCATOR:
        return given
    low_x, low_y, high_x, high_y = units.total_bounds
    del low_y, high_y
    meridian = 3 * round((low_x + high_x) / 6)
    if given.to_epsg() == _CGCS2000 and _FIRST_MERIDIAN <= meridian <= _LAST_MERIDIAN:
        chosen = CRS(_FIRST_GAUSS_KRUGER + (meridian - _FIRST_MERIDIAN) // 3)
    else:
        chosen = CRS(units.estimate_utm_crs())
    told = {"crs": describe_crs(given), "chosen": describe_crs(chosen)}
    if given.to_epsg() == _WEB_MERCATOR:
        findings.warn("units", "crs_web_mercator", **told)
    else:
        findings.warn("units", "crs_not_metric", unit=named("length", unit), **told)
    return chosen


def to_crs(
    layer: str, frame: gpd.GeoDataFrame, crs: CRS, given: CRS, findings: Findings
) -> gpd.GeoDataFrame:
    """
    Return a layer in the CRS to compute in, without heights.

    Parameters
    ----------
    layer, frame
        The layer.
    crs
        CRS to compute in.
    given
        CRS of the units as read; a layer in another one is reported.
    findings
        Where that goes.
    """
    if frame.crs != given:
        findings.warn(
            layer,
            "crs_differs",
            crs=describe_crs(frame.crs),
            given=describe_crs(given),
            chosen=describe_crs(crs),
        )
    flat = frame.set_geometry(shapely.force_2d(frame.geometry.to_numpy()), crs=frame.crs)
    return flat if frame.crs == crs else flat.to_crs(crs)


def check_extents(frames: dict[str, gpd.GeoDataFrame], findings: Findings) -> None:
    """Refuse layers that lie nowhere near the units."""
    here = frames["units"].total_bounds
    margin = max(_NEAR_M, *(here[2:] - here[:2]))
    for layer, frame in frames.items():
        there = frame.total_bounds
        apart = (there[:2] > here[2:] + margin).any() or (there[2:] < here[:2] - margin).any()
        if apart and layer != "units":
            findings.fault(
                layer,
                f"lies elsewhere than the units: x {there[0]:,.0f} to {there[2]:,.0f}, "
                f"y {there[1]:,.0f} to {there[3]:,.0f} against x {here[0]:,.0f} to {here[2]:,.0f}, "
                f"y {here[1]:,.0f} to {here[3]:,.0f} m",
                "Check the CRS of both layers, and whether x and y are swapped.",
            )


def describe_crs(crs: CRS) -> str:
    """Return the name of a CRS and its EPSG code, if it has one."""
    crs = CRS(crs)
    code = crs.to_epsg()
    return f"{crs.name} (EPSG:{code})" if code else str(crs.name)
