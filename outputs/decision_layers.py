"""An editable layer of the sites, communities and units of a plan, to write decisions into."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from .atomic import replacing
from .layers import PlanFiles
from .reading import read_plan

COLUMNS = ("kind", "id", "name", "state", "decision", "value", "note")
LAYERS = {
    "site": "decisions_sites",
    "community": "decisions_communities",
    "unit": "decisions_units",
}


def write_decision_layers(folder: Path, path: Path) -> Path:
    """
    Write a GeoPackage whose rows are the places of a plan, for decisions to be written into.

    Each row has the kind and id of its place, what the plan makes of it (``state``), and what was
    decided before; a row with an empty ``decision`` decides nothing. `--decisions` reads the file
    as it is.

    Parameters
    ----------
    folder
        Folder of a plan.
    path
        The file, ending in ``.gpkg``; replaced if it exists.

    Raises
    ------
    ValueError
        If the folder holds no plan, or the file is no GeoPackage.
    """
    if path.suffix != ".gpkg":
        raise ValueError(f"{path} cannot be written; give a file that ends in .gpkg.")
    layers = decision_layers(read_plan(folder))
    with replacing(path) as beside:
        for kind, layer in layers.items():
            pyogrio.write_dataframe(
                layer,
                beside,
                layer=LAYERS[kind],
                driver="GPKG",
                geometry_type="Point" if kind == "site" else "MultiPolygon",
                promote_to_multi=kind != "site",
            )
    return path


def decision_layers(plan: PlanFiles) -> dict[str, gpd.GeoDataFrame]:
    """Return one layer for each kind of place, with the columns of a table of decisions."""
    earlier: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in plan.record.get("decisions", []):
        earlier.setdefault((entry["kind"], entry["id"]), []).append(entry)
    sites = [*_sites(plan.facilities), *_sites(plan.candidates)]
    return {
        "site": _layer("site", sites, earlier, plan),
        "community": _layer("community", _communities(plan), earlier, plan),
        "unit": _layer("unit", _units(plan), earlier, plan),
    }


def _sites(layer: gpd.GeoDataFrame) -> Iterable[tuple[str, str, str, Any]]:
    for row in layer.itertuples():
        area = f", {row.floor_area_m2:,.0f} m²" if row.action != "closed" else ""
        state = f"{row.status}, {row.action}{area}, at most {row.max_area_m2:,.0f} m²"
        yield str(row.site_id), str(row.name or ""), state, row.geometry


def _communities(plan: PlanFiles) -> Iterable[tuple[str, str, str, Any]]:
    districts = plan.districts.groupby("parent_id")["community_id"].apply(list)
    for row in plan.communities_before.itertuples():
        parts = [str(one) for one in districts.get(row.community_id, [])]
        state = f"split: {', '.join(parts)}" if len(parts) > 1 else "kept"
        yield str(row.community_id), str(row.name or ""), state, row.geometry


def _units(plan: PlanFiles) -> Iterable[tuple[str, str, str, Any]]:
    for row in plan.units.itertuples():
        state = f"in {row.community_id}, {row.residents:,.0f} residents"
        yield str(row.unit_id), "", state, row.geometry


def _layer(
    kind: str,
    places: Iterable[tuple[str, str, str, Any]],
    earlier: dict[tuple[str, str], list[dict[str, Any]]],
    plan: PlanFiles,
) -> gpd.GeoDataFrame:
    nothing: list[dict[str, Any]] = [{"decision": "", "value": "", "note": ""}]
    rows, shapes = [], []
    for name, title, state, shape in places:
        for entry in earlier.get((kind, name), nothing):
            rows.append(
                {"kind": kind, "id": name, "name": title, "state": state}
                | {key: str(entry[key]) for key in ("decision", "value", "note")}
            )
            shapes.append(shape)
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=plan.units.crs)
