"""
The maximal covering location problem: open p sites that cover as much demand as possible.

Sets: clients i, sites j; a_ij = 1 if site j covers client i. Variables: y_j = 1 if site j is open,
s_i = 1 if client i is covered. Maximise Σ w_i s_i subject to

    s_i ≤ Σ_j a_ij y_j          every client i      (cover)
    Σ_j y_j = p                                     (count)

or, with costs of sites and a budget instead of p or beside it,

    Σ_j c_j y_j ≤ B                                 (budget)

and the rules on the sites. s is continuous: once y is binary, its largest values are 0 or 1.

Church and ReVelle 1974, "The maximal covering location problem", Papers of the Regional Science
Association 32. Budget: Khuller, Moss and Naor 1999, "The budgeted maximum coverage problem",
Information Processing Letters 70(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations
from .coverage import (
    add_opening,
    check_covers,
    check_opening,
    covered_clients,
    covering_pairs,
    opening_violations,
)
from .site_rules import SiteRules


@dataclass(frozen=True, eq=False)
class MaximalCovering:
    """
    One maximal covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); every stored entry is positive and says that the site covers
        the client.
    weights
        Weight of each client (residents, demand), shape (clients,).
    p
        Number of sites to open; None if the budget or ``rules.most`` limits it.
    costs, budget
        Cost of each site, shape (sites,), and the largest cost of the open ones; None for none.
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a weight or cost is negative or not
        finite, p is not in 1..sites, nothing limits the number of sites, or the rules contradict
        each other.
    """

    covers: sparse.csr_array
    weights: FloatArray
    p: int | None = None
    costs: FloatArray | None = None
    budget: float | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        check_opening(self)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    def evaluate(self, is_open: BoolArray) -> float:
        """Weight of all clients that an open site covers; larger is better."""
        return float(self.weights @ covered_clients(self.covers, is_open))

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        return misfits or opening_violations(self, is_open)


def maximal_covering_model(problem: MaximalCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site and one for each client."""
    builder = ModelBuilder("maximal-covering", maximize=True)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    s = builder.add_columns(problem.weights, upper=1)
    add_cover_rows(builder, s, y, problem.covers)
    add_opening(builder, y, problem)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[: problem.num_sites] > 0.5),
        encode=partial(encode_covered, covers=problem.covers),
    )


def add_cover_rows(
    builder: ModelBuilder, s: IntArray, y: IntArray, covers: sparse.csr_array
) -> None:
    """Add the rows (cover) with columns s for clients and y for sites."""
    client, site = covering_pairs(covers)
    builder.add_rows(
        np.r_[np.arange(s.size), client],
        np.r_[s, y[site]],
        np.r_[np.ones(s.size), -np.ones(client.size)],
        upper=np.zeros(s.size),
    )


def encode_covered(is_open: BoolArray, *, covers: sparse.csr_array) -> FloatArray:
    """Write the open sites and the clients that they cover."""
    return np.concatenate([is_open, covered_clients(covers, is_open)]).astype(float)
