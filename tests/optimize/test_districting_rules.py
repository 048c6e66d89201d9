"""The Hess engine under rules that tell districts apart, against the enumeration of all plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import best_by_enumeration
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.optimize.districting.formulations import ExactContiguity, solve_hess
from shequ.optimize.districting.hess.engine import solve_districting
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status


def random_rules(problem: Districting, rng: np.random.Generator) -> DistrictRules:
    """Return some rules of every kind, not all of which can be kept together."""
    n, k = problem.num_nodes, problem.num_districts
    locked = np.where(rng.random(n) < 0.15, rng.integers(0, k, n), -1)
    seats = np.where(rng.random(k) < 0.3, rng.permutation(n)[:k], -1)
    upper = problem.upper * rng.uniform(0.9, 1.3, (k, 1))
    kinds = rng.random(5) < 0.5
    return DistrictRules(
        lower=problem.lower * rng.uniform(0.5, 1.0, (k, 1)) if kinds[0] else None,
        upper=upper if kinds[0] else None,
        locked=locked if kinds[1] else None,
        forbidden=rng.random((n, k)) < 0.1 if kinds[2] else None,
        seats=seats if kinds[3] else None,
        apart=rng.permutation(n)[:2][None, :] if kinds[4] else None,
    )


@pytest.mark.parametrize("seed", range(40))
def test_every_rule_is_kept_and_the_optimum_is_that_of_enumeration(seed: int) -> None:
    """Status, optimum, and the numbers of the districts are those of trying every plan."""
    rng = np.random.default_rng(seed)
    k = 2 + seed % 2
    plain, _ = voronoi_districting(9, k, seed=seed, tolerance=0.35)
    problem = replace(plain, rules=random_rules(plain, rng))
    best, _ = best_by_enumeration(problem)
    result = solve_districting(problem, limits=Limits(seconds=30))
    if np.isfinite(best):
        assert result.status is Status.OPTIMAL, result
        assert result.objective == pytest.approx(best)
        assert result.solution is not None
        assert problem.violations(result.solution) == []
    else:
        assert result.status is Status.INFEASIBLE, result


@pytest.mark.parametrize("contiguity", ["cut", "lcut"])
@pytest.mark.parametrize("seed", range(10))
def test_the_whole_hess_model_keeps_rules(seed: int, contiguity: ExactContiguity) -> None:
    """The model with all variables agrees with enumeration under rules of every kind."""
    rng = np.random.default_rng(500 + seed)
    k = 2 + seed % 2
    plain, _ = voronoi_districting(9, k, seed=500 + seed, tolerance=0.35)
    problem = replace(plain, rules=random_rules(plain, rng))
    best, _ = best_by_enumeration(problem)
    result = solve_hess(problem, contiguity=contiguity, limits=Limits(seconds=30))
    if np.isfinite(best):
        assert result.status is Status.OPTIMAL, result
        assert result.objective == pytest.approx(best)
    else:
        assert result.status is Status.INFEASIBLE, result


@pytest.mark.parametrize("seed", range(40))
def test_plain_problems_agree_with_enumeration(seed: int) -> None:
    """Random communities of ten units, tight and loose, have the optimum of enumeration."""
    tolerance = (0.05, 0.1, 0.2, 0.4)[seed % 4]
    problem, _ = voronoi_districting(10, 2 + seed % 3, seed=100 + seed, tolerance=tolerance)
    best, _ = best_by_enumeration(problem)
    result = solve_districting(problem, limits=Limits(seconds=30))
    status = Status.OPTIMAL if np.isfinite(best) else Status.INFEASIBLE
    assert result.status is status, result
    if np.isfinite(best):
        assert result.objective == pytest.approx(best)
