"""
Exact districting: a good plan, a Lagrangian bound, few variables, a small integer program.

The steps, each in a module of its own: starting plans by local search; the Lagrangian bound with
variable fixing; a restricted Hess model that polishes the plan; fixing again; the Hess model of
what is left, with a,b-separators added until the solution is connected. The plan is then proven
optimal, or carries the better of the two bounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ...models.districting.hess import (
    Separator,
    hess_model,
    neighbour_separators,
    violated_separators,
)
from ...models.districting.problem import Districting
from ...models.formulation import BoolArray, IntArray
from ..limits import Deadline, Limits, Stop
from ..result import ModelSize, Reason, Result, Status, larger_model
from ..solvers import solve_model
from .feasibility import obvious_conflicts, packing_impossible
from .lagrangian import Fixing
from .local_search import starting_plan

Listen = Callable[[float | None, float | None], None]
TOLERANCE = 1e-6


@dataclass
class _State:
    """What is known so far about one problem."""

    problem: Districting
    limits: Limits
    solver: str
    stop: Stop | None
    listen: Listen | None
    deadline: Deadline
    plan: IntArray | None = None
    objective: float = np.inf
    bound: float = -np.inf
    infeasible: bool = False
    cuts: list[Separator] = field(default_factory=list)
    nodes: int = 0
    version: str = ""
    model_size: ModelSize | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def offer(self, plan: IntArray) -> None:
        """Take a plan if it is feasible and better."""
        if self.problem.violations(plan):
            return
        objective = self.problem.evaluate(plan)
        if objective < self.objective - TOLERANCE:
            self.plan, self.objective = plan.copy(), objective
            self.report()

    def report(self) -> None:
        if self.listen is not None:
            known = self.plan is not None
            bound = self.bound if np.isfinite(self.bound) else None
            self.listen(self.objective if known else None, bound)

    def raise_bound(self, bound: float) -> None:
        """Take a proven bound; a plan's objective caps it."""
        self.bound = max(self.bound, min(bound, self.objective))
        self.report()

    @property
    def closed(self) -> bool:
        """Whether the gap is as small as was asked for."""
        slack = max(self.limits.gap, 1e-9) * max(abs(self.objective), 1e-9)
        return self.plan is not None and self.objective - self.bound <= max(slack, TOLERANCE)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, or no time to do it."""
        return self.closed or self.over or self.infeasible

    @property
    def over(self) -> bool:
        return self.deadline.passed or (self.stop is not None and self.stop.requested)

    def timed(self, phase: str, work: Callable[[], None]) -> None:
        began = time.monotonic()
        work()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began


def solve_districting(
    problem: Districting,
    *,
    limits: Limits | None = None,
    solver: str = "highs",
    weight_labels: Sequence[str] = ("residents", "households"),
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Divide a community into districts of least moment of inertia.

    Parameters
    ----------
    problem
        What is asked.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs.
    weight_labels
        What each weight is called, for messages.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node. ``detail`` says why there is none, if there is none.
    """
    limits = limits or Limits()
    labels = [*weight_labels, *["weight"] * problem.weights.shape[1]][: problem.weights.shape[1]]
    state = _State(problem, limits, solver, stop, listen, deadline=Deadline.after(limits.seconds))
    conflicts = obvious_conflicts(problem, labels)
    if conflicts:
        return _finished(state, detail="; ".join(conflicts), infeasible=True)
    if problem.num_districts == 1:
        state.offer(np.zeros(problem.num_nodes, dtype=np.int64))
        state.raise_bound(state.objective)
        return _finished(state)
    state.timed("heuristic", lambda: _start(state))
    if state.plan is None and packing_impossible(
        problem, solver=solver, limits=limits.within(state.deadline.seconds_left / 4), stop=stop
    ):
        return _finished(
            state, detail="the units cannot be balanced, even without contiguity", infeasible=True
        )
    _bound_and_branch(state)
    return _finished(state)


def _start(state: _State) -> None:
    plan, _ = starting_plan(
        state.problem,
        seed=state.limits.seed,
        deadline=Deadline.after(state.deadline.seconds_left / 4),
        stop=state.stop,
    )
    if plan is not None:
        state.offer(plan)


def _bound_and_branch(state: _State) -> None:
    """Bound, fix, polish, fix again, and solve what is left."""
    reachable = reachable_pairs(state.problem)
    fixing = Fixing(state.problem, np.where(reachable, -np.inf, np.inf))
    state.timed("bound", lambda: _tighten(state, fixing, iterations=600))
    if not state.done:
        _start_again(state, fixing)
        state.timed("bound", lambda: _tighten(state, fixing, iterations=300))
    if not state.done:
        _solve_restricted(state, fixing, per_node=6)
    if not state.done:
        state.timed("bound", lambda: _tighten(state, fixing, iterations=300, probing=60))
    if not state.done:
        _solve_restricted(state, fixing, per_node=None)


def _tighten(state: _State, fixing: Fixing, *, iterations: int, probing: int = 0) -> None:
    """Climb the dual, then once more for each centre that is left if ``probing``."""
    deadline = Deadline.after(state.deadline.seconds_left / 4)
    fixing.tighten(
        state.plan, state.objective, iterations=iterations, deadline=deadline, stop=state.stop
    )
    if probing and state.plan is not None and fixing.bound < state.objective:
        fixing.probe(state.objective, iterations=probing, deadline=deadline, stop=state.stop)
    if np.isfinite(fixing.bound) or state.plan is not None:
        state.raise_bound(fixing.bound)
    else:
        state.infeasible = True


def _start_again(state: _State, fixing: Fixing) -> None:
    """Start the local search once more, from the centres that the bound likes."""
    plan, _ = starting_plan(
        state.problem,
        seed=state.limits.seed,
        starts=0,
        centres=fixing.picked,
        deadline=Deadline.after(state.deadline.seconds_left / 4),
        stop=state.stop,
    )
    if plan is not None:
        state.offer(plan)


def _solve_restricted(state: _State, fixing: Fixing, *, per_node: int | None) -> None:
    """Solve the Hess model on the best pairs (polish), or on all that are left (proof)."""
    n = state.problem.num_nodes
    allowed = fixing.allowed(state.objective)
    proof = per_node is None or allowed.sum() <= per_node * n
    if not proof and per_node is not None:
        ranked = np.where(allowed, fixing.pair_bounds, np.inf)
        allowed &= ranked <= np.partition(ranked, per_node * n, axis=None)[per_node * n]
    if state.plan is not None:
        centre_of = state.problem.centres(state.plan)[state.plan]
        allowed[np.arange(n), centre_of] = True
    phase = "solve" if proof else "polish"
    state.timed(phase, lambda: _cut_loop(state, allowed, proof=proof))


def _cut_loop(state: _State, chosen: BoolArray, *, proof: bool) -> None:
    """Solve, separate, repeat, until the solution is connected."""
    share = 1.0 if proof else 0.4
    deadline = Deadline.after(state.deadline.seconds_left * share)
    while not (deadline.passed or state.over):
        hess = hess_model(state.problem, chosen, state.cuts)
        start = None
        if state.plan is not None:
            start = hess.start(state.problem.centres(state.plan)[state.plan])
        result = solve_model(
            hess.model,
            solver=state.solver,
            limits=state.limits.within(deadline.seconds_left),
            start=start,
            stop=state.stop,
        )
        state.nodes += result.nodes
        state.version = result.version
        state.model_size = larger_model(state.model_size, result.model_size)
        if proof and result.bound is not None and result.status is not Status.INFEASIBLE:
            state.raise_bound(result.bound)
        if result.solution is None:
            if proof and result.status is Status.INFEASIBLE:
                _nothing_left(state)
            return
        centre_of = hess.assignment(result.solution)
        cuts = violated_separators(state.problem, centre_of)
        if not cuts:
            state.offer(np.unique(centre_of, return_inverse=True)[1].astype(np.int64))
            return
        if not state.cuts:
            state.cuts += neighbour_separators(state.problem)
        state.cuts += cuts


def _nothing_left(state: _State) -> None:
    """No plan among the pairs that were left: the known one is optimal, or none exists."""
    if state.plan is None:
        state.infeasible = True
    else:
        state.raise_bound(state.objective)


def reachable_pairs(problem: Districting) -> BoolArray:
    """
    Pairs (i, j) that some connected district within the upper bounds can contain.

    A path from j to i through nodes whose weight exceeds the bound rules the pair out (the length
    bound of LCUT, Validi, Buchanan and Lykhovyd 2022).
    """
    allowed = np.ones((problem.num_nodes, problem.num_nodes), dtype=bool)
    graph = problem.graph
    for w in np.flatnonzero(np.isfinite(problem.upper)):
        entering = problem.weights[graph.indices, w] + 1e-9
        lengths = sparse.csr_array((entering, graph.indices, graph.indptr), shape=graph.shape)
        distance = dijkstra(lengths) + problem.weights[:, w][:, None]
        allowed &= problem.upper[w] + 1e-6 >= distance.T
    np.fill_diagonal(allowed, val=True)
    return allowed


def _finished(state: _State, *, detail: str = "", infeasible: bool = False) -> Result[IntArray]:
    infeasible = infeasible or state.infeasible
    proven = state.plan is not None and state.objective - state.bound <= TOLERANCE * max(
        1.0, abs(state.objective)
    )
    if infeasible:
        status, reason = Status.INFEASIBLE, Reason.PROVEN
        detail = detail or "no connected plan keeps the bounds"
    elif proven:
        status, reason = Status.OPTIMAL, Reason.PROVEN
    else:
        status = Status.UNKNOWN if state.plan is None else Status.FEASIBLE
        stopped = state.stop is not None and state.stop.requested
        reason = Reason.INTERRUPTED if stopped else Reason.GAP if state.closed else Reason.TIME
    found = state.plan is not None
    return Result(
        status=status,
        reason=reason,
        solution=state.plan,
        objective=state.objective if found else None,
        bound=(state.objective if proven else state.bound)
        if np.isfinite(state.bound) and not infeasible
        else None,
        seconds=state.seconds,
        solver=state.solver,
        version=state.version,
        seed=state.limits.seed,
        nodes=state.nodes,
        cuts=len(state.cuts),
        detail=detail,
        model_size=state.model_size,
    )
