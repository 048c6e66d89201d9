"""Engines and plain formulations of districting."""

from __future__ import annotations

from functools import partial

from ...models.districting.enumeration import all_plans, plan_values
from ...models.districting.inexact import Contiguity, Distance
from ...models.districting.labelling import Symmetry
from ...models.districting.objective import Objective
from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ...optimize.districting.formulations import (
    ExactContiguity,
    LabelContiguity,
    solve_hess,
    solve_labels,
)
from ...optimize.districting.hess.engine import solve_districting
from ...optimize.districting.heuristics import find_plan
from ...optimize.districting.inexact import improve_centres, solve_inexact
from ...optimize.districting.labelling.engine import solve_labelling
from ...optimize.result import Reason, Result, Status
from ..ask import Answer, Ask, answer_of
from ..problems import EdgeCostDistricting
from ..registry import Method, register_method

INERTIA = frozenset({"districting-inertia"})
EDGES = frozenset({"districting-border", "districting-cut-edges"})
SOLVERS = ("scip", "highs", "ortools-scip", "ortools-highs", "cp-sat", "pulp-cbc")
SEPARATORS: dict[str, ExactContiguity] = {
    "hess-separators": "cut",
    "hess-length-separators": "lcut",
}
FLOWS: dict[ExactContiguity, int] = {"shir": 100, "scf": 100, "mcf": 40}
"""Contiguity by flows, and the most units that it is tried on."""
INEXACT: tuple[tuple[Contiguity, Distance], ...] = (
    ("dag", "path"),
    ("dag", "euclidean"),
    ("distance", "path"),
    ("tree", "path"),
)
LABELS: tuple[tuple[str, LabelContiguity, Symmetry], ...] = (
    ("labelling-flow", "scf", "diagonal"),
    ("labelling-flow-none", "scf", "none"),
    ("labelling-flow-orbitope", "scf", "orbitope"),
    ("labelling-cut", "cut", "orbitope"),
    ("labelling-cut-none", "cut", "none"),
    ("labelling-length-cut", "lcut", "orbitope"),
)
"""Labelling models without the engine: their contiguity, and how symmetry is removed."""
CONTINUOUS = ("scip", "highs", "ortools-scip", "pulp-cbc")
"""Backends that take continuous columns, as flows are."""


def engine(problem: Districting, ask: Ask) -> Answer:
    """Bound, fix, polish, and prove what is left: the engine of shequ."""
    result = solve_districting(
        problem, limits=ask.limits_left(), solver=ask.solver, listen=ask.improved
    )
    return _answer(result, ask)


def hess(problem: Districting, ask: Ask, *, contiguity: ExactContiguity) -> Answer:
    """Solve the Hess model with all n² variables, as the papers give it."""
    result = solve_hess(
        problem,
        contiguity=contiguity,
        limits=ask.limits_left(),
        solver=ask.solver,
        listen=ask.improved,
    )
    return _answer(result, ask)


def inexact(
    problem: Districting,
    ask: Ask,
    *,
    contiguity: Contiguity,
    distance: Distance,
    moves_centres: bool = False,
) -> Answer:
    """
    Fix the centres of a plan of the heuristics, and find the best plan that is left.

    It proves nothing about all plans, so it answers without a bound and never with "optimal".
    """
    with ask.phase("heuristic"):
        seconds, seed = ask.seconds_left / 4, ask.limits.seed
        found = find_plan(problem, Objective(), seconds=seconds, seed=seed, starts=1)
    if found.plan is None:
        detail = "the heuristics found no plan to take centres from"
        return Answer(status=Status.UNKNOWN, reason=Reason.LIMIT, detail=detail)
    start = found.plan if moves_centres else problem.centres(found.plan)
    result = (improve_centres if moves_centres else solve_inexact)(
        problem,
        start,
        contiguity=contiguity,
        distance=distance,
        limits=ask.limits_left(),
        solver=ask.solver,
        listen=ask.improved,
    )
    return _answer(result, ask)


def enumeration(problem: Districting | EdgeCostDistricting, ask: Ask) -> Answer:
    """Try every plan."""
    with ask.phase("solve"):
        if isinstance(problem, EdgeCostDistricting):
            objective, asked = Objective(0, problem.edge_costs), problem.districting
        else:
            objective, asked = Objective(), problem
        plans = all_plans(asked)
        values = plan_values(asked, objective, plans)
    if not plans.shape[0]:
        return Answer(status=Status.INFEASIBLE, detail="no plan among all")
    best = int(values.argmin())
    return Answer(
        status=Status.OPTIMAL,
        solution=plans[best],
        objective=float(values[best]),
        bound=float(values[best]),
        detail=f"{plans.shape[0]:,} plans",
    )


def labelling_engine(problem: EdgeCostDistricting, ask: Ask) -> Answer:
    """Bound, then solve the labelling model and cut off disconnected districts: the engine."""
    result = solve_labelling(
        problem.districting,
        edge_costs=problem.edge_costs,
        limits=ask.limits_left(),
        solver=ask.solver,
        listen=ask.improved,
    )
    return _answer(result, ask)


def labels(
    problem: EdgeCostDistricting, ask: Ask, *, contiguity: LabelContiguity, symmetry: Symmetry
) -> Answer:
    """Solve the labelling model as the papers give it."""
    result = solve_labels(
        problem.districting,
        edge_costs=problem.edge_costs,
        contiguity=contiguity,
        symmetry=symmetry,
        limits=ask.limits_left(),
        solver=ask.solver,
        listen=ask.improved,
    )
    return _answer(result, ask)


def _answer(result: Result[IntArray], ask: Ask) -> Answer:
    """Note the size of the model, and answer with the plan."""
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


register_method(
    Method(
        name="shequ",
        families=INERTIA,
        run=engine,
        solvers=("scip", "highs", "ortools-scip", "pulp-cbc"),
        default_solvers=("scip",),
    )
)
for name, separators in SEPARATORS.items():
    register_method(
        Method(
            name=name,
            families=INERTIA,
            run=partial(hess, contiguity=separators),
            solvers=SOLVERS,
            default_solvers=("scip", "highs", "ortools-scip", "cp-sat", "pulp-cbc"),
            largest={"units": 200},
        )
    )
for flow, most in FLOWS.items():
    register_method(
        Method(
            name=f"hess-{flow}",
            families=INERTIA,
            run=partial(hess, contiguity=flow),
            solvers=CONTINUOUS,
            default_solvers=("highs",),
            largest={"units": most},
        )
    )
for contiguity, distance in INEXACT:
    register_method(
        Method(
            name=f"hess-{contiguity}-{distance}",
            families=INERTIA,
            run=partial(inexact, contiguity=contiguity, distance=distance),
            solvers=SOLVERS,
            default_solvers=("highs",),
        )
    )
register_method(
    Method(
        name="hess-dag-moving",
        families=INERTIA,
        run=partial(inexact, contiguity="dag", distance="path", moves_centres=True),
        solvers=SOLVERS,
        default_solvers=("highs",),
    )
)
register_method(
    Method(name="enumeration", families=INERTIA | EDGES, run=enumeration, largest={"units": 25})
)
register_method(
    Method(
        name="labelling-separators",
        families=EDGES,
        run=labelling_engine,
        solvers=SOLVERS,
        default_solvers=("scip", "highs", "ortools-scip"),
    )
)
for name, cut, symmetry in LABELS:
    register_method(
        Method(
            name=name,
            families=EDGES,
            run=partial(labels, contiguity=cut, symmetry=symmetry),
            solvers=CONTINUOUS if cut == "scf" else SOLVERS,
            default_solvers=("scip", "highs"),
            largest={"units": 200},
        )
    )
