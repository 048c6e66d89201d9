"""Fewest residents moved, then compact or short-bordered districts, against trying every plan."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.districting.problem import Districting
from shequ.models.districting.rebalancing import Rebalancing
from shequ.models.formulation import FloatArray, IntArray
from shequ.optimize.districting.rebalancing.cuts import moves_bound
from shequ.optimize.districting.rebalancing.engine import rebalance_districts
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status

TODAY = {
    "one large": [0, 0, 0, 0, 0, 1, 0, 2, 1],
    "three of a size": [0, 0, 1, 0, 2, 1, 2, 2, 1],
    "in pieces": [0, 1, 0, 1, 1, 1, 2, 2, 2],
}


def grid(*, seed: int, lower: float, upper: float, labels: int) -> Districting:
    """Three by three nodes, 100 m apart, with random residents, some of them 0."""
    weight = np.random.default_rng(seed).integers(0, 10, 9).astype(float)
    points = np.array([(i % 3, i // 3) for i in range(9)], dtype=float) * 100
    edges = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]
    return Districting(
        weights=weight[:, None],
        lower=np.array([lower]),
        upper=np.array([upper]),
        edges=np.array(sorted(edges)),
        num_districts=labels,
        mass=np.maximum(weight, 1),
        location=points,
        centre=points,
        inertia=np.zeros(9),
    )


def balanced(problem: Districting, plans: IntArray) -> IntArray:
    """Leave out plans with a district whose residents are too few or too many."""
    kept = np.ones(len(plans), dtype=bool)
    for district in range(problem.num_districts):
        inside = plans == district
        residents = inside @ problem.weights[:, 0]
        within = (problem.lower[0] <= residents) & (residents <= problem.upper[0])
        kept &= within | ~inside.any(axis=1)
    return plans[kept]


def best_by_trying(asked: Rebalancing, lengths: FloatArray | None) -> tuple[float, float]:
    """Least (residents moved, second objective) of all plans, by trying the fewest moves first."""
    n, labels = asked.problem.num_nodes, asked.problem.num_districts
    plans = balanced(asked.problem, np.indices((labels,) * n).reshape(n, -1).T)
    moved = asked.label_costs[np.arange(n), plans].sum(axis=1)
    best = (np.inf, np.inf)
    for place in np.argsort(moved, kind="stable"):
        if moved[place] > best[0] + 1e-9:
            break
        if not asked.violations(plans[place]):
            best = min(best, (moved[place], asked.second_value(plans[place], lengths)))
    return best


@pytest.mark.parametrize(("second", "solver"), [("border", "scip"), ("inertia", "highs")])
@pytest.mark.parametrize("today", TODAY)
@pytest.mark.parametrize("free", [False, True])
def test_both_objectives_are_the_best_of_all_plans(
    today: str, second: str, solver: str, *, free: bool
) -> None:
    """Residents moved, and the second objective among those plans, are proven least."""
    problem = grid(seed=len(today), lower=8, upper=25, labels=4 if free else 3)
    counts = (1, 4) if free else (3, 3)
    asked = Rebalancing(problem, np.array(TODAY[today]), 3, *counts)
    lengths = np.arange(1.0, 13.0) if second == "border" else None
    found = rebalance_districts(
        asked, second=second, lengths=lengths, limits=Limits(60), solver=solver
    )
    best = best_by_trying(asked, lengths)
    assert found.plan is not None
    assert found.second is not None
    assert asked.violations(found.plan) == []
    assert found.moved.status is found.second.status is Status.OPTIMAL
    assert found.moved.objective == pytest.approx(best[0])
    assert found.second.objective == pytest.approx(best[1])


def test_too_few_residents_are_refused_in_words() -> None:
    """Bounds that the residents cannot meet are infeasible, and the detail says why."""
    problem = grid(seed=1, lower=60, upper=100, labels=3)
    asked = Rebalancing(problem, np.array(TODAY["one large"]), 3, 3, 3)
    found = rebalance_districts(asked, limits=Limits(10))
    assert found.plan is None
    assert found.moved.status is Status.INFEASIBLE
    assert "too few for 3 communities" in found.moved.detail


def test_a_small_community_is_merged_and_its_label_stays_empty() -> None:
    """With a free number a community below the least gives all its residents to a neighbour."""
    problem = grid(seed=5, lower=12, upper=40, labels=3)
    today = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2])
    asked = Rebalancing(problem, today, 3, 1, 3)
    found = rebalance_districts(asked, limits=Limits(30))
    assert found.plan is not None
    assert np.unique(found.plan).size < 3
    assert asked.violations(found.plan) == []
    assert found.moved.objective == best_by_trying(asked, None)[0]


def test_the_bound_of_each_community_alone_holds() -> None:
    """No plan moves fewer residents than the communities must give away or take in."""
    for seed in range(4):
        problem = grid(seed=seed, lower=4, upper=25, labels=3)
        asked = Rebalancing(problem, np.array(TODAY["one large"]), 3, 3, 3)
        fewest = best_by_trying(asked, None)[0]
        assert moves_bound(asked, limits=Limits(10)) <= fewest + 1e-6


def test_pairs_that_are_ruled_out_are_in_no_plan_that_moves_so_few() -> None:
    """The pairs within a number of residents hold every plan that moves no more."""
    problem = grid(seed=3, lower=0, upper=1e9, labels=3)
    asked = Rebalancing(problem, np.array(TODAY["three of a size"]), 3, 1, 3)
    allowed = asked.within(4.0)
    assert not allowed.all()
    for plan in map(np.array, itertools.product(range(3), repeat=9)):
        if asked.moved(plan) <= 4.0 and not asked.violations(plan):
            assert allowed[np.arange(9), plan].all()


def test_a_part_counts_what_the_whole_counts() -> None:
    """Moves and second objective of a part change as those of the whole do."""
    problem = grid(seed=2, lower=0, upper=1e9, labels=4)
    asked = Rebalancing(problem, np.array(TODAY["three of a size"]), 3, 1, 4)
    plan = np.array([0, 0, 1, 0, 1, 1, 2, 2, 1])
    part, nodes = asked.part(plan, np.array([0, 1, 3]))
    other = plan.copy()
    other[nodes] = np.array([0, 0, 1, 0, 0, 1, 3])[: nodes.size]
    inside = np.searchsorted([0, 1, 3], plan[nodes]), np.searchsorted([0, 1, 3], other[nodes])
    whole = asked.moved(other) - asked.moved(plan)
    assert part.moved(inside[1]) - part.moved(inside[0]) == pytest.approx(whole)
    whole = asked.second_value(other, None) - asked.second_value(plan, None)
    change = part.second_value(inside[1], None) - part.second_value(inside[0], None)
    assert change == pytest.approx(whole)


def test_a_second_objective_without_lengths_is_refused() -> None:
    """The border needs lengths; an unknown objective names the known ones."""
    asked = Rebalancing(
        grid(seed=1, lower=0, upper=100, labels=3), np.array(TODAY["one large"]), 3, 3, 3
    )
    with pytest.raises(ValueError, match="lengths of the edges"):
        rebalance_districts(asked, second="border")
    with pytest.raises(ValueError, match="choose border or inertia"):
        rebalance_districts(asked, second="beauty")  # type: ignore[arg-type] - what is tested
