"""The p-dispersion problem: checks and the formulation of Kuby."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.distances import PointDistances
from shequ.models.siting.p_dispersion import PDispersion, p_dispersion_model
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.solvers import solve_model

LINE = np.abs(np.subtract.outer([0.0, 1.0, 4.0, 9.0], [0.0, 1.0, 4.0, 9.0]))


def test_the_objective_is_the_least_distance() -> None:
    """Of three open sites the two nearest count."""
    assert PDispersion(LINE, 3).evaluate(np.array([True, False, True, True])) == 4.0


def test_another_number_of_sites_is_named() -> None:
    """Fewer than p sites are farther apart, but not what was asked for."""
    assert PDispersion(LINE, 3).violations(np.array([True, False, False, True])) == [
        "2 sites are open, not p = 3"
    ]


@pytest.mark.parametrize(
    ("distances", "p", "message"),
    [
        (np.ones((2, 3)), 2, r"expected \(sites, sites\)"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), 2, r"distances\[0, 1\] is 1 and distances\[1, 0\]"),
        (sparse.csr_array(np.array([[0.0, 1.0], [2.0, 0.0]])), 2, r"distances\[0, 1\] is 1"),
        (LINE, 1, "1 open sites have no distance"),
        (PointDistances(np.zeros((2, 2)), np.ones((2, 2))), 2, "site 0 has other coordinates"),
    ],
)
def test_distances_that_make_no_sense_are_refused(
    distances: np.ndarray, p: int, message: str
) -> None:
    """The message names the pair of sites or the number."""
    with pytest.raises(ValueError, match=message):
        PDispersion(distances, p)


@pytest.mark.parametrize("seed", range(30))
def test_the_formulation_agrees_with_brute_force(seed: int) -> None:
    """Plans that the model finds keep the rules and are as far apart as any."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(1, 20, (6, 6)).astype(float)
    rules = SiteRules(forbidden=np.arange(6) == seed % 6, least=2 if seed % 2 else None)
    problem = PDispersion(np.minimum(distances, distances.T), 3, rules)
    best = max(
        problem.evaluate(is_open)
        for size in (2, 3)
        for chosen in itertools.combinations(range(6), size)
        if not problem.violations(is_open := np.isin(np.arange(6), chosen))
    )
    built = p_dispersion_model(problem)
    result = solve_model(built.model)
    assert result.objective == pytest.approx(best)
    assert result.solution is not None
    solution = built.decode(result.solution)
    assert problem.violations(solution) == []
    assert problem.evaluate(solution) == pytest.approx(best)
    assert built.model.violations(built.encode(solution)) == []
