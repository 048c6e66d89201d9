"""
Exact p-center.

Without capacities the search asks covering questions (:mod:`.radius_search`). Its bound holds with
capacities and sites that are too close as well, and integer programs close what is left
(:mod:`.assignment`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .....models.siting.allocation import Allocation, AllocationModel
from .....models.siting.distances import MatrixDistances, PointDistances, SparseDistances
from .....models.siting.p_center import PCenter, p_center_model, p_center_radius_model
from ....limits import Deadline, Limits, Stop
from ....result import Result, Status
from ....search import Listen, Search
from ....solvers import solve_model
from .assignment import AssignmentSearch
from .radii import Radii
from .radius_search import RadiusSearch
from .serving import serve

METHODS: dict[str, str] = {
    "auto": "covering questions; integer programs for capacities and sites that are too close",
    "cover": "covering questions on a growing set of clients; no capacities",
    "assignment": "an integer program for each radius, with every rule",
    "textbook": "the classical formulation (Daskin 1995) as one integer program",
    "radius": "the radius formulation (Elloumi, Labbé and Pochet 2004) as one integer program",
}
"""Ways to solve a p-center problem."""

RELAXED_SHARE = 0.5
"""Share of the time that the bound without capacities may take."""


def solve_p_center(
    problem: PCenter,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Allocation]:
    """
    Open sites so that the largest weighted distance of a client to its site is least.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for HiGHS.
    method
        One of :data:`METHODS`.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of Allocation
        Open sites, and the site of each client. ``detail`` says what was chosen and why, or why
        there is no plan.

    Raises
    ------
    ValueError
        If there is no such method or solver, or the method knows no capacities.
    """
    limits, solver = limits or Limits(), solver or "highs"
    needs_programs = _needs_programs(problem)
    _check_method(method, needs_programs=needs_programs)
    search = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
        is_whole=has_whole_costs(problem),
    )
    search.detail = METHODS[method] if method != "auto" else _why(problem)
    _find_unreached(problem, search)
    if search.infeasible:
        return search.result()
    if method in {"textbook", "radius"}:
        build = p_center_model if method == "textbook" else p_center_radius_model
        _solve_whole(build(problem), search)
    elif needs_programs or method == "assignment":
        _solve_by_programs(problem, search)
    else:
        RadiusSearch(problem, search, Radii(search.is_whole), solver).run()
    return search.result()


def has_whole_costs(problem: PCenter) -> bool:
    """Tell whether all weighted distances are whole numbers."""
    weights = problem.weights
    if weights is not None and not np.array_equal(weights, np.rint(weights)):
        return False
    pairs = problem.pairs
    if isinstance(pairs, PointDistances):
        return pairs.rounding is not None
    if isinstance(pairs, MatrixDistances):
        return np.array_equal(pairs.matrix, np.rint(pairs.matrix))
    if isinstance(pairs, SparseDistances):
        return np.array_equal(pairs.pairs.data, np.rint(pairs.pairs.data))
    return False


def _needs_programs(problem: PCenter) -> bool:
    """Tell whether there are rules that covering questions don't know."""
    apart = None if problem.rules is None else problem.rules.apart
    return problem.capacity is not None or (apart is not None and apart.size > 0)


def _check_method(method: str, *, needs_programs: bool) -> None:
    """Refuse a method that does not exist, or does not know the rules."""
    if method not in METHODS:
        raise ValueError(f"method = {method!r} not understood; give one of {', '.join(METHODS)}.")
    if method == "cover" and needs_programs:
        raise ValueError(
            "method = 'cover' knows neither capacities nor sites that are too close; give 'auto'."
        )


def _why(problem: PCenter) -> str:
    """Say what "auto" chose."""
    if problem.capacity is not None:
        return f"capacities: {METHODS['assignment']}, after the bound without capacities"
    if _needs_programs(problem):
        return f"sites too close: {METHODS['assignment']}, after the bound without that rule"
    return METHODS["cover"]


def _find_unreached(problem: PCenter, search: Search[Allocation]) -> None:
    """Say so where a client has no site at all, or no site holds its demand or all of it."""
    reasons = []
    if problem.reach is not None or isinstance(problem.pairs, SparseDistances):
        allowed = np.arange(problem.num_sites)
        if problem.rules is not None and problem.rules.forbidden is not None:
            allowed = np.flatnonzero(~problem.rules.forbidden)
        stranded = np.flatnonzero(~np.isfinite(serve(problem, allowed).costs))
        reasons += [f"client {i} is reached by no site that may open" for i in stranded[:3]]
        if stranded.size > len(reasons):
            reasons.append(f"and {stranded.size - len(reasons)} more")
    if problem.demand is not None and problem.capacity is not None:
        held = float(np.sort(problem.capacity)[::-1][: problem.p].sum())
        missing = float(problem.demand.sum()) - held
        if missing > 1e-9 * (1 + held):
            reasons.append(f"the {problem.p} largest sites hold {missing:g} too little")
    if reasons:
        search.infeasible, search.detail = True, "; ".join(reasons)


def _solve_whole(built: AllocationModel[Allocation], search: Search[Allocation]) -> None:
    """Hand one model to the solver."""
    with search.timed("solve"):
        result = solve_model(
            built.model, solver=search.solver, limits=search.limits, stop=search.stop
        )
    search.heed(result)
    search.ended = result.reason
    search.infeasible = result.status is Status.INFEASIBLE
    if result.solution is not None:
        search.offer(built.decode(result.solution))
    if result.bound is not None:
        search.raise_bound(result.bound)


def _solve_by_programs(problem: PCenter, search: Search[Allocation]) -> None:
    """Take the bound of the problem without its hard rules, then solve integer programs."""
    rules = None if problem.rules is None else replace(problem.rules, apart=None, least=None)
    easier = replace(problem, demand=None, capacity=None, rules=rules)
    relaxed = solve_p_center(
        easier,
        limits=search.limits.within(RELAXED_SHARE * search.limits.seconds),
        solver=search.solver,
        method="cover",
        stop=search.stop,
    )
    search.seconds["bound"] = relaxed.total_seconds
    search.nodes += relaxed.nodes
    if relaxed.status is Status.INFEASIBLE:
        search.infeasible, search.detail = True, relaxed.detail
        return
    search.raise_bound(0.0 if relaxed.bound is None else relaxed.bound)
    AssignmentSearch(problem, search, search.solver).run()
