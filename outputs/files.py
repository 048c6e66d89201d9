"""Write the files of a plan, and read them back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from .atomic import replacing, write_text
from .layers import PlanFiles
from .pictures import render_map
from .report import render_report
from .styles import layer_styles

GEOMETRY = {
    "districts": "MultiPolygon",
    "units": "MultiPolygon",
    "facilities": "Point",
    "candidates": "Point",
    "allocation": "LineString",
    "communities_before": "MultiPolygon",
    "network": "LineString",
    "barriers": "Unknown",
}
OPTIONAL = {"network", "barriers"}
GEOPACKAGE, RECORD, REPORT = "plan.gpkg", "plan.json", "report.html"
IDS = {"community_id", "parent_id", "unit_id", "site_id", "community_id_before", "street_id"}


def write_plan(plan: PlanFiles, folder: Path, *, lang: str = "en") -> list[Path]:
    """
    Write every file of a plan; each is whole or not there.

    Parameters
    ----------
    plan
        The layers and the record.
    folder
        Where the files go.
    lang
        Language in which report and picture open, en or zh.

    Returns
    -------
    list of Path
        The files, the report last.
    """
    _write_geopackage(plan, folder / GEOPACKAGE)
    with replacing(folder / "districts.geojson") as beside:
        pyogrio.write_dataframe(
            plan.districts.to_crs("EPSG:4326"),
            beside,
            driver="GeoJSON",
            layer_options={"RFC7946": "YES"},
        )
    assignment = ["unit_id", "community_id_before", "community_id", "site_id", "minutes"]
    _write_table(plan.units[[*assignment, "in_reach"]], folder / "assignment.csv")
    _write_table(_flat(plan.facilities), folder / "facilities.csv")
    _write_table(_flat(plan.districts), folder / "communities.csv")
    write_text(folder / RECORD, json.dumps(plain(plan.record), ensure_ascii=False, indent=2))
    with replacing(folder / "map.png") as beside:
        render_map(plan, beside, lang=lang)
    write_text(folder / REPORT, render_report(plan, lang=lang))
    names = ("districts.geojson", "assignment.csv", "facilities.csv", "communities.csv")
    return [folder / name for name in (GEOPACKAGE, *names, RECORD, "map.png", REPORT)]


def _flat(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(layer.drop(columns=layer.geometry.name))


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV with a byte-order mark, without which Excel garbles Chinese."""
    with replacing(path) as beside:
        table.to_csv(beside, index=False, encoding="utf-8-sig", float_format="%.6g")


def _write_geopackage(plan: PlanFiles, path: Path) -> None:
    with replacing(path) as beside:
        beside.unlink(missing_ok=True)
        for name, geometry_type in GEOMETRY.items():
            layer = getattr(plan, name)
            if layer is None:
                continue
            multi = geometry_type.startswith("Multi")
            pyogrio.write_dataframe(
                _texts(layer),
                beside,
                layer=name,
                driver="GPKG",
                geometry_type=geometry_type,
                promote_to_multi=multi or None,
                layer_options={"GEOMETRY_NAME": "geom"},
            )
        pyogrio.write_dataframe(layer_styles(), beside, layer="layer_styles", driver="GPKG")


def _texts(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the layer with ids as text; a column of nulls only would lose its type."""
    texts = {
        column: layer[column].astype("string").astype(object).where(layer[column].notna(), None)
        for column in layer.columns
        if column in IDS
    }
    return layer.assign(**texts)


def read_plan(folder: Path) -> PlanFiles:
    """
    Read the files of a plan back.

    Raises
    ------
    ValueError
        If a file or a layer is missing; says which.
    """
    for name in (GEOPACKAGE, RECORD):
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder} holds no {name}. Name a folder that `shequ plan CITY -o FOLDER` wrote."
            )
    present = {str(name) for name in pyogrio.list_layers(folder / GEOPACKAGE)[:, 0]}
    missing = [name for name in GEOMETRY if name not in present and name not in OPTIONAL]
    if missing:
        raise ValueError(
            f"{folder / GEOPACKAGE} lacks the layers {', '.join(missing)}; write the plan again."
        )
    layers: dict[str, Any] = {
        name: gpd.read_file(folder / GEOPACKAGE, layer=name) if name in present else None
        for name in GEOMETRY
    }
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return PlanFiles(**layers, record=record)


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON is whatever it is
    """Return a value of types that JSON knows; what is not a number becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
