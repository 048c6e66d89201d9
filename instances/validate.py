"""Check the layers of a city and bring them into the form that the rest of shequ computes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from .cells import cells
from .city_edges import LAYER as EDGE_CHANGES
from .city_edges import changes_of_layer, check_changes
from .column_names import free_names, input_name, is_written
from .columns import LAYERS, SITES, TABLES
from .communities import community_table
from .faults import nearest, quote
from .notes import note
from .projection import check_extents, choose_crs, has_crs, to_crs
from .remarks import remark
from .repair import repair_coverage
from .shapes import are_points, check_shapes, points_inside
from .tables import (
    check_community_ids,
    check_costs,
    check_seats,
    check_sites,
    check_units,
    read_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .edge_changes import EdgeChange
    from .faults import Findings
    from .notes import Note
    from .policy import Policy

_REFUSED_WHEN_EMPTY = ("units", "sites", "network")


@dataclass(frozen=True, eq=False)
class CityLayers:
    """The layers of a city, checked, in one CRS in metres."""

    units: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    network: gpd.GeoDataFrame | None
    barriers: gpd.GeoDataFrame | None
    communities: gpd.GeoDataFrame
    input_crs: CRS
    crs: CRS
    edge_changes: tuple[EdgeChange, ...] = ()


def validate_layers(
    layers: Mapping[str, Any],
    policy: Policy,
    findings: Findings,
    *,
    name: str,
    others: Sequence[str] = (),
    need_sites: bool = True,
    edge_changes: Sequence[EdgeChange] = (),
) -> CityLayers:
    """
    Check, convert and repair the layers of a city.

    Parameters
    ----------
    layers
        Frames by the name of the layer, indexed by the row number that the user sees.
    policy
        What is repaired, who is split and how people walk.
    findings
        Where faults, warnings and repairs go.
    name
        What to call the input in a message.
    others
        Names of layers that the schema does not know.
    need_sites
        Whether a city without a layer of sites is refused.
    edge_changes
        Bridges and cuts beside those of the layer, made after them.

    Raises
    ------
    CityError
        If the input cannot be used; names every fault.
    """
    frames = _present(layers, policy, findings, others, need_sites=need_sites)
    if "units" not in frames:
        findings.raise_faults(name)
    frames = {layer: free_names(layer, frame, findings) for layer, frame in frames.items()}
    frames = {layer: read_columns(layer, frame, findings) for layer, frame in frames.items()}
    table = frames.pop(EDGE_CHANGES, None)
    changes = () if table is None else changes_of_layer(table, findings)
    changes = (*changes, *edge_changes)
    _check_tables(frames, layers, policy, findings)
    given, frames, broken = _check_geometry(frames, findings)
    if "units" not in broken:
        frames["units"] = _as_coverage(frames["units"], frames.get("communities"), policy, findings)
    if not findings.faults:
        check_changes(changes, frames["units"], frames.get("barriers"), policy, findings)
    findings.raise_faults(name)
    checked = CityLayers(
        units=frames["units"].reset_index(drop=True),
        sites=_sites(frames),
        network=frames["network"].reset_index(drop=True) if "network" in frames else None,
        barriers=frames["barriers"].reset_index(drop=True) if "barriers" in frames else None,
        communities=community_table(frames["units"], frames.get("communities"), findings),
        input_crs=given,
        crs=CRS(frames["units"].crs),
        edge_changes=changes,
    )
    remark(checked, policy, findings)
    return checked


def _present(
    layers: Mapping[str, Any],
    policy: Policy,
    findings: Findings,
    others: Sequence[str],
    *,
    need_sites: bool,
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers with rows and geometry; refuse or report those without."""
    needed = ["units", *(["sites"] if need_sites else [])]
    for layer in ("units", "sites", "network"):
        if layer not in layers:
            _report_absent(layer, needed, policy, findings, [*others, *layers])
    ignored = [layer for layer in [*others, *layers] if layer not in LAYERS]
    if ignored:
        findings.warn("layers", "layers_ignored", rows=ignored, count=len(ignored))
    frames = {}
    for layer, frame in layers.items():
        if layer not in LAYERS:
            continue
        if len(frame) == 0:
            _report_empty(layer, findings)
        elif layer in TABLES:
            frames[layer] = _without_shapes(frame)
        elif not isinstance(frame, gpd.GeoDataFrame):
            findings.fault(layer, "has no geometry", "Export it with its geometry.")
        else:
            frames[layer] = _with_geometry(frame)
    return frames


def _without_shapes(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the rows of a table without what may be drawn for them."""
    drawn = table.geometry.name if isinstance(table, gpd.GeoDataFrame) else None
    rows = pd.DataFrame(table.drop(columns=[] if drawn is None else [drawn]))
    return gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries([None] * len(rows), index=rows.index))


def _with_geometry(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame whose geometry column is called so; another column of that name moves."""
    if frame.geometry.name == "geometry":
        return frame
    return frame.rename(columns={"geometry": "geometry_input"}).rename_geometry("geometry")


def _report_absent(
    layer: str,
    needed: Sequence[str],
    policy: Policy,
    findings: Findings,
    names: Sequence[str],
) -> None:
    near = nearest(layer, [name for name in names if name not in LAYERS])
    if layer in needed or (near and layer == "sites"):
        hint = f"Did you mean {near}? Rename it to {layer}." if near else ""
        known = f"Add it; the input has {quote(names, most=8) or 'no layers'}."
        findings.fault("layers", f"there is no layer {layer}", hint or known)
    elif layer == "sites":
        findings.warn("layers", "no_sites")
    elif policy.walking.mode == "network":
        hinted = {"near": near} if near else {}
        kind = "no_network_near" if near else "no_network"
        findings.warn("layers", kind, factor=policy.walking.detour_factor, **hinted)


def _report_empty(layer: str, findings: Findings) -> None:
    if layer in _REFUSED_WHEN_EMPTY:
        remedy = "Fill it." if layer != "network" else "Fill it, or remove the layer."
        findings.fault(layer, "the layer has no rows", remedy)
    else:
        findings.warn(layer, "layer_empty")


def _check_tables(
    frames: dict[str, gpd.GeoDataFrame],
    layers: Mapping[str, Any],
    policy: Policy,
    findings: Findings,
) -> None:
    """Check what columns and layers say about each other, before any geometry."""
    units = frames["units"]
    check_units(units, findings)
    _check_keep_together(units, policy, findings)
    if "sites" in frames:
        frames["sites"] = check_sites(frames["sites"], findings)
        check_costs({str(column) for column in layers["sites"].columns}, findings)
    if "communities" in frames:
        check_community_ids(units, frames["communities"], findings)
        if "sites" in frames:
            check_seats(frames["communities"], frames["sites"], findings)
    if "barriers" in frames and "crossable" not in layers["barriers"]:
        findings.warn("barriers", "no_crossable")


def _check_keep_together(units: gpd.GeoDataFrame, policy: Policy, findings: Findings) -> None:
    names = [str(column) for column in units.columns]
    for column in policy.split.keep_together:
        if column not in names and column != "estate_id":
            near = nearest(column, names)
            remedy = f"Did you mean {near}?" if near else "Add it, or take it out of the policy."
            if is_written(column) and input_name(column, []) in names:
                remedy = f"Write {input_name(column, [])}, its new name: the plan writes its own."
            findings.fault(
                "units", f"has no column {column}, which split.keep_together names", remedy
            )


def _check_geometry(
    frames: dict[str, gpd.GeoDataFrame], findings: Findings
) -> tuple[CRS, dict[str, gpd.GeoDataFrame], set[str]]:
    """Bring every layer into metres and mend its shapes; say which layers could not be."""
    placed = {layer: has_crs(layer, frame, findings) for layer, frame in frames.items()}
    broken = {layer for layer, known in placed.items() if not known}
    if "units" in broken:
        return CRS("EPSG:4326"), frames, set(frames)
    given = CRS(frames["units"].crs)
    crs = choose_crs(frames["units"], findings)
    checked = dict(frames)
    for layer in [layer for layer in frames if layer not in broken]:
        shaped = check_shapes(layer, to_crs(layer, frames[layer], crs, given, findings), findings)
        if shaped is None:
            broken.add(layer)
        else:
            checked[layer] = shaped
    if "units" not in broken:
        usable = {layer: frame for layer, frame in checked.items() if layer not in broken}
        check_extents(usable, findings)
    return given, checked, broken


def _as_coverage(
    units: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None,
    policy: Policy,
    findings: Findings,
) -> gpd.GeoDataFrame:
    """Return the units as polygons that neither overlap nor leave slivers."""
    shapes = np.asarray(units.geometry, dtype=object)
    if are_points(shapes):
        if findings.faults:
            return units
        outlines = None
        labels, ids = pd.factorize(units["community_id"])
        if communities is not None:
            by_id = communities.set_index("community_id").geometry
            outlines = np.asarray(by_id.loc[ids], dtype=object)
        shapes = cells(shapes, labels, outlines, _names(units), findings)
    if not findings.faults or not are_points(shapes):
        shapes = repair_coverage(shapes, _names(units), policy.input, findings)
    return units.set_geometry(shapes, crs=units.crs)


def _names(units: gpd.GeoDataFrame) -> list[Note]:
    """Return what to call every unit: its id, and its row where there is none."""
    if "unit_id" not in units:
        return [note("row", row=row) for row in units.index]
    return [
        note("row", row=row) if pd.isna(name) else note("row_unit", unit=name)
        for row, name in zip(units.index, units["unit_id"], strict=True)
    ]


def _sites(frames: dict[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the sites as points; an empty layer if there is none."""
    crs = frames["units"].crs
    if "sites" not in frames:
        columns = {column.name: pd.Series(dtype=object) for column in SITES}
        return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    sites = frames["sites"].reset_index(drop=True)
    return sites.set_geometry(points_inside(np.asarray(sites.geometry, dtype=object)), crs=crs)
