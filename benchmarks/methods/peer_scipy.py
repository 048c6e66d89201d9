"""
``scipy.optimize.milp`` on the formulations of shequ: HiGHS as scipy's users get it.

Siting takes the textbook models, districting the models with flows: Hess with one commodity a
centre for moments of inertia, labels with one flow for cut edges and borders. scipy takes neither
seed nor number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

from ...models.districting.flows import shir_model
from ...models.districting.labelling import labelling_model
from ...models.districting.problem import Districting
from ...models.formulation import LinearModel
from ...optimize.result import Reason, Status
from ..ask import Answer, Ask
from ..problems import EdgeCostDistricting
from ..registry import Method, register_method
from ._shared import Problem, objective_of, quiet, versions
from .siting_models import TEXTBOOK, family_of

ENDINGS = {
    0: (Status.OPTIMAL, Reason.PROVEN),
    1: (Status.UNKNOWN, Reason.TIME),
    2: (Status.INFEASIBLE, Reason.PROVEN),
}
"""What scipy's status says; any other is an error."""


def formulation_of(problem: Problem) -> Any:  # noqa: ANN401 - each family has its own
    """Return the formulation of any family: a ``model``, and ``decode`` for its solutions."""
    if isinstance(problem, Districting):
        return shir_model(problem)
    if isinstance(problem, EdgeCostDistricting):
        return labelling_model(problem.districting, edge_costs=problem.edge_costs)
    return TEXTBOOK[family_of(problem)](problem)


def solve(problem: Problem, ask: Ask) -> Answer:
    """Build the formulation and hand it to ``milp``."""
    with ask.phase("build"):
        formulation = formulation_of(problem)
    model = formulation.model
    ask.note_model(model)
    with ask.phase("solve"), quiet():
        found = minimise(model, ask)
    status, reason = ENDINGS.get(found.status, (Status.UNKNOWN, Reason.ERROR))
    solution = objective = None
    if found.x is not None:
        status = Status.OPTIMAL if status is Status.OPTIMAL else Status.FEASIBLE
        solution = formulation.decode(np.asarray(found.x))
        objective = objective_of(problem, solution)
    return Answer(
        status=status,
        reason=reason,
        solution=solution,
        objective=objective,
        bound=bound_of(model, found),
        maximize=model.maximize,
        nodes=found.get("mip_node_count"),
        solver_version=versions("scipy"),
        detail="" if status is Status.OPTIMAL else found.message,
    )


def minimise(model: LinearModel, ask: Ask) -> OptimizeResult:
    """Call ``milp``, which only minimises."""
    rows = LinearConstraint(model.rows, model.row_lower, model.row_upper)
    return milp(
        -model.costs if model.maximize else model.costs,
        integrality=model.integer.astype(int),
        bounds=Bounds(model.lower, model.upper),
        constraints=rows if model.num_rows else (),
        options={"time_limit": ask.seconds_left, "mip_rel_gap": ask.limits.gap},
    )


def bound_of(model: LinearModel, found: OptimizeResult) -> float | None:
    """Return the proven bound in the sense of the model; None if there is none."""
    bound = found.get("mip_dual_bound")
    if bound is None or not np.isfinite(bound):
        return None
    return float(-bound if model.maximize else bound) + model.offset


register_method(
    Method(
        name="scipy-milp",
        families=frozenset(TEXTBOOK)
        | {"districting-inertia", "districting-border", "districting-cut-edges"},
        run=solve,
        largest={"units": 100},
        is_peer=True,
    )
)
