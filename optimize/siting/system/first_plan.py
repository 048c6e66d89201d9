"""
The first plan of a service system: what is certain on the average, and the rest by clusters.

What is open, or closed, nearly always on the average of the relaxation stays so; the rest is
decided one cluster of sites after the other, those not yet decided as on the average (relax and
fix: Pochet and Wolsey 2006, "Production Planning by Mixed Integer Programming", Section 3.6). The
average keeps rows between sites only nearly, so that what it leaves must be made to fit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from ....models.formulation import BoolArray, FloatArray, IntArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from .layout import site_regions
from .packings import SitePackings
from .parts import Parts
from .regions import Opened, Regions, regions_of_sites

CERTAIN = 0.03
"""How near the average of the relaxation is to the plan where a facility is taken as certain."""

CLUSTER = 200.0
"""Facilities that are not certain in a cluster of the first plan, at most."""

ATTEMPTS = 2
"""How often clusters of the first plan are tried that had no solution beside the others."""

MOST_SECONDS = 10.0
"""Seconds after which the program of a cluster is given up."""

AGREE = 5.0
"""Seconds after which making the average agree with what is certain is given up."""

MISSED = 10.0
"""Price of missing a row by 1, in the largest price of a column."""

FITS = 1e-6
"""By how much, as a share, a row may be missed."""


class FirstPlan:
    """
    A first plan along an average.

    Parameters
    ----------
    built
        The model.
    split
        The model with the rows that it has now, each site a region.
    parts
        Solves programs.
    points
        Coordinates of the sites, shape (sites, 2).
    average
        Columns of the average of the relaxation, shape (columns,).
    """

    def __init__(
        self,
        built: SystemModel,
        split: Regions,
        parts: Parts,
        points: FloatArray,
        average: FloatArray,
    ) -> None:
        """Begin with the average."""
        self.built, self.split, self.parts, self.points = built, split, parts, points
        self.values, self.average = average.copy(), average

    def made(self, packings: SitePackings) -> FloatArray:
        """
        Decide one cluster after the other, those not yet decided as on the average.

        A cluster can have no solution as long as others stand as on the average, such as where a
        place may have one station and parts of two are left: then rows are missed that join it with
        the others. Those for which that is of no use either stay as they are today.

        Parameters
        ----------
        packings
            What sites can hold.

        Returns
        -------
        FloatArray
            Columns of the plan, of which those that follow are not settled, shape (columns,).
        """
        certain, each = self._settle_certain(packings), np.arange(len(self.points))
        held = self.built.columns.opening[certain]
        self._fit_room()
        self.close_surplus()
        self._agree(held)
        site = self.built.problem.facilities.site
        weight = np.bincount(site, ~certain, each.size).astype(float)
        partition = site_regions(self.points, each, weight, most=CLUSTER)
        cluster = regions_of_sites(self.built, partition)
        waiting = list(range(int(cluster.max(initial=-1)) + 1))
        for _ in range(ATTEMPTS):
            waiting = [number for number in waiting if not self._decide(cluster == number, held)]
        today = self.built.decided(self.built.problem.today())
        undecided = np.isin(cluster, waiting) & (cluster >= 0)
        self.values[undecided] = today[undecided]
        self.close_surplus()
        return self.values

    def _settle_certain(self, packings: SitePackings) -> BoolArray:
        """Open and close what is certain; tell which facilities are, shape (facilities,)."""
        opening = self.built.columns.opening
        share = self.average[opening]
        wanted = np.where(share >= 1 - CERTAIN, share, -1.0) * (1e6 * (1 + packings.fixed.max()))
        fits = packings.best(wanted, np.zeros(opening.size)).is_open
        certain = (share <= CERTAIN) | ((share >= 1 - CERTAIN) & fits)
        self.values[opening[certain]] = fits[certain]
        return np.asarray(certain)

    def _fit_room(self) -> None:
        """Shrink floor area to what sites have room for, where facilities were rounded up."""
        columns, rows = self.built.columns, self.built.problem.facilities
        ground, site = self.built.problem.grounds, rows.site
        sized, sites = columns.area >= 0, np.flatnonzero(columns.site >= 0)
        state = self.values[columns.opening]
        least = rows.least_m2 * state
        most = np.where(sized, rows.most_m2 * state, least)
        growth = np.clip(np.where(sized, self.values[columns.area], least), least, most) - least
        spare = ground.most_m2 - np.bincount(site, least, ground.most_m2.size)
        wanted = np.bincount(site, growth, ground.most_m2.size)
        share = np.clip(spare / np.maximum(wanted, 1e-9), 0.0, 1.0)
        self.values[columns.area[sized]] = (least + growth * share[site])[sized]
        highest = np.zeros(ground.most_m2.size)
        np.maximum.at(highest, site, state)
        place = columns.site[sites]
        self.values[place] = np.maximum(self.values[place], highest[sites])

    def _agree(self, held: IntArray) -> None:
        """
        Make what is undecided agree with what is certain.

        Both are nearly the average, and together they miss rows by a little, so that clusters
        beside them could have no solution. The linear relaxation of what is undecided mends that;
        where it takes too long, only the columns that follow take their best values, and rows
        that this does not mend are missed by as little as can be.

        Parameters
        ----------
        held
            Columns of facilities that are certain.
        """
        follows = self.split.region < 0
        undecided = np.ones(follows.size, dtype=bool)
        undecided[held] = False
        for free, misses in ((undecided, False), (follows, False), (follows, True)):
            part = self._part(free, misses)
            linear = np.zeros(part.program.num_columns, dtype=bool)
            if self._solve(part._replace(program=replace(part.program, integer=linear)), AGREE):
                return

    def _part(self, free: BoolArray, misses: bool) -> Opened:
        """Return the program of some columns, in which rows that join sites may be missed."""
        part = self.split.opened(self.values, free)
        if not misses:
            return part
        return part._replace(program=eased(part.program, self.split.joining[part.rows]))

    def _solve(self, part: Opened, seconds: float) -> bool:
        """Take over the solution of a part; tell whether there was one."""
        found = self.parts.part(part.program, seconds)
        if found.solution is None:
            return False
        self.values[part.columns] = found.solution[: part.columns.size]
        return True

    def close_surplus(self) -> None:
        """
        Close facilities of which a place has more than it may, the least certain first.

        The average keeps such rows only nearly, so what is certain on it can be one too many; what
        then lacks is for the clusters to mend.
        """
        model, opening = self.split.model, self.built.columns.opening
        is_opening = np.zeros(model.num_columns, dtype=bool)
        is_opening[opening] = True
        rows = model.rows
        others = abs(rows) @ (~is_opening).astype(float)
        state = np.where(is_opening, np.round(self.values), 0.0)
        over = (rows @ state > model.row_upper + FITS) & (others == 0)
        for row in np.flatnonzero(over):
            own = slice(rows.indptr[row], rows.indptr[row + 1])
            columns, weights = rows.indices[own], rows.data[own]
            for place in np.argsort(self.average[columns], kind="stable"):
                if state[columns] @ weights <= model.row_upper[row] + FITS:
                    break
                if weights[place] > 0 and model.lower[columns[place]] <= 0:
                    state[columns[place]] = self.values[columns[place]] = 0.0

    def _decide(self, inside: BoolArray, held: IntArray) -> bool:
        """
        Decide a cluster, with what is certain as it is or else free; tell whether it could.

        If nothing fits beside the others as they are, rows are missed by as little as can be: what
        the others have on the average is not yet decided.
        """
        free = inside.copy()
        free[held] = False
        for chosen, misses in ((free, False), (inside, False), (inside, True)):
            if self.parts.is_over:
                return False
            if self._solve(self._part(chosen, misses), MOST_SECONDS):
                return True
        return False


def eased(program: LinearModel, joins: BoolArray) -> LinearModel:
    """
    Let some rows be missed, at a price above all others, with columns put last.

    Where the rest of a city stands as on the average, a place can have a little more than it may,
    or a station serve a little more than it has room for, before a cluster of it is decided.

    Parameters
    ----------
    program
        A part of a program, minimised.
    joins
        Rows that may be missed: those that join sites, shape (rows,).
    """
    price = MISSED * float(np.abs(program.costs).max(initial=1.0))
    above = np.flatnonzero(np.isfinite(program.row_upper) & joins)
    below = np.flatnonzero(np.isfinite(program.row_lower) & joins)
    row, number = np.r_[above, below], above.size + below.size
    sign = np.r_[np.full(above.size, -1.0), np.ones(below.size)]
    slack = sparse.csr_array((sign, (row, np.arange(number))), shape=(program.num_rows, number))
    return replace(
        program,
        costs=np.r_[program.costs, np.full(number, price)],
        lower=np.r_[program.lower, np.zeros(number)],
        upper=np.r_[program.upper, np.full(number, np.inf)],
        integer=np.r_[program.integer, np.zeros(number, dtype=bool)],
        rows=sparse.csr_array(sparse.hstack([program.rows, slack])),
    )
