"""Districting of many units: bounds against brute force, fixed centres against a MIP, plans."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from shequ.benchmarks.checks.large_districting import check_large
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.hess import hess_model
from shequ.models.districting.inexact import inexact_model
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import FloatArray
from shequ.optimize.districting.large import solve_large
from shequ.optimize.districting.large.allocation import (
    Power,
    allocate,
    make_sites,
    merge_sites,
    start_power,
)
from shequ.optimize.districting.large.bound import free_centre_bound
from shequ.optimize.districting.large.columns import evaluate_columns, spatial_groups
from shequ.optimize.districting.large.dual import make_ground
from shequ.optimize.districting.large.fixed import solve_fixed_centres
from shequ.optimize.districting.large.rounding import connected_plan, settle
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Result, Status
from shequ.optimize.solvers import solve_model


def small(seed: int, *, units: int = 12, districts: int = 3, tolerance: float = 0.2) -> Districting:
    """Return a small problem with households beside residents, and uneven masses."""
    problem, _ = voronoi_districting(units, districts, seed=seed, tolerance=tolerance)
    rng = np.random.default_rng(seed)
    households = np.rint(problem.weights[:, 0] / rng.uniform(2, 3, units))
    mean = households.sum() / districts
    return replace(
        problem,
        weights=np.stack([problem.weights[:, 0], households], axis=1),
        lower=np.array([problem.lower[0], 0.7 * mean]),
        upper=np.array([problem.upper[0], 1.3 * mean]),
        mass=problem.mass * rng.uniform(0.5, 1.5, units) * (rng.random(units) > 0.1),
        inertia=rng.uniform(0, 1e6, units),
    )


def never(share: float) -> bool:
    """Say that the time is never up."""
    return share < 0


def hess_optimum(problem: Districting) -> Result[FloatArray]:
    """Solve the Hess model with all pairs, without contiguity."""
    everything = np.ones((problem.num_nodes, problem.num_nodes), dtype=bool)
    return solve_model(hess_model(problem, everything).model, limits=Limits(seconds=20))


@pytest.mark.parametrize("seed", range(24))
def test_no_plan_is_below_the_bound(seed: int) -> None:
    """The bound for free centres never exceeds the optimum of the Hess model, connected or not."""
    problem = small(seed)
    exact = hess_optimum(problem)
    plan = np.arange(problem.num_nodes) % problem.num_districts
    told: list[float] = []
    bound = free_centre_bound(problem, plan, over=never, found=told.append)
    assert np.isfinite(bound.value)
    assert told[-1] == bound.value
    if exact.status is Status.OPTIMAL:
        assert exact.objective is not None
        assert bound.value <= exact.objective * (1 + 1e-9)
    else:
        assert exact.status is Status.INFEASIBLE


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_near_the_optimum(seed: int) -> None:
    """On 40 units in 2 districts the bound is within five per cent of the proven optimum."""
    problem, _ = voronoi_districting(40, 2, seed=seed)
    exact = hess_optimum(problem)
    assert exact.objective is not None
    bound = free_centre_bound(problem, np.arange(40) % 2, over=never)
    assert 0.95 * exact.objective <= bound.value <= exact.objective * (1 + 1e-9)


def knapsack(keys: FloatArray, weights: FloatArray, lower: float, upper: float) -> float:
    """Least sum of weight times key over fractions of items, by sorting."""
    total, load = 0.0, 0.0
    for i in np.argsort(keys):
        room = upper - load if keys[i] < 0 else lower - load
        part = min(weights[i], max(0.0, room))
        total, load = total + part * keys[i], load + part
    return total


@pytest.mark.parametrize("seed", range(10))
def test_columns_are_continuous_knapsacks(seed: int) -> None:
    """The least reduced cost at each centre is that of a knapsack that is sorted and filled."""
    ground = make_ground(voronoi_districting(80, 4, seed=seed)[0])
    field = ground.field
    rng = np.random.default_rng(seed)
    potential = rng.uniform(0, 1.2, 80)
    columns = evaluate_columns(field, potential, ground.centres, np.full(80, 0.01))
    for centre, value in zip(ground.centres, columns.values, strict=True):
        away = np.square(field.point - centre).sum(axis=1)
        keys = field.stiffness * away - potential
        expected = knapsack(keys, field.weight, field.lower, field.upper)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("count", [1, 24, 25, 1000])
def test_spatial_groups_hold_every_point_once(count: int) -> None:
    """Groups are small and part the points."""
    order, first = spatial_groups(np.random.default_rng(3).random((count, 2)), 24)
    assert np.array_equal(np.sort(order), np.arange(count))
    assert np.diff(first).max() <= 24
    assert first[-1] == count


def test_merged_units_keep_the_moment() -> None:
    """Merging units changes no moment of whole groups about any point."""
    sites = make_sites(voronoi_districting(90, 3, seed=4)[0])
    merged = merge_sites(sites, np.arange(90) // 9)
    about = np.array([0.3, 0.7])
    fine = sites.mass @ np.square(sites.point - about).sum(axis=1) + sites.inertia
    coarse = merged.mass @ np.square(merged.point - about).sum(axis=1) + merged.inertia
    assert coarse == pytest.approx(fine)


def diagram(problem: Districting, seed: int) -> tuple[Power, np.ndarray]:
    """Return prices for some units as centres, and these units."""
    sites = make_sites(problem)
    rng = np.random.default_rng(seed)
    seats = rng.choice(problem.num_nodes, problem.num_districts, replace=False)
    power = start_power(sites, np.ascontiguousarray(problem.centre[seats] / 1e3))
    return allocate(sites, power, 200, follow=False), seats


@pytest.mark.parametrize("seed", range(12))
def test_prices_bound_the_plans_with_fixed_centres(seed: int) -> None:
    """The value of a diagram is not above the optimum of the MIP without contiguity, and near."""
    problem = small(seed, units=40)
    power, seats = diagram(problem, seed)
    model = inexact_model(replace(problem, inertia=problem.inertia), seats, contiguity="none")
    result = solve_model(model.model, limits=Limits(seconds=20))
    if result.status is Status.OPTIMAL:
        assert result.objective is not None
        assert power.value <= result.objective * (1 + 1e-6)
        assert power.value >= 0.9 * result.objective


@pytest.mark.parametrize("seed", range(12))
def test_fixed_centres_agree_with_the_whole_model(seed: int) -> None:
    """The optimum on the pairs near the borders is that of the DAG model on all pairs."""
    problem, _ = voronoi_districting(80, 3, seed=seed, tolerance=0.05)
    sites = make_sites(problem)
    power, seats = diagram(problem, seed)
    raw = connected_plan(problem, sites, power)
    assert raw is not None
    plan = settle(problem, sites, power, raw)
    model = inexact_model(problem, seats)
    whole = solve_model(model.model, limits=Limits(seconds=20))
    costs = problem.costs_to(seats)
    if problem.violations(plan) or whole.objective is None:
        pytest.skip("no start, or no plan with these centres")
    known = costs[np.arange(80), plan].sum()
    fixed = solve_fixed_centres(
        problem, sites, power, seats, plan, solver="highs", limits=Limits(seconds=20)
    )
    assert fixed.proven
    assert fixed.bound <= whole.objective * (1 + 1e-6)
    reached = known
    if fixed.plan is not None:
        assert problem.violations(fixed.plan) == []
        reached = min(known, costs[np.arange(80), fixed.plan].sum())
    assert reached <= whole.objective * (1 + 1e-6)


@pytest.mark.parametrize("tolerance", [0.05, 0.01])
def test_plans_keep_every_rule(tolerance: float) -> None:
    """A plan is connected and balanced, its objective recomputed, its bound below."""
    problem, _ = voronoi_districting(800, 5, seed=2, tolerance=tolerance)
    told: list[tuple[float | None, float | None]] = []
    result = solve_large(
        problem, limits=Limits(seconds=2.5), listen=lambda *pair: told.append(pair)
    )
    assert result.status is Status.FEASIBLE
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert result.objective == pytest.approx(problem.evaluate(result.solution))
    assert result.gap is not None
    assert result.gap < 0.05
    assert told[-1] == (result.objective, result.bound)
    assert "holds for all plans" in result.detail


def test_several_weights_are_balanced() -> None:
    """Every weight of every district is within its bounds."""
    problem = small(5, units=600, districts=4, tolerance=0.03)
    result = solve_large(problem, limits=Limits(seconds=2))
    assert result.solution is not None
    totals = problem.totals(result.solution)
    assert (totals >= problem.lower).all()
    assert (totals <= problem.upper).all()


def test_nodes_are_kept_apart() -> None:
    """A pair that must not share a district does not."""
    problem, _ = voronoi_districting(200, 2, seed=3)
    pair = problem.edges[:1]
    result = solve_large(
        replace(problem, rules=DistrictRules(apart=pair)), limits=Limits(seconds=2)
    )
    assert result.solution is not None
    one, other = result.solution[pair[0]]
    assert one != other


def test_small_gaps_end_the_search() -> None:
    """The search ends when the gap is as small as was asked for."""
    problem, _ = voronoi_districting(300, 2, seed=1)
    result = solve_large(problem, limits=Limits(seconds=30, gap=0.05))
    assert result.reason is Reason.GAP
    assert result.gap is not None
    assert result.gap <= 0.05


def test_benchmarks_recompute_the_objective() -> None:
    """The check in plain loops finds the objective, and nothing broken."""
    problem = small(7, units=200, districts=2, tolerance=0.1)
    result = solve_large(problem, limits=Limits(seconds=1))
    assert result.solution is not None
    value, broken = check_large(problem, result.solution)
    assert broken == []
    assert value == pytest.approx(result.objective)


def test_a_stop_keeps_the_best() -> None:
    """A request to stop that came before all else still yields a plan."""
    stop = Stop()
    stop.request()
    problem, _ = voronoi_districting(300, 3, seed=1)
    result = solve_large(problem, limits=Limits(seconds=30), stop=stop)
    assert result.reason is Reason.INTERRUPTED
    assert result.bound is None


def test_one_district_is_all() -> None:
    """One district holds everything and is proven."""
    problem, _ = voronoi_districting(50, 1, seed=1)
    result = solve_large(problem)
    assert result.status is Status.OPTIMAL


def test_conflicts_are_told() -> None:
    """A unit that is too heavy for any district is named."""
    problem, _ = voronoi_districting(50, 2, seed=1)
    heavy = problem.weights.copy()
    heavy[7] = 10 * problem.upper
    result = solve_large(replace(problem, weights=heavy))
    assert result.status is Status.INFEASIBLE
    assert "node 7" in result.detail


def test_rules_that_name_districts_are_refused() -> None:
    """Locks, seats and the like, and cost matrices, are refused with what to do."""
    problem, _ = voronoi_districting(50, 2, seed=1)
    rules = DistrictRules(seats=np.array([3, -1]))
    with pytest.raises(ValueError, match="rules name districts"):
        solve_large(replace(problem, rules=rules))
    with pytest.raises(ValueError, match="cost_matrix"):
        solve_large(replace(problem, cost_matrix=problem.costs))


def test_no_array_has_units_times_units_entries() -> None:
    """Plan and bound of 2,500 units stay below the 50 MB of one square array."""
    problem, _ = voronoi_districting(2500, 4, seed=1)
    solve_large(voronoi_districting(300, 4, seed=1)[0], limits=Limits(seconds=2))
    tracemalloc.start()
    try:
        solve_large(problem, limits=Limits(seconds=2.5))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2500**2
