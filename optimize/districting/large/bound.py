"""Climb the dual with free centres on groups of units, then on units; claim the exact value."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ....models.districting.problem import Districting
from ....models.formulation import FloatArray, IntArray
from .columns import OutOfTimeError, evaluate_columns
from .dual import Climb, Ground, carried, coarse_ground, first_potential, least_sum, make_ground

FIRST_GROUPS = 1024
MOST_GROUPS = 16_384
MOST_EXACT = 20_000
"""Units up to which the dual is climbed on all units and all centres at once."""

_FACTOR = 4
_STAGES = ((1e-2, 40), (3e-3, 60), (1e-3, 80), (3e-4, 80), (1e-4, 100))
_FINER = ((1e-3, 20), (3e-4, 40), (1e-4, 60), (3e-5, 200))
_ROUNDING = 1e-10
"""Share of the sums by which a claim is lowered against rounding."""


@dataclass
class FreeBound:
    """
    Best bound on all plans so far, and what it took.

    Parameters
    ----------
    value
        The bound; minus infinity if no time was left for one.
    evaluations
        Evaluations of the dual on groups and units.
    columns
        Centres whose least reduced cost was computed for the claim.
    """

    value: float = -np.inf
    evaluations: int = 0
    columns: int = 0


def free_centre_bound(
    problem: Districting,
    plan: IntArray,
    *,
    over: Callable[[float], bool],
    threads: int = 1,
    found: Callable[[float], None] | None = None,
) -> FreeBound:
    """
    Climb the dual of the Hess model; every value that is told holds for all plans.

    Parameters
    ----------
    plan
        A good plan, not necessarily feasible: it sets the scale, not the bound.
    over
        Says whether a share of the time is used up, and 1 for all of it.
    threads
        Threads that share the centres.
    found
        Called with each better bound.
    """
    ground = make_ground(problem)
    scale = problem.evaluate(plan) / problem.num_districts
    if not scale > 0 or ground.field.weight.size < 2:
        return FreeBound(ground.constant)
    bound = FreeBound()
    with ThreadPoolExecutor(threads) as threaded:
        pool = threaded if threads > 1 else None
        rise = _Rise(problem, plan, ground, scale, over, pool, bound, found)
        rise.run()
    return bound


@dataclass
class _Rise:
    """One climb through the levels."""

    problem: Districting
    plan: IntArray
    ground: Ground
    scale: float
    over: Callable[[float], bool]
    pool: ThreadPoolExecutor | None
    bound: FreeBound
    found: Callable[[float], None] | None

    def run(self) -> None:
        """Climb level by level, and claim wherever there is time for it."""
        last: tuple[Ground, FloatArray] | None = None
        n = self.ground.field.weight.size
        for size in self._sizes(n):
            level = self.ground if size >= n else coarse_ground(self.ground, size)
            start = self._start(level, last)
            if level is self.ground:
                self._claim(start)
            climb = Climb(level, level.centres, self.scale, self._ended, self.pool, start)
            self._stages(climb, _STAGES if last is None else _FINER)
            last = (level, climb.potential)
            if level is not self.ground:
                self._claim(carried(level, climb.potential, self.ground))
            if self.over(0.9):
                return

    def _sizes(self, n: int) -> list[int]:
        most = n if n <= MOST_EXACT else MOST_GROUPS
        sizes = [most]
        while sizes[0] > 2 * FIRST_GROUPS:
            sizes.insert(0, max(FIRST_GROUPS, sizes[0] // _FACTOR))
        return sizes

    def _start(self, level: Ground, last: tuple[Ground, FloatArray] | None) -> FloatArray:
        if last is None:
            return first_potential(level, self.problem, self.plan)
        return carried(last[0], last[1], level)

    def _stages(self, climb: Climb, stages: tuple[tuple[float, int], ...]) -> None:
        """Run the stages; on the units with all centres every value is a bound."""
        for stage in stages:
            climb.run([stage])
            if climb.ground is self.ground:
                self._tell(climb.value)
            if self._ended():
                break
        self.bound.evaluations += climb.evaluations

    def _ended(self) -> bool:
        return self.over(0.9)

    def _claim(self, potential: FloatArray) -> None:
        """Evaluate every centre at a potential of the units."""
        margins = np.full(len(self.ground.centres), 0.1 * max(float(potential.mean()), 1e-12))
        try:
            columns = evaluate_columns(
                self.ground.field,
                potential,
                self.ground.centres,
                margins,
                self.pool,
                over=lambda: self.over(1.0),
            )
        except OutOfTimeError:
            return
        self.bound.columns = margins.size
        base = float(potential @ self.ground.field.weight)
        self._tell(base + least_sum(columns.values, self.ground.num_districts))

    def _tell(self, value: float) -> None:
        """Note a bound, a little lower than computed: sums of large terms are rounded."""
        total = value + self.ground.constant
        total -= _ROUNDING * self.scale * self.ground.num_districts
        if total > self.bound.value:
            self.bound.value = total
            if self.found is not None:
                self.found(total)
