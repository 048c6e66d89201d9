"""The steps of the p-median engine: lists, swaps, bound, core, tree; and harder random cases."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from shequ.instances.readers import orlib, tsplib
from shequ.instances.readers.optima import read_optima
from shequ.models.siting.distances import MatrixDistances, PointDistances
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.result import Reason, Status
from shequ.optimize.search import Search
from shequ.optimize.siting.classic.p_median import solve_p_median
from shequ.optimize.siting.classic.p_median.core import core_model
from shequ.optimize.siting.classic.p_median.dual import Dual
from shequ.optimize.siting.classic.p_median.dual_kernels import Steps
from shequ.optimize.siting.classic.p_median.near import Ground
from shequ.optimize.siting.classic.p_median.regions import (
    improve_regions,
    neighbours,
    up_to_open,
)
from shequ.optimize.siting.classic.p_median.starts import board_of, greedy_plan, improved
from shequ.optimize.siting.classic.p_median.state import Work
from shequ.optimize.solvers.checked import solve_model

NOBODY = np.empty((0, 2), dtype=np.int64)


def wild_problem(seed: int) -> PMedian:
    """Return distances of no metric, whose relaxation is far from the optimum, with rules."""
    rng = np.random.default_rng(seed)
    n, m, p = int(rng.integers(15, 40)), int(rng.integers(8, 13)), int(rng.integers(2, 6))
    distances = rng.integers(0, 30, (n, m)).astype(float)
    if seed % 3 == 0:
        distances = rng.random((n, m)) * 10
    weights = rng.integers(1, 5, n).astype(float)
    if seed % 2 == 0:
        return PMedian(distances, weights, p)
    draw = rng.permutation(m)
    rules = SiteRules(
        required=np.arange(m) == draw[0],
        forbidden=np.arange(m) == draw[1],
        least=1 if seed % 4 == 1 else None,
        apart=np.array([draw[2:4], draw[4:6]]) if seed % 5 == 0 else None,
    )
    reach = np.sort(distances, axis=1)[:, m - 3].copy() if seed % 7 == 0 else None
    return PMedian(distances, weights, p, reach=reach, rules=rules)


def least_cost(problem: PMedian) -> float:
    """Try every choice of at most p sites; infinite if none is feasible."""
    matrix, best = problem.reachable(), np.inf
    for size in range(1, problem.p + 1):
        for choice in itertools.combinations(range(problem.num_sites), size):
            is_open = np.isin(np.arange(problem.num_sites), choice)
            if not (problem.rules or SiteRules()).violations(is_open, p=problem.p):
                best = min(best, float(problem.weights @ matrix[:, choice].min(axis=1)))
    return best


def ground_of(points: np.ndarray, *, reach: float = np.inf) -> Ground:
    """Return points that are clients and sites, with weights 1, 2, ..."""
    size = len(points)
    return Ground(
        PointDistances(points, points),
        np.arange(1.0, size + 1),
        np.full(size, reach),
        np.arange(size),
        np.arange(size),
    )


@pytest.mark.parametrize("method", ["auto", "core", "tree"])
@pytest.mark.parametrize("seed", range(60))
def test_wild_distances_are_solved_to_the_optimum(seed: int, method: str) -> None:
    """Model, tree and single sites prove what brute force finds."""
    problem = wild_problem(seed)
    best = least_cost(problem)
    result = solve_p_median(problem, method=method, limits=Limits(60))
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best)
    assert result.solution is not None
    assert problem.violations(result.solution) == []


@pytest.mark.parametrize("length", [1, 4, 29, 30, 99])
def test_lists_hold_the_nearest_sites_and_what_is_beyond(length: int) -> None:
    """Costs are those of the nearest sites in order; the next one is beyond."""
    points = np.random.default_rng(3).random((30, 2))
    near = ground_of(points).lists(np.full(30, length))
    costs = np.sort(ground_of(points).distances.dense(), axis=1) * np.arange(1.0, 31)[:, None]
    for client in range(30):
        part = slice(near.first[client], near.first[client + 1])
        assert near.cost[part] == pytest.approx(costs[client, :length])
        expected = costs[client, length] if length < 30 else np.inf
        assert near.beyond[client] == pytest.approx(expected)


def test_a_reach_ends_a_list_for_good() -> None:
    """Nothing is beyond where the next site is out of reach."""
    points = np.column_stack([np.array([0.0, 1.0, 5.0]), np.zeros(3)])
    near = ground_of(points, reach=2.0).lists(np.array([3, 2, 1]))
    assert near.lengths.tolist() == [2, 2, 1]
    assert np.isinf(near.beyond).all()


def test_lengthened_lists_are_those_made_at_once() -> None:
    """Merging longer lists of some clients changes no other."""
    points = np.random.default_rng(4).random((40, 2))
    ground = ground_of(points)
    some = np.array([3, 7, 39])
    lengths = np.full(40, 5)
    short = ground.lists(lengths)
    merged = short.merged(some, ground.of_clients(some).lists(np.full(3, 11)))
    lengths[some] = 11
    whole = ground.lists(lengths)
    for one, other in zip(merged[:4], whole[:4], strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("seed", range(20))
def test_no_single_swap_improves_the_plan(seed: int) -> None:
    """The search ends in a plan that no exchange of two sites betters."""
    rng = np.random.default_rng(seed)
    distances = rng.random((30, 12))
    every = np.arange(30)
    ground = Ground(
        MatrixDistances(distances), np.ones(30), np.full(30, np.inf), every, np.arange(12)
    )
    board = board_of(ground.lists(np.full(30, 12)), np.zeros(12, dtype=np.int64), NOBODY)
    plan = improved(board, greedy_plan(board, 4), rounds=0, patience=0, seed=1)
    assert plan.sum() == 4
    cost = distances[:, plan].min(axis=1).sum()
    for closed, opened in itertools.product(np.flatnonzero(plan), np.flatnonzero(~plan)):
        other = plan.copy()
        other[[closed, opened]] = False, True
        assert distances[:, other].min(axis=1).sum() >= cost - 1e-9


def test_swaps_keep_the_rules() -> None:
    """Required sites stay open, and no two sites that are apart are open together."""
    rng = np.random.default_rng(8)
    points = rng.random((40, 2))
    state = np.zeros(40, dtype=np.int64)
    state[[0, 1]], state[[2, 3]] = 1, -1
    apart = np.array(
        [pair for pair in itertools.combinations(range(2, 40), 2) if sum(pair) % 5 < 2]
    )
    board = board_of(ground_of(points).lists(np.full(40, 40)), state, apart)
    start = greedy_plan(board, 6)
    plan = improved(board, start, rounds=300, patience=300, seed=5)
    assert plan.sum() == start.sum()
    assert plan[[0, 1]].all()
    assert not plan[[2, 3]].any()
    assert not plan[apart].all(axis=1).any()


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_is_below_the_optimum_and_keeps_its_plan(seed: int) -> None:
    """What is dropped below a cutoff just above the optimum leaves its plan in the core."""
    problem = wild_problem(2 * seed)
    best = least_cost(problem)
    n, m = problem.pairs.shape
    every = np.arange(n)
    ground = Ground(problem.pairs, problem.weights, np.full(n, np.inf), every, np.arange(m))
    dual = Dual.of(ground, required=np.zeros(m, dtype=bool), count=problem.p)
    dual.climb(best, steps=Steps(0.0))
    assert dual.bound <= best + 1e-6
    dual.reduce(best + 1e-3)
    core = core_model(dual.near, dual.state, least=problem.p, most=problem.p, apart=NOBODY)
    assert solve_model(core.model).objective == pytest.approx(best)


def test_short_lists_grow_to_the_optimum_of_a_large_case() -> None:
    """Points on demand with lists far shorter than the number of sites have the same optimum."""
    points = np.random.default_rng(12).random((300, 2)) * 1000
    problem = PMedian(PointDistances(points, points, rounding="floor"), np.ones(300), 12)
    result = solve_p_median(problem, limits=Limits(120))
    same = PMedian(problem.pairs.dense(), np.ones(300), 12)
    assert result.status is Status.OPTIMAL
    assert solve_p_median(same, method="core", limits=Limits(120)).objective == result.objective


@pytest.mark.parametrize("seed", range(8))
def test_regions_mend_a_poor_plan(seed: int) -> None:
    """From a random plan, regions that grow to the whole city find the optimum."""
    rng = np.random.default_rng(seed)
    points = rng.random((90, 2)) * 1000
    problem = PMedian(PointDistances(points, points, rounding="floor"), np.ones(90), 15)
    best = solve_p_median(problem, limits=Limits(60)).objective
    search = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=Limits(60, seed=seed),
        solver="highs",
        stop=None,
        listen=None,
        deadline=Deadline.after(60),
        is_whole=True,
    )
    work = Work.of(problem, search)
    work.dual.complete()
    work.offer(np.isin(np.arange(90), rng.choice(90, 15, replace=False)))
    poor = search.objective
    improve_regions(work, seconds=60)
    assert best < poor
    assert search.objective == best


def test_lists_end_at_the_first_site_that_stays_open() -> None:
    """What lies behind it never serves; the open sites next to each other are neighbours."""
    points = np.column_stack([np.arange(5.0), np.zeros(5)])
    near = ground_of(points).lists(np.full(5, 5))
    is_open = np.array([True, False, False, False, True])
    short = up_to_open(near, is_open)
    for client in range(5):
        part = near.site[near.first[client] : near.first[client + 1]]
        kept = short.site[short.first[client] : short.first[client + 1]]
        assert kept.tolist() == part[: kept.size].tolist()
        assert is_open[kept].tolist() == [False] * (kept.size - 1) + [True]
    beside = neighbours(near, is_open)
    assert (beside + beside.T).nonzero()[0].tolist() == [0, 4]


def test_a_client_that_no_site_reaches_is_named() -> None:
    """The detail says who it is before anything is solved."""
    problem = PMedian(np.array([[1.0, 2.0], [5.0, 6.0]]), np.ones(2), 1, reach=np.array([3.0, 4.0]))
    result = solve_p_median(problem)
    assert result.status is Status.INFEASIBLE
    assert "client 1" in result.detail


def test_a_stop_keeps_the_best_plan() -> None:
    """A run that is stopped at once has a plan, a bound below it, and says why it ended."""
    stop = Stop()
    stop.request()
    result = solve_p_median(wild_problem(2), stop=stop)
    assert (result.status, result.reason) == (Status.FEASIBLE, Reason.INTERRUPTED)
    assert result.bound is None or result.bound <= (result.objective or 0.0)


def test_the_listener_hears_better_and_better_news() -> None:
    """Objectives fall, bounds rise, and they do not cross."""
    heard: list[tuple[float | None, float | None]] = []
    solve_p_median(
        wild_problem(4), listen=lambda objective, bound: heard.append((objective, bound))
    )
    objectives = [objective for objective, _ in heard if objective is not None]
    bounds = [bound for _, bound in heard if bound is not None]
    assert objectives == sorted(objectives, reverse=True)
    assert bounds == sorted(bounds)
    assert bounds[-1] <= objectives[-1] + 1e-6


@pytest.mark.parametrize(
    ("name", "p"), [("pmed2", 10), ("pmed12", 10), ("pmed17", 10), ("pmed20", 133), ("pmed33", 70)]
)
def test_published_optima_of_graphs_are_proven(shared_data: Path, name: str, p: int) -> None:
    """Beasley's instances have his optima."""
    folder = shared_data / "siting"
    problem = orlib.read_p_median(folder / "pmedian_orlib" / f"{name}.txt")
    result = solve_p_median(problem)
    assert result.status is Status.OPTIMAL
    optima = read_optima(folder)
    assert result.objective == optima["pmedian", name, p].value


@pytest.mark.parametrize(("name", "p"), [("vm1748", 200), ("vm1748", 300)])
def test_published_optima_of_points_are_met(shared_data: Path, name: str, p: int) -> None:
    """Points of TSPLIB have the optima of Durán-Mateluna, Alès and Elloumi (2023)."""
    folder = shared_data / "siting"
    problem = tsplib.read_p_median(folder / "tsplib" / f"{name}.tsp", p=p)
    result = solve_p_median(problem)
    optima = read_optima(folder)
    assert result.objective == optima["pmedian_tsplib", name, p].value
