"""Service systems: every form agrees with trying all plans, and what is lacking is counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.synthetic.service_systems import random_system
from shequ.models.siting.capacity_flow import Capacities, largest_flow
from shequ.models.siting.service_parts import Earlier, SystemPlan
from shequ.models.siting.service_site_rows import exclusive_groups
from shequ.models.siting.service_system import ServiceSystem
from shequ.models.siting.service_system_model import system_model
from shequ.optimize.dual_bound import dual_bound
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.result import Reason
from shequ.optimize.siting.system import engine
from shequ.optimize.siting.system.best import Best, with_rows
from shequ.optimize.siting.system.bounding import Bounding
from shequ.optimize.siting.system.engine import solve_system
from shequ.optimize.siting.system.lagrangian import Ascent, Lagrangian
from shequ.optimize.siting.system.layout import Layout, site_regions
from shequ.optimize.siting.system.local_gap import LocalGap
from shequ.optimize.siting.system.packings import SitePackings
from shequ.optimize.siting.system.parts import Parts
from shequ.optimize.siting.system.regions import Regions, regions_of_sites
from shequ.optimize.siting.system.short_units import ShortUnits
from shequ.optimize.siting.system.site_rows import packing_rows
from shequ.optimize.solvers import solve_lp, solve_model

AREAS = (0.0, 100.0, 200.0, 300.0)


def best_by_trying(problem: ServiceSystem) -> float:
    """Return the least objective of all plans whose floor areas are whole hundreds of m²."""
    rows, best = problem.facilities, np.inf
    choices = [
        [
            a
            for a in AREAS
            if (a == 0 and not rows.is_kept[f]) or rows.least_m2[f] <= a <= rows.most_m2[f]
        ]
        for f in range(rows.num)
    ]
    pairs = problem.sharing.facilities
    attachments = [
        [-1, *pairs.indices[pairs.indptr[n] : pairs.indptr[n + 1]].tolist()]
        for n in range(problem.sharing.needs.size)
    ]
    for areas in itertools.product(*choices):
        area = np.array(areas)
        used = np.bincount(rows.site, area, problem.num_sites)
        if (used > problem.grounds.most_m2).any():
            continue
        for attached in itertools.product(*attachments):
            plan = SystemPlan(area > 0, area, np.array(attached, dtype=np.int64))
            if not problem.violations(plan):
                best = min(best, problem.evaluate(plan))
    return best


CASES = [
    *({"seed": seed} for seed in range(4)),
    {"seed": 4, "keep": False},
    {"seed": 5, "keep": False},
    {"seed": 6, "budget": 60.0},
    {"seed": 8, "num_sites": 2, "num_communities": 2, "is_shared": True},
    {"seed": 9, "num_sites": 2, "num_communities": 2, "is_shared": True},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_forms_agree_with_trying_all_plans(case: dict[str, object]) -> None:
    """The plain form, the fast form and the engine find the best of all plans."""
    problem = random_system(**case)
    best = best_by_trying(problem)
    plain = system_model(problem, plain=True)
    found = solve_model(plain.model, limits=Limits(60))
    assert found.objective == pytest.approx(best, abs=0.02)
    assert problem.evaluate(plain.plan(found.solution)) == pytest.approx(best, abs=0.05)
    solved = solve_system(problem, limits=Limits(60))
    assert solved.objective == pytest.approx(best, abs=0.05)
    assert solved.bound <= best + 0.05
    assert not problem.violations(solved.solution)


def from_earlier(problem: ServiceSystem, seed: int) -> ServiceSystem:
    """Return a system with a random earlier plan, some of whose changes count."""
    rng, num = np.random.default_rng(seed), problem.facilities.num
    was = (rng.random(num) < 0.4) | problem.facilities.is_kept
    area = np.where(was, 100.0 * rng.integers(1, 4, num), 0.0)
    price, price_m2 = rng.choice([0.0, 25.0, 60.0], num), rng.choice([0.0, 0.3], num)
    return replace(problem, earlier=Earlier(was, area, price, price_m2))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_forms_agree_where_changes_have_a_price(case: dict[str, object]) -> None:
    """Both forms, and the engine whole and in parts, find the best against an earlier plan."""
    problem = from_earlier(random_system(**case), int(str(case["seed"])))
    best = best_by_trying(problem)
    plain = system_model(problem, plain=True)
    assert solve_model(plain.model, limits=Limits(60)).objective == pytest.approx(best, abs=0.02)
    one = np.zeros(problem.num_sites, dtype=np.int64)
    points = np.random.default_rng(0).random((problem.num_sites, 2))
    for layout in (None, Layout(points, one)):
        solved = solve_system(problem, layout=layout, limits=Limits(60))
        assert solved.objective == pytest.approx(best, abs=0.05)
        assert solved.bound == pytest.approx(best, abs=0.05)
        assert problem.evaluate(solved.solution) == pytest.approx(best, abs=0.05)


@pytest.mark.parametrize("case", CASES[:6], ids=str)
def test_two_regions_enclose_the_best_plan(case: dict[str, object]) -> None:
    """The bound of two regions is at most the best, and the plan of their clusters is the best."""
    problem = random_system(**case)
    best = best_by_trying(problem)
    region = np.arange(problem.num_sites) % 2
    points = np.random.default_rng(0).random((problem.num_sites, 2))
    solved = solve_system(problem, layout=Layout(points, region), limits=Limits(60, 0.0))
    assert solved.bound <= best + 0.05
    assert solved.objective == pytest.approx(best, abs=0.05)


@pytest.mark.parametrize("in_parts", [False, True])
def test_an_earlier_plan_stays_where_nothing_pays(*, in_parts: bool) -> None:
    """From the best plan nothing changes; from another, no change can be taken back at a gain."""
    problem = random_system(3, num_sites=24, num_units=60, num_communities=6)
    region = np.arange(24) % 3
    layout = Layout(np.random.default_rng(1).random((24, 2)), region)
    best = solve_system(problem, limits=Limits(60)).solution
    num = problem.facilities.num
    prices = {"price": np.full(num, 5.0), "price_m2": np.full(num, 0.1)}
    start = replace(problem, earlier=Earlier(best.is_open, best.area_m2, **prices))
    how = {"layout": layout if in_parts else None, "limits": Limits(60, 0.02)}
    again = solve_system(start, first=best, **how).solution
    assert (again.is_open == best.is_open).all()
    assert again.area_m2 == pytest.approx(best.area_m2, abs=1e-3)
    was = best.is_open ^ (np.random.default_rng(2).random(num) < 0.2) | problem.facilities.is_kept
    start = replace(problem, earlier=Earlier(was, 0.0 * best.area_m2, **prices))
    found = solve_system(start, **how)
    for facility in np.flatnonzero(found.solution.is_open != was):
        back = found.solution.is_open.copy()
        back[facility] = was[facility]
        built = system_model(start, flow=True)
        fixed = built.model.lower.copy(), built.model.upper.copy()
        for side in fixed:
            side[built.columns.opening] = back
        held = replace(built.model, lower=fixed[0], upper=fixed[1])
        solved = solve_model(held, limits=Limits(60))
        assert solved.objective is None or solved.objective >= found.objective - 0.05


@pytest.mark.parametrize("in_time", [True, False])
def test_the_first_plan_is_the_least_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, *, in_time: bool
) -> None:
    """However early a solve is stopped, it is no worse than the plan that it began with."""
    problem = random_system(1, num_sites=24, num_units=60, num_communities=6)
    good = solve_system(problem, limits=Limits(60, 0.02))
    if not in_time:
        monkeypatch.setattr(engine, "completed", lambda *_, **__: None)
    stopped = solve_system(problem, first=good.solution, limits=Limits(0.01))
    assert stopped.objective <= good.objective + 1e-3
    assert not problem.violations(stopped.solution)


@pytest.mark.parametrize("seed", range(3))
def test_regions_agree_with_plain_form_on_medium_cases(seed: int) -> None:
    """Region by region, bound and plan enclose the optimum of the plain form, closely."""
    problem = random_system(seed, num_sites=24, num_units=60, num_communities=6)
    found = solve_model(system_model(problem, plain=True).model, limits=Limits(120))
    regions = np.arange(24) % 3
    points = np.random.default_rng(seed).random((24, 2))
    layout = Layout(points, regions)
    solved = solve_system(problem, layout=layout, limits=Limits(60, 0.0))
    assert found.bound is not None
    assert solved.bound <= found.objective + 0.05
    assert solved.objective >= found.bound - 0.05
    assert solved.objective == pytest.approx(problem.evaluate(solved.solution))
    assert solved.objective <= found.objective * 1.02
    assert solved.bound >= found.objective * 0.97


@pytest.mark.parametrize("seconds", [0.01, 0.3, 60.0])
def test_a_plan_is_kept_however_early_it_is_stopped(seconds: float) -> None:
    """Without time, or with a request to stop, the plan of today or a better one is returned."""
    problem = random_system(1, num_sites=24, num_units=60, num_communities=6)
    regions = np.arange(24) % 3
    layout = Layout(np.random.default_rng(1).random((24, 2)), regions)
    stop = Stop()
    if seconds == 60.0:
        stop.request()
    for threads in (1, 2):
        limits = Limits(seconds, threads=threads)
        solved = solve_system(problem, layout=layout, limits=limits, stop=stop)
        assert not problem.violations(solved.solution)
        assert solved.objective == pytest.approx(problem.evaluate(solved.solution))
        assert solved.objective <= problem.evaluate(problem.today()) + 1e-6
        assert (solved.reason is Reason.INTERRUPTED) == stop.requested


def test_prices_of_any_size_give_a_bound() -> None:
    """Whatever the duals, the bounds of rows, of sites and of regions are below the optimum."""
    problem = random_system(2, num_sites=5, num_units=8)
    built = system_model(problem)
    model = built.model
    best = solve_model(model, limits=Limits(60)).objective
    rng = np.random.default_rng(1)
    split = Regions(model, regions_of_sites(built, np.arange(problem.num_sites) % 2))
    lagrangian = Lagrangian(built, model, SitePackings(problem))
    for _ in range(20):
        duals = rng.normal(0, 20, model.num_rows)
        assert dual_bound(model, duals).value <= best + 1e-6
        assert lagrangian.at(duals).bound <= best + 1e-6
        priced = split.priced(duals)
        parts = [solve_model(program, limits=Limits(60)).bound for program in priced.programs]
        assert priced.constant + sum(parts) <= best + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_better_prices_bound_more_than_the_relaxation(seed: int) -> None:
    """Where room is short, the bound grows from that of the relaxation, up to the optimum."""
    problem = random_system(seed, num_sites=12, num_units=60, num_communities=4, keep=False)
    room = np.maximum(0.7 * problem.grounds.most_m2, problem.grounds.built_m2)
    problem = replace(problem, grounds=replace(problem.grounds, most_m2=room))
    built = system_model(problem)
    relaxed = solve_lp(built.model)
    best = solve_model(built.model, limits=Limits(60)).objective
    lagrangian = Lagrangian(built, built.model, SitePackings(problem))
    ascent = Ascent(lagrangian, relaxed.row_duals)
    first = ascent.best.bound
    assert first >= relaxed.objective - 1e-6 * abs(relaxed.objective)
    ascent.run(300, Deadline.after(60))
    assert first <= ascent.best.bound <= best + 1e-6 * abs(best)
    ascent = Ascent(lagrangian)
    ascent.run(1000, Deadline.after(60))
    assert ascent.is_over
    assert relaxed.objective < ascent.best.bound <= best + 1e-6 * abs(best)
    assert ascent.best.bound > relaxed.objective + 0.1 * (best - relaxed.objective)
    rows = packing_rows(ascent.lagrangian, ascent.prices)
    tight = with_rows(built.model, rows)
    lifted = solve_lp(tight).objective
    assert lifted > ascent.best.bound - 0.2 * (ascent.best.bound - relaxed.objective)
    assert solve_model(tight, limits=Limits(60)).objective == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_where_places_are_attached_the_bound_is_that_of_the_relaxation(seed: int) -> None:
    """What attaches places joins others, so the first prices are the duals of the relaxation."""
    problem = random_system(
        seed, num_sites=12, num_units=60, num_communities=4, is_shared=True, keep=False
    )
    built, best = system_model(problem), Best(problem, None, problem.today())
    bounding = Bounding(built, best, Parts(Limits(60), "highs", None), ShortUnits(problem))
    bounding.ascend(4, Deadline.after(60))
    relaxed = solve_lp(built.model).objective
    assert relaxed is not None
    assert best.bound >= relaxed - 1e-4 * abs(relaxed)
    optimum = solve_model(bounding.model, limits=Limits(60)).objective
    assert best.bound <= optimum + 1e-6 * abs(optimum)


@pytest.mark.parametrize("seed", range(3))
def test_the_gaps_of_the_sites_add_up(seed: int) -> None:
    """What sites have of the gap between a plan and the bound of the sites is all of it."""
    problem = random_system(seed, num_sites=24, num_units=60, num_communities=6)
    built = system_model(problem)
    relaxed = solve_lp(built.model, interior=True)
    assert relaxed.row_duals is not None
    lagrangian = Lagrangian(built, built.model, SitePackings(problem))
    prices = 0.8 * relaxed.row_duals
    gaps = LocalGap(lagrangian, prices)
    solved = solve_model(built.model, limits=Limits(60))
    assert solved.solution is not None
    gap = built.model.evaluate(solved.solution) - lagrangian.at(prices).bound
    at_sites = gaps.at_sites(solved.solution)
    assert (at_sites >= 0).all()
    assert gap > 1.0
    assert at_sites.sum() == pytest.approx(gap, rel=1e-6)
    moved = solved.solution.copy()
    other = int(np.flatnonzero(~problem.facilities.is_kept)[0])
    moved[built.columns.opening[other]] = 1 - moved[built.columns.opening[other]]
    changed = gaps.at_sites(moved) - at_sites
    assert abs(changed[problem.facilities.site[other]]) > 0


def test_a_bound_that_a_plan_contradicts_is_given_up() -> None:
    """What a solver claims is dropped for the last bound that was computed, and never taken."""
    problem = random_system(2, num_sites=5, num_units=8)
    best = Best(problem, None, problem.today())
    optimum = solve_system(problem, limits=Limits(60)).solution
    least = problem.evaluate(optimum)
    assert best.objective > least + 1
    best.prove(least - 30.0, is_safe=True)
    best.prove(best.objective + 1.0)
    assert best.bound == least - 30.0
    best.prove(least + 0.5)
    assert best.bound == least + 0.5
    assert best.offer(optimum)
    assert best.bound == least - 30.0


@pytest.mark.parametrize("seed", range(6))
def test_sites_hold_the_best_of_all_packings(seed: int) -> None:
    """The search agrees with trying all sets of facilities, whose floor area then grows best."""
    rng = np.random.default_rng(seed)
    problem = random_system(seed, num_sites=5, num_units=10, keep=seed % 2 == 0)
    rows = problem.facilities
    growth = np.where(problem.sized, rows.most_m2 - rows.least_m2, 0.0)
    for _ in range(20):
        profit, density = rng.normal(20, 60, rows.num), rng.normal(0, 0.4, rows.num)
        packed = SitePackings(problem).best(profit, density)
        for site in range(problem.num_sites):
            own = np.flatnonzero(rows.site == site)
            best = max(_packings(problem, own, profit, density, growth), default=0.0)
            assert packed.profit[site] == pytest.approx(best, abs=1e-6)
            grown = (packed.area_m2 - rows.least_m2)[own] * packed.is_open[own]
            gained = profit[own] @ packed.is_open[own] + density[own] @ grown
            held = rows.is_kept[own].any() or not packed.is_open[own].any()
            cost = 0.0 if held else problem.grounds.fixed_cost[site]
            assert gained - cost == pytest.approx(best, abs=1e-6)
            assert packed.area_m2[own].sum() <= problem.grounds.most_m2[site] + 1e-6


def _packings(
    problem: ServiceSystem,
    own: np.ndarray,
    profit: np.ndarray,
    density: np.ndarray,
    growth: np.ndarray,
) -> Iterator[float]:
    """Yield the profit of every set of facilities that a site can hold."""
    rows, ground, site = problem.facilities, problem.grounds, problem.facilities.site[own[0]]
    for choice in itertools.product((False, True), repeat=own.size):
        chosen = np.array(choice)
        mine, left = own[chosen], ground.most_m2[site] - rows.least_m2[own[chosen]].sum()
        pairs = itertools.combinations(mine, 2)
        apart = any(
            not problem.may_share[rows.service[a], rows.service[b]]
            and not (rows.is_kept[a] and rows.is_kept[b])
            for a, b in pairs
        )
        if left < 0 or apart or (rows.is_kept[own] & ~chosen).any():
            continue
        value = profit[mine].sum()
        for facility in mine[np.argsort(-density[mine])]:
            more = min(left, growth[facility]) if density[facility] > 0 else 0.0
            value, left = value + density[facility] * more, left - more
        opened = mine.size and not rows.is_kept[mine].any()
        yield float(value - (ground.fixed_cost[site] if opened else 0.0))


def test_largest_flow_finds_who_is_short() -> None:
    """The set that is short is short by what is told, and nothing is found where all is well."""
    table = sparse.csr_array(np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 1]]))
    capacities = Capacities(np.arange(3), np.array([50.0, 30, 20]), np.array([0, 0, 1]), table)
    short = largest_flow(capacities, np.array([40.0, 30, 20]))
    assert short.lacking_m2 == pytest.approx(10)
    assert short.rows.tolist() == [True, False, False]
    assert short.facilities.tolist() == [True, False, False]
    assert largest_flow(capacities, np.array([50.0, 30, 20])).lacking_m2 == 0
    spare = np.array([10.0, 0])
    assert largest_flow(capacities, np.array([40.0, 30, 20]), spare).lacking_m2 == 0


def test_violations_name_every_hard_rule() -> None:
    """A plan that breaks rules is told which."""
    problem = random_system(0)
    rows = problem.facilities
    everything = SystemPlan(np.ones(rows.num, dtype=bool), rows.most_m2.copy())
    found = " ".join(problem.violations(everything))
    assert "m²" in found
    assert "has the services" in found
    nothing = SystemPlan(np.zeros(rows.num, dtype=bool), np.zeros(rows.num))
    assert "may not be closed" in " ".join(problem.violations(nothing))


def test_cliques_cover_exactly_the_pairs_that_exclude_each_other() -> None:
    """Every pair that may not share is in a group, and no group holds one that may."""
    rng = np.random.default_rng(5)
    may = rng.random((7, 7)) < 0.5
    may |= may.T
    np.fill_diagonal(may, val=True)
    groups = list(exclusive_groups(may))
    covered = {pair for group in groups for pair in itertools.combinations(group, 2)}
    apart = {(a, b) for a, b in itertools.combinations(range(7), 2) if not may[a, b]}
    assert covered == apart


def test_regions_hold_whole_communities() -> None:
    """No community is in two regions, and regions keep within the limit where they can."""
    rng = np.random.default_rng(3)
    community = rng.integers(0, 20, 200)
    region = site_regions(rng.random((200, 2)), community, np.ones(200), most=30)
    for name in np.unique(community):
        assert np.unique(region[community == name]).size == 1
    for name in np.unique(region):
        inside = region == name
        assert inside.sum() <= 30 or np.unique(community[inside]).size == 1
