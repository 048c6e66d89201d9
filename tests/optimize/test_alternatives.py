"""Alternatives against all plans of small problems: each the best of those that differ enough."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.districting.difference import difference
from shequ.models.districting.enumeration import all_plans
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.optimize.districting.alternatives import alternatives
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status


def grid(*, seed: int, districts: int) -> Districting:
    """Nine nodes in three rows, about 100 m apart, with random residents."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 10, 9).astype(float)
    points = np.array([(i % 3, i // 3) for i in range(9)]) * 100 + rng.uniform(-20, 20, (9, 2))
    edges = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]
    mean = weight.sum() / districts
    return Districting(
        weights=weight[:, None],
        lower=np.array([0.7 * mean]),
        upper=np.array([1.3 * mean]),
        edges=np.array(sorted(edges)),
        num_districts=districts,
        mass=weight,
        location=points,
        centre=points,
        inertia=np.zeros(9),
    )


def objective_of(kind: str, problem: Districting) -> Objective:
    """Moment of inertia, or random costs of cut edges."""
    if kind == "inertia":
        return Objective()
    costs = np.random.default_rng(1).integers(1, 6, len(problem.edges)).astype(float)
    return Objective(inertia=0.0, edge_costs=costs)


@pytest.mark.parametrize("kind", ["inertia", "edges"])
@pytest.mark.parametrize(("seed", "districts"), [(2, 2), (3, 3)])
def test_each_is_the_best_of_the_plans_that_differ_enough(
    seed: int, districts: int, kind: str
) -> None:
    """Every alternative costs what the best plan costs that is far from all earlier ones."""
    problem, within, differ = grid(seed=seed, districts=districts), 0.5, 0.2
    objective = objective_of(kind, problem)
    plans = all_plans(problem)
    values = np.array([objective.evaluate(problem, plan) for plan in plans])
    weight = problem.weights[:, 0]
    found = alternatives(
        problem, objective, number=3, within=within, differ=differ, limits=Limits(240)
    )
    chosen: list[np.ndarray] = []
    for result in found:
        left = [
            value
            for plan, value in zip(plans, values, strict=True)
            if value <= values.min() * (1 + within) + 1e-9
            and all(difference(weight, plan, one) >= differ - 1e-9 for one in chosen)
        ]
        if result.solution is None:
            assert left == []
            assert result.status is Status.INFEASIBLE
            continue
        assert result.status is Status.OPTIMAL
        assert result.objective == pytest.approx(min(left))
        assert problem.violations(result.solution) == []
        chosen.append(result.solution)
    assert len(chosen) == 3 or found[-1].solution is None


@pytest.mark.parametrize("seed", range(4))
def test_difference_is_the_least_over_all_matchings(seed: int) -> None:
    """The share that changes district is least over every way to match the districts."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 9, 10).astype(float)
    one, other = rng.integers(0, 3, (2, 10))
    one[:3] = other[:3] = np.arange(3)
    least = min(
        float(weight[np.array(match)[one] != other].sum())
        for match in itertools.permutations(range(3))
    )
    assert difference(weight, one, other) == pytest.approx(least / weight.sum())


def test_alternatives_differ_from_each_other() -> None:
    """No two plans share more than the share that was asked for leaves."""
    problem = grid(seed=5, districts=3)
    found = alternatives(problem, number=3, within=0.8, differ=0.25, limits=Limits(60))
    plans = [result.solution for result in found if result.solution is not None]
    assert len(plans) > 2
    for one, other in itertools.combinations(plans, 2):
        assert difference(problem.weights[:, 0], one, other) >= 0.25 - 1e-9


def test_none_within_the_cost_is_proven() -> None:
    """With no room above the best there is no other plan, and the last entry says so."""
    problem = grid(seed=0, districts=2)
    first, last = alternatives(problem, number=3, within=0.0, differ=0.5, limits=Limits(60))
    assert first.status is Status.OPTIMAL
    assert last.status is Status.INFEASIBLE
    assert "no plan within the cost exists" in last.detail


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"number": 0}, "at least 1"),
        ({"number": 2, "within": -0.1}, "not negative"),
        ({"number": 2, "differ": 0.0}, "share in"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, float], message: str) -> None:
    """Numbers and shares out of range name what to give."""
    with pytest.raises(ValueError, match=message):
        alternatives(grid(seed=0, districts=2), **values)  # type: ignore[arg-type] - by name


def test_districts_that_are_told_apart_are_refused() -> None:
    """Alternatives match districts freely, so rules that name them contradict that."""
    problem = grid(seed=0, districts=2)
    locked = np.full(9, -1)
    locked[0] = 1
    named = Districting(**{**vars_of(problem), "rules": DistrictRules(locked=locked)})
    with pytest.raises(ValueError, match="tell districts apart"):
        alternatives(named, number=2)


def vars_of(problem: Districting) -> dict[str, object]:
    """Fields of a problem by name."""
    return {name: getattr(problem, name) for name in problem.__dataclass_fields__}
