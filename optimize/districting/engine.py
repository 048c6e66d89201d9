"""
Exact districting: a good plan, a Lagrangian bound, few variables, a small integer program.

The steps, each in a module of its own: starting plans by local search; the Lagrangian bound with
variable fixing; a restricted Hess model that polishes the plan; fixing again; the Hess model of
what is left, with a,b-separators added until the solution is connected. The plan is then proven
optimal, or carries the better of the two bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ...models.districting.hess import hess_model
from ...models.districting.problem import Districting
from ...models.districting.separators import neighbour_separators, violated_separators
from ...models.formulation import BoolArray, IntArray
from ..limits import Deadline, Limits, Stop
from ..result import Result, Status
from ..solvers import solve_model
from .feasibility import obvious_conflicts, packing_impossible
from .lagrangian import Fixing
from .local_search import starting_plan
from .search import Listen, Search


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
    search = Search(
        problem, problem.evaluate, limits, solver, stop, listen, Deadline.after(limits.seconds)
    )
    conflicts = obvious_conflicts(problem, labels)
    if conflicts:
        search.infeasible, search.detail = True, "; ".join(conflicts)
        return search.result()
    if problem.num_districts == 1:
        search.offer(np.zeros(problem.num_nodes, dtype=np.int64))
        search.raise_bound(search.objective)
        return search.result()
    with search.timed("heuristic"):
        _start(search, starts=2, seed=limits.seed)
    if search.plan is None and packing_impossible(
        problem, solver=solver, limits=limits.within(search.deadline.seconds_left / 4), stop=stop
    ):
        search.infeasible = True
        search.detail = "the units cannot be balanced, even without contiguity"
        return search.result()
    with search.timed("heuristic"):
        _start(search, starts=10, seed=limits.seed + 1)
    _bound_and_branch(search)
    return search.result()


def _start(search: Search, *, starts: int, seed: int) -> None:
    plan, _ = starting_plan(
        search.problem,
        seed=seed,
        starts=starts,
        deadline=Deadline.after(search.deadline.seconds_left / 4),
        stop=search.stop,
    )
    if plan is not None:
        search.offer(plan)


def _bound_and_branch(search: Search) -> None:
    """Bound, fix, polish, fix again, and solve what is left."""
    reachable = reachable_pairs(search.problem)
    fixing = Fixing(search.problem, np.where(reachable, -np.inf, np.inf))
    with search.timed("bound"):
        _tighten(search, fixing, iterations=600)
    if not search.done:
        _start_again(search, fixing)
        with search.timed("bound"):
            _tighten(search, fixing, iterations=300)
    if not search.done:
        _solve_restricted(search, fixing, per_node=6)
    if not search.done:
        with search.timed("bound"):
            _tighten(search, fixing, iterations=300, probing=60)
    if not search.done:
        _solve_restricted(search, fixing, per_node=None)


def _tighten(search: Search, fixing: Fixing, *, iterations: int, probing: int = 0) -> None:
    """Climb the dual, then once more for each centre that is left if ``probing``."""
    deadline = Deadline.after(search.deadline.seconds_left / 4)
    fixing.tighten(
        search.plan, search.objective, iterations=iterations, deadline=deadline, stop=search.stop
    )
    if probing and search.plan is not None and fixing.bound < search.objective:
        fixing.probe(search.objective, iterations=probing, deadline=deadline, stop=search.stop)
    if np.isfinite(fixing.bound) or search.plan is not None:
        search.raise_bound(fixing.bound)
    else:
        search.infeasible = True


def _start_again(search: Search, fixing: Fixing) -> None:
    """Start the local search once more, from the centres that the bound likes."""
    plan, _ = starting_plan(
        search.problem,
        seed=search.limits.seed,
        starts=0,
        centres=fixing.picked,
        deadline=Deadline.after(search.deadline.seconds_left / 4),
        stop=search.stop,
    )
    if plan is not None:
        search.offer(plan)


def _solve_restricted(search: Search, fixing: Fixing, *, per_node: int | None) -> None:
    """Solve the Hess model on the best pairs (polish), or on all that are left (proof)."""
    n = search.problem.num_nodes
    allowed = fixing.allowed(search.objective)
    proof = per_node is None or allowed.sum() <= per_node * n
    if not proof and per_node is not None:
        ranked = np.where(allowed, fixing.pair_bounds, np.inf)
        allowed &= ranked <= np.partition(ranked, per_node * n, axis=None)[per_node * n]
    if search.plan is not None:
        centre_of = search.problem.centres(search.plan)[search.plan]
        allowed[np.arange(n), centre_of] = True
    phase = "solve" if proof else "polish"
    with search.timed(phase):
        _cut_loop(search, allowed, proof=proof)


def _cut_loop(search: Search, chosen: BoolArray, *, proof: bool) -> None:
    """Solve, separate, repeat, until the solution is connected."""
    share = 1.0 if proof else 0.4
    deadline = Deadline.after(search.deadline.seconds_left * share)
    while not (deadline.passed or search.over):
        hess = hess_model(search.problem, chosen, search.cuts)
        start = None
        if search.plan is not None:
            start = hess.start(search.problem.centres(search.plan)[search.plan])
        result = solve_model(
            hess.model,
            solver=search.solver,
            limits=search.limits.within(deadline.seconds_left),
            start=start,
            stop=search.stop,
        )
        search.heed(result)
        if proof and result.bound is not None and result.status is not Status.INFEASIBLE:
            search.raise_bound(result.bound)
        if result.solution is None:
            if proof and result.status is Status.INFEASIBLE:
                _nothing_left(search)
            return
        centre_of = hess.assignment(result.solution)
        cuts = violated_separators(search.problem, centre_of)
        if not cuts:
            search.offer(np.unique(centre_of, return_inverse=True)[1].astype(np.int64))
            return
        if not search.cuts:
            search.cuts += neighbour_separators(search.problem)
        search.cuts += cuts


def _nothing_left(search: Search) -> None:
    """No plan among the pairs that were left: the known one is optimal, or none exists."""
    if search.plan is None:
        search.infeasible = True
    else:
        search.raise_bound(search.objective)


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
