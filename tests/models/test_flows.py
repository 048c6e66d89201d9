"""Contiguity by flows: SHIR, MCF and SCF against all plans, and against each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from shequ.models.districting.enumeration import all_plans, best_by_enumeration
from shequ.models.districting.flows import (
    FlowModel,
    district_trees,
    mcf_model,
    most_nodes,
    scf_model,
    shir_model,
)
from shequ.models.districting.hess import hess_model
from shequ.models.districting.problem import Districting, point_districting
from shequ.models.formulation import LinearModel
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_lp, solve_model

Build = Callable[[Districting], FlowModel]
BUILDERS: list[Build] = [shir_model, mcf_model, scf_model]


def grid(columns: int, rows: int, k: int, *, seed: int = 1, tolerance: float = 0.3) -> Districting:
    """Grid of units with random residents at slightly random places."""
    rng = np.random.default_rng(seed)
    index = np.arange(columns * rows).reshape(rows, columns)
    edges = np.concatenate(
        [
            np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1),
            np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1),
        ]
    )
    residents = rng.integers(20, 100, index.size).astype(float)
    points = np.stack([index.ravel() % columns, index.ravel() // columns], axis=1) * 100.0
    return located(residents, edges, points + rng.normal(0, 15, points.shape), k, tolerance)


def located(
    residents: np.ndarray, edges: np.ndarray, points: np.ndarray, k: int, tolerance: float
) -> Districting:
    """Problem of units at points, balanced within the tolerance about the mean."""
    mean = residents.sum() / k
    low, high = mean * (1 - tolerance), mean * (1 + tolerance)
    return point_districting(residents, points, edges, k, low, high)


def horseshoe() -> Districting:
    """Two ends of a path lie side by side, so the compact plan joins them: a trap."""
    points = np.array([[0.0, 0], [0, 900], [100, 900], [100, 0]])
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    return located(np.ones(4), edges, points, 2, 0.0)


def whole(model: LinearModel) -> LinearModel:
    """Ask for integer flows too: they lose nothing, and CP-SAT takes no other columns."""
    return replace(model, integer=np.ones(model.num_columns, dtype=bool))


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("columns", "rows", "k"), [(3, 3, 2), (4, 2, 3), (7, 1, 3)])
def test_flow_models_agree_with_enumeration(
    build: Build, columns: int, rows: int, k: int, seed: int
) -> None:
    """Status and optimum are those of trying every plan, and the plan decoded is feasible."""
    problem = grid(columns, rows, k, seed=seed, tolerance=0.15)
    best, _ = best_by_enumeration(problem)
    flows = build(problem)
    result = solve_model(flows.model)
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    plan = flows.decode(result.solution)
    assert problem.violations(plan) == []
    assert result.objective == pytest.approx(best)
    assert problem.evaluate(plan) == pytest.approx(best)


@pytest.mark.parametrize("build", BUILDERS)
def test_flow_models_have_one_optimum_on_each_backend(build: Build, solver_name: str) -> None:
    """Every backend finds the optimum of all plans, also with integer flows."""
    problem = grid(3, 2, 2, seed=4)
    model = build(problem).model
    result = solve_model(whole(model) if solver_name == "cp-sat" else model, solver=solver_name)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best_by_enumeration(problem)[0])


@pytest.mark.parametrize("build", BUILDERS)
def test_flows_reject_the_disconnected_optimum(build: Build) -> None:
    """Without flows the two ends of the horseshoe are joined; with flows they are not."""
    problem = horseshoe()
    hess = hess_model(problem, np.ones((4, 4), dtype=bool))
    free, kept = solve_model(hess.model), solve_model(build(problem).model)
    assert free.objective is not None
    assert kept.objective is not None
    assert free.objective == pytest.approx(2 * 0.01)
    assert kept.objective == pytest.approx(2 * 0.81)


@pytest.mark.parametrize("build", BUILDERS)
def test_flow_models_prove_that_no_plan_is_connected(build: Build) -> None:
    """Units that balance only across a gap are infeasible, though the Hess model is not."""
    residents, points = np.array([1.0, 2.0, 1.0]), np.array([[0.0, 0], [100, 0], [200, 0]])
    problem = located(residents, np.array([[0, 1], [1, 2]]), points, 2, 0.0)
    hess = hess_model(problem, np.ones((3, 3), dtype=bool))
    assert solve_model(hess.model).status is Status.OPTIMAL
    assert solve_model(build(problem).model).status is Status.INFEASIBLE


@pytest.mark.parametrize("build", BUILDERS)
def test_every_feasible_plan_is_a_solution(build: Build) -> None:
    """Each plan encodes to a feasible solution of its own objective, and decodes to itself."""
    problem = grid(4, 2, 2, tolerance=0.5)
    flows = build(problem)
    plans = all_plans(problem)
    assert len(plans) > 5
    for plan in plans:
        values = flows.encode(plan)
        assert flows.model.violations(values) == []
        assert flows.model.evaluate(values) == pytest.approx(problem.evaluate(plan))
        assert flows.decode(values)[0] in {0, 1}
        assert ((flows.decode(values) == flows.decode(values)[0]) == (plan == plan[0])).all()


def test_relaxations_grow_stronger_from_hess_to_shir_to_mcf() -> None:
    """The bound of Hess is at most that of SHIR, which is at most that of MCF, then the optimum."""
    problem = horseshoe()
    bounds = [
        solve_lp(model).objective
        for model in (
            hess_model(problem, np.ones((4, 4), dtype=bool)).model,
            shir_model(problem, big_m=problem.num_nodes - 1).model,
            mcf_model(problem).model,
        )
    ]
    hess, shir, mcf = (bound for bound in bounds if bound is not None)
    assert hess < shir - 1e-6
    assert shir < mcf - 1e-6
    assert mcf <= best_by_enumeration(problem)[0] + 1e-6


def test_the_single_flow_has_the_fewest_columns() -> None:
    """SCF adds one column an arc, SHIR about one an arc and centre, MCF far more."""
    problem = grid(4, 2, 2)
    columns = [build(problem).model.num_columns for build in (scf_model, shir_model, mcf_model)]
    assert columns[0] == 8 * 8 + 2 * problem.edges.shape[0]
    assert columns == sorted(columns)


@pytest.mark.parametrize("build", [shir_model, mcf_model, scf_model])
def test_pairs_that_are_not_allowed_get_no_columns(
    build: Callable[..., FlowModel],
) -> None:
    """With one centre a district allowed, the optimum is that of these centres."""
    problem = grid(3, 2, 2, tolerance=0.5)
    allowed = np.zeros((6, 6), dtype=bool)
    allowed[:, [0, 5]] = True
    allowed[0, 5] = allowed[5, 0] = False
    flows = build(problem, allowed=allowed)
    assert set(flows.hess.centre.tolist()) == {0, 5}
    assert flows.model.num_columns < build(problem).model.num_columns
    best = min(
        problem.costs[np.arange(6), np.where(plan == 0, 0, 5)].sum()
        for rest in itertools.product(range(2), repeat=4)
        for plan in [np.array((0, *rest, 1))]
        if not problem.violations(plan)
    )
    assert solve_model(flows.model).objective == pytest.approx(best)


def test_a_disconnected_plan_is_refused_with_the_unit_cut_off() -> None:
    """Encoding a plan without a path to the centre names a node."""
    problem = grid(4, 1, 2, tolerance=0.9)
    with pytest.raises(ValueError, match="not connected: node"):
        shir_model(problem).encode(np.array([0, 1, 1, 0]))


def test_a_plan_of_pairs_that_are_missing_is_refused() -> None:
    """Encoding a plan whose pairs have no column says what to do."""
    problem = grid(4, 1, 2, tolerance=0.9)
    flows = shir_model(problem, allowed=np.eye(4, dtype=bool))
    with pytest.raises(ValueError, match="allow the pair"):
        flows.encode(np.array([0, 0, 1, 1]))


def test_trees_follow_shortest_paths() -> None:
    """On a path with its root at one end, each node passes all nodes between."""
    problem = grid(4, 1, 1, tolerance=0.9)
    parent, passes = district_trees(problem, np.zeros(4, dtype=np.int64), np.array([0]))
    assert parent.tolist() == [-1, 0, 1, 2]
    assert passes.sum(axis=0).tolist() == [0, 3, 2, 1]


def test_most_nodes_is_what_brute_force_can_put_together() -> None:
    """No set of more nodes fits under the upper bound, and one of that size does."""
    problem = grid(4, 2, 2, seed=3, tolerance=0.1)
    sizes = [
        size
        for size in range(1, 8)
        for nodes in itertools.combinations(range(8), size)
        if problem.weights[list(nodes), 0].sum() <= problem.upper[0]
    ]
    assert most_nodes(problem) == max(sizes)
