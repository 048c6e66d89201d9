"""Read the columns of a layer, and check what one column says about another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .columns import LAYERS, READERS, Column, Reading
from .faults import Findings, counted, in_row, nearest, quote
from .notes import note

if TYPE_CHECKING:
    import geopandas as gpd

_KNOWN = frozenset(column.name for columns in LAYERS.values() for column in columns)


def read_columns(layer: str, frame: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    """
    Return a layer whose known columns have the types of the schema; others pass through.

    Parameters
    ----------
    layer
        Name of the layer.
    frame
        Its rows, indexed by the row number that the user sees.
    findings
        Where faults and warnings go.
    """
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    read: dict[str, pd.Series] = {}
    bare = [column.name for column in LAYERS[layer] if _is_bare(column, frame)]
    for name in bare:
        findings.warn(f"{layer}.{name}", "column_empty")
    for column in LAYERS[layer]:
        if column.name in bare:
            continue
        if column.name in names:
            read[column.name] = READERS[column.kind](
                frame[column.name], Reading(layer, column, findings)
            )
        elif column.required:
            _refuse_missing(layer, column, names, findings)
        elif column.default is not None:
            read[column.name] = pd.Series(column.default, index=frame.index)
    complete = frame.drop(columns=bare).assign(**read)
    order = [name for name in complete.columns if name != frame.geometry.name]
    return complete[[*order, frame.geometry.name]]


def check_units(units: gpd.GeoDataFrame, findings: Findings) -> None:
    """Warn of more households than residents."""
    if not _numeric(units, "residents", "households"):
        return
    crowded = units[units["households"] > units["residents"]]
    if len(crowded):
        rows = [
            note("row_above", row=row, value=households, limit=residents)
            for row, households, residents in zip(
                crowded.index, crowded["households"], crowded["residents"], strict=True
            )
        ]
        findings.warn(
            "units.households",
            "more_households",
            rows=rows,
            count=len(crowded),
        )


def check_sites(sites: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    """Check the floor areas of the sites against each other and against their status."""
    both = sites[sites["forbidden"] & sites["required"]]
    if len(both):
        findings.fault(
            "sites.required",
            f"{counted(len(both), 'site')} both required and forbidden",
            "Clear one of the two.",
            rows=[f"row {row}" for row in both.index],
        )
    if "status" not in sites or not _numeric(sites, "floor_area_m2", "max_area_m2"):
        return sites
    _check_flags(sites, findings)
    built = sites[(sites["status"] == "candidate") & (sites["floor_area_m2"] > 0)]
    if len(built):
        findings.warn(
            "sites.floor_area_m2",
            "candidates_with_area",
            rows=[in_row(row, value) for row, value in built["floor_area_m2"].items()],
            count=len(built),
        )
    above = sites[sites["floor_area_m2"] > sites["max_area_m2"]]
    if len(above):
        rows = [
            note("row_above", row=row, value=area, limit=most)
            for row, area, most in zip(
                above.index, above["floor_area_m2"], above["max_area_m2"], strict=True
            )
        ]
        findings.warn(
            "sites.max_area_m2",
            "above_maximum",
            rows=rows,
            count=len(above),
        )
    return sites.assign(max_area_m2=sites[["floor_area_m2", "max_area_m2"]].max(axis=1))


def _check_flags(sites: gpd.GeoDataFrame, findings: Findings) -> None:
    """Warn of flags that change nothing."""
    existing = sites["status"] == "existing"
    without_room = (sites[["floor_area_m2", "max_area_m2"]] <= 0).all(axis=1)
    idle = sites.index[sites["required"] & ~existing & without_room]
    if len(idle):
        findings.warn(
            "sites.required",
            "required_without_room",
            rows=[note("row", row=row) for row in idle],
            count=len(idle),
        )
    kept = sites.index[sites["forbidden"] & existing]
    if len(kept):
        findings.warn(
            "sites.forbidden",
            "existing_forbidden",
            rows=[note("row", row=row) for row in kept],
            count=len(kept),
        )


def check_seats(communities: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, findings: Findings) -> None:
    """Warn of communities whose seat is not among the sites."""
    if "seat" not in communities or "site_id" not in sites:
        return
    seats = communities["seat"].dropna()
    stray = seats[~seats.isin(sites["site_id"])]
    if len(stray):
        findings.warn(
            "communities.seat",
            "seats_unknown",
            rows=[in_row(row, value) for row, value in stray.items()],
            count=len(stray),
        )


def check_costs(given: set[str], findings: Findings) -> None:
    """Warn of costs that were not given and count as 0."""
    absent = [name for name in ("fixed_cost", "cost_per_m2") if name not in given]
    if len(absent) > 1:
        findings.warn("sites", "costs_absent")
    elif absent:
        findings.warn("sites", "cost_absent", column=absent[0])


def check_community_ids(
    units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, findings: Findings
) -> None:
    """Refuse units of a community that the layer of communities does not know."""
    if "community_id" not in units or "community_id" not in communities:
        return
    known = communities["community_id"].dropna()
    stray = units[~units["community_id"].isin(known) & units["community_id"].notna()]
    if len(stray):
        near = nearest(str(stray["community_id"].iloc[0]), known.astype(str))
        findings.fault(
            "units.community_id",
            f"{counted(len(stray), 'unit')} of a community that the layer communities lacks",
            f"{f'Did you mean {near}? ' if near else ''}Mend the id, or add the community.",
            rows=[in_row(row, value) for row, value in stray["community_id"].items()],
        )


def _refuse_missing(layer: str, column: Column, names: list[str], findings: Findings) -> None:
    near = nearest(column.name, [name for name in names if name not in _KNOWN])
    hint = (
        f"Did you mean {near}? Rename it to {column.name}."
        if near
        else f"Add it; the layer has {quote(names, most=8) or 'no columns'}."
    )
    findings.fault(layer, f"has no column {column.name}", hint)


def _is_bare(column: Column, frame: gpd.GeoDataFrame) -> bool:
    """Whether a column is one of optional counts and has not a single one."""
    optional_count = column.kind == "count" and column.nullable and column.name in frame
    return optional_count and bool(frame[column.name].isna().all())


def _numeric(frame: gpd.GeoDataFrame, *columns: str) -> bool:
    """Whether all columns are there and could be read as numbers."""
    return all(
        column in frame and pd.api.types.is_numeric_dtype(frame[column]) for column in columns
    )
