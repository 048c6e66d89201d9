"""
Exact capacitated p-median, with single or split assignment.

The engine is that of :mod:`.fixed_charge`: without costs of opening, with p sites. Where points are
many, neighbourhoods of a plan are solved to optimality before the tree begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from ....models.siting.capacitated_p_median import (
    CapacitatedPMedian,
    CapacitatedPMedianSolution,
    capacitated_p_median_model,
)
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .fixed_charge.doors import check_method, solve_by_form
from .fixed_charge.form import Form, make_form
from .textbook import solve_textbook

METHODS: Mapping[str, str] = {
    "auto": "branch and bound on the Lagrangian function of the assignment rows",
    "lagrangian": "branch and bound on the Lagrangian function of the assignment rows",
    "core": "Lagrangian bound and fixing, then an integer program over the pairs that are left",
    "textbook": "the plain model, handed to the solver as it is",
}
"""What each method does."""


def solve_capacitated_p_median(
    problem: CapacitatedPMedian,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[CapacitatedPMedianSolution]:
    """
    Open p sites and serve all clients within their capacities over the least distance.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for HiGHS.
    method
        A name of :data:`METHODS`.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result
        A ``SplitAllocation`` where demand may be split, else an ``Allocation``. ``detail`` says
        what was left to decide after the bound, or why there is no plan.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    check_method(method, METHODS)
    if method == "textbook":
        return solve_textbook(
            problem,
            capacitated_p_median_model,
            limits=limits,
            solver=solver,
            stop=stop,
            listen=listen,
        )
    return solve_by_form(
        problem,
        partial(capacitated_p_median_form, problem),
        split=problem.split,
        core=method == "core",
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
    )


def capacitated_p_median_form(problem: CapacitatedPMedian) -> Form:
    """Write a problem in the form of the engine."""
    return make_form(
        problem.matrix,
        demand=problem.demand,
        fixed=np.zeros(problem.num_sites),
        capacity=problem.capacity,
        least_load=problem.least_load,
        single=not problem.split,
        rules=problem.rules,
        p=problem.p,
    )
