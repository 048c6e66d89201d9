"""Rules that tell districts apart, and the weighted objective."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules


@pytest.fixture
def path() -> Districting:
    """Four nodes in a row, one kilometre apart, each with ten residents."""
    points = np.array([[0.0, 0], [1000, 0], [2000, 0], [3000, 0]])
    mass = np.full(4, 10.0)
    return Districting(
        weights=mass[:, None],
        lower=np.array([10.0]),
        upper=np.array([30.0]),
        edges=np.array([[0, 1], [1, 2], [2, 3]]),
        num_districts=2,
        mass=mass,
        location=points,
        centre=points,
        inertia=np.zeros(4),
    )


def test_evaluate_agrees_with_the_cost_matrix() -> None:
    """The parallel-axis short cut gives what the sums over the matrix give."""
    problem, _ = voronoi_districting(40, 4, seed=5)
    plan = np.random.default_rng(1).integers(0, 4, 40)
    matrix = replace(problem, cost_matrix=problem.costs)
    assert problem.evaluate(plan) == pytest.approx(matrix.evaluate(plan), rel=1e-12)
    assert np.array_equal(problem.centres(plan), matrix.centres(plan))


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        (DistrictRules(locked=np.array([1, -1, -1, -1])), "node 0 must not be in district 0"),
        (DistrictRules(forbidden=np.eye(4, 2) > 0), "node 0 must not be in district 0"),
        (DistrictRules(seats=np.array([-1, 1])), "node 1 must not be in district 0"),
        (DistrictRules(apart=np.array([[0, 1]])), "node 0 and node 1 share a district"),
        (DistrictRules(upper=np.array([[15.0], [30]])), "district 0: weight 0 is 20"),
        (DistrictRules(lower=np.array([[25.0], [10]])), "district 0: weight 0 is 20"),
    ],
)
def test_each_rule_is_checked(path: Districting, rules: DistrictRules, broken: str) -> None:
    """A plan that keeps the common bounds but breaks one rule is told so, by name."""
    plan = np.array([0, 0, 1, 1])
    assert path.violations(plan) == []
    assert any(broken in text for text in replace(path, rules=rules).violations(plan))


def test_a_seat_is_the_centre(path: Districting) -> None:
    """The moment of inertia is taken about the seat, wherever the best centre lies."""
    plan = np.array([0, 0, 0, 1])
    seated = replace(path, rules=DistrictRules(seats=np.array([0, -1])))
    assert path.evaluate(plan) == pytest.approx(20.0)
    assert seated.evaluate(plan) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (DistrictRules(locked=np.array([0, 1])), "locked has shape"),
        (DistrictRules(locked=np.array([0, 2, -1, -1])), "outside -1..1"),
        (DistrictRules(seats=np.array([0, 4])), "outside -1..3"),
        (DistrictRules(apart=np.array([0, 1])), "expected"),
        (DistrictRules(apart=np.array([[0, -1]])), "outside 0..3"),
    ],
)
def test_rules_that_do_not_fit_are_refused(
    path: Districting, rules: DistrictRules, message: str
) -> None:
    """Shapes and numbers are checked when the problem is made."""
    with pytest.raises(ValueError, match=message):
        replace(path, rules=rules)


def test_objective_adds_its_parts(path: Districting) -> None:
    """Moment of inertia, cut edges and costs of nodes in districts are summed with weights."""
    plan = np.array([0, 0, 1, 1])
    objective = Objective(0.5, np.array([1.0, 7, 1]), np.array([[1.0, 0], [2, 0], [0, 4], [0, 8]]))
    objective.check(path)
    assert objective.evaluate(path, plan) == pytest.approx(0.5 * 20 + 7 + 15)
    assert not objective.is_whole
    assert Objective(0, np.ones(3)).is_whole
    with pytest.raises(ValueError, match="edge_costs"):
        Objective(0, np.ones(2)).check(path)
    with pytest.raises(ValueError, match="not negative"):
        Objective(0, np.array([1.0, -1, 1])).check(path)
