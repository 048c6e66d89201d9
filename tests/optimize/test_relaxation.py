"""Lagrangian bounds, fixed pairs and branching on centres, against the list of all plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shequ.instances.readers.graph_json import read_districting
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import all_plans, best_by_enumeration
from shequ.models.districting.label_rules import seats_of
from shequ.models.districting.orbitope import opening_order
from shequ.models.districting.problem import Districting
from shequ.models.districting.rooted import rooted_pairs
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import FloatArray
from shequ.optimize.districting.hess import centre_tree
from shequ.optimize.districting.hess.centre_tree import CentreTree
from shequ.optimize.districting.hess.choose import choose
from shequ.optimize.districting.hess.engine import reachable_pairs, solve_districting
from shequ.optimize.districting.hess.existence import look_for_a_plan
from shequ.optimize.districting.hess.lagrangian import Fixing
from shequ.optimize.districting.search import Search
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.result import Status


def drawn(seed: int, *, units: int = 9, tolerance: float = 0.35) -> Districting:
    """Draw a community with one or two weights; every second one has rules."""
    rng = np.random.default_rng(seed)
    k = 2 + seed % 2
    plain, _ = voronoi_districting(units, k, seed=seed, tolerance=tolerance)
    if seed % 3 == 0:
        second = rng.integers(1, 9, units).astype(float)
        plain = replace(
            plain,
            weights=np.c_[plain.weights, second],
            lower=np.r_[plain.lower, 0.5 * second.sum() / k],
            upper=np.r_[plain.upper, 1.5 * second.sum() / k],
        )
    if seed % 2:
        return plain
    rules = DistrictRules(
        upper=plain.upper * rng.uniform(0.9, 1.2, (k, 1)),
        forbidden=rng.random((units, k)) < 0.1,
        seats=np.where(rng.random(k) < 0.4, rng.permutation(units)[:k], -1),
    )
    return replace(plain, rules=rules)


def new_search(problem: Districting) -> Search:
    """Return a search that knows nothing."""
    limits = Limits(seconds=30)
    return Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=limits,
        solver="scip",
        stop=None,
        listen=None,
        deadline=Deadline.after(30),
    )


def least_by_pair(problem: Districting) -> FloatArray:
    """Least cost of a plan that puts node i with centre j, over all plans and centres."""
    least = np.full((problem.num_nodes,) * 2, np.inf)
    seats = seats_of(problem)
    for plan in all_plans(problem):
        costs = []
        for district in range(problem.num_districts):
            members = np.flatnonzero(plan == district)
            centres = members if seats[district] < 0 else seats[[district]]
            costs.append((members, centres, problem.costs[np.ix_(members, centres)].sum(axis=0)))
        best = sum(cost.min() for _, _, cost in costs)
        for members, centres, cost in costs:
            place = np.ix_(members, centres)
            least[place] = np.minimum(least[place], best - cost.min() + cost[None, :])
    return least


@pytest.mark.parametrize("seed", range(24))
def test_every_pair_bound_holds(seed: int) -> None:
    """No pair is bounded above the best plan that uses it, before and after probing."""
    problem = drawn(seed)
    least = least_by_pair(problem)
    fixing = Fixing(problem, np.where(reachable_pairs(problem), -np.inf, np.inf))
    fixing.tighten(None, np.inf, iterations=120)
    assert (fixing.pair_bounds <= least + 1e-6).all()
    assert fixing.bound <= least.min() + 1e-6
    best, _ = best_by_enumeration(problem)
    if np.isfinite(best):
        fixing.probe(best, iterations=30)
        used = least <= best + 1e-6
        assert (fixing.pair_bounds[used] <= best + 1e-6).all()
        assert fixing.allowed(best)[used].all()


@pytest.mark.parametrize("leaf_pairs", [0, 25])
@pytest.mark.parametrize("seed", range(12))
def test_branching_on_centres_finds_the_optimum(
    seed: int, leaf_pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any plan, the tree of centres ends with the best one and its proof."""
    monkeypatch.setattr(centre_tree, "LEAF_PAIRS", leaf_pairs)
    monkeypatch.setattr(centre_tree, "ITERATIONS", 5)
    problem = drawn(seed)
    plans = all_plans(problem)
    if not plans.shape[0]:
        return
    search = new_search(problem)
    search.offer(plans[-1])
    fixing = Fixing(problem, np.where(reachable_pairs(problem), -np.inf, np.inf))
    fixing.tighten(search.plan, search.objective, iterations=10)
    CentreTree(search, fixing).run()
    best, _ = best_by_enumeration(problem)
    assert search.objective == pytest.approx(best)
    assert search.result().status is Status.OPTIMAL


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_is_found_or_proven_not_to_exist(seed: int) -> None:
    """The model of roots decides whether a plan exists, as enumeration does."""
    problem = drawn(seed, units=8, tolerance=0.06 + 0.02 * (seed % 8))
    search = new_search(problem)
    look_for_a_plan(search, share=1.0)
    exists = all_plans(problem).shape[0] > 0
    assert search.infeasible is not exists
    assert (search.plan is not None) is exists


@pytest.mark.parametrize("seed", range(12))
def test_every_plan_has_its_roots(seed: int) -> None:
    """Each district of each plan may lie in the district of its first node."""
    problem = drawn(seed)
    allowed = rooted_pairs(problem)
    order = opening_order(problem).order
    for plan in all_plans(problem)[:200]:
        for district in range(problem.num_districts):
            members = order[plan[order] == district]
            assert allowed[members, members[0]].all()


def test_a_request_to_stop_ends_the_tree_of_centres() -> None:
    """A stopped tree claims nothing that it has not proven."""
    problem = drawn(1)
    stop = Stop()
    search = new_search(problem)
    search.stop = stop
    search.offer(all_plans(problem)[-1])
    fixing = Fixing(problem, np.where(reachable_pairs(problem), -np.inf, np.inf))
    fixing.tighten(search.plan, search.objective, iterations=5)
    stop.request()
    CentreTree(search, fixing).run()
    best, _ = best_by_enumeration(problem)
    assert search.bound <= best + 1e-6


def test_large_problems_go_to_the_other_engine() -> None:
    """The choice follows the size, says why, and can be forced."""
    small = drawn(1)
    assert choose(small).method == "hess"
    assert "9 units" in choose(small).why
    assert choose(small, "large").method == "large"
    with pytest.raises(ValueError, match="choose one of auto"):
        solve_districting(small, method="guess")  # type: ignore[arg-type] - what is tested


@pytest.mark.parametrize("state", ["CO", "OR", "NH"])
def test_states_that_have_no_plan_of_whole_counties(state: str, shared_data: Path) -> None:
    """Published instances without a plan are proven to have none."""
    read = read_districting(shared_data / "districting" / "county2010" / f"{state}.json")
    problem = replace(read.problem, cost_matrix=read.costs)
    assert solve_districting(problem, limits=Limits(seconds=60)).status is Status.INFEASIBLE


@pytest.mark.parametrize(("state", "optimum"), [("ID", 61232.575397), ("NM", 32944.250963)])
def test_published_optima_of_counties(state: str, optimum: float, shared_data: Path) -> None:
    """Optima of the literature are reached and proven."""
    read = read_districting(shared_data / "districting" / "county2010" / f"{state}.json")
    problem = replace(read.problem, cost_matrix=read.costs)
    result = solve_districting(problem, limits=Limits(seconds=60))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(optimum, abs=1e-5)
