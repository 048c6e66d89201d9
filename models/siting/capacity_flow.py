"""
Floor area within reach: households are assigned to facilities, not only counted.

Whether all can be is a flow from units to facilities (Gale 1957, "A theorem on flows in networks",
Pacific Journal of Mathematics 7; Hall 1935): it is possible if and only if every set U of units
finds enough in all facilities that serve any of them,

    Σ_{f serves some i in U} a_f ≥ Σ_{i in U} need_i.

What lacks is told by area (community) c: with d_c m² unserved in it, the same sets want

    Σ_{f serves some i in U} a_f + Σ_{c meets U} d_c ≥ Σ_{i in U} need_i.

The set that is short by most is the side of the source in a minimum cut (Ford and Fulkerson 1956,
Canadian Journal of Mathematics 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ..equal_rows import equal_rows
from ..formulation import BoolArray, FloatArray, IntArray

LARGEST = 2_000_000_000
"""Flows are whole numbers of 32 bits; their unit is chosen so that sums stay below this."""


@dataclass(frozen=True, eq=False)
class Capacities:
    """
    Floor area that units use, of the facilities within their reach (Gale 1957; Hall 1935).

    Parameters
    ----------
    unit, need_m2
        Shape (rows,) each.
    area
        Community of each row: what lacks is told by community, shape (rows,).
    facilities
        Facilities that may serve the row, boolean CSR of shape (rows, facilities).
    """

    unit: IntArray
    need_m2: FloatArray
    area: IntArray
    facilities: sparse.csr_array

    @property
    def num_areas(self) -> int:
        """Number of communities."""
        return int(self.area.max()) + 1 if self.area.size else 0

    @cached_property
    def equal_rows(self) -> tuple[IntArray, IntArray]:
        """One row of each set that has the same facilities and area, and the set of each row."""
        return equal_rows(self.facilities, self.area)

    @cached_property
    def merged(self) -> Capacities:
        """The same with equal rows merged: those of one area with the same facilities."""
        first, member = self.equal_rows
        need = np.bincount(member, self.need_m2, first.size).astype(float)
        table = sparse.csr_array(self.facilities[first])
        return Capacities(np.arange(first.size), need, self.area[first], table)


@dataclass(frozen=True, eq=False)
class CapacityFlow:
    """
    A largest flow of units to facilities.

    Parameters
    ----------
    lacking_m2
        What cannot be served.
    rows
        Rows of the set that is short by most, shape (rows,).
    facilities
        All that may serve one of them, shape (facilities,).
    """

    lacking_m2: float
    rows: BoolArray
    facilities: BoolArray


def largest_flow(
    capacities: Capacities, area_m2: FloatArray, unserved_m2: FloatArray | None = None
) -> CapacityFlow:
    """
    Send as much floor area as possible from facilities to those who need it.

    Parameters
    ----------
    capacities
        Who needs how much of which facilities.
    area_m2
        Floor area of the facilities, shape (facilities,).
    unserved_m2
        What may stay unserved in each area, shape (areas,); None for nothing.

    Returns
    -------
    CapacityFlow
        Its set is exact whatever the rounding of the flow: what it lacks is summed up anew.
    """
    merged = capacities.merged
    none = np.zeros(capacities.need_m2.size, dtype=bool)
    nothing = CapacityFlow(0.0, none, np.zeros(capacities.facilities.shape[1], dtype=bool))
    if not none.size:
        return nothing
    spare = np.zeros(capacities.num_areas) if unserved_m2 is None else unserved_m2
    inside = _short_rows(merged, area_m2, spare)
    serving = _serving(merged, inside)
    met = np.unique(merged.area[inside])
    lacking = merged.need_m2[inside].sum() - area_m2[serving].sum() - spare[met].sum()
    if lacking <= 1e-6 * max(1.0, merged.need_m2.sum()):
        return nothing
    return CapacityFlow(float(lacking), inside[capacities.equal_rows[1]], serving)


def flow_of_rows(capacities: Capacities, rows: BoolArray) -> CapacityFlow:
    """
    Return the condition on a set of rows, whether or not it is short of anything.

    Parameters
    ----------
    capacities
        Who needs how much of which facilities.
    rows
        The set, shape (rows,).
    """
    merged = capacities.merged
    inside = np.bincount(capacities.equal_rows[1], rows, merged.unit.size) > 0
    return CapacityFlow(0.0, rows, _serving(merged, inside))


def _serving(capacities: Capacities, rows: BoolArray) -> BoolArray:
    """All facilities that may serve one of some rows, shape (facilities,)."""
    found = np.zeros(capacities.facilities.shape[1], dtype=bool)
    found[sparse.csr_array(capacities.facilities[np.flatnonzero(rows)]).indices] = True
    return found


def _short_rows(merged: Capacities, area_m2: FloatArray, spare: FloatArray) -> BoolArray:
    """Rows on the side of the source in a minimum cut."""
    rows, columns = merged.facilities.shape
    areas = spare.size
    total = merged.need_m2.sum() + area_m2.sum() + spare.sum()
    scale = min(1000.0, LARGEST / max(total, 1e-9))
    need = np.floor(merged.need_m2 * scale).astype(np.int32)
    room = np.ceil(np.r_[area_m2, spare] * scale - 1e-9).astype(np.int32)
    source, sink = rows + columns + areas, rows + columns + areas + 1
    pairs = sparse.coo_array(merged.facilities)
    gives = np.flatnonzero(room[pairs.col] > 0)
    row, column = pairs.row[gives], pairs.col[gives]
    numbers = np.arange(rows)
    tail = np.r_[np.full(rows, source), row, numbers, rows + np.arange(columns + areas)]
    head = np.r_[
        numbers, rows + column, rows + columns + merged.area, np.full(columns + areas, sink)
    ]
    size = np.r_[need, need[row], need, room]
    graph = sparse.csr_array((size, (tail, head)), shape=(sink + 1, sink + 1))
    rest = sparse.csr_array(graph - csgraph.maximum_flow(graph, source, sink).flow)
    rest.data = (rest.data > 0).astype(np.int32)
    rest.eliminate_zeros()
    reached = csgraph.breadth_first_order(rest, source, return_predecessors=False)
    inside = np.zeros(sink + 1, dtype=bool)
    inside[reached] = True
    return np.asarray(inside[:rows])
