"""Sitings that differ, against brute force on every decision of tiny cities."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.siting.station_overlap import most_kept
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.engine import cheapest_siting
from shequ.optimize.siting.station_alternatives import (
    further_siting,
    opened_by,
    siting_alternatives,
    stations_shared,
)

LIMITS = Limits(seconds=30)


@pytest.mark.parametrize(("seed", "within"), list(itertools.product(range(6), (0.1, 0.5))))
def test_alternatives_agree_with_brute_force(
    seed, within, line_city, decisions, cheapest_of
) -> None:
    """No plan within the cost shares fewer stations, and none that shares as few walks less."""
    problem = line_city(seed).attainable()
    first = cheapest_siting(problem)
    assert first.solution is not None
    assert first.objective is not None
    budget = first.objective * (1 + within)
    plans = [
        plan
        for one in decisions(problem)
        if (plan := cheapest_of(problem, one)) and problem.cost(plan) <= budget * (1 + 1e-6)
    ]
    found = siting_alternatives(problem, first.solution, number=2, budget=budget, limits=LIMITS)
    earlier = [first.solution]
    for alternative in found:
        most = [most_kept(opened_by(problem, one), 0.1) for one in earlier]
        apart = [
            plan
            for plan in plans
            if all(s <= m for s, m in zip(stations_shared(problem, plan, earlier), most,
                                          strict=True))
        ]  # fmt: skip
        if alternative.siting is None:
            assert alternative.shared.status is Status.INFEASIBLE
            assert apart == []
            break
        shared = [sum(stations_shared(problem, plan, earlier)) for plan in apart]
        assert alternative.shared.status is Status.OPTIMAL
        assert alternative.shared.objective == min(shared)
        walk = min(
            problem.walking(plan)
            for plan, many in zip(apart, shared, strict=True)
            if many == min(shared)
        )
        assert alternative.walking is not None
        assert alternative.walking.status is Status.OPTIMAL
        assert alternative.walking.objective == pytest.approx(walk, rel=1e-6)
        assert problem.walking(alternative.siting) == pytest.approx(walk, rel=1e-6)
        assert problem.violations(alternative.siting) == []
        assert problem.cost(alternative.siting) <= budget * (1 + 1e-5)
        earlier.append(alternative.siting)


def test_a_plan_that_opens_nothing_has_no_alternative(line_city) -> None:
    """Where nothing can be left out, it is proven that there is no other plan."""
    problem = line_city(2)
    found = further_siting(problem.attainable(), [problem.today()], budget=1e6, limits=LIMITS)
    assert found.siting is None
    assert found.shared.status is Status.INFEASIBLE
    assert "opens no station" in found.shared.detail


def test_without_time_nothing_is_claimed(line_city) -> None:
    """A search that ended early says unknown or feasible, or has a proof, never more."""
    problem = line_city(3).attainable()
    first = cheapest_siting(problem).solution
    assert first is not None
    found = further_siting(problem, [first], budget=1e6, limits=Limits(seconds=0.01))
    if found.shared.status is Status.OPTIMAL:
        assert found.shared.bound == found.shared.objective
    assert found.shared.status is not Status.INFEASIBLE


@pytest.mark.parametrize(
    ("many", "differ", "kept"), [(20, 0.1, 18), (5, 0.1, 4), (10, 1.0, 0), (20, 0.12, 17)]
)
def test_how_many_stations_an_alternative_may_keep(many, differ, kept) -> None:
    """At least one station is left out, else the share, rounded up."""
    assert most_kept(np.arange(30) < many, differ) == kept


@pytest.mark.parametrize("words", [{"number": -1}, {"number": 1, "differ": 0.0}])
def test_numbers_that_make_no_sense_are_refused(words, line_city) -> None:
    """A negative number and a share of 0 are told."""
    problem = line_city(1).attainable()
    with pytest.raises(ValueError, match="not understood"):
        siting_alternatives(problem, problem.everything(), budget=1e6, **words)
