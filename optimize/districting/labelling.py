"""
Districts with the cheapest borders: the labelling model, with separators added in a loop.

A plan of the local search starts the first solve. Whenever the best labelling has a disconnected
district, the inequalities that it breaks join the model, which is then solved again. Every model
on the way is a relaxation of the problem, so each bound holds, and the best of them is reported.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.sparse.csgraph import connected_components

from ...models.districting.labelling import border_length, check_edge_costs, labelling_model
from ...models.districting.problem import Districting
from ...models.districting.separators import Separator, violated_separators
from ...models.formulation import FloatArray, IntArray
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..solvers import solve_model
from .feasibility import obvious_conflicts, packing_impossible
from .local_search import starting_plan
from .search import TOLERANCE, Listen, Search


def solve_labelling(
    problem: Districting,
    *,
    edge_costs: FloatArray,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Divide a community into districts with the least cost of the edges between them.

    Parameters
    ----------
    problem
        What is asked; its moment of inertia only guides the starting plan.
    edge_costs
        Cost of cutting each edge, shape (edges,), not negative: ones count the cut edges, border
        lengths give the shortest shared borders.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node. ``detail`` says why there is none, if there is none.

    Raises
    ------
    ValueError
        If the costs do not fit the edges, or one is negative or not finite.
    """
    limits = limits or Limits()
    check_edge_costs(problem, edge_costs)
    search = Search(
        problem,
        partial(border_length, problem, lengths=edge_costs),
        limits,
        solver,
        stop,
        listen,
        Deadline.after(limits.seconds),
        is_whole=np.array_equal(edge_costs, np.rint(edge_costs)),
        bound=0.0,
    )
    conflicts = obvious_conflicts(problem, ["weight"] * problem.weights.shape[1])
    if conflicts:
        search.infeasible, search.detail = True, "; ".join(conflicts)
        return search.result()
    with search.timed("heuristic"):
        _start(search, edge_costs)
    if search.plan is None and packing_impossible(
        problem, solver=solver, limits=limits.within(search.deadline.seconds_left / 4), stop=stop
    ):
        search.infeasible = True
        search.detail = "the units cannot be balanced, even without contiguity"
        return search.result()
    search.cuts = node_separators(problem)
    while _solve_and_cut(search, edge_costs):
        pass
    return search.result()


def _start(search: Search, edge_costs: FloatArray) -> None:
    """Take the plan of the local search, which needs masses, and shorten its borders."""
    if search.problem.num_districts == 1:
        search.offer(np.zeros(search.problem.num_nodes, dtype=np.int64))
        return
    if not search.problem.mass.sum() > 0:
        return
    deadline = Deadline.after(search.deadline.seconds_left / 4)
    plan, _ = starting_plan(
        search.problem, seed=search.limits.seed, deadline=deadline, stop=search.stop
    )
    if plan is not None:
        search.offer(plan)
        search.offer(shortened(search.problem, plan, edge_costs, deadline=deadline))


def shortened(
    problem: Districting, plan: IntArray, edge_costs: FloatArray, *, deadline: Deadline
) -> IntArray:
    """Move nodes across borders one by one, as long as that lowers the cost of a feasible plan."""
    plan = plan.copy()
    u, v = problem.edges.reshape(-1, 2).T
    improved = True
    while improved and not deadline.passed:
        improved = False
        cost = np.zeros((problem.num_nodes, problem.num_districts))
        np.add.at(cost, (u, plan[v]), edge_costs)
        np.add.at(cost, (v, plan[u]), edge_costs)
        gain = cost - cost[np.arange(plan.size), plan][:, None]
        for flat in np.argsort(-gain, axis=None, kind="stable"):
            node, district = divmod(int(flat), problem.num_districts)
            if gain[node, district] <= TOLERANCE or deadline.passed:
                break
            before, plan[node] = plan[node], district
            if not problem.violations(plan):
                improved = True
                break
            plan[node] = before
    return plan


def _solve_and_cut(search: Search, edge_costs: FloatArray) -> bool:
    """Solve the model with all cuts so far; whether another round may help."""
    if search.closed:
        search.ended = Reason.GAP
        return False
    if search.over:
        return False
    labelling = labelling_model(
        search.problem, edge_costs=edge_costs, contiguity="none", separators=search.cuts
    )

    with search.timed("solve"):
        result = solve_model(
            labelling.model,
            solver=search.solver,
            limits=search.limits.within(search.deadline.seconds_left),
            start=None if search.plan is None else labelling.encode(search.plan),
            stop=search.stop,
        )
    search.heed(result)
    search.ended = result.reason
    if result.status is Status.INFEASIBLE:
        search.infeasible = search.plan is None
        return False
    if result.bound is not None:
        search.raise_bound(result.bound)
    if result.solution is None:
        search.detail = result.detail
        return False
    plan = labelling.decode(result.solution)
    cuts = island_separators(search.problem, plan)
    search.cuts += cuts
    search.offer(plan)
    broken = [] if cuts else search.problem.violations(plan)
    if broken:
        search.ended = Reason.ERROR
        search.detail = f"The solver's plan does not hold and was refused: {broken[0]}."
    return bool(cuts)


def node_separators(problem: Districting) -> list[Separator]:
    """Light islands of one node: who is too light for a district has a neighbour in its own."""
    return [
        _light_island(problem, np.array([node]))
        for node in range(problem.num_nodes)
        if _too_light(problem, np.array([node]))
    ]


def island_separators(problem: Districting, assignment: IntArray) -> list[Separator]:
    """
    Inequalities that a disconnected plan breaks, as :func:`labelling_model` takes them.

    Every part of a disconnected district that is too light for a district gives a light island.
    Any other part but the heaviest gives a minimal a,b-separator, with the heaviest node of the
    heaviest part as b; ``centres`` is (b,), and empty for a light island.

    Parameters
    ----------
    assignment
        District 0..k-1 of each node, shape (nodes,).

    Returns
    -------
    list of Separator
        Empty if and only if every district is connected.
    """
    anchor_of = np.empty(problem.num_nodes, dtype=np.int64)
    load = problem.weights.sum(axis=1)
    light: list[Separator] = []
    for district in np.unique(assignment):
        members = np.flatnonzero(assignment == district)
        num_parts, part = connected_components(problem.graph[members][:, members], directed=False)
        parts = [members[part == number] for number in range(num_parts)]
        home = max(parts, key=lambda nodes: float(load[nodes].sum()))
        anchor_of[members] = home[np.argmax(load[home])]
        if num_parts > 1:
            light += [
                _light_island(problem, nodes) for nodes in parts if _too_light(problem, nodes)
            ]
    return light + [
        Separator(cut.island, anchor_of[cut.island[:1]], cut.between)
        for cut in violated_separators(problem, anchor_of)
        if not _too_light(problem, cut.island)
    ]


def _too_light(problem: Districting, nodes: IntArray) -> bool:
    """Whether the nodes together stay below a lower bound."""
    return bool((problem.weights[nodes].sum(axis=0) < problem.lower - 1e-6).any())


def _light_island(problem: Districting, nodes: IntArray) -> Separator:
    """Separate nodes that are too light for a district from all others by their neighbours."""
    shore = np.setdiff1d(problem.graph[nodes].indices, nodes).astype(np.int64)
    return Separator(nodes, np.empty(0, dtype=np.int64), shore)
