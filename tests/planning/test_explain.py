"""Explanations of a siting: words, amounts, files and the command."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from shequ.instances.city import City, read_city
from shequ.instances.policy import Policy
from shequ.optimize.planning.explain import Explanation, explain_siting
from shequ.optimize.planning.explained_communities import planned_communities
from shequ.optimize.planning.stages import make_plan
from shequ.optimize.result import Status
from shequ.outputs.conflicts_files import explanation_text, write_explanation

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def city(city_file: Path) -> City:
    """Return the synthetic city as read."""
    return read_city(city_file, Policy())


def explained(city: City, policy: Policy | None = None, **options: object) -> Explanation:
    """Explain the siting for the communities of today."""
    rules = policy or Policy()
    state = planned_communities(city, rules)
    return explain_siting(
        city,
        rules,
        state.times,
        communities=state.names,
        unit_community=state.unit_community,
        site_community=state.site_community,
        **options,  # type: ignore[arg-type]
    )


def test_rules_that_can_be_met_clash_nowhere(city: City) -> None:
    """Without a clash the least cost is that of the plan."""
    found = explained(city)
    assert found.status is Status.FEASIBLE
    assert (found.clashes, found.reliefs) == ((), ())
    plan = make_plan(city, Policy(), stages=("site",))
    assert plan.siting is not None
    assert plan.siting.lowest is not None
    assert found.lowest.objective == pytest.approx(plan.siting.lowest.objective)
    assert "All rules can be met" in explanation_text(found)


def test_missing_floor_area_is_said_in_square_metres(city: City) -> None:
    """The sentence names the community, what it needs, what its sites hold and what is missing."""
    policy = Policy().with_values({"siting.floor_area_m2_per_100_households": 1500})
    found = explained(city, policy)
    plan = make_plan(city, policy, stages=("site",), relax=True)
    short = {s.place_id: s.short for s in plan.shortfalls if s.rule == "floor_area"}
    assert found.is_complete
    assert all(clash.is_irreducible for clash in found.clashes)
    told = {
        clash.rules[0].place_ids[0]: clash.rules[0].amount
        for clash in found.clashes
        if clash.rules[0].kind == "floor_area"
    }
    assert told == pytest.approx(short, rel=1e-6)
    assert "m² are missing" in found.clashes[0].text
    sizes = next(relief for relief in found.reliefs if relief.name == "sizes")
    assert sizes.result.objective == pytest.approx(sum(short.values()), rel=1e-6)


def test_a_budget_below_the_least_cost_is_said(city: City) -> None:
    """The clash names the budget and the needs that cost more; the relief is the least cost."""
    found = explained(city, budget=2000.0, prices={"needs": 1.0, "budget": 5.0})
    (clash,) = found.clashes
    assert "the budget is 2,000.0" in clash.text
    assert "cost at least" in clash.text
    reliefs = {relief.name: relief for relief in found.reliefs}
    money = reliefs["budget"].result
    assert money.status is Status.OPTIMAL
    assert found.lowest.objective == pytest.approx(2000 + (money.objective or 0), rel=1e-6)
    mixed, needs = reliefs["mixed"].result.objective, reliefs["needs"].result.objective
    assert mixed is not None
    assert needs is not None
    assert mixed <= min(needs, 5 * (money.objective or 0)) + 1e-6
    assert explained(city, budget=found.lowest.objective).status is Status.FEASIBLE


def test_forbidden_sites_are_part_of_the_clash(city: City) -> None:
    """If forbidding all candidates of a community is why, the clash names them as forbidden."""
    sites = city.sites.copy()
    sites["forbidden"] = (sites["status"] == "candidate").to_numpy()
    found = explained(replace(city, sites=sites))
    assert found.status is Status.INFEASIBLE
    kinds = {rule.kind for clash in found.clashes for rule in clash.rules}
    assert "forbidden" in kinds
    back = next(relief for relief in found.reliefs if relief.name == "decisions")
    assert back.result.status is Status.OPTIMAL
    freed = {change.place_id for change in back.changes}
    allowed = sites.assign(forbidden=sites["forbidden"] & ~sites["site_id"].isin(freed))
    assert explained(replace(city, sites=allowed)).status is Status.FEASIBLE


def test_wrong_prices_are_refused(city: City) -> None:
    """A price is of a known kind, and above 0."""
    with pytest.raises(ValueError, match="choose needs, sizes, decisions, budget"):
        explained(city, prices={"money": 1.0})
    with pytest.raises(ValueError, match="above 0"):
        explained(city, prices={"budget": 0.0})


def test_layers_show_the_places(city: City, tmp_path: Path) -> None:
    """Layers hold every place of a clash, in the CRS of the input, with rule and amount."""
    policy = Policy().with_values(
        {"siting.floor_area_m2_per_100_households": 1500, "siting.reach_minutes": 3.0}
    )
    found = explained(city, policy)
    state = planned_communities(city, policy)
    files = write_explanation(found, city, state.names, state.unit_community, tmp_path, lang="zh")
    assert [file.name for file in files] == ["conflicts.gpkg", "conflicts.json", "conflicts.png"]
    assert all(file.stat().st_size > 0 for file in files)
    layers = {str(name) for name, _ in pyogrio.list_layers(tmp_path / "conflicts.gpkg")}
    assert {"clashes", "clashing_communities", "clashing_units", "clashing_sites"} <= layers
    relaxed = pyogrio.read_info(tmp_path / "conflicts.gpkg", layer="relaxed_communities")
    assert "relief" in relaxed["fields"]
    assert "by" not in relaxed["fields"]
    units = gpd.read_file(tmp_path / "conflicts.gpkg", layer="clashing_units")
    wanted = {p for c in found.clashes for r in c.rules if r.place_kind == "unit"
              for p in r.place_ids}  # fmt: skip
    assert set(units["place_id"]) == wanted
    assert units.crs == city.input_crs
    record = json.loads((tmp_path / "conflicts.json").read_text(encoding="utf-8"))
    assert len(record["clashes"]) == len(found.clashes)


def test_the_command_explains(shequ: Run, city_file: Path, tmp_path: Path) -> None:
    """The command prints clashes and reliefs, and writes files where asked."""
    run = shequ("explain", city_file, "--budget", "2000", "--split", "-o", tmp_path / "out")
    assert "1. These rules clash: the budget is 2,000.0" in run.stdout
    assert "By more money alone" in run.stdout
    assert (tmp_path / "out" / "conflicts.gpkg").exists()
    wrong = shequ("explain", city_file, "--price", "needs", code=1)
    assert "--price needs not understood" in wrong.stderr


def test_a_refused_plan_names_the_command(shequ: Run, city_file: Path, tmp_path: Path) -> None:
    """A strict plan that is infeasible says how to have the clash explained."""
    options = ["--strict", "--set", "siting.reach_minutes=3"]
    run = shequ("site", city_file, "-o", tmp_path / "out", *options, code=3)
    assert "`shequ explain" in run.stderr
