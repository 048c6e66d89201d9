"""The p-center engine against brute force, textbook models and published optima."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.allocation import Allocation
from shequ.models.siting.distances import PointDistances
from shequ.models.siting.p_center import PCenter
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.result import Reason, Status
from shequ.optimize.search import Search
from shequ.optimize.siting.classic.p_center import METHODS, radius_search, solve_p_center
from shequ.optimize.siting.classic.p_center.cover import CoverQuestion
from shequ.optimize.siting.classic.p_center.reductions import lines_of


def random_problem(seed: int) -> PCenter:
    """Nine clients and seven sites; each seed another mix of weights, reach, rules and forms."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(1, 30, (9, 7)).astype(float)
    if rng.random() < 0.5:
        distances = rng.random((9, 7)) * 10
    kinds = rng.random(6) < 0.4
    order = rng.permutation(7)
    rules = SiteRules(
        required=order < 2 if kinds[0] else None,
        forbidden=order > 4 if kinds[1] else None,
        least=1 if kinds[2] else None,
    )
    problem = PCenter(
        distances,
        p=3,
        weights=rng.integers(0, 4, 9).astype(float) if kinds[3] else None,
        reach=np.full(9, 0.7 * distances.max()) if kinds[4] else None,
        rules=rules,
    )
    if not kinds[5]:
        return problem
    within = np.where(distances <= 0.8 * distances.max(), distances, 0.0)
    return replace(problem, distances=sparse.csr_array(within))


def choices(problem: PCenter) -> Iterator[np.ndarray]:
    """Every choice of sites that keeps the rules."""
    for size in range(problem.p + 1):
        for chosen in itertools.combinations(range(problem.num_sites), size):
            is_open = np.isin(np.arange(problem.num_sites), chosen)
            if not (problem.rules or SiteRules()).violations(is_open, p=problem.p):
                yield is_open


def least_radius(problem: PCenter) -> float:
    """Try every choice of sites, and every assignment if there are capacities."""
    costs = problem.all_costs()
    best = np.inf
    for is_open in choices(problem):
        sites = np.flatnonzero(is_open)
        if problem.capacity is None or problem.demand is None:
            best = min(best, costs[:, sites].min(axis=1).max() if sites.size else np.inf)
            continue
        for assigned in itertools.product(sites, repeat=problem.num_clients):
            loads = np.bincount(assigned, problem.demand, minlength=problem.num_sites)
            if (loads <= problem.capacity).all():
                best = min(best, costs[np.arange(problem.num_clients), assigned].max())
    return float(best)


def assert_solved(problem: PCenter, method: str = "auto") -> None:
    """Expect the least radius with its proof, or the proof that there is none."""
    result, expected = solve_p_center(problem, method=method), least_radius(problem)
    if not np.isfinite(expected):
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert problem.evaluate(result.solution) == result.objective
    assert result.objective == pytest.approx(expected, abs=1e-9)
    assert result.bound == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(300))
def test_the_engine_agrees_with_brute_force(seed: int) -> None:
    """Weights, reach, required and forbidden sites, matrices and pairs within reach."""
    assert_solved(random_problem(seed))


@pytest.mark.parametrize("seed", range(60))
def test_sites_that_are_too_close_are_kept_apart(seed: int) -> None:
    """With pairs of which one may be open, the count of open sites can be out of reach."""
    rng = np.random.default_rng(seed)
    problem = random_problem(seed)
    apart = rng.integers(0, 7, (rng.integers(1, 12), 2))
    apart = apart[apart[:, 0] != apart[:, 1]]
    rules = replace(problem.rules or SiteRules(), required=None, apart=apart)
    assert_solved(replace(problem, rules=rules))


@pytest.mark.parametrize("seed", range(60))
def test_capacities_are_kept(seed: int) -> None:
    """Each of five clients has one of four sites, none of which serves more than it holds."""
    rng = np.random.default_rng(seed)
    problem = PCenter(
        rng.integers(1, 20, (5, 4)).astype(float),
        p=2 + seed % 2,
        weights=rng.integers(1, 4, 5).astype(float) if seed % 3 else None,
        demand=rng.integers(0, 6, 5).astype(float),
        capacity=rng.integers(3, 14, 4).astype(float),
    )
    assert_solved(problem)


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_agree(method: str) -> None:
    """Every method proves the least radius of the same problems."""
    for seed in range(6):
        assert_solved(random_problem(seed), method)


@pytest.mark.parametrize("rounding", [None, "floor", "nearest", "ceiling"])
def test_points_and_their_matrix_have_one_optimum(rounding: None) -> None:
    """Clients are kept few by few where distances are worked out on demand."""
    points = np.random.default_rng(5).random((2500, 2)) * 1000
    on_demand = PointDistances(points, points[:1700], rounding)
    result = solve_p_center(PCenter(on_demand, 4))
    matrix = solve_p_center(PCenter(on_demand.dense(), 4))
    assert result.status is matrix.status is Status.OPTIMAL
    assert result.objective == pytest.approx(matrix.objective)


@pytest.mark.parametrize("rounding", [None, "nearest"])
@pytest.mark.parametrize("seed", range(8))
def test_few_kept_clients_agree_with_the_radius_formulation(
    monkeypatch: pytest.MonkeyPatch, seed: int, rounding: None
) -> None:
    """Clients are kept one by one and sites ruled out on the way; the optimum is the textbook's."""
    monkeypatch.setattr(radius_search, "ALL_KEPT", 0)
    monkeypatch.setattr(radius_search, "FEWEST_KEPT", 1)
    monkeypatch.setattr(radius_search, "KEPT_PER_SITE", 1)
    rng = np.random.default_rng(seed)
    points = rng.random((28, 2)) * 1000
    problem = PCenter(
        PointDistances(points, points[:22], rounding),
        p=3 + seed,
        weights=rng.integers(1, 4, 28).astype(float) if seed % 2 else None,
    )
    result, textbook = solve_p_center(problem), solve_p_center(problem, method="radius")
    assert result.status is textbook.status is Status.OPTIMAL
    assert result.objective == pytest.approx(textbook.objective)
    assert result.bound == pytest.approx(textbook.objective)


@pytest.mark.parametrize("seed", range(40))
def test_columns_ruled_out_are_in_no_cover(seed: int) -> None:
    """Every choice of p columns that covers all rows leaves them out."""
    rng = np.random.default_rng(seed)
    covers = rng.random((12, 10)) < 0.35
    limits = Limits()
    search = Search[Allocation](
        violations=lambda _: [], evaluate=lambda _: 0.0, limits=limits, solver="highs",
        deadline=Deadline.after(limits.seconds),
    )  # fmt: skip
    p = 3 + seed % 2
    question = CoverQuestion(covers, p=p, solver="highs", search=search)
    question.quickly()
    for chosen in itertools.combinations(range(10), p):
        if covers[:, list(chosen)].any(axis=1).all():
            assert not question.hopeless[list(chosen)].any()


def test_lines_list_the_ones_of_a_matrix() -> None:
    """Members, sizes and bits of rows and columns, over more than one word."""
    matrix = np.random.default_rng(4).random((70, 130)) < 0.2
    for lines, dense in zip(lines_of(matrix), (matrix, matrix.T), strict=True):
        for line, ones in enumerate(dense):
            members = lines.members[lines.start[line] : lines.start[line + 1]]
            assert members.tolist() == np.flatnonzero(ones).tolist()
            assert lines.size[line] == ones.sum()
            bits = [int(lines.bits[line, at // 64]) >> (at % 64) & 1 for at in range(ones.size)]
            assert bits == ones.astype(int).tolist()


def test_a_client_out_of_reach_is_named() -> None:
    """Such a problem has no plan, and the message says for whom."""
    problem = PCenter(np.array([[1.0, 9.0], [9.0, 9.0]]), 1, reach=np.array([5.0, 5.0]))
    result = solve_p_center(problem)
    assert result.status is Status.INFEASIBLE
    assert result.detail == "client 1 is reached by no site that may open"


def test_too_little_capacity_is_told() -> None:
    """The message says by how much, before any solve."""
    problem = PCenter(np.ones((2, 2)), 1, demand=np.full(2, 3.0), capacity=np.full(2, 4.0))
    result = solve_p_center(problem)
    assert result.status is Status.INFEASIBLE
    assert result.detail == "the 1 largest sites hold 2 too little"


def test_a_stopped_search_keeps_its_plan() -> None:
    """The status is feasible, with a plan that keeps the rules and a bound below it."""
    points = np.random.default_rng(1).random((400, 2))
    stop = Stop()
    problem = PCenter(PointDistances(points, points), 20)

    def listen(objective: float | None, bound: float | None) -> None:
        del bound
        if objective is not None:
            stop.request()

    result = solve_p_center(problem, stop=stop, listen=listen)
    assert (result.status, result.reason) == (Status.FEASIBLE, Reason.INTERRUPTED)
    assert isinstance(result.solution, Allocation)
    assert problem.violations(result.solution) == []


def test_an_unknown_method_is_refused() -> None:
    """The message lists those that exist."""
    with pytest.raises(ValueError, match="give one of auto, cover, assignment, textbook, radius"):
        solve_p_center(PCenter(np.ones((2, 2)), 1), method="guess")


def test_covering_refuses_capacities() -> None:
    """A method that would break a rule is not run."""
    problem = PCenter(np.ones((2, 2)), 1, demand=np.ones(2), capacity=np.full(2, 4.0))
    with pytest.raises(ValueError, match="knows neither capacities"):
        solve_p_center(problem, method="cover")


def test_the_same_seed_gives_the_same_plan() -> None:
    """Two runs open the same sites."""
    points = np.random.default_rng(2).random((3000, 2)) * 100
    problem = PCenter(PointDistances(points, points, "nearest"), 5)
    plans = [solve_p_center(problem, limits=Limits(seed=3)).solution for _ in range(2)]
    assert plans[0] is not None
    assert plans[1] is not None
    assert np.array_equal(plans[0].is_open, plans[1].is_open)
