"""The engine of modular floor area against enumeration of all levels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.synthetic.modular_sites import modular_sites
from shequ.models.formulation import FloatArray, IntArray
from shequ.models.siting.modular_floor_area import ModularFloorArea
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.result import Reason, Status
from shequ.optimize.siting.classic.modular import METHODS, solve_modular_floor_area
from shequ.optimize.siting.classic.modular.cuts import BlockCuts
from shequ.optimize.siting.classic.modular.partition import shared_need
from shequ.optimize.siting.classic.modular.reduction import reduce
from shequ.optimize.siting.classic.modular.segments import coarser


def tiny(seed: int, *, ruled: bool) -> ModularFloorArea:
    """Draw a problem that can be enumerated: at most 4 sites and 6 clients."""
    rng = np.random.default_rng(seed)
    num_clients, num_sites, num_levels = (int(rng.integers(*r)) for r in ((1, 7), (1, 5), (1, 4)))
    reach = sparse.csr_array((rng.random((num_clients, num_sites)) < 0.5).astype(float))
    households = rng.integers(5, 40, num_clients).astype(float)
    residents = np.round(households * rng.choice([2.0, 2.5, 3.0], num_clients))
    residents[rng.random(num_clients) < 0.1] = 0.0
    today = np.where(rng.random(num_sites) < 0.3, rng.integers(1, 15, num_sites), 0).astype(float)
    areas = today[:, None] + np.cumsum(rng.integers(3, 20, (num_sites, num_levels)), axis=1)
    costs = rng.integers(0, 5, (num_sites, 1)) + np.cumsum(
        rng.integers(1, 9, (num_sites, num_levels)), axis=1
    )
    missing = rng.random(areas.shape) < 0.2
    missing[:, 0] = False
    areas, costs = np.where(missing, np.nan, areas), np.where(missing, np.nan, costs.astype(float))
    rules = rules_of(rng, num_sites, today > 0) if ruled else None
    budget: float | None = float(rng.integers(0, 12 * num_sites))
    share = None
    if rng.random() < 0.5:
        budget, share = None, float(rng.choice([0.0, 0.3, 0.6, 0.9, 1.0]))
    return ModularFloorArea(
        residents, households, reach, areas, costs, budget, share, today, 0.8, rules
    )


def rules_of(rng: np.random.Generator, num_sites: int, existing: np.ndarray) -> SiteRules | None:
    """Draw rules that do not contradict each other in an obvious way."""
    required = (rng.random(num_sites) < 0.2) & ~existing
    forbidden = (rng.random(num_sites) < 0.2) & ~required & ~existing
    pairs = [
        (a, b)
        for a, b in itertools.combinations(range(num_sites), 2)
        if rng.random() < 0.3 and not ((required | existing)[[a, b]].all())
    ]
    fixed, free = int((required | existing).sum()), int((~forbidden).sum())
    least = int(rng.integers(0, fixed + 1))
    most = int(rng.integers(fixed, free + 1))
    return SiteRules(
        required, forbidden, least, most, np.array(pairs, dtype=np.int64).reshape(-1, 2)
    )


def most_served(problem: ModularFloorArea, level: IntArray) -> float:
    """
    Residents served at best: greedy by residents a household in a polymatroid.

    What clients S can be given is the least over T within S of the floor area that T reaches and
    the needs of the others (max-flow is min-cut).
    """
    area, needs = problem.floor_areas(level), problem.needs
    worth = problem.residents / needs
    order = np.argsort(-worth, kind="stable")
    reach = problem.within_reach.toarray()[order] > 0
    chosen = np.array(list(itertools.product((0, 1), repeat=order.size)))
    given = (chosen @ reach > 0) @ area - chosen @ needs[order]
    total, before = 0.0, 0.0
    for k in range(1, order.size + 1):
        within = ~chosen[:, k:].any(axis=1)
        rank = given[within].min() + needs[order[:k]].sum()
        total += worth[order[k - 1]] * (rank - before)
        before = rank
    return total


def best_by_enumeration(problem: ModularFloorArea) -> float | None:
    """Objective of the best plan; None if there is none."""
    best: float | None = None
    offered = problem.offered
    menus = [[0, *(np.flatnonzero(offered[j]) + 1).tolist()] for j in range(problem.num_sites)]
    for choice in itertools.product(*menus):
        level = np.array(choice, dtype=np.int64)
        cost = float(problem.site_costs(level).sum())
        if problem.all_rules.violations(problem.is_open(level)):
            continue
        if problem.budget is not None:
            if cost <= problem.budget:
                served = most_served(problem, level)
                best = served if best is None else max(best, served)
        elif (best is None or cost < best) and (
            most_served(problem, level) >= problem.residents_to_serve - 1e-6
        ):
            best = cost
    return best


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("method", ["auto", "whole", "blocks", "mixed", "textbook"])
def test_engine_agrees_with_enumeration(method: str, ruled: bool) -> None:
    """Every method finds the optimum or proves that there is none, with rules and without."""
    count = {"auto": 120, "whole": 30, "blocks": 8, "mixed": 4, "textbook": 30}[method]
    for seed in range(count):
        problem = tiny(seed + 1000 * ruled, ruled=ruled)
        expected = best_by_enumeration(problem)
        in_turns = method in ("blocks", "mixed")
        seconds = 1.0 if in_turns else 20.0
        result = solve_modular_floor_area(problem, method=method, limits=Limits(seconds=seconds))
        if expected is None:
            assert result.solution is None, seed
            assert result.status is Status.INFEASIBLE, seed
            continue
        if in_turns:
            check_bounds(problem, result.objective, result.bound, expected, seed)
            continue
        assert result.status is Status.OPTIMAL, (seed, result)
        assert result.objective == pytest.approx(expected, abs=1e-4), seed
        assert result.solution is not None
        assert problem.violations(result.solution) == []


def check_bounds(
    problem: ModularFloorArea,
    objective: float | None,
    bound: float | None,
    expected: float,
    seed: int,
) -> None:
    """Check that objective and bound stand on their sides of the optimum."""
    sign = 1.0 if problem.maximize else -1.0
    slack = 1e-4 * max(1.0, abs(expected))
    assert bound is None or sign * bound >= sign * expected - slack, seed
    assert objective is None or sign * objective <= sign * expected + slack, seed


@pytest.mark.parametrize("ruled", [False, True])
def test_cuts_never_pass_the_optimum(ruled: bool) -> None:
    """Whatever the blocks, no bound with cuts is on the wrong side of the enumerated optimum."""
    checked = 0
    for seed in range(5000, 5120):
        problem = tiny(seed, ruled=ruled)
        expected = best_by_enumeration(problem)
        reduced = reduce(problem)
        if expected is None or not (reduced.level_site.size and reduced.num_groups):
            continue
        cuts = BlockCuts(reduced, shared_need(reduced), error=0.0 if seed % 2 else 0.5)
        assert cuts.relax(Limits(seconds=10)), seed
        sign = 1.0 if problem.maximize else -1.0
        slack = 1e-6 * max(1.0, abs(expected))
        for size in (1, 2, 2, 4):
            before = cuts.bound
            cuts.divide(size)
            cuts.separate(gap=0.0, deadline=Deadline.after(10), stop=None)
            assert cuts.relax(Limits(seconds=10)), seed
            assert sign * cuts.bound >= sign * expected - slack, (seed, size)
            assert sign * cuts.bound <= sign * before + slack, (seed, size)
        checked += 1
    assert checked > 50


def test_unserved_clients_are_named_where_nobody_reaches_them() -> None:
    """Serving everybody is impossible if a client has no site, and the client is named."""
    problem = ModularFloorArea(
        np.array([10.0, 20.0]),
        np.array([5.0, 5.0]),
        sparse.csr_array(np.array([[1.0], [0.0]])),
        np.array([[50.0]]),
        np.array([[3.0]]),
        least_share=1.0,
    )
    result = solve_modular_floor_area(problem)
    assert result.status is Status.INFEASIBLE
    assert "no site can serve the clients 1 (20 residents)" in result.detail


@pytest.mark.parametrize(("kind", "share"), [("uniform", 0.4), ("existing", 1.0)])
def test_methods_bound_each_other(kind: str, share: float) -> None:
    """No plan of one method is better than the bound of another."""
    problem = modular_sites(400, num_sites=14, seed=3, kind=kind, budget_share=share)  # type: ignore[arg-type] - a literal
    results = [
        solve_modular_floor_area(problem, method=method, limits=Limits(seconds=0.7, gap=1e-3))
        for method in ("blocks", "mixed", "whole", "strong")
    ]
    for one, other in itertools.product(results, results):
        assert one.objective is not None
        assert other.bound is not None
        assert one.objective <= other.bound * (1 + 1e-6)


def test_reduction_loses_nothing() -> None:
    """Merged clients need and weigh what the clients in reach do."""
    problem = modular_sites(500, num_sites=10, seed=2, kind="clustered")
    reduced = reduce(problem)
    reached = np.diff(problem.within_reach.indptr) > 0
    assert reduced.group_need.sum() == pytest.approx(problem.needs[reached].sum())
    everybody = reduced.segment_worth @ reduced.segment_need
    assert everybody == pytest.approx(problem.residents[reached].sum())


def served(segments: tuple[IntArray, FloatArray, FloatArray], group: int, area: float) -> float:
    """Worth of some floor area for a group."""
    mine = segments[0] == group
    need = segments[2][mine]
    filled = np.clip(area - (np.cumsum(need) - need), 0.0, need)
    return float(filled @ segments[1][mine])


@pytest.mark.parametrize("above", [True, False])
def test_fewer_segments_stay_on_their_side(above: bool) -> None:
    """Tangents lie nowhere below, chords nowhere above, and both meet the ends."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(4), [1, 3, 40, 200])
    worth = rng.uniform(2.0, 3.4, group.size)
    worth = worth[np.lexsort((-worth, group))]
    exact = (group, worth, rng.lognormal(3.0, 1.0, group.size))
    merged = coarser(exact, error=5.0, above=above)
    assert merged[0].size < group.size
    for g in range(4):
        total = float(exact[2][group == g].sum())
        for area in np.linspace(0.0, total, 50):
            difference = served(merged, g, area) - served(exact, g, area)
            assert difference >= -1e-6 if above else difference <= 1e-6
        assert served(merged, g, total) == pytest.approx(served(exact, g, total))


def test_stopped_run_keeps_its_plan() -> None:
    """A run that is stopped at once says so."""
    stop = Stop()
    stop.request()
    problem = modular_sites(400, num_sites=14, seed=3)
    result = solve_modular_floor_area(problem, method="blocks", stop=stop)
    assert result.reason is Reason.INTERRUPTED


def test_unknown_method_is_refused() -> None:
    """The message lists the methods."""
    problem = modular_sites(20, num_sites=2, seed=1)
    with pytest.raises(ValueError, match=", ".join(METHODS)):
        solve_modular_floor_area(problem, method="guess")
