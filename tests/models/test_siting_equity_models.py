"""Centdian, ordered median, worst share and largest share against all choices of sites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from shequ.models.siting.allocation import Allocation, AllocationModel, closest_allocation
from shequ.models.siting.centdian import Centdian, centdian_model
from shequ.models.siting.closest_sites import ClosestSites
from shequ.models.siting.equity import (
    LargestShare,
    WorstShare,
    largest_share_model,
    worst_share_model,
)
from shequ.models.siting.ordered_median import OrderedMedian, k_centrum, ordered_median_model
from shequ.models.siting.p_center import PCenter
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.result import Status
from shequ.optimize.siting.classic.textbook import solve_textbook

Build = Callable[[Any], AllocationModel[Allocation]]


def draw(seed: int) -> tuple[dict[str, Any], np.random.Generator]:
    """Draw distances, p, and now and then a reach or rules."""
    rng = np.random.default_rng(seed)
    num_clients, num_sites = int(rng.integers(2, 6)), int(rng.integers(2, 5))
    given: dict[str, Any] = {
        "distances": rng.integers(0, 12, (num_clients, num_sites)).astype(float),
        "p": int(rng.integers(1, num_sites + 1)),
    }
    if seed % 3 == 0:
        given["reach"] = rng.integers(3, 12, num_clients).astype(float)
    if seed % 4 == 0:
        forbidden = np.zeros(num_sites, dtype=bool)
        forbidden[rng.integers(num_sites)] = True
        given["p"] = min(given["p"], num_sites - 1)
        given["rules"] = SiteRules(forbidden=forbidden, least=1)
    return given, rng


def weights(given: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Draw weights of which some may be 0."""
    drawn = rng.integers(0, 5, len(given["distances"])).astype(float)
    drawn[0] += 1
    return drawn


def centdian(seed: int) -> tuple[Centdian, Build]:
    """Return a random problem and its formulation."""
    given, rng = draw(seed)
    share = float(rng.choice([0.0, 0.3, 1.0]))
    return Centdian(**given, weights=weights(given, rng), centre_share=share), centdian_model


def ordered(seed: int) -> tuple[OrderedMedian, Build]:
    """Return a random problem and its formulation."""
    given, rng = draw(seed)
    factors = np.sort(rng.integers(0, 4, len(given["distances"]))).astype(float)
    return OrderedMedian(**given, factors=factors), ordered_median_model


def worst(seed: int) -> tuple[WorstShare, Build]:
    """Return a random problem and its formulation."""
    given, rng = draw(seed)
    share = float(rng.choice([0.05, 0.4, 1.0]))
    return WorstShare(**given, weights=weights(given, rng), share=share), worst_share_model


def largest(seed: int) -> tuple[LargestShare, Build]:
    """Return a random problem and its formulation."""
    given, rng = draw(seed)
    return LargestShare(**given, weights=weights(given, rng)), largest_share_model


def choices(problem: ClosestSites) -> Iterator[Allocation]:
    """All allocations that can be best: closest ones, or every one where loads count."""
    distances = problem.reachable()
    for count in range(1, problem.num_sites + 1):
        for sites in combinations(range(problem.num_sites), count):
            is_open = np.isin(np.arange(problem.num_sites), sites)
            if isinstance(problem, LargestShare):
                for way in product(sites, repeat=problem.num_clients):
                    yield Allocation(is_open, np.array(way))
            else:
                yield closest_allocation(distances, is_open)


@pytest.mark.parametrize("make", [centdian, ordered, worst, largest])
@pytest.mark.parametrize("seed", range(30))
def test_formulations_find_the_best_of_all_choices(
    make: Callable[[int], tuple[Any, Build]], seed: int
) -> None:
    """Each formulation is as good as the best allocation, with reach and rules or without."""
    problem, build = make(seed)
    values = [problem.evaluate(one) for one in choices(problem) if not problem.violations(one)]
    result = solve_textbook(problem, build)
    if not values:
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL, result.detail
    assert result.objective == pytest.approx(min(values), abs=1e-6)
    assert problem.violations(result.solution) == []


@pytest.mark.parametrize("make", [centdian, ordered, worst, largest])
@pytest.mark.parametrize("seed", range(1, 12, 2))
def test_a_written_solution_has_its_objective(
    make: Callable[[int], tuple[Any, Build]], seed: int
) -> None:
    """Columns that stand for a solution keep all rows and cost what the problem says."""
    problem, build = make(seed)
    problem = replace(problem, reach=None, rules=None)
    formulation = build(problem)
    is_open = np.arange(problem.num_sites) < problem.p
    allocation = closest_allocation(problem.reachable(), is_open)
    values = formulation.encode(allocation)
    assert formulation.model.violations(values) == []
    assert formulation.model.evaluate(values) == pytest.approx(problem.evaluate(allocation))


@pytest.mark.parametrize("seed", range(1, 10, 2))
def test_the_ends_are_p_median_and_p_center(seed: int) -> None:
    """λ = 0 and 1, and k = n and 1, are the problems between which these lie."""
    given, rng = draw(seed)
    distances, p = given["distances"], given["p"]
    weight, count = weights(given, rng), len(distances)
    is_open = np.arange(distances.shape[1]) < p
    way = closest_allocation(distances, is_open)
    median = PMedian(distances, weight, p).evaluate(way) / weight.sum()
    centre = PCenter(distances, p).evaluate(way)
    common = {"distances": distances, "p": p}
    assert Centdian(**common, weights=weight, centre_share=0).evaluate(way) == pytest.approx(median)
    assert Centdian(**common, weights=weight, centre_share=1).evaluate(way) == centre
    total = PMedian(distances, np.ones(count), p).evaluate(way)
    assert OrderedMedian(**common, factors=k_centrum(count, k=count)).evaluate(way) == total
    assert OrderedMedian(**common, factors=k_centrum(count, k=1)).evaluate(way) == centre
    assert WorstShare(**common, weights=weight, share=1).evaluate(way) == pytest.approx(median)
    assert WorstShare(**common, share=1e-6).evaluate(way) == pytest.approx(centre)


SQUARE = np.ones((3, 2))
BAD: dict[str, tuple[Callable[[], object], str]] = {
    "a share above 1": (
        lambda: Centdian(distances=SQUARE, p=1, centre_share=1.5),
        "centre_share is 1.5; give a share from 0 to 1",
    ),
    "falling factors": (
        lambda: OrderedMedian(distances=SQUARE, p=1, factors=np.array([1.0, 2.0, 0.0])),
        r"factors\[2\] is 0.0, less than 2.0 before it",
    ),
    "weights of an ordered median": (
        lambda: OrderedMedian(distances=SQUARE, p=1, factors=np.ones(3), weights=np.ones(3)),
        "counts each client once",
    ),
    "a k above the clients": (lambda: k_centrum(3, k=4), "k = 4 of 3 clients; give 1..3"),
    "nobody": (lambda: WorstShare(distances=SQUARE, p=1, share=0), "share is 0; give a share"),
    "no weight": (
        lambda: LargestShare(distances=SQUARE, p=1, weights=np.zeros(3)),
        "weights are all 0",
    ),
    "a p above the sites": (lambda: LargestShare(distances=SQUARE, p=3), "p = 3 of 2 sites"),
    "a distance of nobody": (
        lambda: LargestShare(distances=np.full((2, 2), np.nan), p=1).pairs,
        r"distances\[0, 0\] is nan",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_arrays_that_make_no_sense_are_refused(name: str) -> None:
    """The message names the array, the value and what to give."""
    make, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        make()


def test_a_client_out_of_reach_breaks_a_rule() -> None:
    """Who is served beyond its reach is named, and the objective is infinite."""
    problem = Centdian(
        distances=np.array([[5.0, 1.0]]), p=1, centre_share=0.5, reach=np.array([2.0])
    )
    far = Allocation(np.array([True, False]), np.array([0]))
    assert problem.violations(far) == ["client 0 is served by site 0, which is out of its reach"]
    assert problem.evaluate(far) == np.inf
