"""
Districts with the cheapest borders: bounds by walks in the dual, then the labelling model.

The steps, each in a module of its own: a plan by the heuristics; bounds by walks in the dual of a
planar graph (:mod:`.edge_bounds`), which often prove the plan optimal, or give the optimal one, and
else lift the relaxation or leave one kind of plan to search; one tree over the labelling model with
contiguity added where a solution breaks it. Backends that cannot add inequalities inside their tree
are asked again and again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from ....instances.notes import all_of, note
from ....models.districting.labelling import (
    Symmetry,
    labelling_model,
    tells_apart,
)
from ....models.districting.objective import Objective
from ....models.districting.problem import Districting
from ....models.districting.rules import DistrictRules
from ....models.formulation import FloatArray, IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Reason, Result, Status
from ...search import TOLERANCE, Listen
from ...solvers.lazy import Cut, solve_with_cuts
from ..conflicts import obvious_conflicts
from ..feasibility import packing_impossible
from ..heuristics import find_plan
from ..search import Search
from ..separator_cuts import label_cuts
from .edge_bounds import EdgeBound, edge_bound
from .islands import island_separators, node_separators

__all__ = ["Contiguity", "island_separators", "node_separators", "solve_labelling"]

Contiguity = Literal["separators", "flow"]

SMALL = 120
"""Nodes times districts up to which the model is solved at once, without a plan or a bound."""


@dataclass(frozen=True, eq=False)
class _Task:
    """One labelling model; every plan that it leaves out costs at least ``others``."""

    problem: Districting
    edge_costs: FloatArray
    label_costs: FloatArray | None
    contiguity: Contiguity
    symmetry: Symmetry | None
    least_borders: FloatArray | None = None
    others: float = np.inf


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
    objective = Objective(inertia=0.0, edge_costs=edge_costs, label_costs=label_costs)
    objective.check(problem)
    search = Search(
        problem=problem,
        evaluate=lambda plan: objective.evaluate(problem, plan),
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
        is_whole=objective.is_whole,
        bound=0.0,
    )
    conflicts = obvious_conflicts(problem, ["weight"] * problem.weights.shape[1])
    if conflicts:
        search.rule_out(all_of(conflicts))
        return search.result()
    if start is not None:
        search.offer(start)
    small = problem.num_nodes * problem.num_districts <= SMALL
    found = None if small else _prepare(search, objective, start)
    if not search.done:
        task = _Task(problem, edge_costs, label_costs, contiguity, symmetry)
        if found is not None and _only_inside(search, found):
            task = _inside(task, found)
        elif found is not None and found.least_border > 0:
            task = replace(task, least_borders=np.full(problem.num_nodes, found.least_border))
        with search.timed("solve"):
            _solve(search, task)
    if small and search.infeasible:
        _explain(search)
    return search.result()


def _prepare(search: Search, objective: Objective, start: IntArray | None) -> EdgeBound | None:
    """Take turns between heuristics and bounds; returns the last bound."""
    found, bounded = None, np.inf
    for starts in (0 if search.plan is not None else 2, 8):
        with search.timed("heuristic"):
            _start(search, objective, start, starts=starts)
        if search.plan is None:
            _explain(search)
        if not search.done and search.objective < bounded:
            with search.timed("bound"):
                found = _bound(search, objective) or found
            bounded = search.objective
        if search.done:
            search.ended = Reason.GAP if search.closed else search.ended
            break
    return found


def _explain(search: Search) -> None:
    """See whether there is no plan even without contiguity."""
    seconds = max(search.deadline.seconds_left / 4, 1.0)
    limits = search.limits.within(seconds)
    if packing_impossible(search.problem, solver=search.solver, limits=limits, stop=search.stop):
        search.rule_out(note("unbalanceable"))


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


def _bound(search: Search, objective: Objective) -> EdgeBound | None:
    """Bound the borders by walks in the dual graph."""
    if search.plan is None or objective.edge_costs is None or objective.label_costs is not None:
        return None
    found = edge_bound(
        search.problem,
        objective.edge_costs,
        search.objective,
        is_whole=search.is_whole,
        deadline=Deadline.after(search.deadline.seconds_left / 2),
        stop=search.stop,
    )
    if found is not None:
        for plan in found.plans:
            search.offer(plan)
        search.raise_bound(found.bound)
    return found


def _only_inside(search: Search, found: EdgeBound | None) -> bool:
    """Whether every better plan has a district away from the hub."""
    if found is None or tells_apart(search.problem):
        return False
    return found.others >= search.objective - TOLERANCE * max(1.0, abs(search.objective))


def _inside(task: _Task, found: EdgeBound) -> _Task:
    """Keep district 0 away from the hub, and number the others by their nodes there."""
    problem = task.problem
    size = problem.weights.sum(axis=1)[found.outer]
    heaviest = found.outer[np.argsort(-size, kind="stable")]
    forbidden = np.zeros((problem.num_nodes, problem.num_districts), dtype=bool)
    forbidden[found.outer, 0] = True
    for place, node in enumerate(heaviest[: problem.num_districts - 2]):
        forbidden[node, place + 2 :] = True
    least = np.full((problem.num_nodes, problem.num_districts), found.least_border)
    least[:, 0] = found.inner_border
    rules = replace(problem.rules or DistrictRules(), forbidden=forbidden)
    return replace(
        task,
        problem=replace(problem, rules=rules),
        symmetry="none",
        least_borders=least,
        others=found.others,
    )


def _solve(search: Search, task: _Task) -> None:
    """Solve the labelling model in one tree, or in rounds."""
    labelling = labelling_model(
        task.problem,
        edge_costs=task.edge_costs,
        label_costs=task.label_costs,
        contiguity="flow" if task.contiguity == "flow" else "none",
        symmetry=task.symmetry,
        separators=node_separators(task.problem),
        least_borders=task.least_borders,
    )
    is_part = np.isfinite(task.others)

    def separate(values: FloatArray) -> list[Cut]:
        plan = labelling.decode(values)
        islands = island_separators(task.problem, plan)
        if not islands:
            search.offer(plan)
        search.cuts += islands
        return label_cuts(labelling, islands)

    def heard(objective: float | None, bound: float | None) -> None:
        del objective
        if bound is not None:
            search.raise_bound(min(bound, task.others))

    result = solve_with_cuts(
        labelling.model,
        separate,
        solver=search.solver,
        limits=search.limits.within(search.deadline.seconds_left),
        start=None if search.plan is None or is_part else labelling.encode(search.plan),
        cutoff=search.objective - 0.5 * search.is_whole if is_part else None,
        stop=search.stop,
        listen=heard,
    )
    search.heed(result)
    search.ended = result.reason
    if result.status is Status.INFEASIBLE:
        search.infeasible = search.plan is None
        search.raise_bound(min(search.objective, task.others))
        return
    if result.bound is not None:
        search.raise_bound(min(result.bound, task.others))
    if result.solution is None:
        search.detail = "" if is_part else result.detail
        return
    plan = labelling.decode(result.solution)
    search.offer(plan)
    broken = search.problem.violations(plan)
    if broken:
        search.ended = Reason.ERROR
        search.detail = f"The solver's plan does not hold and was refused: {broken[0]}."
