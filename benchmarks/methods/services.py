"""Several services that share sites: the engine, and the plain form as one program."""

from __future__ import annotations

from ...models.siting.service_system_model import system_model
from ...optimize.limits import Limits
from ...optimize.siting.system.engine import solve_system
from ...optimize.solvers import solve_model
from ..ask import Answer, Ask, answer_of
from ..cases.services import ServiceCase
from ..registry import Method, register_method

LARGE_GAP = 0.001
"""Gap asked of a case that is solved in parts: of what a plan can change."""


def engine(case: ServiceCase, ask: Ask) -> Answer:
    """Solve it whole where it is small, else by relaxation and regions."""
    left = ask.limits_left()
    gap = 0.0 if case.layout is None else LARGE_GAP
    limits = Limits(left.seconds, gap, left.seed, left.threads)
    result = solve_system(
        case.problem,
        layout=case.layout,
        limits=limits,
        solver=ask.solver,
        listen=ask.improved,
    )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


def plain(case: ServiceCase, ask: Ask) -> Answer:
    """Give the plain form, with the whole flow of floor area, to the solver."""
    with ask.phase("build"):
        made = system_model(case.problem, plain=True)
    ask.note_model(made.model)
    result = solve_model(
        made.model, solver=ask.solver, limits=ask.limits_left(), listen=ask.improved
    )
    return answer_of(result, None if result.solution is None else made.plan(result.solution))


FAMILIES = frozenset({"services"})
register_method(Method(name="shequ-services", families=FAMILIES, run=engine, solvers=("highs",)))
register_method(Method(name="services-plain", families=FAMILIES, run=plain, solvers=("highs",)))
