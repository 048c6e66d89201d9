"""
Formulations of districting as the papers give them: no starting plan, no bound but the solver's.

They are what the engines are measured against, and what checks them on small problems. Moment of
inertia with free centres: the Hess model. Cut edges and borders: the labelling model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from ...models.districting.flows import mcf_model, scf_model, shir_model
from ...models.districting.hess import hess_model
from ...models.districting.labelling import LabellingModel, Symmetry, labelling_model
from ...models.districting.objective import Objective
from ...models.districting.problem import Districting
from ...models.districting.separators import (
    Separator,
    violated_separators,
)
from ...models.formulation import FloatArray, IntArray
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..search import Listen
from ..solvers import solve_model
from ..solvers.lazy import Cut, solve_with_cuts
from .search import Search
from .separator_cuts import HessSeparation, label_cuts

ExactContiguity = Literal["cut", "lcut", "shir", "mcf", "scf"]
LabelContiguity = Literal["cut", "lcut", "scf"]

_FLOWS = {"shir": shir_model, "mcf": mcf_model, "scf": scf_model}


def solve_hess(
    problem: Districting,
    *,
    contiguity: ExactContiguity = "lcut",
    limits: Limits | None = None,
    solver: str = "highs",
    user_cuts: bool = False,
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Solve the Hess model with all n² variables.

    Parameters
    ----------
    problem
        What is asked; rules hold with separators, not with flows.
    contiguity
        "cut" and "lcut" add separators for every disconnected solution; "shir", "mcf" and "scf" are
        flows.
    limits
        Time, gap, seed and threads.
    solver
        Backend. With "scip" separators are added inside one search tree, with others the model is
        solved again and again.
    user_cuts
        Separate a,b-separators at fractional points too, where the backend can.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node.

    Raises
    ------
    ValueError
        If the contiguity is unknown, or is a flow and the problem has rules.
    """
    _check(contiguity, get_args(ExactContiguity))
    if problem.rules is not None and contiguity in _FLOWS:
        raise ValueError(
            f"Contiguity {contiguity} knows no rules of districts; use cut or lcut, or drop the "
            "rules."
        )
    limits = limits or Limits()
    deadline = Deadline.after(limits.seconds)
    search = Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=deadline,
    )
    if contiguity in _FLOWS:
        _solve_flows(search, contiguity)
    else:
        _solve_separators(search, length_bounded=contiguity == "lcut", user_cuts=user_cuts)
    return search.result()


def _solve_flows(search: Search, contiguity: str) -> None:
    """Build a flow model and solve it."""
    with search.timed("build"):
        flows = _FLOWS[contiguity](search.problem)
    with search.timed("solve"):
        result = solve_model(
            flows.model,
            solver=search.solver,
            limits=search.limits.within(search.deadline.seconds_left),
            stop=search.stop,
            listen=search.listen,
        )
    _conclude(search, result, flows.decode)


def _solve_separators(search: Search, *, length_bounded: bool, user_cuts: bool) -> None:
    """Solve the Hess model, adding separators that its solutions break."""
    n = search.problem.num_nodes
    with search.timed("build"):
        hess = hess_model(search.problem, np.ones((n, n), dtype=bool))
    rows = HessSeparation(search.problem, hess, length_bounded=length_bounded)
    with search.timed("solve"):
        result = solve_with_cuts(
            hess.model,
            rows.broken_by,
            solver=search.solver,
            limits=search.limits.within(search.deadline.seconds_left),
            stop=search.stop,
            listen=search.listen,
            separate_fractional=rows.broken_in_part if user_cuts else None,
        )
    search.cuts += rows.found + rows.found_in_part
    _conclude(search, result, hess.plan)


def _conclude(
    search: Search, result: Result[FloatArray], decode: Callable[[FloatArray], IntArray]
) -> None:
    """Take over what a solve of a complete model has shown."""
    search.heed(result)
    search.ended, search.detail = result.reason, result.detail
    search.infeasible = result.status is Status.INFEASIBLE
    if result.bound is not None:
        search.raise_bound(result.bound)
    if result.solution is not None:
        plan = decode(result.solution)
        search.offer(plan)
        broken = search.problem.violations(plan)
        if broken:
            search.ended = Reason.ERROR
            search.detail = f"The solver's plan does not hold and was refused: {broken[0]}."


def solve_labels(
    problem: Districting,
    *,
    edge_costs: FloatArray,
    contiguity: LabelContiguity = "lcut",
    symmetry: Symmetry | None = None,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Solve the labelling model, without the bounds and the starting plan of its engine.

    Parameters
    ----------
    problem
        What is asked, with its rules.
    edge_costs
        Cost of cutting each edge, shape (edges,), not negative.
    contiguity
        "cut" and "lcut" add separators for every disconnected solution; "scf" is a flow.
    symmetry
        How the interchangeability of districts is removed; None for all there is.
    limits, solver, stop, listen
        As for :func:`solve_hess`.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node.

    Raises
    ------
    ValueError
        If the costs do not fit, or an option is unknown.
    """
    _check(contiguity, get_args(LabelContiguity))
    limits = limits or Limits()
    objective = Objective(inertia=0.0, edge_costs=edge_costs)
    deadline = Deadline.after(limits.seconds)
    search = Search(
        problem=problem,
        evaluate=lambda plan: objective.evaluate(problem, plan),
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=deadline,
        is_whole=objective.is_whole,
    )
    with search.timed("build"):
        labels = labelling_model(
            problem,
            edge_costs=edge_costs,
            contiguity="flow" if contiguity == "scf" else "none",
            symmetry=symmetry,
        )

    def broken_by(values: FloatArray) -> list[Cut]:
        return _label_rows(search, labels, values, length_bounded=contiguity == "lcut")

    with search.timed("solve"):
        result = solve_with_cuts(
            labels.model,
            broken_by,
            solver=solver,
            limits=limits.within(deadline.seconds_left),
            stop=stop,
            listen=listen,
        )
    _conclude(search, result, labels.decode)
    return search.result()


def _label_rows(
    search: Search, labels: LabellingModel, values: FloatArray, *, length_bounded: bool
) -> list[Cut]:
    """Give the inequalities that a labelling breaks, about the heaviest node of each district."""
    problem, plan = search.problem, labels.decode(values)
    load = problem.weights.sum(axis=1)
    anchor_of = np.empty(plan.size, dtype=np.int64)
    for district in np.unique(plan):
        members = np.flatnonzero(plan == district)
        anchor_of[members] = members[np.argmax(load[members])]
    found = violated_separators(problem, anchor_of, length_bounded=length_bounded)
    search.cuts += found
    return label_cuts(
        labels, (Separator(cut.island, anchor_of[cut.island[:1]], cut.between) for cut in found)
    )


def _check(contiguity: str, known: tuple[str, ...]) -> None:
    if contiguity not in known:
        raise ValueError(f"{contiguity!r} not understood; choose {', '.join(known)}.")
