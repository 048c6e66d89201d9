"""Pairwise optimal plans: certificates, improvements, rules, both kinds of objectives."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import IntArray
from shequ.optimize.districting.labelling.pairwise import pairwise_optimum, restricted
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Status


def grid(columns: int, rows: int, k: int, *, tolerance: float) -> Districting:
    """Grid of units with one to three residents each."""
    index = np.arange(columns * rows).reshape(rows, columns)
    across = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1)
    along = np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)
    residents = np.random.default_rng(1).integers(1, 4, index.size).astype(float)
    points = np.stack([index.ravel() % columns, index.ravel() // columns], axis=1) * 100.0
    mean = residents.sum() / k
    return Districting(
        weights=residents[:, None],
        lower=np.array([mean * (1 - tolerance)]),
        upper=np.array([mean * (1 + tolerance)]),
        edges=np.concatenate([across, along]),
        num_districts=k,
        mass=residents,
        location=points,
        centre=points,
        inertia=np.zeros(residents.size),
    )


def columns(problem: Districting, width: int) -> IntArray:
    """Plan of vertical stripes."""
    return (problem.location[:, 0] // (100 * width)).astype(np.int64)


def best_pair(
    problem: Districting, objective: Objective, plan: IntArray, pair: tuple[int, int]
) -> float:
    """Least cost of two districts over all ways to divide their nodes."""
    nodes = np.flatnonzero(np.isin(plan, pair))
    part, own = restricted(problem, objective, nodes, pair)
    divisions = (np.array(bits) for bits in itertools.product([0, 1], repeat=nodes.size))
    return min(own.evaluate(part, d) for d in divisions if not part.violations(d))


@pytest.mark.parametrize("kind", ["edges", "inertia"])
def test_every_certificate_is_the_optimum_of_its_pair(kind: str) -> None:
    """Each proven pair cannot be divided better by brute force, and the plan never got worse."""
    problem = grid(6, 2, 3, tolerance=0.4)
    lengths = np.random.default_rng(2).uniform(1, 9, problem.edges.shape[0])
    objective = Objective(inertia=0.0, edge_costs=lengths) if kind == "edges" else Objective()
    start = columns(problem, 2)
    assert problem.violations(start) == []
    found = pairwise_optimum(problem, objective, start, limits=Limits(seconds=120))
    assert problem.violations(found.plan) == []
    assert found.objective == objective.evaluate(problem, found.plan)
    assert found.objective <= objective.evaluate(problem, start) + 1e-9
    assert found.is_pairwise_optimal
    assert len(found.pairs) >= 2
    for pair in found.pairs:
        best = best_pair(problem, objective, found.plan, pair.districts)
        assert pair.objective == pytest.approx(best)
        assert pair.bound == pytest.approx(best)


def test_a_bad_plan_is_improved_until_no_pair_gains() -> None:
    """A plan with a long border ends at a shorter one, which is feasible and certified."""
    problem = grid(8, 6, 3, tolerance=0.3)
    lengths = np.random.default_rng(3).uniform(1, 9, problem.edges.shape[0])
    objective = Objective(inertia=0.0, edge_costs=lengths)
    stripes = (np.arange(48) % 8 * 3 // 8).astype(np.int64)
    assert problem.violations(stripes) == []
    heard: list[tuple[float, int, int]] = []
    found = pairwise_optimum(
        problem,
        objective,
        stripes,
        limits=Limits(seconds=120),
        listen=lambda value, proven, pairs: heard.append((value, proven, pairs)),
    )
    assert found.improvements > 0
    assert found.objective < objective.evaluate(problem, stripes)
    assert problem.violations(found.plan) == []
    assert found.is_pairwise_optimal
    values = [value for value, _, _ in heard]
    assert values == sorted(values, reverse=True)
    assert heard[-1] == (found.objective, len(found.pairs), len(found.pairs))


def test_rules_of_the_districts_hold_in_every_pair() -> None:
    """Locks, bans, seats, own bounds and pairs apart stay kept, numbered as in the whole plan."""
    problem = grid(6, 2, 3, tolerance=0.5)
    rules = DistrictRules(
        lower=np.array([[0.0], [0.0], [7.0]]),
        locked=np.array([-1] * 5 + [2] + [-1] * 6),
        forbidden=np.arange(36).reshape(12, 3) == 3 * 2 + 2,
        seats=np.array([-1, 2, -1]),
        apart=np.array([[0, 3], [6, 11]]),
    )
    ruled = replace(problem, rules=rules)
    start = columns(problem, 2)
    assert ruled.violations(start) == []
    objective = Objective(inertia=0.0, edge_costs=np.ones(problem.edges.shape[0]))
    found = pairwise_optimum(ruled, objective, start, limits=Limits(seconds=60))
    assert ruled.violations(found.plan) == []
    assert found.is_pairwise_optimal
    for pair in found.pairs:
        assert pair.objective == pytest.approx(
            best_pair(ruled, objective, found.plan, pair.districts)
        )


def test_a_stopped_run_claims_nothing() -> None:
    """Pairs that were not solved are feasible without a bound, and the plan is what it was."""
    problem = grid(6, 2, 3, tolerance=0.4)
    stop = Stop()
    stop.request()
    start = columns(problem, 2)
    found = pairwise_optimum(problem, Objective(), start, stop=stop)
    assert np.array_equal(found.plan, start)
    assert not found.is_pairwise_optimal
    assert {(pair.status, pair.bound) for pair in found.pairs} == {(Status.FEASIBLE, None)}


def test_broken_plans_and_mixed_objectives_are_refused() -> None:
    """The message says what to give instead."""
    problem = grid(6, 2, 3, tolerance=0.4)
    with pytest.raises(ValueError, match="Give a feasible plan"):
        pairwise_optimum(problem, Objective(), np.zeros(12, dtype=np.int64))
    mixed = Objective(edge_costs=np.ones(problem.edges.shape[0]))
    with pytest.raises(ValueError, match="give one of them"):
        pairwise_optimum(problem, mixed, columns(problem, 2))
