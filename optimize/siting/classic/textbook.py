"""Plain formulations of siting problems, solved as they stand and judged by the problem itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ....models.siting.allocation import AllocationModel
from ...limits import Deadline, Limits, Stop
from ...result import Reason, Result, Status
from ...search import Listen, Search
from ...solvers import solve_model

S = TypeVar("S")
DEFAULT_SOLVER = "highs"


class Judge(Protocol):
    """A problem: it says what a solution is worth and which rules it breaks."""

    def evaluate(self, solution: Any, /) -> float:  # noqa: ANN401 - each problem has its own
        """Objective of a solution."""

    def violations(self, solution: Any, /) -> list[str]:  # noqa: ANN401 - each problem has its own
        """Every broken rule of a solution, in words."""


def solve_textbook(
    problem: Judge,
    build: Callable[[Any], AllocationModel[S]],
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[S]:
    """
    Solve one formulation of a problem through ``solve_model``.

    Parameters
    ----------
    problem
        What is asked.
    build
        Makes the formulation of the problem.
    limits, solver, stop, listen
        As every engine takes them; the solver is HiGHS if none is named.

    Returns
    -------
    Result
        Its objective is that of ``problem.evaluate``; a solution that breaks a rule of the problem
        is none.
    """
    limits = limits or Limits()
    deadline = Deadline.after(limits.seconds)
    formulation = build(problem)
    model = formulation.model
    search: Search[S] = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver or DEFAULT_SOLVER,
        stop=stop,
        listen=listen,
        deadline=deadline,
        maximize=model.maximize,
    )
    with search.timed("solve"):
        result = solve_model(
            model,
            solver=search.solver,
            limits=limits.within(deadline.seconds_left),
            stop=stop,
            listen=listen,
        )
    search.heed(result)
    search.ended, search.detail = result.reason, result.detail
    if result.status is Status.INFEASIBLE:
        search.infeasible = True
    if result.solution is not None:
        plan = formulation.decode(result.solution)
        if not search.offer(plan):
            search.ended = Reason.ERROR
            search.detail = f"the solver's solution breaks a rule: {problem.violations(plan)[:3]}"
    if result.bound is not None:
        search.raise_bound(result.bound)
    return search.result()
