"""
The p-median problem: open p sites so that clients travel least to the closest of them.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open.

Classical formulation (ReVelle and Swain 1970, "Central facilities location", Geographical
Analysis 2(1)); x_ij = share of client i that site j serves. Minimise Σ w_i d_ij x_ij subject to

    Σ_j x_ij = 1                                   every client i          (assign)
    x_ij ≤ y_j                                     every client i, site j  (link)
    Σ_j y_j = p                                                            (count)

and to the rules of :mod:`.site_rules`, which may take the place of (count); x_ij = 0 where site j
is beyond the reach of client i. x is continuous: once y is binary, the closest open site takes all
of a client.

Radius formulation (Cornuéjols, Nemhauser and Wolsey 1980, "A canonical representation of simple
plant location problems and its applications", SIAM Journal on Algebraic and Discrete Methods 1(3);
Elloumi 2010, "A tighter formulation of the p-median problem", Journal of Combinatorial
Optimization 19(1)). With the distinct distances D_i^1 < ... < D_i^K of client i, z_i^k = 1 if no
site within D_i^k is open. Minimise Σ_i w_i (D_i^1 + Σ_{k<K} (D_i^{k+1} - D_i^k) z_i^k) subject to

    z_i^k + Σ_{j: d_ij = D_i^k} y_j ≥ z_i^{k-1}    every client i, k ≤ K   (radius)
    Σ_j y_j = p                                                            (count)

where z_i^0 = 1 and z_i^K = 0, and only distances within reach count. z is continuous: once y is
binary, its least values are 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import (
    Allocation,
    AllocationModel,
    add_assignment,
    add_links,
    allocation_misfits,
    allocation_violations,
    check_numbers,
    check_reach,
    decode_open,
    encode_assigned,
)
from .distances import Distances, as_distances
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class PMedian:
    """
    One p-median problem as arrays.

    Parameters
    ----------
    distances
        Distance from client to site: a matrix of shape (clients, sites), a CSR array of the pairs
        within reach, or any other :class:`.distances.Distances`.
    weights
        Weight of each client (residents, demand), shape (clients,).
    p
        Number of sites to open; if ``rules`` have a ``least``, the most.
    reach
        Farthest site that may serve each client, shape (clients,); None for no limit.
    rules
        Which sites may be open together; None for no rule but p.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, p is not in 1..sites, or the rules
        contradict each other.

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 5.0])
    >>> problem = PMedian(np.abs(line[:, None] - line), weights=np.ones(3), p=2)
    >>> problem.evaluate(Allocation(np.array([True, False, True]), np.array([0, 0, 2])))
    1.0
    """

    distances: FloatArray | sparse.csr_array | Distances
    weights: FloatArray
    p: int
    reach: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        check_reach(self.reach, num_clients=self.num_clients)
        check_rules(self.rules, num_sites=self.num_sites, p=self.p)

    @cached_property
    def pairs(self) -> Distances:
        """The distances, in whichever form they came."""
        return as_distances(self.distances)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return self.pairs.shape[0]

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.pairs.shape[1]

    def served_distances(self, allocation: Allocation) -> FloatArray:
        """Distance of each client to its site, infinite where none can serve it."""
        site = allocation.site_of_client
        away = np.full(site.size, np.inf)
        served = np.flatnonzero(site >= 0)
        away[served] = self.pairs.of_pairs(served, site[served])
        return away

    def evaluate(self, allocation: Allocation) -> float:
        """Weighted distance of all clients to their sites; infinite if one has none."""
        away = self.served_distances(allocation)
        return float(self.weights @ away) if np.isfinite(away).all() else math.inf

    def violations(self, allocation: Allocation) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits = allocation_misfits(allocation, shape=self.pairs.shape)
        if misfits:
            return misfits
        broken = allocation_violations(allocation)
        away, site = self.served_distances(allocation), allocation.site_of_client
        reach = np.full(site.size, np.inf) if self.reach is None else self.reach
        broken += [
            f"client {i} is served by site {site[i]}, {away[i]:g} away and beyond its reach "
            f"{reach[i]:g}"
            for i in np.flatnonzero((site >= 0) & ((away > reach) | np.isinf(away)))
        ]
        return broken + rule_violations(allocation.is_open, self.rules, p=self.p)

    def reachable(self) -> FloatArray:
        """All distances as one matrix, infinite beyond reach; for problems that are small."""
        dense = self.pairs.dense()
        return (
            dense if self.reach is None else np.where(dense <= self.reach[:, None], dense, np.inf)
        )


def p_median_model(problem: PMedian) -> AllocationModel[Allocation]:
    """Build the classical formulation, with a column for each pair of client and site."""
    distances = problem.reachable()
    near = np.isfinite(distances)
    builder = ModelBuilder("p-median")
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    costs = problem.weights[:, None] * np.where(near, distances, 0.0)
    x = add_assignment(builder, costs, allowed=near)
    add_links(builder, x, y)
    add_site_rules(builder, y, problem.rules, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=distances),
        encode=partial(encode_assigned, shape=distances.shape),
    )


def p_median_radius_model(problem: PMedian) -> AllocationModel[Allocation]:
    """Build the radius formulation, with a column for each distinct distance of a client."""
    within = problem.reachable()
    order = np.argsort(within, axis=1, kind="stable")
    distances = np.take_along_axis(within, order, axis=1)
    near = np.isfinite(distances)
    new = near.copy()
    new[:, 1:] &= distances[:, 1:] != distances[:, :-1]
    # A client without any site keeps one row, which nothing can satisfy.
    new[:, 0] = True
    client, radius = np.nonzero(new)[0], distances[new]
    same = client[1:] == client[:-1]
    # The rows are the radii of all clients, one after the other. The last radius of a client has
    # no z, so that the rows after those with a z are the rows that have the z before them.
    with_z = np.flatnonzero(same)
    nearest = np.where(near[:, 0], distances[:, 0], 0.0)
    builder = ModelBuilder("p-median-radius", offset=float(problem.weights @ nearest))
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    steps = radius[with_z + 1] - radius[with_z]
    z = builder.add_columns(problem.weights[client[with_z]] * steps, upper=1)
    row = np.cumsum(new.ravel()) - 1
    builder.add_rows(
        np.r_[row[near.ravel()], with_z, with_z + 1],
        np.r_[y[order[near]], z, z],
        np.r_[np.ones(int(near.sum()) + z.size), -np.ones(z.size)],
        lower=np.r_[True, ~same].astype(float),
    )
    add_site_rules(builder, y, problem.rules, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=within),
        encode=partial(
            _encode_radii, problem=problem, client=client[with_z], radius=radius[with_z]
        ),
    )


def _encode_radii(
    allocation: Allocation, *, problem: PMedian, client: IntArray, radius: FloatArray
) -> FloatArray:
    """Write the open sites, and which radii of the clients their sites lie beyond."""
    distances = problem.served_distances(allocation)
    return np.concatenate([allocation.is_open, distances[client] > radius]).astype(float)
