"""Heuristics for districting: rules are kept, kernels agree with plain definitions."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from shequ.instances.readers.graph_json import read_districting
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.optimize.districting.heuristics import find_plan, improve
from shequ.optimize.districting.heuristics.allocation import located_plan
from shequ.optimize.districting.heuristics.annealing import anneal
from shequ.optimize.districting.heuristics.board import make_board
from shequ.optimize.districting.heuristics.centres import best_centres, plan_cost
from shequ.optimize.districting.heuristics.moves import (
    make_state,
    move_node,
    refresh,
    stays_connected,
    violation,
)
from shequ.optimize.districting.heuristics.trees import make_tree, recombine, tree_plan
from shequ.optimize.limits import Stop

Plan = NDArray[np.int64]
SECONDS = 600.0
"""So long that only the number of starts ends a search."""


def costs_of(problem: Districting, kind: str, seed: int = 1) -> Objective:
    """Return an objective of one kind or of all kinds at once."""
    rng = np.random.default_rng(seed)
    edge_costs = rng.integers(1, 9, len(problem.edges)).astype(float)
    labels = rng.integers(0, 50, (problem.num_nodes, problem.num_districts)).astype(float)
    return {
        "inertia": Objective(),
        "edges": Objective(inertia=0, edge_costs=edge_costs),
        "labels": Objective(inertia=0, label_costs=labels),
        "mixed": Objective(inertia=0.1, edge_costs=edge_costs, label_costs=labels),
    }[kind]


@cache
def tiny_problem(seed: int) -> tuple[Districting, list[Plan]]:
    """Return seven nodes in three districts, and all feasible plans."""
    problem, _ = voronoi_districting(7, 3, seed=seed, tolerance=0.5)
    plans = (np.array(plan) for plan in itertools.product(range(3), repeat=7))
    return problem, [plan for plan in plans if not problem.violations(plan)]


def random_seed(seed: int) -> NDArray[np.uint64]:
    """State of the kernels' random numbers."""
    return np.array([seed], dtype=np.uint64)


KINDS = pytest.mark.parametrize("kind", ["inertia", "edges", "labels", "mixed"])


# Kernels


def test_contiguity_test_agrees_with_components() -> None:
    """On thousands of random moves the local test says what a search of the district says."""
    checked = 0
    for seed in range(3):
        problem, _ = voronoi_districting(60, 4, seed=seed, tolerance=10)
        board, rng = make_board(problem, Objective()), np.random.default_rng(seed)
        plan = np.zeros(60, dtype=np.int32)
        tree_plan(board, make_tree(board), plan, random_seed(seed), 5)
        state = make_state(board, plan.astype(np.int64))
        refresh(board, state)
        for _ in range(1000):
            entry = int(state.cut[rng.integers(state.num_cut[0])])
            node, to = int(board.tail[entry]), int(state.plan[board.neighbours[entry]])
            rest = np.flatnonzero(state.plan == state.plan[node])
            expected = problem.is_connected(rest[rest != node])
            assert stays_connected(board, state, node) == expected
            checked += 1
            if expected:
                move_node(board, state, node, to)
    assert checked == 3000


def test_contiguity_where_neighbours_meet_far_away_or_not() -> None:
    """On a ring two sides meet at the far end; on a path they do not."""
    ring = np.array([[i, (i + 1) % 8] for i in range(8)])
    for edges, expected in ((ring, True), (ring[:-1], False)):
        problem = replace(voronoi_districting(8, 1, seed=1)[0], edges=edges)
        board = make_board(problem, Objective())
        state = make_state(board, np.zeros(8, dtype=np.int64))
        assert stays_connected(board, state, 3) is expected
        assert stays_connected(board, state, 0)


@KINDS
def test_kernel_cost_is_the_objective(kind: str) -> None:
    """Plan cost and centres of the kernels are those of the models."""
    problem, _ = voronoi_districting(40, 3, seed=2)
    objective = costs_of(problem, kind)
    board = make_board(problem, objective)
    for seed in range(5):
        plan = np.zeros(40, dtype=np.int32)
        tree_plan(board, make_tree(board), plan, random_seed(seed), 5)
        centres = np.zeros(3, dtype=np.int32)
        best_centres(board, plan, centres)
        if objective.inertia:
            assert centres.tolist() == problem.centres(plan).tolist()
        value = plan_cost(board, plan, centres)
        assert value == pytest.approx(objective.evaluate(problem, plan.astype(np.int64)))


def test_running_sums_stay_true() -> None:
    """After many moves and swaps, totals, sizes and cut edges are those of the plan."""
    problem, _ = voronoi_districting(80, 4, seed=3)
    objective = costs_of(problem, "mixed")
    board = make_board(problem, objective)
    plan = np.zeros(80, dtype=np.int32)
    tree_plan(board, make_tree(board), plan, random_seed(3), 5)
    state = make_state(board, plan.astype(np.int64))
    best, values = plan.copy(), np.array([np.inf])
    anneal(board, state, random_seed(4), best, values, 5000, 50.0, 1e4, 0.5)
    moved = state.plan.astype(np.int64)
    assert (state.plan != plan).any()
    assert np.allclose(state.totals, problem.totals(moved))
    i, j = problem.edges.T
    assert state.num_cut[0] == 2 * (moved[i] != moved[j]).sum()
    assert all(problem.is_connected(np.flatnonzero(moved == d)) for d in range(4))
    assert problem.violations(best.astype(np.int64)) == []
    assert values[0] >= objective.evaluate(problem, best.astype(np.int64)) - 1e-6


def test_violation_counts_shares_and_rules() -> None:
    """Weight out of bounds in shares of a mean district, and one for each broken rule."""
    problem, _ = voronoi_districting(6, 2, seed=1)
    forbidden = np.zeros((6, 2), dtype=bool)
    forbidden[0, 0] = True
    rules = DistrictRules(forbidden=forbidden, apart=np.array([[1, 2]]))
    problem = replace(
        problem, weights=np.ones((6, 1)), lower=np.array([3.0]), upper=np.array([3.0]), rules=rules
    )
    board = make_board(problem, Objective())
    state = make_state(board, np.array([0, 0, 0, 0, 1, 1]))
    refresh(board, state)
    assert violation(board, state) == pytest.approx(2 / 3 + 1 + 1, abs=1e-5)


def test_tree_plans_and_recombinations_keep_tight_bounds() -> None:
    """Halving by trees, then recombination, gives connected districts within 2 %."""
    problem, _ = voronoi_districting(120, 5, seed=4, tolerance=0.02)
    board = make_board(problem, Objective(inertia=0, edge_costs=np.ones(len(problem.edges))))
    tree, plan = make_tree(board), np.zeros(120, dtype=np.int32)
    assert tree_plan(board, tree, plan, random_seed(1), 500) <= 1e-12
    assert problem.violations(plan.astype(np.int64)) == []
    state = make_state(board, plan.astype(np.int64))
    best, values = plan.copy(), np.array([np.inf])
    recombine(board, state, tree, random_seed(2), best, values, 300, 2.0, 1e3)
    assert problem.violations(best.astype(np.int64)) == []
    i, j = problem.edges.T
    assert values[0] == (best[i] != best[j]).sum() < (plan[i] != plan[j]).sum()


def test_allocation_gives_connected_districts() -> None:
    """Compact starts are connected and nearly balanced."""
    problem, _ = voronoi_districting(200, 4, seed=5)
    plan = located_plan(problem, make_board(problem, Objective()), np.random.default_rng(1))
    assert plan is not None
    assert all(problem.is_connected(np.flatnonzero(plan == d)) for d in range(4))
    shares = problem.totals(plan)[:, 0] * 4 / problem.weights.sum()
    assert np.abs(shares - 1).max() < 0.2


# Plans


@KINDS
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tiny_problems_reach_the_optimum(kind: str, seed: int) -> None:
    """With seven nodes the best of a few starts is the best of all plans."""
    problem, plans = tiny_problem(seed)
    objective = costs_of(problem, kind, seed)
    trace = find_plan(problem, objective, seconds=SECONDS, seed=1, starts=2)
    assert trace.objective == pytest.approx(min(objective.evaluate(problem, p) for p in plans))


def test_cost_matrix_counts_as_costs() -> None:
    """A cost matrix that is not even symmetric takes the place of the moment of inertia."""
    problem, plans = tiny_problem(1)
    matrix = np.random.default_rng(6).integers(1, 99, (7, 7)).astype(float)
    problem = replace(problem, cost_matrix=matrix)
    trace = find_plan(problem, Objective(), seconds=SECONDS, seed=1, starts=3)
    assert trace.objective == pytest.approx(min(problem.evaluate(plan) for plan in plans))


@KINDS
def test_plans_keep_every_rule(kind: str) -> None:
    """Own bounds, locks, bans, seats and pairs apart, all at once."""
    problem, _ = voronoi_districting(60, 3, seed=7)
    total, west = float(problem.weights.sum()), np.argsort(problem.location[:, 0])
    shares = np.array([0.2, 0.35, 0.45])[:, None]
    locked = np.full(60, -1)
    locked[west[[0, 20]]] = 0
    forbidden = np.zeros((60, 3), dtype=bool)
    forbidden[west[-10:], 1] = True
    rules = DistrictRules(
        lower=(shares - 0.05) * total,
        upper=(shares + 0.05) * total,
        locked=locked,
        forbidden=forbidden,
        seats=np.array([-1, west[30], west[45]]),
        apart=np.stack([west[31:34], west[46:49]], axis=1),
    )
    free = {"lower": np.zeros(1), "upper": np.full(1, np.inf)}
    problem = replace(problem, rules=rules, **free)
    objective = costs_of(problem, kind)
    trace = find_plan(problem, objective, seconds=SECONDS, seed=1, starts=2)
    assert trace.plan is not None
    assert problem.violations(trace.plan) == []
    assert trace.objective == pytest.approx(objective.evaluate(problem, trace.plan))


def test_two_weights_are_both_balanced() -> None:
    """Bounds hold for every column of the weights."""
    problem, _ = voronoi_districting(80, 3, seed=8)
    other = np.random.default_rng(8).integers(1, 20, 80).astype(float)
    weights = np.column_stack([problem.weights[:, 0], other])
    mean = weights.sum(axis=0) / 3
    problem = replace(problem, weights=weights, lower=0.95 * mean, upper=1.05 * mean)
    trace = find_plan(problem, Objective(), seconds=SECONDS, seed=1, starts=2)
    assert trace.plan is not None
    assert problem.violations(trace.plan) == []


def test_same_seed_same_plan() -> None:
    """The number of starts, not the clock, ends the search; the history only improves."""
    problem, _ = voronoi_districting(60, 3, seed=9)
    one, other = (
        find_plan(problem, Objective(), seconds=SECONDS, seed=5, starts=2) for _ in range(2)
    )
    assert one.plan is not None
    assert other.plan is not None
    assert one.plan.tolist() == other.plan.tolist()
    values = [value for _, value in one.history]
    assert values == sorted(values, reverse=True)
    assert values[-1] == one.objective


def test_improvement_keeps_rules_and_is_not_worse() -> None:
    """Local search from a random plan ends at a better feasible one; bad plans are refused."""
    problem, _ = voronoi_districting(60, 3, seed=10)
    board, plan = make_board(problem, Objective()), np.zeros(60, dtype=np.int32)
    tree_plan(board, make_tree(board), plan, random_seed(1), 500)
    start = plan.astype(np.int64)
    better = improve(problem, Objective(), start, seconds=SECONDS, seed=1)
    assert problem.violations(better) == []
    assert problem.evaluate(better) < problem.evaluate(start)
    with pytest.raises(ValueError, match="The plan breaks rules: district 1 is empty"):
        improve(problem, Objective(), np.zeros(60, dtype=np.int64), seconds=SECONDS, seed=1)


def test_a_given_start_counts() -> None:
    """A feasible start is the first plan of the history."""
    problem, _ = voronoi_districting(60, 3, seed=11)
    first = find_plan(problem, Objective(), seconds=SECONDS, seed=1, starts=1)
    again = find_plan(problem, Objective(), seconds=SECONDS, seed=2, starts=0, start=first.plan)
    assert again.history[0][1] == first.objective
    assert again.objective <= first.objective


def test_nothing_is_found_where_nothing_is() -> None:
    """Bounds that no plan keeps, and a request to stop, end with no plan."""
    problem, _ = voronoi_districting(10, 2, seed=12)
    never = replace(problem, lower=problem.weights.sum(axis=0))
    trace = find_plan(never, Objective(), seconds=SECONDS, seed=1, starts=1)
    assert (trace.plan, trace.objective, trace.history) == (None, np.inf, ())
    stop = Stop()
    stop.request()
    stopped = find_plan(problem, Objective(), seconds=SECONDS, seed=1, stop=stop)
    assert stopped.plan is None


def test_the_only_plan_of_maine(shared_data: Path) -> None:
    """Its counties have exactly one feasible plan."""
    read = read_districting(shared_data / "districting/county2010/ME.json")
    problem = replace(read.problem, cost_matrix=read.costs)
    trace = find_plan(problem, Objective(), seconds=SECONDS, seed=1, starts=2)
    assert trace.objective == pytest.approx(19093.26, abs=0.01)


def test_published_county_optimum_of_cut_edges(shared_data: Path) -> None:
    """Nebraska's counties: 19 cut edges."""
    problem = read_districting(shared_data / "districting/county2010/NE.json").problem
    objective = Objective(inertia=0, edge_costs=np.ones(len(problem.edges)))
    trace = find_plan(problem, objective, seconds=SECONDS, seed=1, starts=2)
    assert trace.objective == 19
