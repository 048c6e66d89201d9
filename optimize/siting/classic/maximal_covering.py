"""
Maximal covering: merge clients, anneal, bound, fix, and a small integer program.

Steps: exact reductions (:mod:`.covering.core`); plans by annealing; the Lagrangian bound of the
rows (cover), whose multipliers fix most sites; the linear relaxation where that is not enough; the
integer program of what is left.
"""

from __future__ import annotations

from ....models.formulation import BoolArray
from ....models.siting.maximal_covering import MaximalCovering, maximal_covering_model
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .covering.finish import choose_method, new_search, solve_textbook
from .covering.maximal import solve_maximal, usual_solver

METHODS = {
    "auto": "merged clients, annealing, bounds that fix sites, an integer program of the rest",
    "heuristic": "merged clients and annealing with a Lagrangian bound, no integer program",
    "textbook": "the plain model of Church and ReVelle (1974)",
}


def solve_maximal_covering(
    problem: MaximalCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Cover as much weight as possible with p sites or within a budget.

    Parameters
    ----------
    problem
        What is asked, with its rules.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for SCIP where there are few pairs, else HiGHS.
    method
        A name of ``METHODS``.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of BoolArray
        Open sites. ``detail`` says what was done.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    choose_method(method, METHODS)
    search = new_search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver or usual_solver(problem.covers),
        stop=stop,
        listen=listen,
        maximize=True,
        is_whole=bool((problem.weights % 1 == 0).all()),
    )
    if method == "textbook":
        solve_textbook(search, maximal_covering_model(problem))
        return search.result()
    solve_maximal(search, problem, only_heuristic=method == "heuristic")
    return search.result()
