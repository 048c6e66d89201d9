"""
Pairwise optimal plans: every two neighbouring districts are divided anew, exactly, until none gain.

Two districts are a small problem even where the whole is out of reach. A plan of which no pair can
be divided better is a strong local optimum, and the bounds of the pairs are its certificate; it
need not be the best plan of all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ....models.districting.objective import Objective
from ....models.districting.problem import Districting
from ....models.districting.rules import DistrictRules
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Result, Status
from ...search import TOLERANCE
from ..hess.engine import solve_districting
from .engine import solve_labelling

Listen = Callable[[float, int, int], None]


@dataclass(frozen=True)
class Pair:
    """
    What is known about the best division of two neighbouring districts.

    Parameters
    ----------
    districts
        Numbers of both.
    objective
        Their cost in the plan: the border between them and the costs of their nodes, or both
        moments of inertia.
    bound
        Proven bound on that cost; None if there is none.
    status
        "optimal" if no division of the two is better, else "feasible".
    seconds
        Wall-clock seconds of the last solve.
    """

    districts: tuple[int, int]
    objective: float
    bound: float | None
    status: Status
    seconds: float


@dataclass(frozen=True, eq=False)
class PairwiseResult:
    """
    A plan and what is known about each pair of neighbouring districts.

    Parameters
    ----------
    plan, objective
        The plan and its cost.
    pairs
        One entry for each two districts that touch.
    improvements
        How often a pair was divided better.
    """

    plan: IntArray
    objective: float
    pairs: tuple[Pair, ...]
    improvements: int

    @property
    def is_pairwise_optimal(self) -> bool:
        """Whether every pair is proven: no two districts can be divided better."""
        return all(pair.status is Status.OPTIMAL for pair in self.pairs)


def pairwise_optimum(
    problem: Districting,
    objective: Objective,
    plan: IntArray,
    *,
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> PairwiseResult:
    """
    Improve a plan pair by pair, and certify what cannot be improved.

    Parameters
    ----------
    problem
        What is asked, with its rules.
    objective
        The moment of inertia alone, or costs of edges and labels without it.
    plan
        A plan that keeps every rule, shape (nodes,).
    limits
        Time of all pairs together, gap, seed and threads.
    solver
        Backend of the integer programs.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, pairs proven, pairs in all) after each pair.

    Raises
    ------
    ValueError
        If the plan breaks a rule, or the objective mixes inertia with other costs.
    """
    broken = problem.violations(plan)
    if broken:
        raise ValueError(f"The plan breaks rules: {'; '.join(broken[:3])}. Give a feasible plan.")
    others = objective.edge_costs is not None or objective.label_costs is not None
    if (objective.inertia > 0) == others:
        raise ValueError(
            "Pairs are solved for the moment of inertia alone, or for costs of edges and labels "
            "without it; give one of them."
        )
    objective.check(problem)
    run = _Run(problem, objective, plan.copy(), limits or Limits(), solver, stop, listen)
    run.improve()
    return run.result()


@dataclass
class _Run:
    """The plan and the pairs so far."""

    problem: Districting
    objective: Objective
    plan: IntArray
    limits: Limits
    solver: str
    stop: Stop | None
    listen: Listen | None
    improvements: int = 0

    def __post_init__(self) -> None:
        self.deadline = Deadline.after(self.limits.seconds)
        self.known: dict[tuple[int, int], Pair] = {}

    def improve(self) -> None:
        """Solve pairs that are not known yet until none is left."""
        while not self._over:
            open_pairs = [pair for pair in self._touching() if pair not in self.known]
            if not open_pairs:
                return
            share = self.deadline.seconds_left / len(open_pairs)
            self._solve(open_pairs[0], share)
            if self.listen is not None:
                pairs = self.result().pairs
                proven = sum(pair.status is Status.OPTIMAL for pair in pairs)
                self.listen(self.objective.evaluate(self.problem, self.plan), proven, len(pairs))

    def result(self) -> PairwiseResult:
        """State what is known; a pair that was not solved is feasible, without a bound."""
        pairs = [
            self.known.get(pair) or Pair(pair, self._value(pair), None, Status.FEASIBLE, 0.0)
            for pair in self._touching()
        ]
        value = self.objective.evaluate(self.problem, self.plan)
        return PairwiseResult(self.plan, value, tuple(pairs), self.improvements)

    @property
    def _over(self) -> bool:
        return self.deadline.passed or (self.stop is not None and self.stop.requested)

    def _touching(self) -> list[tuple[int, int]]:
        """Pairs of districts with an edge between them."""
        ends = np.sort(self.plan[self.problem.edges.reshape(-1, 2)], axis=1)
        pairs = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)
        return [(int(one), int(other)) for one, other in pairs]

    def _value(self, pair: tuple[int, int]) -> float:
        """Cost of both districts as they are."""
        nodes = np.flatnonzero(np.isin(self.plan, pair))
        part, objective = restricted(self.problem, self.objective, nodes, pair)
        return objective.evaluate(part, (self.plan[nodes] == pair[1]).astype(np.int64))

    def _solve(self, pair: tuple[int, int], seconds: float) -> None:
        """Divide a pair anew; a better division is taken, and makes its neighbours unknown."""
        began = time.monotonic()
        nodes = np.flatnonzero(np.isin(self.plan, pair))
        part, objective = restricted(self.problem, self.objective, nodes, pair)
        today = (self.plan[nodes] == pair[1]).astype(np.int64)
        value = objective.evaluate(part, today)
        found = self._divide(part, objective, today, seconds)
        slack = TOLERANCE * max(1.0, abs(value))
        if found.solution is not None:
            better = self.plan.copy()
            better[nodes] = np.array(pair)[found.solution]
            gains = objective.evaluate(part, found.solution) < value - slack
            if gains and not self.problem.violations(better):
                self.plan, self.improvements = better, self.improvements + 1
                value = objective.evaluate(part, found.solution)
                self.known = {
                    other: known
                    for other, known in self.known.items()
                    if not set(other) & set(pair)
                }
        proven = found.bound is not None and found.bound >= value - slack
        self.known[pair] = Pair(
            pair,
            value,
            found.bound,
            Status.OPTIMAL if proven else Status.FEASIBLE,
            time.monotonic() - began,
        )

    def _divide(
        self, part: Districting, objective: Objective, today: IntArray, seconds: float
    ) -> Result[IntArray]:
        limits = self.limits.within(seconds)
        if objective.edge_costs is None and objective.label_costs is None:
            return solve_districting(part, limits=limits, solver=self.solver, stop=self.stop)
        costs = objective.edge_costs
        return solve_labelling(
            part,
            edge_costs=np.zeros(part.edges.shape[0]) if costs is None else costs,
            label_costs=objective.label_costs,
            start=today,
            limits=limits,
            solver=self.solver,
            stop=self.stop,
        )


def restricted(
    problem: Districting, objective: Objective, nodes: IntArray, districts: tuple[int, int]
) -> tuple[Districting, Objective]:
    """
    Return the problem of dividing some nodes into two districts, with its objective.

    Parameters
    ----------
    nodes
        Nodes of both districts, ascending, shape (nodes of the part,).
    districts
        Numbers of the districts, which become 0 and 1.
    """
    place = np.full(problem.num_nodes, -1)
    place[nodes] = np.arange(nodes.size)
    ends = place[problem.edges.reshape(-1, 2)]
    inside = (ends >= 0).all(axis=1)
    costs, matrix, rules = objective.edge_costs, problem.cost_matrix, problem.rules
    labels = objective.label_costs
    part = replace(
        problem,
        weights=problem.weights[nodes],
        edges=ends[inside],
        num_districts=2,
        mass=problem.mass[nodes],
        location=problem.location[nodes],
        centre=problem.centre[nodes],
        inertia=problem.inertia[nodes],
        names=tuple(problem.names[node] for node in nodes) if problem.names else (),
        cost_matrix=None if matrix is None else matrix[np.ix_(nodes, nodes)],
        rules=None if rules is None else _restricted_rules(rules, place, nodes, districts),
    )
    return part, replace(
        objective,
        edge_costs=None if costs is None else costs[inside],
        label_costs=None if labels is None else labels[nodes][:, list(districts)],
    )


def _restricted_rules(
    rules: DistrictRules, place: IntArray, nodes: IntArray, districts: tuple[int, int]
) -> DistrictRules:
    """Return the rules of some nodes and two districts."""
    both = list(districts)

    def rows(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[both]

    locked: IntArray | None = None
    forbidden: BoolArray | None = None
    seats: IntArray | None = None
    apart: IntArray | None = None
    if rules.locked is not None:
        own = rules.locked[nodes]
        locked = np.where(own == both[0], 0, np.where(own == both[1], 1, -1))
    if rules.forbidden is not None:
        forbidden = rules.forbidden[nodes][:, both]
    if rules.seats is not None:
        own = rules.seats[both]
        seats = np.where(own >= 0, place[own], -1)
    if rules.apart is not None:
        pairs = place[rules.apart]
        apart = pairs[(pairs >= 0).all(axis=1)]
    return DistrictRules(rows(rules.lower), rows(rules.upper), locked, forbidden, seats, apart)
