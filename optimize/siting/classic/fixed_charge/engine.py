"""
Exact facility location with fixed charges: uncapacitated, capacitated and single-source.

The Lagrangian function of the assignment rows bounds the problem and drops sites and pairs that no
better plan uses (:mod:`.relaxation`); plans are found near its best points (:mod:`.plans`); branch
and bound on sites with the same function proves the best one (:mod:`.tree`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from .....models.siting.fixed_charge import FixedCharge, FixedChargeSolution, fixed_charge_model
from ....limits import Limits, Stop
from ....result import Result
from ....search import Listen
from ..textbook import solve_textbook
from .doors import check_method, solve_by_form
from .form import Form, make_form

METHODS: Mapping[str, str] = {
    "auto": "branch and bound on the Lagrangian function of the assignment rows",
    "lagrangian": "branch and bound on the Lagrangian function of the assignment rows",
    "core": "Lagrangian bound and fixing, then an integer program over the pairs that are left",
    "textbook": "the plain model, handed to the solver as it is",
}
"""What each method does."""


def solve_fixed_charge(
    problem: FixedCharge,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[FixedChargeSolution]:
    """
    Open sites and serve all demand at the least cost.

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
            problem, fixed_charge_model, limits=limits, solver=solver, stop=stop, listen=listen
        )
    return solve_by_form(
        problem,
        partial(fixed_charge_form, problem),
        split=problem.is_split,
        core=method == "core",
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
    )


def fixed_charge_form(problem: FixedCharge) -> Form:
    """Write a problem in the form of the engine."""
    return make_form(
        problem.matrix,
        demand=problem.demand,
        fixed=problem.fixed_costs,
        capacity=problem.capacity,
        least_load=problem.least_load,
        single=problem.single_source and problem.limits_loads,
        rules=problem.rules,
    )
