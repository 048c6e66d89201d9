"""Neighbourhoods of a plan with floor area in steps."""

from __future__ import annotations

import numpy as np
import pytest
from shequ.instances.synthetic.modular_sites import modular_sites
from shequ.optimize.limits import Limits
from shequ.optimize.siting.classic.modular.neighbourhood import Neighbourhoods
from shequ.optimize.siting.classic.modular.partition import shared_need
from shequ.optimize.siting.classic.modular.prices import guessed_prices
from shequ.optimize.siting.classic.modular.reduction import reduce
from shequ.optimize.siting.classic.modular.state import State


def plans_of(share: float | None) -> Neighbourhoods:
    """Start from nothing built, in a city of 24 sites."""
    least = None if share is not None else 0.7
    problem = modular_sites(
        300, num_sites=24, seed=2, kind="uniform", budget_share=share, least_share=least
    )
    reduced = reduce(problem)
    nothing = State(np.full(24, -1, dtype=np.int64), np.zeros(reduced.arc_site.size))
    rng = np.random.default_rng(1)
    return Neighbourhoods(reduced, shared_need(reduced), nothing, rng, size=8.0)


@pytest.mark.parametrize("share", [0.4, None])
def test_steps_at_a_price_never_lose_by_it(share: float | None) -> None:
    """Residents less cost at the price of the step never fall, and the price follows the goal."""
    plans = plans_of(share)
    plans.money = start = guessed_prices(plans.reduced).of_money
    for _ in range(12):
        price = plans.money
        before = plans.served - price * plans.cost
        plans.step(Limits(seconds=5), None)
        assert plans.served - price * plans.cost >= before - 1e-6 * abs(before)
    assert plans.served > 0
    assert plans.money != start


def test_steps_within_the_goal_keep_the_budget() -> None:
    """Without a price the budget holds at every step, and no step serves fewer."""
    plans = plans_of(0.4)
    served = 0.0
    for _ in range(8):
        plans.step(Limits(seconds=5), None)
        assert plans.cost <= (plans.goal.budget or 0.0) + 1e-6
        assert plans.served >= served - 1e-6
        served = plans.served
    assert served > 0
