"""Searches under caps: sums of measures, their limits, and what is known so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....models.districting.combined_plan import Cap
from ....models.districting.measures import Measure, Parts, targets
from ....models.districting.problem import Districting
from ....models.formulation import IntArray
from ..search import Search

CAP_TOLERANCE = 1e-6
"""Share of its limit by which a plan may exceed a cap and still counts as keeping it."""


@dataclass(frozen=True)
class WeightedSum:
    """Measures with their weights; evaluated from the plan, and stated as parts."""

    terms: tuple[tuple[Measure, float], ...]

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Value of a plan."""
        return sum(w * measure.evaluate(problem, assignment) for measure, w in self.terms)

    def parts(self, problem: Districting) -> Parts:
        """Return the sum of the parts."""
        total = Parts()
        for measure, weight in self.terms:
            total = total + measure.parts(problem).scaled(weight)
        return total


@dataclass(frozen=True)
class Limited:
    """A weighted sum that must not exceed a limit."""

    measured: WeightedSum
    limit: float

    def keeps(self, problem: Districting, assignment: IntArray) -> bool:
        """Whether a plan keeps the limit, up to the tolerance."""
        slack = CAP_TOLERANCE * max(abs(self.limit), 1e-3)
        return self.measured.evaluate(problem, assignment) <= self.limit + slack

    def cap(self, problem: Districting) -> Cap:
        """Return the same for a formulation."""
        return Cap(self.measured.parts(problem), self.limit)


@dataclass(kw_only=True)
class CappedSearch(Search):
    """A search that takes only plans that keep the caps."""

    caps: tuple[Limited, ...] = ()

    def offer(self, plan: IntArray) -> bool:
        """Take a plan if it keeps every rule and cap, and is better; tell whether it was taken."""
        kept = all(cap.keeps(self.problem, plan) for cap in self.caps)
        return kept and super().offer(plan)


def bounded_problem(search: CappedSearch, objective: Parts, caps: Sequence[Cap]) -> Districting:
    """Return the problem with bounds as tight as caps and the known plan make the deviation."""
    limits = [limit / parts.deviation for parts, limit in caps if parts.deviation > 0]
    if objective.deviation > 0 and search.plan is not None:
        limits.append(search.objective / objective.deviation)
    if not limits:
        return search.problem
    tighter = with_deviation(search.problem, min(limits) * (1 + CAP_TOLERANCE))
    # Own bounds that are tightened would move the targets, which lie in their middle.
    is_same = np.array_equal(targets(tighter), targets(search.problem))
    return tighter if is_same else search.problem


def with_deviation(problem: Districting, most: float) -> Districting:
    """Return the problem with every weight of every district within a share of its target."""
    target = targets(problem)
    # The sums of many weights are compared, so the last digits must not decide.
    lower, upper = target * (1 - most) - 1e-7, target * (1 + most) + 1e-7
    rules = problem.rules
    if rules is None or np.ptp(target, axis=0).max() <= 0:
        return replace(
            problem,
            lower=np.maximum(problem.lower, lower[0]),
            upper=np.minimum(problem.upper, upper[0]),
        )
    own = replace(
        rules,
        lower=np.maximum(problem.district_lower, lower),
        upper=np.minimum(problem.district_upper, upper),
    )
    return replace(problem, rules=own)
