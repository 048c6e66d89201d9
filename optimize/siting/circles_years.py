"""One problem of circles with what its reductions leave: bounds, models and parts of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.formulation import FloatArray, IntArray, ModelBuilder
from ...models.siting.circles import NEVER, PhasedCircles
from ...models.siting.circles_model import add_money
from ..search import Search
from .circles_core import Core
from .circles_counts import counting_bound
from .circles_cuts import add_company, add_counts
from .circles_pairs import pair_bound
from .circles_strong import StrongModel, strong_model


@dataclass(frozen=True, eq=False)
class Years:
    """One problem with what is left of it."""

    problem: PhasedCircles
    core: Core
    company: list[tuple[int, IntArray, FloatArray]]

    def full(self, years: IntArray) -> IntArray:
        """Return the solution of all facilities that one of the core's stands for."""
        found = self.problem.nothing()
        found[self.core.facilities] = years
        return found

    def of_core(self, years: IntArray) -> IntArray:
        """Return what a solution says of the core's facilities."""
        return years[self.core.facilities]

    def one_year(self, year: int) -> Years:
        """Return the problem of one year: all money up to it, what counts in it."""
        problem = self.problem
        alone = PhasedCircles(
            problem.ground,
            budgets=np.array([problem.budgets[: year + 1].sum()]),
            weights=problem.weights[[year]],
            targets=None if problem.targets is None else problem.targets[[year]],
            bonus=problem.bonus,
        )
        return replace(self, problem=alone)

    def worth(self) -> tuple[FloatArray, FloatArray]:
        """
        Return what each circle counts for at most in each year, and what each year has anyhow.

        A circle more earns one bonus at most.
        """
        problem, core = self.problem, self.core
        worth = problem.weights[:, None] * core.circle_residents[None, :]
        fixed = problem.weights * float(problem.ground.circle_residents[core.known].sum())
        already = int(core.known.sum())
        worth = worth + problem.bonus * (problem.wanted > already)[:, None]
        return worth, fixed + problem.bonus * np.minimum(problem.wanted, already)

    def pair_bound(self, search: Search[IntArray]) -> float:
        """Bound the objective of one year by what one or two facilities of a category can do."""
        worth, fixed = self.worth()
        found = pair_bound(
            self.core,
            worth[0],
            float(self.problem.budgets[0]),
            num_categories=self.problem.ground.num_categories,
            known=search.objective - float(fixed[0]),
            bound=search.bound - float(fixed[0]),
            over=lambda: search.over,
        )
        return found + float(fixed[0])

    def counting_bound(self, caps: FloatArray | None = None) -> float:
        """Bound the objective by what the money pays for; ``caps`` bound each year's part."""
        problem, core = self.problem, self.core
        worth, fixed = self.worth()
        found = counting_bound(
            core,
            worth,
            np.cumsum(problem.budgets),
            num_categories=problem.ground.num_categories,
            caps=None if caps is None else caps - fixed,
        )
        return float(fixed.sum()) + found

    def offset(self) -> float:
        """Objective of the circles that are recognised today, if every target were met."""
        problem = self.problem
        known = float(problem.ground.circle_residents[self.core.known].sum())
        bonus = problem.bonus * float(problem.wanted.sum())
        return known * float(problem.weights.sum()) + bonus

    def model(self, caps: FloatArray | None = None) -> StrongModel:
        """Build the strong formulation; ``caps`` bound what each year counts for."""
        core, problem, years = self.core, self.problem, self
        already = int(core.known.sum())
        residents = float(problem.ground.circle_residents[core.known].sum())

        def extra(builder: ModelBuilder, y: IntArray, z: IntArray) -> None:
            add_money(builder, problem, list(y), core.costs)
            for year in range(len(y)):
                add_company(builder, self.company, y[year], z[year])
                add_counts(builder, core, y[year])
            d = _add_targets(builder, problem, z, already)
            _add_floors(builder, core, z, problem.floors, residents)
            if caps is not None:
                anyhow = residents * problem.weights + problem.bonus * problem.wanted
                _add_caps(builder, years, z, d, caps - anyhow)

        weights = problem.weights[:, None] * core.circle_residents[None, :]
        return strong_model(core, weights, extra, offset=self.offset())

    def decode(self, built: StrongModel, values: FloatArray) -> IntArray:
        """Read the solution of all facilities."""
        there = values[built.y] > 0.5
        first = np.where(there.any(axis=0), 1 + np.argmax(there, axis=0), NEVER)
        return self.full(first)


def _add_targets(
    builder: ModelBuilder, problem: PhasedCircles, z: IntArray, already: int
) -> IntArray:
    """Add what is short of each target, which loses a bonus; returns the columns, one a year."""
    if problem.targets is None or problem.bonus <= 0:
        return np.empty(0, dtype=np.int64)
    left = np.maximum(problem.targets - already, 0).astype(float)
    d = builder.add_columns(np.full(len(z), -problem.bonus), upper=left)
    for year in np.flatnonzero(left > 0):
        entries = np.r_[d[year], z[year]]
        builder.add_rows(np.zeros(entries.size, dtype=np.int64), entries, 1, lower=[left[year]])
    return d


def _add_floors(
    builder: ModelBuilder, core: Core, z: IntArray, floors: FloatArray | None, already: float
) -> None:
    """Add the least residents of each year."""
    least = np.zeros(len(z)) if floors is None else floors * (1 - 1e-9) - already
    for year in np.flatnonzero(least > 0):
        row = np.zeros(core.num_circles, dtype=np.int64)
        builder.add_rows(row, z[year], core.circle_residents, lower=[least[year]])


def _add_caps(
    builder: ModelBuilder, years: Years, z: IntArray, d: IntArray, caps: FloatArray
) -> None:
    """Add what each year counts for at most."""
    problem, core = years.problem, years.core
    for year in np.flatnonzero(np.isfinite(caps)):
        entries, counts = z[year], problem.weights[year] * core.circle_residents
        if d.size:
            entries, counts = np.r_[entries, d[year]], np.r_[counts, -problem.bonus]
        row = np.zeros(entries.size, dtype=np.int64)
        slack = 1e-9 * (1 + abs(caps[year]))
        builder.add_rows(row, entries, counts, upper=[caps[year] + slack])
