"""
The capacitated p-median problem: p sites, each client at one of them, no site over capacity.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open, x_ij = 1 if it serves client i.
Minimise Σ d_ij x_ij, distances not weighted by demand, subject to

    Σ_j x_ij = 1                    every client i              (assign)
    Σ_i q_i x_ij ≤ Q_j y_j          every site j                (capacity)
    x_ij ≤ y_j                      every client i, site j      (link)
    Σ_j y_j = p                                                 (count)

x is binary: with y alone fixed, a generalised assignment problem is left. (link) follows from
(capacity) where x is binary and q_i > 0, but lifts the linear relaxation.

Mulvey and Beck 1984, "Solving capacitated clustering problems", European Journal of Operational
Research 18(3); Ceselli and Righini 2005, "A branch-and-price algorithm for the capacitated
p-median problem", Networks 45(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import FloatArray, ModelBuilder
from .allocation import (
    Allocation,
    AllocationModel,
    add_assignment,
    add_capacity,
    add_count,
    add_links,
    allocation_costs,
    allocation_misfits,
    allocation_violations,
    capacity_violations,
    check_matrix,
    check_numbers,
    check_p,
    count_violations,
    decode_assigned,
    encode_assigned,
    site_loads,
)


@dataclass(frozen=True, eq=False)
class CapacitatedPMedian:
    """
    One capacitated p-median problem as arrays.

    Parameters
    ----------
    distances
        Distance from client to site, shape (clients, sites).
    demand
        Demand of each client, which one site serves as a whole, shape (clients,).
    capacity
        Demand that each site can serve, shape (sites,).
    p
        Number of sites to open.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, or p is not in 1..sites.
    """

    distances: FloatArray
    demand: FloatArray
    capacity: FloatArray
    p: int

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_matrix("distances", self.distances)
        check_numbers("demand", self.demand, shape=(self.num_clients,))
        check_numbers("capacity", self.capacity, shape=(self.num_sites,))
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
        """Sum up the distances of all clients to their sites; infinite if one has none."""
        return float(allocation_costs(self.distances, allocation).sum())

    def violations(self, allocation: Allocation) -> list[str]:
        """Every broken rule of an allocation, in words; empty if it is feasible."""
        misfits = allocation_misfits(allocation, shape=self.distances.shape)
        if misfits:
            return misfits
        broken = allocation_violations(allocation) + count_violations(allocation.is_open, p=self.p)
        return broken + capacity_violations(site_loads(self.demand, allocation), self.capacity)


def capacitated_p_median_model(problem: CapacitatedPMedian) -> AllocationModel[Allocation]:
    """Build the formulation, with a column for each pair of client and site."""
    builder = ModelBuilder("capacitated-p-median")
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    x = add_assignment(builder, problem.distances, integer=True)
    add_capacity(builder, x, y, demand=problem.demand, capacity=problem.capacity)
    add_links(builder, x, y)
    add_count(builder, y, p=problem.p)
    shape = problem.distances.shape
    return AllocationModel(
        builder.build(),
        decode=partial(decode_assigned, shape=shape),
        encode=partial(encode_assigned, shape=shape),
    )
