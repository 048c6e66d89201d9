"""
Bounds of a service system, each step on the prices of the one before.

1. Prices of the rows that join sites (:mod:`.lagrangian`), with rows for the sets of units that are
   short of floor area on the average.
2. Regions: at those prices, the rows between regions are left out, and the regions' integer
   programs give a bound that is at least the same (:mod:`.regions`). They start from the bound of
   the packings by a row for each site (:mod:`.site_rows`), and what a solver says is compared with
   what the best plan does there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....models.formulation import FloatArray, IntArray, LinearModel
from ....models.siting.capacity_flow import CapacityFlow
from ....models.siting.service_system_model import SystemModel
from ...limits import Deadline
from ...result import Result
from .best import NEAR, Best, Row, with_rows
from .lagrangian import Ascent, Lagrangian
from .local_gap import LocalGap
from .packings import SitePackings
from .parts import Parts
from .regions import Regions, regions_of_sites
from .short_units import LACKING, ShortUnits
from .site_rows import packing_rows

MOVES = 250
"""Moves of the prices between two rounds of rows for floor area."""

RELAXATION = 0.5
"""Share of the time for the linear relaxation, at most."""

LONGEST = 10.0
"""Seconds for what follows in a region from facilities that are decided."""


class Bounding:
    """
    What is known from below.

    Parameters
    ----------
    built
        The model.
    best
        Takes the bounds.
    parts
        Solves programs.
    short
        Finds who is short of floor area.
    """

    def __init__(self, built: SystemModel, best: Best, parts: Parts, short: ShortUnits) -> None:
        """Begin with nothing."""
        self.built, self.best, self.parts, self.short = built, best, parts, short
        self.model: LinearModel = built.model
        self.prices: FloatArray = np.zeros(self.model.num_rows)
        self.average: FloatArray = built.decided(built.problem.today())
        self.ascent: Ascent | None = None
        self.priced: Lagrangian | None = None
        self.packings = SitePackings(built.problem)

    def ascend(self, rounds: int, end: Deadline) -> None:
        """
        Improve the prices, until they hardly move any more.

        Parameters
        ----------
        rounds
            Most rounds of ``MOVES`` moves.
        end
            When to end at the latest.
        """
        if self.ascent is None:
            self._take(self.short.first())
            self.ascent = Ascent(self._lagrangian(), self._duals(end))
        for _ in range(rounds):
            self.ascent.take(self._lagrangian())
            self.ascent.run(MOVES, end, self.parts.stop)
            self.prices, self.average = self.ascent.prices, self.ascent.average
            bound = self.ascent.best.bound
            self.best.prove(bound, is_safe=True)
            added = self._add(self.average, bound)
            is_near = self.best.is_near(self.parts.limits.gap)
            if end.passed or self.parts.is_over or is_near or (self.ascent.is_over and not added):
                return

    def _duals(self, end: Deadline) -> FloatArray | None:
        """
        Return the duals of the linear relaxation where places are attached to facilities.

        What attaches a place joins others that attach it, beyond the sites: prices that begin
        with what is lacking end below the relaxation there. None elsewhere, or without an optimum.
        """
        if not self.built.problem.sharing.needs.size:
            return None
        found = self.parts.relaxation(self.model, Deadline.after(RELAXATION * end.seconds_left))
        return None if found is None else found.row_duals

    def price(self, regions: IntArray, end: Deadline) -> None:
        """
        Solve the programs of regions at the prices, and add up their bounds.

        Parameters
        ----------
        regions
            Region of each site, shape (sites,).
        end
            When to end at the latest.
        """
        rows = self.rows()
        split = Regions(with_rows(self.model, rows), regions_of_sites(self.built, regions))
        priced = split.priced(np.r_[self.prices, np.zeros(len(rows))])
        bound, left = priced.constant, sum(program.rows.nnz for program in priced.programs)
        for program, columns in zip(priced.programs, priced.columns, strict=True):
            if self.parts.is_over or self.best.is_near(self.parts.limits.gap):
                return
            known = self._planned(program, columns)
            seconds = end.seconds_left * program.rows.nnz / max(left, 1)
            found = self.parts.part(program, seconds, known.solution, seeks_bound=True)
            left -= program.rows.nnz
            if found.bound is None:
                return
            wrong = known.objective is not None and found.bound > known.objective + NEAR * (
                abs(priced.constant) + abs(known.objective)
            )
            if wrong:  # the plan is better than what the solver says is possible
                return
            bound += found.bound
        self.best.prove(bound)

    def rows(self) -> list[Row]:
        """Return what the packings of sites earn at most at the prices."""
        return packing_rows(self._lagrangian(), self.prices)

    def gaps(self) -> LocalGap:
        """Tell where the gap of a plan is, at the prices."""
        return LocalGap(self._lagrangian(), self.prices)

    def _lagrangian(self) -> Lagrangian:
        """Return the model as it is now with its joining rows at a price."""
        if self.priced is None or self.priced.model is not self.model:
            self.priced = Lagrangian(self.built, self.model, self.packings)
        return self.priced

    def _planned(self, program: LinearModel, columns: IntArray) -> Result[FloatArray]:
        """Solve the program of a region with the facilities of the best plan."""
        place = np.full(self.model.num_columns, -1, dtype=np.int64)
        place[columns] = np.arange(columns.size)
        opening = place[self.built.columns.opening]
        mine = opening >= 0
        decided = program.fixed(opening[mine], self.best.plan.is_open[mine])
        return self.parts.part(decided, LONGEST)

    def _add(self, values: FloatArray, objective: float) -> bool:
        """Add rows for those who are short in a solution; tell whether there were any."""
        least = self.best.negligible(objective, LACKING * self.parts.limits.gap)
        flows = self.short.found(self.built, values, least)
        self._take(flows)
        return bool(flows)

    def _take(self, flows: Sequence[CapacityFlow]) -> None:
        """Add the rows of sets of units, at a price of 0."""
        self.model = with_rows(self.model, [self.built.cut_row(flow) for flow in flows])
        self.prices = np.r_[self.prices, np.zeros(len(flows))]
