"""Compiled kernels that open and close sites and keep what follows from it up to date."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import inner_kernel, kernel


class Arrays(NamedTuple):
    """
    A covering problem as arrays, both by rows and by columns.

    Parameters
    ----------
    row_ptr, row_sites
        Sites that cover each row.
    site_ptr, site_rows
        Rows that each site covers.
    weights
        Weight of each row.
    costs
        Cost of each site.
    near_ptr, near_sites
        Sites that may not be open together with each site.
    """

    row_ptr: IntArray
    row_sites: IntArray
    site_ptr: IntArray
    site_rows: IntArray
    weights: FloatArray
    costs: FloatArray
    near_ptr: IntArray
    near_sites: IntArray


class State(NamedTuple):
    """
    A choice of sites and what follows from it.

    Parameters
    ----------
    is_open
        1 if a site is open.
    opened, slot, number
        The open sites in any order, the place of each among them, and how many there are, shape
        (1,).
    times
        Number of open sites that cover each row.
    owner
        Sum of the numbers of the open sites that cover each row: the site itself where it is one.
    value
        Weight that a closed site would add, or that is lost without an open one.
    blocked
        Number of open sites that may not be open together with each site.
    since
        Step from which each site may be changed again.
    sums
        Weight that is covered, and cost of the open sites, shape (2,).
    """

    is_open: IntArray
    opened: IntArray
    slot: IntArray
    number: IntArray
    times: IntArray
    owner: IntArray
    value: FloatArray
    blocked: IntArray
    since: IntArray
    sums: FloatArray


def empty_state(arrays: Arrays) -> State:
    """Return a state to be set up."""
    num_rows, num_sites = arrays.weights.size, arrays.costs.size

    def zeros(size: int) -> IntArray:
        return np.zeros(size, dtype=np.int64)

    return State(
        is_open=zeros(num_sites),
        opened=zeros(num_sites),
        slot=zeros(num_sites),
        number=zeros(1),
        times=zeros(num_rows),
        owner=zeros(num_rows),
        value=np.zeros(num_sites),
        blocked=zeros(num_sites),
        since=zeros(num_sites),
        sums=np.zeros(2),
    )


@inner_kernel
def open_site(a: Arrays, s: State, j: int) -> None:
    """Open a closed site."""
    own = s.value[j]
    for k in range(a.site_ptr[j], a.site_ptr[j + 1]):
        row = a.site_rows[k]
        if s.times[row] == 0:
            weight = a.weights[row]
            for m in range(a.row_ptr[row], a.row_ptr[row + 1]):
                s.value[a.row_sites[m]] -= weight
        elif s.times[row] == 1:
            s.value[s.owner[row]] -= a.weights[row]
        s.times[row] += 1
        s.owner[row] += j
    s.value[j] = own
    for k in range(a.near_ptr[j], a.near_ptr[j + 1]):
        s.blocked[a.near_sites[k]] += 1
    s.is_open[j] = 1
    s.opened[s.number[0]] = j
    s.slot[j] = s.number[0]
    s.number[0] += 1
    s.sums[0] += own
    s.sums[1] += a.costs[j]


@inner_kernel
def close_site(a: Arrays, s: State, j: int) -> None:
    """Close an open site."""
    own = s.value[j]
    for k in range(a.site_ptr[j], a.site_ptr[j + 1]):
        row = a.site_rows[k]
        s.times[row] -= 1
        s.owner[row] -= j
        if s.times[row] == 0:
            weight = a.weights[row]
            for m in range(a.row_ptr[row], a.row_ptr[row + 1]):
                s.value[a.row_sites[m]] += weight
        elif s.times[row] == 1:
            s.value[s.owner[row]] += a.weights[row]
    s.value[j] = own
    for k in range(a.near_ptr[j], a.near_ptr[j + 1]):
        s.blocked[a.near_sites[k]] -= 1
    s.is_open[j] = 0
    s.number[0] -= 1
    last = s.opened[s.number[0]]
    s.opened[s.slot[j]] = last
    s.slot[last] = s.slot[j]
    s.sums[0] -= own
    s.sums[1] -= a.costs[j]


@kernel
def reset(a: Arrays, s: State, wanted: IntArray) -> None:
    """Set up the state of a choice of sites."""
    s.times[:] = 0
    s.owner[:] = 0
    s.blocked[:] = 0
    s.is_open[:] = 0
    s.number[0] = 0
    s.sums[:] = 0.0
    for j in range(a.costs.size):
        total = 0.0
        for k in range(a.site_ptr[j], a.site_ptr[j + 1]):
            total += a.weights[a.site_rows[k]]
        s.value[j] = total
    for j in range(a.costs.size):
        if wanted[j]:
            open_site(a, s, j)


@kernel
def greedy(
    a: Arrays, s: State, most: int, budget: float, per_cost: bool, least_value: float
) -> None:
    """Open what adds most weight (perhaps per cost), above a least value, while a site fits."""
    while s.number[0] < most:
        into, top = -1, least_value
        for j in range(a.costs.size):
            if s.is_open[j] or s.blocked[j] or s.sums[1] + a.costs[j] > budget:
                continue
            value = s.value[j] / max(a.costs[j], 1e-12) if per_cost else s.value[j]
            if value > top:
                into, top = j, value
        if into < 0:
            return
        open_site(a, s, into)
