"""Rebalancing of a city: what it keeps, names, writes and refuses; the verification accepts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.instances.city import City, build_city
from shequ.instances.edge_changes import EdgeChange
from shequ.instances.policy import Policy
from shequ.instances.synthetic import generate_city
from shequ.optimize.planning.plan import Plan
from shequ.optimize.planning.rebalance_region import RebalanceRules
from shequ.optimize.planning.rebalanced import change_types, make_rebalanced_plan
from shequ.optimize.planning.shortfall import InfeasibleError
from shequ.outputs.assemble import plan_layers
from shequ.outputs.layers import PlanFiles
from shequ.outputs.rebalance_files import CHANGES, MOVED, run_rebalance
from shequ.outputs.verify import verify_layers, verify_plan

POLICY = Policy().with_values({"split.seconds_per_community": 3.0})


@pytest.fixture(scope="module")
def city() -> City:
    """Return a synthetic city of 60,000 residents in five communities, two of them too large."""
    return build_city(generate_city(residents=60_000, seed=7), POLICY)


@pytest.fixture(scope="module")
def plan(city: City) -> Plan:
    """Return the city rebalanced with a least number of residents."""
    return make_rebalanced_plan(city, POLICY, RebalanceRules(least_residents=4_000))


@pytest.fixture(scope="module")
def layers(plan: Plan) -> PlanFiles:
    """Return its layers and record."""
    return plan_layers(plan)


def broken(layers: PlanFiles) -> set[str]:
    """Names of the checks that find something."""
    return {check.name for check in verify_layers(layers).checks if not check.ok}


def test_every_community_keeps_the_thresholds(plan: Plan) -> None:
    """Residents and households are below the thresholds and residents above the least."""
    table = plan.after.communities
    assert (table["residents"] < POLICY.split.gradual_residents).all()
    assert (table["households"] < POLICY.split.gradual_households).all()
    assert (table["residents"] >= 4_000).all()


def test_communities_hang_together_and_estates_stay_whole(city: City, plan: Plan) -> None:
    """Each community is one piece; units of an estate within a community of today stay together."""
    shapes = np.asarray(city.units.geometry, dtype=object)
    for row in np.unique(plan.after.unit_community):
        union = shapely.union_all(shapes[plan.after.unit_community == row])
        assert union.geom_type == "Polygon"
    assert "groups" not in broken(plan_layers(plan))


def test_bridges_and_corners_count_in_a_rebalancing(city: City) -> None:
    """A plan made with queen and with changes across communities verifies, borders and all."""
    policy = POLICY.with_values({"split.contiguity": "queen"})
    units = city.units["unit_id"].astype(str)
    first, last = units.iloc[0], units.iloc[-1]
    changed = replace(city, edge_changes=(EdgeChange(first, last, "add", 40.0),))
    rules = RebalanceRules(second="border")
    layers = plan_layers(make_rebalanced_plan(changed, policy, rules))
    assert broken(layers) == set()
    assert layers.record["city"]["edge_changes"][0]["unit_b"] == last


def test_the_record_counts_who_moved(city: City, plan: Plan, layers: PlanFiles) -> None:
    """Residents moved in the record are those of units whose community changes."""
    units = layers.units
    moved = units["community_id"] != units["community_id_before"]
    told = sum(region["moved"]["objective"] for region in layers.record["rebalance"]["regions"])
    assert units.loc[moved, "residents"].sum() == told
    assert 0 < told < city.num_residents
    assert plan.shortfalls == ()


def test_the_verification_accepts_it_and_its_tables_add_up(city: City, tmp_path: Path) -> None:
    """What is written passes every check, and the table of communities balances."""
    rules = RebalanceRules(second="border")
    text = run_rebalance(city, POLICY, tmp_path, rules)
    assert verify_plan(tmp_path).findings == ()
    moved, changes = (pd.read_csv(tmp_path / name, dtype={0: str}) for name in (MOVED, CHANGES))
    assert f"residents moved: {moved['residents'].sum():,}" in text
    known = changes[["residents_before", "residents_after"]].fillna(0)
    change = changes["residents_came"] - changes["residents_left"]
    assert (known["residents_after"] - known["residents_before"] == change).all()


@pytest.mark.parametrize("what", ["residents", "change_type", "parent_id", "moved", "unit"])
def test_the_verification_finds_what_was_changed(layers: PlanFiles, what: str) -> None:
    """A wrong kind of change, parent, number of residents moved or unit does not pass."""
    districts, units, record = layers.districts, layers.units, layers.record
    if what == "residents":
        districts = districts.assign(residents=districts["residents"] + 1)
    elif what == "change_type":
        districts = districts.assign(change_type="kept")
    elif what == "parent_id":
        other = districts["parent_id"].iloc[::-1].to_numpy()
        districts = districts.assign(parent_id=other)
    elif what == "moved":
        region = record["rebalance"]["regions"][0]
        wrong = {**region, "moved": {**region["moved"], "objective": 1.0}}
        regions = [wrong, *record["rebalance"]["regions"][1:]]
        record = {**record, "rebalance": {**record["rebalance"], "regions": regions}}
    else:
        ids = units["community_id"].to_numpy(object).copy()
        ids[0] = next(name for name in districts["community_id"] if name != ids[0])
        units = units.assign(community_id=ids)
    assert broken(replace(layers, districts=districts, units=units, record=record))


def test_named_communities_are_one_region(city: City, layers: PlanFiles) -> None:
    """Only the communities that were named change; all of them are one problem."""
    table = city.communities
    regions = layers.record["rebalance"]["regions"]
    wanted = max((region["communities"] for region in regions), key=len)
    names = table.set_index("community_id")["name"]
    rules = RebalanceRules(communities=(names[wanted[0]], *wanted[1:]), count=len(wanted) + 1)
    plan = make_rebalanced_plan(city, POLICY, rules)
    written = plan_layers(plan)
    assert broken(written) == set()
    assert len(written.record["rebalance"]["regions"]) == 1
    assert written.record["rebalance"]["regions"][0]["districts"] == len(wanted) + 1
    moved = written.units["community_id"] != written.units["community_id_before"]
    assert set(written.units.loc[moved, "community_id_before"]) <= set(wanted)


def test_what_cannot_be_kept_is_refused_or_listed(city: City) -> None:
    """A region without a plan is refused with its reason; relaxed it stays and is listed."""
    large = city.units.groupby("community_id")["residents"].sum().idxmax()
    rules = RebalanceRules(communities=(str(large),), count="keep")
    with pytest.raises(InfeasibleError, match="do not fit into 1 communities"):
        make_rebalanced_plan(city, POLICY, rules)
    plan = make_rebalanced_plan(city, POLICY, rules, relax=True)
    assert [shortfall.place_id for shortfall in plan.shortfalls] == [str(large)]
    assert (plan.after.communities["change_type"] == "kept").all()
    assert broken(plan_layers(plan)) == set()


def test_unknown_places_are_refused(city: City) -> None:
    """A community or street that does not exist is named."""
    with pytest.raises(ValueError, match="Community nowhere is unknown"):
        make_rebalanced_plan(city, POLICY, RebalanceRules(communities=("nowhere",)))
    with pytest.raises(ValueError, match="Street nowhere is unknown"):
        make_rebalanced_plan(city, POLICY, RebalanceRules(street="nowhere"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": "many"}, "give keep, free or a number"),
        ({"tolerance": 0.1}, "needs a number of communities"),
        ({"count": "keep", "tolerance": 2.0}, "tolerance = 2.0"),
        ({"least_residents": -1}, "below 0"),
        ({"communities": ("a",), "street": "b"}, "not both"),
    ],
)
def test_rules_that_make_no_sense_are_refused(values: dict[str, object], message: str) -> None:
    """Each message says what to give."""
    with pytest.raises(ValueError, match=message):
        RebalanceRules(**values)  # type: ignore[arg-type] - what is tested


def test_kinds_of_change_follow_from_the_units() -> None:
    """Kept, rebalanced, merged and split are told by the units before and after."""
    today = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
    after = np.array([0, 0, 1, 2, 2, 2, 3, 6, 4, 4, 4])
    assert change_types(today, after, 6) == {
        0: "kept",
        1: "rebalanced",
        2: "rebalanced",
        3: "split",
        4: "merged",
        6: "split",
    }
