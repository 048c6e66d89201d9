"""The p-median engine against brute force, its models, and published optima."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.distances import PointDistances
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.classic.p_median import METHODS, solve_p_median


def random_problem(seed: int, *, ruled: bool) -> PMedian:
    """Return a small problem with zero weights, equal distances and, if asked for, rules."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 9)), int(rng.integers(3, 8))
    distances = rng.integers(0, 12, (n, m)).astype(float)
    weights = rng.integers(0, 4, n).astype(float)
    p = int(rng.integers(1, m + 1)) if not ruled else int(rng.integers(2, m))
    if not ruled:
        return PMedian(distances, weights, p)
    pairs: np.ndarray | sparse.csr_array = distances
    if seed % 3 == 0:
        client, site = np.nonzero(rng.random((n, m)) < 0.8)
        values = distances[client, site]
        pairs = sparse.csr_array(sparse.coo_array((values, (client, site)), shape=(n, m)))
    share = rng.random(m)
    rules = SiteRules(
        required=(share > 0.9) & (np.cumsum(share > 0.9) <= 1),
        forbidden=(share < 0.1) & (np.cumsum(share < 0.1) <= 1),
        least=1 if seed % 4 == 0 else None,
        apart=np.array([[0, 1]]) if seed % 2 else None,
    )
    reach = np.full(n, 9.0) if seed % 5 == 0 else None
    try:
        return PMedian(pairs, weights, p, reach=reach, rules=rules)
    except ValueError:
        return PMedian(pairs, weights, p, reach=reach)


def least_cost(problem: PMedian) -> float:
    """Try every choice of sites; infinite if none is feasible."""
    matrix = problem.reachable()
    best = np.inf
    for choice in itertools.product([False, True], repeat=problem.num_sites):
        is_open = np.array(choice)
        rules = problem.rules or SiteRules()
        if rules.violations(is_open, p=problem.p) or not is_open.any():
            continue
        away = matrix[:, is_open].min(axis=1)
        if np.isfinite(away).all():
            best = min(best, float(problem.weights @ away))
    return best


def assert_solved(problem: PMedian, method: str = "auto") -> None:
    """Check that the engine proves what brute force finds."""
    best = least_cost(problem)
    result = solve_p_median(problem, method=method, limits=Limits(30))
    if not np.isfinite(best):
        assert result.status is Status.INFEASIBLE, result
        return
    assert result.status is Status.OPTIMAL, result
    assert result.objective == pytest.approx(best)
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert problem.evaluate(result.solution) == pytest.approx(best)


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("seed", range(150))
def test_the_plan_is_the_best_of_all_choices(seed: int, ruled: bool) -> None:
    """Optimum and infeasibility are those of trying every choice of sites."""
    assert_solved(random_problem(seed, ruled=ruled))


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("seed", range(12))
def test_every_method_finds_the_best(seed: int, method: str) -> None:
    """Each way, forced, proves the same optimum."""
    assert_solved(random_problem(400 + seed, ruled=bool(seed % 2)), method)


@pytest.mark.parametrize("p", [2, 5, 12])
def test_points_on_demand_and_a_matrix_agree(p: int) -> None:
    """Distances that are worked out when asked for give the optimum of their matrix."""
    rng = np.random.default_rng(p)
    points, weights = rng.random((60, 2)) * 100, rng.integers(1, 9, 60).astype(float)
    on_demand = PointDistances(points, points)
    first = solve_p_median(PMedian(on_demand, weights, p))
    second = solve_p_median(PMedian(on_demand.dense(), weights, p), method="textbook")
    assert first.status is second.status is Status.OPTIMAL
    assert first.objective == pytest.approx(second.objective, rel=1e-6)


def test_an_unknown_method_is_refused() -> None:
    """The message lists those that exist."""
    with pytest.raises(ValueError, match="expected one of auto, core, tree, textbook"):
        solve_p_median(random_problem(0, ruled=False), method="guess")
