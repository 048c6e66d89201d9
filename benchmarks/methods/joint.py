"""Boundaries and stations together: the engine, the model rooted at sites, and the plain form."""

from __future__ import annotations

from typing import Any

from ...models.joint.plain import PlainModel, plain_model
from ...models.joint.problem import JointPlan, JointSplit
from ...optimize.compiled import start_numba
from ...optimize.joint.cheapest import solve_cheapest
from ...optimize.joint.compact import solve_compact
from ...optimize.result import Result
from ...optimize.solvers import solve_model
from ..ask import Answer, Ask, answer_of
from ..cases.joint import CompactJointSplit
from ..registry import Method, register_method

FAMILIES = frozenset({"joint-compact", "joint-cost"})
Problem = JointSplit | CompactJointSplit


def engine(problem: Problem, ask: Ask) -> Answer:
    """List the groupings of sites, bound, search, and prove what is left."""
    result: Result[JointPlan]
    if isinstance(problem, JointSplit):
        result = solve_compact(
            problem, limits=ask.limits_left(), solver=ask.solver, listen=ask.improved
        )
    else:
        result = solve_cheapest(
            problem.problem,
            most_inertia=problem.most_inertia,
            limits=ask.limits_left(),
            solver=ask.solver,
            listen=ask.improved,
        )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


def plain(problem: Problem, ask: Ask) -> Answer:
    """Solve the Hess model with flows and stations as it stands."""
    with ask.phase("build"):
        made = _plain_model(problem)
    ask.note_model(made.model)
    result = solve_model(
        made.model, solver=ask.solver, limits=ask.limits_left(), listen=ask.improved
    )
    return answer_of(result, None if result.solution is None else made.plan(result.solution))


def _plain_model(problem: Problem) -> PlainModel:
    if isinstance(problem, JointSplit):
        return plain_model(problem)
    return plain_model(problem.problem, most_inertia=problem.most_inertia)


def load(problem: Any) -> None:  # noqa: ANN401 - the signature of all methods
    """Start numba."""
    del problem
    start_numba()


register_method(
    Method(name="shequ-joint", families=FAMILIES, run=engine, load=load, solvers=("scip",))
)
register_method(
    Method(
        name="joint-plain",
        families=FAMILIES,
        run=plain,
        solvers=("highs", "scip", "ortools-scip", "pulp-cbc"),
        default_solvers=("highs",),
        largest={"units": 300},
    )
)
