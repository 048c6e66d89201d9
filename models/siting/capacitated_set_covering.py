"""
Set covering with capacities: the cheapest sites that serve the demand of every client in reach.

Sets: clients i, sites j; a_ij = 1 if site j is within reach of client i; q_i demand, Q_j capacity.
Variables: y_j = 1 if site j is open, x_ij the share of client i that site j serves, for pairs
within reach. Minimise Σ c_j y_j subject to

    Σ_j x_ij = 1                every client i      (serve)
    x_ij ≤ y_j                  every pair          (open)
    Σ_i q_i x_ij ≤ Q_j y_j      every site j        (capacity)

and the rules on the sites; with single sources x is binary.

Current and Storbeck 1988, "Capacitated covering models", Environment and Planning B 15(2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, ModelBuilder
from .allocation import TOLERANCE, AllocationModel, check_numbers
from .coverage import check_covers, covering_pairs
from .serving import (
    Serving,
    add_serving,
    columns_of,
    served_shares,
    serving_of,
    serving_violations,
)
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class CapacitatedSetCovering:
    """
    One capacitated set covering problem as arrays. A solution is a :class:`Serving`.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); a positive entry says that the site is within reach of the
        client.
    costs
        Cost of opening each site, shape (sites,).
    demand
        Demand of each client, shape (clients,).
    capacity
        Most demand that each site serves, shape (sites,).
    single_source
        Whether one site must serve all of a client.
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a number is negative or not finite, or
        the rules contradict each other.
    """

    covers: sparse.csr_array
    costs: FloatArray
    demand: FloatArray
    capacity: FloatArray
    single_source: bool = False
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("costs", self.costs, shape=(self.num_sites,))
        check_numbers("demand", self.demand, shape=(self.num_clients,))
        check_numbers("capacity", self.capacity, shape=(self.num_sites,))
        check_rules(self.rules, num_sites=self.num_sites)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    def evaluate(self, serving: Serving) -> float:
        """Cost of the open sites."""
        return float(self.costs @ serving.is_open)

    def violations(self, serving: Serving) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        broken = serving_violations(self, serving)
        if serving.share.shape != self.covers.shape:
            return broken
        served = served_shares(serving)
        broken += [
            f"client {i} is served to {served[i]:.0%} only"
            for i in np.flatnonzero(served < 1 - TOLERANCE)
        ]
        return broken + rule_violations(serving.is_open, self.rules)


def capacitated_set_covering_model(problem: CapacitatedSetCovering) -> AllocationModel[Serving]:
    """Build the formulation, with a column for each site and one for each pair within reach."""
    builder = ModelBuilder("capacitated-set-covering")
    y = builder.add_columns(problem.costs, upper=1, integer=True)
    x = add_serving(builder, y, problem)
    client, _ = covering_pairs(problem.covers)
    builder.add_rows(client, x, 1, lower=np.ones(problem.num_clients), upper=1)
    add_site_rules(builder, y, problem.rules)
    return AllocationModel(builder.build(), decode=serving_of(problem), encode=columns_of(problem))
