"""
One large program in regions: a bound from all at once, and better plans from one at a time.

Rows whose columns lie in several regions are left out at a price; what remains falls apart, and the
bounds of the regions' integer programs add up to a bound of the whole, at least as good as that of
the relaxation at those prices (Lagrangian decomposition: Geoffrion 1974, "Lagrangean relaxation for
integer programming", Mathematical Programming Study 2).

With everything outside of one region as it is, the program of the region improves the plan
(Taillard and Voss 2002, "POPMUSIC", Essays and Surveys in Metaheuristics).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from ....models.formulation import BoolArray, FloatArray, IntArray, LinearModel
from ....models.siting.service_system_model import SystemModel


@dataclass(frozen=True, eq=False)
class Priced:
    """
    Programs of the regions without the rows between them, and what those add to the bound.

    Parameters
    ----------
    programs
        One for each region.
    columns
        Columns of the whole that each has.
    constant
        What the prices add.
    """

    programs: list[LinearModel]
    columns: list[IntArray]
    constant: float


class Opened(NamedTuple):
    """A program in which some columns of the whole may change, its columns, and its rows."""

    program: LinearModel
    columns: IntArray
    rows: IntArray


@dataclass(frozen=True, eq=False)
class Regions:
    """
    A program and the region of each of its columns.

    Parameters
    ----------
    model
        The program, minimised.
    region
        Region of each column that decides, -1 for those that follow, shape (columns,).
    """

    model: LinearModel
    region: IntArray

    @cached_property
    def columnwise(self) -> sparse.csc_array:
        """The rows, column by column."""
        return sparse.csc_array(self.model.rows)

    def _met_by(self, columns: BoolArray) -> IntArray:
        """Rows that have one of some columns."""
        return np.unique(self.columnwise[:, np.flatnonzero(columns)].indices)

    @property
    def num(self) -> int:
        """Number of regions."""
        return int(self.region.max(initial=-1)) + 1

    @cached_property
    def home(self) -> IntArray:
        """Region of every column; those that follow are of the last region that they meet."""
        pairs = sparse.coo_array(self.model.rows)
        highest = np.full(self.model.num_rows, -1, dtype=np.int64)
        known = self.region[pairs.col] >= 0
        np.maximum.at(highest, pairs.row[known], self.region[pairs.col[known]])
        found = self.region.copy()
        np.maximum.at(found, pairs.col[~known], highest[pairs.row[~known]])
        return np.maximum(found, 0)

    @cached_property
    def row_ends(self) -> tuple[IntArray, IntArray]:
        """First and last region of each row, shape (rows,) each."""
        return row_ends(self.model.rows, self.home)

    @property
    def row_region(self) -> IntArray:
        """Region of the rows that lie in one, -1 for those between regions, shape (rows,)."""
        low, high = self.row_ends
        return np.where(low == high, low, -1)

    def priced(self, duals: FloatArray) -> Priced:
        """
        Leave out the rows between regions at a price.

        Parameters
        ----------
        duals
            Prices of the rows, shape (rows,); any will do, those of wrong sign count as 0.
        """
        model = self.model
        between = np.flatnonzero(self.row_region < 0)
        price = duals[between].copy()
        price[(price > 0) & ~np.isfinite(model.row_lower[between])] = 0.0
        price[(price < 0) & ~np.isfinite(model.row_upper[between])] = 0.0
        side = np.where(price > 0, model.row_lower[between], model.row_upper[between])
        constant = float((price * np.where(price != 0, side, 0.0)).sum())
        costs = model.costs - model.rows[between].T @ price
        programs, columns = [], []
        for region in range(self.num):
            mine = np.flatnonzero(self.home == region)
            rows = np.flatnonzero(self.row_region == region)
            program = replace(
                model.part(rows, mine),
                costs=costs[mine],
                offset=0.0,
                name=f"{model.name} {region}",
            )
            programs.append(program)
            columns.append(mine)
        return Priced(programs, columns, constant + model.offset)

    @cached_property
    def joining(self) -> BoolArray:
        """Rows that are not of one region alone, shape (rows,)."""
        return joins_sites(self.model.rows, self.region)

    def opened(self, values: FloatArray, free: BoolArray) -> Opened:
        """
        Return the program in which some columns are free and all others stay.

        Parameters
        ----------
        values
            A solution, shape (columns,).
        free
            Columns that may change, shape (columns,); those that follow them may too.

        Returns
        -------
        Opened
            The program with the same objective.
        """
        model = self.model
        touched = self._met_by(free)
        rows = sparse.csr_array(model.rows[touched])
        met = np.zeros(model.num_columns, dtype=bool)
        met[rows.indices] = True
        open_columns = free | (met & (self.region < 0))
        touched = np.union1d(touched, self._met_by(open_columns & ~free))
        mine = np.flatnonzero(open_columns)
        rest = np.where(open_columns, 0.0, values)
        fixed = model.rows[touched] @ rest
        part = model.part(touched, mine)
        program = replace(
            part,
            row_lower=part.row_lower - fixed,
            row_upper=part.row_upper - fixed,
            offset=model.offset + float(model.costs @ rest),
            name=f"{model.name} part",
        )
        return Opened(program, mine, touched)


def regions_of_sites(built: SystemModel, partition: IntArray) -> IntArray:
    """
    Return the region of each column of a service system that decides on a site, -1 for the others.

    Parameters
    ----------
    built
        The model.
    partition
        Region of each site, shape (sites,).
    """
    site = built.site_of_columns()
    return np.where(site >= 0, partition[np.maximum(site, 0)], -1)


def row_ends(rows: sparse.csr_array, group: IntArray) -> tuple[IntArray, IntArray]:
    """
    Return the lowest and the highest group of the columns of each row, shape (rows,) each.

    Parameters
    ----------
    rows
        Shape (rows, columns).
    group
        Group of each column, -1 for none, shape (columns,). A row without columns has different
        ends, the highest -1.
    """
    pairs = sparse.coo_array(rows)
    low = np.full(rows.shape[0], int(group.max(initial=-1)) + 1, dtype=np.int64)
    high = np.full(rows.shape[0], -1, dtype=np.int64)
    np.minimum.at(low, pairs.row, group[pairs.col])
    np.maximum.at(high, pairs.row, group[pairs.col])
    return low, high


def joins_sites(rows: sparse.csr_array, site: IntArray) -> BoolArray:
    """Tell which rows are not of one site alone; ``site`` as the groups of :func:`row_ends`."""
    low, high = row_ends(rows, site)
    return np.asarray((low != high) | (low < 0))
