"""The oracle itself: every plan of a small problem, against trying all labels."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import (
    all_plans,
    best_by_enumeration,
    connected_sets,
    plan_values,
)
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import IntArray


def feasible(
    problem: Districting, wanted: Callable[[tuple[int, ...]], bool] = lambda _: True
) -> set[tuple[int, ...]]:
    """Feasible plans among all ways to label the nodes, or among those that are wanted."""
    plans = filter(
        wanted, itertools.product(range(problem.num_districts), repeat=problem.num_nodes)
    )
    return {plan for plan in plans if not problem.violations(np.array(plan))}


def canonical(plan: tuple[int, ...]) -> bool:
    """Whether the districts are numbered by their first nodes."""
    first = [plan.index(district) for district in sorted(set(plan))]
    return first == sorted(first) and plan[0] == 0


def as_set(plans: IntArray) -> set[tuple[int, ...]]:
    """Plans as tuples, none of them twice."""
    found = {tuple(plan) for plan in plans.tolist()}
    assert len(found) == plans.shape[0]
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("units", "k"), [(5, 1), (7, 2), (7, 3), (5, 4)])
def test_every_plan_is_listed_once(units: int, k: int, seed: int) -> None:
    """The plans are those that keep every rule, one numbering each."""
    problem, _ = voronoi_districting(units, k, seed=seed, tolerance=0.5)
    assert as_set(all_plans(problem)) == feasible(problem, canonical)


@pytest.mark.parametrize(
    "rules",
    [
        DistrictRules(locked=np.array([1, -1, -1, -1, -1, 0, -1])),
        DistrictRules(seats=np.array([3, -1])),
        DistrictRules(forbidden=np.eye(7, 2) > 0),
        DistrictRules(lower=np.array([[0.0], [1500.0]]), upper=np.array([[1500.0], [9e9]])),
        DistrictRules(apart=np.array([[0, 4], [1, 2]])),
    ],
    ids=["locked", "seats", "forbidden", "bounds", "apart"],
)
def test_rules_hold_in_every_numbering(rules: DistrictRules) -> None:
    """Where districts are told apart, every numbering that keeps the rules is listed."""
    problem, _ = voronoi_districting(7, 2, seed=2, tolerance=0.6)
    ruled = replace(problem, rules=rules)
    expected = feasible(ruled)
    assert expected
    if not rules.names_districts:
        expected = {plan for plan in expected if canonical(plan)}
    assert as_set(all_plans(ruled)) == expected


@pytest.mark.parametrize("seats", [None, np.array([-1, 4])], ids=["free", "seated"])
def test_values_are_those_of_the_objective(seats: IntArray | None) -> None:
    """Inertia, cut edges and costs of labels of many plans are those of each plan alone."""
    problem, borders = voronoi_districting(9, 2, seed=3, tolerance=0.4)
    if seats is not None:
        problem = replace(problem, rules=DistrictRules(seats=seats))
    labels = np.random.default_rng(1).uniform(0, 9, (9, 2))
    objective = Objective(inertia=0.3, edge_costs=borders, label_costs=labels)
    plans = all_plans(problem)
    assert plans.shape[0] > 3
    expected = [objective.evaluate(problem, plan) for plan in plans]
    assert plan_values(problem, objective, plans) == pytest.approx(expected, rel=1e-12)
    least, plan = best_by_enumeration(problem, objective)
    assert least == pytest.approx(min(expected))
    assert plan is not None
    assert objective.evaluate(problem, plan) == pytest.approx(least)


def test_no_plan_has_an_infinite_value() -> None:
    """Without a feasible plan the least value is infinite."""
    problem, _ = voronoi_districting(6, 2, seed=1, tolerance=0.0)
    assert feasible(problem) == set()
    assert best_by_enumeration(problem) == (np.inf, None)


def test_connected_sets_are_those_of_all_subsets() -> None:
    """Growing by neighbours finds each connected set within the bound, once."""
    problem, _ = voronoi_districting(8, 2, seed=5)
    upper = np.array([1500.0])
    expected = [
        sum(1 << node for node in nodes)
        for size in range(1, 9)
        for nodes in itertools.combinations(range(8), size)
        if problem.is_connected(np.array(nodes))
        and problem.weights[list(nodes), 0].sum() <= upper[0]
    ]
    assert connected_sets(problem, upper=upper).tolist() == sorted(expected)


def test_a_large_problem_is_refused() -> None:
    """Too many nodes or too many plans are said to be so, before memory ends."""
    with pytest.raises(ValueError, match="more than the 62"):
        all_plans(voronoi_districting(63, 3, seed=1)[0])
    with pytest.raises(ValueError, match="enumerate a smaller problem"):
        all_plans(voronoi_districting(20, 3, seed=1, tolerance=0.9)[0], most=1000)


@pytest.mark.parametrize("tolerance", ["0.01", "0.05", "0.1"])
def test_published_counts_of_25_precincts(precincts, tolerance: str) -> None:
    """Number of plans, fewest cut edges and least inertia are those of another enumeration."""
    problem, truth = precincts(tolerance)
    plans = all_plans(problem)
    edges = Objective(inertia=0, edge_costs=np.ones(problem.edges.shape[0]))
    assert plans.shape[0] == truth["n_plans"]
    assert plan_values(problem, edges, plans).min() == truth["min_cut_edges"]
    assert plan_values(problem, Objective(), plans).min() == pytest.approx(truth["min_moi"])
