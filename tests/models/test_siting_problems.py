"""Siting problems: what they refuse, what they call broken, and what cannot be solved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from shequ.models.formulation import LinearModel
from shequ.models.siting.allocation import Allocation, SplitAllocation, closest_allocation
from shequ.models.siting.capacitated_p_median import (
    CapacitatedPMedian,
    capacitated_p_median_model,
)
from shequ.models.siting.fixed_charge import FixedCharge, fixed_charge_model
from shequ.models.siting.maximal_covering import MaximalCovering
from shequ.models.siting.p_center import PCenter
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.set_covering import SetCovering, set_covering_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model

DISTANCES = np.array([[0.0, 3.0, 9.0], [2.0, 1.0, 5.0], [8.0, 4.0, 0.0], [7.0, 6.0, 2.0]])
DEMAND = np.array([1.0, 2.0, 3.0, 4.0])
CAPACITY = np.array([4.0, 6.0, 7.0])
FIXED = np.array([10.0, 20.0, 30.0])
COVERS = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]))

p_median = PMedian(DISTANCES, DEMAND, 2)
p_center = PCenter(DISTANCES, 2)
capacitated = CapacitatedPMedian(DISTANCES, DEMAND, CAPACITY, 2)
split = FixedCharge(DISTANCES, FIXED, DEMAND, CAPACITY)
single_source = FixedCharge(DISTANCES, FIXED, DEMAND, CAPACITY, single_source=True)
uncapacitated = FixedCharge(DISTANCES, FIXED, DEMAND)
set_covering = SetCovering(COVERS, FIXED)
maximal_covering = MaximalCovering(COVERS, DEMAND, 2)
Allocating = PMedian | PCenter | CapacitatedPMedian | FixedCharge
ALLOCATED: tuple[Allocating, ...] = (
    p_median,
    p_center,
    capacitated,
    split,
    single_source,
    uncapacitated,
)


def opened(*sites: int) -> np.ndarray:
    """Set of open sites among three."""
    return np.isin(np.arange(3), sites)


def allocation(sites: tuple[int, ...], site_of_client: list[int]) -> Allocation:
    """Allocation of the four clients."""
    return Allocation(opened(*sites), np.array(site_of_client))


def shares(sites: tuple[int, ...], rows: list[list[float]]) -> SplitAllocation:
    """Split allocation of the four clients."""
    return SplitAllocation(opened(*sites), np.array(rows))


def test_clients_go_to_the_closest_open_site_the_first_of_equals() -> None:
    """A closed site is passed over, and of two sites as close the first is taken."""
    distances = np.array([[1.0, 2.0, 3.0], [5.0, 4.0, 4.0]])
    found = closest_allocation(distances, opened(1, 2))
    assert found.site_of_client.tolist() == [1, 1]
    assert found.is_open.tolist() == [False, True, True]


def test_nobody_is_served_where_nothing_is_open() -> None:
    """Every client is left without a site."""
    assert closest_allocation(DISTANCES, opened()).site_of_client.tolist() == [-1] * 4


@pytest.mark.parametrize(
    ("problem", "solution", "value"),
    [
        (p_median, allocation((0, 2), [0, 0, 2, 2]), 0 + 4 + 0 + 8),
        (p_median, allocation((0, 2), [2, 0, 2, 2]), 9 + 4 + 0 + 8),
        (p_center, allocation((0, 2), [0, 2, 2, 2]), 5),
        (capacitated, allocation((0, 2), [0, 0, 2, 2]), 0 + 2 + 0 + 2),
        (uncapacitated, allocation((0, 2), [0, 0, 2, 2]), 40 + 4),
        (single_source, allocation((1, 2), [1, 1, 2, 2]), 50 + 3 + 1 + 0 + 2),
        (split, shares((0, 2), [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1], [0, 0, 1]]), 40 + 3.5 + 2),
        (set_covering, opened(0, 2), 40),
        (maximal_covering, opened(0, 2), 1 + 3),
    ],
)
def test_objectives_are_those_computed_by_hand(
    problem: Any,  # noqa: ANN401 - each problem has solutions of its own
    solution: Any,  # noqa: ANN401
    value: float,
) -> None:
    """Each solution costs, or covers, what it says here; it need not be the best."""
    assert problem.evaluate(solution) == pytest.approx(value)


@pytest.mark.parametrize("problem", ALLOCATED)
def test_a_client_without_a_site_is_infinitely_far(problem: Allocating) -> None:
    """The objective is infinite, not a number that looks good, and the client is named."""
    unserved = allocation((0, 2), [0, 0, -1, 2])
    assert problem.evaluate(unserved) == math.inf
    assert "client 2 is served by no site" in problem.violations(unserved)


def test_an_unserved_client_without_weight_is_infinitely_far_too() -> None:
    """No weight times no site is not a number; the objective is infinite all the same."""
    problem = PMedian(DISTANCES, np.zeros(4), 2)
    assert problem.evaluate(allocation((0, 2), [0, 0, -1, 2])) == math.inf


@pytest.mark.parametrize("problem", ALLOCATED)
def test_a_client_at_a_closed_site_is_named(problem: Allocating) -> None:
    """The message names client and site."""
    broken = problem.violations(allocation((0, 2), [0, 1, 2, 2]))
    assert broken == ["client 1 is served by site 1, which is closed"]


@pytest.mark.parametrize("problem", ALLOCATED)
def test_a_solution_of_another_size_is_named(problem: Allocating) -> None:
    """Too few clients or sites are told, and nothing is computed from them."""
    small = Allocation(np.array([True, True]), np.array([0, 1, 0]))
    assert problem.violations(small) == [
        "is_open has shape (2,), expected (3,)",
        "site_of_client has shape (3,), expected (4,)",
    ]


@pytest.mark.parametrize("problem", [p_median, p_center, capacitated])
def test_another_number_of_sites_is_named(problem: Allocating) -> None:
    """Both one site too many and one too few break the rule."""
    assert "3 sites are open, not p = 2" in problem.violations(allocation((0, 1, 2), [0, 1, 2, 2]))
    assert "1 sites are open, not p = 2" in problem.violations(allocation((2,), [2, 2, 2, 2]))


@pytest.mark.parametrize("problem", [capacitated, single_source, split])
def test_a_site_over_capacity_is_named(problem: Allocating) -> None:
    """The message gives load and capacity; a full site breaks nothing."""
    assert problem.violations(allocation((1, 2), [1, 1, 2, 2])) == []
    broken = problem.violations(allocation((0, 2), [2, 0, 2, 2]))
    assert broken == ["site 2 serves 8, more than its capacity 7"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.75, 0.0, 0.0], "client 1 is served to 0.75 of its demand, not 1"),
        ([0.5, 0.5, 0.0], "client 1 is served by site 1, which is closed"),
        ([1.5, 0.0, -0.5], "client 1 has share -0.5 < 0 at site 2"),
        ([np.nan, 0.0, 0.0], "client 1 is served to nan of its demand, not 1"),
    ],
)
def test_wrong_shares_are_named(row: list[float], message: str) -> None:
    """The message names client, share and site."""
    solution = shares((0, 2), [[1, 0, 0], row, [0, 0, 1], [0, 0, 1]])
    assert split.violations(solution) == [message]


def test_a_split_client_is_named_where_one_source_is_asked() -> None:
    """The same solution is fine where demand may be split."""
    solution = shares((0, 2), [[1, 0, 0], [1, 0, 0], [1 / 3, 0, 2 / 3], [0, 0, 1]])
    assert split.violations(solution) == []
    assert single_source.violations(solution) == ["client 2 is served by several sites, not one"]


def test_shares_of_another_size_are_named() -> None:
    """Too few clients are told, and nothing is computed from them."""
    solution = SplitAllocation(opened(0), np.ones((2, 3)))
    assert split.violations(solution) == ["share has shape (2, 3), expected (4, 3)"]


def test_uncovered_clients_and_wrong_counts_are_named() -> None:
    """The set covering names clients, the maximal covering the number of sites."""
    assert set_covering.violations(opened(0, 2)) == [
        "client 1 is covered by no open site",
        "client 3 is covered by no open site",
    ]
    assert maximal_covering.violations(opened(0, 2)) == []
    assert maximal_covering.violations(opened(0)) == ["1 sites are open, not p = 2"]
    for problem in (set_covering, maximal_covering):
        misfit = problem.violations(np.array([True]))
        assert misfit == ["is_open has shape (1,), expected (3,)"]


NAN = np.array([1.0, np.nan, 1.0, 1.0])
STORED_ZERO = sparse.csr_array((np.array([1.0, 0.0]), ([0, 1], [0, 2])), shape=(4, 3))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PMedian(DISTANCES[0], DEMAND, 2), r"distances has shape \(3,\)"),
        (lambda: PMedian(DISTANCES[:0], DEMAND[:0], 1), "at least one of each"),
        (lambda: PMedian(DISTANCES, DEMAND[:3], 2), r"weights has shape \(3,\), expected \(4,\)"),
        (lambda: PMedian(DISTANCES, NAN, 2), r"weights\[1\] is nan; give a finite number"),
        (lambda: PMedian(DISTANCES - 1, DEMAND, 2), r"distances\[0, 0\] is -1.0"),
        (lambda: PCenter(np.full((2, 3), np.inf), 2), r"distances\[0, 0\] is inf"),
        (lambda: PMedian(DISTANCES, DEMAND, 0), r"p = 0 of 3 sites .* give 1\.\.3"),
        (lambda: PCenter(DISTANCES, 4), "p = 4 of 3 sites"),
        (lambda: CapacitatedPMedian(DISTANCES, DEMAND, DEMAND, 2), "capacity has shape"),
        (lambda: CapacitatedPMedian(DISTANCES, -DEMAND, CAPACITY, 2), r"demand\[0\] is -1.0"),
        (lambda: CapacitatedPMedian(DISTANCES, DEMAND, CAPACITY, 4), "p = 4 of 3 sites"),
        (lambda: FixedCharge(DISTANCES, DEMAND, DEMAND), "fixed_costs has shape"),
        (lambda: FixedCharge(DISTANCES, FIXED, NAN), r"demand\[1\] is nan"),
        (lambda: FixedCharge(DISTANCES, FIXED, DEMAND, -CAPACITY), r"capacity\[0\] is -4.0"),
        (lambda: SetCovering(COVERS, DEMAND), "costs has shape"),
        (lambda: SetCovering(COVERS[:, :0], FIXED[:0]), "at least one of each"),
        (lambda: SetCovering(STORED_ZERO, FIXED), r"covers\[1, 2\] is stored as 0.0"),
        (lambda: MaximalCovering(COVERS, FIXED, 2), "weights has shape"),
        (lambda: MaximalCovering(COVERS, DEMAND, 4), "p = 4 of 3 sites"),
        (lambda: allocation((0,), [0, 3, 0, 0]), r"site_of_client\[1\] is 3; give a site 0\.\.2"),
        (lambda: allocation((0,), [0, 0, -2, 0]), r"site_of_client\[2\] is -2"),
        (lambda: Allocation(opened(0), np.zeros(4)), "one integer a client"),  # type: ignore[arg-type]
        (lambda: Allocation(np.ones(3, dtype=int), np.zeros(4, dtype=int)), "one boolean a site"),
        (lambda: SplitAllocation(opened(0), np.ones((4, 2))), r"expected \(clients, 3\)"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(build: Callable[[], Any], message: str) -> None:
    """The message names the array, the place, the value and what to give."""
    with pytest.raises(ValueError, match=message):
        build()


IMPOSSIBLE: dict[str, LinearModel] = {
    "p sites hold too little": capacitated_p_median_model(
        CapacitatedPMedian(np.ones((4, 3)), np.full(4, 2.0), np.full(3, 5.0), 1)
    ).model,
    "no site holds the demand of a client": fixed_charge_model(
        FixedCharge(
            np.ones((2, 3)), np.ones(3), np.array([4.0, 1.0]), np.full(3, 3.0), single_source=True
        )
    ).model,
    "all sites hold too little": fixed_charge_model(
        FixedCharge(
            np.ones((2, 2)), np.ones(2), np.full(2, 4.0), np.full(2, 3.0), single_source=True
        ),
        weak=True,
    ).model,
    "no site covers a client": set_covering_model(set_covering).model,
}


@pytest.mark.parametrize("reason", IMPOSSIBLE)
def test_impossible_problems_are_infeasible(reason: str, solver_name: str) -> None:
    """What no solution can keep is called infeasible."""
    result = solve_model(IMPOSSIBLE[reason], solver=solver_name, limits=Limits(seconds=30))
    assert result.status is Status.INFEASIBLE
