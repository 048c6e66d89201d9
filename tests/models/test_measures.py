"""Every measure against a computation by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shequ.models.districting.measures import (
    MEASURES,
    Geography,
    Parts,
    measure_named,
    targets,
)
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules

PLAN = np.array([0, 0, 1, 1])


@pytest.fixture
def problem() -> Districting:
    """Four nodes on a line, 1 km apart, with 10, 20, 30 and 50 residents."""
    points = np.array([[0.0, 0], [1000, 0], [2000, 0], [3000, 0]])
    mass = np.array([10.0, 20, 30, 50])
    return Districting(
        weights=np.column_stack([mass, [4.0, 4, 4, 4]]),
        lower=np.zeros(2),
        upper=np.full(2, np.inf),
        edges=np.array([[0, 1], [1, 2], [2, 3], [0, 2]]),
        num_districts=2,
        mass=mass,
        location=points,
        centre=points,
        inertia=np.zeros(4),
    )


@pytest.fixture
def geography() -> Geography:
    """Squares of 1 km, but for an edge of 500 m from node 0 to node 2 along a river."""
    return Geography(
        edge_lengths=np.array([1000.0, 1000, 1000, 500]),
        edge_factors=np.array([1.0, 0.5, 1, 0.2]),
        outer_perimeter=np.array([3000.0, 2000, 2000, 3000]),
        area=np.full(4, 1e6),
        today=np.array([0, 1, 1, -1]),
        minutes=np.array([[1.0, 9], [2, 9], [9, 3], [9, 4]]),
    )


def value(name: str, problem: Districting, geography: Geography) -> float:
    """Value of the plan."""
    return measure_named(name, geography).evaluate(problem, PLAN)


def test_moment_of_inertia(problem: Districting, geography: Geography) -> None:
    """Node 0 walks 1 km to node 1, node 2 walks 1 km to node 3: 10 + 30 resident·km²."""
    assert value("moment-of-inertia", problem, geography) == pytest.approx(40)


def test_moment_of_inertia_by_a_cost_matrix(problem: Districting, geography: Geography) -> None:
    """With a cost matrix the least column sum of each district counts."""
    costs = np.arange(16.0).reshape(4, 4)
    assert value("moment-of-inertia", replace(problem, cost_matrix=costs), geography) == 0 + 4 + 24


def test_moment_of_inertia_about_a_seat(problem: Districting, geography: Geography) -> None:
    """A seat is the centre even where another node would be better: 20 + 30."""
    seated = replace(problem, rules=DistrictRules(seats=np.array([0, -1])))
    assert value("moment-of-inertia", seated, geography) == pytest.approx(50)


def test_border_counts_less_along_a_river(problem: Districting, geography: Geography) -> None:
    """Edges 1-2 and 0-2 are cut: 1000 · 0.5 + 500 · 0.2 metres."""
    assert value("border", problem, geography) == pytest.approx(600)


def test_border_without_factors_is_its_length(problem: Districting, geography: Geography) -> None:
    """Without factors every metre counts."""
    assert value("border", problem, replace(geography, edge_factors=None)) == pytest.approx(1500)


def test_cut_edges(problem: Districting, geography: Geography) -> None:
    """Two edges are cut."""
    assert value("cut-edges", problem, geography) == 2


def test_polsby_popper(problem: Districting, geography: Geography) -> None:
    """Both districts have an outline of 5 km + 1.5 km around 2 km², without any factor."""
    expected = 6.5**2 / (4 * np.pi * 2)
    assert value("polsby-popper", problem, geography) == pytest.approx(expected)


def test_polsby_popper_of_an_empty_district(problem: Districting, geography: Geography) -> None:
    """An empty district has no score."""
    measure = measure_named("polsby-popper", geography)
    assert measure.evaluate(problem, np.zeros(4, dtype=np.int64)) == np.inf


def test_deviation_is_the_largest_of_all_weights(
    problem: Districting, geography: Geography
) -> None:
    """30 and 80 of a mean of 55 residents: 25 / 55; households are balanced."""
    assert value("deviation", problem, geography) == pytest.approx(25 / 55)


def test_deviation_from_the_middle_of_own_bounds(
    problem: Districting, geography: Geography
) -> None:
    """Districts with own bounds aim at their middle: 30 of 40 and 80 of 70."""
    lower = np.array([[35.0, 0], [60, 0]])
    upper = np.array([[45.0, np.inf], [80, np.inf]])
    own = replace(problem, rules=DistrictRules(lower=lower, upper=upper))
    assert targets(own).tolist() == [[40, 8], [70, 8]]
    assert value("deviation", own, geography) == pytest.approx(10 / 40)


def test_moved_counts_who_changes_district(problem: Districting, geography: Geography) -> None:
    """Only node 1 changes; node 3 had no district."""
    assert value("moved", problem, geography) == 20


def test_minutes_are_the_mean_of_residents(problem: Districting, geography: Geography) -> None:
    """(10 · 1 + 20 · 2 + 30 · 3 + 50 · 4) / 110 minutes."""
    assert value("minutes", problem, geography) == pytest.approx(340 / 110)


@pytest.mark.parametrize("name", ["border", "cut-edges", "moved", "minutes"])
def test_parts_state_the_same_value(problem: Districting, geography: Geography, name: str) -> None:
    """Costs of edges and of nodes in districts add up to the measure."""
    parts = measure_named(name, geography).parts(problem)
    total = 0.0
    if parts.edge_costs is not None:
        u, v = problem.edges.T
        total += parts.edge_costs[PLAN[u] != PLAN[v]].sum()
    if parts.label_costs is not None:
        total += parts.label_costs[np.arange(4), PLAN].sum()
    assert total == pytest.approx(value(name, problem, geography))


def test_parts_add_up_and_scale() -> None:
    """Sums and multiples are taken term by term; what neither has stays away."""
    one = Parts(inertia=1, edge_costs=np.array([1.0, 2]))
    total = (one + Parts(edge_costs=np.array([3.0, 4]), deviation=5)).scaled(2)
    assert (total.inertia, total.deviation, total.label_costs) == (2, 10, None)
    assert total.edge_costs is not None
    assert total.edge_costs.tolist() == [8, 12]


def test_unknown_measure_is_refused(geography: Geography) -> None:
    """The message lists every measure."""
    with pytest.raises(ValueError, match=r"'compactness' not understood.*moment-of-inertia"):
        measure_named("compactness", geography)


@pytest.mark.parametrize(
    ("name", "label"), [(n, m.needs[0]) for n, m in MEASURES.items() if m.needs]
)
def test_missing_data_is_named(name: str, label: str) -> None:
    """A measure without its data says what it needs."""
    with pytest.raises(ValueError, match=f"'{name}' needs {label}"):
        measure_named(name, Geography())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edge_lengths": np.ones(3)}, r"edge_lengths has shape \(3,\)"),
        ({"area": np.array([1.0, 0, 1, 1])}, "area of node 1 is not positive"),
        ({"today": np.array([0, 2, 1, 0])}, "today puts node 1 into district 2"),
        ({"minutes": np.full((4, 2), np.nan)}, r"minutes\[0, 0\] is nan"),
    ],
)
def test_data_that_does_not_fit_is_refused(
    problem: Districting, geography: Geography, change: dict[str, np.ndarray], message: str
) -> None:
    """Shapes and values are checked, with the name of the node."""
    with pytest.raises(ValueError, match=message):
        replace(geography, **change).check(problem)
