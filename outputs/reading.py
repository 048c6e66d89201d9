"""Read the files of a plan back, or say which of them is damaged."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio

from .layers import PlanFiles
from .schema import COLUMNS, GEOPACKAGE, OPTIONAL, RECORD, missing_keys

AGAIN = "Write the plan again with `shequ plan CITY -o FOLDER`."


def read_plan(folder: Path) -> PlanFiles:
    """
    Read the files of a plan back.

    Raises
    ------
    ValueError
        If a file, a layer, a column or a key is missing, or a file is damaged; says which.
    """
    for name in (GEOPACKAGE, RECORD):
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder} holds no {name}. Name a folder that `shequ plan CITY -o FOLDER` wrote."
            )
    return PlanFiles(**_read_layers(folder / GEOPACKAGE), record=read_record(folder / RECORD))


def read_record(path: Path) -> dict[str, Any]:
    """
    Read ``plan.json``.

    Raises
    ------
    ValueError
        If it is not JSON or lacks a key; names the file.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}). {AGAIN}") from error
    faults = list(itertools.islice(missing_keys(record), 5))
    if faults:
        raise ValueError(f"{path} is not the record of a plan: {', '.join(faults)}. {AGAIN}")
    return dict(record)


def _read_layers(path: Path) -> dict[str, Any]:
    """Return every layer by name; None for one that is not there and need not be."""
    try:
        _check_pages(path)
        present = {str(name) for name in pyogrio.list_layers(path)[:, 0]}
    except (sqlite3.Error, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is no GeoPackage, or is damaged ({error}). {AGAIN}") from error
    missing = [name for name in COLUMNS if name not in present and name not in OPTIONAL]
    if missing:
        raise ValueError(f"{path} lacks the layers {', '.join(missing)}. {AGAIN}")
    return {name: _read_layer(path, name) if name in present else None for name in COLUMNS}


def _check_pages(path: Path) -> None:
    """Refuse a file that is cut off: GDAL would return the rows that are left without a word."""
    with contextlib.closing(
        sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    ) as file:
        found = str(file.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise ValueError(found.splitlines()[0])


def _read_layer(path: Path, name: str) -> gpd.GeoDataFrame:
    try:
        layer = pyogrio.read_dataframe(path, layer=name)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path}: layer {name} cannot be read ({error}). {AGAIN}") from error
    missing = [column for column in COLUMNS[name] if column not in layer]
    if not isinstance(layer, gpd.GeoDataFrame):
        missing.append("geometry")
    if missing:
        raise ValueError(f"{path}: layer {name} lacks {', '.join(missing)}. {AGAIN}")
    return layer
