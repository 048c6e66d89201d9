"""
Maximal covering with capacities: open p sites that serve as much demand in reach as possible.

Sets: clients i, sites j; a_ij = 1 if site j is within reach of client i; q_i demand, Q_j capacity.
Variables: y_j = 1 if site j is open, x_ij the share of client i that site j serves, for pairs
within reach. Maximise Σ q_i x_ij subject to

    Σ_j x_ij ≤ 1                every client i      (serve)
    x_ij ≤ y_j                  every pair          (open)
    Σ_i q_i x_ij ≤ Q_j y_j      every site j        (capacity)
    Σ_j y_j = p                                     (count)

or a budget instead of p or beside it, and the rules on the sites; with single sources x is binary.

Current and Storbeck 1988, "Capacitated covering models", Environment and Planning B 15(2); Pirkul
and Schilling 1991, "The maximal covering location problem with capacities on total workload",
Management Science 37(2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, ModelBuilder
from .allocation import AllocationModel, check_numbers
from .coverage import (
    add_opening,
    check_covers,
    check_opening,
    covering_pairs,
    opening_violations,
)
from .serving import (
    Serving,
    add_serving,
    columns_of,
    served_shares,
    serving_of,
    serving_violations,
)
from .site_rules import SiteRules


@dataclass(frozen=True, eq=False)
class CapacitatedMaximalCovering:
    """
    One capacitated maximal covering problem as arrays. A solution is a :class:`Serving`.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); a positive entry says that the site is within reach of the
        client.
    demand
        Demand of each client, shape (clients,).
    capacity
        Most demand that each site serves, shape (sites,).
    p
        Number of sites to open; None if the budget or ``rules.most`` limits it.
    costs, budget
        Cost of each site, shape (sites,), and the largest cost of the open ones; None for none.
    single_source
        Whether one site must serve all of a client that it serves.
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a number is negative or not finite,
        nothing limits the number of sites, or the rules contradict each other.
    """

    covers: sparse.csr_array
    demand: FloatArray
    capacity: FloatArray
    p: int | None = None
    costs: FloatArray | None = None
    budget: float | None = None
    single_source: bool = False
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("demand", self.demand, shape=(self.num_clients,))
        check_numbers("capacity", self.capacity, shape=(self.num_sites,))
        check_opening(self)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    def evaluate(self, serving: Serving) -> float:
        """Demand that is served; larger is better."""
        return float(self.demand @ served_shares(serving))

    def violations(self, serving: Serving) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        return serving_violations(self, serving) + opening_violations(self, serving.is_open)


def capacitated_maximal_covering_model(
    problem: CapacitatedMaximalCovering,
) -> AllocationModel[Serving]:
    """Build the formulation, with a column for each site and one for each pair within reach."""
    builder = ModelBuilder("capacitated-maximal-covering", maximize=True)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    x = add_serving(builder, y, problem)
    client, _ = covering_pairs(problem.covers)
    builder.add_rows(client, x, 1, upper=np.ones(problem.num_clients))
    add_opening(builder, y, problem)
    model = builder.build()
    costs = model.costs.copy()
    costs[x] = problem.demand[client]
    return AllocationModel(
        replace(model, costs=costs), decode=serving_of(problem), encode=columns_of(problem)
    )
