"""Who uses which facility: floor area within reach and capacity, with the least walking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ....models.formulation import FloatArray, IntArray
from ....models.siting.capacity_flow import LARGEST, Capacities
from ...solvers.network_flow import min_cost_flow

UNSERVED_MINUTES = 1000.0
"""Minutes that floor area counts which nobody can be given: more than any walk."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """
    Floor area that units use, a row for each pair of unit and facility.

    Parameters
    ----------
    row, facility
        Row of the capacities and facility, shape (pairs,) each.
    area_m2
        Floor area used, shape (pairs,).
    unserved_m2
        Floor area of each row of the capacities that is not served, shape (rows,).
    """

    row: IntArray
    facility: IntArray
    area_m2: FloatArray
    unserved_m2: FloatArray


def assign(capacities: Capacities, area_m2: FloatArray, minutes: sparse.csr_array) -> Assignment:
    """
    Assign floor area to those who need it: as much as can be, then with the least walking.

    A transportation problem (Hitchcock 1941, Journal of Mathematics and Physics 20).

    Parameters
    ----------
    capacities
        Who needs how much of which facilities.
    area_m2
        Floor area of the facilities, shape (facilities,).
    minutes
        Walking minutes of rows to facilities, with the pattern of ``capacities.facilities``.

    Raises
    ------
    RuntimeError
        If the flow cannot be computed.
    """
    pairs = sparse.coo_array(minutes)
    open_pairs = area_m2[pairs.col] > 0
    row, facility = pairs.row[open_pairs], pairs.col[open_pairs]
    walk = pairs.data[open_pairs]
    rows, num = capacities.need_m2.size, area_m2.size
    scale = min(1000.0, LARGEST / max(float(capacities.need_m2.sum()), 1e-9))
    need = np.rint(capacities.need_m2 * scale).astype(np.int64)
    room = np.floor(area_m2 * scale + 1e-6).astype(np.int64)
    some = np.unique(facility)
    sink, spare = rows + num, rows + num + 1
    tail = np.r_[row, rows + some, np.arange(rows), spare]
    head = np.r_[rows + facility, np.full(some.size, sink), np.full(rows, spare), sink]
    size = np.r_[need[row], room[some], need, need.sum()]
    cost = np.r_[walk, np.zeros(some.size), np.full(rows, UNSERVED_MINUTES), 0.0]
    supply = np.r_[need, np.zeros(num, dtype=np.int64), -need.sum(), 0]
    sent = min_cost_flow(tail, head, size, np.rint(cost * 100).astype(np.int64), supply)
    used = sent[: row.size] / scale
    there = used > 0
    unserved = sent[row.size + some.size : row.size + some.size + rows] / scale
    where = np.flatnonzero(there)
    return Assignment(
        row[where].astype(np.int64), facility[where].astype(np.int64), used[where], unserved
    )
