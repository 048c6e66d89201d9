"""QGIS styles of the layers, as QGIS keeps them inside a GeoPackage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

FILLS = {
    "districts": ("244,236,214,160", "90,60,20,255", 0.5),
    "units": ("255,255,255,0", "150,150,150,255", 0.1),
    "communities_before": ("225,232,240,120", "70,90,120,255", 0.4),
    "barriers": ("91,155,208,120", "91,155,208,255", 0.3),
}
POINTS = {
    "facilities": ("0,114,178,255", 2.6),
    "candidates": ("170,170,170,255", 1.4),
    "services": ("0,158,115,255", 1.8),
    "service_gaps": ("213,94,0,255", 3.0),
}
LINES = {
    "allocation": ("0,114,178,110", 0.15),
    "assignments": ("0,158,115,110", 0.15),
    "network": ("120,120,120,160", 0.2),
    "barriers": ("91,155,208,255", 0.8),
}
HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"


def layer_styles(geometry_types: Mapping[str, str]) -> pd.DataFrame:
    """
    Return the rows of the table ``layer_styles``, one default style a layer.

    Parameters
    ----------
    geometry_types
        Type of geometry of each layer that is written, by name; one of mixed types gets no style.
    """
    documents = {
        name: document
        for name, kind in geometry_types.items()
        if (document := _style(name, kind.removeprefix("Multi"))) is not None
    }
    now = pd.Timestamp(dt.datetime.now(dt.UTC).replace(microsecond=0))
    return pd.DataFrame(
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": list(documents),
            "f_geometry_column": "geom",
            "styleName": [f"shequ {name}" for name in documents],
            "styleQML": list(documents.values()),
            "styleSLD": "",
            "useAsDefault": True,
            "description": "written by shequ",
            "owner": "",
            "ui": "",
            "update_time": now,
        }
    )


def _style(name: str, kind: str) -> str | None:
    if kind == "Polygon" and name in FILLS:
        return _fill(*FILLS[name])
    if kind == "Point" and name in POINTS:
        return _marker(*POINTS[name])
    if kind == "LineString" and name in LINES:
        return _line(*LINES[name])
    return None


def _document(kind: str, layer: str, options: dict[str, str]) -> str:
    values = "".join(
        f'<Option type="QString" name="{name}" value="{value}"/>' for name, value in options.items()
    )
    return (
        f'{HEAD}<qgis styleCategories="Symbology"><renderer-v2 type="singleSymbol">'
        f'<symbols><symbol type="{kind}" name="0"><layer class="{layer}" enabled="1">'
        f'<Option type="Map">{values}</Option></layer></symbol></symbols></renderer-v2></qgis>'
    )


def _fill(color: str, outline: str, width: float) -> str:
    options = {
        "color": color,
        "style": "solid",
        "outline_color": outline,
        "outline_width": str(width),
        "outline_style": "solid",
    }
    return _document("fill", "SimpleFill", options)


def _marker(color: str, size: float) -> str:
    options = {"name": "circle", "color": color, "size": str(size), "outline_color": "white"}
    return _document("marker", "SimpleMarker", options)


def _line(color: str, width: float) -> str:
    options = {
        "line_color": color,
        "line_width": str(width),
        "line_width_unit": "MM",
        "line_style": "solid",
        "capstyle": "round",
        "joinstyle": "round",
    }
    return _document("line", "SimpleLine", options)
