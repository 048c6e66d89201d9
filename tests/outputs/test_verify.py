"""What the verification finds: every tampering by the check that is there for it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.outputs.layers import PlanFiles
from shequ.outputs.verify import verify_layers

Tamper = Callable[[PlanFiles], PlanFiles]


def failed(plan: PlanFiles) -> set[str]:
    """Names of the checks that find something."""
    return {check.name for check in verify_layers(plan).checks if not check.ok}


def changed(layer: str, column: str, value: object, *, row: int = 0) -> Tamper:
    """Return a tampering that replaces one value; a function is given the value of today."""

    def tamper(plan: PlanFiles) -> PlanFiles:
        table = getattr(plan, layer).copy()
        place = (table.index[row], column)
        new = value(table.loc[place]) if callable(value) else value
        if new is None or isinstance(new, bool):
            table[column] = table[column].astype(object)
        table.loc[place] = new
        return replace(plan, **{layer: table})

    return tamper


def whole(layer: str, column: str, value: object) -> Tamper:
    """Return a tampering that replaces a whole column."""
    return lambda plan: replace(plan, **{layer: getattr(plan, layer).assign(**{column: value})})


def recorded(*path: str | int, value: object) -> Tamper:
    """Return a tampering that replaces one value of the record; a function is given the old."""

    def tamper(plan: PlanFiles) -> PlanFiles:
        record = copy.deepcopy(plan.record)
        holder: Any = record
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value(holder[path[-1]]) if callable(value) else value
        return replace(plan, record=record)

    return tamper


def rows(layer: str, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Tamper:
    """Return a tampering that drops, doubles or moves rows."""
    return lambda plan: replace(plan, **{layer: change(getattr(plan, layer))})


def doubled(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer with its first row twice."""
    return pd.concat([layer, layer.iloc[[0]]], ignore_index=True)


def without_first(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer without its first row."""
    return layer.iloc[1:].reset_index(drop=True)


def other_site(plan: PlanFiles) -> PlanFiles:
    """Send a unit to another open facility than its nearest, everywhere alike."""
    units, lines = plan.units.copy(), plan.allocation.copy()
    now = units.loc[5, "site_id"]
    other = next(site for site in plan.facilities["site_id"] if site != now)
    units.loc[5, "site_id"] = other
    lines.loc[lines["unit_id"] == units.loc[5, "unit_id"], "site_id"] = other
    return replace(plan, units=units, allocation=lines)


def site_open_and_closed(plan: PlanFiles) -> PlanFiles:
    """List an open site among those that stay closed."""
    both = pd.concat([plan.candidates, plan.facilities.iloc[[0]]], ignore_index=True)
    return replace(plan, candidates=both)


def free_of_charge(plan: PlanFiles) -> PlanFiles:
    """Make everything cost nothing, in the layers and in the key figures."""
    free = plan.facilities.assign(fixed_cost=0.0, cost_per_m2=0.0, cost=0.0)
    return recorded("figures", "after", "cost", value=0.0)(replace(plan, facilities=free))


def no_trace_of_a_split(plan: PlanFiles) -> PlanFiles:
    """Empty the record of the splits and call every district kept."""
    plan = replace(plan, districts=plan.districts.assign(change_type="kept"))
    return recorded("split", value=[])(plan)


def overlap(plan: PlanFiles) -> PlanFiles:
    """Let a district reach into its neighbours."""
    districts = plan.districts.copy()
    districts.loc[0, "geometry"] = districts.loc[0, "geometry"].buffer(5)
    return replace(plan, districts=districts)


def shortfall(rule: str, place: str, **values: object) -> Tamper:
    """Return a tampering that lists a shortfall that there is not."""
    entry = {"rule": rule, "place_id": place, "value": 1.0, "target": 2.0, "short": 1.0, **values}
    return recorded("shortfalls", value=lambda listed: [*listed, entry])


NOTHING = float("nan")
TAMPERINGS: dict[str, tuple[Tamper, str]] = {
    "id is double": (rows("units", doubled), "ids"),
    "site open and closed": (site_open_and_closed, "ids"),
    "site left out": (rows("candidates", without_first), "ids"),
    "fewer units than the input": (recorded("city", "units", value=1), "ids"),
    "one layer in another CRS": (rows("facilities", lambda f: f.to_crs("EPSG:32651")), "crs"),
    "no CRS in metres": (recorded("city", "working_crs", value="EPSG:2263"), "crs"),
    "districts overlap": (overlap, "coverage"),
    "unit in another district": (changed("units", "community_id", "nowhere"), "membership"),
    "unit from elsewhere": (changed("units", "community_id_before", "nowhere"), "membership"),
    "communities of today emptied": (rows("communities_before", lambda b: b.iloc[:0]), "before"),
    "residents missing": (changed("districts", "residents", NOTHING), "totals"),
    "old people of a district": (whole("districts", "residents_65plus", 0), "totals"),
    "units of a district": (changed("districts", "units", 1), "totals"),
    "workers of a district": (changed("districts", "workers", 0), "totals"),
    "residents of today": (changed("communities_before", "residents", 1), "totals"),
    "no trace of a split": (no_trace_of_a_split, "split"),
    "kept district of another parent": (whole("districts", "parent_id", "nowhere"), "split"),
    "tier": (whole("districts", "tier", "none"), "split"),
    "deviation": (whole("districts", "deviation", 0.4), "split"),
    "provisional": (whole("districts", "provisional", False), "split"),
    "residents of a split": (recorded("split", 0, "residents", value=1), "split"),
    "looser balance": (recorded("policy", "split", "tolerance", value=0.5), "split"),
    "floor area missing": (changed("districts", "floor_area_m2", NOTHING), "floor area"),
    "target": (changed("districts", "floor_area_target_m2", 1.0), "floor area"),
    "facilities of a district": (changed("districts", "facilities", 77), "floor area"),
    "floor area of today": (changed("communities_before", "floor_area_m2", 9e3), "floor area"),
    "smaller facility": (changed("facilities", "floor_area_m2", lambda m2: m2 / 2), "floor area"),
    "no costs": (whole("facilities", "cost", NOTHING), "facilities"),
    "no floor areas": (whole("facilities", "floor_area_m2", NOTHING), "facilities"),
    "action": (whole("facilities", "action", "kept"), "facilities"),
    "candidate called existing": (whole("facilities", "status", "existing"), "facilities"),
    "served": (whole("facilities", "residents_served", 0), "facilities"),
    "site of no community": (changed("facilities", "community_id", None), "facilities"),
    "closed site with an area": (changed("candidates", "floor_area_m2", 50.0), "facilities"),
    "faster walk": (changed("units", "minutes", lambda minutes: minutes - 1, row=5), "walking"),
    "no minutes": (changed("units", "minutes", NOTHING, row=5), "walking"),
    "not the nearest site": (other_site, "walking"),
    "facility removed": (rows("facilities", without_first), "walking"),
    "mean minutes": (changed("districts", "mean_minutes", 1.0), "walking"),
    "residents in reach": (changed("districts", "residents_in_reach", 5), "walking"),
    "mean minutes of today": (changed("communities_before", "mean_minutes", 1.0), "walking"),
    "lines doubled": (rows("allocation", doubled), "allocation"),
    "lines removed": (rows("allocation", without_first), "allocation"),
    "line of no unit": (changed("allocation", "unit_id", "nowhere"), "allocation"),
    "line to another site": (changed("allocation", "site_id", "nowhere"), "allocation"),
    "minutes of a line": (changed("allocation", "minutes", 0.5), "allocation"),
    "lines moved": (
        rows("allocation", lambda a: a.set_geometry(a.translate(1000, 0))),
        "allocation",
    ),
    "lines without a geometry": (
        rows("allocation", lambda a: a.set_geometry(gpd.GeoSeries([None] * len(a), crs=a.crs))),
        "allocation",
    ),
    "figure of today": (recorded("figures", "before", "facilities", value=0), "figures"),
    "figure of the plan": (recorded("figures", "after", "mean_minutes", value=1.0), "figures"),
    "figure missing": (recorded("figures", "after", "workers_needed", value=None), "figures"),
    "network removed": (lambda plan: replace(plan, network=None), "figures"),
    "shortfall of floor area invented": (shortfall("floor_area", "nowhere"), "shortfalls"),
    "shortfall of reach invented": (shortfall("reach", "U001"), "shortfalls"),
    "free of charge": (free_of_charge, "proofs"),
    "objective of a split": (recorded("split", 0, "objective", value=1.0), "proofs"),
    "objective of the cost": (recorded("siting", "cost", "objective", value=1.0), "proofs"),
    "bound above a known plan": (recorded("siting", "cost", "bound", value=1e9), "proofs"),
    "proof forged": (
        recorded("siting", "walking", value=lambda step: {**step, "bound": 1.0, "gap": 0.0}),
        "proofs",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(files: PlanFiles, name: str) -> None:
    """Each kind of mistake is found by the check that is there for it."""
    tamper, check = TAMPERINGS[name]
    assert check in failed(tamper(files))


def test_nothing_is_found_in_the_plan_itself(files: PlanFiles) -> None:
    """The plan that the tamperings start from verifies."""
    assert verify_layers(files).findings == ()


def test_a_value_of_another_kind_is_a_finding(files: PlanFiles) -> None:
    """Text where a number belongs is found, and does not end the verification."""
    assert "ids" not in failed(whole("facilities", "max_area_m2", "large")(files))
    assert "facilities" in failed(whole("facilities", "max_area_m2", "large")(files))


def test_units_swapped_between_districts_break_contiguity(files: PlanFiles) -> None:
    """A district with a unit from across its community is not contiguous."""
    split = files.districts.loc[files.districts["change_type"] == "split"]
    one, other = split["community_id"].iloc[:2]
    units = files.units.copy()
    mine = units.index[units["community_id"] == one]
    centre = split.geometry.iloc[1].centroid
    units.loc[units.loc[mine].distance(centre).idxmax(), "community_id"] = other
    assert {"membership", "contiguity"} <= failed(replace(files, units=units))


def test_a_consistent_move_breaks_balance_or_objective(files: PlanFiles) -> None:
    """A unit moved to the next district, with layers to match, is found without the record."""
    parent = files.record["split"][0]["community_id"]
    one, other = files.districts.loc[files.districts["parent_id"] == parent, "community_id"][:2]
    units, districts = files.units.copy(), files.districts.copy()
    target = shapely.union_all(np.asarray(units.geometry[units["community_id"] == other]))
    mine = units[units["community_id"] == one]
    units.loc[mine.distance(target).idxmin(), "community_id"] = other
    for row in districts.index:
        part = units[units["community_id"] == districts.loc[row, "community_id"]]
        districts.loc[row, "geometry"] = shapely.union_all(np.asarray(part.geometry))
        districts.loc[row, "residents"] = part["residents"].sum()
        districts.loc[row, "households"] = part["households"].sum()
    moved = replace(files, units=units, districts=districts)
    assert "membership" not in failed(moved)
    assert "proofs" in failed(moved)
    assert {"split", "proofs"} & failed(recorded("split", value=[])(moved))


def test_a_missed_rule_must_be_listed(files: PlanFiles) -> None:
    """A shorter reach puts units out of it; each must be listed, and each once."""
    reach = recorded("policy", "siting", "reach_minutes", value=3.0)(files)
    far = reach.units["minutes"].to_numpy() > 3
    units = reach.units.assign(in_reach=~far)
    units.loc[far, "minutes"] = np.nan
    units.loc[far, "site_id"] = None
    found = verify_layers(replace(reach, units=units)).findings
    some = units.loc[far & (units["residents"] > 0), "unit_id"].iloc[0]
    assert any(f"shortfalls: unit {some} misses reach" in text for text in found)


def test_an_unsplit_community_must_be_listed(files: PlanFiles) -> None:
    """With lower thresholds a kept community is over them, which nobody recorded."""
    tight = recorded("policy", "split", "gradual_residents", value=5_000)(files)
    found = verify_layers(tight).findings
    assert any("misses split" in text for text in found)
