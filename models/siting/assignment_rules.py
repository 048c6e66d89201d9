"""
What the siting problems with loads share: permitted pairs, least loads, split or single service.

Variables: y_j = 1 if site j is open, x_ij = share of client i that site j serves; the columns y
come first and the columns x next, client by client. Costs are infinite where a site may not serve
a client; these pairs keep their column, with x_ij = 0.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import (
    TOLERANCE,
    Allocation,
    SplitAllocation,
    add_links,
    allocation_costs,
    allocation_misfits,
    allocation_violations,
    capacity_violations,
    decode_assigned,
    encode_assigned,
    shape_violations,
    site_loads,
)

Served = Allocation | SplitAllocation


def pair_matrix(label: str, costs: FloatArray | sparse.csr_array) -> FloatArray:
    """
    Turn costs of pairs into a matrix that is infinite where a site may not serve a client.

    Parameters
    ----------
    label
        What the numbers are called, for messages.
    costs
        Matrix of shape (clients, sites) that may hold infinite entries, or a CSR array of the
        permitted pairs.

    Raises
    ------
    ValueError
        If there are no clients or sites, or an entry is negative or not a number.
    """
    if costs.ndim != 2 or 0 in costs.shape:
        raise ValueError(
            f"{label} has shape {costs.shape}, expected (clients, sites) with at least one of each."
        )
    if isinstance(costs, np.ndarray):
        matrix = costs
    else:
        pairs = sparse.coo_array(costs)
        matrix = np.full(costs.shape, np.inf)
        matrix[pairs.row, pairs.col] = pairs.data
    wrong = np.argwhere(~(matrix >= 0))
    if wrong.size:
        client, site = wrong[0].tolist()
        raise ValueError(
            f"{label}[{client}, {site}] is {matrix[client, site]}; give a number >= 0, or infinity "
            "where the site may not serve the client."
        )
    return matrix


def serving_costs(costs: FloatArray, solution: Served) -> float:
    """Cost of serving all clients; infinite if one has no site or one that may not serve it."""
    if isinstance(solution, Allocation):
        return float(allocation_costs(costs, solution).sum())
    used = solution.share != 0
    return float((costs[used] * solution.share[used]).sum())


def loads_of(demand: FloatArray, solution: Served) -> FloatArray:
    """Sum up the demand that each site serves, shape (sites,)."""
    if isinstance(solution, Allocation):
        return site_loads(demand, solution)
    return np.asarray(demand @ solution.share)


def solution_violations(
    costs: FloatArray, solution: Served, *, single_source: bool
) -> tuple[list[str], list[str]]:
    """Misfits of the shape (nothing else can then be told), and rules of serving that break."""
    if isinstance(solution, Allocation):
        misfits = allocation_misfits(solution, shape=costs.shape)
        if misfits:
            return misfits, []
        client = np.flatnonzero(solution.site_of_client >= 0)
        used = np.column_stack([client, solution.site_of_client[client]])
        return [], allocation_violations(solution) + _forbidden_pairs(costs, used)
    misfits = shape_violations(share=(solution.share, costs.shape))
    if misfits:
        return misfits, []
    broken = share_violations(solution, single_source=single_source)
    return [], broken + _forbidden_pairs(costs, np.argwhere(solution.share > TOLERANCE))


def _forbidden_pairs(costs: FloatArray, used: IntArray) -> list[str]:
    """Name the pairs that are used and may not be."""
    return [
        f"client {i} is served by site {j}, which may not serve it"
        for i, j in used[~np.isfinite(costs[used[:, 0], used[:, 1]])]
    ]


def share_violations(solution: SplitAllocation, *, single_source: bool) -> list[str]:
    """Name the clients and pairs whose shares break a rule."""
    share = solution.share
    served, positive = share.sum(axis=1), share > TOLERANCE
    partly = np.flatnonzero(~(np.abs(served - 1) <= TOLERANCE))
    broken = [f"client {i} is served to {served[i]:g} of its demand, not 1" for i in partly]
    broken += [
        f"client {i} has share {share[i, j]:g} < 0 at site {j}"
        for i, j in np.argwhere(share < -TOLERANCE)
    ]
    broken += [
        f"client {i} is served by site {j}, which is closed"
        for i, j in np.argwhere(positive & ~solution.is_open)
    ]
    if single_source:
        split = np.flatnonzero(positive.sum(axis=1) > 1)
        broken += [f"client {i} is served by several sites, not one" for i in split]
    return broken


def load_violations(
    loads: FloatArray,
    is_open: BoolArray,
    *,
    capacity: FloatArray | None,
    least_load: FloatArray | None,
) -> list[str]:
    """Name the sites that serve more than their capacity, or are open and serve too little."""
    broken = [] if capacity is None else capacity_violations(loads, capacity)
    if least_load is None:
        return broken
    under = np.flatnonzero(is_open & (loads < least_load - TOLERANCE * (1 + least_load)))
    return broken + [
        f"site {j} is open and serves {loads[j]:g}, less than its least load {least_load[j]:g}"
        for j in under
    ]


def add_permitted_assignment(
    builder: ModelBuilder, costs: FloatArray, *, integer: bool = False
) -> IntArray:
    """Add columns x_ij, 0 where the cost is infinite, and Σ_j x_ij = 1; return the columns."""
    permitted = np.isfinite(costs)
    x = builder.add_columns(
        np.where(permitted, costs, 0.0).ravel(),
        upper=permitted.ravel().astype(float),
        integer=integer,
    )
    client = np.repeat(np.arange(costs.shape[0]), costs.shape[1])
    builder.add_rows(client, x, 1, lower=np.ones(costs.shape[0]), upper=1)
    return x.reshape(costs.shape)


def add_permitted_links(builder: ModelBuilder, x: IntArray, y: IntArray, costs: FloatArray) -> None:
    """Add x_ij ≤ y_j for every pair that may be used."""
    permitted = np.isfinite(costs)
    if permitted.all():
        add_links(builder, x, y)
        return
    column, pair = x[permitted], np.arange(int(permitted.sum()))
    site = np.broadcast_to(y, x.shape)[permitted]
    builder.add_rows(
        np.r_[pair, pair],
        np.r_[column, site],
        np.repeat([1, -1], pair.size),
        upper=np.zeros(pair.size),
    )


def add_least_load(
    builder: ModelBuilder, x: IntArray, y: IntArray, *, demand: FloatArray, least_load: FloatArray
) -> None:
    """Add Σ_i q_i x_ij ≥ L_j y_j for every site."""
    num_clients, num_sites = x.shape
    site = np.arange(num_sites)
    builder.add_rows(
        np.r_[np.tile(site, num_clients), site],
        np.r_[x.ravel(), y],
        np.r_[np.repeat(demand, num_sites), -least_load],
        lower=np.zeros(num_sites),
    )


def decode_cheapest(values: FloatArray, *, costs: FloatArray) -> Allocation:
    """Read the open sites, and allot each client to the cheapest that may serve it, -1 if none."""
    return cheapest_allocation(costs, values[: costs.shape[1]] > 0.5)


def cheapest_allocation(costs: FloatArray, is_open: BoolArray) -> Allocation:
    """
    Allot each client to the open site where it costs least; costs may be infinite.

    Examples
    --------
    >>> costs = np.array([[np.inf, 2.0], [np.inf, np.inf]])
    >>> cheapest_allocation(costs, np.array([True, True])).site_of_client.tolist()
    [1, -1]
    """
    sites = np.flatnonzero(is_open)
    if not sites.size:
        return Allocation(is_open, np.full(costs.shape[0], -1, dtype=np.int64))
    best = np.argmin(costs[:, sites], axis=1)
    served = np.isfinite(costs[np.arange(costs.shape[0]), sites[best]])
    return Allocation(is_open, np.where(served, sites[best], -1))


def decode_shares(values: FloatArray, *, costs: FloatArray, split: bool) -> Served:
    """Read the open sites, and the shares or the one site of each client."""
    if not split:
        return decode_assigned(values, shape=costs.shape)
    num_sites = costs.shape[1]
    is_open: BoolArray = values[:num_sites] > 0.5
    x = values[num_sites : num_sites + costs.size].reshape(costs.shape)
    return SplitAllocation(is_open, np.where(is_open, np.maximum(x, 0), 0.0))


def encode_shares(solution: Served, *, shape: tuple[int, int]) -> FloatArray:
    """Write the open sites and the shares of the pairs."""
    if isinstance(solution, SplitAllocation):
        return np.concatenate([solution.is_open.astype(float), solution.share.ravel()])
    return encode_assigned(solution, shape=shape)
