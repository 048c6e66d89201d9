"""
Set covering: reductions, row weighting, Lagrangian fixing, and a small integer program.

Steps: rows and sites that others make superfluous go; plans by a search that weights rows; the
Lagrangian bound fixes sites; the linear relaxation and the integer program of what is left.
"""

from __future__ import annotations

import numpy as np

from ....models.formulation import BoolArray
from ....models.siting.set_covering import SetCovering, set_covering_model
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen, Search
from .covering.core import Core, covering_core
from .covering.finish import choose_method, new_search, solve_textbook
from .covering.minimal import MinimalSolve, reduced

METHODS = {
    "auto": "reductions, row weighting, bounds that fix sites, an integer program of the rest",
    "heuristic": "reductions and row weighting with a Lagrangian bound, no integer program",
    "textbook": "the plain model of Toregas et al. (1971)",
}

NAMED = 5
"""Clients that a message names."""


def solve_set_covering(
    problem: SetCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Cover every client at the least cost.

    Parameters
    ----------
    problem
        What is asked, with its rules.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for SCIP where all sites cost the same, else HiGHS.
    method
        A name of ``METHODS``.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of BoolArray
        Open sites. ``detail`` says what was done, or which clients no site can cover.

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
        solver=solver or usual_solver(problem),
        stop=stop,
        listen=listen,
        is_whole=bool((problem.costs % 1 == 0).all()),
    )
    if method == "textbook":
        solve_textbook(search, set_covering_model(problem))
        return search.result()
    with search.timed("reduce"):
        ones = np.ones(problem.num_clients)
        core = covering_core(problem.covers, ones, costs=problem.costs, rules=problem.rules)
        if not refuse_uncovered(search, core, problem):
            core = reduced(core)
    if search.infeasible:
        return search.result()
    search.detail = (
        f"{problem.num_clients} clients x {problem.num_sites} sites reduced to "
        f"{core.weights.size} x {core.num_sites}"
    )
    if core.most < 0 or (np.diff(core.covers.indptr) == 0).any():
        search.infeasible = True
        search.detail = "the rules on the sites leave a client without a site"
    elif core.weights.size or core.least > 0:
        MinimalSolve(search, core, target=None, only_heuristic=method == "heuristic").run()
    else:
        search.offer(core.required)
        search.raise_bound(search.objective)
    return search.result()


def usual_solver(problem: SetCovering) -> str:
    """
    Return the solver that fits.

    With equal costs the relaxation is weakest; the cuts of SCIP lift it where those of HiGHS do
    not: fewest sites within 15 minutes of all of Taipei take it 11 s and three nodes.
    """
    return "scip" if np.ptp(problem.costs) == 0 else "highs"


def refuse_uncovered(search: Search[BoolArray], core: Core, problem: SetCovering) -> bool:
    """Say which clients no site that may open covers; tell whether there are any."""
    if (np.diff(core.covers.indptr) > 0).all():
        return False
    usable = core.required.copy()
    usable[core.sites] = True
    lost = np.flatnonzero(problem.covers @ usable.astype(float) == 0)
    names = ", ".join(str(i) for i in lost[:NAMED]) + (", ..." if lost.size > NAMED else "")
    search.infeasible = True
    search.detail = f"{lost.size} clients are covered by no site that may open: {names}"
    return True
