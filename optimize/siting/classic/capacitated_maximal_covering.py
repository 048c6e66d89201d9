"""
Maximal covering with capacities: merged clients, a greedy plan, the relaxation, an integer program.

Where demand may be split, clients with the same sites within reach are merged, which is exact.
"""

from __future__ import annotations

from ....models.siting.capacitated_maximal_covering import (
    CapacitatedMaximalCovering,
    capacitated_maximal_covering_model,
)
from ....models.siting.serving import Serving
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .covering.finish import choose_method, new_search, solve_bounded, solve_textbook
from .covering.serving import greedy_serving, merged_problem, most_cost_of

METHODS = {
    "auto": "merged clients, a greedy plan, the relaxation and an integer program",
    "textbook": "the plain model of Pirkul and Schilling (1991)",
}


def solve_capacitated_maximal_covering(
    problem: CapacitatedMaximalCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Serving]:
    """
    Serve as much demand as possible within reach and capacity.

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
    Result of Serving
        Open sites and who serves whom. ``detail`` says what was done.

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
        maximize=True,
        is_whole=problem.single_source and bool((problem.demand % 1 == 0).all()),
    )
    if method == "textbook":
        solve_textbook(search, capacitated_maximal_covering_model(problem))
        return search.result()
    with search.timed("reduce"):
        smaller, groups = merged_problem(problem)
        built = capacitated_maximal_covering_model(smaller)
    search.detail = f"{problem.num_clients} clients merged to {smaller.num_clients}"
    with search.timed("heuristic"):
        plan = greedy_serving(smaller, costs=problem.costs, most_cost=most_cost_of(problem))
        search.offer(groups.expanded(plan))
    solve_bounded(search, built.model, lambda values: groups.expanded(built.decode(values)))
    return search.result()
