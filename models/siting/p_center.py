"""
The p-center problem: open p sites so that no client is far from the site that serves it.

Sets: clients i, sites j; c_ij = w_i d_ij, the distance as client i counts it. Pairs beyond the
reach of the client, or without a distance, do not exist. Variables: y_j = 1 if site j is open.

Classical formulation (Daskin 1995, "Network and Discrete Location", Wiley, chapter 5); x_ij = share
of client i that site j serves, r = largest distance. Minimise r subject to

    Σ_j x_ij = 1                             every client i              (assign)
    x_ij ≤ y_j                               every client i, site j      (link)
    Σ_j c_ij x_ij ≤ r                        every client i              (radius)
    Σ_j y_j = p, and the rules on sites                                  (count)
    Σ_i q_i x_ij ≤ Q_j y_j                   every site j, if capacitated (capacity)

Without capacities x is continuous: once y is binary, nothing is shorter than going to the closest
open site. With them each client is served by one site, x is binary and (capacity) holds
(Albareda-Sambola, Díaz and Fernández 2010, "Lagrangean duals and exact solution to the capacitated
p-center problem", European Journal of Operational Research 201(1)).

Radius formulation (Elloumi, Labbé and Pochet 2004, "A new formulation and resolution method for the
p-center problem", INFORMS Journal on Computing 16(1)). With the distinct distances
D^0 < ... < D^K of all pairs, z^k = 1 if a client has no open site nearer than D^k. Minimise
D^0 + Σ_{k≥1} (D^k - D^{k-1}) z^k subject to

    z^k + Σ_{j: c_ij < D^k} y_j ≥ 1          every client i, k ≥ 1       (cover)
    Σ_{j: c_ij ≤ D^K} y_j ≥ 1                every client i              (reached)
    z^k ≥ z^{k+1}                            every k < K                 (order)
    Σ_j y_j = p, and the rules on sites                                  (count)

By (order) only those rows (cover) are needed where D^k is a distance of client i itself (Ales and
Elloumi 2018, "Compact MILP formulations for the p-center problem", ISCO 2018). z is continuous:
once y is binary, its least values are 0 or 1. A row (reached) is written only for a client that
some site does not reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import (
    Allocation,
    AllocationModel,
    add_capacity,
    add_links,
    allocation_misfits,
    allocation_violations,
    capacity_violations,
    check_numbers,
    decode_assigned,
    decode_open,
    encode_assigned,
    site_loads,
)
from .distances import Distances, as_distances
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class PCenter:
    """
    One p-center problem as arrays.

    Parameters
    ----------
    distances
        Distance from client to site: a matrix of shape (clients, sites), a CSR array of the pairs
        within reach, or any :class:`.distances.Distances`.
    p
        Number of sites to open.
    weights
        Factor of each client's distance, shape (clients,); None for 1.
    demand, capacity
        Demand of each client, shape (clients,), and what each site can serve, shape (sites,); both
        None for no limit. With them each client is served by exactly one site.
    reach
        Distance (not weighted) up to which a client may be served, shape (clients,); None for any.
    rules
        Which sites may be open together; None for no rule but p.

    Raises
    ------
    ValueError
        If a number is negative or not finite, an array has the wrong shape, only one of demand and
        capacity is given, or no choice of sites can keep p and the rules.
    """

    distances: FloatArray | sparse.csr_array | Distances
    p: int
    weights: FloatArray | None = None
    demand: FloatArray | None = None
    capacity: FloatArray | None = None
    reach: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse distances, weights and a p that make no sense."""
        clients, sites = (self.num_clients,), (self.num_sites,)
        for label, array, shape in (
            ("weights", self.weights, clients),
            ("demand", self.demand, clients),
            ("capacity", self.capacity, sites),
            ("reach", self.reach, clients),
        ):
            if array is not None:
                check_numbers(label, array, shape=shape)
        if (self.demand is None) != (self.capacity is None):
            given, missing = (
                ("demand", "capacity") if self.capacity is None else ("capacity", "demand")
            )
            raise ValueError(f"{given} is given without {missing}; give both or neither.")
        check_rules(self.rules, num_sites=self.num_sites, p=self.p)

    @cached_property
    def pairs(self) -> Distances:
        """The distances in one form."""
        return as_distances(self.distances)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return self.pairs.shape[0]

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.pairs.shape[1]

    def costs(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Weighted distances of some clients to some sites, infinite beyond reach."""
        return self._counted(clients[:, None], self.pairs.block(clients, sites))

    def costs_of_pairs(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Weighted distance of each client to the site at the same place, infinite beyond reach."""
        return self._counted(clients, self.pairs.of_pairs(clients, sites))

    def _counted(self, clients: IntArray, distances: FloatArray) -> FloatArray:
        """Weigh distances, and lose those beyond the reach of their clients."""
        exists = np.isfinite(distances)
        if self.reach is not None:
            exists &= distances <= self.reach[clients]
        if self.weights is None:
            return np.where(exists, distances, np.inf)
        return np.where(exists, self.weights[clients] * np.where(exists, distances, 0.0), np.inf)

    def all_costs(self) -> FloatArray:
        """Weighted distances as one matrix; only for problems that are small enough."""
        return self._counted(np.arange(self.num_clients)[:, None], self.pairs.dense())

    def evaluate(self, allocation: Allocation) -> float:
        """Largest weighted distance of a client to its site; infinite if one has none."""
        served = np.flatnonzero(allocation.site_of_client >= 0)
        if served.size < self.num_clients:
            return float(np.inf)
        return float(self.costs_of_pairs(served, allocation.site_of_client).max())

    def violations(self, allocation: Allocation) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits = allocation_misfits(allocation, shape=self.pairs.shape)
        if misfits:
            return misfits
        broken = allocation_violations(allocation) + self._beyond_reach(allocation)
        broken += rule_violations(allocation.is_open, self.rules, p=self.p)
        if self.demand is not None and self.capacity is not None:
            broken += capacity_violations(site_loads(self.demand, allocation), self.capacity)
        return broken

    def _beyond_reach(self, allocation: Allocation) -> list[str]:
        """Name the clients whose site does not reach them."""
        site = allocation.site_of_client
        served = np.flatnonzero(site >= 0)
        far = served[~np.isfinite(self.costs_of_pairs(served, site[served]))]
        return [f"client {i} is served by site {site[i]}, which does not reach it" for i in far]


def p_center_model(problem: PCenter) -> AllocationModel[Allocation]:
    """Build the classical formulation, with a column for each pair of client and site."""
    costs = problem.all_costs()
    exists = np.isfinite(costs)
    capacitated = problem.demand is not None and problem.capacity is not None
    builder = ModelBuilder("p-center")
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    x = _add_assignment(builder, exists, integer=capacitated)
    radius = builder.add_columns([1.0], upper=costs[exists].max(initial=0.0))
    add_links(builder, x, y)
    client = np.arange(problem.num_clients)
    builder.add_rows(
        np.r_[np.repeat(client, problem.num_sites), client],
        np.r_[x.ravel(), np.repeat(radius, client.size)],
        np.r_[np.where(exists, costs, 0.0).ravel(), -np.ones(client.size)],
        upper=np.zeros(client.size),
    )
    if problem.demand is not None and problem.capacity is not None:
        add_capacity(builder, x, y, demand=problem.demand, capacity=problem.capacity)
    add_site_rules(builder, y, problem.rules, p=problem.p)
    decode = (
        partial(decode_assigned, shape=costs.shape)
        if capacitated
        else partial(decode_open, costs=costs)
    )
    return AllocationModel(
        builder.build(), decode=decode, encode=partial(_encode_assigned, problem=problem)
    )


def _add_assignment(builder: ModelBuilder, exists: BoolArray, *, integer: bool) -> IntArray:
    """Add columns x_ij, 0 for pairs that do not exist, and the rows (assign)."""
    num_clients, num_sites = exists.shape
    x = builder.add_columns(
        np.zeros(exists.size), upper=exists.ravel().astype(float), integer=integer
    )
    client = np.repeat(np.arange(num_clients), num_sites)
    builder.add_rows(client, x, 1, lower=np.ones(num_clients), upper=1)
    return x.reshape(exists.shape)


def _encode_assigned(allocation: Allocation, *, problem: PCenter) -> FloatArray:
    """Write the open sites, the site of each client and the largest distance."""
    values = encode_assigned(allocation, shape=problem.pairs.shape)
    return np.append(values, problem.evaluate(allocation))


def p_center_radius_model(problem: PCenter) -> AllocationModel[Allocation]:
    """
    Build the radius formulation, with a column for each distinct distance.

    Raises
    ------
    ValueError
        If the problem has capacities: this formulation knows only which sites are open.
    """
    if problem.capacity is not None:
        raise ValueError(
            "the radius formulation of the p-center has no capacities; use p_center_model."
        )
    costs = problem.all_costs()
    radii, radius_of = np.unique(costs, return_inverse=True)
    radii = radii[np.isfinite(radii)]
    builder = ModelBuilder("p-center-radius", offset=float(radii[0]) if radii.size else 0.0)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    z = builder.add_columns(np.diff(radii), upper=1)
    _add_cover(builder, y, z, radius_of.reshape(costs.shape))
    _add_reached(builder, y, np.isfinite(costs))
    pair = np.arange(max(z.size - 1, 0))
    builder.add_rows(
        np.r_[pair, pair],
        np.r_[z[:-1], z[1:]],
        np.repeat([1, -1], pair.size),
        lower=np.zeros(pair.size),
    )
    add_site_rules(builder, y, problem.rules, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=costs),
        encode=partial(_encode_radii, problem=problem, radii=radii),
    )


def _add_cover(builder: ModelBuilder, y: IntArray, z: IntArray, radius_of: IntArray) -> None:
    """Add the rows (cover) at each client's own distances, D^0 left out."""
    order = np.argsort(radius_of, axis=1, kind="stable")
    sorted_radius = np.take_along_axis(radius_of, order, axis=1)
    new = (sorted_radius > 0) & (sorted_radius <= z.size)
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


def _add_reached(builder: ModelBuilder, y: IntArray, exists: BoolArray) -> None:
    """Add the rows (reached) of the clients that some site does not reach."""
    some = np.flatnonzero(~exists.all(axis=1))
    row, site = np.nonzero(exists[some])
    builder.add_rows(row, y[site], 1, lower=np.ones(some.size))


def _encode_radii(allocation: Allocation, *, problem: PCenter, radii: FloatArray) -> FloatArray:
    """Write the open sites, and which radii the largest distance reaches."""
    reached = problem.evaluate(allocation) >= radii[1:]
    return np.concatenate([allocation.is_open, reached]).astype(float)
