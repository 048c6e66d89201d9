"""
Check a plan from its written files alone.

Nothing here is shared with the code that made the plan: borders, walking minutes, sums and costs
are computed afresh, in other ways, from the layers and the policy that were written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from .files import read_plan
from .layers import PlanFiles
from .verify_walking import walking_minutes

MOST_FINDINGS = 20


@dataclass(frozen=True)
class Check:
    """One rule and what speaks against it."""

    name: str
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.findings


@dataclass(frozen=True)
class Verification:
    """All checks of one plan."""

    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """Everything that was found, each with the name of its check."""
        return tuple(f"{check.name}: {text}" for check in self.checks for text in check.findings)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify_plan(folder: Path) -> Verification:
    """
    Check every rule of a written plan again.

    Parameters
    ----------
    folder
        Folder with plan.gpkg and plan.json.

    Raises
    ------
    ValueError
        If a file or a layer is missing.
    """
    return verify_layers(read_plan(folder))


def verify_layers(plan: PlanFiles) -> Verification:
    """Check every rule of a plan as read back."""
    view = _View(plan)
    checks: dict[str, Callable[[_View], Iterator[str]]] = {
        "ids": _ids,
        "crs": _crs,
        "coverage": _coverage,
        "membership": _membership,
        "totals": _totals,
        "split": _split,
        "contiguity": _contiguity,
        "groups": _groups,
        "floor area": _floor_area,
        "facilities": _facilities,
        "walking": _walking,
        "proofs": _proofs,
    }
    return Verification(
        tuple(Check(name, tuple(check(view))[:MOST_FINDINGS]) for name, check in checks.items())
    )


class _View:
    """A plan in metres, and what several checks ask of it."""

    def __init__(self, plan: PlanFiles) -> None:
        self.plan, self.record = plan, plan.record
        self.policy: dict[str, Any] = plan.record["policy"]
        crs = plan.units.crs
        working = plan.record["city"].get("working_crs")

        def metric(layer: GeoDataFrame | None) -> GeoDataFrame | None:
            same = layer is None or working is None or crs is None or not crs.is_geographic
            return layer if same or layer is None else layer.to_crs(working)

        self.units: GeoDataFrame = metric(plan.units)
        self.districts: GeoDataFrame = metric(plan.districts)
        self.facilities: GeoDataFrame = metric(plan.facilities)
        self.network, self.barriers = metric(plan.network), metric(plan.barriers)

    def declared(self, rule: str) -> dict[str, dict[str, Any]]:
        """Shortfalls of one rule by place."""
        return {
            str(entry["place_id"]): entry
            for entry in self.record["shortfalls"]
            if entry["rule"] == rule
        }

    @cached_property
    def splits(self) -> dict[str, dict[str, Any]]:
        """Entries of communities that were split, by id."""
        return {
            str(entry["community_id"]): entry
            for entry in self.record["split"]
            if entry["status"] in {"optimal", "feasible"}
        }


def _ids(view: _View) -> Iterator[str]:
    keys = {"units": "unit_id", "districts": "community_id", "facilities": "site_id"}
    for layer, key in keys.items():
        column = getattr(view, layer)[key]
        wrong = column[~column.map(lambda value: isinstance(value, str) and value != "")]
        yield from (f"{layer}.{key} {value!r} is not text" for value in wrong)
        yield from (f"{layer}.{key} {value} is double" for value in column[column.duplicated()])


def _crs(view: _View) -> Iterator[str]:
    wanted = view.plan.units.crs
    for name in ("districts", "facilities", "candidates", "allocation", "communities_before"):
        found = getattr(view.plan, name).crs
        if found != wanted:
            yield f"{name} is in {found}, units are in {wanted}"


def _coverage(view: _View) -> Iterator[str]:
    for name in ("units", "districts"):
        layer = getattr(view.plan, name)
        shapes = np.asarray(layer.geometry, dtype=object)
        if not shapely.is_valid(shapes).all():
            yield f"{name} has an invalid geometry"
        elif not shapely.coverage_is_valid(shapes):
            bad = shapely.coverage_invalid_edges(shapes)
            rows = np.flatnonzero(~shapely.is_empty(bad))
            yield f"{name} overlap or leave slivers at rows {rows[:5].tolist()}"


def _membership(view: _View) -> Iterator[str]:
    known = set(view.districts["community_id"])
    for row in view.units.loc[~view.units["community_id"].isin(known)].itertuples():
        yield f"unit {row.unit_id} lies in community {row.community_id}, which is no district"
    shapes = dict(zip(view.districts["community_id"], view.districts.geometry, strict=True))
    for community, part in view.units.groupby("community_id"):
        if community in shapes:
            union = shapely.union_all(np.asarray(part.geometry, dtype=object))
            differs = float(shapely.area(shapely.symmetric_difference(union, shapes[community])))
            if differs > 1.0:
                yield f"district {community} differs from its units by {differs:.1f} m²"


def _totals(view: _View) -> Iterator[str]:
    found = view.units.groupby("community_id")[["residents", "households"]].sum()
    for row in view.districts.itertuples():
        for column in ("residents", "households"):
            value = found[column].get(row.community_id, 0)
            if value != getattr(row, column):
                yield f"{row.community_id}: {column} {getattr(row, column)}, its units have {value}"
    for column in ("residents", "households"):
        if view.units[column].sum() != view.record["city"][column]:
            yield f"the units have {view.units[column].sum()} {column}, the input had others"


def _split(view: _View) -> Iterator[str]:
    rules = view.policy["split"]
    excused = view.declared("split")
    for row in view.districts.itertuples():
        over = row.residents > rules["mandatory_residents"]
        if rules["tier"] == "gradual" or row.change_type == "split":
            over |= row.residents >= rules["gradual_residents"]
            over |= row.households >= rules["gradual_households"]
        staged = bool(view.record["split"]) or "split" in view.record["seconds"]
        if over and staged and row.community_id not in excused:
            yield (
                f"{row.community_id} has {row.residents} residents and {row.households} "
                "households, above a threshold, and is not listed as a shortfall"
            )
    for community, entry in view.splits.items():
        yield from _balance(view, community, entry)


def _balance(view: _View, community: str, entry: dict[str, Any]) -> Iterator[str]:
    parts = view.districts[view.districts["parent_id"] == community]
    if len(parts) != entry["districts"]:
        yield f"{community} has {len(parts)} districts, {entry['districts']} are recorded"
    if community not in set(parts["community_id"]):
        yield f"no district of {community} keeps its id"
    widened = view.declared("balance").get(community)
    allowed = widened["value"] if widened else view.policy["split"]["tolerance"]
    mean = parts["residents"].mean()
    for row in parts.itertuples():
        if abs(row.residents - mean) > allowed * mean + 1e-6:
            yield (
                f"{row.community_id} has {row.residents} residents, more than "
                f"{100 * allowed:g} % from the mean {mean:.0f} of {community}"
            )


def _contiguity(view: _View) -> Iterator[str]:
    """Grow every new district from one unit over borders that connect."""
    rules = view.policy["split"]
    blocked = _blocking(view.barriers, rules["barrier_width_m"])
    divided = view.districts.loc[view.districts["change_type"] == "split", "community_id"]
    for community in divided:
        shapes = np.asarray(
            view.units.loc[view.units["community_id"] == community].geometry, dtype=object
        )
        reached, frontier = {0}, [0]
        tree = shapely.STRtree(shapes)
        while frontier:
            here = shapes[frontier.pop()]
            near = tree.query(here, predicate="dwithin", distance=rules["connect_gap_m"] + 1e-6)
            for other in set(near.tolist()) - reached:
                if _touching(here, shapes[other], rules, blocked):
                    reached.add(other)
                    frontier.append(other)
        if len(reached) < len(shapes):
            yield f"{community}: {len(shapes) - len(reached)} of its units are cut off"


def _blocking(barriers: GeoDataFrame | None, width: float) -> shapely.Geometry | None:
    if barriers is None or barriers.empty:
        return None
    flags = (
        pd.Series(barriers.get("crossable", False), index=barriers.index)
        .fillna(value=False)
        .astype(bool)
    )
    lines = np.asarray(barriers.geometry[~flags], dtype=object)
    return shapely.union_all(shapely.buffer(lines, width)) if lines.size else None


def _touching(
    one: shapely.Geometry,
    other: shapely.Geometry,
    rules: dict[str, Any],
    blocked: shapely.Geometry | None,
) -> bool:
    border = shapely.intersection(one, other)
    if shapely.length(border) >= rules["min_border_m"]:
        if blocked is None:
            return True
        along = shapely.length(shapely.intersection(border, blocked))
        return bool(along < rules["barrier_share"] * shapely.length(border))
    gap = shapely.shortest_line(one, other)
    crosses = blocked is not None and shapely.intersects(gap, blocked)
    return bool(rules["connect_gap_m"] > 0 and not crosses)


def _groups(view: _View) -> Iterator[str]:
    divided = view.units[view.units["community_id_before"].isin(view.splits)]
    for column in view.policy["split"]["keep_together"]:
        if column not in divided:
            continue
        given = divided[divided[column].notna() & (divided[column].astype(str).str.strip() != "")]
        for (parent, group), part in given.groupby(["community_id_before", column]):
            if len(set(part["community_id"])) > 1:
                yield f"{column} {group} of {parent} is cut"


def _floor_area(view: _View) -> Iterator[str]:
    rate = view.policy["siting"]["floor_area_m2_per_100_households"] / 100
    area = view.facilities.groupby("community_id")["floor_area_m2"].sum()
    excused = view.declared("floor_area")
    sited = view.record["siting"]["mode"] != "none"
    for row in view.districts.itertuples():
        found = float(area.get(row.community_id, 0.0))
        if abs(found - row.floor_area_m2) > 0.5:
            yield f"{row.community_id}: floor area {row.floor_area_m2:.1f}, facilities {found:.1f}"
        short = rate * row.households - found
        entry = excused.get(row.community_id)
        if sited and short > 0.5 and (entry is None or abs(entry["short"] - short) > 1.0):
            yield f"{row.community_id} lacks {short:.1f} m², and that is not what is listed"
        if short <= 0 and entry is not None:
            yield f"{row.community_id} is listed as short of floor area and is not"


def _facilities(view: _View) -> Iterator[str]:
    table = view.facilities
    least = view.policy["siting"]["min_facility_area_m2"]
    shapes = dict(zip(view.districts["community_id"], view.districts.geometry, strict=True))
    spent = 0.0
    for row in table.itertuples():
        opened = row.action == "opened"
        low = min(least, row.max_area_m2) if opened else row.floor_area_before_m2
        high = max(row.max_area_m2, row.floor_area_before_m2)
        if not low - 0.01 <= row.floor_area_m2 <= high + 0.01:
            yield f"{row.site_id} has {row.floor_area_m2:.1f} m², not {low:g} to {high:g}"
        extra = row.floor_area_m2 - row.floor_area_before_m2
        cost = row.cost_per_m2 * extra + (row.fixed_cost if opened else 0.0)
        spent += cost
        if abs(cost - row.cost) > 0.01 + 1e-6 * abs(cost):
            yield f"{row.site_id} costs {cost:.2f}, {row.cost:.2f} is written"
        home = shapes.get(row.community_id)
        if home is not None and shapely.distance(home, row.geometry) > 1.0:
            yield f"{row.site_id} does not lie in {row.community_id}"
    total = view.record["figures"]["after"]["cost"]
    if abs(spent - total) > 0.01 + 1e-6 * abs(total):
        yield f"the facilities cost {spent:.2f}, the record says {total:.2f}"
    budget = view.record["siting"]["budget"]
    if budget is not None and spent > budget * (1 + 1e-6) + 0.01:
        yield f"the facilities cost {spent:.2f}, the budget is {budget:.2f}"


def _walking(view: _View) -> Iterator[str]:
    minutes = walking_minutes(view.units, view.facilities, view.network, view.barriers, view.policy)
    reach = view.policy["siting"]["reach_minutes"]
    excused = view.declared("reach")
    sited = view.record["siting"]["mode"] != "none"
    reached = 0
    for row, found in zip(view.units.itertuples(), minutes, strict=True):
        near = found <= reach + 1e-6
        written = row.minutes if row.in_reach else np.inf
        if bool(row.in_reach) != near and abs(found - reach) > 0.01:
            yield f"unit {row.unit_id}: {found:.2f} minutes, in_reach is {row.in_reach}"
        elif near and abs(found - written) > 0.01:
            yield f"unit {row.unit_id}: {found:.3f} minutes, {written:.3f} are written"
        reached += row.residents if row.in_reach else 0
        if sited and row.residents > 0 and not row.in_reach and row.unit_id not in excused:
            yield f"unit {row.unit_id} is out of reach and not listed as a shortfall"
        if row.in_reach and row.unit_id in excused:
            yield f"unit {row.unit_id} is listed as out of reach and is not"
    claimed = view.record["figures"]["after"]["residents_in_reach"]
    if reached != claimed:
        yield f"{reached} residents are in reach, the record says {claimed}"
    known = set(view.facilities["site_id"])
    strange = view.plan.allocation.loc[~view.plan.allocation["site_id"].isin(known), "unit_id"]
    yield from (f"unit {unit} is allocated to a facility that is not open" for unit in strange)


def _proofs(view: _View) -> Iterator[str]:
    siting = view.record["siting"]
    steps = {f"split of {entry['community_id']}": entry for entry in view.record["split"]}
    steps |= {
        f"siting, {name}": siting[name]
        for name in ("cost", "served", "walking")
        if siting.get(name)
    }
    for name, step in steps.items():
        objective, bound = step["objective"], step["bound"]
        if objective is None or bound is None:
            if step["status"] == "optimal":
                yield f"{name} is called optimal without a bound"
            continue
        distance = bound - objective if step.get("maximize") else objective - bound
        scale = max(abs(objective), 1e-9)
        if distance < -1e-5 * max(1.0, scale):
            yield f"{name}: objective {objective} lies beyond its bound {bound}"
        gap = max(0.0, distance) / scale
        if step["status"] == "optimal" and gap > 1e-5:
            yield f"{name} is called optimal with a gap of {100 * gap:.3f} %"
        if abs(gap - (step["gap"] or 0.0)) > 1e-6:
            yield f"{name}: gap {step['gap']} is written, {gap} is right"
    if siting["mode"] != "none" and siting.get("walking"):
        yield from _walking_objective(view, siting["walking"])


def _walking_objective(view: _View, step: dict[str, Any]) -> Iterator[str]:
    inside = view.units[view.units["in_reach"].astype(bool)]
    found = float((inside["residents"] * inside["minutes"]).sum())
    if abs(found - step["objective"]) > 1e-4 * max(1.0, found):
        yield f"residents walk {found:.1f} minutes in all, the record says {step['objective']:.1f}"
