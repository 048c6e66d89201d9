"""The best plan of a service system so far, its best bound, and bounds of relaxations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from ....models.formulation import FloatArray, IntArray, LinearModel
from ....models.siting.service_parts import SystemPlan
from ....models.siting.service_system import ServiceSystem
from ...search import Listen

NEAR = 1e-6
"""Share of an objective by which a plan must be better to count as better."""

Row = tuple[IntArray, FloatArray, float]
"""Columns, coefficients, and the least value of their sum."""


@dataclass(eq=False)
class Best:
    """
    The best plan so far and the best bound.

    A bound that a solver claims counts until a plan is found that is better: then the solver was
    wrong, and the best bound that was computed without one holds.
    """

    problem: ServiceSystem
    listen: Listen | None
    plan: SystemPlan
    objective: float = field(init=False)
    bound: float = -np.inf
    safe: float = -np.inf

    def __post_init__(self) -> None:
        """Judge the first plan."""
        self.objective = self.problem.evaluate(self.plan)
        self.constant = hopeless(self.problem)

    def offer(self, plan: SystemPlan, *, at_par: bool = False) -> bool:
        """
        Take a plan if it keeps the rules and is better.

        Parameters
        ----------
        plan
            The plan.
        at_par
            Whether one that is as good is taken too.
        """
        if self.problem.violations(plan):
            return False
        objective = self.problem.evaluate(plan)
        least = NEAR * max(1.0, abs(self.objective))
        if objective >= self.objective + (least if at_par else -least):
            return False
        self.plan, self.objective = plan, objective
        if self._contradicts(self.bound):
            self.bound = self.safe
        self.tell()
        return True

    def prove(self, bound: float, *, is_safe: bool = False) -> None:
        """
        Take a bound if it is better, and no plan contradicts it.

        Parameters
        ----------
        bound
            The bound.
        is_safe
            Whether it was computed from prices, by code that trusts no solver.
        """
        if is_safe:
            self.safe = max(self.safe, bound)
        if bound > self.bound and (is_safe or not self._contradicts(bound)):
            self.bound = bound
            self.tell()

    def _contradicts(self, bound: float) -> bool:
        return bound > self.objective + NEAR * max(1.0, abs(self.objective))

    def tell(self) -> None:
        """Say how things stand."""
        if self.listen is not None:
            self.listen(self.objective, None if self.bound == -np.inf else self.bound)

    @property
    def gap(self) -> float:
        """Gap of what a plan can change."""
        return attainable_gap(self.objective, self.bound, self.constant)

    def is_near(self, gap: float) -> bool:
        """Tell whether the plan is known to be as good as a gap asks."""
        return self.gap <= gap

    def negligible(self, objective: float, gap: float) -> float:
        """
        Price of floor area that may lack without a row that says so.

        Parameters
        ----------
        objective
            Objective of the solution in which it lacks.
        gap
            Share of what a plan can change that does not matter.
        """
        return max(gap * (objective - self.constant), NEAR * abs(objective))


def attainable_gap(objective: float, bound: float, constant: float) -> float:
    """Return the gap of what a plan can change: without what is the same in every plan."""
    return max(0.0, objective - bound) / max(objective - constant, 1e-9)


def hopeless(problem: ServiceSystem) -> float:
    """Price of the people whom no facility could reach: the same in every plan."""
    reaches = problem.reaches
    nobody = np.diff(reaches.facilities.indptr) == 0
    return float(problem.prices.person * reaches.people[nobody].sum())


def with_rows(model: LinearModel, rows: Sequence[Row]) -> LinearModel:
    """Add rows: the sum of weight times column is at least a number."""
    if not rows:
        return model
    lengths = [columns.size for columns, _, _ in rows]
    more = sparse.csr_array(
        (
            np.concatenate([weights for _, weights, _ in rows]),
            np.concatenate([columns for columns, _, _ in rows]),
            np.r_[0, np.cumsum(lengths)],
        ),
        shape=(len(rows), model.num_columns),
    )
    return replace(
        model,
        rows=sparse.csr_array(sparse.vstack([model.rows, more])),
        row_lower=np.r_[model.row_lower, [least for _, _, least in rows]],
        row_upper=np.r_[model.row_upper, np.full(len(rows), np.inf)],
    )
