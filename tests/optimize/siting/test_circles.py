"""Circles in phases against plain enumeration, and what the engine promises."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.circles import NEVER, CheapestCircles, CircleGround, PhasedCircles, Room
from shequ.models.siting.circles_model import cheapest_circles_model, circles_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting import circles
from shequ.optimize.siting.circles import METHODS, solve_circles
from shequ.optimize.siting.circles_cheapest import solve_cheapest_circles
from shequ.optimize.siting.circles_core import reduced
from shequ.optimize.siting.circles_counts import counting_bound
from shequ.optimize.siting.circles_pairs import pair_bound
from shequ.optimize.solvers import solve_model

LIMITS = Limits(seconds=300)


def make_ground(
    seed: int, *, share: float = 0.8, with_room: bool = False, facilities: int = 7
) -> CircleGround:
    """Small ground: 12 units in 4 circles, 2 categories, two facilities exist."""
    draw = np.random.default_rng(seed)
    units = 12
    covers = (draw.random((facilities, units)) < 0.45).astype(float)
    exists = np.zeros(facilities, dtype=bool)
    exists[: 2 if seed % 2 else 0] = True
    room = None
    if with_room:
        site = draw.integers(0, 3, facilities)
        areas = draw.integers(1, 4, facilities).astype(float)
        taken = np.bincount(site[exists], areas[exists], 3)
        room = Room(site, areas, taken + 3.0)
    circle = draw.integers(-1, 4, units)
    return CircleGround(
        covers=sparse.csr_array(covers),
        category=np.arange(facilities) % 2,
        costs=draw.integers(2, 9, facilities).astype(float),
        exists=exists,
        residents=draw.integers(0, 30, units).astype(float),
        circle=circle,
        num_categories=2,
        num_circles=4,
        share=share,
        room=room,
    )


def make_problem(seed: int, **options: object) -> PhasedCircles:
    """Two years of the small ground, with whatever else is asked for."""
    shape = {key: options.pop(key) for key in ("share", "with_room") if key in options}
    draw = np.random.default_rng(1000 + seed)
    ground = make_ground(seed, **shape)  # type: ignore[arg-type]
    return PhasedCircles(
        ground,
        budgets=draw.integers(4, 14, 2).astype(float),
        weights=draw.integers(1, 4, 2).astype(float),
        **options,  # type: ignore[arg-type]
    )


def best_by_enumeration(problem: PhasedCircles) -> float:
    """Best objective of all assignments of years."""
    ground = problem.ground
    free = np.flatnonzero(~ground.exists)
    best = -np.inf
    for choice in itertools.product((NEVER, 1, 2), repeat=free.size):
        years = problem.nothing()
        years[free] = choice
        if not problem.violations(years):
            best = max(best, problem.evaluate(years))
    return best


VARIANTS = [
    {},
    {"share": 1.0},
    {"share": 0.5, "carries_over": False},
    {"with_room": True},
    {"targets": np.array([1, 3]), "bonus": 40.0},
    {"with_room": True, "carries_over": False, "targets": np.array([2, 2]), "bonus": 15.0},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(v) or "plain")
@pytest.mark.parametrize("seed", range(6))
def test_the_engine_finds_the_best_of_all_plans(seed: int, variant: dict[str, object]) -> None:
    """The proven optimum is that of an enumeration of all plans."""
    problem = make_problem(seed, **variant)
    result = solve_circles(problem, limits=LIMITS)
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert result.objective == pytest.approx(best_by_enumeration(problem))
    assert problem.evaluate(result.solution) == pytest.approx(result.objective)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("variant", VARIANTS[:5:2], ids=lambda v: "-".join(v) or "plain")
def test_the_plain_formulation_is_the_problem(seed: int, variant: dict[str, object]) -> None:
    """The plain model has the optimum of an enumeration, and its start is feasible."""
    problem = make_problem(seed, **variant)
    built = circles_model(problem)
    start = built.encode(problem.nothing())
    assert built.model.violations(start) == []
    assert built.model.evaluate(start) == pytest.approx(problem.evaluate(problem.nothing()))
    result = solve_circles(problem, limits=LIMITS, method="textbook")
    assert result.objective == pytest.approx(best_by_enumeration(problem))


def test_the_plain_formulation_on_every_backend(solver_name: str) -> None:
    """Every backend finds the same optimum of the plain model."""
    problem = make_problem(3)
    if solver_name == "cp-sat":
        pytest.skip("it takes integer columns only, and v is continuous")
    result = solve_model(circles_model(problem).model, solver=solver_name, limits=LIMITS)
    assert result.objective == pytest.approx(best_by_enumeration(problem))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_least_cost_of_a_number_of_circles(seed: int, number: int) -> None:
    """The cheapest plan is that of an enumeration, or there is none."""
    ground = make_ground(seed, with_room=bool(seed % 2))
    problem = CheapestCircles(ground, number)
    free = np.flatnonzero(~ground.exists)
    best = np.inf
    for choice in itertools.product((False, True), repeat=free.size):
        there = ground.exists.copy()
        there[free] = choice
        if not problem.violations(there):
            best = min(best, problem.evaluate(there))
    for method in ("auto", "textbook"):
        result = solve_cheapest_circles(problem, limits=LIMITS, method=method)
        if np.isinf(best):
            assert result.status is Status.INFEASIBLE
        else:
            assert result.status is Status.OPTIMAL
            assert result.objective == pytest.approx(best)
    built = cheapest_circles_model(problem)
    everything = np.ones(ground.num_facilities, dtype=bool)
    if not problem.violations(everything):
        assert built.model.violations(built.encode(everything)) == []


@pytest.mark.parametrize("seed", range(6))
def test_bounds_hold_for_every_method(seed: int) -> None:
    """No method states a bound that the optimum beats, nor a plan that breaks a rule."""
    problem = make_problem(seed)
    best = best_by_enumeration(problem)
    for method in METHODS:
        result = solve_circles(problem, limits=LIMITS, method=method)
        assert result.bound is not None
        assert result.bound >= best - 1e-6
        assert result.solution is not None
        assert problem.violations(result.solution) == []


@pytest.mark.parametrize("seed", range(6))
def test_bounds_of_large_problems_hold(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Years by themselves, bounded from the inside, state nothing that the optimum beats."""
    monkeypatch.setattr(circles, "LARGE", -1)
    monkeypatch.setattr(circles, "LARGE_RELAXATION", -1)
    problem = make_problem(seed, targets=np.array([1, 3]), bonus=40.0)
    best = best_by_enumeration(problem)
    result = solve_circles(problem, limits=LIMITS)
    assert result.bound is not None
    assert result.bound >= best - 1e-6
    assert "too large for an integer program" in result.detail or result.objective == best
    alone = [
        replace(
            problem,
            budgets=problem.budgets[: year + 1].sum(keepdims=True),
            weights=problem.weights[[year]],
            targets=problem.wanted[[year]],
        )
        for year in range(2)
    ]
    years = [solve_circles(one, limits=LIMITS).objective or 0.0 for one in alone]
    assert result.bound <= sum(years) + 1e-6


def test_least_residents_of_a_year_hold() -> None:
    """A plan for later years keeps what the first year must have."""
    problem = replace(make_problem(3), weights=np.array([1.0, 0.0]))
    first = solve_circles(problem, limits=LIMITS)
    assert first.objective is not None
    floors = np.array([first.objective, 0.0])
    last = replace(problem, weights=np.array([0.0, 1.0]), floors=floors)
    result = solve_circles(last, limits=LIMITS, start=first.solution)
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert last.states(result.solution).residents[0] >= first.objective - 1e-6
    assert result.objective == pytest.approx(best_by_enumeration(last))


def test_least_residents_that_cannot_be_are_infeasible() -> None:
    """More residents than there are cannot be reached."""
    problem = replace(make_problem(3), floors=np.array([1e6, 0.0]))
    assert solve_circles(problem, limits=LIMITS).status is Status.INFEASIBLE


@pytest.mark.parametrize("seed", range(8))
def test_reductions_keep_the_optimum(seed: int) -> None:
    """With only what the reductions keep to build, the optimum is the same."""
    problem = make_problem(seed, with_room=bool(seed % 2))
    core = reduced(problem.ground, most=float(problem.budgets.sum()))
    kept = np.zeros(problem.ground.num_facilities, dtype=bool)
    kept[core.facilities] = True
    dear = np.where(kept | problem.ground.exists, problem.ground.costs, 1e6)
    fewer = replace(problem, ground=replace(problem.ground, costs=dear))
    assert best_by_enumeration(fewer) == pytest.approx(best_by_enumeration(problem))


@pytest.mark.parametrize("seed", range(12))
def test_bounds_of_counts_and_pairs_hold(seed: int) -> None:
    """No plan of one year is worth more than the bounds that look at one and two facilities."""
    ground = make_ground(seed, facilities=8)
    money = float(4 + seed % 7 * 2)
    problem = PhasedCircles(ground, np.array([money]), np.ones(1))
    free = np.flatnonzero(~ground.exists)
    best = 0.0
    for choice in itertools.product((NEVER, 1), repeat=free.size):
        years = problem.nothing()
        years[free] = choice
        if not problem.violations(years):
            best = max(best, problem.evaluate(years))
    core = reduced(ground, most=money)
    today = float(ground.circle_residents[core.known].sum())
    values = core.circle_residents
    counts = counting_bound(core, values[None], np.array([money]), num_categories=2)
    assert counts + today >= best - 1e-6
    for known in (0.0, best - today):
        bound = pair_bound(
            core, values, money, num_categories=2, known=known, bound=counts, over=lambda: False
        )
        assert best - today - 1e-6 <= bound <= max(counts, known) + 1e-6


def test_bounds_of_counts_say_something() -> None:
    """With money for one facility of each category, the bound is the best such pair."""
    ground = CircleGround(
        covers=sparse.csr_array(np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]])),
        category=np.array([0, 0, 1, 1]),
        costs=np.array([3.0, 3.0, 3.0, 3.0]),
        exists=np.zeros(4, dtype=bool),
        residents=np.array([50.0, 70.0]),
        circle=np.array([0, 1]),
        num_categories=2,
        num_circles=2,
    )
    core = reduced(ground, most=6.0)
    found = counting_bound(core, core.circle_residents[None], np.array([6.0]), num_categories=2)
    assert found == 70.0


def test_the_cheapest_of_equal_plans_is_returned() -> None:
    """Of two clinics that do the same, the cheaper one is built, and nothing that is not needed."""
    ground = CircleGround(
        covers=sparse.csr_array(np.ones((3, 2))),
        category=np.zeros(3, dtype=np.int64),
        costs=np.array([5.0, 3.0, 4.0]),
        exists=np.zeros(3, dtype=bool),
        residents=np.array([10.0, 10.0]),
        circle=np.array([0, 1]),
        num_categories=1,
        num_circles=2,
    )
    problem = PhasedCircles(ground, budgets=np.array([9.0]), weights=np.ones(1))
    result = solve_circles(problem, limits=LIMITS)
    assert result.solution is not None
    assert result.solution.tolist() == [NEVER, 1, NEVER]


def test_same_seed_same_plan() -> None:
    """Two runs with one seed return the same plan."""
    problem = make_problem(5)
    one, two = (solve_circles(problem, limits=LIMITS).solution for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.tolist() == two.tolist()


def test_unknown_methods_are_refused() -> None:
    """A method that there is not is named, with those that there are."""
    with pytest.raises(ValueError, match="choose one of auto"):
        solve_circles(make_problem(1), method="magic")
