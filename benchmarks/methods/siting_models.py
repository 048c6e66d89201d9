"""Formulations of the siting problems on every backend of shequ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...models.siting.allocation import AllocationModel
from ...models.siting.capacitated_p_median import CapacitatedPMedian, capacitated_p_median_model
from ...models.siting.fixed_charge import FixedCharge, fixed_charge_model
from ...models.siting.maximal_covering import MaximalCovering, maximal_covering_model
from ...models.siting.p_center import PCenter, p_center_model, p_center_radius_model
from ...models.siting.p_dispersion import PDispersion, p_dispersion_model
from ...models.siting.p_median import PMedian, p_median_model, p_median_radius_model
from ...models.siting.partial_covering import PartialCovering, partial_covering_model
from ...models.siting.set_covering import SetCovering, set_covering_model
from ...optimize.solvers import solve_model
from ..ask import Answer, Ask, answer_of
from ..registry import Method, register_method

Build = Callable[[Any], AllocationModel[Any]]

MIP_SOLVERS = ("highs", "ortools-scip", "ortools-highs", "pulp-cbc")
DEFAULT_SOLVERS = ("highs", "ortools-scip", "pulp-cbc")

TEXTBOOK: dict[str, Build] = {
    "set-covering": set_covering_model,
    "maximal-covering": maximal_covering_model,
    "p-median": p_median_model,
    "p-center": p_center_model,
    "uncapacitated": fixed_charge_model,
    "capacitated": fixed_charge_model,
    "single-source": fixed_charge_model,
    "capacitated-p-median": capacitated_p_median_model,
}
"""Plain formulation of each family that peers model, too."""

RELATIVES: dict[str, Build] = {
    "p-dispersion": p_dispersion_model,
    "partial-covering": partial_covering_model,
}
"""Plain formulations of further families."""

RADIUS: Mapping[str, Build] = {
    "p-median": p_median_radius_model,
    "p-center": p_center_radius_model,
}
WEAK: Mapping[str, Build] = {
    family: partial(fixed_charge_model, weak=True) for family in ("uncapacitated", "capacitated")
}
FAMILY_OF_PROBLEM: Mapping[type, str] = {
    SetCovering: "set-covering",
    MaximalCovering: "maximal-covering",
    PMedian: "p-median",
    PCenter: "p-center",
    CapacitatedPMedian: "capacitated-p-median",
    PDispersion: "p-dispersion",
    PartialCovering: "partial-covering",
}


def family_of(problem: object) -> str:
    """Return the family of a siting problem."""
    if not isinstance(problem, FixedCharge):
        return FAMILY_OF_PROBLEM[type(problem)]
    if problem.capacity is None:
        return "uncapacitated"
    return "single-source" if problem.single_source else "capacitated"


def solve_formulation(
    problem: Any,  # noqa: ANN401 - each family has its own
    ask: Ask,
    *,
    builds: Mapping[str, Build],
    all_integer: bool = False,
) -> Answer:
    """
    Build a formulation and hand it to the backend.

    Parameters
    ----------
    builds
        The formulation of each family.
    all_integer
        Whether continuous columns are declared integer too, for a backend that knows no others;
        only for models that have an optimum with integer values.
    """
    with ask.phase("build"):
        formulation = builds[family_of(problem)](problem)
        model = formulation.model
        if all_integer:
            model = replace(model, integer=np.ones(model.num_columns, dtype=bool))
    ask.note_model(model)
    result = solve_model(model, solver=ask.solver, limits=ask.limits_left(), listen=ask.improved)
    solution = None if result.solution is None else formulation.decode(result.solution)
    answer = answer_of(result, solution)
    if solution is None:
        return answer
    return replace(answer, objective=float(problem.evaluate(solution)))


register_method(
    Method(
        name="textbook",
        families=frozenset(TEXTBOOK | RELATIVES),
        run=partial(solve_formulation, builds=TEXTBOOK | RELATIVES),
        solvers=MIP_SOLVERS,
        default_solvers=DEFAULT_SOLVERS,
    )
)
register_method(
    Method(
        name="textbook-integer",
        families=frozenset(TEXTBOOK) - {"p-center", "capacitated"},
        run=partial(solve_formulation, builds=TEXTBOOK, all_integer=True),
        solvers=("cp-sat",),
        default_solvers=("cp-sat",),
    )
)
register_method(
    Method(
        name="radius",
        families=frozenset(RADIUS),
        run=partial(solve_formulation, builds=RADIUS),
        solvers=MIP_SOLVERS,
        default_solvers=DEFAULT_SOLVERS,
    )
)
register_method(
    Method(
        name="aggregated",
        families=frozenset(WEAK),
        run=partial(solve_formulation, builds=WEAK),
        solvers=MIP_SOLVERS,
        default_solvers=DEFAULT_SOLVERS[:1],
    )
)
