"""Engines and plain formulations of districting."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ...models.districting.flows import mcf_model, shir_model
from ...models.districting.hess import hess_model
from ...models.districting.labelling import border_length, labelling_model
from ...models.districting.problem import Districting
from ...models.districting.separators import Separator, violated_separators
from ...models.formulation import IntArray
from ...optimize.districting.engine import solve_districting
from ...optimize.districting.labelling import solve_labelling
from ...optimize.result import Reason, Status
from ...optimize.solvers import solve_model
from ..ask import Answer, Ask, answer_of
from ..problems import EdgeCostDistricting
from ..registry import Method, register_method

INERTIA = frozenset({"districting-inertia"})
EDGES = frozenset({"districting-border", "districting-cut-edges"})
SOLVERS = ("highs", "ortools-scip", "ortools-highs", "cp-sat", "pulp-cbc")


def engine(problem: Districting, ask: Ask) -> Answer:
    """Bound, fix, polish, and prove what is left: the engine of shequ."""
    result = solve_districting(
        problem, limits=ask.limits_left(), solver=ask.solver, listen=ask.improved
    )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


def raw_hess(problem: Districting, ask: Ask) -> Answer:
    """Solve the Hess model with all n² variables; add separators until it is connected."""
    n = problem.num_nodes
    cuts: list[Separator] = []
    bound: float | None = None
    nodes = 0
    while True:
        with ask.phase("build"):
            hess = hess_model(problem, np.ones((n, n), dtype=bool), cuts)
        ask.note_model(hess.model)
        result = solve_model(hess.model, solver=ask.solver, limits=ask.limits_left())
        nodes += result.nodes
        if result.bound is not None:
            bound = result.bound if bound is None else max(bound, result.bound)
            ask.improved(None, bound)
        answer = answer_of(result, None)
        if result.solution is None:
            return _with(answer, bound=bound, nodes=nodes, cuts=len(cuts))
        centre_of = hess.assignment(result.solution)
        found = violated_separators(problem, centre_of)
        if not found:
            plan = np.unique(centre_of, return_inverse=True)[1].astype(np.int64)
            return _with(answer, plan, problem.evaluate(plan), bound, nodes, len(cuts))
        if result.status is not Status.OPTIMAL:
            return Answer(status=Status.UNKNOWN, reason=Reason.TIME, bound=bound, nodes=nodes)
        cuts += found


def _with(
    answer: Answer,
    plan: IntArray | None = None,
    objective: float | None = None,
    bound: float | None = None,
    nodes: int | None = None,
    cuts: int | None = None,
) -> Answer:
    return Answer(
        status=answer.status,
        reason=answer.reason,
        solution=plan,
        objective=objective,
        bound=bound,
        nodes=nodes,
        cuts=cuts,
        solver_version=answer.solver_version,
        detail=answer.detail,
    )


def hess_flows(problem: Districting, ask: Ask, *, multi: bool) -> Answer:
    """Solve the Hess model with flows that hold the districts together."""
    with ask.phase("build"):
        flows = mcf_model(problem) if multi else shir_model(problem)
    ask.note_model(flows.model)
    result = solve_model(
        flows.model, solver=ask.solver, limits=ask.limits_left(), listen=ask.improved
    )
    plan = None if result.solution is None else flows.decode(result.solution)
    objective = None if plan is None else problem.evaluate(plan)
    return _with(answer_of(result, plan), plan, objective, result.bound, result.nodes, result.cuts)


def labelling_engine(problem: EdgeCostDistricting, ask: Ask) -> Answer:
    """Solve the labelling model and cut off disconnected districts: the engine of shequ."""
    result = solve_labelling(
        problem.districting,
        edge_costs=problem.edge_costs,
        limits=ask.limits_left(),
        solver=ask.solver,
        listen=ask.improved,
    )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


def labelling_flow(problem: EdgeCostDistricting, ask: Ask) -> Answer:
    """Solve the labelling model with one flow that holds all districts together."""
    with ask.phase("build"):
        labelling = labelling_model(problem.districting, edge_costs=problem.edge_costs)
    ask.note_model(labelling.model)
    result = solve_model(
        labelling.model, solver=ask.solver, limits=ask.limits_left(), listen=ask.improved
    )
    if result.solution is None:
        return answer_of(result, None)
    plan = labelling.decode(result.solution)
    value = border_length(problem.districting, plan, lengths=problem.edge_costs)
    return replace(answer_of(result, plan), objective=value)


register_method(
    Method(
        name="shequ",
        families=INERTIA,
        run=engine,
        solvers=("highs", "ortools-scip", "pulp-cbc"),
        default_solvers=("highs",),
    )
)
register_method(
    Method(
        name="hess-separators",
        families=INERTIA,
        run=raw_hess,
        solvers=SOLVERS,
        default_solvers=("highs", "ortools-scip", "cp-sat", "pulp-cbc"),
        largest={"units": 200},
    )
)
for name, multi, most in (("hess-shir", False, 100), ("hess-mcf", True, 40)):
    register_method(
        Method(
            name=name,
            families=INERTIA,
            run=partial(hess_flows, multi=multi),
            solvers=("highs", "ortools-scip", "pulp-cbc"),
            default_solvers=("highs",),
            largest={"units": most},
        )
    )
register_method(
    Method(
        name="labelling-separators",
        families=EDGES,
        run=labelling_engine,
        solvers=SOLVERS,
        default_solvers=("highs", "ortools-scip"),
    )
)
register_method(
    Method(
        name="labelling-flow",
        families=EDGES,
        run=labelling_flow,
        solvers=("highs", "ortools-scip", "pulp-cbc"),
        default_solvers=("highs", "ortools-scip"),
        largest={"units": 200},
    )
)
