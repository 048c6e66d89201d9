"""
The partial set covering problem: the cheapest sites that cover a share of the weight.

Sets: clients i, sites j; a_ij = 1 if site j covers client i. Variables: y_j = 1 if site j is open,
s_i = 1 if client i is covered. Minimise Σ c_j y_j subject to

    s_i ≤ Σ_j a_ij y_j          every client i      (cover)
    Σ_i w_i s_i ≥ β Σ_i w_i                         (share)

and the rules on the sites. s is continuous: once y is binary, its largest values are 0 or 1.

Daskin and Owen 1999, "Two new location covering problems: the partial p-center problem and the
partial set covering problem", Geographical Analysis 31(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations
from .coverage import SLACK, check_covers, covered_clients
from .maximal_covering import add_cover_rows, encode_covered
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class PartialCovering:
    """
    One partial set covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); every stored entry is positive and says that the site covers
        the client.
    costs
        Cost of opening each site, shape (sites,).
    weights
        Weight of each client (residents, demand), shape (clients,).
    share
        Share of the total weight that must be covered, in (0, 1].
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a cost or weight is negative or not
        finite, the share is not in (0, 1], or the rules contradict each other.
    """

    covers: sparse.csr_array
    costs: FloatArray
    weights: FloatArray
    share: float
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("costs", self.costs, shape=(self.num_sites,))
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; give a share of the weight in (0, 1].")
        check_rules(self.rules, num_sites=self.num_sites)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    @property
    def target(self) -> float:
        """Weight that must be covered, with room for rounding."""
        total = float(self.weights.sum())
        return self.share * total - SLACK * total

    def covered_weight(self, is_open: BoolArray) -> float:
        """Weight of all clients that an open site covers."""
        return float(self.weights @ covered_clients(self.covers, is_open))

    def evaluate(self, is_open: BoolArray) -> float:
        """Cost of the open sites, shape (sites,)."""
        return float(self.costs @ is_open)

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        if misfits:
            return misfits
        broken = rule_violations(is_open, self.rules)
        covered = self.covered_weight(is_open)
        if covered < self.target:
            wanted = self.share * float(self.weights.sum())
            broken.append(f"a weight of {covered:g} is covered, less than {wanted:g}")
        return broken


def partial_covering_model(problem: PartialCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site and one for each client."""
    builder = ModelBuilder("partial-covering")
    y = builder.add_columns(problem.costs, upper=1, integer=True)
    s = builder.add_columns(np.zeros(problem.num_clients), upper=1)
    add_cover_rows(builder, s, y, problem.covers)
    row = np.zeros(s.size, dtype=np.int64)
    builder.add_rows(row, s, problem.weights, lower=[problem.target])
    add_site_rules(builder, y, problem.rules)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[: problem.num_sites] > 0.5),
        encode=partial(encode_covered, covers=problem.covers),
    )
