"""Several services that share sites: both models against brute force, and the rules in words."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from shequ.models.formulation import FloatArray
from shequ.models.siting.multi_service import MultiService, Offer, multi_service_model
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.classic.multi_service import multi_service_radius_model
from shequ.optimize.siting.classic.registry import solve_siting

LIMITS = Limits(60)


def random_problem(seed: int) -> MultiService:
    """Two or three services on three or four sites, with pairs out of reach and rules."""
    rng = np.random.default_rng(seed)
    services, sites = (3, 3) if seed % 3 == 0 else (2, 4)

    def costs() -> FloatArray:
        matrix = rng.integers(0, 20, (int(rng.integers(2, 6)), sites)).astype(float)
        matrix[rng.random(matrix.shape) < 0.2] = np.inf
        return matrix

    service_costs = rng.integers(0, 15, (services, sites)).astype(float)
    service_costs[rng.random(service_costs.shape) < 0.1] = np.inf
    rules = SiteRules(required=np.arange(sites) == 1, most=sites - 1) if seed % 4 == 0 else None
    limited = seed % 2 == 0
    return MultiService(
        [costs() for _ in range(services)],
        service_costs,
        rng.integers(0, 25, sites).astype(float),
        most=rng.integers(1, 3, services) if seed % 5 < 2 else None,
        needs=rng.integers(1, 5, services).astype(float) if limited else None,
        room=rng.integers(3, 9, sites).astype(float) if limited else None,
        rules=rules,
    )


def least_cost(problem: MultiService) -> float:
    """Try every offer; infinite if none is feasible."""
    shape, best = (problem.num_services, problem.num_sites), math.inf
    must = np.zeros(problem.num_sites, dtype=bool)
    if problem.rules is not None and problem.rules.required is not None:
        must = problem.rules.required
    for bits in itertools.product([False, True], repeat=shape[0] * shape[1]):
        offered = np.array(bits).reshape(shape)
        offer = Offer(offered.any(axis=0) | must, offered)
        if not problem.violations(offer):
            best = min(best, problem.evaluate(offer))
    return best


@pytest.mark.parametrize("method", ["auto", "textbook"])
@pytest.mark.parametrize("seed", range(40))
def test_the_least_cost_of_all_offers_is_found(seed: int, method: str) -> None:
    """Both models prove what brute force finds, or that there is nothing to find."""
    problem = random_problem(seed)
    best = least_cost(problem)
    result = solve_siting(problem, method=method, limits=LIMITS)
    if math.isinf(best):
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best)
    assert problem.violations(result.solution) == []
    for build in (multi_service_model, multi_service_radius_model):
        built = build(problem)
        values = built.encode(result.solution)
        assert built.model.evaluate(values) == pytest.approx(best)
        assert built.model.violations(values) == []


def test_a_shared_site_saves_what_a_second_one_costs() -> None:
    """Alone, each service would take its own best site; together they share one."""
    one, other = np.array([[1.0, 2.0]]), np.array([[2.0, 1.0]])
    free = np.zeros((2, 2))
    apart = solve_siting(MultiService([one, other], free, np.zeros(2)), limits=LIMITS)
    shared = solve_siting(MultiService([one, other], free, np.full(2, 5.0)), limits=LIMITS)
    assert (apart.objective, apart.solution.is_open.sum()) == (2.0, 2)
    assert (shared.objective, shared.solution.is_open.sum()) == (8.0, 1)


def test_one_service_with_a_number_of_sites_is_the_p_median_problem() -> None:
    """Nothing is shared, nothing costs anything: p sites serve at the least distance."""
    rng = np.random.default_rng(5)
    distances = rng.integers(1, 99, (40, 12)).astype(float)
    median = solve_siting(PMedian(distances, np.ones(40), 4), limits=LIMITS)
    problem = MultiService([distances], np.zeros((1, 12)), np.zeros(12), most=np.array([4]))
    assert solve_siting(problem, limits=LIMITS).objective == median.objective


def test_broken_rules_are_named() -> None:
    """Closed sites, services that cannot be offered, room, counts and clients without a site."""
    near = np.array([[1.0, np.inf], [1.0, 2.0]])
    problem = MultiService(
        [near, near],
        np.array([[0.0, np.inf], [0.0, 0.0]]),
        np.zeros(2),
        most=np.array([1, 1]),
        needs=np.array([60.0, 50.0]),
        room=np.array([100.0, 100.0]),
    )
    offer = Offer(np.array([True, False]), np.array([[True, True], [True, False]]))
    assert problem.violations(offer) == [
        "site 1 offers service 0 and is closed",
        "site 1 offers service 0, which it cannot",
        "2 sites offer service 0, at most 1 may",
        "site 0 needs 110 m² and has 100",
    ]
    nothing = Offer(np.array([True, True]), np.array([[True, False], [False, True]]))
    assert problem.violations(nothing) == ["client 0 has no site of service 1"]


def test_clients_out_of_reach_are_named_before_any_solve() -> None:
    """The detail gives the service and the clients."""
    near = np.array([[1.0, 1.0], [np.inf, 1.0]])
    problem = MultiService([near, near], np.array([[0.0, 0.0], [0.0, np.inf]]), np.zeros(2))
    result = solve_siting(problem, limits=LIMITS)
    assert result.status is Status.INFEASIBLE
    assert result.detail == "1 clients of service 1 are in reach of no site: 1"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"service_costs": np.zeros((1, 2))},
            r"service_costs has shape \(1, 2\), expected \(2, 2\)",
        ),
        ({"site_costs": np.array([1.0, -1.0])}, r"site_costs\[1\] is -1.0"),
        ({"costs": [np.ones((2, 2)), np.ones((2, 3))]}, r"costs\[1\] has shape \(2, 3\)"),
        ({"costs": []}, "costs is empty"),
        ({"needs": np.ones(2)}, "needs and room belong together"),
        ({"most": np.ones(3, dtype=np.int64)}, r"most has shape \(3,\), expected \(2,\)"),
        (
            {"costs": [np.ones((2, 2)), np.array([[1.0, np.nan]])]},
            r"costs\[1\]\[0, 1\] is nan",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(fields: dict[str, object], message: str) -> None:
    """The message names the array and what was expected."""
    given = {
        "costs": [np.ones((2, 2)), np.ones((3, 2))],
        "service_costs": np.zeros((2, 2)),
        "site_costs": np.zeros(2),
    }
    with pytest.raises(ValueError, match=message):
        MultiService(**{**given, **fields})  # type: ignore[arg-type]
