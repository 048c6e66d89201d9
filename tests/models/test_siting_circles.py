"""Circles in phases: states of years, rules, and numbers that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.circles import CheapestCircles, CircleGround, PhasedCircles, Room


def shops_and_clinics() -> CircleGround:
    """Two circles; a shop that exists for both, a clinic for each to be built."""
    return CircleGround(
        covers=sparse.csr_array(np.array([[1.0, 1, 1], [1, 1, 0], [0, 0, 1]])),
        category=np.array([0, 1, 1]),
        costs=np.array([9.0, 4.0, 3.0]),
        exists=np.array([True, False, False]),
        residents=np.array([90.0, 10.0, 50.0]),
        circle=np.array([0, 0, 1]),
        num_categories=2,
        num_circles=2,
    )


def two_years(**options: object) -> PhasedCircles:
    """Two years of money for one clinic each."""
    return PhasedCircles(
        shops_and_clinics(),
        np.array([5.0, 3.0]),
        np.ones(2),
        **options,  # type: ignore[arg-type]
    )


def test_states_tell_every_year() -> None:
    """Circles, residents, money and what is built come out year by year."""
    states = two_years(targets=np.array([2, 2])).states(np.array([0, 1, 2]))
    assert states.recognised.tolist() == [[True, False], [True, True]]
    assert states.residents.tolist() == [100.0, 150.0]
    assert states.spent.tolist() == [4.0, 3.0]
    assert states.carried.tolist() == [1.0, 1.0]
    assert states.built.tolist() == [1, 1]
    assert states.short.tolist() == [1, 0]


def test_a_share_of_the_residents_suffices() -> None:
    """A circle counts from exactly its share on, and not below."""
    ground = shops_and_clinics()
    first = ground.covers.toarray()
    first[1, 1] = 0.0
    there = np.array([True, True, False])
    at_the_share = replace(ground, covers=sparse.csr_array(first), share=0.9)
    assert at_the_share.recognised(there).tolist() == [True, False]
    assert not replace(at_the_share, share=0.91).recognised(there).any()


def test_a_circle_without_residents_is_never_recognised() -> None:
    """Nobody lives there, so nothing counts."""
    ground = replace(shops_and_clinics(), residents=np.array([90.0, 10.0, 0.0]))
    assert ground.recognised(np.ones(3, dtype=bool)).tolist() == [True, False]


def test_money_carries_over_or_not() -> None:
    """What is left of a year pays in the next one if the rule says so."""
    years = np.array([0, 2, NEVER_BUILT])
    problem = two_years()
    assert problem.violations(years) == []
    assert two_years(carries_over=False).violations(years) == ["year 2 spends 4, more than 3"]


NEVER_BUILT = -1


def test_years_must_fit_what_exists() -> None:
    """A year out of range, and one for what exists, are named."""
    assert two_years().violations(np.array([0, 3, -1])) == ["facility 1 has year 3, not 1..2"]
    assert two_years().violations(np.array([1, -1, -1])) == [
        "facility 0 exists today and should have year 0, or not"
    ]


def test_least_residents_are_checked() -> None:
    """A year with too few residents in circles is named."""
    problem = two_years(floors=np.array([100.0, 0.0]))
    assert problem.violations(np.array([0, -1, 1])) == [
        "year 1 has 50 residents in circles, expected 100"
    ]


def test_sites_hold_what_fits() -> None:
    """Two facilities at one site need room for both."""
    room = Room(np.array([-1, 0, 0]), np.array([0.0, 60.0, 50.0]), np.array([100.0]))
    ground = replace(shops_and_clinics(), room=room)
    problem = PhasedCircles(ground, np.array([9.0]), np.ones(1))
    assert problem.violations(np.array([0, 1, 1])) == ["site 0 needs 110 m² and has 100"]


def test_the_cheapest_problem_names_what_is_missing() -> None:
    """Too few circles, and what exists but is gone, are named."""
    problem = CheapestCircles(shops_and_clinics(), 2)
    assert problem.violations(np.array([True, True, False])) == [
        "1 circles are recognised, expected 2"
    ]
    assert problem.violations(np.array([False, True, True]))[0] == (
        "facility 0 exists today and is gone"
    )
    assert problem.evaluate(np.array([True, True, True])) == 7.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"share": 0.0}, "share = 0.0"),
        ({"costs": np.array([1.0, -1.0, 0.0])}, "costs\\[1\\] is -1.0"),
        ({"category": np.array([0, 1, 2])}, "category\\[2\\] is 2; give 0..1"),
        ({"circle": np.array([0, 0, 5])}, "circle\\[2\\] is 5; give -1..1"),
        ({"exists": np.array([True])}, "exists has shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, object], words: str) -> None:
    """A message names the array, the place and the number."""
    with pytest.raises(ValueError, match=words):
        replace(shops_and_clinics(), **change)  # type: ignore[arg-type]


def test_budgets_must_be_given() -> None:
    """A problem without years is refused."""
    with pytest.raises(ValueError, match="budgets is empty"):
        PhasedCircles(shops_and_clinics(), np.empty(0), np.empty(0))
    with pytest.raises(ValueError, match="number = 3"):
        CheapestCircles(shops_and_clinics(), 3)
