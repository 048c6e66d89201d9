"""Station siting: the models and the engine against brute force."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from shequ.models.formulation import LinearModel
from shequ.models.siting.station import Siting, StationSiting
from shequ.models.siting.station_models import walking_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.engine import (
    cheapest_by_part,
    cheapest_siting,
    least_walking,
    most_served,
)
from shequ.optimize.siting.parts import independent_parts
from shequ.optimize.solvers import solve_lp


def city(seed: int, *, num_sites: int = 7, num_units: int = 9) -> StationSiting:
    """Two communities on a line, one existing station, candidates with costs."""
    rng = np.random.default_rng(seed)
    site_at = rng.uniform(0, 30, num_sites)
    unit_at = rng.uniform(0, 30, num_units)
    minutes = np.abs(site_at[:, None] - unit_at[None, :]) + 0.5
    near = np.where(minutes <= 8, minutes, 0.0)
    existing = np.arange(num_sites) == 0
    households = rng.integers(50, 200, num_units).astype(float)
    of_unit = (unit_at > 15).astype(np.int64)
    today = np.where(existing, 60.0, 0.0)
    problem = StationSiting(
        existing=existing,
        area_today_m2=today,
        min_area_m2=np.full(num_sites, 20.0),
        max_area_m2=np.where(existing, 90.0, rng.integers(80, 400, num_sites)),
        fixed_cost=np.where(existing, 0, rng.integers(5, 40, num_sites)).astype(float),
        cost_per_m2=rng.uniform(0.3, 1.0, num_sites),
        community_of_site=(site_at > 15).astype(np.int64),
        required=np.zeros(num_sites, dtype=bool),
        forbidden=np.zeros(num_sites, dtype=bool),
        residents=np.rint(households * 2.6),
        households=households,
        community_of_unit=of_unit,
        must_reach=np.ones(num_units, dtype=bool),
        minutes=sparse.csr_array(near),
        target_m2=0.5 * np.bincount(of_unit, households, 2),
    )
    return problem.attainable()


def decisions(problem: StationSiting) -> list[np.ndarray]:
    """Every set of open sites."""
    free = np.flatnonzero(problem.may_open)
    opens = []
    for choice in itertools.product((False, True), repeat=free.size):
        is_open = problem.fixed_open.copy()
        is_open[free] = choice
        opens.append(is_open)
    return opens


def cheapest_areas(problem: StationSiting, is_open: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Least cost of floor area for a set of open sites, by linear programming."""
    least = np.where(problem.existing, problem.area_today_m2, problem.min_area_m2)
    bounds = [
        (low, high) if o else (0, 0)
        for low, high, o in zip(least, problem.max_area_m2, is_open, strict=True)
    ]
    inside = (problem.community_of_site[None, :] == np.arange(2)[:, None]).astype(float)
    answer = linprog(problem.cost_per_m2, A_ub=-inside, b_ub=-problem.target_m2, bounds=bounds)
    if answer.status != 0:
        return None
    area = np.where(is_open, answer.x, 0.0)
    return problem.cost(Siting(is_open, area)), area


@pytest.mark.parametrize("seed", range(10))
def test_cheapest_plan_agrees_with_brute_force(seed: int) -> None:
    """The cost is the least over all sets of open sites, and the plan breaks no rule."""
    problem = city(seed)
    costs = []
    for is_open in decisions(problem):
        found = cheapest_areas(problem, is_open)
        if found and not problem.violations(Siting(is_open, found[1])):
            costs.append(found[0])
    result = cheapest_siting(problem, limits=Limits(seconds=30))
    assert result.status is Status.OPTIMAL, result
    assert result.objective == pytest.approx(min(costs), rel=1e-5)
    assert result.solution is not None
    assert problem.violations(result.solution) == []


@pytest.mark.parametrize("seed", range(10))
def test_least_walking_agrees_with_brute_force(seed: int) -> None:
    """Among the plans within the budget none walks less, with least costs of parts or without."""
    problem = city(seed)
    first, spending = cheapest_by_part(problem)
    assert first.solution is not None
    assert first.objective is not None
    budget = first.objective * 1.15
    walks = []
    for is_open in decisions(problem):
        found = cheapest_areas(problem, is_open)
        feasible = found and not problem.violations(Siting(is_open, found[1]))
        if found and feasible and found[0] <= budget * (1 + 1e-6):
            walks.append(problem.walking(Siting(is_open, found[1])))
    for known in (None, spending):
        result = least_walking(problem, first.solution, budget=budget, spending=known)
        assert result.status is Status.OPTIMAL, result
        assert result.objective == pytest.approx(min(walks), rel=1e-5)
        assert result.solution is not None
        assert problem.cost(result.solution) <= budget * (1 + 1e-5)


def test_least_costs_of_parts_add_up_and_tighten_the_budget() -> None:
    """They sum to the least cost, leave the plan that they come from in, and lift the bound."""
    lifted = 0
    for seed in range(10):
        problem = city(seed)
        first, spending = cheapest_by_part(problem)
        assert first.solution is not None
        assert first.objective is not None
        assert spending is not None
        assert spending.least.sum() == pytest.approx(first.objective, rel=1e-5)
        costs = np.bincount(spending.part, problem.site_costs(first.solution))
        assert (costs >= spending.least[: costs.size] * (1 - 1e-5)).all()
        budget = first.objective * 1.001
        tight = walking_model(problem, budget=budget, spending=spending)
        start = tight.start(problem, first.solution)
        assert violated(tight.model, start) == pytest.approx(0.0, abs=1e-4)
        bounds = [
            solve_lp(one.model).objective for one in (walking_model(problem, budget=budget), tight)
        ]
        assert None not in bounds
        assert bounds[1] >= bounds[0] * (1 - 1e-9)
        lifted += bounds[1] > bounds[0] * (1 + 1e-6)
    assert lifted


def violated(model: LinearModel, values: np.ndarray) -> float:
    """Return by how much values break a row or a bound of their column."""
    row = model.rows @ values
    over = [model.row_lower - row, row - model.row_upper, model.lower - values]
    return float(np.concatenate([*over, values - model.upper]).max(initial=0.0))


@pytest.mark.parametrize("seed", range(6))
def test_most_served_grows_with_the_budget_and_keeps_it(seed: int) -> None:
    """More money never serves fewer residents, and the budget holds."""
    problem = city(seed)
    served = []
    for budget in (0.0, 30.0, 80.0, 1e6):
        result = most_served(problem, budget=budget)
        assert result.status is Status.OPTIMAL, result
        assert result.solution is not None
        assert problem.cost(result.solution) <= budget + 1e-6
        assert problem.residents_served(result.solution) == pytest.approx(result.objective)
        served.append(result.objective)
    assert served == sorted(served)
    assert served[-1] == pytest.approx(problem.residents[problem.must_reach].sum(), rel=1e-3)


def test_siting_models_give_one_optimum_on_each_backend(solver_name: str) -> None:
    """The cheapest plan costs the same on every backend that takes floor area as it is."""
    if solver_name == "cp-sat":
        pytest.skip("floor area is continuous, CP-SAT takes integers only")
    problem = city(3)
    expected = cheapest_siting(problem).objective
    assert cheapest_siting(problem, solver=solver_name).objective == pytest.approx(expected)


def test_parts_share_no_site_and_cover_every_need() -> None:
    """Every community that lacks floor area lies in exactly one part."""
    problem = city(1)
    parts = independent_parts(problem)
    together = np.sum([part.sites.astype(int) for part in parts], axis=0)
    assert together.max() <= 1
    lacking = problem.target_m2 > problem.community_area(problem.today()) + 1e-9
    found = np.concatenate([part.communities for part in parts])
    assert set(np.flatnonzero(lacking)) <= set(found.tolist())


def test_impossible_rules_are_infeasible_and_lowered_exactly() -> None:
    """A target above all floor area is infeasible, and attainable once lowered."""
    problem = replace(city(2), target_m2=np.array([1e6, 10.0]))
    assert cheapest_siting(problem).status is Status.INFEASIBLE
    lowered = problem.attainable()
    most = problem.community_area(problem.everything())
    assert lowered.target_m2[0] == pytest.approx(most[0])
    assert cheapest_siting(lowered).status is Status.OPTIMAL


def test_required_sites_open_and_forbidden_ones_do_not() -> None:
    """Both kinds of wishes are kept."""
    base = city(4)
    required = np.zeros(base.num_sites, dtype=bool)
    required[3] = True
    problem = replace(base, required=required).attainable()
    result = cheapest_siting(problem)
    assert result.solution is not None
    assert result.solution.is_open[3]
    forbidden = replace(base, forbidden=required).attainable()
    result = cheapest_siting(forbidden)
    assert result.solution is not None
    assert not result.solution.is_open[3]


def test_required_sites_beyond_the_budget_are_refused() -> None:
    """The message says what the required sites cost."""
    base = city(4)
    problem = replace(base, required=~base.existing)
    with pytest.raises(ValueError, match="more than the budget"):
        most_served(problem, budget=1.0)
