"""The combined formulation: every plan fits into it at its value, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import Delaunay
from shequ.models.districting.combined import combined_model
from shequ.models.districting.combined_plan import Cap
from shequ.models.districting.enumeration import all_plans
from shequ.models.districting.measures import MEASURES, Geography, Parts, measure_named
from shequ.models.districting.polsby_popper import SCORE_UNIT, Outlines, tangent
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.districting.separators import Separator
from shequ.models.formulation import FloatArray

NODES, DISTRICTS = 8, 3


def random_case(seed: int, rules: DistrictRules | None = None) -> tuple[Districting, Geography]:
    """Draw a small problem and all that the measures need."""
    rng = np.random.default_rng(seed)
    points = rng.random((NODES, 2)) * 3000
    triangles = Delaunay(points).simplices
    sides = np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, ::2]])
    edges = np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    mass = rng.integers(5, 15, NODES).astype(float)
    mean = mass.sum() / DISTRICTS
    problem = Districting(
        weights=mass[:, None],
        lower=np.array([0.6 * mean]),
        upper=np.array([1.4 * mean]),
        edges=edges,
        num_districts=DISTRICTS,
        mass=mass,
        location=points,
        centre=points,
        inertia=rng.random(NODES) * 1e5,
        rules=rules,
    )
    geography = Geography(
        edge_lengths=rng.uniform(50, 500, len(edges)),
        edge_factors=rng.choice([0.3, 1.0], len(edges)),
        outer_perimeter=rng.uniform(0, 300, NODES),
        area=rng.uniform(1e4, 5e4, NODES),
        today=rng.integers(-1, DISTRICTS, NODES),
        minutes=rng.uniform(0, 20, (NODES, DISTRICTS)),
    )
    return problem, geography


RULES = {
    "none": None,
    "apart": DistrictRules(apart=np.array([[0, 1]])),
    "seats": DistrictRules(seats=np.array([2, 5, 7])),
    "one seat": DistrictRules(seats=np.array([-1, 4, -1])),
    "own bounds": DistrictRules(lower=np.array([[20.0], [30], [0]])),
}


def sums(names: tuple[str, ...], problem: Districting, geography: Geography) -> Parts:
    """Sum of some measures."""
    total = Parts()
    for name in names:
        total = total + measure_named(name, geography).parts(problem)
    return total


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    "names",
    [
        ("moment-of-inertia",),
        ("border", "deviation"),
        ("moment-of-inertia", "border", "deviation"),
        ("moment-of-inertia", "moved", "cut-edges"),
        ("minutes", "border", "polsby-popper"),
        ("moment-of-inertia", "polsby-popper"),
    ],
)
def test_every_plan_has_its_value(rules: str, names: tuple[str, ...]) -> None:
    """Each plan is a feasible point whose cost is the sum of the measures of the plan."""
    problem, geography = random_case(1, RULES[rules])
    built = combined_model(problem, sums(names, problem, geography), geography=geography)
    plans = all_plans(problem)
    assert len(plans)
    for plan in plans[:40]:
        values = built.encode(plan)
        assert values is not None
        assert built.model.violations(values, tolerance=1e-7) == []
        same = built.decode(values)
        pairs = plan[:, None] == plan
        assert np.array_equal(same[:, None] == same, pairs)
        expected = sum(measure_named(name, geography).evaluate(problem, same) for name in names)
        assert built.model.evaluate(values) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", MEASURES)
def test_cap_keeps_exactly_the_plans_within_it(name: str) -> None:
    """A row for a cap is kept by the plans within the limit and broken by the others."""
    problem, geography = random_case(2)
    measure = measure_named(name, geography)
    plans = all_plans(problem)
    worth = np.array([measure.evaluate(problem, plan) for plan in plans])
    limit = float(np.quantile(worth, 0.5)) + 1e-6
    caps = [Cap(measure.parts(problem), limit)]
    built = combined_model(problem, Parts(), caps=caps, geography=geography)
    for plan, value in list(zip(plans, worth, strict=True))[:60]:
        values = built.encode(plan)
        assert values is not None
        broken = built.model.violations(values, tolerance=1e-9)
        assert bool(broken) == (value > limit)


def test_names_follow_the_labels() -> None:
    """Where nodes have costs in districts, a plan keeps its numbers."""
    problem, geography = random_case(3)
    parts = sums(("moment-of-inertia", "moved"), problem, geography)
    built = combined_model(problem, parts, geography=geography)
    plan = np.array([2, 0, 1])[all_plans(problem)[0]]
    values = built.encode(plan)
    assert values is not None
    assert built.decode(values).tolist() == plan.tolist()


def test_pairs_that_are_not_allowed_have_no_column() -> None:
    """A plan that needs such a pair cannot be stated."""
    problem, geography = random_case(1)
    plan = all_plans(problem)[0]
    centre = problem.centres(plan)[plan]
    allowed = np.ones((NODES, NODES), dtype=bool)
    node = int(np.flatnonzero(centre != np.arange(NODES))[0])
    allowed[node, centre[node]] = False
    parts = sums(("moment-of-inertia", "border"), problem, geography)
    built = combined_model(problem, parts, geography=geography, allowed=allowed)
    assert built.column[node, np.flatnonzero(built.slots.centre == centre[node])].tolist() == [-1]
    assert built.encode(plan) is None


def test_separator_with_a_centre_cuts_off_an_island() -> None:
    """Without a node between them, an island breaks the row; with one it keeps it."""
    problem, _ = random_case(1)
    built = combined_model(problem, Parts(inertia=1.0))
    slot = np.flatnonzero(built.slots.centre == 3)
    cut = Separator(np.array([0]), np.array([3]), np.array([1, 2]))
    (row,) = built.separate(cut, slot)
    values: FloatArray = np.zeros(built.model.num_columns)
    values[built.column[[0, 3], slot]] = 1
    assert row.coefficients @ values[row.columns] > row.upper
    values[built.column[1, slot]] = 1
    assert row.coefficients @ values[row.columns] <= row.upper


def test_separator_without_a_centre_needs_both_ends() -> None:
    """A named district breaks the row only if it holds the island and the node beyond."""
    problem, geography = random_case(1)
    built = combined_model(problem, sums(("moved", "border"), problem, geography))
    cut = Separator(np.array([0]), np.array([3]), np.array([1, 2]))
    (row,) = built.separate(cut, np.array([1]))
    values: FloatArray = np.zeros(built.model.num_columns)
    values[built.column[0, 1]] = 1
    assert row.coefficients @ values[row.columns] <= row.upper
    values[built.column[3, 1]] = 1
    assert row.coefficients @ values[row.columns] > row.upper


def test_scores_that_are_claimed_too_low_get_a_tangent() -> None:
    """The tangent is broken by the claim and kept by the true score."""
    problem, geography = random_case(4)
    parts = sums(("polsby-popper",), problem, geography)
    built = combined_model(problem, parts, geography=geography)
    values = built.encode(all_plans(problem)[0])
    assert values is not None
    assert built.missing_tangents(values) == []
    low = values.copy()
    low[built.outlines[1, 2]] *= 0.99
    rows = built.missing_tangents(low)
    assert max(float(row.coefficients @ low[row.columns]) for row in rows) > 1e-3
    assert max(float(row.coefficients @ values[row.columns]) for row in rows) < 1e-9


def test_tangent_touches_the_cone_at_its_ratio() -> None:
    """It is the score where P / A is the ratio, and never above it."""
    rng = np.random.default_rng(0)
    outline, area = rng.uniform(1, 9, 50), rng.uniform(0.2, 4, 50)
    score = outline**2 / (4 * np.pi * area)
    row = tangent(3.7)
    assert (np.column_stack([outline, area, score]) @ row <= 1e-9).all()
    assert row @ [3.7 * 2, 2, (3.7 * 2) ** 2 / (8 * np.pi)] == pytest.approx(0)


def test_outlines_agree_with_the_measure() -> None:
    """Scaled outlines give the same mean score."""
    problem, geography = random_case(5)
    plan = all_plans(problem)[0]
    scores = Outlines.of(problem, geography).values(plan, DISTRICTS)[:, 2] * SCORE_UNIT
    measure = measure_named("polsby-popper", geography)
    assert scores.mean() == pytest.approx(measure.evaluate(problem, plan))


def test_factors_of_the_border_do_not_change_the_outline() -> None:
    """A river is as long as it is in the score of Polsby and Popper."""
    problem, geography = random_case(6)
    plan = all_plans(problem)[0]
    plain = replace(geography, edge_factors=None)
    one, other = (
        measure_named("polsby-popper", g).evaluate(problem, plan) for g in (geography, plain)
    )
    assert one == other
