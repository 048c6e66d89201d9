"""
Where the gap between a plan and the bound of the sites lies.

The gap is a sum of what complementary slackness asks to be 0 (Fisher 1981, "The Lagrangian
relaxation method for solving integer programming problems", Management Science 27(1)): what each
site earns less than its best packing, what rows with a price have too much, and what columns that
follow cost beyond their prices. In large systems most of it lies at few sites, so that it pays to
look there first for better plans.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ....models.formulation import FloatArray
from .lagrangian import Lagrangian


class LocalGap:
    """
    The gap at each site, at given prices.

    Parameters
    ----------
    lagrangian
        What is priced.
    prices
        Of its rows, shape (rows,).
    """

    def __init__(self, lagrangian: Lagrangian, prices: FloatArray) -> None:
        """Fill the sites at the prices."""
        self.lagrangian, self.num_sites = lagrangian, lagrangian.built.problem.num_sites
        self.prices = lagrangian.usable(prices)
        self.reduced, self.side = lagrangian.reduced(self.prices), lagrangian.sides(self.prices)
        profit, density = lagrangian.profits(self.reduced)
        self.most = lagrangian.packings.best(profit, density).profit
        self.own = lagrangian.own
        self.site = lagrangian.built.site_of_columns()[self.own]
        pattern = lagrangian.rows.copy()
        pattern.data[:] = 1.0
        self.row_sites = _shares(sparse.csr_array(pattern[:, self.own] @ self._member()))
        self.other_rows = _shares(sparse.csr_array(pattern[:, lagrangian.others].T))

    def _member(self) -> sparse.csr_array:
        """Site of each column that decides on one, as a matrix."""
        place = np.arange(self.own.size)
        return sparse.csr_array(
            (np.ones(self.own.size), (place, self.site)), shape=(self.own.size, self.num_sites)
        )

    def at_sites(self, values: FloatArray) -> FloatArray:
        """
        Divide the gap of a plan among the sites.

        What a row has too much is that of all its sites, equally; what a column costs that
        follows is that of its rows.

        Parameters
        ----------
        values
            Columns of the plan, shape (columns,).

        Returns
        -------
        FloatArray
            At least 0, shape (sites,).
        """
        model, others = self.lagrangian.model, self.lagrangian.others
        earned = np.bincount(self.site, self.reduced[self.own] * values[self.own], self.num_sites)
        reduced = self.reduced[others]
        cheapest = np.where(reduced >= 0, model.lower[others], model.upper[others])
        beyond = np.maximum(reduced * (values[others] - cheapest), 0.0)
        surplus = np.maximum(self.prices * (self.lagrangian.rows @ values - self.side), 0.0)
        rows = surplus + self.other_rows.T @ beyond
        found = np.maximum(self.most + earned, 0.0) + self.row_sites.T @ rows
        return np.asarray(found, dtype=float)


def _shares(pattern: sparse.csr_array) -> sparse.csr_array:
    """Divide each row by its sum."""
    total = np.asarray(pattern.sum(axis=1)).ravel()
    pattern.data /= np.repeat(np.maximum(total, 1.0), np.diff(pattern.indptr))
    return pattern
