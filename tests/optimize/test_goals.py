"""Goals alone, weighted and in levels, against every plan of small problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.spatial import Delaunay
from shequ.models.districting.enumeration import all_plans
from shequ.models.districting.measures import MEASURES, Geography, measure_named
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import IntArray
from shequ.optimize.districting.goals.levels import Goal, GoalsResult, solve_goals
from shequ.optimize.districting.goals.trade_off import trade_off
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Status

NODES, DISTRICTS = 7, 2
LIMITS = Limits(seconds=60)
SHORT = Limits(seconds=15)
WEIGHTS = {
    "moment-of-inertia": 1.0,
    "border": 0.02,
    "cut-edges": 2.0,
    "polsby-popper": 5.0,
    "deviation": 30.0,
    "moved": 0.5,
    "minutes": 2.0,
}


def random_case(
    seed: int, *, rules: DistrictRules | None = None, matrix: bool = False
) -> tuple[Districting, Geography]:
    """Draw a small problem with two weights, and all that the measures need."""
    rng = np.random.default_rng(seed)
    points = rng.random((NODES, 2)) * 3000
    triangles = Delaunay(points).simplices
    sides = np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, ::2]])
    edges = np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    weights = np.column_stack([rng.integers(5, 15, NODES), rng.integers(2, 9, NODES)])
    mean = weights.sum(axis=0) / DISTRICTS
    problem = Districting(
        weights=weights.astype(float),
        lower=np.floor(0.6 * mean),
        upper=np.ceil(1.4 * mean),
        edges=edges,
        num_districts=DISTRICTS,
        mass=weights[:, 0].astype(float),
        location=points,
        centre=points,
        inertia=np.zeros(NODES),
        cost_matrix=rng.random((NODES, NODES)) * 100 if matrix else None,
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


def best_by_levels(
    problem: Districting, geography: Geography, goals: Sequence[Goal]
) -> list[float]:
    """Best value of each level over all plans in all numberings."""
    plans = all_plans(problem)
    if problem.rules is None or not problem.rules.names_districts:
        numberings = [np.array(order) for order in permutations(range(DISTRICTS))]
        plans = np.concatenate([order[plans] for order in numberings])
    best = []
    for level in sorted({goal.level for goal in goals}):
        group = [goal for goal in goals if goal.level == level]
        values = np.array([_value(problem, geography, group, plan) for plan in plans])
        best.append(float(values.min()))
        slack = group[0].slack * best[-1] + group[0].absolute_slack
        plans = plans[values <= best[-1] + slack + 1e-9]
    return best


def _value(
    problem: Districting, geography: Geography, goals: Sequence[Goal], plan: IntArray
) -> float:
    return sum(
        goal.weight * measure_named(goal.measure, geography).evaluate(problem, plan)
        for goal in goals
    )


def check_optimal(
    problem: Districting, geography: Geography, goals: Sequence[Goal], solved: GoalsResult
) -> None:
    """Every level is proven, its value is the best one, and the plan holds."""
    expected = best_by_levels(problem, geography, goals)
    assert [level.result.status for level in solved.levels] == [Status.OPTIMAL] * len(expected)
    assert [level.result.objective for level in solved.levels] == pytest.approx(expected, rel=3e-6)
    assert solved.plan is not None
    assert problem.violations(solved.plan) == []
    for goal in goals:
        measure = measure_named(goal.measure, geography)
        assert solved.values[goal.measure] == measure.evaluate(problem, solved.plan)


@pytest.mark.parametrize("name", MEASURES)
def test_one_goal(name: str) -> None:
    """Each measure alone is solved to its optimum."""
    problem, geography = random_case(1)
    goals = [Goal(name)]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS, method="combined")
    check_optimal(problem, geography, goals, solved)


@pytest.mark.parametrize(("one", "other"), list(combinations(MEASURES, 2)))
def test_weighted_pairs(one: str, other: str) -> None:
    """Two measures with weights are minimised together."""
    problem, geography = random_case(2)
    goals = [Goal(one, WEIGHTS[one]), Goal(other, WEIGHTS[other])]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS, method="combined")
    check_optimal(problem, geography, goals, solved)


@pytest.mark.parametrize(("one", "other"), list(permutations(MEASURES, 2)))
def test_levels_with_slack(one: str, other: str) -> None:
    """The second measure is best among the plans within a tenth of the first one's best."""
    problem, geography = random_case(3)
    goals = [Goal(one, slack=0.1), Goal(other, level=1)]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS, method="combined")
    check_optimal(problem, geography, goals, solved)


RULES = {
    "apart": DistrictRules(apart=np.array([[0, 1]])),
    "seats": DistrictRules(seats=np.array([2, 5])),
    "one seat": DistrictRules(seats=np.array([-1, 4])),
    "lock": DistrictRules(locked=np.array([-1, 1, -1, -1, -1, 0, -1])),
    "own bounds": DistrictRules(
        lower=np.array([[20.0, 0], [30, 0]]), upper=np.array([[40.0, 99], [60, 99]])
    ),
}


@pytest.mark.parametrize("names", [("moment-of-inertia", "border"), ("polsby-popper", "deviation")])
@pytest.mark.parametrize("rules", RULES)
def test_rules_hold_in_all_levels(rules: str, names: tuple[str, str]) -> None:
    """Rules are kept whatever is minimised."""
    problem, geography = random_case(4, rules=RULES[rules])
    goals = [Goal(names[0], slack=0.2), Goal(names[1], level=1)]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS, method="combined")
    check_optimal(problem, geography, goals, solved)


def test_engines_of_their_own_give_the_same() -> None:
    """Inertia, then edges and moves under a cap that tightens the bounds, by the fast engines."""
    problem, geography = random_case(6)
    limit = {"deviation": 0.25}
    for names in (["moment-of-inertia"], ["cut-edges", "moved"]):
        goals = [Goal(name) for name in names]
        fast = solve_goals(problem, goals, geography=geography, caps=limit, limits=SHORT)
        slow = solve_goals(
            problem, goals, geography=geography, caps=limit, limits=LIMITS, method="combined"
        )
        assert fast.result.status is slow.result.status is Status.OPTIMAL
        assert fast.result.objective == pytest.approx(slow.result.objective)


def test_caps_hold_and_are_named() -> None:
    """The best plan within a cap is that of all plans within it; a cap too low is infeasible."""
    problem, geography = random_case(3)
    border, moves = (measure_named(name, geography) for name in ("border", "cut-edges"))
    plans = all_plans(problem)
    limit = float(np.median([moves.evaluate(problem, plan) for plan in plans]))
    within = [plan for plan in plans if moves.evaluate(problem, plan) <= limit]
    best = min(border.evaluate(problem, plan) for plan in within)
    solved = solve_goals(
        problem, [Goal("border")], geography=geography, caps={"cut-edges": limit}, limits=LIMITS
    )
    assert solved.result.status is Status.OPTIMAL
    assert solved.result.objective == pytest.approx(best)
    none = solve_goals(
        problem, [Goal("border")], geography=geography, caps={"cut-edges": 0.5}, limits=LIMITS
    )
    assert none.result.status is Status.INFEASIBLE


def test_three_levels_with_a_cost_matrix() -> None:
    """Walking distances, then the border, then those who move."""
    problem, geography = random_case(5, matrix=True)
    goals = [
        Goal("moment-of-inertia", slack=0.3),
        Goal("border", level=1, absolute_slack=300.0),
        Goal("moved", level=2),
    ]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS)
    check_optimal(problem, geography, goals, solved)


def test_later_plans_keep_the_limits_of_all_levels() -> None:
    """Each level's limit is what it reached plus the slack, and the last plan keeps it."""
    problem, geography = random_case(6)
    goals = [Goal("moment-of-inertia", slack=0.15), Goal("cut-edges", level=1)]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS)
    first = solved.levels[0]
    assert first.result.objective is not None
    assert first.limit == pytest.approx(1.15 * first.result.objective)
    assert solved.values["moment-of-inertia"] <= first.limit * (1 + 1e-6)


def test_another_backend_gives_the_same() -> None:
    """HiGHS, which is asked again after every cut, proves the same value."""
    problem, geography = random_case(2)
    goals = [Goal("moment-of-inertia", slack=0.1), Goal("border", level=1)]
    solved = solve_goals(
        problem, goals, geography=geography, limits=LIMITS, solver="highs", method="combined"
    )
    check_optimal(problem, geography, goals, solved)


def test_impossible_balance_is_proven() -> None:
    """Without any balanced plan the first level is infeasible and the last one solved."""
    problem, geography = random_case(1)
    tight = replace(problem, lower=problem.weights.sum(axis=0) / 2, upper=np.full(2, np.inf))
    goals = [Goal("border"), Goal("deviation", level=1)]
    solved = solve_goals(tight, goals, geography=geography, limits=LIMITS, method="combined")
    assert [level.result.status for level in solved.levels] == [Status.INFEASIBLE]
    assert solved.plan is None
    assert solved.levels[0].limit == np.inf


def test_stopped_solve_keeps_its_start_and_a_right_bound() -> None:
    """A start that is all there is stays feasible, with a bound below the optimum."""
    problem, geography = random_case(1)
    start = all_plans(problem)[0]
    stop = Stop()
    stop.request()
    goals = [Goal("border"), Goal("moved", level=1)]
    solved = solve_goals(
        problem, goals, geography=geography, start=start, stop=stop, method="combined"
    )
    first, second = (level.result for level in solved.levels)
    assert (first.status, first.reason) == (Status.FEASIBLE, Reason.INTERRUPTED)
    assert first.solution is not None
    assert first.bound is not None
    assert first.bound <= best_by_levels(problem, geography, goals[:1])[0]
    assert "level 1 is not proven best" in second.detail


def test_inertia_keeps_the_unit_of_its_weight() -> None:
    """An engine of its own reports the weighted value and bound."""
    problem, geography = random_case(1)
    goals = [Goal("moment-of-inertia", weight=3.0)]
    result = solve_goals(problem, goals, geography=geography).result
    assert result.objective == pytest.approx(best_by_levels(problem, geography, goals)[0])
    assert result.bound == pytest.approx(result.objective)


def test_only_allowed_pairs_are_used() -> None:
    """With one centre for each district left, the plan is the best about these centres."""
    problem, geography = random_case(2)
    free = solve_goals(problem, [Goal("moment-of-inertia")], geography=geography)
    assert free.plan is not None
    centres = problem.centres(free.plan)
    allowed = np.zeros((NODES, NODES), dtype=bool)
    allowed[np.arange(NODES), centres[free.plan]] = True
    goals = [Goal("moment-of-inertia"), Goal("border", weight=1e-3)]
    solved = solve_goals(problem, goals, geography=geography, limits=LIMITS, allowed=allowed)
    assert solved.plan is not None
    same = solved.plan[:, None] == solved.plan
    assert np.array_equal(same, free.plan[:, None] == free.plan)


@pytest.mark.parametrize(
    ("goals", "message"),
    [
        ([], "no goal"),
        ([Goal("border", slack=0.1), Goal("cut-edges")], "border, cut-edges of level 0 differ"),
        ([Goal("beauty")], "'beauty' not understood"),
    ],
)
def test_goals_that_make_no_sense_are_refused(goals: list[Goal], message: str) -> None:
    """The message says what to change."""
    problem, geography = random_case(1)
    with pytest.raises(ValueError, match=message):
        solve_goals(problem, goals, geography=geography)


@pytest.mark.parametrize("change", [{"weight": 0.0}, {"slack": -0.1}, {"absolute_slack": np.nan}])
def test_numbers_of_a_goal_are_checked(change: dict[str, float]) -> None:
    """Weights are positive and slacks not negative."""
    with pytest.raises(ValueError, match=f"The {next(iter(change))} of border is"):
        Goal("border", **change)


def test_missing_data_is_named() -> None:
    """A measure without its data is refused before anything is solved."""
    problem, _ = random_case(1)
    with pytest.raises(ValueError, match="'moved' needs today"):
        solve_goals(
            problem,
            [Goal("border"), Goal("moved")],
            geography=Geography(edge_lengths=np.ones(len(problem.edges))),
        )


def test_trade_off_is_the_curve_of_all_plans() -> None:
    """Each point is the best second measure within its limit, and both ends are reached."""
    problem, geography = random_case(5)
    first, second = "moment-of-inertia", "border"
    plans = all_plans(problem)
    values = np.array(
        [
            [measure_named(name, geography).evaluate(problem, plan) for name in (first, second)]
            for plan in plans
        ]
    )
    curve = trade_off(problem, first, second, points=4, geography=geography, limits=LIMITS)
    assert curve[0].first == pytest.approx(values[:, 0].min())
    assert curve[-1].second == pytest.approx(values[:, 1].min())
    for point in curve:
        assert point.result.status is Status.OPTIMAL
        assert point.first <= point.limit * (1 + 1e-6)
        within = values[values[:, 0] <= point.limit * (1 + 1e-6)]
        assert point.second == pytest.approx(within[:, 1].min())


def test_trade_off_needs_two_points() -> None:
    """One point is no curve."""
    problem, geography = random_case(1)
    with pytest.raises(ValueError, match="points = 1"):
        trade_off(problem, "border", "cut-edges", points=1, geography=geography)
