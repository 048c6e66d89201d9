"""Points of the trade-off curve against brute force, on every decision of tiny cities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shequ.models.siting.station import Siting
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Status
from shequ.optimize.siting.frontier import Frontier, dominated

LIMITS = Limits(seconds=30)


@pytest.mark.parametrize("seed", range(6))
def test_served_points_agree_with_brute_force(seed, line_city, decisions, most_served_by) -> None:
    """No set of open sites serves more within the budget, and none as many for less."""
    problem = line_city(seed)
    frontier = Frontier(problem, "served")
    low, high, _ = frontier.ends(LIMITS)
    sets = decisions(problem)
    for budget in np.linspace(low, high, 4):
        point = frontier.point(float(budget), limits=LIMITS)
        assert point is not None
        assert point.is_proven
        found = [most_served_by(problem, one, float(budget)) for one in sets]
        most = max(value for value in found if value is not None)
        assert point.value == pytest.approx(most, rel=1e-6)
        assert point.cost <= budget * (1 + 1e-6) + 1e-6
        less = point.cost - 1e-3 * max(1.0, point.cost)
        cheaper = [most_served_by(problem, one, less) for one in sets]
        assert max((v for v in cheaper if v is not None), default=0.0) < point.value
        assert problem.residents_served(point.siting) == pytest.approx(point.value)


@pytest.mark.parametrize("seed", range(6))
def test_walking_points_agree_with_brute_force(seed, line_city, decisions, cheapest_of) -> None:
    """Each point is on the curve of all decisions: least walking, then least cost."""
    problem = line_city(seed).attainable()
    plans = [plan for one in decisions(problem) if (plan := cheapest_of(problem, one))]
    every = [(problem.cost(plan), problem.walking(plan)) for plan in plans]
    frontier = Frontier(problem, "walking")
    low, high, rules = frontier.ends(LIMITS)
    assert low == rules.objective == pytest.approx(min(cost for cost, _ in every), rel=1e-6)
    shortest = min(walk for _, walk in every)
    assert high == pytest.approx(
        min(cost for cost, walk in every if walk <= shortest * (1 + 1e-9)), rel=1e-6
    )
    for budget in np.linspace(low, high, 4):
        point = frontier.point(float(budget), limits=LIMITS)
        assert point is not None
        assert point.is_proven
        walk = min(w for cost, w in every if cost <= budget * (1 + 1e-6))
        assert point.value == pytest.approx(walk, rel=1e-6)
        least = min(cost for cost, w in every if w <= walk * (1 + 1e-6))
        assert point.cost == pytest.approx(least, rel=1e-6)
        assert problem.violations(point.siting) == []


def test_curves_rise_with_the_budget(line_city) -> None:
    """More money never serves fewer, and what is proven of one budget bounds the smaller ones."""
    frontier = Frontier(line_city(3), "served")
    low, high, _ = frontier.ends(LIMITS)
    points = [frontier.point(b, limits=LIMITS) for b in np.linspace(low, high, 5).tolist()]
    values = [point.value for point in points if point is not None]
    assert values == sorted(values)
    assert len(values) == 5


def test_the_curve_of_residents_served_begins_today(line_city) -> None:
    """Without money and without required sites, those are served who are served today."""
    problem = line_city(2)
    frontier = Frontier(problem, "served")
    point = frontier.point(frontier.ends(LIMITS)[0], limits=LIMITS)
    assert point is not None
    assert point.cost == 0
    assert point.value == problem.residents_served(problem.today())


def test_a_solver_gives_the_same_points(line_city) -> None:
    """HiGHS and SCIP find the same curve."""
    problem = line_city(4).attainable()
    values = []
    for solver in ("highs", "scip"):
        frontier = Frontier(problem, "walking", solver)
        low, high, _ = frontier.ends(LIMITS)
        point = frontier.point((low + high) / 2, limits=LIMITS)
        assert point is not None
        values.append((point.value, point.cost))
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_a_stop_keeps_a_siting_within_the_budget(line_city) -> None:
    """A point that is interrupted is at least the siting to start from; a bound stays a bound."""
    stop = Stop()
    stop.request()
    problem = line_city(3)
    frontier = Frontier(problem, "served")
    low, high, _ = frontier.ends(LIMITS)
    whole = frontier.point((low + high) / 2, limits=LIMITS)
    point = frontier.point((low + high) / 2, limits=LIMITS, stop=stop)
    assert whole is not None
    assert point is not None
    assert point.value >= frontier.value(frontier.least())
    assert point.cost <= (low + high) / 2 + 1e-6
    assert point.best.bound is None or point.best.bound >= whole.value * (1 - 1e-6)
    assert point.best.status is not Status.UNKNOWN


def test_a_start_is_never_lost(line_city) -> None:
    """With a hundredth of a second the point is at least as good as the one before."""
    problem = line_city(5).attainable()
    everything: Siting = problem.everything()
    budget = problem.cost(everything)
    point = Frontier(problem, "walking").point(
        budget, start=everything, limits=Limits(seconds=0.01)
    )
    assert point is not None
    assert point.value <= problem.walking(everything) + 1e-6


def test_a_budget_before_the_curve_is_refused(line_city) -> None:
    """A largest budget that no plan of every rule fits in is told."""
    frontier = Frontier(line_city(1).attainable(), "walking")
    with pytest.raises(ValueError, match="is less than"):
        frontier.ends(LIMITS, budget=0.5)


def test_an_unknown_curve_is_refused(line_city) -> None:
    """Only two curves are known."""
    with pytest.raises(ValueError, match="give served or walking"):
        Frontier(line_city(1), "beauty")  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8),
    st.booleans(),
)
def test_dominated_leaves_the_pareto_points_once(points, maximize) -> None:
    """What is left is on the curve, none twice, and every other point is no better than one."""
    costs, values = ([float(point[k]) for point in points] for k in (0, 1))
    out = dominated(costs, values, maximize=maximize)
    sign = -1 if maximize else 1
    kept = [(c, sign * v) for c, v, gone in zip(costs, values, out, strict=True) if not gone]
    assert len(set(kept)) == len(kept)
    every = set(zip(costs, [sign * v for v in values], strict=True))
    pareto = {
        (c, w)
        for c, w in every
        if not any((a, b) != (c, w) and a <= c and b <= w for a, b in every)
    }
    assert set(kept) == pareto
