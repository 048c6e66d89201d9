"""Modular floor area: what the problem refuses, what it calls broken, and its plain model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.synthetic.modular_sites import least_cost_of_all, modular_sites
from shequ.models.siting.modular_floor_area import (
    ModularFloorArea,
    ModularPlan,
    pairs_within,
    unreached_in_words,
)
from shequ.models.siting.modular_floor_area_model import modular_floor_area_model
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model

REACH = sparse.csr_array(np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
problem = ModularFloorArea(
    residents=np.array([250.0, 130.0, 40.0]),
    households=np.array([100.0, 50.0, 20.0]),
    within_reach=REACH,
    areas=np.array([[40.0, 80.0], [60.0, np.nan]]),
    costs=np.array([[5.0, 8.0], [6.0, np.nan]]),
    budget=14.0,
)
plan = ModularPlan(np.array([2, 1]), np.array([1.0, 0.0, 1.0]))


def test_plan_is_evaluated_and_kept() -> None:
    """Residents served and cost of a plan that keeps all rules."""
    assert problem.violations(plan) == []
    assert problem.evaluate(plan) == 380.0
    assert problem.cost(plan) == 14.0


def test_cost_is_minimised_without_a_budget() -> None:
    """Without a budget the objective is the cost."""
    cheapest = replace(problem, budget=None, least_share=0.9)
    assert cheapest.evaluate(plan) == 14.0
    assert cheapest.violations(plan) == []


def test_clients_out_of_reach_are_listed() -> None:
    """Clients that no site can serve are named, also those of forbidden sites."""
    assert problem.unreached().tolist() == [2]
    rules = SiteRules(forbidden=np.array([False, True]))
    assert replace(problem, rules=rules).unreached().tolist() == [1, 2]
    assert unreached_in_words(problem) == "no site can serve the clients 2 (40 residents)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (ModularPlan(np.array([2, 2]), plan.share), "site 1 has no level 2"),
        (ModularPlan(np.array([2]), plan.share), "level has shape"),
        (ModularPlan(np.array([1, 1]), plan.share), "site 0 serves households that need 80 m²"),
        (
            ModularPlan(np.array([0, 1]), plan.share),
            "client 0 is served by site 0, which is closed",
        ),
        (ModularPlan(plan.level, np.array([1.0, 0.5, 0.2])), "client 0 is served to 1.5"),
        (ModularPlan(plan.level, np.array([-0.5, 0.0, 1.0])), "client 0 has share -0.5"),
    ],
)
def test_broken_rules_are_named(wrong: ModularPlan, message: str) -> None:
    """Each broken rule is said in words."""
    assert any(message in broken for broken in problem.violations(wrong))


def test_budget_and_share_are_held() -> None:
    """A plan that costs too much, or serves too few, is refused."""
    assert "more than the budget 13" in replace(problem, budget=13.0).violations(plan)[0]
    few = replace(problem, budget=None, least_share=1.0)
    assert "fewer than the 420 asked for" in few.violations(plan)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"households": np.array([100.0, 0.0, 20.0])}, "client 1 has 130 residents and no househ"),
        ({"residents": np.array([1.0, np.nan, 1.0])}, "residents"),
        ({"area_per_household": 0.0}, "area_per_household"),
        ({"least_share": 0.5}, "give one of them"),
        ({"budget": -1.0}, "budget"),
        ({"budget": None, "least_share": 1.5}, "least_share"),
        ({"costs": np.array([[5.0, 8.0], [-6.0, np.nan]])}, "level 1 of site 1"),
        ({"area_today": np.array([50.0, 0.0])}, "no larger than the floor area today"),
        ({"areas": np.ones((3, 2))}, "areas has shape"),
        ({"rules": SiteRules(required=np.ones(2, bool), most=1)}, "required"),
    ],
)
def test_wrong_input_is_refused(change: dict[str, Any], message: str) -> None:
    """Each wrong array or number is named."""
    with pytest.raises(ValueError, match=message):
        replace(problem, **change)


def test_required_site_without_levels_is_refused() -> None:
    """A site that must be open needs a level."""
    bare = np.full((2, 2), np.nan)
    bare[0] = [40.0, 80.0]
    with pytest.raises(ValueError, match="site 1 is required and has no level"):
        replace(problem, areas=bare, costs=bare, rules=SiteRules(required=np.array([False, True])))


def test_existing_sites_may_stand_close() -> None:
    """A least distance asks nothing of two sites that exist."""
    rules = SiteRules(apart=np.array([[0, 1]]))
    both = replace(problem, area_today=np.array([10.0, 10.0]), rules=rules)
    nothing = ModularPlan(np.zeros(2, dtype=np.int64), np.zeros(3))
    assert both.violations(nothing) == []


def test_reach_may_differ_by_client() -> None:
    """Pairs within reach, with one reach for all and with one for each client."""
    distances = np.array([[1.0, 7.0], [3.0, 2.0]])
    assert pairs_within(distances, 3.0).toarray().tolist() == [[1, 0], [1, 1]]
    assert pairs_within(distances, np.array([7.0, 2.0])).toarray().tolist() == [[1, 1], [0, 1]]


def test_plain_model_finds_the_best_plan() -> None:
    """Decoded solutions keep the rules, and encoded ones have the same objective."""
    plain = modular_floor_area_model(problem)
    found = solve_model(plain.model)
    assert found.status is Status.OPTIMAL
    assert found.solution is not None
    best = plain.decode(found.solution)
    assert problem.violations(best) == []
    assert problem.evaluate(best) == pytest.approx(380.0)
    assert plain.model.violations(plain.encode(plan)) == []
    assert plain.model.evaluate(plain.encode(plan)) == pytest.approx(380.0)


@pytest.mark.parametrize("kind", ["uniform", "clustered", "existing"])
def test_cities_are_seeded(kind: Any) -> None:  # noqa: ANN401 - a literal of the generator
    """Same seed, same city; the budget is a share of what serving everybody costs at least."""
    one, other = (modular_sites(300, num_sites=12, seed=5, kind=kind) for _ in range(2))
    assert (one.residents == other.residents).all()
    assert np.array_equal(one.areas, other.areas, equal_nan=True)
    assert one.budget == np.ceil(0.5 * least_cost_of_all(one))
    assert (one.existing.any()) == (kind == "existing")


def test_unknown_city_is_refused() -> None:
    """The kinds are listed."""
    with pytest.raises(ValueError, match="uniform, clustered, existing"):
        modular_sites(10, num_sites=2, seed=1, kind="round")  # type: ignore[arg-type] - wrong on purpose
