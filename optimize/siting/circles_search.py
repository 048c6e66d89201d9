"""Better plans of circles by annealing, in rounds from the best one known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ...models.formulation import IntArray
from ...models.siting.circles import NEVER, PhasedCircles
from ..compiled import Random
from .circles_core import Core
from .circles_kernels import Field, Position, anneal, build_all

STEPS, STEPS_OF_A_FACILITY = 300_000, 1_000
"""Steps of one round at most, and for each facility."""

WARM, COLD = 0.4, 0.004
"""Temperatures at the begin and the end of a round, as shares of the mean circle."""


@dataclass(frozen=True, eq=False)
class Annealer:
    """
    Anneals the years of the facilities of a core.

    Parameters
    ----------
    core
        What the reductions leave.
    problem
        The problem of all facilities: money, weights, targets.
    """

    core: Core
    problem: PhasedCircles

    @property
    def never(self) -> int:
        """Year that the kernels write for what is not built."""
        return self.problem.num_years + 1

    def field(self) -> Field:
        """Return what the kernels need to know."""
        core, problem = self.core, self.problem
        by_group = sparse.csc_array(core.covers)
        num_categories = problem.ground.num_categories
        group = np.repeat(np.arange(core.num_groups), np.diff(by_group.indptr))
        row = group * num_categories + core.category[by_group.indices]
        order = np.argsort(row, kind="stable")
        ptr = np.searchsorted(row[order], np.arange(core.num_groups * num_categories + 1))
        targets = np.maximum(problem.wanted - int(core.known.sum()), 0)
        money = np.cumsum(problem.budgets) if problem.carries_over else problem.budgets
        return Field(
            unit_ptr=core.covers.indptr.astype(np.int64),
            units=core.covers.indices.astype(np.int64),
            near_ptr=ptr.astype(np.int64),
            near=by_group.indices[order].astype(np.int64),
            free=np.arange(core.facilities.size),
            category=core.category.astype(np.int64),
            costs=core.costs.astype(float),
            site=core.site.astype(np.int64),
            areas=core.areas.astype(float),
            room=core.room.astype(float),
            residents=core.residents,
            circle=core.circle.astype(np.int64),
            circle_residents=core.circle_residents,
            needed=core.needed,
            weights=problem.weights.astype(float),
            targets=targets,
            money=money.astype(float),
            options=np.array(
                [problem.bonus, num_categories, float(problem.carries_over)], dtype=float
            ),
        )

    def position(self, field: Field, years: IntArray) -> Position:
        """Return the position of a solution of the core's facilities."""
        core, num_years = self.core, self.problem.num_years
        num_categories = self.problem.ground.num_categories
        there = (~core.lacks).astype(np.int64)
        kinds = there.sum(axis=0)
        soft = np.bincount(
            core.circle, core.residents * kinds / num_categories, core.num_circles
        ).astype(float)
        part = np.minimum(1.0, soft / np.maximum(core.needed, 1e-9))
        value = float(self.problem.weights.sum() * (core.circle_residents * part**2).sum())
        position = Position(
            years=np.full(core.facilities.size, self.never, dtype=np.int64),
            times=np.repeat(there[None], num_years, axis=0).copy(),
            kinds=np.repeat(kinds[None], num_years, axis=0).copy(),
            served=np.zeros((num_years, core.num_circles)),
            soft=np.repeat(soft[None], num_years, axis=0).copy(),
            known=np.zeros(num_years, dtype=np.int64),
            spent=np.zeros(num_years),
            used=np.zeros(max(1, core.room.size)),
            value=np.array([0.0, value, 0.0]),
        )
        build_all(field, position, np.where(years == NEVER, self.never, years).astype(np.int64))
        return position

    def improve(
        self,
        offer: Callable[[IntArray], bool],
        *,
        start: IntArray,
        over: Callable[[], bool],
        rounds: int,
        seed: int,
        again: bool = False,
    ) -> IntArray:
        """
        Anneal in rounds; every other one from the best plan, the rest from nothing.

        Parameters
        ----------
        offer
            Takes a solution of the core's facilities, and tells whether it is the best so far.
        start
            A solution of the core's facilities, shape (facilities,).
        over
            Tells whether to stop.
        rounds, seed
            Number of rounds, seed of the random numbers.
        again
            Whether every round starts from the best plan.

        Returns
        -------
        IntArray
            The best solution.
        """
        field, best, top = self.field(), start, -np.inf
        random = np.array([seed], dtype=np.uint64)
        steps = min(STEPS, STEPS_OF_A_FACILITY * self.core.facilities.size)
        for number in range(rounds):
            if over():
                break
            from_best = again or number % 2 == 1
            begin = best if from_best else np.full_like(start, NEVER)
            warm = WARM / 4 if from_best else WARM
            years, value = self.round(field, begin, steps=steps, heat=(warm, COLD), random=random)
            if value > top:
                best, top = years, value
                offer(years)
        return best

    def round(
        self,
        field: Field,
        begin: IntArray,
        *,
        steps: int,
        heat: tuple[float, float],
        random: Random,
    ) -> tuple[IntArray, float]:
        """
        Anneal once.

        Parameters
        ----------
        field, begin
            What the kernels need to know, and the solution to start from.
        steps, heat, random
            Number of steps; temperatures at the begin and the end, as shares of the mean circle;
            state of the random numbers.

        Returns
        -------
        tuple of IntArray and float
            The best solution, and its objective up to a constant.
        """
        scale = float(np.mean(self.core.circle_residents)) * float(self.problem.weights.max() or 1)
        warm, cold = heat
        position = self.position(field, begin)
        found = np.empty_like(position.years)
        value = anneal(field, position, found, steps, warm * scale, cold * scale, random)
        return np.where(found > self.problem.num_years, NEVER, found), value
