"""The rules of a station siting: what clashes by them clashes by the siting's own checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.station import StationSiting
from shequ.optimize.conflicts import (
    cheapest_relaxation,
    find_capped_conflict,
    find_conflict,
    find_conflicts,
)
from shequ.optimize.conflicts.station_rules import (
    BUDGET,
    FLOOR_AREA,
    FORBIDDEN,
    LEAST_SIZE,
    NEEDS,
    REACH,
    SIZES,
    StationRules,
    station_rules,
)
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.engine import cheapest_siting

LIMITS = Limits(30.0)


def siting(seed: int, *, scarce: bool = False) -> StationSiting:
    """Return three communities on a line with few candidates; scarce ones cannot hold enough."""
    rng = np.random.default_rng(seed)
    num_sites, num_units = 8, 10
    site_at, unit_at = rng.uniform(0, 30, num_sites), rng.uniform(0, 30, num_units)
    minutes = np.abs(site_at[:, None] - unit_at[None, :]) + 0.5
    existing = np.arange(num_sites) == 0
    households = rng.integers(50, 200, num_units).astype(float)
    of_unit = (unit_at // 10).astype(np.int64)
    most = rng.integers(20, 90, num_sites) if scarce else rng.integers(200, 400, num_sites)
    return StationSiting(
        existing=existing,
        area_today_m2=np.where(existing, 20.0, 0.0),
        min_area_m2=np.full(num_sites, 20.0),
        max_area_m2=np.where(existing, 90.0, most),
        fixed_cost=np.where(existing, 0, rng.integers(5, 40, num_sites)).astype(float),
        cost_per_m2=rng.uniform(0.3, 1.0, num_sites),
        community_of_site=(site_at // 10).astype(np.int64),
        required=np.zeros(num_sites, dtype=bool),
        forbidden=np.arange(num_sites) == 3,
        residents=np.rint(households * 2.6),
        households=households,
        community_of_unit=of_unit,
        must_reach=np.ones(num_units, dtype=bool),
        minutes=sparse.csr_array(np.where(minutes <= 6, minutes, 0.0)),
        target_m2=0.5 * np.bincount(of_unit, households, 3),
        site_ids=tuple(f"S{s}" for s in range(num_sites)),
        unit_ids=tuple(f"U{u}" for u in range(num_units)),
        community_ids=("A", "B", "C"),
    )


def with_rules(rules: StationRules, chosen: set[int]) -> StationSiting:
    """Return the siting in which only the chosen needs are asked, by its own arrays."""
    problem = rules.problem
    target, reach = np.zeros(problem.num_communities), np.zeros(problem.num_units, dtype=bool)
    for number in chosen:
        if number in rules.needs:
            target[rules.needs[number]] = problem.target_m2[rules.needs[number]]
        if number in rules.units:
            reach[rules.units[number]] = True

    def sites(kind: str) -> np.ndarray:
        groups = [rules.grouped.groups[number] for number in chosen & rules.of_kind(kind)]
        named = {place for group in groups for place in group.place_ids}
        return np.array([name in named for name in problem.site_ids])

    return replace(
        problem,
        target_m2=target,
        must_reach=reach,
        forbidden=sites(FORBIDDEN),
        max_area_m2=problem.max_area_m2 + np.where(sites(SIZES), 0.0, 1e4),
        min_area_m2=np.where(sites(LEAST_SIZE), problem.min_area_m2, 0.0),
    )


@pytest.mark.parametrize("seed", range(8))
def test_clashes_of_needs_are_those_that_no_site_can_meet(seed: int) -> None:
    """Each clash is one by opening everything, ends without any rule, and all are found."""
    problem = siting(seed, scarce=True)
    rules = station_rules(problem, liftable=problem.forbidden)
    found = find_conflicts(rules.grouped, give_up=lambda rule: rule.kind in NEEDS, limits=LIMITS)
    for conflict in found.conflicts:
        assert conflict.is_irreducible
        numbers = set(conflict.rules)
        for left in [None, *conflict.rules]:
            asked = with_rules(rules, numbers - {left} if left is not None else numbers)
            broken = asked.violations(asked.everything())
            assert bool(broken) == (left is None), (conflict.rules, left, broken)
    lost = set(found.given_up)
    most = problem.attainable()
    short = {f"{c}" for c in np.flatnonzero(problem.target_m2 > most.target_m2 + 1e-6)}
    assert {f"{rules.needs[n]}" for n in lost if n in rules.needs} == short
    unreached = np.flatnonzero(problem.must_reach & ~most.must_reach)
    named = [unit for n in lost if n in rules.units for unit in rules.units[n]]
    assert sorted(named) == unreached.tolist()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
@pytest.mark.parametrize("by_parts", [False, True])
def test_a_budget_clashes_with_needs_that_cost_more(
    seed: int, share: float, *, by_parts: bool
) -> None:
    """The rules of a clash cost more than the budget, and without any one of them no more."""
    problem = siting(seed).attainable()
    lowest = cheapest_siting(problem, limits=LIMITS)
    assert lowest.objective is not None
    if lowest.objective == 0:
        pytest.skip("nothing has to be built")
    budget = share * lowest.objective
    rules = station_rules(problem, budget=budget, currency="yuan")
    (cap,) = rules.of_kind(BUDGET)
    if by_parts:
        found = find_capped_conflict(rules.grouped, cap, limits=LIMITS)
    else:
        found = find_conflict(rules.grouped, limits=LIMITS)
    assert found.status is Status.INFEASIBLE
    (conflict,) = found.conflicts
    assert conflict.is_irreducible
    for rule, witness in zip(conflict.rules, conflict.witnesses, strict=True):
        assert witness is not None
        rest = set(conflict.rules) - {rule}
        assert rules.grouped.with_groups(rest).violations(witness) == []
    assert rules.of_kind(BUDGET) <= set(conflict.rules)

    def least_cost(numbers: set[int]) -> float:
        asked = replace(with_rules(rules, numbers), forbidden=problem.forbidden)
        cost = cheapest_siting(asked, limits=LIMITS).objective
        assert cost is not None
        return cost

    others = set(conflict.rules) - rules.of_kind(BUDGET)
    assert least_cost(others) > budget + 1e-6
    assert all(least_cost(others - {one}) <= budget + 1e-4 for one in others)


@pytest.mark.parametrize("seed", range(6))
def test_relaxing_the_budget_gives_the_least_cost(seed: int) -> None:
    """The least raise of a budget leads to the least cost of the siting's own engine."""
    problem = siting(seed).attainable()
    lowest = cheapest_siting(problem, limits=LIMITS).objective
    assert lowest is not None
    rules = station_rules(problem, budget=0.0)
    best = cheapest_relaxation(rules.grouped, soft=rules.of_kind(BUDGET), limits=LIMITS)
    assert best.result.status is Status.OPTIMAL
    assert best.result.objective == pytest.approx(lowest, abs=1e-4)
    decision = rules.siting(best.result.solution)
    assert problem.violations(decision) == []
    assert problem.cost(decision) == pytest.approx(lowest, abs=1e-4)


def test_units_with_the_same_candidates_are_one_rule() -> None:
    """Equal rows on reach are merged, and their residents are the price."""
    problem = siting(0)
    rules = station_rules(problem)
    members = np.concatenate([rules.units[n] for n in sorted(rules.of_kind(REACH))])
    reached = np.isfinite(problem.nearest(problem.existing)[1])
    assert sorted(members) == np.flatnonzero(~reached).tolist()
    for number in rules.of_kind(REACH):
        residents = problem.residents[rules.units[number]].sum()
        assert rules.grouped.groups[number].price == pytest.approx(residents)
    assert {rules.grouped.groups[n].kind for n in rules.needs} == {FLOOR_AREA}


def test_a_cap_that_suffices_clashes_with_nothing() -> None:
    """With the least cost as budget the rules can be kept; a rule that is no cap is refused."""
    problem = siting(1).attainable()
    lowest = cheapest_siting(problem, limits=LIMITS).objective
    assert lowest is not None
    rules = station_rules(problem, budget=lowest * (1 + 1e-6) + 1e-6)
    (cap,) = rules.of_kind(BUDGET)
    assert find_capped_conflict(rules.grouped, cap, limits=LIMITS).status is Status.FEASIBLE
    with pytest.raises(ValueError, match="is no cap"):
        find_capped_conflict(rules.grouped, next(iter(rules.needs)), limits=LIMITS)


def test_rules_that_clash_without_the_cap_are_told() -> None:
    """If needs clash by themselves, the set is theirs and leaves the budget out."""
    seed = next(s for s in range(8) if _short(siting(s, scarce=True)))
    rules = station_rules(siting(seed, scarce=True), budget=1e9)
    (cap,) = rules.of_kind(BUDGET)
    found = find_capped_conflict(rules.grouped, cap, limits=LIMITS)
    assert found.status is Status.INFEASIBLE
    assert cap not in found.conflicts[0].rules


def _short(problem: StationSiting) -> bool:
    """Whether even all sites together leave a rule unmet."""
    return bool(problem.violations(problem.everything()))
