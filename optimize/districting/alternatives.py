"""
Different near-best plans of one problem, each the best of those that differ enough from the rest.

The first plan is that of the exact engine. Each further one solves the model of the engine with
inequalities that keep it away from all earlier plans (:mod:`.models.districting.difference`), on
the pairs that a Lagrangian bound leaves to plans within the allowed cost. What is proven: an
alternative that is called optimal costs least among all plans that differ from every earlier one
by the share that was asked; no more alternatives exist if the last entry is called infeasible.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...instances.notes import note
from ...models.districting.difference import difference, dual_values, kept_apart
from ...models.districting.hess import HessModel, hess_model
from ...models.districting.labelling import labelling_model
from ...models.districting.objective import Objective
from ...models.districting.problem import Districting
from ...models.districting.separators import violated_separators
from ...models.formulation import FloatArray, IntArray, LinearModel
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..search import TOLERANCE
from ..solvers.lazy import Cut, solve_with_cuts
from .hess.engine import reachable_pairs, solve_districting
from .hess.lagrangian import Fixing
from .heuristics import find_plan
from .labelling.engine import island_separators, solve_labelling
from .separator_cuts import passing_cut

TRIES = 4
"""Plans of changed problems that are tried as starts of each alternative."""


def alternatives(
    problem: Districting,
    objective: Objective | None = None,
    *,
    number: int,
    within: float = 0.05,
    differ: float = 0.10,
    limits: Limits | None = None,
    solver: str = "scip",
    first: Result[IntArray] | None = None,
    stop: Stop | None = None,
) -> list[Result[IntArray]]:
    """
    Find plans that cost nearly as little as the best and differ from each other.

    Parameters
    ----------
    problem
        What is asked; its districts are not told apart.
    objective
        Moment of inertia, or costs of cut edges; None for the moment of inertia.
    number
        Number of plans, the best one among them.
    within
        Share by which a plan may cost more than the first.
    differ
        Least share of weight 0 (residents) that changes district between any two plans, however
        the districts are matched.
    limits
        Time for all plans together, gap of the first, seed and threads.
    solver
        Backend of the integer programs.
    first
        The first plan if it is known.
    stop
        A request to stop.

    Returns
    -------
    list of Result
        The plans, the best first. If there are fewer than asked the last entry holds no plan and
        says why: ``INFEASIBLE`` if it is proven that no other plan is left, else ``UNKNOWN``.

    Raises
    ------
    ValueError
        If a share or number makes no sense, districts are told apart, or the objective is mixed.
    """
    limits, objective = limits or Limits(), objective or Objective()
    _check(problem, objective, number, within, differ)
    deadline = Deadline.after(limits.seconds)
    if first is None:
        share = limits.within(limits.seconds / (1 + max(1, number - 1)) + 1)
        first = _first(problem, objective, share, stop)
    found = [first]
    if first.solution is None or first.objective is None:
        return found
    if differ > 0 and problem.weights[:, 0].sum() <= 0:
        raise ValueError("Weight 0 is 0 everywhere, so no two plans differ in it.")
    most_cost = first.objective * (1 + within)
    task = _Task(problem, objective, differ, most_cost, limits, solver, stop)
    while len(found) < number and not (stop is not None and stop.requested):
        seconds = deadline.seconds_left / (number - len(found))
        earlier = [_plan(result) for result in found]
        found.append(task.next_plan(earlier, max(seconds, 0.05), found[-1].bound))
        if found[-1].solution is None:
            break
    return found


def _check(
    problem: Districting, objective: Objective, number: int, within: float, differ: float
) -> None:
    objective.check(problem)
    if number < 1:
        raise ValueError(f"number = {number} not understood; give at least 1.")
    if not (np.isfinite(within) and within >= 0):
        raise ValueError(f"within = {within} not understood; give a share that is not negative.")
    if not 0 < differ <= 1:
        raise ValueError(f"differ = {differ} not understood; give a share in (0, 1].")
    if problem.rules is not None and problem.rules.names_districts:
        raise ValueError("The rules tell districts apart; alternatives match them freely.")
    costs = (objective.inertia > 0, objective.edge_costs is not None)
    if objective.label_costs is not None or costs.count(True) != 1:
        raise ValueError(
            "Alternatives take the moment of inertia or costs of cut edges, one at a time."
        )


def _first(
    problem: Districting, objective: Objective, limits: Limits, stop: Stop | None
) -> Result[IntArray]:
    if objective.edge_costs is None:
        result = solve_districting(problem, limits=limits, stop=stop)
        factor = objective.inertia
        objective_value = None if result.objective is None else factor * result.objective
        bound = None if result.bound is None else factor * result.bound
        return replace(result, objective=objective_value, bound=bound)
    return solve_labelling(problem, edge_costs=objective.edge_costs, limits=limits, stop=stop)


def _plan(result: Result[IntArray]) -> IntArray:
    assert result.solution is not None  # noqa: S101 - only results with a plan are asked
    return result.solution


@dataclass(frozen=True, eq=False)
class _Task:
    """The search for further plans."""

    problem: Districting
    objective: Objective
    differ: float
    most_cost: float
    limits: Limits
    solver: str
    stop: Stop | None
    forms: list[_Form] = field(default_factory=list)

    @property
    def weight(self) -> FloatArray:
        """Weight in which plans differ, shape (nodes,)."""
        return self.problem.weights[:, 0]

    def next_plan(
        self, earlier: list[IntArray], seconds: float, bound: float | None
    ) -> Result[IntArray]:
        """
        Return the best plan that differs from all earlier ones, or say that there is none.

        ``bound`` is that of the plan before, which had fewer plans to differ from, so it holds.
        """
        deadline = Deadline.after(seconds)
        if not self.forms:
            make = _HessForm if self.objective.edge_costs is None else _LabelForm
            self.forms.append(make(self, earlier[0], Deadline.after(seconds / 2)))
        form = self.forms[0]
        start = self._start(earlier, Deadline.after(min(4.0, seconds / 4)))
        model = kept_apart(
            form.model, form.column, self.weight, earlier, share=self.differ,
            most_cost=self.most_cost * (1 + 1e-9) + 1e-9,
        )  # fmt: skip
        values = None if start is None else form.encode(start)
        if start is not None and values is not None:
            slots = form.slots(values)
            duals = dual_values(self.weight, slots, form.column.shape[1], earlier)
            values = np.concatenate([values, duals])
        result = solve_with_cuts(
            model,
            form.broken_by,
            solver=self.solver,
            limits=replace(self.limits, gap=0.0).within(deadline.seconds_left),
            start=values,
            stop=self.stop,
        )
        found = None if result.solution is None else form.decode(result.solution)
        proven = [value for value in (bound, result.bound) if value is not None]
        result = replace(result, bound=max(proven, default=None))
        return self._stated(result, self._better(found, start, earlier), len(earlier))

    def accepts(self, plan: IntArray, earlier: Sequence[IntArray]) -> bool:
        """Whether a plan keeps every rule, is near the best and far from the others."""
        return (
            not self.problem.violations(plan)
            and self.objective.evaluate(self.problem, plan) <= self.most_cost * (1 + 1e-9) + 1e-9
            and all(
                difference(self.weight, plan, other) >= self.differ - TOLERANCE for other in earlier
            )
        )

    def _start(self, earlier: Sequence[IntArray], deadline: Deadline) -> IntArray | None:
        """Search plans of problems with other masses or costs; return the best that is accepted."""
        rng = np.random.default_rng([self.limits.seed, len(earlier)])
        best: IntArray | None = None
        for _ in range(TRIES):
            if deadline.passed or (self.stop is not None and self.stop.requested):
                break
            mass = self.problem.mass * rng.uniform(0.3, 1.7, self.problem.num_nodes)
            costs = self.objective.edge_costs
            if costs is not None:
                costs = costs * rng.uniform(0.5, 1.5, costs.size)
            trace = find_plan(
                replace(self.problem, mass=mass),
                replace(self.objective, edge_costs=costs),
                seconds=max(0.05, min(1.0, deadline.seconds_left)),
                seed=int(rng.integers(1 << 31)),
                starts=1,
                stop=self.stop,
            )
            if trace.plan is not None and self.accepts(trace.plan, earlier):
                best = self._better(trace.plan, best, earlier)
        return best

    def _better(
        self, one: IntArray | None, other: IntArray | None, earlier: Sequence[IntArray]
    ) -> IntArray | None:
        options = [plan for plan in (one, other) if plan is not None]
        options = [plan for plan in options if self.accepts(plan, earlier)]
        return min(options, key=lambda p: self.objective.evaluate(self.problem, p), default=None)

    def _stated(
        self, result: Result[FloatArray], plan: IntArray | None, many: int
    ) -> Result[IntArray]:
        """State what is known of the alternative."""
        rule = {"percent": 100 * self.differ, "before": many}
        base = Result[IntArray](
            Status.UNKNOWN, result.reason, seconds=result.seconds, solver=result.solver,
            version=result.version, seed=self.limits.seed, nodes=result.nodes, cuts=result.cuts,
            model_size=result.model_size,
        ).telling(note("no_differing_found", **rule))  # fmt: skip
        if plan is None:
            if result.status is Status.INFEASIBLE:
                ended = replace(base, status=Status.INFEASIBLE, reason=Reason.PROVEN)
                return ended.telling(note("no_differing_within_cost", **rule))
            return base
        value = self.objective.evaluate(self.problem, plan)
        bound = None if result.bound is None else min(result.bound, value)
        proven = bound is not None and value - bound <= TOLERANCE * max(1.0, abs(value))
        return replace(
            base,
            status=Status.OPTIMAL if proven else Status.FEASIBLE,
            reason=Reason.PROVEN if proven else _unproven(result.reason),
            solution=plan,
            objective=value,
            bound=value if proven else bound,
        ).telling(note("best_differing" if proven else "found_differing", **rule))


def _unproven(reason: Reason) -> Reason:
    return Reason.LIMIT if reason is Reason.PROVEN else reason


class _Form(ABC):
    """A model of plans: which columns put which node into which slot."""

    model: LinearModel
    column: IntArray

    def slots(self, values: FloatArray) -> IntArray:
        """Slot of each node, shape (nodes,)."""
        share = np.where(self.column >= 0, values[np.maximum(self.column, 0)], -1.0)
        return np.asarray(share.argmax(axis=1), dtype=np.int64)

    def decode(self, values: FloatArray) -> IntArray:
        """District 0..k-1 of each node, shape (nodes,)."""
        return np.unique(self.slots(values), return_inverse=True)[1].astype(np.int64)

    @abstractmethod
    def encode(self, plan: IntArray) -> FloatArray | None:
        """Values of the columns of the model; None if a pair of the plan is not in it."""

    @abstractmethod
    def broken_by(self, values: FloatArray) -> list[Cut]:
        """Contiguity inequalities that a solution breaks."""

    def _cut(self, node: int, slot: int, between: IntArray, anchor: int | None) -> Cut:
        """Who joins a slot, with an anchor if there is one, passes a node between."""
        inside = self.column[[node] if anchor is None else [node, anchor], slot]
        return passing_cut(inside, self.column[between, slot])


class _HessForm(_Form):
    """The Hess model on the pairs that plans within the cost may use; slots are centres."""

    def __init__(self, task: _Task, best: IntArray, deadline: Deadline) -> None:
        problem, factor = task.problem, task.objective.inertia
        cutoff = task.most_cost / factor
        fixing = Fixing(problem, np.where(reachable_pairs(problem), -np.inf, np.inf))
        fixing.tighten(best, cutoff, iterations=600, deadline=deadline, stop=task.stop)
        self.problem = problem
        self.hess: HessModel = hess_model(problem, fixing.allowed(cutoff))
        self.model = replace(self.hess.model, costs=self.hess.model.costs * factor)
        self.column = self.hess.column

    def encode(self, plan: IntArray) -> FloatArray | None:
        """Values of a plan with its best centres."""
        return self.hess.start(self.problem.centres(plan)[plan])

    def broken_by(self, values: FloatArray) -> list[Cut]:
        """Separate every island from its centre."""
        centre_of = self.slots(values)
        return [
            self._cut(int(a), int(centre_of[a]), cut.between, None)
            for cut in violated_separators(self.problem, centre_of)
            for a in cut.island
        ]


class _LabelForm(_Form):
    """The labelling model; slots are labels."""

    def __init__(self, task: _Task, best: IntArray, deadline: Deadline) -> None:
        del best, deadline
        costs = task.objective.edge_costs
        assert costs is not None  # noqa: S101 - the form is chosen by it
        self.problem = task.problem
        self.labelling = labelling_model(task.problem, edge_costs=costs, contiguity="none")
        self.model, self.column = self.labelling.model, self.labelling.label

    def encode(self, plan: IntArray) -> FloatArray | None:
        """Values of a plan, its districts numbered as the model asks."""
        return self.labelling.encode(plan)

    def broken_by(self, values: FloatArray) -> list[Cut]:
        """Separate islands of districts from the rest of them."""
        plan = self.slots(values)
        return [
            self._cut(
                int(a), int(plan[a]), cut.between, int(cut.centres[0]) if cut.centres.size else None
            )
            for cut in island_separators(self.problem, plan)
            for a in cut.island
        ]
