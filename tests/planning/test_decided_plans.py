"""Plans keep the decisions that were taken, and the verifier sees when they do not."""

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
from shequ.instances.decided_city import apply_decisions
from shequ.instances.decisions import Decision
from shequ.instances.policy import Policy
from shequ.optimize.planning.plan import Plan
from shequ.optimize.planning.stages import make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.verify import verify_layers

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def city(city_file: Path) -> City:
    """Return the synthetic city as read."""
    return read_city(city_file, Policy())


@pytest.fixture(scope="module")
def plain(city: City) -> Plan:
    """Return the plan without decisions."""
    return make_plan(city, Policy())


def decided(city: City, *rows: tuple[str, ...], policy: Policy | None = None) -> City:
    """Take decisions given as kind, id, decision and value."""
    decisions = [Decision(*row, place=f"row {number}") for number, row in enumerate(rows)]
    return apply_decisions(city, decisions, policy or Policy())


def opened(plan: Plan) -> set[str]:
    """Ids of the candidates that a plan opens."""
    sites = plan.city.sites
    mask = plan.after.is_open & (sites["status"] == "candidate").to_numpy()
    return set(sites.loc[mask, "site_id"])


def test_sites_open_close_and_keep_their_bounds(city: City, plain: Plan) -> None:
    """Sites that a plan opened are forbidden, one that it left is required, a station closes."""
    lost = min(opened(plain))
    spare = next(
        str(name)
        for name in city.sites.loc[city.sites["status"] == "candidate", "site_id"]
        if name not in opened(plain)
    )
    station = str(city.sites.loc[city.sites["status"] == "existing", "site_id"].iloc[0])
    asked = decided(
        city,
        ("site", lost, "forbid"),
        ("site", spare, "require"),
        ("site", spare, "min_area_m2", "400"),
        ("site", station, "close"),
    )
    plan = make_plan(asked, Policy())
    assert spare in opened(plan)
    assert lost not in opened(plan)
    row = {name: place for place, name in enumerate(city.sites["site_id"])}
    assert plan.after.area_m2[row[spare]] >= 400 - 1e-6
    assert not plan.after.is_open[row[station]]
    assert plan.before.is_open[row[station]]
    files = plan_layers(plan)
    assert verify_layers(files).findings == ()
    assert {entry["decision"] for entry in files.record["decisions"]} == {
        "forbid", "require", "min_area_m2", "close"
    }  # fmt: skip


def test_the_verifier_finds_decisions_that_are_not_kept(plain: Plan) -> None:
    """A record that names other decisions than the layers keep does not verify."""
    first = min(opened(plain))
    files = plan_layers(plain)
    divided = plain.splits[0].community_id
    lies = [
        ("site", first, "forbid", ""),
        ("site", first, "max_area_m2", "1"),
        ("community", divided, "lock", ""),
    ]
    for kind, place, decision, value in lies:
        entry = {"kind": kind, "id": place, "decision": decision, "value": value, "note": ""}
        forged = replace(files, record={**files.record, "decisions": [entry]})
        found = [text for text in verify_layers(forged).findings if text.startswith("decisions")]
        assert len(found) == 1, (kind, decision, found)


def test_a_closed_station_needs_its_decision(city: City) -> None:
    """Without the decision in the record, a station of today that is closed is found."""
    station = str(city.sites.loc[city.sites["status"] == "existing", "site_id"].iloc[0])
    files = plan_layers(make_plan(decided(city, ("site", station, "close")), Policy()))
    assert verify_layers(files).findings == ()
    forged = replace(files, record={**files.record, "decisions": []})
    assert any(station in text for text in verify_layers(forged).findings)


def test_a_locked_community_is_not_split_and_listed(city: City, plain: Plan) -> None:
    """It stays whole even where plans are strict, and its size is listed with the reason."""
    community = plain.splits[0].community_id
    plan = make_plan(decided(city, ("community", community, "lock")), Policy(), relax=False)
    assert community not in {split.community_id for split in plan.splits}
    (shortfall,) = [s for s in plan.shortfalls if s.rule == "split"]
    assert (shortfall.place_id, shortfall.remedy_key) == (community, "locked")
    assert verify_layers(plan_layers(plan)).findings == ()


@pytest.mark.parametrize("objective", ["moment-of-inertia", "border"])
def test_units_stay_together_apart_and_at_home(city: City, plain: Plan, objective: str) -> None:
    """Units that were parted stay together, neighbours are parted, a unit keeps its community."""
    policy = Policy().with_values(
        {"split.objective": objective, "split.seconds_per_community": 20.0}
    )
    split = plain.splits[0]
    solution, members = split.result.solution, split.members
    assert solution is not None
    ids = city.units["unit_id"].astype(str).to_numpy()
    shapes = city.units.geometry.to_numpy()
    touching = [
        (int(a), int(b))
        for a in members
        for b in members
        if a < b and shapes[a].intersection(shapes[b]).length > 20
    ]
    where = dict(zip(members.tolist(), solution.tolist(), strict=True))
    estate = city.units["estate_id"]
    free = [(a, b) for a, b in touching if estate.isna()[a] and estate.isna()[b]]
    together = next((a, b) for a, b in free if where[a] != where[b])
    rim = {u for pair in touching if where[pair[0]] != where[pair[1]] for u in pair}
    apart = next(
        (a, b)
        for a, b in free
        if where[a] == where[b] and len({a, b} & rim) == 1 and not {a, b} & set(together)
    )
    ids_after = plain.after.communities["community_id"].to_numpy()[plain.after.unit_community]
    gone = next(int(u) for u in members if ids_after[u] != split.community_id
                and u not in {*together, *apart})  # fmt: skip
    rows = [("unit", ids[u], "together", "t") for u in together]
    rows += [("unit", ids[u], "apart", "a") for u in apart]
    asked = decided(city, *rows, ("unit", ids[gone], "lock"), policy=policy)
    plan = make_plan(asked, policy, stages=("split",))
    after = plan.after.communities["community_id"].to_numpy()[plan.after.unit_community]
    assert after[together[0]] == after[together[1]]
    assert after[apart[0]] != after[apart[1]]
    assert after[gone] == split.community_id
    files = plan_layers(plan)
    assert verify_layers(files).findings == ()


def test_the_layer_of_a_plan_is_edited_and_read_back(
    shequ: Run, city_file: Path, tmp_path: Path
) -> None:
    """Plan, layer, edit, plan again: the edited decisions are kept, and stand in the next layer."""
    first, layer = tmp_path / "first", tmp_path / "decisions.gpkg"
    shequ("plan", city_file, "-o", first)
    shequ("decisions", first, "-o", layer)
    names = {str(name) for name, _ in pyogrio.list_layers(layer)}
    assert names == {"decisions_sites", "decisions_communities", "decisions_units"}
    sites = gpd.read_file(layer, layer="decisions_sites")
    chosen = sites.index[sites["state"].str.startswith("candidate, opened")][0]
    sites.loc[chosen, ["decision", "note"]] = ["forbid", "a school is built there"]
    pyogrio.write_dataframe(sites, layer, layer="decisions_sites", append=False)
    second = tmp_path / "second"
    run = shequ("plan", city_file, "-o", second, "--decisions", layer)
    assert "1 decision: 1 forbid site" in run.stderr
    assert "nothing found" in run.stdout
    record = json.loads((second / "plan.json").read_text(encoding="utf-8"))
    site = sites.loc[chosen, "id"]
    assert [(d["id"], d["decision"]) for d in record["decisions"]] == [(site, "forbid")]
    shequ("decisions", second, "-o", layer)
    again = gpd.read_file(layer, layer="decisions_sites").set_index("id")
    assert again.loc[site, "decision"] == "forbid"
    assert again.loc[site, "note"] == "a school is built there"
    assert again.loc[site, "state"].startswith("candidate, closed")
    run = shequ("rebalance", city_file, "-o", tmp_path / "r", "--set",
                'decisions.lock_communities=["320599001001"]', code=1)  # fmt: skip
    assert "lock community 320599001001" in run.stderr
    shequ("decisions", first, "-o", tmp_path / "d.csv", code=1)
