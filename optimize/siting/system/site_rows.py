"""
Rows of single sites that bring the bound of whole packings into every program.

At any profits, what a site holds earns at most its best packing: Σ w_f y_f + Σ d_f a_f ≤ V_j z_j.
With the profits of the best prices, one such row a site lifts the linear relaxation to the bound of
the packings (the Lagrangian dual and the hull of the packings are the same: Geoffrion 1974), so
that a solver of integer programs starts from there. Profits are rounded to whole steps before
the best packing is sought, so that the rows hold exactly and are harmless in their numbers.
"""

from __future__ import annotations

import numpy as np

from ....models.formulation import FloatArray
from .best import Row
from .lagrangian import Lagrangian

STEPS = 2000.0
"""Steps of the largest profit at a site."""


def packing_rows(lagrangian: Lagrangian, prices: FloatArray) -> list[Row]:
    """
    Return a row for each site that says how much its packings earn at most.

    Parameters
    ----------
    lagrangian
        The model and what sites can hold.
    prices
        Prices of its rows, shape (rows,).
    """
    packings, columns = lagrangian.packings, lagrangian.built.columns
    facilities = lagrangian.built.problem.facilities
    profit, density = lagrangian.profits(lagrangian.reduced(lagrangian.usable(prices)))
    growth = np.zeros(facilities.num)
    growth[packings.order] = packings.growth
    grows = growth > 0
    size = np.maximum(np.abs(profit), np.abs(density) * growth)
    largest = np.zeros(packings.room.size)
    np.maximum.at(largest, facilities.site, size)
    step = np.maximum(largest, 1e-9)[facilities.site] / STEPS
    profit = np.round(profit / step)
    density = np.where(grows, np.round(density * growth / step) / np.maximum(growth, 1e-9), 0.0)
    earned = packings.best(profit, density, opens_free=True).profit
    sized = columns.area >= 0
    opening = profit - np.where(sized, density * facilities.least_m2, 0.0)
    rows: list[Row] = []
    for site in np.flatnonzero(np.diff(packings.starts)):
        own = packings.order[packings.starts[site] : packings.starts[site + 1]]
        more = own[sized[own]]
        column = np.r_[columns.opening[own], columns.area[more]]
        weight = -np.r_[opening[own], density[more]]
        column, weight = column[weight != 0], weight[weight != 0]
        if column.size and columns.site[site] >= 0 and not packings.held[site]:
            rows.append((np.r_[column, columns.site[site]], np.r_[weight, earned[site]], 0.0))
        elif column.size:
            rows.append((column, weight, -float(earned[site])))
    return rows
