"""Plans for the worst-off agree with brute force, and each goal measures what it says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from shequ.models.siting.station import Siting
from shequ.models.siting.walking_goals import WalkingGoal, goal_minutes
from shequ.optimize.siting.engine import cheapest_by_part, least_goal

_spec = importlib.util.spec_from_file_location("siting", Path(__file__).with_name("test_siting.py"))
assert _spec is not None
assert _spec.loader is not None
siting_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(siting_cases)


@pytest.mark.parametrize("kind", ["worst", "largest", "group"])
@pytest.mark.parametrize("seed", range(5))
def test_goals_agree_with_brute_force(seed: int, kind: str) -> None:
    """Within a budget above the least cost, no set of open sites is better for the goal."""
    problem = siting_cases.city(seed)
    rng = np.random.default_rng(seed)
    people = problem.residents * rng.integers(0, 2, problem.num_units)
    goal = WalkingGoal(kind, people, share=0.3, group=np.arange(problem.num_units) % 3)
    cheapest, spending = cheapest_by_part(problem)
    budget = cheapest.objective * 1.25
    best = np.inf
    for is_open in siting_cases.decisions(problem):
        found = siting_cases.cheapest_areas(problem, is_open)
        if found is None or found[0] > budget:
            continue
        plan = Siting(is_open, found[1])
        if not problem.violations(plan):
            best = min(best, goal.value(problem, plan))
    for known in (None, spending):
        result = least_goal(problem, cheapest.solution, goal, budget=budget, spending=known)
        assert result.objective == pytest.approx(best, abs=1e-4)
        assert result.objective == pytest.approx(goal.value(problem, result.solution))
        assert problem.cost(result.solution) <= budget * (1 + 1e-5)


def test_the_worst_share_is_that_of_people_not_of_units() -> None:
    """A tenth of the people is counted person by person, in part where it cuts a unit."""
    people, minutes = np.array([10.0, 5.0, 85.0]), np.array([2.0, 20.0, 10.0])
    everybody = np.ones(3, dtype=bool)
    worst = WalkingGoal("worst", people, share=0.1)
    assert goal_minutes(worst, minutes, everybody) == pytest.approx((5 * 20 + 5 * 10) / 10)
    every = WalkingGoal("worst", people, share=1.0)
    assert goal_minutes(every, minutes, everybody) == pytest.approx((people @ minutes) / 100)
    assert goal_minutes(WalkingGoal("largest", people), minutes, everybody) == 20.0


def test_goals_that_make_no_sense_are_refused() -> None:
    """A share of nothing, and groups that are not told."""
    with pytest.raises(ValueError, match="share"):
        WalkingGoal("worst", np.ones(2), share=0.0)
    with pytest.raises(ValueError, match="group"):
        WalkingGoal("group", np.ones(2))
