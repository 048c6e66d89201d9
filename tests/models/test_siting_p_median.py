"""The p-median problem with reach, rules and distances in every form."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.allocation import Allocation, AllocationModel
from shequ.models.siting.distances import PointDistances
from shequ.models.siting.p_median import PMedian, p_median_model, p_median_radius_model
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.result import Status
from shequ.optimize.solvers.checked import solve_model

Build = Callable[[PMedian], AllocationModel[Allocation]]

LINE = np.array([0.0, 2.0, 5.0, 9.0])
DISTANCES = np.abs(LINE[:, None] - LINE)


def allocation(opened: list[int], sites: list[int]) -> Allocation:
    """Make an allocation of the line."""
    return Allocation(np.isin(np.arange(4), opened), np.array(sites))


def ruled_problem(seed: int) -> PMedian:
    """Return a problem with a reach, pairs that are missing, and rules."""
    rng = np.random.default_rng(seed)
    client, site = np.nonzero(rng.random((7, 5)) < 0.85)
    values = rng.integers(0, 9, client.size).astype(float)
    pairs = sparse.csr_array(sparse.coo_array((values, (client, site)), shape=(7, 5)))
    rules = SiteRules(
        required=np.arange(5) == 1,
        forbidden=np.arange(5) == 3,
        least=2,
        apart=np.array([[0, 4]]),
    )
    reach = rng.integers(4, 9, 7).astype(float)
    return PMedian(pairs, rng.integers(1, 5, 7).astype(float), 3, reach=reach, rules=rules)


def least_cost(problem: PMedian) -> float:
    """Try every choice of sites; infinite if none is feasible."""
    best = math.inf
    matrix = problem.reachable()
    for choice in itertools.product([False, True], repeat=problem.num_sites):
        is_open = np.array(choice)
        away = np.where(is_open, matrix, np.inf).min(axis=1)
        rules = problem.rules or SiteRules()
        if np.isfinite(away).all() and not rules.violations(is_open, p=problem.p):
            best = min(best, float(problem.weights @ away))
    return best


@pytest.mark.parametrize("build", [p_median_model, p_median_radius_model])
@pytest.mark.parametrize("seed", range(25))
def test_both_models_keep_reach_and_rules(build: Build, seed: int) -> None:
    """Both have the optimum of trying every choice, and are infeasible where there is none."""
    problem = ruled_problem(seed)
    built, best = build(problem), least_cost(problem)
    result = solve_model(built.model)
    if math.isinf(best):
        assert result.status is Status.INFEASIBLE
        return
    assert result.solution is not None
    plan = built.decode(result.solution)
    assert problem.violations(plan) == []
    assert problem.evaluate(plan) == pytest.approx(best)
    assert built.model.evaluate(built.encode(plan)) == pytest.approx(best)


def test_every_form_of_distances_costs_the_same() -> None:
    """A matrix, pairs within reach and points give one objective."""
    points = np.column_stack([LINE, np.zeros(4)])
    forms = (DISTANCES, sparse.csr_array(DISTANCES), PointDistances(points, points))
    plan = allocation([1, 3], [1, 1, 1, 3])
    assert [
        PMedian(form, np.ones(4), 2).evaluate(allocation([1, 3], [1, 3, 1, 1]))
        for form in (DISTANCES, PointDistances(points, points))
    ] == [2.0 + 7.0 + 3.0 + 7.0] * 2
    assert PMedian(forms[0], np.ones(4), 2).evaluate(plan) == 5.0
    assert PMedian(forms[2], np.ones(4), 2).evaluate(plan) == 5.0
    # The diagonal is not stored in the pairs, so a client cannot be served where it stands.
    assert PMedian(forms[1], np.ones(4), 2).evaluate(plan) == math.inf


def test_the_matrix_stays_what_it_was() -> None:
    """Whoever gives a matrix finds it again."""
    problem = PMedian(DISTANCES, np.ones(4), 2)
    assert problem.distances is DISTANCES


def test_a_site_beyond_reach_is_named() -> None:
    """The message gives client, site, distance and reach."""
    problem = PMedian(DISTANCES, np.ones(4), 1, reach=np.full(4, 6.0))
    assert problem.violations(allocation([1], [1, 1, 1, 1])) == [
        "client 3 is served by site 1, 7 away and beyond its reach 6"
    ]
    assert problem.violations(allocation([2], [2, 2, 2, 2])) == []


def test_broken_rules_are_named() -> None:
    """Rules on the sites are checked with the rest."""
    rules = SiteRules(required=np.arange(4) == 0, apart=np.array([[1, 2]]))
    problem = PMedian(DISTANCES, np.ones(4), 2, rules=rules)
    assert problem.violations(allocation([1, 2], [1, 1, 2, 2])) == [
        "site 0 is required and closed",
        "sites 1 and 2 are open and too close to each other",
    ]


@pytest.mark.parametrize(
    ("reach", "message"),
    [
        (np.ones(3), r"reach has shape \(3,\), expected \(4,\)"),
        (np.array([1.0, -1.0, 1.0, 1.0]), r"reach\[1\] is -1.0; give a number >= 0"),
        (np.array([1.0, np.nan, 1.0, 1.0]), r"reach\[1\] is nan"),
    ],
)
def test_a_reach_that_is_none_is_refused(reach: np.ndarray, message: str) -> None:
    """The message names the client."""
    with pytest.raises(ValueError, match=message):
        PMedian(DISTANCES, np.ones(4), 2, reach=reach)


def test_rules_that_contradict_p_are_refused() -> None:
    """More required sites than p cannot be open."""
    with pytest.raises(ValueError, match="3 sites are required, but only 2 may be open"):
        PMedian(DISTANCES, np.ones(4), 2, rules=SiteRules(required=np.arange(4) < 3))
