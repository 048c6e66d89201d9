"""
Bound of a service system from the sites: rows that join sites are priced, each site is filled.

With a price of every row that joins sites, what is left of the program is a knapsack at every site
(:mod:`.packings`) and columns that go to one of their bounds; the sum is a bound on every plan
(Geoffrion 1974, Mathematical Programming Study 2), which at the best prices is the linear
relaxation over whole packings of sites. The linear relaxation itself fills sites with parts of
facilities, and its bound is lower wherever room is short.

Prices begin at a share of what it costs to lack what a row asks for, so that no linear program is
needed, or at duals that are known. They are moved along the subgradient, each by its own scale
(Kingma and Ba 2015, "Adam: a method for stochastic optimization", ICLR): each price moves about as
far as the others in relation to its size, less where what the row lacks changes its sign, and all
less and less far. The average of the last fillings comes near to a solution of that relaxation
(Larsson, Patriksson and Stromberg 1999, "Ergodic, primal convergence in dual subgradient schemes",
Mathematical Programming 86).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ....models.formulation import FloatArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from ...dual_bound import SAFE
from ...limits import Deadline, Stop
from .packings import SitePackings
from .regions import joins_sites

FIRST_PRICE = 0.5
"""Share of the price of what a row may lack that it has at first."""

FIRST_STEP, LAST_STEP = 0.3, 1e-3
"""Share of its scale by which a price is moved at first, and at which prices are left."""

MOVES = 1000
"""Moves from the first step to the last."""

ITSELF = 0.7
"""Part of a price in its scale; the rest is what the rows of the same facilities pay."""

MEMORY, SIZE_MEMORY = 0.9, 0.999
"""Weight of former moves in the direction of a price, and in the size of what its row lacks."""

AGAIN = 250
"""Moves, of those at the end, that are made again when there are more rows."""

SEASON = 50
"""Moves after which the scales are computed again."""

FRESH = 0.01
"""Weight of a filling in the average, at least."""


@dataclass(frozen=True, eq=False)
class Filling:
    """
    The best that sites do at given prices.

    Parameters
    ----------
    prices
        Of the rows that join sites, shape (joining rows,).
    bound
        Bound on the objective of every plan.
    values
        Columns of the filling, shape (columns,).
    activity
        What the rows that join sites have in it, shape (joining rows,).
    """

    prices: FloatArray
    bound: float
    values: FloatArray
    activity: FloatArray


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
        """Find the rows that join sites."""
        self.built, self.model, self.packings = built, model, packings
        columns = built.columns
        self.sized = np.flatnonzero(columns.area >= 0)
        self.sites = np.flatnonzero(columns.site >= 0)
        is_own = np.zeros(model.num_columns, dtype=bool)
        for part in (columns.opening, columns.area[self.sized], columns.site[self.sites]):
            is_own[part] = True
        self.own, self.others = np.flatnonzero(is_own), np.flatnonzero(~is_own)
        site = np.where(is_own, built.site_of_columns(), -1)
        self.joining = np.flatnonzero(joins_sites(model.rows, site))
        self.rows = sparse.csr_array(sparse.csr_array(model.rows)[self.joining])
        self.transposed = sparse.csr_array(self.rows.T)
        self.lower, self.upper = model.row_lower[self.joining], model.row_upper[self.joining]
        self.has_lower, self.has_upper = np.isfinite(self.lower), np.isfinite(self.upper)

    def usable(self, prices: FloatArray) -> FloatArray:
        """Prices of the rows that join sites, 0 where the sign is wrong, shape (joining rows,)."""
        own = prices[self.joining]
        return self.signed(np.where(np.isfinite(own), own, 0.0))

    def signed(self, prices: FloatArray) -> FloatArray:
        """Prices of the rows that join sites, without those that have a wrong sign."""
        return np.where(np.where(prices > 0, self.has_lower, self.has_upper), prices, 0.0)

    def spread(self, prices: FloatArray) -> FloatArray:
        """Prices of all rows from those of the rows that join sites, shape (rows,)."""
        found = np.zeros(self.model.num_rows)
        found[self.joining] = prices
        return found

    def reduced(self, prices: FloatArray) -> FloatArray:
        """Return what columns cost beside what rows pay at usable prices, shape (columns,)."""
        return np.asarray(self.model.costs - self.transposed @ prices)

    def sides(self, prices: FloatArray) -> FloatArray:
        """Return the side of each joining row that usable prices speak of, 0 for none."""
        side = np.where(prices > 0, self.lower, self.upper)
        return np.where(prices == 0, 0.0, side)

    def at(self, prices: FloatArray) -> Filling:
        """
        Fill all sites at given prices.

        Parameters
        ----------
        prices
            Of each row, shape (rows,); those of a wrong sign, and inside sites, count as 0.
        """
        return self.filled(self.usable(prices))

    def filled(self, prices: FloatArray) -> Filling:
        """
        Fill all sites at usable prices.

        Parameters
        ----------
        prices
            Of the rows that join sites, shape (joining rows,).
        """
        model, columns = self.model, self.built.columns
        reduced, rows = self.reduced(prices), prices * self.sides(prices)
        values = np.zeros(model.num_columns)
        rest = self.others
        values[rest] = np.where(reduced[rest] >= 0, model.lower[rest], model.upper[rest])
        wanted = reduced[rest] * values[rest]
        packed = self.packings.best(*self.profits(reduced))
        values[columns.opening] = packed.is_open
        values[columns.area[self.sized]] = packed.area_m2[self.sized]
        opened = np.bincount(
            self.built.problem.facilities.site, packed.is_open, self.built.problem.num_sites
        )
        values[columns.site[self.sites]] = opened[self.sites] > 0
        terms = np.abs(rows).sum() + np.abs(wanted).sum() + np.abs(packed.profit).sum()
        bound = float(rows.sum() + wanted.sum() - packed.profit.sum()) + model.offset
        bound -= SAFE * (float(terms) + abs(model.offset))
        return Filling(prices, bound, values, np.asarray(self.rows @ values))

    def profits(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Return what facilities earn, at their least floor area and with each m² more.

        Parameters
        ----------
        reduced
            What columns cost beside what rows pay, shape (columns,).

        Returns
        -------
        tuple
            Shape (facilities,) each.
        """
        columns, least = self.built.columns, self.built.problem.facilities.least_m2
        density = np.zeros(columns.opening.size)
        density[self.sized] = -reduced[columns.area[self.sized]]
        return density * least - reduced[columns.opening], density

    def lacking(self, activity: FloatArray, prices: FloatArray) -> FloatArray:
        """
        How much each joining row lacks, or has too much: the way in which prices should move.

        Parameters
        ----------
        activity, prices
            What the rows have and their prices, shape (joining rows,) each; a row whose price could
            fall counts though it is kept.
        """
        low, high = self.lower - activity, self.upper - activity
        kept = np.where(prices > 0, low, np.where(prices < 0, high, 0.0))
        return np.asarray(np.where(low > 0, low, np.where(high < 0, high, kept)))

    @cached_property
    def _shares(self) -> tuple[sparse.csr_array, sparse.csr_array, FloatArray]:
        """
        How a facility is paid by its rows, how that is asked of a row, and what facilities cost.

        The first takes squares of prices, by column of the sites, the second what these columns are
        paid, by row; the last is the second of their costs, shape (joining rows,).
        """
        table = sparse.csr_array(abs(self.rows[:, self.own]))
        table.eliminate_zeros()
        number = np.maximum(np.bincount(table.indices, minlength=table.shape[1]), 1)
        size = np.diff(table.indptr)
        paid, asked = table.copy(), table
        paid.data = table.data**2 / number[table.indices]
        asked.data = 1.0 / (table.data * np.repeat(size, size))
        costs = np.maximum(self.model.costs[self.own], 0.0)
        return sparse.csr_array(paid.T), asked, np.asarray(asked @ costs)

    def first_prices(self) -> FloatArray:
        """Return a share of what it costs to lack what a row asks for, shape (joining rows,)."""
        pairs = sparse.coo_array(self.rows[:, self.others])
        costs = self.model.costs[self.others]
        able = (pairs.data > 0) & self.has_lower[pairs.row]
        found = np.zeros(self.joining.size)
        np.maximum.at(found, pairs.row[able], costs[pairs.col[able]] / pairs.data[able])
        return FIRST_PRICE * found

    def scales(self, prices: FloatArray) -> FloatArray:
        """
        How far the price of each joining row may have to move, shape (joining rows,).

        A facility is paid by its rows; each is taken to pay the root mean square of what the rows
        of its facilities pay, at least what these cost.

        Parameters
        ----------
        prices
            Of the rows that join sites, shape (joining rows,).
        """
        paid, asked, costs = self._shares
        return np.asarray(np.maximum(asked @ np.sqrt(paid @ prices**2), costs))


class Ascent:
    """
    Prices that become better, and the average of what sites do at them.

    Parameters
    ----------
    lagrangian
        What is priced.
    prices
        Prices to begin with, such as the duals of a relaxation, shape (rows,); None for those of
        :meth:`Lagrangian.first_prices`.
    """

    def __init__(self, lagrangian: Lagrangian, prices: FloatArray | None = None) -> None:
        """Fill the sites at the first prices."""
        self.lagrangian, self.moves = lagrangian, 0
        first = lagrangian.first_prices() if prices is None else lagrangian.usable(prices)
        self.best = self.last = lagrangian.filled(first)
        self.average = self.best.values.copy()
        self.direction = np.zeros(lagrangian.joining.size)
        self.size = np.zeros(lagrangian.joining.size)
        self.scales = lagrangian.scales(self.last.prices)

    @property
    def prices(self) -> FloatArray:
        """The best prices, of each row, shape (rows,)."""
        return self.lagrangian.spread(self.best.prices)

    @property
    def is_over(self) -> bool:
        """Whether prices hardly move any more."""
        return self.moves >= MOVES

    def take(self, lagrangian: Lagrangian) -> None:
        """Go on with a model that has more rows, at a price of 0."""
        if lagrangian is self.lagrangian:
            return
        more = np.zeros(lagrangian.model.num_rows - self.lagrangian.model.num_rows)
        old, self.lagrangian = self.lagrangian, lagrangian
        self.best, self.last = (
            lagrangian.at(np.r_[old.spread(filling.prices), more])
            for filling in (self.best, self.last)
        )
        self.direction, self.size = (
            np.r_[old.spread(part), more][lagrangian.joining]
            for part in (self.direction, self.size)
        )
        self.scales = lagrangian.scales(self.last.prices)
        self.moves = min(self.moves, MOVES - AGAIN)

    def run(self, moves: int, end: Deadline, stop: Stop | None = None) -> None:
        """
        Move prices until they hardly move any more.

        Parameters
        ----------
        moves
            Most moves.
        end, stop
            When to end at the latest, and a request to stop.
        """
        for _ in range(moves):
            if self.is_over or end.passed or (stop is not None and stop.requested):
                return
            self._move()

    def _move(self) -> None:
        """Move the prices once."""
        lagrangian, last = self.lagrangian, self.last
        step = FIRST_STEP * (LAST_STEP / FIRST_STEP) ** (self.moves / MOVES)
        self.moves += 1
        if self.moves % SEASON == 0:
            self.scales = lagrangian.scales(last.prices)
        lacking = lagrangian.lacking(last.activity, last.prices)
        self.direction = MEMORY * self.direction + (1 - MEMORY) * lacking
        self.size = SIZE_MEMORY * self.size + (1 - SIZE_MEMORY) * lacking**2
        scale = ITSELF * np.abs(last.prices) + (1 - ITSELF) * self.scales
        usual = np.sqrt(self.size / (1 - SIZE_MEMORY**self.moves)) * (1 - MEMORY**self.moves)
        change = np.divide(self.direction, usual, out=np.zeros_like(usual), where=usual > 0)
        self.last = lagrangian.filled(lagrangian.signed(last.prices + step * scale * change))
        if self.last.bound > self.best.bound:
            self.best = self.last
        share = max(FRESH, 1.0 / (self.moves + 1))
        self.average = share * self.last.values + (1 - share) * self.average
