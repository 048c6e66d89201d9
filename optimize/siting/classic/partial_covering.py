"""
Partial set covering: merge clients, search around the target, bound, and an integer program.

The steps of :mod:`.set_covering` with weights: clients with equal sites are one, dominated sites
go, plans come from a search around the border of what is enough.
"""

from __future__ import annotations

from ....models.formulation import BoolArray
from ....models.siting.partial_covering import PartialCovering, partial_covering_model
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .covering.core import covering_core, without_dominated_sites, without_weightless
from .covering.finish import choose_method, new_search, solve_textbook
from .covering.minimal import MinimalSolve

METHODS = {
    "auto": "merged clients, local search, bounds that fix sites, an integer program of the rest",
    "heuristic": "merged clients and local search only",
    "textbook": "the plain model of Daskin and Owen (1999)",
}


def solve_partial_covering(
    problem: PartialCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Cover a share of the weight at the least cost.

    Parameters
    ----------
    problem
        What is asked, with its rules.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for HiGHS.
    method
        A name of ``METHODS``.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of BoolArray
        Open sites. ``detail`` says what was done, or how much the sites can cover at most.

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
        solver=solver,
        stop=stop,
        listen=listen,
        is_whole=bool((problem.costs % 1 == 0).all()),
    )
    if method == "textbook":
        solve_textbook(search, partial_covering_model(problem))
        return search.result()
    with search.timed("reduce"):
        core = covering_core(
            problem.covers, problem.weights, costs=problem.costs, rules=problem.rules
        )
        core = without_dominated_sites(without_weightless(core), fill_is_free=False)
    most = core.done + float(core.weights.sum())
    if most < problem.target or core.most < 0:
        search.infeasible = True
        search.detail = (
            f"all sites that may open cover a weight of {most:g}, less than the "
            f"{problem.target:g} asked for"
        )
        return search.result()
    search.detail = (
        f"{problem.num_clients} clients x {problem.num_sites} sites merged to "
        f"{core.weights.size} x {core.num_sites}"
    )
    target = problem.target - core.done
    if target > 0 or core.least > 0:
        MinimalSolve(search, core, target=target, only_heuristic=method == "heuristic").run()
    else:
        search.offer(core.required)
        search.raise_bound(search.objective)
    return search.result()
