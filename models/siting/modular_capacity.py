"""
Facility location with a menu of sizes: each open site is built in one of its sizes.

Sets: clients i, sites j, sizes k. Variables: z_jk = 1 if site j is open in size k, x_ijk = share of
client i's demand that it serves then. Minimise Σ f_jk z_jk + Σ c_ij x_ijk subject to

    Σ_jk x_ijk = 1                                every client i              (assign)
    Σ_i q_i x_ijk ≤ Q_jk z_jk                     every site j, size k        (capacity)
    Σ_i q_i x_ijk ≥ L_j z_jk                      every site j, size k        (least load)
    x_ijk ≤ z_jk                                  every client, site, size    (link)
    Σ_k z_jk = y_j ≤ 1                            every site j                (one size)
    Σ_jk Q_jk z_jk ≥ Σ_i q_i                                                  (total)

and the rules of :mod:`.site_rules` on y. Costs that rise in steps with the load are such a menu:
one size for each step. Pairs whose cost is infinite, and sizes whose cost is infinite, may not be
used.

Holmberg 1994, "Solving the staircase cost facility location problem with decomposition and
piecewise linearization", European Journal of Operational Research 75(1); Correia and Captivo 2003,
"A Lagrangean heuristic for a modular capacitated location problem", Annals of Operations Research
122.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import (
    Allocation,
    AllocationModel,
    SplitAllocation,
    add_capacity,
    check_numbers,
    shape_violations,
)
from .assignment_rules import (
    add_least_load,
    add_permitted_assignment,
    add_permitted_links,
    load_violations,
    loads_of,
    pair_matrix,
    serving_costs,
    solution_violations,
)
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class SizedAllocation:
    """
    Who is served by which site, and the size of each site.

    Parameters
    ----------
    served
        Open sites, with one site or shares for each client.
    size
        Size of each site, -1 where it is closed, shape (sites,).
    """

    served: Allocation | SplitAllocation
    size: IntArray


@dataclass(frozen=True, eq=False)
class ModularCapacity:
    """
    One facility location problem with a menu of sizes as arrays.

    Parameters
    ----------
    costs
        Cost of serving ALL demand of the client from the site, shape (clients, sites); infinite
        where the site may not serve the client. A CSR array holds the permitted pairs only.
    demand
        Demand of each client, shape (clients,).
    size_costs
        Cost of opening each site in each size, shape (sites, sizes); infinite where a site has no
        such size.
    size_capacity
        Demand that it can serve then, shape (sites, sizes).
    single_source
        Whether one site must serve all demand of a client.
    least_load
        Demand that each site must serve if it is open, shape (sites,); None for no such rule.
    rules
        Which sites may be open together.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not a number, a site has no size, or the rules
        contradict each other.
    """

    costs: FloatArray | sparse.csr_array
    demand: FloatArray
    size_costs: FloatArray
    size_capacity: FloatArray
    single_source: bool = False
    least_load: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num_clients, num_sites = self.matrix.shape
        check_numbers("demand", self.demand, shape=(num_clients,))
        shape = self.size_costs.shape
        if len(shape) != 2 or shape[0] != num_sites or not shape[1]:
            raise ValueError(
                f"size_costs has shape {shape}, expected ({num_sites}, sizes) with one size at "
                "least."
            )
        pair_matrix("size_costs", self.size_costs)
        check_numbers("size_capacity", self.size_capacity, shape=shape)
        without = np.flatnonzero(~np.isfinite(self.size_costs).any(axis=1))
        if without.size:
            raise ValueError(
                f"size_costs[{without[0]}] is infinite for every size; give site {without[0]} one "
                "size at least, or forbid it by the rules."
            )
        if self.least_load is not None:
            check_numbers("least_load", self.least_load, shape=(num_sites,))
        check_rules(self.rules, num_sites=num_sites)

    @cached_property
    def matrix(self) -> FloatArray:
        """Costs as a matrix, infinite where a site may not serve a client."""
        return pair_matrix("costs", self.costs)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.costs.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.costs.shape[1])

    @cached_property
    def options(self) -> tuple[IntArray, IntArray]:
        """Site and size of each pair of them that may be built, by site."""
        site, size = np.nonzero(np.isfinite(self.size_costs))
        return site, size

    def evaluate(self, solution: SizedAllocation) -> float:
        """Cost of the sizes and of serving the clients; infinite if one has no site."""
        built = np.flatnonzero(solution.size >= 0)
        opening = float(self.size_costs[built, solution.size[built]].sum())
        return opening + serving_costs(self.matrix, solution.served)

    def violations(self, solution: SizedAllocation) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        served, size = solution.served, solution.size
        misfits, broken = solution_violations(self.matrix, served, single_source=self.single_source)
        misfits += shape_violations(size=(size, (self.num_sites,)))
        if misfits:
            return misfits
        beyond = np.flatnonzero((size < -1) | (size >= self.size_costs.shape[1]))
        if beyond.size:
            return [*broken, *(f"site {j} has size {size[j]}, which there is not" for j in beyond)]
        broken += [
            f"site {j} is {'open' if served.is_open[j] else 'closed'} and has size {size[j]}"
            for j in np.flatnonzero(served.is_open != (size >= 0))
        ]
        cost = self.size_costs[np.arange(size.size), size]
        broken += [
            f"site {j} has size {size[j]}, which it cannot have"
            for j in np.flatnonzero((size >= 0) & ~np.isfinite(cost))
        ]
        capacity = np.where(size >= 0, self.size_capacity[np.arange(size.size), size], 0.0)
        broken += rule_violations(served.is_open, self.rules)
        return broken + load_violations(
            loads_of(self.demand, served),
            served.is_open,
            capacity=capacity,
            least_load=self.least_load,
        )


def modular_capacity_model(problem: ModularCapacity) -> AllocationModel[SizedAllocation]:
    """Build the formulation; the columns are y, then z, then x client by client."""
    site, size = problem.options
    capacity = problem.size_capacity[site, size]
    matrix = problem.matrix[:, site]
    builder = ModelBuilder("modular-capacity")
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    z = builder.add_columns(problem.size_costs[site, size], upper=1, integer=True)
    builder.add_rows(
        np.r_[site, np.arange(y.size)],
        np.r_[z, y],
        np.r_[np.ones(z.size), -np.ones(y.size)],
        lower=np.zeros(y.size),
        upper=0,
    )
    x = add_permitted_assignment(builder, matrix, integer=problem.single_source)
    add_capacity(builder, x, z, demand=problem.demand, capacity=capacity)
    if problem.least_load is not None:
        least_load = problem.least_load[site]
        add_least_load(builder, x, z, demand=problem.demand, least_load=least_load)
    add_permitted_links(builder, x, z, matrix)
    row = np.zeros(z.size, dtype=np.int64)
    builder.add_rows(row, z, capacity, lower=[problem.demand.sum()])
    add_site_rules(builder, y, problem.rules)
    return AllocationModel(
        builder.build(),
        decode=partial(_decode, problem=problem),
        encode=partial(_encode, problem=problem),
    )


def _decode(values: FloatArray, *, problem: ModularCapacity) -> SizedAllocation:
    """Read the sizes and who is served where."""
    site, size = problem.options
    num_sites = problem.num_sites
    built = np.flatnonzero(values[num_sites : num_sites + site.size] > 0.5)
    sizes = np.full(num_sites, -1, dtype=np.int64)
    sizes[site[built]] = size[built]
    shares = values[num_sites + site.size :].reshape(problem.num_clients, site.size)[:, built]
    share = np.zeros((problem.num_clients, num_sites))
    share[:, site[built]] = np.maximum(shares, 0.0)
    return SizedAllocation(served_by_shares(share, sizes >= 0, problem=problem), sizes)


def served_by_shares(
    share: FloatArray, is_open: np.ndarray, *, problem: ModularCapacity
) -> Allocation | SplitAllocation:
    """Turn shares into an allocation of the kind that the problem asks for."""
    if not problem.single_source:
        return SplitAllocation(is_open, share)
    best = np.argmax(share, axis=1)
    served = share.max(axis=1) > 0.5
    return Allocation(is_open, np.where(served, best, -1))


def _encode(solution: SizedAllocation, *, problem: ModularCapacity) -> FloatArray:
    """Write the open sites, their sizes and the shares."""
    site, size = problem.options
    chosen = solution.size[site] == size
    served = solution.served
    if isinstance(served, SplitAllocation):
        share = served.share
    else:
        share = np.zeros((problem.num_clients, problem.num_sites))
        own = np.flatnonzero(served.site_of_client >= 0)
        share[own, served.site_of_client[own]] = 1.0
    x = np.where(chosen, share[:, site], 0.0)
    return np.concatenate([served.is_open.astype(float), chosen.astype(float), x.ravel()])
