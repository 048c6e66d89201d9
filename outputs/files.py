"""Write the files of a plan; :mod:`.reading` reads them back."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from .atomic import replacing_all
from .layers import PlanFiles
from .pictures import render_map
from .reading import read_plan, read_record
from .report import render_report
from .schema import COLUMNS, GEOPACKAGE, IDS, LISTED, PICTURE, RECORD, REPORT, TABLES, WEB_MAP
from .styles import layer_styles

__all__ = ["GEOPACKAGE", "RECORD", "REPORT", "plain", "read_plan", "rewrite_report", "write_plan"]

POINTS = ("facilities", "candidates", "services", "service_gaps")
POLYGONS = ("districts", "units", "communities_before")
ASSIGNMENT = ("unit_id", "community_id_before", "community_id", "site_id", "minutes", "in_reach")


def write_plan(plan: PlanFiles, folder: Path, *, lang: str = "en") -> list[Path]:
    """
    Write the files of a plan: all of them, or none.

    Parameters
    ----------
    plan
        The layers and the record.
    folder
        Where the files go; those of an earlier plan are replaced.
    lang
        Language in which report and picture open, en or zh.

    Returns
    -------
    list of Path
        The files, the report last.

    Raises
    ------
    ValueError
        If the folder cannot be written; the files in it are then as they were.
    """
    record = {**plain(plan.record), "lang": lang}
    with replacing_all(folder, (*LISTED, RECORD)) as draft:
        _write_geopackage(plan, draft / GEOPACKAGE)
        pyogrio.write_dataframe(
            plan.districts.to_crs("EPSG:4326"),
            draft / WEB_MAP,
            driver="GeoJSON",
            layer_options={"RFC7946": "YES"},
        )
        tables = (plan.units[list(ASSIGNMENT)], _flat(plan.facilities), _flat(plan.districts))
        for name, table in zip(TABLES, tables, strict=True):
            _write_table(table, draft / name)
        _write_report(plan, draft, lang=lang)
        record["files"] = {name: file_hash(draft / name) for name in LISTED}
        _write_record(record, draft / RECORD)
    return [folder / name for name in (*LISTED[:-2], RECORD, PICTURE, REPORT)]


def rewrite_report(folder: Path, *, lang: str) -> Path:
    """
    Write report and picture of a plan again, in another language.

    Parameters
    ----------
    folder
        Folder of a plan; its layers and tables stay as they are.
    lang
        Language in which they open, en or zh.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    ValueError
        If the folder holds no whole plan, or cannot be written, or there is no such language.
    """
    plan = read_plan(folder)
    record = {**read_record(folder / RECORD), "lang": lang}
    with replacing_all(folder, (PICTURE, REPORT, RECORD)) as draft:
        _write_report(plan, draft, lang=lang)
        listed = record.get("files")
        hashes = dict(listed) if isinstance(listed, dict) else {}
        record["files"] = hashes | {name: file_hash(draft / name) for name in (PICTURE, REPORT)}
        _write_record(record, draft / RECORD)
    return folder / REPORT


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_report(plan: PlanFiles, folder: Path, *, lang: str) -> None:
    render_map(plan, folder / PICTURE, lang=lang)
    (folder / REPORT).write_text(render_report(plan, lang=lang), encoding="utf-8")


def _write_record(record: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")


def _flat(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(layer.drop(columns=layer.geometry.name))


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV with a byte-order mark, without which Excel garbles Chinese."""
    table.to_csv(path, index=False, encoding="utf-8-sig", float_format="%.6g")


def _write_geopackage(plan: PlanFiles, path: Path) -> None:
    layers = {name: getattr(plan, name) for name in COLUMNS if getattr(plan, name) is not None}
    kinds = {name: geometry_type(name, layer) for name, layer in layers.items()}
    for name, layer in layers.items():
        pyogrio.write_dataframe(
            _texts(layer),
            path,
            layer=name,
            driver="GPKG",
            geometry_type=kinds[name],
            promote_to_multi=kinds[name].startswith("Multi"),
            layer_options={"GEOMETRY_NAME": "geom"},
        )
    pyogrio.write_dataframe(
        layer_styles(kinds), path, layer="layer_styles", driver="GPKG", layer_options={"FID": "id"}
    )


def geometry_type(name: str, layer: gpd.GeoDataFrame) -> str:
    """
    Return the type of geometry that a layer is written with.

    Districts and units are always of many parts; network and barriers only where a row is.
    """
    if name in POLYGONS:
        return "MultiPolygon"
    if name in POINTS:
        return "Point"
    shapes = np.asarray(layer.geometry, dtype=object)
    found = {shape.geom_type for shape in shapes[~shapely.is_missing(shapes)]}
    kinds = {kind.removeprefix("Multi") for kind in found} - {"LinearRing"}
    if len(kinds) > 1:
        return "Unknown"
    kind = next(iter(kinds), "LineString")
    return f"Multi{kind}" if f"Multi{kind}" in found else kind


def _texts(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the layer with ids as text; a column of nulls only would lose its type."""
    texts = {
        column: layer[column].astype("string").astype(object).where(layer[column].notna(), None)
        for column in layer.columns
        if column in IDS
    }
    return layer.assign(**texts)


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
