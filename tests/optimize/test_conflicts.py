"""Conflicts that need no solver are found, named, and never claimed of what has a plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import all_plans
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.optimize.districting.conflicts import obvious_conflicts
from shequ.optimize.districting.hess.engine import solve_districting
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status

NAMES = tuple(f"unit {letter}" for letter in "ABCDEF")


def chain(rules: DistrictRules | None = None, **changes: object) -> Districting:
    """Six units of ten residents in a row, two districts of 20 to 40."""
    points = np.stack([np.arange(6.0), np.zeros(6)], axis=1)
    problem = Districting(
        weights=np.full((6, 1), 10.0),
        lower=np.array([20.0]),
        upper=np.array([40.0]),
        edges=np.stack([np.arange(5), np.arange(1, 6)], axis=1),
        num_districts=2,
        mass=np.full(6, 10.0),
        location=points,
        centre=points,
        inertia=np.zeros(6),
        names=NAMES,
        rules=rules,
    )
    return replace(problem, **changes)  # type: ignore[arg-type] - fields of the problem by name


def locked(*districts: int) -> DistrictRules:
    """Lock each unit into a district; -1 leaves it free."""
    return DistrictRules(locked=np.array(districts))


def expect(problem: Districting, *words: str) -> None:
    """Expect the engine to say infeasible, for a reason that holds the words."""
    result = solve_districting(problem, limits=Limits(seconds=20))
    assert result.status is Status.INFEASIBLE
    assert result.solution is None
    for word in words:
        assert word in result.detail
    assert not all_plans(problem).shape[0]


def test_a_problem_with_a_plan_has_no_conflict() -> None:
    """Nothing is in the way of the plain chain."""
    assert obvious_conflicts(chain(), ["residents"]) == []


def test_a_unit_above_the_bound_is_named() -> None:
    """A unit, or a group of them, that is larger than a district is named with its residents."""
    expect(chain(weights=np.array([[10.0], [50], [10], [10], [10], [10]])), "unit B", "50")


def test_a_total_that_fits_no_district_is_said() -> None:
    """Too many and too few residents are both said with their figures."""
    expect(chain(upper=np.array([25.0])), "60 residents", "do not fit")
    expect(chain(lower=np.array([35.0])), "60 residents", "too few")


def test_units_of_small_parts_are_named() -> None:
    """Where the graph falls apart, the units outside its largest part are named."""
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    expect(chain(edges=edges), "3 parts", "unit E", "unit F")


def test_a_part_that_no_number_of_districts_holds_is_named() -> None:
    """A part that is too light for a district is named, with its residents."""
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    expect(chain(edges=edges), "unit F", "10 residents")


def test_a_unit_without_a_district_is_named() -> None:
    """A unit that is barred from every district is named."""
    forbidden = np.zeros((6, 2), dtype=bool)
    forbidden[2] = True
    expect(chain(DistrictRules(forbidden=forbidden)), "unit C")


def test_locks_that_are_too_heavy_are_named() -> None:
    """Units that are locked into one district and weigh more than it may are named."""
    expect(chain(locked(0, 0, 0, 0, 0, -1)), "unit A", "50 residents", "40")


def test_locks_that_nothing_connects_are_named() -> None:
    """Units of one district with another one between them are named."""
    expect(chain(locked(0, -1, 1, 0, -1, -1)), "unit A", "unit D", "connect")


def test_a_district_that_cannot_be_filled_is_named() -> None:
    """A district whose possible units are too few is named."""
    expect(chain(locked(0, 1, 1, 1, 1, -1)), "district 0")


def test_units_apart_in_one_district_are_named() -> None:
    """Two units that are locked together and must be apart are named."""
    rules = replace(locked(0, 0, -1, -1, -1, 1), apart=np.array([[0, 1]]))
    expect(chain(rules), "unit A", "unit B", "apart")


def test_one_seat_of_two_districts_is_named() -> None:
    """A unit cannot be the seat of two districts."""
    expect(chain(DistrictRules(seats=np.array([3, 3]))), "unit D")


def test_balance_without_contiguity_is_argued_first() -> None:
    """Three units of 30 make no two districts of 40 to 50, whatever touches what."""
    weights = np.array([[30.0], [0], [30], [0], [30], [0]])
    problem = chain(weights=weights, lower=np.array([40.0]), upper=np.array([50.0]))
    expect(problem, "balanced, even without contiguity")


def test_contiguity_is_argued_after_balance() -> None:
    """Units that can be balanced, but not in connected districts, are told so."""
    weights = np.array([[30.0], [10], [10], [10], [10], [30]])
    problem = chain(
        DistrictRules(seats=np.array([0, -1]), locked=np.array([-1, -1, -1, -1, -1, 0])),
        weights=weights,
        upper=np.array([80.0]),
    )
    expect(problem, "connected plan")


def test_as_many_districts_as_units() -> None:
    """Each unit is then a district of its own."""
    problem = chain(num_districts=6, lower=np.array([10.0]))
    result = solve_districting(problem)
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert sorted(result.solution.tolist()) == [0, 1, 2, 3, 4, 5]


def test_one_district_holds_everything_or_nothing() -> None:
    """With one district the plan is the whole, and its broken rules are the reason."""
    whole = chain(num_districts=1, upper=np.array([60.0]))
    assert solve_districting(whole).status is Status.OPTIMAL
    rules = DistrictRules(apart=np.array([[1, 4]]))
    expect(replace(whole, rules=rules), "unit B", "unit E")


def test_units_without_residents_are_assigned() -> None:
    """Empty units weigh nothing in the balance and still belong to a district."""
    weights = np.array([[0.0], [30], [0], [0], [30], [0]])
    result = solve_districting(chain(weights=weights, mass=np.ones(6)))
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert chain(weights=weights).violations(result.solution) == []


def test_equal_optima_are_proven() -> None:
    """A symmetric problem with several best plans ends with a proof."""
    ring = chain(edges=np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 0]]))
    angle = np.arange(6) * np.pi / 3
    points = 1000 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring = replace(ring, location=points, centre=points, lower=np.array([30.0]))
    result = solve_districting(ring)
    assert result.status is Status.OPTIMAL
    assert result.gap == 0


@pytest.mark.parametrize("seed", range(60))
def test_no_conflict_is_claimed_of_what_has_a_plan(seed: int) -> None:
    """On random rules a conflict is found only where enumeration finds no plan."""
    rng = np.random.default_rng(seed)
    k = 2 + seed % 2
    plain, _ = voronoi_districting(8, k, seed=seed, tolerance=0.5)
    rules = DistrictRules(
        locked=np.where(rng.random(8) < 0.4, rng.integers(0, k, 8), -1),
        forbidden=rng.random((8, k)) < 0.2,
        apart=rng.permutation(8)[:2][None, :],
        seats=np.where(rng.random(k) < 0.3, rng.permutation(8)[:k], -1),
    )
    keep = rng.random(plain.edges.shape[0]) < 0.9
    problem = replace(plain, rules=rules, edges=plain.edges[keep])
    if obvious_conflicts(problem, ["residents"]):
        assert not all_plans(problem).shape[0]
