"""Station siting and whole cities: the engines of shequ, and one plain model of a whole city."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from ...models.siting.station_models import StationModel, cheapest_model, walking_model
from ...optimize.result import Reason, Status
from ...optimize.siting.engine import cheapest_by_part, least_walking
from ...optimize.solvers import solve_model
from ..ask import Answer, Ask, answer_of
from ..problems import CityFile, StationPlan
from ..registry import Method, register_method

SOLVERS = ("highs", "ortools-scip", "ortools-highs", "pulp-cbc")


def engine(problem: StationPlan, ask: Ask) -> Answer:
    """Solve part by part for cost; start the walking model from the cheapest plan."""
    siting = problem.siting
    cheapest, spending = cheapest_by_part(
        siting,
        limits=ask.limits_left(),
        solver=ask.solver,
        listen=ask.improved if problem.objective == "cheapest" else None,
    )
    result = cheapest
    if problem.objective == "walking" and cheapest.solution is not None:
        result = least_walking(
            siting,
            cheapest.solution,
            budget=problem.budget,
            spending=spending,
            limits=ask.limits_left(),
            solver=ask.solver,
            listen=ask.improved,
        )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


def one_model(problem: StationPlan, ask: Ask) -> Answer:
    """Solve one model of the whole city, without parts, without a start."""
    siting = problem.siting
    with ask.phase("build"):
        station = _model(problem)
    ask.note_model(station.model)
    result = solve_model(
        station.model, solver=ask.solver, limits=ask.limits_left(), listen=ask.improved
    )
    if result.solution is None:
        return answer_of(result, None)
    decision = station.siting(siting, result.solution)
    value = siting.cost if problem.objective == "cheapest" else siting.walking
    return replace(answer_of(result, decision), objective=value(decision))


def _model(problem: StationPlan) -> StationModel:
    if problem.objective == "cheapest":
        return cheapest_model(problem.siting)
    return walking_model(problem.siting, budget=problem.budget)


def whole_city(problem: CityFile, ask: Ask) -> Answer:
    """Read, audit, split, site, write: all that `shequ plan` does but the verification."""
    from ...instances.city import read_city  # noqa: PLC0415 - geopandas takes a second to load
    from ...instances.policy import Policy  # noqa: PLC0415
    from ...optimize.planning.stages import make_plan  # noqa: PLC0415
    from ...outputs.assemble import plan_layers  # noqa: PLC0415
    from ...outputs.files import write_plan  # noqa: PLC0415

    given = {"solver.name": ask.solver, "solver.seed": ask.limits.seed}
    given |= {"solver.threads": ask.limits.threads}
    policy = Policy().with_values({**problem.values, **given})
    with ask.phase("read"):
        city = read_city(problem.path, policy)
    plan = make_plan(city, policy, seconds=ask.seconds_left)
    for stage, seconds in plan.seconds.items():
        ask.seconds[stage] = seconds
    folder = Path(tempfile.mkdtemp(prefix="shequ-bench-"))
    with ask.phase("write"):
        write_plan(plan_layers(plan), folder)
    siting = plan.siting
    assert siting is not None  # noqa: S101 - both stages were asked for
    assert siting.cost is not None  # noqa: S101 - there is no budget
    steps = [split.result for split in plan.splits] + [siting.cost]
    proven = all(step.status is Status.OPTIMAL for step in steps)
    return Answer(
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        reason=Reason.PROVEN if proven else siting.cost.reason,
        solution=folder,
        objective=siting.cost.objective,
        bound=siting.cost.bound,
        detail=f"{len(plan.splits)} communities split, {len(plan.shortfalls)} shortfalls",
    )


register_method(
    Method(
        name="shequ-stations",
        families=frozenset({"stations-cost", "stations-walking"}),
        run=engine,
        solvers=SOLVERS,
        default_solvers=("highs",),
    )
)
register_method(
    Method(
        name="stations-one-model",
        families=frozenset({"stations-cost", "stations-walking"}),
        run=one_model,
        solvers=SOLVERS,
        default_solvers=("highs", "ortools-scip", "pulp-cbc"),
    )
)
register_method(
    Method(
        name="shequ-plan",
        families=frozenset({"city"}),
        run=whole_city,
        solvers=SOLVERS,
        default_solvers=("highs",),
    )
)
