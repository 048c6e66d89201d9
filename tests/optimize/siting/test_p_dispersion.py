"""The p-dispersion engine against brute force and the textbook model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.distances import PointDistances
from shequ.models.siting.p_dispersion import PDispersion
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.result import Status
from shequ.optimize.siting.classic import p_dispersion_groups
from shequ.optimize.siting.classic.p_dispersion import METHODS, solve_p_dispersion


def random_problem(seed: int) -> PDispersion:
    """Eight sites; each seed another mix of rules and of whole and other distances."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(1, 30, (8, 8)).astype(float)
    if rng.random() < 0.5:
        distances = rng.random((8, 8)) * 10
    distances = np.minimum(distances, distances.T)
    kinds, order = rng.random(4) < 0.4, rng.permutation(8)
    apart = rng.integers(0, 8, (rng.integers(1, 9), 2))
    apart = apart[(apart[:, 0] != apart[:, 1]) & ~(order[apart] < 2).all(axis=1)]
    rules = SiteRules(
        required=order < 2 if kinds[0] else None,
        forbidden=order > 5 if kinds[1] else None,
        least=2 if kinds[2] else None,
        apart=apart if kinds[3] else None,
    )
    return PDispersion(distances, 3 + seed % 3, rules)


def largest_distance(problem: PDispersion) -> float:
    """Try every choice of sites."""
    best = -np.inf
    for size in range(2, problem.p + 1):
        for chosen in itertools.combinations(range(problem.num_sites), size):
            is_open = np.isin(np.arange(problem.num_sites), chosen)
            if not problem.violations(is_open):
                lengths = [
                    problem.pairs.dense()[a, b] for a, b in itertools.combinations(chosen, 2)
                ]
                best = max(best, min(lengths))
    return float(best)


def assert_solved(problem: PDispersion, method: str = "auto") -> None:
    """Expect the largest distance with its proof, or the proof that there is no plan."""
    result, expected = solve_p_dispersion(problem, method=method), largest_distance(problem)
    if np.isneginf(expected):
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert problem.evaluate(result.solution) == result.objective
    assert result.objective == pytest.approx(expected)
    if np.isfinite(expected):
        assert result.bound == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(300))
def test_the_engine_agrees_with_brute_force(seed: int) -> None:
    """Required, forbidden and excluded sites, and fewer sites than p where that is allowed."""
    assert_solved(random_problem(seed))


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_agree(method: str) -> None:
    """Every method proves the same distance."""
    for seed in range(20):
        assert_solved(random_problem(seed), method)


@pytest.mark.parametrize("seed", range(20))
def test_pairs_that_are_not_stored_are_infinitely_far_apart(seed: int) -> None:
    """The optimum may be infinite, where no two open sites are a stored pair."""
    rng = np.random.default_rng(seed)
    near = np.triu(rng.integers(1, 9, (8, 8)) * (rng.random((8, 8)) < 0.6), 1).astype(float)
    assert_solved(PDispersion(sparse.csr_array(near + near.T), 3))


@pytest.mark.parametrize("rounding", [None, "floor", "nearest", "ceiling"])
@pytest.mark.parametrize("seed", range(15))
def test_groups_of_points_give_the_optimum_of_their_sites(
    seed: int, rounding: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With four groups for fourteen points, some of them equal, groups must be split."""
    monkeypatch.setattr(p_dispersion_groups, "MOST_SINGLE", 5)
    monkeypatch.setattr(p_dispersion_groups, "FIRST_GROUPS", 4)
    rng = np.random.default_rng(seed)
    points = rng.random((14, 2)) * 20
    points[3:6] = points[0]
    required = np.arange(14) < seed % 2
    problem = PDispersion(PointDistances(points, points, rounding), 4, SiteRules(required=required))
    assert_solved(problem)


def test_many_points_have_the_optimum_of_their_matrix() -> None:
    """Distances on demand and a matrix give one optimum."""
    points = np.random.default_rng(3).random((1800, 2)) * 1000
    on_demand = PointDistances(points, points)
    result = solve_p_dispersion(PDispersion(on_demand, 6))
    matrix = solve_p_dispersion(PDispersion(on_demand.dense(), 6))
    assert result.status is matrix.status is Status.OPTIMAL
    assert result.objective == pytest.approx(matrix.objective)


def test_an_unknown_method_is_refused() -> None:
    """The message lists those that exist."""
    with pytest.raises(ValueError, match="give one of auto, packing, textbook"):
        solve_p_dispersion(random_problem(0), method="guess")
