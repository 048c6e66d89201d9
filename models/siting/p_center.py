"""
The p-center problem: open p sites so that no client is far from the closest of them.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open.

Classical formulation (Daskin 1995, "Network and Discrete Location", Wiley, chapter 5); x_ij = share
of client i that site j serves, r = largest distance. Minimise r subject to

    Σ_j x_ij = 1                             every client i              (assign)
    x_ij ≤ y_j                               every client i, site j      (link)
    Σ_j d_ij x_ij ≤ r                        every client i              (radius)
    Σ_j y_j = p                                                          (count)

x is continuous: once y is binary, nothing is shorter than going to the closest open site.

Radius formulation (Elloumi, Labbé and Pochet 2004, "A new formulation and resolution method for the
p-center problem", INFORMS Journal on Computing 16(1)). With the distinct distances
D^0 < ... < D^K of all pairs, z^k = 1 if a client has no open site nearer than D^k. Minimise
D^0 + Σ_{k≥1} (D^k - D^{k-1}) z^k subject to

    z^k + Σ_{j: d_ij < D^k} y_j ≥ 1          every client i, k ≥ 1       (cover)
    z^k ≥ z^{k+1}                            every k < K                 (order)
    Σ_j y_j = p                                                          (count)

By (order) only those rows (cover) are needed where D^k is a distance of client i itself (Ales and
Elloumi 2018, "Compact MILP formulations for the p-center problem", ISCO 2018). z is continuous:
once y is binary, its least values are 0 or 1.
"""

from __future__ import annotations

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
    check_p,
    count_violations,
    decode_open,
    encode_assigned,
)


@dataclass(frozen=True, eq=False)
class PCenter:
    """
    One p-center problem as arrays.

    Parameters
    ----------
    distances
        Distance from client to site, shape (clients, sites).
    p
        Number of sites to open.

    Raises
    ------
    ValueError
        If a distance is negative or not finite, or p is not in 1..sites.
    """

    distances: FloatArray
    p: int

    def __post_init__(self) -> None:
        """Refuse distances and a p that make no sense."""
        check_matrix("distances", self.distances)
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
        """Largest distance of a client to its site; infinite if one has none."""
        return float(allocation_costs(self.distances, allocation).max())

    def violations(self, allocation: Allocation) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits = allocation_misfits(allocation, shape=self.distances.shape)
        if misfits:
            return misfits
        return allocation_violations(allocation) + count_violations(allocation.is_open, p=self.p)


def p_center_model(problem: PCenter) -> AllocationModel[Allocation]:
    """Build the classical formulation, with a column for each pair of client and site."""
    num_clients, num_sites = problem.distances.shape
    builder = ModelBuilder("p-center")
    y = builder.add_columns(np.zeros(num_sites), upper=1, integer=True)
    x = add_assignment(builder, np.zeros(problem.distances.shape))
    radius = builder.add_columns([1.0], upper=problem.distances.max())
    add_links(builder, x, y)
    client = np.arange(num_clients)
    builder.add_rows(
        np.r_[np.repeat(client, num_sites), client],
        np.r_[x.ravel(), np.repeat(radius, num_clients)],
        np.r_[problem.distances.ravel(), -np.ones(num_clients)],
        upper=np.zeros(num_clients),
    )
    add_count(builder, y, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=problem.distances),
        encode=partial(_encode_assigned, problem=problem),
    )


def _encode_assigned(allocation: Allocation, *, problem: PCenter) -> FloatArray:
    """Write the open sites, the site of each client and the largest distance."""
    values = encode_assigned(allocation, shape=problem.distances.shape)
    return np.append(values, problem.evaluate(allocation))


def p_center_radius_model(problem: PCenter) -> AllocationModel[Allocation]:
    """Build the radius formulation, with a column for each distinct distance."""
    radii, radius_of = np.unique(problem.distances, return_inverse=True)
    builder = ModelBuilder("p-center-radius", offset=float(radii[0]))
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    z = builder.add_columns(np.diff(radii), upper=1)
    _add_cover(builder, y, z, radius_of.reshape(problem.distances.shape))
    pair = np.arange(max(z.size - 1, 0))
    builder.add_rows(
        np.r_[pair, pair],
        np.r_[z[:-1], z[1:]],
        np.repeat([1, -1], pair.size),
        lower=np.zeros(pair.size),
    )
    add_count(builder, y, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=problem.distances),
        encode=partial(_encode_radii, problem=problem, radii=radii),
    )


def _add_cover(builder: ModelBuilder, y: IntArray, z: IntArray, radius_of: IntArray) -> None:
    """Add the rows (cover) at each client's own distances, D^0 left out."""
    order = np.argsort(radius_of, axis=1, kind="stable")
    sorted_radius = np.take_along_axis(radius_of, order, axis=1)
    new = sorted_radius > 0
    new[:, 1:] &= sorted_radius[:, 1:] != sorted_radius[:, :-1]
    client, num_nearer = np.nonzero(new)
    row = np.arange(client.size)
    nearer_row = np.repeat(row, num_nearer)
    nearer = np.arange(nearer_row.size) - np.repeat(np.cumsum(num_nearer) - num_nearer, num_nearer)
    builder.add_rows(
        np.r_[row, nearer_row],
        np.r_[z[sorted_radius[new] - 1], y[order[client[nearer_row], nearer]]],
        1,
        lower=np.ones(row.size),
    )


def _encode_radii(allocation: Allocation, *, problem: PCenter, radii: FloatArray) -> FloatArray:
    """Write the open sites, and which radii the largest distance reaches."""
    reached = problem.evaluate(allocation) >= radii[1:]
    return np.concatenate([allocation.is_open, reached]).astype(float)
