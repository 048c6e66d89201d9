"""
Facility location with fixed charges: open sites and serve all demand at the least cost.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open, x_ij = share of client i's demand
that site j serves. Minimise Σ f_j y_j + Σ c_ij x_ij subject to

    Σ_j x_ij = 1                    every client i              (assign)
    x_ij ≤ y_j                      every client i, site j      (link)
    Σ_i q_i x_ij ≤ Q_j y_j          every site j                (capacity)
    Σ_i q_i x_ij ≥ L_j y_j          every site j                (least load)
    Σ_j Q_j y_j ≥ Σ_i q_i                                       (total)

and the rules of :mod:`.site_rules`. Pairs whose cost is infinite may not be used: x_ij = 0.

Without capacity and least load the last three are left out (UFL; Balinski 1965, "Integer
programming: methods, uses, computation", Management Science 12(3)), and x is continuous: once y is
binary, the cheapest open site takes all of a client. Else x is continuous where demand may be split
(CFL), and binary where each client has one source (SSCFL). (total) follows from the others; with
(link) it makes the strong formulation that Cornuéjols, Sridharan and Thizy 1991, "A comparison of
heuristics and relaxations for the capacitated plant location problem", European Journal of
Operational Research 50(3), compare.

The weak formulation (Efroymson and Ray 1966, "A branch-bound algorithm for plant location",
Operations Research 14(3)) adds up (link) over the n clients and leaves (total) out:

    Σ_i x_ij ≤ n y_j                every site j                (aggregated link)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import Allocation, AllocationModel, SplitAllocation, add_capacity, check_numbers
from .assignment_rules import (
    add_least_load,
    add_permitted_assignment,
    add_permitted_links,
    decode_cheapest,
    decode_shares,
    encode_shares,
    load_violations,
    loads_of,
    pair_matrix,
    serving_costs,
    solution_violations,
)
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations

FixedChargeSolution = Allocation | SplitAllocation


@dataclass(frozen=True, eq=False)
class FixedCharge:
    """
    One facility location problem with fixed charges as arrays.

    Its solution is a :class:`SplitAllocation` where demand may be split, else an
    :class:`Allocation`; both are understood everywhere.

    Parameters
    ----------
    costs
        Cost of serving ALL demand of the client from the site, shape (clients, sites); infinite
        where the site may not serve the client. A CSR array holds the permitted pairs only.
    fixed_costs
        Cost of opening each site, shape (sites,).
    demand
        Demand of each client, which counts for capacity and least load only, shape (clients,).
    capacity
        Demand that each site can serve, shape (sites,); None where nothing limits it.
    single_source
        Whether one site must serve all demand of a client. Without capacity one always can.
    least_load
        Demand that each site must serve if it is open, shape (sites,); None for no such rule.
    rules
        Which sites may be open together.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite (costs may be infinite), or the rules
        contradict each other.
    """

    costs: FloatArray | sparse.csr_array
    fixed_costs: FloatArray
    demand: FloatArray
    capacity: FloatArray | None = None
    single_source: bool = False
    least_load: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num_clients, num_sites = self.matrix.shape
        check_numbers("fixed_costs", self.fixed_costs, shape=(num_sites,))
        check_numbers("demand", self.demand, shape=(num_clients,))
        for label, limit in (("capacity", self.capacity), ("least_load", self.least_load)):
            if limit is not None:
                check_numbers(label, limit, shape=(num_sites,))
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

    @property
    def limits_loads(self) -> bool:
        """Whether the demand that a site serves matters."""
        return self.capacity is not None or self.least_load is not None

    @property
    def is_split(self) -> bool:
        """Whether splitting a client's demand is allowed and can save anything."""
        return self.limits_loads and not self.single_source

    def evaluate(self, solution: FixedChargeSolution) -> float:
        """Cost of opening the sites and serving the clients; infinite if one has no site."""
        return float(self.fixed_costs @ solution.is_open) + serving_costs(self.matrix, solution)

    def loads(self, solution: FixedChargeSolution) -> FloatArray:
        """Sum up the demand that each site serves, shape (sites,)."""
        return loads_of(self.demand, solution)

    def violations(self, solution: FixedChargeSolution) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits, broken = solution_violations(
            self.matrix, solution, single_source=self.single_source
        )
        if misfits:
            return misfits
        broken += rule_violations(solution.is_open, self.rules)
        return broken + load_violations(
            self.loads(solution),
            solution.is_open,
            capacity=self.capacity,
            least_load=self.least_load,
        )


def fixed_charge_model(
    problem: FixedCharge, *, weak: bool = False
) -> AllocationModel[FixedChargeSolution]:
    """
    Build the formulation, with a column for each pair of client and site.

    Parameters
    ----------
    problem
        What is asked.
    weak
        Aggregate the rows (link) and leave out (total).
    """
    capacity, matrix = problem.capacity, problem.matrix
    builder = ModelBuilder("fixed-charge-weak" if weak else "fixed-charge")
    y = builder.add_columns(problem.fixed_costs, upper=1, integer=True)
    integer = problem.limits_loads and problem.single_source
    x = add_permitted_assignment(builder, matrix, integer=integer)
    if capacity is not None:
        add_capacity(builder, x, y, demand=problem.demand, capacity=capacity)
    if problem.least_load is not None:
        add_least_load(builder, x, y, demand=problem.demand, least_load=problem.least_load)
    if weak:
        _add_aggregated_links(builder, x, y)
    else:
        add_permitted_links(builder, x, y, matrix)
    if capacity is not None and not weak:
        row = np.zeros(y.size, dtype=np.int64)
        builder.add_rows(row, y, capacity, lower=[problem.demand.sum()])
    add_site_rules(builder, y, problem.rules)
    return AllocationModel(
        builder.build(),
        decode=partial(_decode, problem=problem),
        encode=partial(encode_shares, shape=matrix.shape),
    )


def _add_aggregated_links(builder: ModelBuilder, x: IntArray, y: IntArray) -> None:
    """Add Σ_i x_ij ≤ n y_j for every site."""
    num_clients = x.shape[0]
    add_capacity(
        builder, x, y, demand=np.ones(num_clients), capacity=np.full(y.size, float(num_clients))
    )


def _decode(values: FloatArray, *, problem: FixedCharge) -> FixedChargeSolution:
    """Read a solution of the kind that the problem asks for."""
    if not problem.limits_loads:
        return decode_cheapest(values, costs=problem.matrix)
    return decode_shares(values, costs=problem.matrix, split=problem.is_split)
