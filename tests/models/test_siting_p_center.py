"""The p-center with weights, reach, capacities and rules: checks and formulations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.allocation import Allocation
from shequ.models.siting.p_center import PCenter, p_center_model, p_center_radius_model
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model

DISTANCES = np.array([[0.0, 3.0, 9.0], [2.0, 1.0, 5.0], [8.0, 4.0, 0.0]])


def plan(sites: list[int], site_of_client: list[int]) -> Allocation:
    """Allocation of the three clients."""
    return Allocation(np.isin(np.arange(3), sites), np.array(site_of_client))


def test_distances_are_weighed() -> None:
    """The objective is the largest weighted distance."""
    problem = PCenter(DISTANCES, 2, weights=np.array([1.0, 7.0, 1.0]))
    assert problem.evaluate(plan([0, 2], [0, 0, 2])) == 14.0


def test_a_client_beyond_reach_is_infinitely_far_and_named() -> None:
    """The reach is compared with the distance before it is weighed."""
    problem = PCenter(DISTANCES, 2, weights=np.zeros(3), reach=np.array([9.0, 1.0, 9.0]))
    detour = plan([0, 2], [0, 0, 2])
    assert problem.evaluate(detour) == np.inf
    assert problem.violations(detour) == ["client 1 is served by site 0, which does not reach it"]


def test_a_pair_that_is_not_stored_does_not_exist() -> None:
    """Stored zeros are distances of 0; pairs that are not stored can't be used."""
    pairs = sparse.csr_array(([0.0, 1.0, 5.0], ([0, 1, 2], [0, 0, 1])), shape=(3, 3))
    problem = PCenter(pairs, 2)
    assert problem.evaluate(plan([0, 1], [0, 0, 1])) == 5.0
    assert problem.evaluate(plan([0, 1], [0, 1, 1])) == np.inf


def test_a_site_over_capacity_is_named() -> None:
    """The message gives load and capacity."""
    problem = PCenter(DISTANCES, 2, demand=np.ones(3), capacity=np.array([1.0, 2.0, 2.0]))
    assert problem.violations(plan([0, 2], [0, 0, 2])) == [
        "site 0 serves 2, more than its capacity 1"
    ]


def test_rules_on_sites_are_checked() -> None:
    """A required site that is closed is named."""
    problem = PCenter(DISTANCES, 2, rules=SiteRules(required=np.array([False, True, False])))
    assert problem.violations(plan([0, 2], [0, 0, 2])) == ["site 1 is required and closed"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"weights": np.array([1.0, np.nan, 1.0])}, r"weights\[1\] is nan"),
        ({"reach": np.ones(2)}, r"reach has shape \(2,\)"),
        ({"demand": np.ones(3)}, "demand is given without capacity"),
        ({"capacity": np.ones(3)}, "capacity is given without demand"),
        ({"demand": np.ones(3), "capacity": np.array([1.0, -1.0, 1.0])}, r"capacity\[1\] is -1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(extra: dict[str, np.ndarray], message: str) -> None:
    """The message names the array and the place."""
    with pytest.raises(ValueError, match=message):
        PCenter(DISTANCES, 2, **extra)


def test_the_radius_formulation_refuses_capacities() -> None:
    """It knows which sites are open only."""
    problem = PCenter(DISTANCES, 2, demand=np.ones(3), capacity=np.ones(3))
    with pytest.raises(ValueError, match="has no capacities"):
        p_center_radius_model(problem)


@pytest.mark.parametrize("seed", range(30))
def test_both_formulations_agree_with_brute_force(seed: int) -> None:
    """Weights, reach and fewer sites than p; some problems have no plan."""
    rng = np.random.default_rng(seed)
    problem = PCenter(
        rng.integers(1, 20, (6, 5)).astype(float),
        2,
        weights=rng.integers(0, 4, 6).astype(float),
        reach=np.full(6, 13.0) if seed % 2 else None,
        rules=SiteRules(least=1, apart=np.array([[0, 1], [2, 3]]) if seed % 3 else None),
    )
    costs, best = problem.all_costs(), np.inf
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(range(5), k) for k in (1, 2)
    ):
        is_open = np.isin(np.arange(5), chosen)
        if not (problem.rules or SiteRules()).violations(is_open, p=2):
            best = min(best, costs[:, is_open].min(axis=1).max())
    for build in (p_center_model, p_center_radius_model):
        built = build(problem)
        result = solve_model(built.model)
        if np.isinf(best):
            assert result.status is Status.INFEASIBLE
            continue
        assert result.objective == pytest.approx(best)
        assert result.solution is not None
        solution = built.decode(result.solution)
        assert problem.violations(solution) == []
        assert built.model.violations(built.encode(solution)) == []


@pytest.mark.parametrize("seed", range(20))
def test_the_classical_formulation_keeps_capacities(seed: int) -> None:
    """Each client has one site, and no site serves more than it holds."""
    rng = np.random.default_rng(seed)
    problem = PCenter(
        rng.integers(1, 20, (4, 3)).astype(float),
        2,
        demand=rng.integers(1, 5, 4).astype(float),
        capacity=rng.integers(4, 10, 3).astype(float),
    )
    best = np.inf
    for sites in itertools.combinations(range(3), 2):
        for assigned in itertools.product(sites, repeat=4):
            found = plan(list(sites), list(assigned))
            if not problem.violations(found):
                best = min(best, problem.evaluate(found))
    result = solve_model(p_center_model(problem).model)
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
    else:
        assert result.objective == pytest.approx(best)
