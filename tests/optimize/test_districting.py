"""Districting: the problem, its bound, and the engine against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.districting.hess import hess_model
from shequ.models.districting.problem import Districting, merge_units
from shequ.models.districting.separators import violated_separators
from shequ.models.formulation import IntArray
from shequ.optimize.districting.hess.engine import reachable_pairs, solve_districting
from shequ.optimize.districting.hess.lagrangian import Ascent, Fixing
from shequ.optimize.districting.hess.relaxation import Relaxation
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Status


def grid(
    columns: int,
    rows: int,
    k: int,
    *,
    seed: int = 1,
    tolerance: float = 0.3,
    groups: IntArray | None = None,
    cap: float = np.inf,
) -> Districting:
    """Grid of units with random residents and households."""
    rng = np.random.default_rng(seed)
    n = columns * rows
    index = np.arange(n).reshape(rows, columns)
    edges = np.concatenate(
        [
            np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1),
            np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1),
        ]
    )
    residents = rng.integers(20, 100, n).astype(float)
    weights = np.stack([residents, np.rint(residents / 2.5)], axis=1)
    points = np.stack([index.ravel() % columns, index.ravel() // columns], axis=1) * 100.0
    merged = merge_units(
        weights=weights,
        mass=residents,
        points=points + rng.normal(0, 15, points.shape),
        edges=edges,
        groups=np.arange(n) if groups is None else groups,
    )
    mean = residents.sum() / k
    return Districting(
        lower=np.array([mean * (1 - tolerance), 0.0]),
        upper=np.array([mean * (1 + tolerance), cap]),
        num_districts=k,
        **merged,
    )


def brute_bound(problem: Districting) -> float:
    """Objective of a good plan: no bound may lie above it."""
    result = solve_districting(problem, limits=Limits(seconds=60))
    assert result.objective is not None
    return result.objective


def brute_force(problem: Districting) -> float:
    """Least objective over all plans; infinite if none is feasible."""
    best = np.inf
    for rest in itertools.product(range(problem.num_districts), repeat=problem.num_nodes - 1):
        plan = np.array((0, *rest))
        if not problem.violations(plan):
            best = min(best, problem.evaluate(plan))
    return best


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("columns", "rows", "k"), [(3, 3, 2), (4, 2, 3), (7, 1, 3)])
def test_engine_agrees_with_brute_force(columns: int, rows: int, k: int, seed: int) -> None:
    """Status and optimum are those of trying every plan."""
    problem = grid(columns, rows, k, seed=seed, tolerance=0.15)
    best = brute_force(problem)
    result = solve_districting(problem, limits=Limits(seconds=30))
    if np.isfinite(best):
        assert result.status is Status.OPTIMAL, result
        assert result.objective == pytest.approx(best)
        assert result.solution is not None
        assert problem.violations(result.solution) == []
        assert problem.evaluate(result.solution) == pytest.approx(best)
    else:
        assert result.status is Status.INFEASIBLE, result


@pytest.mark.parametrize("seed", range(5))
def test_every_bound_holds(seed: int) -> None:
    """The Lagrangian bound stays below the optimum, and no pair of the optimum is fixed."""
    problem = grid(3, 3, 2, seed=seed)
    best = brute_force(problem)
    fixing = Fixing(problem, np.where(reachable_pairs(problem), -np.inf, np.inf))
    fixing.tighten(None, best, iterations=200)
    assert fixing.bound <= best + 1e-6
    fixing.probe(best, iterations=40)
    assert fixing.bound <= best + 1e-6
    result = solve_districting(problem)
    assert result.solution is not None
    centre_of = problem.centres(result.solution)[result.solution]
    assert fixing.allowed(best)[np.arange(problem.num_nodes), centre_of].all()


def test_lagrangian_reaches_the_linear_relaxation() -> None:
    """The climb comes close to the optimum of the linear relaxation, which bounds it."""
    from shequ.models.formulation import LinearModel  # noqa: PLC0415
    from shequ.optimize.solvers import solve_lp  # noqa: PLC0415

    problem = grid(6, 5, 3)
    model = hess_model(problem, np.ones((30, 30), dtype=bool)).model
    relaxed = LinearModel(
        **{
            **{name: getattr(model, name) for name in model.__dataclass_fields__},
            "integer": np.zeros(model.num_columns, dtype=bool),
        }
    )
    target = solve_lp(relaxed).objective
    assert target is not None
    relaxation = Relaxation(problem, np.ones((30, 30), dtype=bool))
    start = relaxation.origin(None)
    ascent = Ascent(start, step=5 * float(start.mean()))
    ascent.climb(relaxation, iterations=1500)
    best = brute_bound(problem)
    assert 0.99 * target <= ascent.bound <= best * (1 + 1e-7)


def test_hess_model_gives_one_optimum_on_each_backend(solver_name: str) -> None:
    """The Hess model has the same optimum on every backend."""
    problem = grid(3, 3, 2, seed=4)
    result = solve_districting(problem, solver=solver_name, limits=Limits(seconds=60))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(brute_force(problem))


def test_separators_cut_off_a_disconnected_plan() -> None:
    """A plan with an island breaks the inequalities made for it; a connected one has none."""
    problem = grid(5, 1, 2)
    broken = np.array([0, 0, 3, 3, 0])
    cuts = violated_separators(problem, broken)
    assert [cut.island.tolist() for cut in cuts] == [[4]]
    assert cuts[0].between.tolist() == [3]
    assert violated_separators(problem, np.array([0, 0, 3, 3, 3])) == []


def test_groups_stay_together_and_keep_their_inertia() -> None:
    """Merging units changes no moment of inertia, and a plan of groups never cuts one."""
    plain = grid(3, 2, 2, tolerance=0.9)
    merged = grid(3, 2, 2, groups=np.array([0, 0, 1, 2, 3, 4]), tolerance=0.9)
    assert merged.num_nodes == 5
    about = plain.costs[[0, 1]][:, 5].sum()
    assert merged.costs[0, 4] == pytest.approx(about)


def test_a_cap_on_households_is_kept() -> None:
    """The second weight binds: no district exceeds it, and the optimum is brute force's."""
    free = grid(3, 3, 2, seed=2, tolerance=0.5)
    half = free.weights[:, 1].sum() / 2
    capped = grid(3, 3, 2, seed=2, tolerance=0.5, cap=float(np.ceil(half * 1.05)))
    result = solve_districting(capped)
    assert result.solution is not None
    assert (capped.totals(result.solution)[:, 1] <= capped.upper[1]).all()
    assert result.objective == pytest.approx(brute_force(capped))


def test_a_unit_above_the_cap_is_named() -> None:
    """Infeasibility names the unit that is too large."""
    problem = grid(3, 3, 3, tolerance=0.01, cap=20)
    result = solve_districting(problem)
    assert result.status is Status.INFEASIBLE
    assert "node" in result.detail
    assert "households" in result.detail


def test_units_that_cannot_be_balanced_are_proven_so() -> None:
    """Where no subset fits the bounds, the answer is infeasible, with the argument."""
    problem = Districting(
        weights=np.array([[3.0], [3.0], [3.0]]),
        lower=np.array([4.0]),
        upper=np.array([5.0]),
        edges=np.array([[0, 1], [1, 2]]),
        num_districts=2,
        mass=np.ones(3),
        location=np.array([[0.0, 0], [1, 0], [2, 0]]),
        centre=np.array([[0.0, 0], [1, 0], [2, 0]]),
        inertia=np.zeros(3),
    )
    result = solve_districting(problem, weight_labels=("residents",))
    assert result.status is Status.INFEASIBLE
    assert "balanced" in result.detail


def test_more_parts_than_districts_is_infeasible() -> None:
    """Units in three parts cannot make two districts; the message says so."""
    problem = grid(3, 1, 2, tolerance=0.9)
    apart = Districting(
        **{
            **{
                name: getattr(problem, name)
                for name in problem.__dataclass_fields__
                if name != "names"
            },
            "edges": np.empty((0, 2), dtype=np.int64),
        }
    )
    result = solve_districting(apart)
    assert result.status is Status.INFEASIBLE
    assert "3 parts" in result.detail


def test_a_stopped_run_keeps_its_plan_and_says_so() -> None:
    """After a request to stop the best plan is there, called feasible, with its reason."""
    problem = grid(10, 10, 4, tolerance=0.05)
    stop = Stop()

    def heard(objective: float | None, bound: float | None) -> None:
        del bound
        if objective is not None:
            stop.request()

    result = solve_districting(problem, stop=stop, listen=heard)
    assert result.solution is not None
    assert result.reason is Reason.INTERRUPTED
    assert result.status is Status.FEASIBLE


def test_middle_sized_communities_are_proven() -> None:
    """A community of 100 units is split in three with a proof and a checked plan."""
    problem = grid(10, 10, 3, tolerance=0.05)
    result = solve_districting(problem, limits=Limits(seconds=100))
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert result.objective == pytest.approx(problem.evaluate(result.solution))
    assert result.gap == 0.0
