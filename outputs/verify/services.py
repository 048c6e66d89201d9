"""Services: room, reach, places, capacity, costs and the objective, counted afresh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from .minutes import streets_of
from .numbers import Bools, Floats, differs, number, numbers, show
from .totals import grouped
from .view import View

MINUTES = 0.01
AREA_M2 = 0.5
"""Floor area that sums may be off: flows go in thousandths of a m², many of them."""


def services(view: View) -> Iterator[str]:
    """Check the services of a plan; nothing where it has stations alone."""
    record = view.record.get("services")
    if (record is None) != (view.services is None):
        yield "plan.json and plan.gpkg do not both tell services"
    if record is None or view.services is None:
        return
    check = _Services(view, view.services, record)
    for part in (check.rows, check.room, check.reach, check.places, check.capacity, check.money):
        yield from part()


class _Services:
    """The services of one plan."""

    def __init__(self, view: View, rows: GeoDataFrame, record: dict[str, Any]) -> None:
        self.view, self.table, self.record = view, rows, record
        self.kinds = {str(rule["id"]): rule for rule in record["kinds"]}
        sites = pd.concat([view.facilities, view.candidates], ignore_index=True)
        self.sites = sites.set_index(sites["site_id"].astype(str))
        self.is_open = (rows["action"] != "closed").to_numpy(bool)
        gaps = view.plan.service_gaps
        self.gaps = pd.DataFrame(columns=["service", "rule"]) if gaps is None else gaps

    def rows(self) -> Iterator[str]:
        """Every row is at a site, of a known kind, with the action that its areas tell."""
        yield from _twice(self.table["site_id"].astype(str) + " " + self.table["kind"])
        for row in self.table.itertuples():
            if row.site_id not in self.sites.index or row.kind not in self.kinds:
                yield f"{row.kind} at {row.site_id}: there is no such site or kind"
                continue
            away = self.sites.geometry.loc[row.site_id].distance(row.geometry)
            if not away <= 0.01:
                yield f"{row.kind} at {row.site_id} lies {away:.2f} m from its site"
            before, after = number(row.floor_area_before_m2), number(row.floor_area_m2)
            least = self.kinds[row.kind]["least_m2"] if before <= 0 else before
            if row.action == "closed":
                fits = before > 0 and not differs(0.0, after)
            elif before > 0:
                grown = "extended" if after > before + 1e-6 else "kept"
                fits = row.action == grown
            else:
                fits = row.action in {"opened", "converted"}
            if not fits:
                yield f"{row.kind} at {row.site_id}: {row.action} does not fit its floor area"
            if row.action != "closed" and after < least - 0.01:
                yield f"{row.kind} at {row.site_id} has {show(after)} m², {least:g} is the least"

    def room(self) -> Iterator[str]:
        """No site holds more than it has room for, nor services that exclude each other."""
        area = grouped(numbers(self.table["floor_area_m2"]), self.table["site_id"])
        before = grouped(numbers(self.table["floor_area_before_m2"]), self.table["site_id"])
        for site, used in area.items():
            most = max(number(self.sites["max_area_m2"].loc[site]), before[site])
            if not used <= most + 0.01:
                yield f"{site} holds {used:.1f} m² of {most:.1f} m²"
        may = {frozenset(pair) for pair in self.record["may_share"]}
        kept = self.table["floor_area_before_m2"] > 0
        for site, part in self.table[self.is_open].groupby("site_id"):
            for one, other in combinations(part.index, 2):
                pair = frozenset((part["kind"].loc[one], part["kind"].loc[other]))
                if pair not in may and not (kept.loc[one] and kept.loc[other]):
                    yield f"{site} holds {' and '.join(sorted(pair))}, which may not share it"

    # Reach ------------------------------------------------------------------------------------

    def reach(self) -> Iterator[str]:
        """As many people are out of reach of each service as is written."""
        written = {str(row["service"]): row for row in self.record["services"]}
        for kind, rule in self.kinds.items():
            if rule["reach_minutes"] is None:
                continue
            least, most = self._out_of_reach(rule)
            told = number(written[kind]["people_out_of_reach"])
            if not least - 0.5 <= told <= most + 0.5:
                yield f"{kind}: {least:.0f} people are out of reach, {told:.0f} are written"
            mine = (self.gaps["service"] == rule["service"]) & (self.gaps["rule"] == "reach")
            listed = float(numbers(self.gaps.loc[mine, "short"]).sum()) if mine.any() else 0.0
            if not abs(listed - told) <= 0.5:
                yield f"{kind}: the gaps list {listed:.0f} people out of reach, not {told:.0f}"

    def _out_of_reach(self, rule: dict[str, Any]) -> tuple[float, float]:
        """Least and most people out of reach, where equally near nodes leave it open."""
        people = numbers(self.view.units[rule["people"]])
        people = np.nan_to_num(people)
        surely, perhaps = self._reached(rule)
        return float(people[~perhaps].sum()), float(people[~surely].sum())

    def _reached(self, rule: dict[str, Any]) -> tuple[Bools, Bools]:
        num = len(self.view.units)
        surely, perhaps = np.zeros(num, dtype=bool), np.zeros(num, dtype=bool)
        streets = self._streets(rule["group"])
        for kind, minutes in rule["serving"]:
            mine = self.is_open & (self.table["kind"] == kind).to_numpy(bool)
            shapes = np.asarray(self.table.geometry[mine], dtype=object)
            way = streets.nearest(shapely.get_coordinates(shapes))
            surely |= way.high <= minutes - MINUTES
            perhaps |= way.low <= minutes + MINUTES
        return surely, perhaps

    def _streets(self, group: str) -> Any:  # noqa: ANN401 - the kind depends on the network
        if group not in self._known_streets:
            view = self.view
            rules = view.policy["walking"]
            self._known_streets[group] = (
                view.streets
                if group == "adult"
                else streets_of(view.homes, view.network, view.barriers, rules, group)
            )
        return self._known_streets[group]

    @cached_property
    def _known_streets(self) -> dict[str, Any]:
        return {}

    # Places -----------------------------------------------------------------------------------

    def places(self) -> Iterator[str]:
        """Places without a facility, or without the floor area of a station, are listed."""
        for kind, rule in self.kinds.items():
            if rule["level"] == "point" or kind.endswith(":centre"):
                continue
            column = "street_id" if rule["level"] == "street" else "community_id"
            counting = set(rule["counting"])
            mine = self.is_open & self.table["kind"].isin(counting).to_numpy(bool)
            there = set(self.table.loc[mine, column].dropna().astype(str))
            listed = self._listed(rule["service"], "number", rule["level"])
            for place in sorted(there & listed):
                shared = column == "community_id" and self._is_shared(rule, place)
                least = self._least(rule["service"], place)
                count = int((self.table.loc[mine, column].astype(str) == place).sum())
                if not shared and count >= least:
                    yield f"{kind}: {place} has {count} and is listed as lacking one"
            for place in sorted(self._inhabited(column, rule["people"]) - there - listed):
                if not self._is_shared(rule, place):
                    yield f"{kind}: {place} has none and is not listed"

    def _listed(self, service: str, rule: str, kind: str) -> set[str]:
        found = self.gaps
        mine = (found["service"] == service) & (found["rule"] == rule)
        if not mine.any():
            return set()
        return set(found.loc[mine & (found["place_kind"] == kind), "place_id"].astype(str))

    def _least(self, service: str, place: str) -> float:
        found = self.gaps
        mine = (found["service"] == service) & (found["rule"] == "number")
        return float(numbers(found.loc[mine & (found["place_id"] == place), "target"]).max())

    def _is_shared(self, rule: dict[str, Any], community: str) -> bool:
        """Whether a community may have its station in another one."""
        stations = self.view.policy["siting"]["services"]
        if not stations or rule["service"] != stations[0]:
            return False
        districts = self.view.districts
        mine = districts.loc[districts["community_id"].astype(str) == community, "street_id"]
        street = "" if mine.empty or mine.isna().all() else str(mine.iloc[0])
        modes = self.record["mode_of_street"]
        return bool(modes.get(street, self.record["mode"]) == "shared")

    def _inhabited(self, column: str, people: str) -> set[str]:
        units = self.view.units
        lives = np.nan_to_num(numbers(units[people])) > 0
        homes = units.loc[lives, "community_id"].astype(str)
        if column == "community_id":
            return set(homes)
        street = self.view.districts.set_index("community_id")["street_id"]
        return set(homes.map(street).fillna("").astype(str))

    # Capacity ---------------------------------------------------------------------------------

    def capacity(self) -> Iterator[str]:
        """Nobody is given more than needed, no station gives more than it has, within reach."""
        pairs = self.view.plan.assignments
        if pairs is None or pairs.empty:
            return
        area = numbers(pairs["floor_area_m2"])
        stations = set(self.view.policy["siting"]["services"])
        mine = self.table["service"].isin(stations)
        has = grouped(numbers(self.table.loc[mine, "floor_area_m2"]), self.table["site_id"][mine])
        for site, used in grouped(area, pairs["site_id"]).items():
            if not used <= has.get(site, 0.0) + AREA_M2:
                yield f"{site} gives {used:.1f} m² of {has.get(site, 0.0):.1f} m²"
        rate = self.view.policy["siting"]["floor_area_m2_per_100_households"] / 100
        units = self.view.units
        need = dict(zip(units["unit_id"], numbers(units["households"]) * rate, strict=True))
        for unit, used in grouped(area, pairs["unit_id"]).items():
            if not used <= need[unit] + 0.01:
                yield f"unit {unit} is given {used:.2f} m² and needs {need[unit]:.2f} m²"
        missing = sum(need.values()) - area.sum()
        if not missing >= number(self.record["unserved_m2"]) - AREA_M2 - 1e-4 * area.sum():
            yield f"{missing:.1f} m² are not assigned, fewer than are written as unserved"
        limit = self.view.policy["siting"]["reach_minutes"]
        for row in np.flatnonzero(~(numbers(pairs["minutes"]) <= limit + MINUTES)):
            yield f"unit {pairs['unit_id'].iloc[row]} is assigned beyond {limit:g} minutes"
        yield from self._walks(pairs, limit)

    def _walks(self, pairs: GeoDataFrame, limit: float) -> Iterator[str]:
        """Check the minutes of every pair, station by station."""
        unit_row = {unit: row for row, unit in enumerate(self.view.units["unit_id"])}
        names = list(dict.fromkeys(pairs["site_id"].astype(str)))
        place = {name: row for row, name in enumerate(names)}
        shapes = np.asarray(self.sites.geometry.loc[names], dtype=object)
        stations = shapely.get_coordinates(shapes)
        waiting = pairs.assign(turn=pairs.groupby("unit_id").cumcount())
        for _, part in waiting.groupby("turn"):
            chosen = np.full(len(self.view.units), -1, dtype=np.int64)
            rows = part["unit_id"].map(unit_row).to_numpy()
            chosen[rows] = part["site_id"].astype(str).map(place).to_numpy()
            way = self.view.streets.to(stations, chosen, limit=limit + 1.0)
            minutes: Floats = np.full(len(chosen), np.nan)
            minutes[rows] = numbers(part["minutes"])
            fits = way.holds(minutes, tolerance=MINUTES) | (chosen < 0)
            for row in np.flatnonzero(~fits):
                yield f"unit {self.view.units['unit_id'].iloc[row]}: its assigned walk is wrong"

    # Money ------------------------------------------------------------------------------------

    def money(self) -> Iterator[str]:
        """Costs follow from floor areas, and the objective from costs and what is lacking."""
        cost = float(numbers(self.table["cost"]).sum())
        right = self._cost()
        told = number(self.record["cost"])
        if not abs(cost - told) <= 0.01 + 1e-6 * abs(told):
            yield f"the services cost {cost:.2f}, {told:.2f} is written"
        if not abs(right - told) <= 0.05 + 1e-6 * abs(told):
            yield f"floor areas tell a cost of {right:.2f}, {told:.2f} is written"
        proof, prices = self.record["proof"], self.record["prices"]
        short = {
            rule: float(numbers(self.gaps.loc[self.gaps["rule"] == rule, "short"]).sum())
            for rule in ("reach", "floor_area", "number")
        }
        lacking = (
            prices["person"] * short["reach"]
            + prices["square_metre"] * (short["floor_area"] + number(self.record["unserved_m2"]))
            + prices["facility"] * short["number"]
        )
        objective, counted = number(proof["objective"]), self._changes()
        if not abs(told + lacking + counted - objective) <= 1.0 + 1e-6 * abs(objective):
            made = f"{told + lacking + counted:.1f}, {objective:.1f} is written"
            yield f"cost and lacks{' and changes' if counted else ''} make {made}"
        written = number((self.record.get("earlier") or {"counted": 0.0})["counted"])
        if not abs(counted - written) <= 0.5 + 1e-6 * counted:
            yield f"changes against the earlier plan count {counted:.1f}, not as is written"
        bound = proof["bound"]
        if bound is not None and not number(bound) <= objective * (1 + 1e-9) + 1e-6:
            yield f"the bound {show(bound)} is above the objective {objective:.1f}"

    def _changes(self) -> float:
        """Count what differs from an earlier plan: facilities, and m² by which they are smaller."""
        earlier = self.record.get("earlier")
        if not earlier:
            return 0.0
        rows = self.table[self.is_open]
        names = zip(rows["site_id"].astype(str), rows["kind"].astype(str), strict=True)
        now = dict(zip(names, numbers(rows["floor_area_m2"]), strict=True))
        kinds, before = set(earlier["kinds"]), earlier["was_open"]
        was = {(str(one["site_id"]), str(one["kind"])): one["floor_area_m2"] for one in before}
        differ = sum(kind in kinds for _, kind in set(now) ^ set(was))
        less = [max(number(was[f]) - now[f], 0.0) for f in set(now) & set(was) if f[1] in kinds]
        each = number(earlier["price_smaller_m2"])
        return float(number(earlier["price"]) * differ + each * sum(less))

    def _cost(self) -> float:
        """Cost of all sites from their floor areas, before and after."""
        rules = self.view.policy["services"]
        total = 0.0
        for site, part in self.table.groupby("site_id"):
            row = self.sites.loc[site]
            after, before = (
                numbers(part[name]) for name in ("floor_area_m2", "floor_area_before_m2")
            )
            stays = (part["action"] != "closed").to_numpy(bool)
            is_new = row["status"] == "candidate"
            gained = after.sum() - before[stays].sum()
            build = number(row["cost_per_m2"])
            stood = number(self._stood.get(str(site), 0.0))
            built = max(after.sum() - stood, 0.0)
            change = build if is_new else min(rules["conversion_cost_per_m2"], build)
            total += number(row["fixed_cost"]) * (is_new and bool(stays.any()))
            total += build * built + change * max(gained - built, 0.0)
            total += rules["closing_cost_per_m2"] * before[~stays].sum()
        return total

    @cached_property
    def _stood(self) -> dict[str, float]:
        """Floor area for services that stands today, by site."""
        before = grouped(numbers(self.table["floor_area_before_m2"]), self.table["site_id"])
        return before | {str(k): float(v) for k, v in self.record["empty_today_m2"].items()}


def _twice(names: pd.Series) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{name} is there {count} times"
