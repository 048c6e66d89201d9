"""The communities of a city: as drawn, or as the union of their units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from .notes import note
from .shapes import unite

if TYPE_CHECKING:
    from .faults import Findings


def community_table(
    units: gpd.GeoDataFrame, drawn: gpd.GeoDataFrame | None, findings: Findings
) -> gpd.GeoDataFrame:
    """
    Return one row a community that has units, with id, name, street and polygon.

    Parameters
    ----------
    units
        The units, which form a coverage.
    drawn
        The layer of communities, if there is one; its columns pass through.
    findings
        Where communities without units are reported.
    """
    derived = _dissolve(units)
    if drawn is None:
        return derived
    used = drawn["community_id"].isin(derived["community_id"])
    if not used.all():
        unused = [note("row_community", community=name) for name in drawn["community_id"][~used]]
        findings.warn("communities", "communities_empty", rows=unused, count=len(unused))
    kept = drawn[used].reset_index(drop=True)
    facts = derived.set_index("community_id").loc[kept["community_id"]]
    name = facts["name"].to_numpy(dtype=object)
    if "name" in kept:
        name = np.where(kept["name"].notna(), kept["name"].to_numpy(dtype=object), name)
    kept = kept.assign(name=name)
    if "street_id" not in kept:
        kept = kept.assign(street_id=facts["street_id"].to_numpy(dtype=object))
    return kept


def _dissolve(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Unite the units of every community, in the order in which the communities appear."""
    labels, ids = pd.factorize(units["community_id"])
    order = np.argsort(labels, kind="stable")
    shapes = np.asarray(units.geometry, dtype=object)[order]
    ends = np.cumsum(np.bincount(labels))
    outlines = [unite(part) for part in np.split(shapes, ends[:-1])]
    columns = {
        "community_id": ids,
        "name": _first_text(units, labels, ("community_name", "community"), list(ids)),
        "street_id": _first_text(units, labels, ("street_id",), [None] * len(ids)),
    }
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=units.crs)


def _first_text(
    units: gpd.GeoDataFrame, labels: object, columns: tuple[str, ...], otherwise: list[object]
) -> list[object]:
    """Return the first value that a unit of every community has in one of the columns."""
    found = list(otherwise)
    for column in reversed(columns):
        if column in units:
            for label, value in units[column].groupby(labels).first().items():
                found[label] = found[label] if pd.isna(value) else value
    return found
