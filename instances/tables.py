"""Read the columns of a layer, and check what one column says about another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .columns import READERS, Column, Reading, columns_of
from .faults import Findings, counted, in_row, nearest, quote

if TYPE_CHECKING:
    import geopandas as gpd


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
    for column in columns_of(layer, names):
        if column.name in names:
            read[column.name] = READERS[column.kind](
                frame[column.name], Reading(layer, column, findings)
            )
        elif column.required:
            _refuse_missing(layer, column, names, findings)
        elif column.default is not None:
            read[column.name] = pd.Series(column.default, index=frame.index)
    complete = frame.assign(**read)
    order = [name for name in complete.columns if name != frame.geometry.name]
    return complete[[*order, frame.geometry.name]]


def check_units(units: gpd.GeoDataFrame, findings: Findings) -> None:
    """Warn of more households than residents."""
    if not _numeric(units, "residents", "households"):
        return
    crowded = units[units["households"] > units["residents"]]
    if len(crowded):
        rows = [
            f"row {row}: {households} > {residents}"
            for row, households, residents in zip(
                crowded.index, crowded["households"], crowded["residents"], strict=True
            )
        ]
        findings.warn(
            "units.households",
            f"{counted(len(crowded), 'unit')} with more households than residents",
            rows=rows,
            then="kept as given",
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
    built = sites[(sites["status"] == "candidate") & (sites["floor_area_m2"] > 0)]
    if len(built):
        findings.warn(
            "sites.floor_area_m2",
            f"{counted(len(built), 'candidate')} with floor area already",
            rows=[in_row(row, value) for row, value in built["floor_area_m2"].items()],
            then="it counts only if the site is opened; an open facility has the status existing",
        )
    above = sites[sites["floor_area_m2"] > sites["max_area_m2"]]
    if len(above):
        rows = [
            f"row {row}: {area:g} > {most:g}"
            for row, area, most in zip(
                above.index, above["floor_area_m2"], above["max_area_m2"], strict=True
            )
        ]
        findings.warn(
            "sites.max_area_m2",
            f"{counted(len(above), 'site')} larger today than the maximum",
            rows=rows,
            then="the maximum was raised to the floor area of today",
        )
    return sites.assign(max_area_m2=sites[["floor_area_m2", "max_area_m2"]].max(axis=1))


def check_costs(given: set[str], findings: Findings) -> None:
    """Warn of costs that were not given and count as 0."""
    absent = [name for name in ("fixed_cost", "cost_per_m2") if name not in given]
    if absent:
        findings.warn("sites", f"no column {' and no '.join(absent)}", then="taken as 0")


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
    near = nearest(column.name, names)
    hint = (
        f"Did you mean {near}? Rename it to {column.name}."
        if near
        else f"Add it; the layer has {quote(names, most=8) or 'no columns'}."
    )
    findings.fault(layer, f"has no column {column.name}", hint)


def _numeric(frame: gpd.GeoDataFrame, *columns: str) -> bool:
    """Whether all columns are there and could be read as numbers."""
    return all(
        column in frame and pd.api.types.is_numeric_dtype(frame[column]) for column in columns
    )
