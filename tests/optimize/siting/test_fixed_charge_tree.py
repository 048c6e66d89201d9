"""Steps of the branch and bound of limited loads: numbers of sites, room, and rising limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shequ.models.siting.fixed_charge import FixedCharge
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.classic.fixed_charge import leaves, nodes, solve_fixed_charge
from shequ.optimize.siting.classic.fixed_charge.branching import count_children
from shequ.optimize.siting.classic.fixed_charge.engine import fixed_charge_form
from shequ.optimize.siting.classic.fixed_charge.leaves import next_limit
from shequ.optimize.siting.classic.fixed_charge.relaxation import Relaxation
from shequ.optimize.siting.classic.fixed_charge.settling import settle


def single_source(
    seed: int, *, clients: int, sites: int, rules: SiteRules | None = None
) -> FixedCharge:
    """Whole numbers, with twice the room that the demand needs."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(1, 9, clients).astype(float)
    share = rng.uniform(0.5, 1.5, sites)
    capacity = np.ceil(2 * demand.sum() * share / share.sum()) + 8
    costs = rng.integers(1, 60, (clients, sites)).astype(float)
    fixed = rng.integers(40, 90, sites).astype(float)
    return FixedCharge(costs, fixed, demand, capacity, single_source=True, rules=rules)


def relaxation_of(capacity: list[float], *, demand: float, most: int) -> Relaxation:
    """Sites with some capacities, and two clients that any of them may serve."""
    sites = len(capacity)
    problem = FixedCharge(
        np.ones((2, sites)),
        np.ones(sites),
        np.array([demand / 2, demand / 2]),
        np.array(capacity),
        rules=SiteRules(most=most),
    )
    return Relaxation.of(fixed_charge_form(problem).tightened())


def test_a_site_too_small_for_the_few_that_may_open_is_closed() -> None:
    """Two sites must hold 19: 10 and 9 do, 10 and 2 do not."""
    relaxation = relaxation_of([10, 10, 9, 2], demand=19, most=2)
    assert settle(relaxation)
    assert relaxation.upper.tolist() == [1, 1, 1, 0]
    assert relaxation.lower.tolist() == [0, 0, 0, 0]


def test_a_site_too_large_to_miss_is_opened() -> None:
    """Without the site of 10 the others hold 12 at most."""
    relaxation = relaxation_of([10, 6, 6, 5], demand=15, most=2)
    assert settle(relaxation)
    assert relaxation.lower.tolist() == [1, 0, 0, 0]


def test_too_little_room_is_seen() -> None:
    """Two sites of 6 cannot hold 15."""
    relaxation = relaxation_of([6, 6, 6], demand=15, most=3)
    relaxation.form = count_children(relaxation, 2.0)[0].form
    assert not settle(relaxation)


def test_the_children_of_a_number_share_no_number() -> None:
    """At most two, or at least three."""
    few, many = count_children(relaxation_of([9, 9, 9, 9], demand=9, most=4), 2.4)
    assert (few.form.least, few.form.most) == (1, 2)
    assert (many.form.least, many.form.most) == (3, 4)


@pytest.mark.parametrize(("bound", "limit"), [(100.0, 100.5), (100.0, 140.0), (-5.0, 3.0)])
def test_limits_rise_to_the_last_one(bound: float, limit: float) -> None:
    """Each one is above the one before, and the last is the limit itself."""
    rounds = 0
    while bound < limit:
        higher = next_limit(bound, limit)
        assert bound < higher <= limit
        bound, rounds = higher, rounds + 1
    assert rounds < 40


@pytest.mark.parametrize("seed", range(6))
def test_rising_limits_end_at_the_optimum(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs with limits just above the bound, and no tree on clients, prove the same value."""
    monkeypatch.setattr(nodes, "THOROUGH", replace(nodes.THOROUGH, clients=-1))
    monkeypatch.setattr(leaves, "DEEPER", 1e-6)
    rules = SiteRules(least=2, most=4) if seed % 2 else None
    problem = single_source(seed, clients=24, sites=6, rules=rules)
    ours = solve_fixed_charge(problem, limits=Limits(seconds=30))
    plain = solve_fixed_charge(problem, limits=Limits(seconds=30), method="textbook")
    assert ours.status is plain.status is Status.OPTIMAL
    assert ours.objective == pytest.approx(plain.objective)
    assert not problem.violations(ours.solution)
