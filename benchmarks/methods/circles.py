"""Circles of daily life in phases: the engine, and the plain form as one program."""

from __future__ import annotations

from functools import partial

from ...models.siting.circles import PhasedCircles
from ...optimize.siting.circles import solve_circles
from ..ask import Answer, Ask, answer_of
from ..registry import Method, register_method


def run(problem: PhasedCircles, ask: Ask, *, method: str) -> Answer:
    """Solve by a method of the engine."""
    result = solve_circles(
        problem, limits=ask.limits_left(), solver=ask.solver, method=method, listen=ask.improved
    )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


for name, how in (("shequ-circles", "auto"), ("circles-plain", "textbook")):
    register_method(
        Method(
            name=name,
            families=frozenset({"circles"}),
            run=partial(run, method=how),
            solvers=("highs",),
        )
    )
