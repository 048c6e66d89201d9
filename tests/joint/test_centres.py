"""Boxes of centres against every plan of tiny communities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from shequ.models.joint.groupings import Grouping, Groupings
from shequ.models.joint.problem import JointPlan, JointSplit
from shequ.optimize.joint import settling
from shequ.optimize.joint.centre_boxes import CentreBoxes, Combination
from shequ.optimize.joint.cheapest import solve_cheapest
from shequ.optimize.joint.compact import solve_compact
from shequ.optimize.joint.one_grouping import pairs_within
from shequ.optimize.joint.searching import search_from
from shequ.optimize.joint.settling import Question
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.result import Reason, Status

Make = Callable[..., JointSplit]
Every = Callable[[JointSplit], Iterator[JointPlan]]
SEEDS = range(3)
LIMITS = Limits(seconds=300.0)


class Tiny(NamedTuple):
    """A community with all its plans, by grouping."""

    problem: JointSplit
    plans: list[JointPlan]
    by_grouping: list[tuple[Grouping, list[JointPlan]]]


@pytest.fixture(scope="module", params=SEEDS)
def tiny(community: Make, every_plan: Every, request: pytest.FixtureRequest) -> Tiny:
    """Three districts on eight units."""
    problem = community(
        request.param, columns=4, rows=2, k=3, reach=2.5, tolerance=0.5, num_sites=4
    )
    groupings, plans = Groupings(problem), list(every_plan(problem))
    held: dict[tuple[tuple[int, ...], ...], list[JointPlan]] = {}
    for plan in plans:
        held.setdefault(groupings.of(plan), []).append(plan)
    return Tiny(problem, plans, [(one, held.get(one.groups, [])) for one in groupings.all()])


def centres_of(problem: JointSplit, grouping: Grouping, plan: JointPlan) -> list[int]:
    """Centre of each district of a plan, in the order of the grouping."""
    home = plan.labels[problem.node_of_site[[group[0] for group in grouping.groups]]]
    return problem.districting.centres(plan.labels)[home].tolist()


def holds(boxes: CentreBoxes, one: Combination, centres: list[int]) -> bool:
    """Whether each centre lies in its box."""
    own = zip(one.boxes, centres, strict=True)
    return all(centre in boxes.nodes[d][box] for d, (box, centre) in enumerate(own))


def test_the_communities_have_plans(tiny: Tiny) -> None:
    """Otherwise the tests below would prove nothing."""
    assert len(tiny.plans) > 3


@pytest.mark.parametrize("most_boxes", [7, 100_000])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_no_plan_below_the_limits_is_lost(tiny: Tiny, most_boxes: int, share: float) -> None:
    """Every plan that is compact and cheap enough lies in what is left, above its bound."""
    problem = tiny.problem
    inertia = np.array([problem.compactness(plan) for plan in tiny.plans])
    cost = np.array([problem.evaluate(plan) for plan in tiny.plans])
    limit, budget = (1.001 * float(np.quantile(values, share)) for values in (inertia, cost))
    pairs = pairs_within(problem, limit)
    assert pairs is not None
    inside, left = 0, 0
    for grouping, plans in tiny.by_grouping:
        boxes = CentreBoxes(problem, grouping, pairs, budget)
        parts = [] if boxes.is_empty else boxes.divided(boxes.all, limit, most_boxes)[0]
        left += len(parts)
        for plan in plans:
            found = problem.compactness(plan)
            if found >= limit or problem.evaluate(plan) > budget:
                continue
            inside += 1
            centres = centres_of(problem, grouping, plan)
            own = [part for part in parts if holds(boxes, part, centres)]
            assert len(own) == 1
            assert own[0].bound <= found + 1e-6
            assert (boxes.seats(own[0]) >= 0).all() == boxes.is_single(own[0])
    assert inside > 0
    assert left > 0


def test_limits_drop_boxes(tiny: Tiny) -> None:
    """A low moment of inertia leaves nothing, and a low budget less than a high one."""
    problem = tiny.problem
    most = max(problem.compactness(plan) for plan in tiny.plans)
    pairs = np.ones((problem.districting.num_nodes,) * 2, dtype=bool)
    rich, poor = 0, 0
    for grouping, _ in tiny.by_grouping:
        boxes = CentreBoxes(problem, grouping, pairs)
        assert boxes.divided(boxes.all, 0.2 * most, 100_000)[0] == []
        rich += len(boxes.divided(boxes.all, most, 100_000)[0])
        boxes = CentreBoxes(problem, grouping, pairs, 0.8 * grouping.cost)
        poor += len(boxes.divided(boxes.all, most, 100_000)[0])
    assert poor < rich / 2


@pytest.mark.parametrize("most_boxes", [5, 200_000])
def test_three_districts_agree_with_enumeration(
    tiny: Tiny, most_boxes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both questions are answered as by enumeration, also where boxes get integer programs."""
    monkeypatch.setattr(settling, "MOST_BOXES", most_boxes)
    problem = tiny.problem
    every_site = [plan for plan in tiny.plans if plan.siting.is_open[problem.usable].all()]
    compact = solve_compact(problem, limits=LIMITS)
    least = min(problem.compactness(plan) for plan in every_site)
    assert compact.status is Status.OPTIMAL
    assert compact.objective == pytest.approx(least)
    for slack in (0.0, 0.1, 1.0):
        most = (1 + slack) * least
        best = min(
            problem.evaluate(plan)
            for plan in tiny.plans
            if problem.compactness(plan) <= most * (1 + 1e-6)
        )
        found = solve_cheapest(problem, most_inertia=most, limits=LIMITS)
        assert found.status is Status.OPTIMAL
        assert found.objective == pytest.approx(best)
        assert found.solution is not None
        assert problem.violations(found.solution) == []


def test_work_on_a_grouping_goes_on(tiny: Tiny) -> None:
    """Work that had no time is left as it was, and ends with the best plan of the grouping."""
    problem = tiny.problem
    grouping, plans = max(tiny.by_grouping, key=lambda one: len(one[1]))
    search = search_from(
        [],
        violations=problem.violations,
        evaluate=problem.compactness,
        limits=LIMITS,
        solver="scip",
        stop=None,
        listen=None,
    )
    pairs = np.ones((problem.districting.num_nodes,) * 2, dtype=bool)
    question = Question(search, None, lambda: search.objective)
    work = settling.Settling(CentreBoxes(problem, grouping, pairs), question)
    left = len(work.waiting)
    assert left > 0
    assert not work.run(Deadline.after(0.0))
    assert len(work.waiting) == left
    assert work.run(Deadline.after(60.0))
    assert search.objective == pytest.approx(min(problem.compactness(plan) for plan in plans))


@pytest.mark.parametrize("gap", [0.05, 0.4])
def test_a_gap_that_is_allowed_is_told(tiny: Tiny, gap: float) -> None:
    """With a gap the work ends early, and the bound says no more than was proven."""
    problem = tiny.problem
    most = 2 * max(problem.compactness(plan) for plan in tiny.plans)
    best = min(problem.evaluate(plan) for plan in tiny.plans)
    dearest = max(tiny.plans, key=problem.evaluate)
    limits = Limits(300.0, gap=gap)
    found = solve_cheapest(problem, most_inertia=most, starts=[dearest], limits=limits)
    assert found.objective is not None
    assert found.bound is not None
    assert found.bound <= best + 1e-6
    assert found.objective <= found.bound / (1 - gap) + 1e-6


def test_a_bound_that_is_cut_short_holds(tiny: Tiny) -> None:
    """A request to stop in the middle leaves a bound below the best plan, and says so."""
    problem, asked = tiny.problem, Stop()

    def listen(objective: float | None, bound: float | None) -> None:
        del objective, bound
        asked.request()

    best = min(problem.evaluate(plan) for plan in tiny.plans)
    most = 2 * max(problem.compactness(plan) for plan in tiny.plans)
    found = solve_cheapest(problem, most_inertia=most, limits=LIMITS, stop=asked, listen=listen)
    assert found.reason is Reason.INTERRUPTED or found.status is Status.OPTIMAL
    assert found.bound is None or found.bound <= best + 1e-6
