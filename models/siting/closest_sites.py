"""
What the problems share that judge p open sites by the distances of clients to the closest one.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open, x_ij = share of client i that site j
serves. Every formulation holds the rows

    Σ_j x_ij = 1                    every client i              (assign)
    x_ij ≤ y_j                      every client i, site j      (link)
    Σ_j y_j = p                                                 (count)

and the rules of :mod:`.site_rules`; x_ij = 0 where a site is out of reach. The objectives grow with
each client's distance d_i = Σ_j d_ij x_ij, so that x is continuous: once y is binary, the closest
open site takes all of a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import (
    Allocation,
    add_assignment,
    add_links,
    allocation_misfits,
    allocation_violations,
    check_numbers,
    check_reach,
)
from .distances import Distances, as_distances
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False, kw_only=True)
class ClosestSites:
    """
    Clients, sites and p; what is minimised is said by the classes that build on it.

    Parameters
    ----------
    distances
        Distance from client to site: a matrix of shape (clients, sites), a CSR array of the pairs
        within reach, or any other :class:`.distances.Distances`.
    weights
        Weight of each client (residents, demand), shape (clients,); None for 1 each.
    p
        Number of sites to open; if ``rules`` have a ``least``, the most.
    reach
        Farthest site that may serve each client, shape (clients,); None for no limit.
    rules
        Which sites may be open together; None for no rule but p.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, p is not in 1..sites, the rules
        contradict each other, or all weights are 0.
    """

    distances: FloatArray | sparse.csr_array | Distances
    weights: FloatArray | None = None
    p: int
    reach: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_numbers("weights", self.weight, shape=(self.num_clients,))
        if not self.weight.any():
            raise ValueError("weights are all 0; give at least one client a weight.")
        check_reach(self.reach, num_clients=self.num_clients)
        check_rules(self.rules, num_sites=self.num_sites, p=self.p)

    @cached_property
    def pairs(self) -> Distances:
        """The distances, in whichever form they came."""
        return as_distances(self.distances)

    @cached_property
    def weight(self) -> FloatArray:
        """Weight of each client, 1 where nothing is said."""
        return np.ones(self.num_clients) if self.weights is None else self.weights

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return self.pairs.shape[0]

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.pairs.shape[1]

    def reachable(self) -> FloatArray:
        """All distances as one matrix, infinite beyond reach."""
        dense = self.pairs.dense()
        return (
            dense if self.reach is None else np.where(dense <= self.reach[:, None], dense, np.inf)
        )

    def served_distances(self, allocation: Allocation) -> FloatArray:
        """Distance of each client to its site, infinite where none can serve it."""
        site = allocation.site_of_client
        away = np.full(site.size, np.inf)
        served = np.flatnonzero(site >= 0)
        away[served] = self.pairs.of_pairs(served, site[served])
        return away if self.reach is None else np.where(away <= self.reach, away, np.inf)

    def violations(self, allocation: Allocation) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits = allocation_misfits(allocation, shape=self.pairs.shape)
        if misfits:
            return misfits
        site = allocation.site_of_client
        far = np.flatnonzero((site >= 0) & np.isinf(self.served_distances(allocation)))
        return [
            *allocation_violations(allocation),
            *(f"client {i} is served by site {site[i]}, which is out of its reach" for i in far),
            *rule_violations(allocation.is_open, self.rules, p=self.p),
        ]


def add_served(
    builder: ModelBuilder,
    problem: ClosestSites,
    distances: FloatArray,
    *,
    costs: FloatArray,
    integer: bool = False,
) -> tuple[IntArray, IntArray]:
    """
    Add the columns y and x, and the rows (assign), (link), (count) and those of the rules.

    Parameters
    ----------
    builder, problem
        The model, empty so far, and the problem.
    distances
        What ``problem.reachable()`` gives.
    costs
        Cost of a client's distance in the objective, shape (clients,).
    integer
        Whether one site must serve all of a client.

    Returns
    -------
    tuple of IntArray
        The columns y, shape (sites,), and x, shape (clients, sites).
    """
    near = np.isfinite(distances)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    x = add_assignment(builder, costs[:, None] * finite(distances), allowed=near, integer=integer)
    add_links(builder, x, y)
    add_site_rules(builder, y, problem.rules, p=problem.p)
    return y, x


def add_excess(
    builder: ModelBuilder,
    x: IntArray,
    distances: FloatArray,
    *,
    threshold: IntArray,
    costs: FloatArray | None,
) -> IntArray | None:
    """
    Add d_i ≤ t + u_i for every client.

    Parameters
    ----------
    x, distances
        Columns x and distances, shape (clients, sites).
    threshold
        The column t.
    costs
        Cost of each u_i, shape (clients,); None leaves u out.

    Returns
    -------
    IntArray or None
        The columns u.
    """
    num_clients, num_sites = x.shape
    client = np.arange(num_clients)
    excess = None if costs is None else builder.add_columns(costs)
    more = np.empty(0, dtype=np.int64) if excess is None else excess
    builder.add_rows(
        np.r_[np.repeat(client, num_sites), client, client[: more.size]],
        np.r_[x.ravel(), np.repeat(threshold, num_clients), more],
        np.r_[finite(distances).ravel(), -np.ones(num_clients + more.size)],
        upper=np.zeros(num_clients),
    )
    return excess


def finite(distances: FloatArray) -> FloatArray:
    """Put 0 for the distances of pairs that are out of reach, whose columns are fixed to 0."""
    return np.where(np.isfinite(distances), distances, 0.0)


def largest_first(distances: FloatArray) -> IntArray:
    """Order the clients from the farthest on."""
    return np.argsort(-distances, kind="stable")
