"""
The location set covering problem: the cheapest sites that cover every client.

Sets: clients i, sites j; a_ij = 1 if site j covers client i. Variables: y_j = 1 if site j is open.
Minimise Σ c_j y_j subject to

    Σ_j a_ij y_j ≥ 1            every client i      (cover)

and the rules on the sites.

Toregas, Swain, ReVelle and Bergman 1971, "The location of emergency service facilities",
Operations Research 19(6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations
from .coverage import check_covers, covered_clients, covering_pairs
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class SetCovering:
    """
    One location set covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); every stored entry is positive and says that the site covers
        the client.
    costs
        Cost of opening each site, shape (sites,).
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a cost is negative or not finite, or the
        rules contradict each other.
    """

    covers: sparse.csr_array
    costs: FloatArray
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("costs", self.costs, shape=(self.num_sites,))
        check_rules(self.rules, num_sites=self.num_sites)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    def evaluate(self, is_open: BoolArray) -> float:
        """Cost of the open sites, shape (sites,)."""
        return float(self.costs @ is_open)

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every client that no open site covers and every broken rule, in words; or nothing."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        return misfits or (
            uncovered_violations(self.covers, is_open) + rule_violations(is_open, self.rules)
        )


def set_covering_model(problem: SetCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site."""
    builder = ModelBuilder("set-covering")
    y = builder.add_columns(problem.costs, upper=1, integer=True)
    client, site = covering_pairs(problem.covers)
    builder.add_rows(client, y[site], 1, lower=np.ones(problem.num_clients))
    add_site_rules(builder, y, problem.rules)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values > 0.5),
        encode=lambda is_open: is_open.astype(float),
    )


def uncovered_violations(covers: sparse.csr_array, is_open: BoolArray) -> list[str]:
    """Name every client that no open site covers."""
    uncovered = np.flatnonzero(~covered_clients(covers, is_open))
    return [f"client {i} is covered by no open site" for i in uncovered]
