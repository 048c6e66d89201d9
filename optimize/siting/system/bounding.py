"""
Bounds of a service system, each step on the prices of the one before.

1. The linear relaxation, by an interior point method: its duals are the first prices.
2. Better prices of the rows that join sites (:mod:`.lagrangian`), with rows for the sets of units
   that are short of floor area on the average.
3. Regions: at those prices, the rows between regions are left out, and the regions' integer
   programs give a bound that is at least the same (:mod:`.regions`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....models.formulation import FloatArray, IntArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from ...dual_bound import dual_bound
from ...limits import Deadline
from .best import NEAR, Best, with_rows
from .lagrangian import Ascent, Lagrangian
from .packings import SitePackings
from .parts import Parts
from .regions import Regions, regions_of_sites
from .short_units import ShortUnits

MOVES = 250
"""Moves of the prices between two rounds of rows for floor area."""

LEAST_GAIN = 2e-4
"""Share of the bound that a round of moves must gain to be followed by another one."""

COARSER = 3.0
"""How many times the time of a division must be left for one of larger regions to be begun."""


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
        self.packings = SitePackings(built.problem)

    def relax(self, end: Deadline) -> None:
        """Solve the relaxation, with the floor area of all units and of those of each region."""
        flows = self.short.first()
        if flows:
            self.model = with_rows(self.model, [self.built.cut_row(flow) for flow in flows])
            self.prices = np.zeros(self.model.num_rows)
        found = self.parts.relaxation(self.model, end)
        if found is not None and found.objective is not None:
            self.prices, self.average = found.row_duals, found.values
            self.best.prove(dual_bound(self.model, self.prices).value)
            self._add(self.average, found.objective)

    def ascend(self, rounds: int, end: Deadline) -> None:
        """
        Improve the prices, until they no longer gain.

        Parameters
        ----------
        rounds
            Most rounds of ``MOVES`` moves.
        end
            When to end at the latest.
        """
        for _ in range(rounds):
            lagrangian = Lagrangian(self.built, self.model, self.packings)
            if self.ascent is None:
                self.ascent = Ascent(lagrangian, self.prices)
            else:
                self.ascent.take(lagrangian)
            before = self.best.bound
            self.ascent.run(MOVES, end, self.parts.stop)
            self.prices, self.average = self.ascent.best.prices, self.ascent.average
            bound = self.ascent.best.bound
            self.best.prove(bound)
            added = self._add(self.average, bound)
            gained = bound - before > LEAST_GAIN * abs(bound - self.best.constant)
            is_near = self.best.is_near(self.parts.limits.gap)
            if end.passed or self.parts.is_over or is_near or not (gained or added):
                return

    def price(self, partitions: Sequence[IntArray], end: Deadline) -> None:
        """
        Solve the programs of regions at the prices, and add up their bounds.

        Parameters
        ----------
        partitions
            Divisions of the sites into regions, each of shape (sites,), the finest first.
        end
            When to end at the latest.
        """
        took = 0.0
        for partition in partitions:
            split = Regions(self.model, regions_of_sites(self.built, partition))
            began = end.seconds_left
            if began < COARSER * took or not self._regions(split, end):
                return
            took = began - end.seconds_left

    def _regions(self, split: Regions, end: Deadline) -> bool:
        priced = split.priced(self.prices)
        bound, left = priced.constant, len(priced.programs)
        for program in priced.programs:
            if self.parts.is_over or self.best.is_near(self.parts.limits.gap):
                return False
            found = self.parts.part(program, end.seconds_left / left)
            left -= 1
            if found.bound is None:
                return False
            bound += found.bound
        self.best.prove(bound)
        return True

    def _matters(self, objective: float) -> float:
        """Price up to which floor area that lacks does not matter."""
        gap = self.parts.limits.gap
        return max(gap * (objective - self.best.constant) / 20, NEAR * abs(objective))

    def _add(self, values: FloatArray, objective: float) -> bool:
        """Add rows for those who are short in a solution; tell whether there were any."""
        flows = self.short.found(self.built, values, self._matters(objective))
        if flows:
            self.model = with_rows(self.model, [self.built.cut_row(flow) for flow in flows])
            self.prices = np.r_[self.prices, np.zeros(len(flows))]
        return bool(flows)
