"""
Exact facility location with a menu of sizes, or costs that rise in steps.

The engine is that of :mod:`.fixed_charge`, with an option for each size of a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from ....models.siting.modular_capacity import (
    ModularCapacity,
    SizedAllocation,
    modular_capacity_model,
)
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .fixed_charge.doors import check_method, solve_by_form
from .fixed_charge.form import Form, make_form
from .fixed_charge.plan import Plan
from .textbook import solve_textbook

METHODS: Mapping[str, str] = {
    "auto": "branch and bound on the Lagrangian function of the assignment rows",
    "lagrangian": "branch and bound on the Lagrangian function of the assignment rows",
    "core": "Lagrangian bound and fixing, then an integer program over the pairs that are left",
    "textbook": "the plain model, handed to the solver as it is",
}
"""What each method does."""


def solve_modular_capacity(
    problem: ModularCapacity,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[SizedAllocation]:
    """
    Open sites in one of their sizes and serve all demand at the least cost.

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
    Result of SizedAllocation
        ``detail`` says what was left to decide after the bound, or why there is no plan.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    check_method(method, METHODS)
    if method == "textbook":
        return solve_textbook(
            problem, modular_capacity_model, limits=limits, solver=solver, stop=stop, listen=listen
        )
    return solve_by_form(
        problem,
        partial(modular_capacity_form, problem),
        split=not problem.single_source,
        decode=partial(_decode, problem),
        core=method == "core",
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
    )


def modular_capacity_form(problem: ModularCapacity) -> Form:
    """Write a problem in the form of the engine: each size of a site is an option."""
    site, size = problem.options
    return make_form(
        problem.matrix[:, site],
        demand=problem.demand,
        fixed=problem.size_costs[site, size],
        capacity=problem.size_capacity[site, size],
        least_load=None if problem.least_load is None else problem.least_load[site],
        single=problem.single_source,
        site=site,
        num_sites=problem.num_sites,
        rules=problem.rules,
    )


def _decode(problem: ModularCapacity, form: Form, plan: Plan) -> SizedAllocation:
    """Read sizes and shares from a plan."""
    site, size = problem.options
    sizes = np.full(problem.num_sites, -1, dtype=np.int64)
    sizes[site[plan.options]] = size[plan.options]
    return SizedAllocation(plan.allocation(form, split=not problem.single_source), sizes)
