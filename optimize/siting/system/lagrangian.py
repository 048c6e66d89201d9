"""
Bound of a service system from the sites: rows that join sites are priced, each site is filled.

With a price of every row that joins sites, what is left of the program is a knapsack at every site
(:mod:`.packings`) and columns that go to one of their bounds; the sum is a bound on every plan
(Geoffrion 1974, Mathematical Programming Study 2), which at the best prices is the linear
relaxation over whole packings of sites. The linear relaxation itself fills sites with parts of
facilities, and its bound is lower wherever room is short.

Prices are improved by the volume algorithm (Barahona and Anbil 2000, Mathematical Programming 87),
which also gives an average of the fillings that comes near to a solution of that relaxation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ....models.formulation import FloatArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from ...dual_bound import SAFE
from ...limits import Deadline, Stop
from .packings import SitePackings

FIRST_STEP, LAST_STEP = 0.1, 1e-4
"""Share of the way to the aim that prices are moved at first, and at which they are left."""

AIM = 0.05
"""Share of the bound by which prices aim above it."""

SCALE = 8.0
"""Prices move by their own size, and by so much of that of other rows of the same facilities."""

FADING, LEAST_FADING = 0.1, 0.1
"""Most weight of a filling in the average at first, and the share of it that is the least."""

PATIENCE, SHRINKING, GROWING = 5, 0.66, 1.1
"""Moves without a better bound before the step shrinks; by how much it shrinks, and grows."""

SEASON, GAIN = 100, 0.002
"""Moves after which the average is made slower if the bound has gained less than this share."""


@dataclass(frozen=True, eq=False)
class Filling:
    """
    The best that sites do at given prices.

    Parameters
    ----------
    prices
        Of each row of the model, 0 for those inside sites, shape (rows,).
    bound
        Bound on the objective of every plan.
    values
        Columns of the filling, shape (columns,).
    """

    prices: FloatArray
    bound: float
    values: FloatArray


class Lagrangian:
    """
    A model with the rows that join sites left out at a price.

    Parameters
    ----------
    built
        What the columns of the model stand for.
    model
        The model, maybe with more rows than when it was built; all its columns are bounded.
    packings
        What sites can hold.
    """

    def __init__(self, built: SystemModel, model: LinearModel, packings: SitePackings) -> None:
        """Find the rows inside sites."""
        self.built, self.model, self.packings = built, model, packings
        columns, problem = built.columns, built.problem
        self.sized = np.flatnonzero(columns.area >= 0)
        self.sites = np.flatnonzero(columns.site >= 0)
        own = np.zeros(model.num_columns, dtype=bool)
        for part in (columns.opening, columns.area[self.sized], columns.site[self.sites]):
            own[part] = True
        self.others = np.flatnonzero(~own)
        site = np.where(own, built.site_of_columns(), -1)
        pairs = sparse.coo_array(model.rows)
        low = np.full(model.num_rows, problem.num_sites, dtype=np.int64)
        high = np.full(model.num_rows, -1, dtype=np.int64)
        np.minimum.at(low, pairs.row, site[pairs.col])
        np.maximum.at(high, pairs.row, site[pairs.col])
        self.joining = (low != high) | (low < 0)
        self.rows = sparse.csr_array(model.rows)
        self.transposed = sparse.csr_array(model.rows.T)
        self.has_lower, self.has_upper = np.isfinite(model.row_lower), np.isfinite(model.row_upper)

    def usable(self, prices: FloatArray) -> FloatArray:
        """Prices of the right sign of rows that join sites, 0 for the others."""
        allowed = np.where(prices > 0, self.has_lower, self.has_upper) & self.joining
        return np.where(allowed & np.isfinite(prices), prices, 0.0)

    def reduced(self, prices: FloatArray) -> FloatArray:
        """Return what columns cost beside what rows pay at usable prices, shape (columns,)."""
        return np.asarray(self.model.costs - self.transposed @ prices)

    def sides(self, prices: FloatArray) -> FloatArray:
        """Return the side of each row that usable prices speak of, 0 for none, shape (rows,)."""
        side = np.where(prices > 0, self.model.row_lower, self.model.row_upper)
        return np.where(prices == 0, 0.0, side)

    def at(self, prices: FloatArray) -> Filling:
        """
        Fill all sites at given prices.

        Parameters
        ----------
        prices
            Of each row, shape (rows,); those of a wrong sign, and inside sites, count as 0.
        """
        model, columns = self.model, self.built.columns
        prices = self.usable(prices)
        reduced, rows = self.reduced(prices), prices * self.sides(prices)
        values = np.zeros(model.num_columns)
        rest = self.others
        values[rest] = np.where(reduced[rest] >= 0, model.lower[rest], model.upper[rest])
        wanted = reduced[rest] * values[rest]
        packed = self.packings.best(*self._profits(reduced))
        values[columns.opening] = packed.is_open
        values[columns.area[self.sized]] = packed.area_m2[self.sized]
        opened = np.bincount(
            self.built.problem.facilities.site, packed.is_open, self.built.problem.num_sites
        )
        values[columns.site[self.sites]] = opened[self.sites] > 0
        terms = np.abs(rows).sum() + np.abs(wanted).sum() + np.abs(packed.profit).sum()
        bound = float(rows.sum() + wanted.sum() - packed.profit.sum()) + model.offset
        return Filling(prices, bound - SAFE * (float(terms) + abs(model.offset)), values)

    def _profits(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        columns, least = self.built.columns, self.built.problem.facilities.least_m2
        density = np.zeros(columns.opening.size)
        density[self.sized] = -reduced[columns.area[self.sized]]
        return density * least - reduced[columns.opening], density

    def profits(self, prices: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Return what facilities earn at prices, at their least floor area and with each m² more.

        Parameters
        ----------
        prices
            Of each row, shape (rows,).

        Returns
        -------
        tuple
            Shape (facilities,) each.
        """
        return self._profits(self.reduced(self.usable(prices)))

    def lacking(self, values: FloatArray, prices: FloatArray) -> FloatArray:
        """
        How much each row lacks, or has too much: the direction in which prices should move.

        Parameters
        ----------
        values, prices
            Columns and prices, shape (columns,) and (rows,); a row whose price could fall counts
            though it is kept.
        """
        model, activity = self.model, self.rows @ values
        low = np.where(self.has_lower, model.row_lower - activity, -np.inf)
        high = np.where(self.has_upper, model.row_upper - activity, np.inf)
        moved = np.where(prices > 0, low, np.where(prices < 0, high, 0.0))
        moved = np.where(low > 0, low, np.where(high < 0, high, moved))
        return np.where(self.joining, moved, 0.0)

    def scales(self, prices: FloatArray) -> FloatArray:
        """
        How far the price of each row may have to move, shape (rows,).

        A facility is paid by its rows; each is taken to pay the root mean square of what the rows
        of its facilities pay.
        """
        found = np.zeros(self.model.num_rows)
        rows = np.flatnonzero(self.joining)
        own = np.ones(self.model.num_columns, dtype=bool)
        own[self.others] = False
        table = sparse.csr_array(abs(self.rows[rows][:, np.flatnonzero(own)]))
        table.eliminate_zeros()
        if not table.nnz:
            return found
        ones, squares, inverse = table.copy(), table.copy(), table.copy()
        ones.data[:], squares.data, inverse.data = 1.0, table.data**2, 1.0 / table.data
        number = np.maximum(np.asarray(ones.sum(axis=0)).ravel(), 1.0)
        paid = np.sqrt(squares.T @ prices[rows] ** 2 / number)
        found[rows] = (inverse @ paid) / np.maximum(np.asarray(ones.sum(axis=1)).ravel(), 1.0)
        return found


class Ascent:
    """
    Prices that become better, and the average of what sites do at them.

    Parameters
    ----------
    lagrangian
        What is priced.
    prices
        Prices to begin with, such as the duals of a relaxation, shape (rows,).
    """

    def __init__(self, lagrangian: Lagrangian, prices: FloatArray) -> None:
        """Fill the sites at the first prices."""
        self.lagrangian = lagrangian
        self.best = lagrangian.at(prices)
        self.average = self.best.values.copy()
        self.scales = SCALE * lagrangian.scales(self.best.prices)
        self._start()

    def _start(self) -> None:
        self.step, self.fading, self.waited = FIRST_STEP, FADING, 0
        self.wanted = AIM * abs(self.best.bound - self.lagrangian.model.offset)
        self.aim = self.best.bound + self.wanted

    def take(self, lagrangian: Lagrangian) -> None:
        """Go on with a model that has more rows, at a price of 0."""
        more = lagrangian.model.num_rows - self.best.prices.size
        self.lagrangian = lagrangian
        self.best = lagrangian.at(np.r_[self.best.prices, np.zeros(more)])
        self.scales = SCALE * lagrangian.scales(self.best.prices)
        self._start()

    def run(self, moves: int, end: Deadline, stop: Stop | None = None) -> None:
        """
        Move prices until the bound no longer grows.

        Parameters
        ----------
        moves
            Most moves.
        end, stop
            When to end at the latest, and a request to stop.
        """
        before = self.best.bound
        for move in range(1, moves + 1):
            if self.step < LAST_STEP or end.passed or (stop is not None and stop.requested):
                return
            if not self._move():
                return
            if move % SEASON == 0:
                if self.best.bound - before < GAIN / AIM * self.wanted:
                    self.fading /= 2
                before = self.best.bound

    def _move(self) -> bool:
        """Move prices once; tell whether there was anywhere to go."""
        lagrangian, best = self.lagrangian, self.best
        weight = (np.abs(best.prices) + self.scales) ** 2
        direction = self._direction()
        size = float((weight * direction**2).sum())
        if size <= 0:
            return False
        length = self.step * (self.aim - best.bound) / size
        filling = lagrangian.at(best.prices + length * weight * direction)
        lacking = lagrangian.lacking(filling.values, filling.prices)
        self._average(filling, lacking, weight)
        if filling.bound <= best.bound:
            self.waited += 1
            if self.waited >= PATIENCE:
                self.step, self.waited = self.step * SHRINKING, 0
            return True
        self.best, self.waited = filling, 0
        if float((weight * direction * lacking).sum()) >= 0:
            self.step *= GROWING
        if self.best.bound > self.aim - 0.3 * self.wanted:
            self.aim = self.best.bound + self.wanted
        return True

    def _direction(self) -> FloatArray:
        """Return what the average lacks, but for prices that would get the wrong sign."""
        lagrangian, prices = self.lagrangian, self.best.prices
        direction = lagrangian.lacking(self.average, prices)
        direction[(prices <= 0) & (direction < 0) & ~lagrangian.has_upper] = 0.0
        direction[(prices >= 0) & (direction > 0) & ~lagrangian.has_lower] = 0.0
        return direction

    def _average(self, filling: Filling, lacking: FloatArray, weight: FloatArray) -> None:
        """Let the average lack as little as it can, with a limited weight of the last filling."""
        before = self.lagrangian.lacking(self.average, filling.prices)
        change = lacking - before
        size = float((weight * change**2).sum())
        share = -float((weight * before * change).sum()) / size if size > 0 else self.fading
        share = min(max(share, LEAST_FADING * self.fading), self.fading)
        self.average = share * filling.values + (1 - share) * self.average
