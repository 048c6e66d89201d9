"""Sites: what each becomes, what it costs, where it lies and what it gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from geopandas import GeoDataFrame

from .numbers import differs, number, numbers, show
from .structure import finite
from .totals import area_figures, compare, grouped
from .view import View

NEAR_M = 1.0
INSIDE_M = 0.001
AMOUNTS = ("floor_area_before_m2", "floor_area_m2", "max_area_m2", "fixed_cost", "cost_per_m2")


def facilities(view: View) -> Iterator[str]:
    """Every site has an action, an area and a cost that fit, and lies in its community."""
    for layer in (view.facilities, view.candidates):
        yield from finite(layer, (*AMOUNTS, "cost"), "site_id")
    for row in view.facilities.itertuples():
        yield from _action(view, row)
        yield from _area_and_cost(view, row)
    for row in view.candidates.itertuples():
        yield from _closed(view, row)
    yield from _served(view)
    yield from _homes(view, view.facilities)
    yield from _homes(view, view.candidates)
    spent = float(numbers(view.facilities["cost"]).sum())
    budget = view.record["siting"]["budget"]
    if budget is not None and not spent <= number(budget) * (1 + 1e-6) + 0.01:
        yield f"the facilities cost {spent:.2f}, the budget is {show(budget)}"


def _action(view: View, row: Any) -> Iterator[str]:  # noqa: ANN401 - a row of a table
    """Check status, action and floor area of today of an open site."""
    converted = view.services is not None and not differs(0.0, row.floor_area_before_m2)
    if row.status == "existing" and converted:
        right = "opened"
    elif row.status == "existing":
        grows = number(row.floor_area_m2) > number(row.floor_area_before_m2) + 1e-6
        right = "extended" if grows else "kept"
    elif row.status == "candidate":
        right = "opened"
        if differs(0.0, row.floor_area_before_m2):
            yield f"{row.site_id} is a candidate with {show(row.floor_area_before_m2)} m² of today"
    else:
        yield f"{row.site_id} has the status {show(row.status)}, not existing or candidate"
        return
    if row.action != right:
        yield f"{row.site_id} is {row.status} and its action {show(row.action)}, {right} is right"


def _area_and_cost(view: View, row: Any) -> Iterator[str]:  # noqa: ANN401 - a row of a table
    opened = row.status == "candidate"
    least = view.policy["siting"]["min_facility_area_m2"]
    least = 0.0 if view.services is not None else least
    low = min(least, row.max_area_m2) if opened else row.floor_area_before_m2
    high = max(row.max_area_m2, row.floor_area_before_m2)
    if not low - 0.01 <= number(row.floor_area_m2) <= high + 0.01:
        yield f"{row.site_id} has {show(row.floor_area_m2)} m², not {low:g} to {high:g}"
    if view.services is not None:  # its site may hold other services: see the check of services
        return
    extra = row.floor_area_m2 - row.floor_area_before_m2
    cost = row.cost_per_m2 * extra + (row.fixed_cost if opened else 0.0)
    if not abs(cost - number(row.cost)) <= 0.01 + 1e-6 * abs(cost):
        yield f"{row.site_id} costs {cost:.2f}, {show(row.cost)} is written"


def _closed(view: View, row: Any) -> Iterator[str]:  # noqa: ANN401 - a row of a table
    """Check a site that stays closed: nothing is there, and no station of today is lost."""
    if row.action != "closed":
        yield f"{row.site_id} is a candidate and its action {show(row.action)}, closed is right"
    given_up = row.site_id in view.given_up
    for column in ("floor_area_before_m2", "floor_area_m2", "cost"):
        told = column.endswith("before_m2") or (column == "cost" and view.services is not None)
        if differs(0.0, getattr(row, column)) and not (given_up and told):
            yield f"{row.site_id} is closed and its {column} {show(getattr(row, column))}"
    counts = not view.policy["siting"]["services"] and not given_up
    if row.status not in {"existing", "candidate"} or (row.status == "existing" and counts):
        yield f"{row.site_id} is closed and its status {show(row.status)}, candidate is right"


def _served(view: View) -> Iterator[str]:
    """Check whom each facility is nearest to."""
    site = view.units["site_id"]
    for column in ("units", "households", "residents"):
        values = np.ones(len(view.units)) if column == "units" else numbers(view.units[column])
        found = grouped(values, site)
        for layer in (view.facilities, view.candidates):
            for name, written in zip(layer["site_id"], layer[f"{column}_served"], strict=True):
                right = found.get(str(name), 0.0)
                if differs(right, written):
                    yield f"{name}: {column}_served is {show(written)}, {show(right)} is right"


def _homes(view: View, layer: GeoDataFrame) -> Iterator[str]:
    """Check that each site counts for the district that it lies in, or is nearest to."""
    districts = view.districts
    shapes = np.asarray(districts.geometry, dtype=object)
    names, parents = districts["community_id"].astype(str), districts["parent_id"].astype(str)
    parent_of = dict(zip(names, parents, strict=True))
    gap = max(view.policy["split"]["connect_gap_m"], INSIDE_M)
    for row in layer.itertuples():
        away = np.asarray(shapely.distance(row.geometry, shapes))
        mine = str(row.community_id) if isinstance(row.community_id, str) else None
        if mine is None and away.min() > gap:
            continue
        others = np.ones(len(away), dtype=bool)
        if mine in parent_of and away.min() > INSIDE_M:
            others = (parents == parent_of[mine]).to_numpy(bool)
            if parent_of[mine] in view.rebalanced:
                others = parents.isin(view.rebalanced).to_numpy(bool)
        near = names[others & (away <= away[others].min() + NEAR_M)].tolist()
        if mine not in near:
            yield f"{row.site_id} counts for {show(mine)} and belongs to {' or '.join(near)}"


def floor_area(view: View) -> Iterator[str]:
    """Districts have the floor area of their facilities, and communities of today likewise."""
    sites = view.facilities
    area = grouped(numbers(sites["floor_area_m2"]), sites["community_id"])
    count = grouped(np.ones(len(sites)), sites["community_id"])
    yield from compare(view.districts, {"floor_area_m2": area, "facilities": count})
    yield from compare(view.districts, area_figures(view, area, view.districts), tolerance=0.02)
    today = dict(
        zip(view.before["community_id"], numbers(view.before["floor_area_m2"]), strict=True)
    )
    yield from _today(view)
    yield from compare(view.before, area_figures(view, today, view.before), tolerance=0.02)


def _today(view: View) -> Iterator[str]:
    """Check floor area and number of today's facilities, each in the parent of its district."""
    sites = view.stations_today
    parents = view.districts.set_index("community_id")["parent_id"].to_dict()
    by = sites["community_id"].map(parents)
    unsure: set[str] = set()
    for row in np.flatnonzero(by.isin(view.rebalanced)):
        near = _communities_near(view, sites.geometry.iloc[row])
        by.iloc[row] = near[0]
        unsure |= set(near) if len(near) > 1 else set()
    found = {
        "floor_area_m2": grouped(numbers(sites["floor_area_before_m2"]), by),
        "facilities": grouped(np.ones(len(sites)), by),
    }
    sure = view.before[~view.before["community_id"].isin(unsure)]
    yield from (f"today: {text}" for text in compare(sure, found))


def _communities_near(view: View, site: shapely.Geometry) -> list[str]:
    """Communities of today that a site lies in, or is nearest to; several on a border."""
    away = shapely.distance(site, np.asarray(view.before.geometry, dtype=object))
    near = np.flatnonzero(away <= away.min() + NEAR_M)
    return [str(name) for name in view.before["community_id"].iloc[near]]
