"""What the engines of problems with limited loads have in common: the way in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ....limits import Deadline, Limits, Stop
from ....result import Result
from ....search import Listen, Search
from .form import Form
from .plan import Plan
from .solving import solve_form

DEFAULT_SOLVER = "highs"


class Judge(Protocol):
    """A problem: it says what a solution is worth and which rules it breaks."""

    def evaluate(self, solution: Any, /) -> float:  # noqa: ANN401 - each problem has its own
        """Objective of a solution."""

    def violations(self, solution: Any, /) -> list[str]:  # noqa: ANN401 - each problem has its own
        """Every broken rule of a solution, in words."""


def check_method(method: str, methods: Mapping[str, str]) -> None:
    """
    Refuse a method that there is not.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    if method not in methods:
        raise ValueError(f"method = {method!r} not understood; choose one of {', '.join(methods)}.")


def solve_by_form(
    problem: Judge,
    build: Callable[[], Form],
    *,
    split: bool,
    core: bool = False,
    decode: Callable[[Form, Plan], Any] | None = None,
    limits: Limits | None,
    solver: str | None,
    stop: Stop | None,
    listen: Listen | None,
) -> Result[Any]:
    """
    Solve a problem through its form.

    Parameters
    ----------
    problem
        Judges the plans.
    build
        Makes the form.
    split
        Whether the solution tells shares.
    core
        Whether an integer program over what is left takes the place of the tree.
    decode
        Turns a plan into a solution; None for sites and clients.
    limits, solver, stop, listen
        As every engine takes them.
    """
    limits = limits or Limits()
    search: Search[Any] = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver or DEFAULT_SOLVER,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
    )
    with search.timed("reduce"):
        form = build()
        search.is_whole = form.whole_objective

    def offer(plan: Plan) -> bool:
        whole = plan.allocation(form, split=split) if decode is None else decode(form, plan)
        return search.offer(whole)

    solve_form(form, search, offer, solver=search.solver, core=core)
    return search.result()
