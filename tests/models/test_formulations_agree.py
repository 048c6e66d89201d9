"""All formulations give one answer: that of all plans on small problems, one another's beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import (
    all_plans,
    best_by_enumeration,
    plan_values,
)
from shequ.models.districting.flows import mcf_model, scf_model, shir_model
from shequ.models.districting.hess import hess_model
from shequ.models.districting.inexact import Contiguity, Distance
from shequ.models.districting.labelling import Symmetry
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.districting.separators import Separator, fractional_separators
from shequ.models.formulation import FloatArray, IntArray
from shequ.optimize.districting.formulations import (
    ExactContiguity,
    LabelContiguity,
    solve_hess,
    solve_labels,
)
from shequ.optimize.districting.hess.engine import solve_districting
from shequ.optimize.districting.inexact import improve_centres, solve_inexact
from shequ.optimize.limits import Limits
from shequ.optimize.result import Reason, Result, Status
from shequ.optimize.solvers import solve_lp

EXACT: tuple[ExactContiguity, ...] = get_args(ExactContiguity)
SOLVED: list[tuple[str, ExactContiguity]] = [
    *(("highs", contiguity) for contiguity in EXACT),
    ("scip", "cut"),
    ("scip", "lcut"),
]
AT_LENGTH = [
    (batch, solver, contiguity)
    for solver, contiguity in SOLVED
    for batch in range(3, 10 if solver == "highs" else 6)
]
LABELS: list[tuple[str, LabelContiguity]] = [
    ("highs", "scf"),
    ("highs", "cut"),
    ("scip", "lcut"),
]
SYMMETRIES: tuple[Symmetry, ...] = get_args(Symmetry)
INEXACT: list[tuple[Contiguity, Distance]] = [
    ("tree", "hop"),
    ("distance", "hop"),
    ("dag", "path"),
    ("dag", "euclidean"),
]
LIMITS = Limits(seconds=60)


def tiny(seed: int) -> tuple[Districting, FloatArray]:
    """Planar graph of 5 to 9 units with some borders missing; balance from loose to impossible."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 4))
    units = int(rng.integers(2 * k, 10))
    tolerance = float(rng.choice([0.1, 0.25, 0.5]))
    problem, lengths = voronoi_districting(units, k, seed=seed, tolerance=tolerance)
    kept = rng.random(lengths.size) < rng.choice([0.7, 0.85, 1.0])
    return replace(problem, edges=problem.edges[kept]), lengths[kept]


def check(problem: Districting, result: Result[IntArray], best: float) -> None:
    """Status, optimum, bound and plan are those of a problem whose least value is known."""
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
        assert result.solution is None
        return
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert result.objective == pytest.approx(best)
    assert result.bound == pytest.approx(best)
    assert problem.evaluate(result.solution) == pytest.approx(best)


@pytest.mark.parametrize(("solver", "contiguity"), SOLVED)
@pytest.mark.parametrize("batch", range(3))
def test_exact_contiguity_agrees_with_enumeration(
    batch: int, solver: str, contiguity: ExactContiguity
) -> None:
    """Ten random problems a batch: status and least inertia are those of all plans."""
    for seed in range(10 * batch, 10 * batch + 10):
        problem, _ = tiny(seed)
        plans = all_plans(problem)
        best = min(plan_values(problem, Objective(), plans), default=np.inf)
        result = solve_hess(problem, contiguity=contiguity, solver=solver, limits=LIMITS)
        check(problem, result, best)


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "solver", "contiguity"), AT_LENGTH)
def test_exact_contiguity_agrees_with_enumeration_at_length(
    batch: int, solver: str, contiguity: ExactContiguity
) -> None:
    """The same on seventy problems more, with SCIP on thirty."""
    test_exact_contiguity_agrees_with_enumeration(batch, solver, contiguity)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize(("solver", "contiguity"), LABELS)
def test_labels_agree_with_enumeration(
    solver: str, contiguity: LabelContiguity, symmetry: Symmetry
) -> None:
    """Random problems: the shortest borders are those of all plans, whatever is added."""
    for seed in range(6):
        problem, lengths = tiny(seed)
        borders = Objective(inertia=0, edge_costs=lengths)
        best = min(plan_values(problem, borders, all_plans(problem)), default=np.inf)
        result = solve_labels(
            problem,
            edge_costs=lengths,
            contiguity=contiguity,
            symmetry=symmetry,
            solver=solver,
            limits=LIMITS,
        )
        assert (result.status is Status.INFEASIBLE) == np.isinf(best)
        if np.isfinite(best):
            assert result.status is Status.OPTIMAL
            assert result.solution is not None
            assert problem.violations(result.solution) == []
            assert result.objective == pytest.approx(best)
            assert borders.evaluate(problem, result.solution) == pytest.approx(best)


@pytest.mark.parametrize("kind", INEXACT, ids="-".join)
@pytest.mark.parametrize("batch", range(2))
def test_inexact_contiguity_is_never_better(batch: int, kind: tuple[Contiguity, Distance]) -> None:
    """Ten random problems a batch: connected plans, never called optimal, never below it."""
    found = 0
    for seed in range(10 * batch, 10 * batch + 10):
        problem, _ = tiny(seed)
        best = min(plan_values(problem, Objective(), all_plans(problem)), default=np.inf)
        rng = np.random.default_rng(seed)
        roots = rng.choice(problem.num_nodes, problem.num_districts, replace=False)
        result = solve_inexact(problem, roots, contiguity=kind[0], distance=kind[1])
        assert result.bound is None
        assert result.reason is Reason.LIMIT
        if result.solution is None:
            assert result.status is Status.UNKNOWN
            assert "other plans may exist" in result.detail
            continue
        found += 1
        assert result.status is Status.FEASIBLE
        assert "the bound does not hold for all plans" in result.detail
        assert problem.violations(result.solution) == []
        assert (result.solution[roots] == np.arange(roots.size)).all()
        assert result.objective is not None
        assert result.objective >= best * (1 - 1e-9)
    assert found


def test_the_best_centres_often_give_the_optimum() -> None:
    """With the centres of the optimum, the DAG keeps the optimum itself on most problems."""
    same = 0
    for seed in range(30):
        problem, _ = tiny(seed)
        best, plan = best_by_enumeration(problem)
        if plan is None:
            continue
        result = solve_inexact(problem, problem.centres(plan))
        assert result.objective is None or result.objective >= best * (1 - 1e-9)
        same += result.objective == pytest.approx(best)
    assert same >= 10


def test_moving_the_centres_makes_plans_better() -> None:
    """From the dearest plan it ends no dearer, often at the optimum, and claims no bound."""
    reached = []
    for seed in range(15):
        problem, _ = tiny(seed)
        plans = all_plans(problem)
        if not plans.shape[0]:
            continue
        values = plan_values(problem, Objective(), plans)
        result = improve_centres(problem, plans[values.argmax()])
        assert (result.status, result.reason) == (Status.FEASIBLE, Reason.LIMIT)
        assert result.bound is None
        assert result.solution is not None
        assert problem.violations(result.solution) == []
        assert result.objective is not None
        assert values.min() * (1 - 1e-9) <= result.objective <= values.max() * (1 + 1e-9)
        reached.append(result.objective == pytest.approx(values.min()))
    assert sum(reached) > len(reached) / 2


def test_centres_of_an_infeasible_plan_are_refused() -> None:
    """A plan that breaks a rule is no start."""
    problem, _ = tiny(1)
    with pytest.raises(ValueError, match="not feasible: district 1 is empty"):
        improve_centres(problem, np.zeros(problem.num_nodes, dtype=np.int64))


@pytest.mark.parametrize(("units", "k", "seed"), [(30, 3, 1), (40, 2, 2), (60, 2, 3)])
def test_larger_problems_have_one_optimum(units: int, k: int, seed: int) -> None:
    """Separators, length-U separators, a flow a centre and the engine agree on 30 to 60 units."""
    problem, _ = voronoi_districting(units, k, seed=seed)
    engine = solve_districting(problem, limits=LIMITS)
    assert engine.objective is not None
    for contiguity in ("cut", "lcut", "shir")[: 3 if units < 60 else 2]:
        check(problem, solve_hess(problem, contiguity=contiguity, limits=LIMITS), engine.objective)


@pytest.mark.parametrize("contiguity", ["cut", "lcut", "shir", "scf"])
def test_enumerated_precincts_have_the_least_inertia(
    precincts, contiguity: ExactContiguity
) -> None:
    """25 precincts in 3 districts, 5 % apart: the optimum of somebody else's enumeration."""
    problem, truth = precincts("0.05")
    result = solve_hess(problem, contiguity=contiguity, limits=LIMITS)
    check(problem, result, truth["min_moi"])


def relaxed_by_separators(problem: Districting) -> float | None:
    """Bound of the Hess model with all a,b-separators, found at fractional points."""
    n = problem.num_nodes
    cuts: list[Separator] = []
    while True:
        hess = hess_model(problem, np.ones((n, n), dtype=bool), cuts)
        relaxation = solve_lp(hess.model)
        if relaxation.objective is None:
            return None
        x = np.zeros((n, n))
        x[hess.node, hess.centre] = relaxation.values
        found = fractional_separators(problem, x, least=1e-6)
        if not found:
            return relaxation.objective
        cuts += found


@pytest.mark.parametrize("seed", range(20))
def test_relaxations_are_as_strong_as_the_paper_says(seed: int) -> None:
    """Hess ≤ SCF, Hess ≤ SHIR ≤ MCF = CUT ≤ optimum, as bounds of the linear relaxations."""
    problem, _ = tiny(seed)
    n = problem.num_nodes
    best, _ = best_by_enumeration(problem)
    models = [
        hess_model(problem, np.ones((n, n), dtype=bool)).model,
        scf_model(problem).model,
        shir_model(problem, big_m=n - 1).model,
        mcf_model(problem).model,
    ]
    bounds = [solve_lp(model).objective for model in models]
    hess, scf, shir, mcf = (np.inf if bound is None else bound for bound in bounds)
    cut = relaxed_by_separators(problem)
    assert (np.inf if cut is None else cut) == pytest.approx(mcf, rel=1e-6)
    slack = 1 + 1e-7
    assert hess <= scf * slack
    assert hess <= shir * slack
    assert shir <= mcf * slack
    assert mcf <= best * slack


def test_each_relaxation_is_stronger_somewhere() -> None:
    """Over many problems SHIR lifts the bound of Hess, and separators that of SHIR."""
    lifted = np.zeros(2, dtype=int)
    for seed in range(30):
        problem, _ = tiny(seed)
        n = problem.num_nodes
        hess = solve_lp(hess_model(problem, np.ones((n, n), dtype=bool)).model).objective
        shir = solve_lp(shir_model(problem, big_m=n - 1).model).objective
        cut = relaxed_by_separators(problem)
        if hess is not None and shir is not None and cut is not None:
            lifted += [shir > hess + 1e-6, cut > shir + 1e-6]
    assert (lifted > 1).all()


def test_fractional_separators_in_the_tree_change_nothing() -> None:
    """With inequalities for points of the relaxation too, the optimum is that of all plans."""
    for seed in range(10):
        problem, _ = tiny(seed)
        best, _ = best_by_enumeration(problem)
        result = solve_hess(problem, contiguity="cut", solver="scip", user_cuts=True)
        check(problem, result, best)


def test_a_formulation_refuses_what_it_does_not_know() -> None:
    """Rules, unknown contiguity, and inexact contiguity that connects nothing are refused."""
    problem, _ = tiny(1)
    with pytest.raises(ValueError, match="choose cut, lcut, shir, mcf, scf"):
        solve_hess(problem, contiguity="tree")  # type: ignore[arg-type] - what is tested
    ruled = replace(problem, rules=DistrictRules(apart=np.array([[0, 1]])))
    with pytest.raises(ValueError, match="knows no rules"):
        solve_hess(ruled, contiguity="shir")
    with pytest.raises(ValueError, match="connects no district"):
        solve_inexact(problem, np.arange(problem.num_districts), contiguity="none")
