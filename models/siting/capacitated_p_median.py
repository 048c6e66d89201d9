"""
The capacitated p-median problem: p sites, each client at one of them, no site over capacity.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open, x_ij = share of client i that site j
serves. Minimise Σ d_ij x_ij, distances not weighted by demand, subject to

    Σ_j x_ij = 1                    every client i              (assign)
    Σ_i q_i x_ij ≤ Q_j y_j          every site j                (capacity)
    Σ_i q_i x_ij ≥ L_j y_j          every site j                (least load)
    x_ij ≤ y_j                      every client i, site j      (link)
    Σ_j y_j = p                                                 (count)

and the rules of :mod:`.site_rules`. x is binary where each client has one site: with y alone fixed,
a generalised assignment problem is left. x is continuous where demand may be split. (link) follows
from (capacity) where x is binary and q_i > 0, but lifts the linear relaxation.

Mulvey and Beck 1984, "Solving capacitated clustering problems", European Journal of Operational
Research 18(3); Ceselli and Righini 2005, "A branch-and-price algorithm for the capacitated
p-median problem", Networks 45(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, ModelBuilder
from .allocation import Allocation, AllocationModel, SplitAllocation, add_capacity, check_numbers
from .assignment_rules import (
    add_least_load,
    add_permitted_assignment,
    add_permitted_links,
    decode_shares,
    encode_shares,
    load_violations,
    loads_of,
    serving_costs,
    solution_violations,
)
from .distances import Distances, as_distances
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations

CapacitatedPMedianSolution = Allocation | SplitAllocation


@dataclass(frozen=True, eq=False)
class CapacitatedPMedian:
    """
    One capacitated p-median problem as arrays.

    Its solution is a :class:`SplitAllocation` where demand may be split, else an
    :class:`Allocation`; both are understood everywhere.

    Parameters
    ----------
    distances
        Distance from client to site: a matrix of shape (clients, sites), a CSR array of the pairs
        within reach, or points.
    demand
        Demand of each client, shape (clients,).
    capacity
        Demand that each site can serve, shape (sites,).
    p
        Number of sites to open; with ``rules.least`` the most.
    split
        Whether several sites may share a client's demand; its distance counts by share.
    least_load
        Demand that each site must serve if it is open, shape (sites,); None for no such rule.
    reach
        Distance up to which a site may serve the client, shape (clients,); None for no such rule.
    rules
        Which sites may be open together.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, p is not in 1..sites, or the rules
        contradict each other.
    """

    distances: FloatArray | sparse.csr_array | Distances
    demand: FloatArray
    capacity: FloatArray
    p: int
    split: bool = False
    least_load: FloatArray | None = None
    reach: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num_clients, num_sites = self.pairs.shape
        check_numbers("demand", self.demand, shape=(num_clients,))
        check_numbers("capacity", self.capacity, shape=(num_sites,))
        if self.least_load is not None:
            check_numbers("least_load", self.least_load, shape=(num_sites,))
        if self.reach is not None:
            check_numbers("reach", self.reach, shape=(num_clients,))
        check_rules(self.rules, num_sites=num_sites, p=self.p)

    @cached_property
    def pairs(self) -> Distances:
        """Distances in whichever form they were given."""
        return as_distances(self.distances)

    @cached_property
    def matrix(self) -> FloatArray:
        """Distances as a matrix, infinite where a site is out of reach of a client."""
        dense = self.pairs.dense()
        return (
            dense if self.reach is None else np.where(dense <= self.reach[:, None], dense, np.inf)
        )

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return self.pairs.shape[0]

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.pairs.shape[1]

    def evaluate(self, allocation: CapacitatedPMedianSolution) -> float:
        """Sum up the distances of all clients to their sites; infinite if one has none."""
        return serving_costs(self.matrix, allocation)

    def loads(self, allocation: CapacitatedPMedianSolution) -> FloatArray:
        """Sum up the demand that each site serves, shape (sites,)."""
        return loads_of(self.demand, allocation)

    def violations(self, allocation: CapacitatedPMedianSolution) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits, broken = solution_violations(self.matrix, allocation, single_source=not self.split)
        if misfits:
            return misfits
        broken += rule_violations(allocation.is_open, self.rules, p=self.p)
        return broken + load_violations(
            self.loads(allocation),
            allocation.is_open,
            capacity=self.capacity,
            least_load=self.least_load,
        )


def capacitated_p_median_model(
    problem: CapacitatedPMedian,
) -> AllocationModel[CapacitatedPMedianSolution]:
    """Build the formulation, with a column for each pair of client and site."""
    builder = ModelBuilder("capacitated-p-median")
    matrix = problem.matrix
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    x = add_permitted_assignment(builder, matrix, integer=not problem.split)
    add_capacity(builder, x, y, demand=problem.demand, capacity=problem.capacity)
    if problem.least_load is not None:
        add_least_load(builder, x, y, demand=problem.demand, least_load=problem.least_load)
    add_permitted_links(builder, x, y, matrix)
    add_site_rules(builder, y, problem.rules, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_shares, costs=matrix, split=problem.split),
        encode=partial(encode_shares, shape=matrix.shape),
    )
