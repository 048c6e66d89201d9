"""
What the parts of a city cost at least, and the budget that is written with it.

Where a city falls apart into parts that share no rule, the money of each is a column of its own:

    s_p = Σ_{j in p} f_j y_j + c_j a_j ≥ least cost of part p,   Σ_p s_p ≤ B

No plan of all rules is cut off. A relaxation without this opens fractions of stations in every
part, for less than any plan costs there, and spends what it saves elsewhere; and whatever a solver
derives from a single row of costs is as long as the city.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..formulation import FloatArray, IntArray, ModelBuilder

_ROOM = 1e-6
"""Relative distance kept from the least costs, so that the cheapest plan itself has room."""


@dataclass(frozen=True, eq=False)
class Spending:
    """
    Least costs of the independent parts of a city.

    Parameters
    ----------
    part
        Part of each site, shape (sites,).
    least
        Bound on what each part costs in any plan of all rules, shape (parts,).
    """

    part: IntArray
    least: FloatArray


@dataclass(frozen=True, eq=False)
class SpentColumns:
    """
    Columns s of a model.

    Parameters
    ----------
    columns
        Column of each part, shape (parts,).
    costs
        What each of the columns before them costs in each part, shape (parts, columns before).
    """

    columns: IntArray
    costs: sparse.csr_array

    def fill(self, values: FloatArray) -> None:
        """Write what each part costs beside the decision that ``values`` begin with."""
        values[self.columns] = self.costs @ values[: self.costs.shape[1]]


def add_spending(
    builder: ModelBuilder,
    spending: Spending,
    site: IntArray,
    costs: FloatArray,
    *,
    fixed: FloatArray,
    budget: float,
) -> SpentColumns:
    """
    Add the money of each part and the budget of all.

    Parameters
    ----------
    builder
        A model whose columns are, so far, what money is spent on.
    spending
        The parts with their least costs.
    site, costs
        Site and cost of each of these columns.
    fixed
        What each site costs whatever is decided, shape (sites,).
    budget
        Largest sum.
    """
    num = spending.least.size
    decided = np.bincount(spending.part, fixed, num)
    least = spending.least - _ROOM * np.maximum(1.0, np.abs(spending.least)) - decided
    columns = builder.add_columns(np.zeros(num), lower=np.maximum(least, 0.0))
    part, before, own = spending.part[site], np.arange(site.size), np.arange(num)
    nothing = np.zeros(num)
    builder.add_rows(
        np.r_[part, own], np.r_[before, columns], np.r_[costs, -np.ones(num)],
        lower=nothing, upper=nothing,
    )  # fmt: skip
    builder.add_rows(np.zeros(num, dtype=int), columns, 1, upper=[budget - decided.sum()])
    shape = (num, site.size)
    return SpentColumns(columns, sparse.csr_array((costs, (part, before)), shape=shape))
