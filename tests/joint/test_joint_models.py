"""Exact models of boundaries and stations against every plan of tiny communities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.models.joint.groupings import Groupings, Price
from shequ.models.joint.plain import plain_model
from shequ.models.joint.problem import JointPlan, JointSplit
from shequ.models.joint.rooted import rooted_model
from shequ.optimize.joint import lowering
from shequ.optimize.joint.cheapest import solve_cheapest
from shequ.optimize.joint.compact import solve_compact
from shequ.optimize.joint.engine import solve_joint
from shequ.optimize.joint.lowering import attainable
from shequ.optimize.joint.separation import RootSeparation
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model
from shequ.optimize.solvers.lazy import solve_with_cuts

Make = Callable[..., JointSplit]
Every = Callable[[JointSplit], Iterator[JointPlan]]
SEEDS = range(8)
LIMITS = Limits(seconds=60.0)


@pytest.fixture(scope="module")
def cases(community: Make, every_plan: Every) -> list[tuple[JointSplit, list[JointPlan]]]:
    """Tiny communities, each with all its plans."""
    made = [community(seed, reach=2.5 if seed % 2 else 1.5) for seed in SEEDS]
    return [(problem, list(every_plan(problem))) for problem in made]


def test_the_cases_are_of_both_kinds(cases: list[tuple[JointSplit, list[JointPlan]]]) -> None:
    """Some communities have plans, some have none: otherwise these tests would prove little."""
    with_plans = [bool(plans) for _, plans in cases]
    assert any(with_plans)
    assert not all(with_plans)


@pytest.mark.parametrize("seed", SEEDS)
def test_cheapest_of_any_shape(cases: list[tuple[JointSplit, list[JointPlan]]], seed: int) -> None:
    """Engine, rooted model and enumeration find the same least cost, or that there is no plan."""
    problem, plans = cases[seed]
    best = min((problem.evaluate(plan) for plan in plans), default=None)
    found = solve_cheapest(problem, limits=LIMITS)
    rooted = rooted_model(problem)
    roots = problem.node_of_site[problem.usable]
    separation = RootSeparation(problem.districting, rooted, roots)
    one_model = solve_with_cuts(rooted.model, separation.broken_by, limits=LIMITS)
    if best is None:
        assert found.status is one_model.status is Status.INFEASIBLE
        return
    assert found.status is one_model.status is Status.OPTIMAL
    assert found.objective == pytest.approx(best)
    assert one_model.solution is not None
    plan = rooted.plan(one_model.solution)
    assert problem.violations(plan) == []
    assert problem.evaluate(plan) == pytest.approx(best)


@pytest.mark.parametrize("seed", SEEDS)
def test_most_compact(cases: list[tuple[JointSplit, list[JointPlan]]], seed: int) -> None:
    """Engine, plain form and enumeration find the same least moment of inertia."""
    problem, plans = cases[seed]
    best = min((problem.compactness(plan) for plan in plans), default=None)
    found = solve_compact(problem, limits=LIMITS)
    plain = plain_model(problem)
    textbook = solve_model(plain.model, solver="highs", limits=LIMITS)
    if best is None:
        assert found.status is textbook.status is Status.INFEASIBLE
        return
    assert found.status is textbook.status is Status.OPTIMAL
    assert found.objective == pytest.approx(best)
    assert textbook.solution is not None
    plan = plain.plan(textbook.solution)
    assert problem.violations(plan) == []
    assert problem.compactness(plan) == pytest.approx(best)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("slack", [0.02, 0.3])
def test_cheapest_within_a_moment_of_inertia(
    cases: list[tuple[JointSplit, list[JointPlan]]], seed: int, slack: float
) -> None:
    """Engine, plain form and enumeration agree on the cheapest of the compact plans."""
    problem, plans = cases[seed]
    if not plans:
        pytest.skip("no plan at all, which other tests cover")
    most = (1 + slack) * min(problem.compactness(plan) for plan in plans)
    inside = [plan for plan in plans if problem.compactness(plan) <= most]
    best = min(problem.evaluate(plan) for plan in inside)
    found = solve_cheapest(problem, most_inertia=most, limits=LIMITS)
    plain = plain_model(problem, most_inertia=most)
    textbook = solve_model(plain.model, solver="highs", limits=LIMITS)
    assert found.status is textbook.status is Status.OPTIMAL
    assert found.objective == pytest.approx(best)
    assert textbook.objective == pytest.approx(best)
    assert found.solution is not None
    assert problem.compactness(found.solution) <= most * (1 + 1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_groupings_hold_every_plan(
    cases: list[tuple[JointSplit, list[JointPlan]]], seed: int
) -> None:
    """Each plan belongs to a listed grouping, keeps its bounds and costs no less than it says."""
    problem, plans = cases[seed]
    groupings = Groupings(problem)
    listed = {one.groups: one for one in groupings.all()}
    for plan in plans[::7]:
        grouping = listed[groupings.of(plan)]
        assert problem.evaluate(plan) >= grouping.cost - 1e-6


def test_a_price_counts_the_cheapest_floor_area_first() -> None:
    """Beyond the least floor area, households fill the cheapest m², then the next."""
    price = Price(10.0, 4.0, np.array([1.0, 3.0]), np.array([2.0, 5.0]))
    assert price(3.0) == 10.0
    assert price(7.0) == pytest.approx(10.0 + 2.0 + 3.0)
    assert price(12.0) == np.inf
    assert price.most_within(15.0) == pytest.approx(7.0)


def test_rules_are_lowered_no_more_than_needed(community: Make, every_plan: Every) -> None:
    """Floor area falls to the largest whole m² per 100 households that some plan has."""
    problem = community(3, rate=5.0, reach=9.0)
    found = attainable(problem, limits=LIMITS)
    assert found.plan is not None
    assert found.is_proven
    assert found.exempt.size == 0
    per_100 = round(100 * found.problem.area_per_household_m2)
    assert problem.violations(found.plan)
    assert found.problem.violations(found.plan) == []
    nobody = np.empty(0, dtype=np.int64)
    more = problem.with_rules(exempt=nobody, area_per_household_m2=(per_100 + 1) / 100)
    assert list(every_plan(more)) == []


def test_lowering_ends_when_it_is_asked_to_stop(
    community: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one grouping is looked at once somebody asked to stop."""
    problem = community(3, rate=5.0, reach=9.0)
    asked = Stop()
    asked.request()
    looked = []
    monkeypatch.setattr(lowering, "relaxed", lambda *given: looked.append(given))
    found = attainable(problem, limits=LIMITS, stop=asked)
    assert not found.is_proven
    assert looked == []


def test_the_fewest_residents_are_exempt_from_reach(community: Make, every_plan: Every) -> None:
    """Where no plan reaches everybody, those left out are as few as any division allows."""
    street = community(2, columns=9, rows=1, num_sites=2, rate=0.0)
    site, unit = np.nonzero(np.abs(np.arange(9) - np.array([[0], [4]])) <= np.array([[1], [4]]))
    minutes = sparse.csr_array(sparse.coo_array((np.ones(site.size), (site, unit)), shape=(2, 9)))
    stations = replace(street.stations, minutes=minutes)
    problem = replace(street, stations=stations, node_of_site=np.array([0, 4]))
    assert problem.reaches.any(axis=0).all()
    assert list(every_plan(problem)) == []
    found = attainable(problem, limits=LIMITS)
    assert found.plan is not None
    residents = problem.stations.residents
    free = replace(problem, stations=replace(problem.stations, must_reach=np.zeros(9, dtype=bool)))
    least = min(residents[problem.out_of_reach(plan)].sum() for plan in every_plan(free))
    assert least > 0
    assert residents[found.exempt].sum() == pytest.approx(least)


@pytest.mark.parametrize("seed", SEEDS)
def test_together_is_never_dearer_than_one_after_the_other(community: Make, seed: int) -> None:
    """Under the same rules, a plan of one after the other that keeps them is no cheaper."""
    problem = community(seed, columns=4, rows=3, num_sites=4, reach=2.5)
    solution = solve_joint(problem, compactness_slack=0.05, limits=LIMITS)
    rules, two = solution.rules.problem, solution.two_step.plan
    if solution.plan is None:
        assert solution.compact.status is Status.INFEASIBLE
        return
    assert solution.is_proven
    assert rules.violations(solution.plan) == []
    if two is not None and not rules.violations(two):
        assert rules.evaluate(solution.plan) <= rules.evaluate(two) + 1e-6


def test_every_unit_of_a_node_must_be_reached(community: Make) -> None:
    """Two units that stay together and are reached by other sites make two rules of one node."""
    problem = community(1, reach=2.5)
    apart = next(u for u in range(1, 9) if (problem.reaches[:, u] != problem.reaches[:, 0]).any())
    node_of_unit = problem.node_of_unit.copy()
    node_of_unit[apart] = 0
    together = replace(problem, node_of_unit=node_of_unit)
    nodes, helps = together.needs
    rules = {tuple(row) for row in helps[nodes == 0].tolist()}
    assert rules == {tuple(problem.reaches[:, unit].tolist()) for unit in (0, apart)}


def test_a_site_stands_in_a_node(community: Make) -> None:
    """A site whose node does not exist is refused."""
    problem = community(1)
    with pytest.raises(ValueError, match="node_of_site holds a number outside"):
        replace(problem, node_of_site=np.array([0, 1, 2, 99]))
