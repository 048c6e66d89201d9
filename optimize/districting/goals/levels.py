"""
Districting by goals: measures alone, weighted, or in levels one after the other.

The goals of one level are summed with their weights. Levels are solved in their order; what a level
reached, plus its slack, caps it in all later ones. A moment of inertia alone and cut edges alone go
to the engines that are made for them; everything else, and everything with caps, is solved by the
combined formulation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from ....models.districting.measures import Geography, measure_named
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Result, Status
from ...search import Listen
from ..hess.engine import solve_districting
from ..labelling.engine import solve_labelling
from .capped import Limited, WeightedSum, with_deviation
from .combined import solve_combined

Method = Literal["auto", "combined"]


@dataclass(frozen=True)
class Goal:
    """
    One measure to be small.

    Parameters
    ----------
    measure
        Its name: one of :data:`.measures.MEASURES`.
    weight
        Factor within its level, in units of the objective per unit of the measure; positive.
    level
        Levels are solved from the smallest to the largest.
    slack
        Share by which later levels may exceed what this level reached.
    absolute_slack
        The same as an amount; both are added up.
    """

    measure: str
    weight: float = 1.0
    level: int = 0
    slack: float = 0.0
    absolute_slack: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if not (np.isfinite(self.weight) and self.weight > 0):
            raise ValueError(
                f"The weight of {self.measure} is {self.weight:g}; give a positive number."
            )
        for label in ("slack", "absolute_slack"):
            value = getattr(self, label)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(
                    f"The {label} of {self.measure} is {value:g}; give a number of at least 0."
                )


@dataclass(frozen=True)
class Level:
    """
    One level that was solved.

    Parameters
    ----------
    goals
        Its goals.
    result
        Best plan, objective (the weighted sum) and bound of this level under the earlier caps.
    limit
        What the weighted sum must not exceed in later levels; infinite if no plan was found.
    """

    goals: tuple[Goal, ...]
    result: Result[IntArray]
    limit: float


@dataclass(frozen=True)
class GoalsResult:
    """
    Outcome of :func:`solve_goals`.

    Parameters
    ----------
    levels
        The levels in their order, up to the first without a plan.
    values
        Every measure of the goals, of the last plan, by name.
    """

    levels: tuple[Level, ...]
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def result(self) -> Result[IntArray]:
        """Result of the last level."""
        return self.levels[-1].result

    @property
    def plan(self) -> IntArray | None:
        """The last plan: it keeps every cap."""
        return self.result.solution


def solve_goals(
    problem: Districting,
    goals: Sequence[Goal],
    *,
    geography: Geography | None = None,
    caps: Mapping[str, float] | None = None,
    limits: Limits | None = None,
    solver: str | None = None,
    start: IntArray | None = None,
    stop: Stop | None = None,
    listen: Listen | None = None,
    allowed: BoolArray | None = None,
    method: Method = "auto",
) -> GoalsResult:
    """
    Divide a community into districts by several goals.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    goals
        At least one. Goals of one level share their slack.
    geography
        What the measures need beyond the problem.
    caps
        Measures that no plan may exceed, by name, in their own units.
    limits
        Time, gap, seed and threads; the time is shared by the levels.
    solver
        Backend of the integer programs; None for the one that suits each level: SCIP, but HiGHS
        where centres are free.
    start
        A plan to start from; it may break rules.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) of the level at work whenever one improves.
    allowed
        Pairs (node, centre) that may be used, shape (nodes, nodes), where a centre is free; None
        for all. Bounds hold for such plans only.
    method
        "combined" takes the combined formulation even where an engine of its own exists.

    Returns
    -------
    GoalsResult
        One result a level. A level that is not proven caps the later ones on what was found, and
        their ``detail`` says so: they are then best under that cap.

    Raises
    ------
    ValueError
        If there is no goal, a measure is unknown, a level has two slacks, or data is missing.
    """
    if method not in get_args(Method):
        raise ValueError(f"method = {method!r} not understood; choose auto or combined.")
    geography, limits = geography or Geography(), limits or Limits()
    geography.check(problem)
    grouped = _grouped(goals)
    targets = [_weighted(group, geography) for group in grouped]
    deadline = Deadline.after(limits.seconds)
    run = _Levels(problem, geography, solver, stop, listen, allowed, method)
    for name, limit in (caps or {}).items():
        run.caps.append(Limited(WeightedSum(((measure_named(name, geography), 1.0),)), limit))
    if start is not None:
        run.plans.append(start)
    for number, (group, target) in enumerate(zip(grouped, targets, strict=True)):
        share = deadline.seconds_left / (len(grouped) - number)
        result = run.solve(target, limits.within(share))
        run.take(group, target, result)
        if result.solution is None:
            break
    plan = run.levels[-1].result.solution
    measures = {measure.name: measure for target in targets for measure, _ in target.terms}
    values = {} if plan is None else {n: m.evaluate(problem, plan) for n, m in measures.items()}
    return GoalsResult(tuple(run.levels), values)


class _Levels:
    """The levels that are solved so far, and the caps that they leave."""

    def __init__(
        self,
        problem: Districting,
        geography: Geography,
        solver: str | None,
        stop: Stop | None,
        listen: Listen | None,
        allowed: BoolArray | None,
        method: Method,
    ) -> None:
        self.problem, self.geography, self.solver = problem, geography, solver
        self.stop, self.listen, self.allowed, self.method = stop, listen, allowed, method
        self.levels: list[Level] = []
        self.caps: list[Limited] = []
        self.plans: list[IntArray] = []

    def solve(self, target: WeightedSum, limits: Limits) -> Result[IntArray]:
        """Solve one level by the engine that fits it."""
        direct = None
        if self.method == "auto" and self.allowed is None:
            direct = self._direct(target, limits)
        if direct is not None:
            return direct
        return solve_combined(
            self.problem,
            target,
            caps=self.caps,
            geography=self.geography,
            limits=limits,
            solver=self.solver,
            starts=self.plans[::-1],
            allowed=self.allowed,
            stop=self.stop,
            listen=self.listen,
        )

    def _direct(self, target: WeightedSum, limits: Limits) -> Result[IntArray] | None:
        """Solve by an engine made for this level; None if there is none."""
        problem = self.problem
        for cap in self.caps:
            if [measure.name for measure, _ in cap.measured.terms] != ["deviation"]:
                return None
            ((_, weight),) = cap.measured.terms
            problem = with_deviation(problem, cap.limit / weight)
        parts = target.parts(problem)
        if parts.deviation > 0 or parts.polsby_popper > 0:
            return None
        has_costs = parts.edge_costs is not None or parts.label_costs is not None
        if parts.inertia > 0:
            return None if has_costs else self._inertia(problem, parts.inertia, limits)
        edge_costs = parts.edge_costs
        if edge_costs is None:
            edge_costs = np.zeros(problem.edges.reshape(-1, 2).shape[0])
        return solve_labelling(
            problem,
            edge_costs=edge_costs,
            label_costs=parts.label_costs,
            limits=limits,
            solver=self.solver or "scip",
            stop=self.stop,
            listen=self.listen,
        )

    def _inertia(self, problem: Districting, factor: float, limits: Limits) -> Result[IntArray]:
        """Solve for the moment of inertia and state its result in the unit of the level."""
        listen = self.listen

        def scaled(objective: float | None, bound: float | None) -> None:
            if listen is not None:
                listen(*(None if v is None else factor * v for v in (objective, bound)))

        result = solve_districting(
            problem, limits=limits, solver=self.solver or "highs", stop=self.stop, listen=scaled
        )
        return replace(
            result,
            objective=None if result.objective is None else factor * result.objective,
            bound=None if result.bound is None else factor * result.bound,
        )

    def take(self, goals: tuple[Goal, ...], target: WeightedSum, result: Result[IntArray]) -> None:
        """Keep the result of a level, and cap it from now on."""
        unproven = [
            str(number + 1)
            for number, level in enumerate(self.levels)
            if level.result.status is not Status.OPTIMAL
        ]
        if unproven:
            note = f"level {', '.join(unproven)} is not proven best: its cap is on the plan found"
            result = replace(result, detail="; ".join(filter(None, [result.detail, note])))
        limit = np.inf
        if result.objective is not None and result.solution is not None:
            limit = (1 + goals[0].slack) * result.objective + goals[0].absolute_slack
            self.plans.append(result.solution)
            self.caps.append(Limited(target, limit))
        self.levels.append(Level(goals, result, limit))


def _grouped(goals: Sequence[Goal]) -> list[tuple[Goal, ...]]:
    """Goals of each level, in the order of the levels."""
    if not goals:
        raise ValueError("There is no goal; give at least one.")
    groups = []
    for level in sorted({goal.level for goal in goals}):
        group = tuple(goal for goal in goals if goal.level == level)
        if len({(goal.slack, goal.absolute_slack) for goal in group}) > 1:
            names = ", ".join(goal.measure for goal in group)
            raise ValueError(f"The goals {names} of level {level} differ in slack; give one slack.")
        groups.append(group)
    return groups


def _weighted(goals: Sequence[Goal], geography: Geography) -> WeightedSum:
    """Return the measures of a level with their weights."""
    return WeightedSum(tuple((measure_named(g.measure, geography), g.weight) for g in goals))
