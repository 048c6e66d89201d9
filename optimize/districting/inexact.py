"""
Good plans about fixed centres, for problems of any size: the models of inexact contiguity, solved.

What they prove holds among some plans only, so no result is called optimal or infeasible. Moving
the centres to where the new districts want them and solving again is location-allocation (Cooper
1964, "Heuristic methods for location-allocation problems", SIAM Review 6(1)) with an allocation
that is balanced, connected and best among the plans that are left.
"""

from __future__ import annotations

from collections.abc import Callable

from ...models.districting.inexact import Contiguity, Distance, inexact_model
from ...models.districting.problem import Districting
from ...models.formulation import FloatArray, IntArray
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..solvers import solve_model
from .search import Search


def solve_inexact(
    problem: Districting,
    roots: IntArray,
    *,
    contiguity: Contiguity = "dag",
    distance: Distance = "path",
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Callable[[float | None, None], None] | None = None,
) -> Result[IntArray]:
    """
    Find a good plan about fixed centres with inexact contiguity, for problems of any size.

    Parameters
    ----------
    problem
        What is asked; its rules hold, for district d as that of ``roots[d]``.
    roots
        Centre of each district, shape (districts,).
    contiguity, distance
        As in :func:`~...models.districting.inexact.inexact_model`; not "none".
    limits
        Time, gap, seed and threads.
    solver
        Backend.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, None) whenever the objective improves.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node, in the order of the roots. Never called optimal or infeasible,
        and without a bound: both would hold among some plans only. ``detail`` says among which,
        and how far the solver got there. The objective is that of the plan with its own best
        centres, so it may be less than the distance to the roots that was minimised.

    Raises
    ------
    ValueError
        If the roots, the contiguity or the distance do not fit.
    """
    if contiguity == "none":
        raise ValueError("'none' connects no district; choose tree, distance, dag.")
    limits = limits or Limits()
    deadline = Deadline.after(limits.seconds)
    search = Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=None,
        deadline=deadline,
    )
    with search.timed("build"):
        model = inexact_model(problem, roots, contiguity=contiguity, distance=distance)

    def heard(objective: float | None, bound: float | None) -> None:
        del bound
        if listen is not None and objective is not None:
            listen(objective, None)

    with search.timed("solve"):
        result = solve_model(
            model.model,
            solver=solver,
            limits=limits.within(deadline.seconds_left),
            stop=stop,
            listen=heard,
        )
    search.heed(result)
    search.ended = Reason.LIMIT if result.reason is Reason.PROVEN else result.reason
    search.detail = _inexact_detail(result, model.plans, model.scope)
    if result.solution is not None:
        search.offer(model.decode(result.solution))
    return search.result()


def improve_centres(
    problem: Districting,
    plan: IntArray,
    *,
    contiguity: Contiguity = "dag",
    distance: Distance = "path",
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Callable[[float | None, None], None] | None = None,
) -> Result[IntArray]:
    """
    Solve about the centres of a plan, move the centres, and so on, as long as plans get better.

    Parameters
    ----------
    problem
        What is asked.
    plan
        A feasible plan to start from, shape (nodes,).
    contiguity, distance, limits, solver, stop, listen
        As for :func:`solve_inexact`; the time limit is that of all rounds together.

    Returns
    -------
    Result of IntArray
        The best plan, never called optimal, without a bound.

    Raises
    ------
    ValueError
        If the plan is not feasible, or an option does not fit.
    """
    broken = problem.violations(plan)
    if broken:
        raise ValueError(f"The plan to start from is not feasible: {broken[0]}.")
    limits = limits or Limits()
    deadline = Deadline.after(limits.seconds)
    search = Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=None,
        deadline=deadline,
    )
    search.offer(plan)
    search.ended, better = Reason.LIMIT, True
    while better and search.plan is not None and not search.over:
        before = search.objective
        with search.timed("solve"):
            found = solve_inexact(
                problem,
                problem.centres(search.plan),
                contiguity=contiguity,
                distance=distance,
                limits=limits.within(deadline.seconds_left),
                solver=solver,
                stop=stop,
            )
        search.heed(found)
        search.detail = found.detail
        if found.solution is not None:
            search.offer(found.solution)
        better = search.objective < before
        if better and listen is not None:
            listen(search.objective, None)
    if search.over:
        search.ended = Reason.TIME
    return search.result()


def _inexact_detail(result: Result[FloatArray], plans: str, scope: str) -> str:
    """Say what the solver has shown, and for which plans."""
    if result.status is Status.OPTIMAL:
        return scope
    if result.status is Status.INFEASIBLE:
        return f"there are no {plans}; other plans may exist"
    gap = "" if result.gap is None else f", {100 * result.gap:.2g} % from their bound"
    return f"stopped among {plans}{gap}; the bound does not hold for all plans"
