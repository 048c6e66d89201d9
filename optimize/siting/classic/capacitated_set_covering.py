"""
Set covering with capacities: merged clients, a greedy plan, the relaxation, an integer program.

Where demand may be split, clients with the same sites within reach are merged, which is exact.
Before any solve it is said by how much the capacity falls short, and which clients are out of
reach.
"""

from __future__ import annotations

import numpy as np

from ....models.siting.capacitated_set_covering import (
    CapacitatedSetCovering,
    capacitated_set_covering_model,
)
from ....models.siting.serving import Serving
from ....models.siting.site_rules import SiteRules
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .covering.finish import choose_method, new_search, solve_bounded, solve_textbook
from .covering.serving import greedy_serving, merged_problem
from .set_covering import NAMED

METHODS = {
    "auto": "merged clients, a greedy plan, the relaxation and an integer program",
    "textbook": "the plain model of Current and Storbeck (1988)",
}


def solve_capacitated_set_covering(
    problem: CapacitatedSetCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Serving]:
    """
    Serve the demand of every client within reach and capacity at the least cost.

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
        Open sites and who serves whom. ``detail`` says what was done, or why there is no plan.

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
    conflict = shortfall(problem)
    if conflict:
        search.infeasible, search.detail = True, conflict
        return search.result()
    if method == "textbook":
        solve_textbook(search, capacitated_set_covering_model(problem))
        return search.result()
    with search.timed("reduce"):
        smaller, groups = merged_problem(problem)
        built = capacitated_set_covering_model(smaller)
    search.detail = f"{problem.num_clients} clients merged to {smaller.num_clients}"
    with search.timed("heuristic"):
        plan = greedy_serving(smaller, costs=problem.costs, most_cost=np.inf)
        search.offer(groups.expanded(plan))
    solve_bounded(search, built.model, lambda values: groups.expanded(built.decode(values)))
    return search.result()


def shortfall(problem: CapacitatedSetCovering) -> str:
    """Say why no plan can serve all, where that is plain to see; "" if it is not."""
    _, upper = (problem.rules or SiteRules()).bounds(problem.num_sites)
    lost = np.flatnonzero(problem.covers @ upper == 0)
    if lost.size:
        names = ", ".join(str(i) for i in lost[:NAMED]) + (", ..." if lost.size > NAMED else "")
        return f"{lost.size} clients are within reach of no site that may open: {names}"
    demand, capacity = float(problem.demand.sum()), float(problem.capacity @ upper)
    if demand > capacity * (1 + 1e-9):
        return (
            f"the demand is {demand:g}, but all sites that may open serve {capacity:g} together: "
            f"{demand - capacity:g} too little"
        )
    return ""
