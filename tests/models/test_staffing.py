"""Whole workers against enumeration, and the properties of the rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shequ.models.spending import evenness
from shequ.models.staffing import RULES, Rule, Staffing, allotted


def best_by_enumeration(problem: Staffing) -> float:
    """Best value of all whole numbers within the bounds that add up."""
    ranges = [
        range(int(low), int(high) + 1)
        for low, high in zip(problem.least, problem.most, strict=True)
    ]
    return min(
        problem.evaluate(np.array(choice))
        for choice in itertools.product(*ranges)
        if sum(choice) == problem.total
    )


def make_problem(seed: int, rule: Rule) -> Staffing:
    """Four communities with bounds, and a total that they allow."""
    draw = np.random.default_rng(seed)
    residents = draw.integers(0 if seed % 3 == 0 else 1, 60, 4).astype(float)
    residents[0] += 1
    least = draw.integers(0, 3, 4).astype(float)
    most = least + draw.integers(0, 6, 4)
    total = int(draw.integers(least.sum(), most.sum() + 1))
    return Staffing(residents, total, least, most, rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(25))
def test_each_rule_minimises_what_it_says(seed: int, rule: Rule) -> None:
    """No whole numbers within the bounds are better."""
    problem = make_problem(seed, rule)
    workers = allotted(problem)
    assert problem.violations(workers) == []
    assert problem.evaluate(workers) == pytest.approx(best_by_enumeration(problem), abs=1e-9)


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=12),
    st.integers(0, 60),
)
@settings(max_examples=150, deadline=None)
def test_hamilton_keeps_quota(residents: list[int], total: int) -> None:
    """Without bounds, everybody gets the whole number below or above the exact share."""
    people = np.array(residents, dtype=float)
    problem = Staffing(people, total, np.zeros(people.size), np.full(people.size, 1e6))
    workers = allotted(problem)
    assert workers.sum() == total
    assert (workers >= np.floor(problem.shares - 1e-9)).all()
    assert (workers <= np.ceil(problem.shares + 1e-9)).all()


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=12),
    st.integers(0, 60),
)
@settings(max_examples=100, deadline=None)
def test_webster_never_takes_away(residents: list[int], total: int) -> None:
    """One worker more in all is never one less for a community."""
    people = np.array(residents, dtype=float)
    bounds = np.zeros(people.size), np.full(people.size, 1e6)
    fewer = allotted(Staffing(people, total, *bounds, "webster"))
    more = allotted(Staffing(people, total + 1, *bounds, "webster"))
    assert (more >= fewer).all()


def test_hamilton_has_the_paradox_of_alabama() -> None:
    """The textbook case: with one worker more, the smallest community gets one less."""
    people = np.array([6.0, 6.0, 2.0])
    bounds = np.zeros(3), np.full(3, 99.0)
    assert allotted(Staffing(people, 10, *bounds)).tolist() == [4, 4, 2]
    assert allotted(Staffing(people, 11, *bounds)).tolist() == [5, 5, 1]


def test_totals_that_cannot_be_are_refused() -> None:
    """The message says what the bounds allow."""
    with pytest.raises(ValueError, match="2 workers cannot be allotted"):
        Staffing(np.ones(3), 2, np.ones(3), np.full(3, 5.0))
    with pytest.raises(ValueError, match=r"least\[1\] = 4 is above most = 3"):
        Staffing(np.ones(2), 6, np.array([0.0, 4.0]), np.full(2, 3.0))
    with pytest.raises(ValueError, match="choose hamilton"):
        Staffing(np.ones(2), 2, np.zeros(2), np.ones(2), "jefferson")  # type: ignore[arg-type]


def test_gini_of_known_cases() -> None:
    """Equal amounts give 0; all for one of four equal places gives three quarters."""
    people = np.full(4, 10.0)
    assert evenness(np.full(4, 5.0), people).gini == pytest.approx(0.0)
    found = evenness(np.array([0.0, 0.0, 8.0, 0.0]), people)
    assert found.gini == pytest.approx(0.75)
    assert found.ratio == np.inf
    assert found.mean == pytest.approx(0.2)
    assert found.amount_of(0.75) == pytest.approx(0.0)


def test_gini_is_half_the_mean_difference_by_the_mean() -> None:
    """The coefficient is that of the definition by all pairs of residents."""
    draw = np.random.default_rng(4)
    amounts, people = draw.integers(0, 50, 6).astype(float), draw.integers(1, 9, 6)
    each = np.repeat(amounts / people, people)
    pairs = np.abs(each[:, None] - each[None, :]).mean()
    found = evenness(amounts, people.astype(float))
    assert found.gini == pytest.approx(pairs / (2 * each.mean()))


def test_places_without_residents_do_not_count() -> None:
    """Money where nobody lives is left out; nobody anywhere is refused."""
    found = evenness(np.array([9.0, 5.0]), np.array([0.0, 5.0]))
    assert np.isnan(found.per_resident[0])
    assert found.mean == 1.0
    with pytest.raises(ValueError, match="no place has residents"):
        evenness(np.ones(2), np.zeros(2))
