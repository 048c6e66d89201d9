"""
Rules that clash with a cap, such as a budget: together they cost more than it allows.

Without the cap the model falls into parts that share no column, and least costs of parts add up:
the rules S and the cap B clash exactly if Σ_p least cost of S in part p > B. So a deletion filter
(Chinneck and Dravnieks 1991, see :mod:`.irreducible`) asks one small integer program a rule, of the
part that the rule lies in, where the whole model would have to be asked otherwise. Whole parts are
left out first, the cheapest ones before dear ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...models.formulation import FloatArray
from ..limits import Deadline, Limits, Stop
from ..result import Result, Status
from ..solvers import solve_model
from .groups import GroupedModel, Part, independent_parts, remainder
from .irreducible import Conflict, Finding, find_conflict

TOLERANCE = 1e-6
"""Relative tolerance of the cap."""

Chosen = tuple[frozenset[int], ...]
"""Rules in force in each part, by their numbers in the part."""


def find_capped_conflict(
    grouped: GroupedModel,
    cap: int,
    *,
    order: Sequence[int] | None = None,
    solver: str = "highs",
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Finding:
    """
    Find one irreducible set of rules that clash, where one rule caps a sum of costs.

    Parameters
    ----------
    grouped
        The model and its rules.
    cap
        Number of a rule of one row with an upper bound only.
    order
        Rules that are rather in the set, first; None for their own order.
    solver, limits, stop
        As in :func:`.find_conflict`.

    Returns
    -------
    Finding
        FEASIBLE if the others can be kept below the cap. If they clash without it, a conflict of
        theirs.

    Raises
    ------
    ValueError
        If the rule is no cap.
    """
    rule = grouped.groups[cap]
    one_row = rule.rows.size == 1 and not rule.columns.size
    if not one_row or np.isfinite(grouped.model.row_lower[rule.rows[0]]):
        raise ValueError(
            f"Rule {rule.name!r} is no cap: it needs one row with an upper bound only."
        )
    limits = limits or Limits()
    others = sorted(grouped.all_groups - {cap})
    parts = independent_parts(grouped, others)
    costs = _Costs(
        grouped, cap, (*parts, remainder(grouped, parts)), solver, limits,
        Deadline.after(limits.seconds), stop,
    )  # fmt: skip
    whole: Chosen = tuple(frozenset(range(len(part.numbers))) for part in costs.parts)
    for place, part in enumerate(costs.parts):
        if costs.of_part(place, whole[place]).status is Status.INFEASIBLE:
            return find_conflict(
                grouped, among=part.numbers, solver=solver, limits=limits, stop=stop
            )
    verdict = costs.clashes(whole)
    if verdict is not True:
        return Finding(Status.UNKNOWN if verdict is None else Status.FEASIBLE)
    ranks = {number: rank for rank, number in enumerate(dict.fromkeys([*(order or ()), *others]))}
    left = _without_rules(costs, _without_parts(costs, whole), ranks)
    return Finding(Status.INFEASIBLE, (_conflict(costs, left),))


def _without_parts(costs: _Costs, chosen: Chosen) -> Chosen:
    """Leave out whole parts, the cheapest first, while the rest still clashes."""
    spent = [costs.of_part(place, rules).objective or 0.0 for place, rules in enumerate(chosen)]
    left = list(chosen)
    for place in np.argsort(spent, kind="stable"):
        tried = [*left]
        tried[int(place)] = frozenset()
        if costs.clashes(tuple(tried)) is True:
            left = tried
    return tuple(left)


def _without_rules(costs: _Costs, chosen: Chosen, ranks: dict[int, int]) -> Chosen:
    """Leave out single rules, the last in order first, while the rest still clashes."""
    rules = [
        (ranks[costs.parts[place].numbers[spot]], place, spot)
        for place, mine in enumerate(chosen)
        for spot in mine
    ]
    left = list(chosen)
    for _, place, spot in sorted(rules, reverse=True):
        tried = [*left]
        tried[place] = left[place] - {spot}
        if costs.clashes(tuple(tried)) is True:
            left = tried
    return tuple(left)


def _conflict(costs: _Costs, chosen: Chosen) -> Conflict:
    """Return the rules that are left with a solution for each that keeps all others."""
    rules = [
        (part.numbers[spot], place, spot)
        for place, (part, mine) in enumerate(zip(costs.parts, chosen, strict=True))
        for spot in mine
    ]
    numbers = {number for number, _, _ in rules} | {costs.cap}
    witnesses: dict[int, FloatArray | None] = {
        costs.cap: costs.witness(chosen, numbers - {costs.cap})
    }
    for number, place, spot in rules:
        others = (*chosen[:place], chosen[place] - {spot}, *chosen[place + 1 :])
        fits = costs.clashes(others) is False
        witnesses[number] = costs.witness(others, numbers - {number}) if fits else None
    ordered = tuple(sorted(numbers))
    return Conflict(ordered, tuple(witnesses[number] for number in ordered), len(costs.known))


@dataclass(eq=False)
class _Costs:
    """Least costs of the rules in each part, which are remembered."""

    grouped: GroupedModel
    cap: int
    parts: tuple[Part, ...]
    solver: str
    limits: Limits
    deadline: Deadline
    stop: Stop | None
    known: dict[tuple[int, frozenset[int]], Result[FloatArray]] = field(default_factory=dict)

    @property
    def row(self) -> int:
        """Row of the cap."""
        return int(self.grouped.groups[self.cap].rows[0])

    @cached_property
    def costs(self) -> FloatArray:
        """Coefficients of the cap, shape (columns,)."""
        row = self.grouped.model.rows[[self.row]].toarray()
        return np.asarray(row, dtype=float).ravel()

    def of_part(self, place: int, rules: frozenset[int]) -> Result[FloatArray]:
        """Least cost of some rules in one part."""
        key = (place, rules)
        if key not in self.known:
            part = self.parts[place]
            model = replace(part.grouped.with_groups(rules), costs=self.costs[part.columns])
            self.known[key] = solve_model(
                model,
                solver=self.solver,
                limits=self.limits.within(self.deadline.seconds_left),
                stop=self.stop,
            )
        return self.known[key]

    def clashes(self, chosen: Chosen) -> bool | None:
        """Whether the rules cost more than the cap; None if that was not settled."""
        most = float(self.grouped.model.row_upper[self.row])
        slack = TOLERANCE * max(1.0, abs(most))
        found = [self.of_part(place, rules) for place, rules in enumerate(chosen)]
        bounds = [np.nan if result.bound is None else result.bound for result in found]
        if sum(bounds) > most + slack:
            return True
        costs = [np.nan if result.objective is None else result.objective for result in found]
        return False if sum(costs) <= most + slack else None  # not a number compares as false

    def witness(self, chosen: Chosen, kept: set[int]) -> FloatArray | None:
        """Return a solution of least cost, if it keeps the rules in ``kept``: checked."""
        values = np.zeros(self.grouped.model.num_columns)
        for place, (part, rules) in enumerate(zip(self.parts, chosen, strict=True)):
            solution = self.of_part(place, rules).solution
            if solution is None:
                return None
            values[part.columns] = solution
        return None if self.grouped.with_groups(kept).violations(values) else values
