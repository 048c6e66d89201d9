"""QGIS styles of the layers, as QGIS keeps them inside a GeoPackage."""

from __future__ import annotations

import datetime as dt

import pandas as pd

FILLS = {
    "districts": ("244,236,214,160", "90,60,20,255", 0.5),
    "units": ("255,255,255,0", "150,150,150,255", 0.1),
    "communities_before": ("225,232,240,120", "70,90,120,255", 0.4),
}
POINTS = {"facilities": ("0,114,178,255", 2.6), "candidates": ("170,170,170,255", 1.4)}
HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"


def layer_styles() -> pd.DataFrame:
    """Return the rows of the table ``layer_styles``, one default style a layer."""
    documents = {name: _fill(*style) for name, style in FILLS.items()}
    documents |= {name: _marker(*style) for name, style in POINTS.items()}
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
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
