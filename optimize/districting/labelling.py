"""
Districts with the cheapest borders: bounds by single districts, then the labelling model.

The steps, each in a module of its own: a plan by the heuristics; bounds by walks in the dual of a
planar graph (:mod:`.edge_bounds`), which often prove the plan optimal, or give the optimal one, and
else lift the relaxation; one tree over the labelling model with contiguity added where a solution
breaks it. Backends that cannot add inequalities inside their tree are asked again and again.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.sparse.csgraph import connected_components

from ...models.districting.labelling import (
    Symmetry,
    check_edge_costs,
    labelling_model,
)
from ...models.districting.objective import Objective
from ...models.districting.problem import Districting
from ...models.districting.separators import Separator, violated_separators
from ...models.formulation import FloatArray, IntArray
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..solvers.lazy import Cut, solve_with_cuts
from .edge_bounds import edge_bound
from .feasibility import obvious_conflicts, packing_impossible
from .heuristics import find_plan
from .search import Listen, Search

Contiguity = Literal["separators", "flow"]

SMALL = 120
"""Nodes times districts up to which the model is solved at once, without a plan or a bound."""


def solve_labelling(
    problem: Districting,
    *,
    edge_costs: FloatArray,
    label_costs: FloatArray | None = None,
    contiguity: Contiguity = "separators",
    symmetry: Symmetry | None = None,
    start: IntArray | None = None,
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Divide a community into districts with the least cost of the edges between them.

    Parameters
    ----------
    problem
        What is asked, with its rules; its moment of inertia only guides the starting plan.
    edge_costs
        Cost of cutting each edge, shape (edges,), not negative: ones count the cut edges, border
        lengths give the shortest shared borders.
    label_costs
        Cost of each node in each district, shape (nodes, districts), not negative; None for none.
    contiguity
        "separators" adds inequalities where a solution is disconnected, "flow" has one flow.
    symmetry
        How the interchangeability of districts is removed; None for all there is.
    start
        A plan to start from, shape (nodes,); one that breaks a rule only guides the heuristics.
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
        If the costs do not fit, one is negative or not finite, or an option is unknown.
    """
    limits = limits or Limits()
    if contiguity not in get_args(Contiguity):
        options = ", ".join(get_args(Contiguity))
        raise ValueError(f"contiguity = {contiguity!r} not understood; choose {options}.")
    check_edge_costs(problem, edge_costs)
    objective = Objective(inertia=0.0, edge_costs=edge_costs, label_costs=label_costs)
    objective.check(problem)
    search = Search(
        problem,
        lambda plan: objective.evaluate(problem, plan),
        limits,
        solver,
        stop,
        listen,
        Deadline.after(limits.seconds),
        is_whole=objective.is_whole,
        bound=0.0,
    )
    conflicts = obvious_conflicts(problem, ["weight"] * problem.weights.shape[1])
    if conflicts:
        search.infeasible, search.detail = True, "; ".join(conflicts)
        return search.result()
    if start is not None:
        search.offer(start)
    small = problem.num_nodes * problem.num_districts <= SMALL
    least_border = 0.0 if small else _prepare(search, objective, start)
    if not search.done:
        with search.timed("solve"):
            _solve(search, edge_costs, label_costs, contiguity, symmetry, least_border)
    if small and search.infeasible:
        _explain(search)
    return search.result()


def _prepare(search: Search, objective: Objective, start: IntArray | None) -> float:
    """Take turns between heuristics and bounds; returns the least border of a district."""
    least_border, bounded = 0.0, np.inf
    for starts in (0 if search.plan is not None else 2, 8):
        with search.timed("heuristic"):
            _start(search, objective, start, starts=starts)
        if search.plan is None:
            _explain(search)
        if not search.done and search.objective < bounded:
            with search.timed("bound"):
                least_border = max(least_border, _bound(search, objective))
            bounded = search.objective
        if search.done:
            search.ended = Reason.GAP if search.closed else search.ended
            break
    return least_border


def _explain(search: Search) -> None:
    """See whether there is no plan even without contiguity."""
    seconds = max(search.deadline.seconds_left / 4, 1.0)
    limits = search.limits.within(seconds)
    if packing_impossible(search.problem, solver=search.solver, limits=limits, stop=search.stop):
        search.infeasible = True
        search.detail = "the units cannot be balanced, even without contiguity"


def _start(search: Search, objective: Objective, start: IntArray | None, *, starts: int) -> None:
    """Search plans with so many starts."""
    if search.problem.num_districts == 1:
        search.offer(np.zeros(search.problem.num_nodes, dtype=np.int64))
    elif starts:
        trace = find_plan(
            search.problem,
            objective,
            seconds=max(0.01, search.deadline.seconds_left / 4),
            seed=search.limits.seed + starts,
            starts=starts,
            start=start if search.plan is None else search.plan,
            stop=search.stop,
        )
        if trace.plan is not None:
            search.offer(trace.plan)


def _bound(search: Search, objective: Objective) -> float:
    """Bound the borders by walks in the dual graph; returns the least border of a district."""
    if search.plan is None or objective.edge_costs is None or objective.label_costs is not None:
        return 0.0
    found = edge_bound(
        search.problem,
        objective.edge_costs,
        search.objective,
        is_whole=search.is_whole,
        deadline=Deadline.after(search.deadline.seconds_left / 2),
        stop=search.stop,
    )
    if found is None:
        return 0.0
    for plan in found.plans:
        search.offer(plan)
    search.raise_bound(found.bound)
    return found.least_border


def _solve(
    search: Search,
    edge_costs: FloatArray,
    label_costs: FloatArray | None,
    contiguity: Contiguity,
    symmetry: Symmetry | None,
    least_border: float,
) -> None:
    """Solve the labelling model in one tree, or in rounds."""
    labelling = labelling_model(
        search.problem,
        edge_costs=edge_costs,
        label_costs=label_costs,
        contiguity="flow" if contiguity == "flow" else "none",
        symmetry=symmetry,
        separators=node_separators(search.problem),
        least_borders=np.full(search.problem.num_nodes, least_border) if least_border else None,
    )

    def separate(values: FloatArray) -> list[Cut]:
        plan = labelling.decode(values)
        islands = island_separators(search.problem, plan)
        if not islands:
            search.offer(plan)
        search.cuts += islands
        return [
            Cut(row.columns, row.coefficients, -np.inf, row.upper)
            for cut in islands
            for row in labelling.rows_of(cut)
        ]

    def heard(objective: float | None, bound: float | None) -> None:
        del objective
        if bound is not None:
            search.raise_bound(bound)

    result = solve_with_cuts(
        labelling.model,
        separate,
        solver=search.solver,
        limits=search.limits.within(search.deadline.seconds_left),
        start=None if search.plan is None else labelling.encode(search.plan),
        stop=search.stop,
        listen=heard,
    )
    search.heed(result)
    search.ended = result.reason
    if result.status is Status.INFEASIBLE:
        search.infeasible = search.plan is None
        return
    if result.bound is not None:
        search.raise_bound(result.bound)
    if result.solution is None:
        search.detail = result.detail
        return
    plan = labelling.decode(result.solution)
    search.offer(plan)
    broken = search.problem.violations(plan)
    if broken:
        search.ended = Reason.ERROR
        search.detail = f"The solver's plan does not hold and was refused: {broken[0]}."


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
    """Whether the nodes together stay below the lower bound of every district."""
    return bool(
        (problem.weights[nodes].sum(axis=0) < problem.district_lower - 1e-6).any(axis=1).all()
    )


def _light_island(problem: Districting, nodes: IntArray) -> Separator:
    """Separate nodes that are too light for a district from all others by their neighbours."""
    shore = np.setdiff1d(problem.graph[nodes].indices, nodes).astype(np.int64)
    return Separator(nodes, np.empty(0, dtype=np.int64), shore)
