"""Bridges and cuts of a city: rows of a layer or a file, checked against its units and borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .adjacency import Adjacency, shared_borders
from .columns import LAYERS
from .edge_changes import EdgeChange, change_faults, with_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from ..models.formulation import IntArray
    from .adjacency import GeometryArray
    from .faults import Findings
    from .policy import Policy

LAYER = "edge_changes"


def changes_of_layer(table: gpd.GeoDataFrame, findings: Findings) -> tuple[EdgeChange, ...]:
    """
    Return the rows of the layer ``edge_changes``; each one that cannot be used is a fault.

    Parameters
    ----------
    table
        Its rows, read by the schema and indexed by the row number that the user sees.
    findings
        Where faults go.
    """
    changes: list[EdgeChange] = []
    if any(column.required and column.name not in table for column in LAYERS[LAYER]):
        return ()
    known = table[[column.name for column in LAYERS[LAYER]]]
    rows = known.astype(object).where(known.notna(), None)
    for row, record in zip(rows.index, rows.to_dict("records"), strict=True):
        try:
            given = {str(name): value for name, value in record.items()}
            changes.append(EdgeChange.from_record(given, f"{LAYER}, row {row}"))
        except ValueError as error:
            findings.faults.append(str(error))
    return tuple(changes)


def check_changes(
    changes: Sequence[EdgeChange],
    units: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    policy: Policy,
    findings: Findings,
) -> None:
    """
    Refuse changes that name unknown units, or remove a border that is not there.

    Parameters
    ----------
    changes
        All of them, in the order in which they are made.
    units, barriers
        The layers, in metres.
    policy
        Which borders connect.
    findings
        Where faults go; each names the place, the column and the units.
    """
    if not changes:
        return
    ids = units["unit_id"].astype(str).tolist()
    row_of = {unit: row for row, unit in enumerate(ids)}
    named = {unit for change in changes for unit in (change.unit_a, change.unit_b)}
    rows = np.array(sorted(row_of[unit] for unit in named & set(row_of)), dtype=np.int64)
    shapes: GeometryArray = np.asarray(units.geometry, dtype=object)[rows]
    found = policy_borders(shapes, barriers, policy)
    findings.faults += change_faults(Adjacency(rows[found.pairs], found.length_m), changes, row_of)


def policy_borders(
    shapes: GeometryArray, barriers: gpd.GeoDataFrame | None, policy: Policy
) -> Adjacency:
    """Pairs of units whose border connects, by the policy; barriers cut it."""
    rules = policy.split
    return shared_borders(
        shapes,
        min_length_m=rules.min_border_m,
        contiguity=rules.contiguity,
        connect_gap_m=rules.connect_gap_m,
        barriers=barriers,
        barrier_share=rules.barrier_share,
        barrier_width_m=rules.barrier_width_m,
    )


def unit_neighbours(
    units: gpd.GeoDataFrame,
    members: IntArray,
    barriers: gpd.GeoDataFrame | None,
    policy: Policy,
    changes: Sequence[EdgeChange],
) -> Adjacency:
    """
    Pairs of some units whose border connects, after the changes that concern two of them.

    Parameters
    ----------
    units, barriers
        Layers of a city.
    members
        Rows of the units, shape (members,).
    policy
        Which borders connect.
    changes
        Bridges and cuts of the city.
    """
    shapes: GeometryArray = np.asarray(units.geometry, dtype=object)[members]
    found = policy_borders(shapes, barriers, policy)
    if not changes:
        return found
    return with_changes(found, changes, units["unit_id"].astype(str).iloc[members].tolist())
