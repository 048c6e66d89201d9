"""
The p-median problem: open p sites so that clients travel least to the closest of them.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open.

Classical formulation (ReVelle and Swain 1970, "Central facilities location", Geographical
Analysis 2(1)); x_ij = share of client i that site j serves. Minimise Σ w_i d_ij x_ij subject to

    Σ_j x_ij = 1                                   every client i          (assign)
    x_ij ≤ y_j                                     every client i, site j  (link)
    Σ_j y_j = p                                                            (count)

x is continuous: once y is binary, the closest open site takes all of a client.

Radius formulation (Cornuéjols, Nemhauser and Wolsey 1980, "A canonical representation of simple
plant location problems and its applications", SIAM Journal on Algebraic and Discrete Methods 1(3);
Elloumi 2010, "A tighter formulation of the p-median problem", Journal of Combinatorial
Optimization 19(1)). With the distinct distances D_i^1 < ... < D_i^K of client i, z_i^k = 1 if no
site within D_i^k is open. Minimise Σ_i w_i (D_i^1 + Σ_{k<K} (D_i^{k+1} - D_i^k) z_i^k) subject to

    z_i^k + Σ_{j: d_ij = D_i^k} y_j ≥ z_i^{k-1}    every client i, k ≤ K   (radius)
    Σ_j y_j = p                                                            (count)

where z_i^0 = 1 and z_i^K = 0. z is continuous: once y is binary, its least values are 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import (
    Allocation,
    AllocationModel,
    add_assignment,
    add_count,
    add_links,
    allocation_costs,
    allocation_misfits,
    allocation_violations,
    check_matrix,
    check_numbers,
    check_p,
    count_violations,
    decode_open,
    encode_assigned,
)


@dataclass(frozen=True, eq=False)
class PMedian:
    """
    One p-median problem as arrays.

    Parameters
    ----------
    distances
        Distance from client to site, shape (clients, sites).
    weights
        Weight of each client (residents, demand), shape (clients,).
    p
        Number of sites to open.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, or p is not in 1..sites.

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 5.0])
    >>> problem = PMedian(np.abs(line[:, None] - line), weights=np.ones(3), p=2)
    >>> problem.evaluate(Allocation(np.array([True, False, True]), np.array([0, 0, 2])))
    1.0
    """

    distances: FloatArray
    weights: FloatArray
    p: int

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_matrix("distances", self.distances)
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        check_p(self.p, num_sites=self.num_sites)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.distances.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.distances.shape[1])

    def evaluate(self, allocation: Allocation) -> float:
        """Weighted distance of all clients to their sites; infinite if one has none."""
        distances = allocation_costs(self.distances, allocation)
        return float(self.weights @ distances) if np.isfinite(distances).all() else math.inf

    def violations(self, allocation: Allocation) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits = allocation_misfits(allocation, shape=self.distances.shape)
        if misfits:
            return misfits
        return allocation_violations(allocation) + count_violations(allocation.is_open, p=self.p)


def p_median_model(problem: PMedian) -> AllocationModel[Allocation]:
    """Build the classical formulation, with a column for each pair of client and site."""
    builder = ModelBuilder("p-median")
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    x = add_assignment(builder, problem.weights[:, None] * problem.distances)
    add_links(builder, x, y)
    add_count(builder, y, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=problem.distances),
        encode=partial(encode_assigned, shape=problem.distances.shape),
    )


def p_median_radius_model(problem: PMedian) -> AllocationModel[Allocation]:
    """Build the radius formulation, with a column for each distinct distance of a client."""
    order = np.argsort(problem.distances, axis=1, kind="stable")
    distances = np.take_along_axis(problem.distances, order, axis=1)
    new = np.ones(distances.shape, dtype=bool)
    new[:, 1:] = distances[:, 1:] != distances[:, :-1]
    client, radius = np.nonzero(new)[0], distances[new]
    same = client[1:] == client[:-1]
    # The rows are the radii of all clients, one after the other. The last radius of a client has
    # no z, so that the rows after those with a z are the rows that have the z before them.
    with_z = np.flatnonzero(same)
    builder = ModelBuilder("p-median-radius", offset=float(problem.weights @ distances[:, 0]))
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    z = builder.add_columns(problem.weights[client[with_z]] * np.diff(radius)[same], upper=1)
    builder.add_rows(
        np.r_[np.cumsum(new.ravel()) - 1, with_z, with_z + 1],
        np.r_[y[order.ravel()], z, z],
        np.r_[np.ones(order.size + z.size), -np.ones(z.size)],
        lower=np.r_[True, ~same].astype(float),
    )
    add_count(builder, y, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=problem.distances),
        encode=partial(
            _encode_radii, problem=problem, client=client[with_z], radius=radius[with_z]
        ),
    )


def _encode_radii(
    allocation: Allocation, *, problem: PMedian, client: IntArray, radius: FloatArray
) -> FloatArray:
    """Write the open sites, and which radii of the clients their sites lie beyond."""
    distances = allocation_costs(problem.distances, allocation)
    return np.concatenate([allocation.is_open, distances[client] > radius]).astype(float)
