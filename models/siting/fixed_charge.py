"""
Facility location with fixed charges: open sites and serve all demand at the least cost.

Sets: clients i, sites j. Variables: y_j = 1 if site j is open, x_ij = share of client i's demand
that site j serves. Minimise Σ f_j y_j + Σ c_ij x_ij subject to

    Σ_j x_ij = 1                    every client i              (assign)
    x_ij ≤ y_j                      every client i, site j      (link)
    Σ_i q_i x_ij ≤ Q_j y_j          every site j                (capacity)
    Σ_j Q_j y_j ≥ Σ_i q_i                                       (total)

Without capacity the last two are left out (UFL; Balinski 1965, "Integer programming: methods,
uses, computation", Management Science 12(3)), and x is continuous: once y is binary, the cheapest
open site takes all of a client. With capacity x is continuous where demand may be split (CFL), and
binary where each client has one source (SSCFL). (total) follows from the others; with (link) it
makes the strong formulation that Cornuéjols, Sridharan and Thizy 1991, "A comparison of heuristics
and relaxations for the capacitated plant location problem", European Journal of Operational
Research 50(3), compare.

The weak formulation (Efroymson and Ray 1966, "A branch-bound algorithm for plant location",
Operations Research 14(3)) adds up (link) over the n clients and leaves (total) out:

    Σ_i x_ij ≤ n y_j                every site j                (aggregated link)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import (
    TOLERANCE,
    Allocation,
    AllocationModel,
    SplitAllocation,
    add_assignment,
    add_capacity,
    add_links,
    allocation_costs,
    allocation_misfits,
    allocation_violations,
    capacity_violations,
    check_matrix,
    check_numbers,
    decode_assigned,
    decode_open,
    encode_assigned,
    shape_violations,
    site_loads,
)

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
        Cost of serving ALL demand of the client from the site, shape (clients, sites).
    fixed_costs
        Cost of opening each site, shape (sites,).
    demand
        Demand of each client, which counts for capacity only, shape (clients,).
    capacity
        Demand that each site can serve, shape (sites,); None where nothing limits it.
    single_source
        Whether one site must serve all demand of a client. Without capacity one always can.

    Raises
    ------
    ValueError
        If shapes differ, or a number is negative or not finite.
    """

    costs: FloatArray
    fixed_costs: FloatArray
    demand: FloatArray
    capacity: FloatArray | None = None
    single_source: bool = False

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_matrix("costs", self.costs)
        check_numbers("fixed_costs", self.fixed_costs, shape=(self.num_sites,))
        check_numbers("demand", self.demand, shape=(self.num_clients,))
        if self.capacity is not None:
            check_numbers("capacity", self.capacity, shape=(self.num_sites,))

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.costs.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.costs.shape[1])

    @property
    def is_split(self) -> bool:
        """Whether splitting a client's demand is allowed and can save anything."""
        return self.capacity is not None and not self.single_source

    def evaluate(self, solution: FixedChargeSolution) -> float:
        """Cost of opening the sites and serving the clients; infinite if one has no site."""
        if isinstance(solution, SplitAllocation):
            serving = float((self.costs * solution.share).sum())
        else:
            serving = float(allocation_costs(self.costs, solution).sum())
        return float(self.fixed_costs @ solution.is_open) + serving

    def loads(self, solution: FixedChargeSolution) -> FloatArray:
        """Sum up the demand that each site serves, shape (sites,)."""
        if isinstance(solution, SplitAllocation):
            return np.asarray(self.demand @ solution.share)
        return site_loads(self.demand, solution)

    def violations(self, solution: FixedChargeSolution) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        if isinstance(solution, SplitAllocation):
            misfits = shape_violations(share=(solution.share, self.costs.shape))
            broken = misfits or self._share_violations(solution)
        else:
            misfits = allocation_misfits(solution, shape=self.costs.shape)
            broken = misfits or allocation_violations(solution)
        if misfits or self.capacity is None:
            return broken
        return broken + capacity_violations(self.loads(solution), self.capacity)

    def _share_violations(self, solution: SplitAllocation) -> list[str]:
        """Name the clients and pairs whose shares break a rule."""
        share = solution.share
        served, positive = share.sum(axis=1), share > TOLERANCE
        partly = np.flatnonzero(~(np.abs(served - 1) <= TOLERANCE))
        broken = [f"client {i} is served to {served[i]:g} of its demand, not 1" for i in partly]
        broken += [
            f"client {i} has share {share[i, j]:g} < 0 at site {j}"
            for i, j in np.argwhere(share < -TOLERANCE)
        ]
        broken += [
            f"client {i} is served by site {j}, which is closed"
            for i, j in np.argwhere(positive & ~solution.is_open)
        ]
        if self.single_source:
            split = np.flatnonzero(positive.sum(axis=1) > 1)
            broken += [f"client {i} is served by several sites, not one" for i in split]
        return broken


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
    capacity = problem.capacity
    builder = ModelBuilder("fixed-charge-weak" if weak else "fixed-charge")
    y = builder.add_columns(problem.fixed_costs, upper=1, integer=True)
    integer = capacity is not None and problem.single_source
    x = add_assignment(builder, problem.costs, integer=integer)
    if capacity is not None:
        add_capacity(builder, x, y, demand=problem.demand, capacity=capacity)
    if weak:
        _add_aggregated_links(builder, x, y)
    else:
        add_links(builder, x, y)
    if capacity is not None and not weak:
        row = np.zeros(y.size, dtype=np.int64)
        builder.add_rows(row, y, capacity, lower=[problem.demand.sum()])
    return AllocationModel(
        builder.build(),
        decode=partial(_decode, problem=problem),
        encode=partial(_encode, problem=problem),
    )


def _add_aggregated_links(builder: ModelBuilder, x: IntArray, y: IntArray) -> None:
    """Add Σ_i x_ij ≤ n y_j for every site."""
    num_clients = x.shape[0]
    add_capacity(
        builder, x, y, demand=np.ones(num_clients), capacity=np.full(y.size, float(num_clients))
    )


def _decode(values: FloatArray, *, problem: FixedCharge) -> FixedChargeSolution:
    """Read a solution of the kind that the problem asks for."""
    if problem.capacity is None:
        return decode_open(values, costs=problem.costs)
    if problem.single_source:
        return decode_assigned(values, shape=problem.costs.shape)
    is_open: BoolArray = values[: problem.num_sites] > 0.5
    x = values[problem.num_sites :].reshape(problem.costs.shape)
    return SplitAllocation(is_open, np.where(is_open, np.maximum(x, 0), 0.0))


def _encode(solution: FixedChargeSolution, *, problem: FixedCharge) -> FloatArray:
    """Write the open sites and the shares of the pairs."""
    if isinstance(solution, SplitAllocation):
        return np.concatenate([solution.is_open.astype(float), solution.share.ravel()])
    return encode_assigned(solution, shape=problem.costs.shape)
