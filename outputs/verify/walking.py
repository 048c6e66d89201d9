"""Who walks where, and how long, by walks computed afresh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely

from .numbers import differs, number, numbers, show, texts
from .totals import compare, grouped, reach_figures
from .view import View, stations

MINUTES = 0.01
"""Minutes that a written number may be off: coordinates may have been converted and back."""
NEAR_M = 1.0


def walking(view: View) -> Iterator[str]:
    """Every unit has the minutes to a nearest open facility, if one is within reach."""
    yield from _reach(view)
    yield from _nearest(view)
    yield from compare(view.districts, reach_figures(view, view.minutes, "community_id"))
    yield from _reach_today(view)


def _reach(view: View) -> Iterator[str]:
    reach = view.policy["siting"]["reach_minutes"]
    minutes, way = numbers(view.units["minutes"]), view.walk_after
    rows = zip(view.units["unit_id"], view.in_reach, minutes, way.low, way.high, strict=True)
    for unit, inside, written, low, high in rows:
        if inside and not low <= reach + MINUTES:
            yield f"unit {unit}: {low:.2f} minutes, in_reach is true"
        elif not inside and not high > reach - MINUTES:
            yield f"unit {unit}: {high:.2f} minutes, in_reach is false"
        elif inside and not low - MINUTES <= written <= min(high, reach) + MINUTES:
            yield f"unit {unit}: {low:.3f} minutes, {show(written)} are written"
        elif not inside and not np.isnan(written):
            yield f"unit {unit}: {show(written)} minutes are written, it is out of reach"


def _nearest(view: View) -> Iterator[str]:
    """Check that the site of every unit is open and as near as is written."""
    limit = view.policy["siting"]["reach_minutes"] + 1.0
    to = view.streets.to(stations(view.facilities), view.site_rows, limit=limit)
    fits = to.holds(view.minutes, tolerance=MINUTES)
    names, sites = view.units["unit_id"], texts(view.units["site_id"])
    for unit, site, row, inside, fit in zip(
        names, sites, view.site_rows, view.in_reach, fits, strict=True
    ):
        if not inside and site is not None:
            yield f"unit {unit} goes to {site} and is out of reach"
        elif inside and row < 0:
            yield f"unit {unit} goes to {show(site)}, which is no open facility"
        elif inside and not fit:
            yield f"unit {unit} goes to {site}, which is not a nearest facility"


def _reach_today(view: View) -> Iterator[str]:
    """Check who is in reach of a facility of today; one at the very limit may count or not."""
    reach, way = view.policy["siting"]["reach_minutes"], view.walk_before
    surely, maybe = way.high <= reach - MINUTES, way.low <= reach + MINUTES
    least, most = (
        reach_figures(view, np.where(inside, minutes, np.nan), "community_id_before")
        for inside, minutes in ((surely, way.low), (maybe, way.high))
    )
    everybody = grouped(view.residents, view.units["community_id_before"])
    for row in view.before.itertuples():
        name, reached = row.community_id, number(row.residents_in_reach)
        low, high = (part["residents_in_reach"].get(name, 0.0) for part in (least, most))
        if not low <= reached <= high:
            yield f"{name} today: {show(reached)} residents in reach, {low:g} to {high:g} is right"
        if differs(everybody.get(name, 0.0) - reached, row.residents_out_of_reach):
            yield f"{name} today: residents in reach and out of it are not all residents"
        if low == high:
            yield from _mean_today(row, least["mean_minutes"], most["mean_minutes"])


def _mean_today(row: Any, least: dict[str, float], most: dict[str, float]) -> Iterator[str]:  # noqa: ANN401
    low, high = (part.get(row.community_id, np.nan) for part in (least, most))
    written = number(row.mean_minutes)
    if np.isnan(low) and not np.isnan(written):
        yield f"{row.community_id} today: nobody is in reach, mean_minutes is {show(written)}"
    elif not np.isnan(low) and not low - MINUTES <= written <= high + MINUTES:
        told = f"{low:.3f} to {high:.3f} is right"
        yield f"{row.community_id} today: mean_minutes is {show(written)}, {told}"


def allocation(view: View) -> Iterator[str]:
    """One line for every unit in reach, from a point in it to its facility, with its figures."""
    lines, units = view.allocation, view.units
    written, known = lines.to_dict("records"), units.to_dict("records")
    places = view.facilities.geometry.to_numpy()
    rows = {name: row for row, name in enumerate(texts(units["unit_id"]))}
    counts = Counter(texts(lines["unit_id"]))
    for unit, inside in zip(units["unit_id"], view.in_reach, strict=True):
        if inside and counts[unit] != 1:
            yield f"unit {unit} is in reach and has {counts[unit]} rows"
    for line, unit in enumerate(texts(lines["unit_id"])):
        row = -1 if unit is None else rows.get(unit, -1)
        if row < 0:
            yield f"unit {show(unit)} is no unit"
        elif not view.in_reach[row]:
            yield f"unit {unit} is out of reach and has a row"
        else:
            site = view.site_rows[row]
            place = None if site < 0 else places[site]
            yield from _line(view, written[line], known[row], view.homes[row], place)


def _line(
    view: View,
    written: dict[str, Any],
    unit: dict[str, Any],
    home: shapely.Geometry,
    place: shapely.Geometry | None,
) -> Iterator[str]:
    """Check one line against the unit that it starts from."""
    if written["site_id"] != unit["site_id"]:
        yield f"unit {unit['unit_id']} goes to {unit['site_id']}, not to {show(written['site_id'])}"
    for column in ("minutes", "residents", "households"):
        if differs(number(unit[column]), written[column]):
            yield (
                f"unit {unit['unit_id']}: {column} is {show(written[column])}, "
                f"{show(unit[column])} is right"
            )
    if place is None:
        return
    shape = written[view.allocation.geometry.name]
    if shape is None or pd.isna(shape):
        if not shapely.distance(home, place) <= NEAR_M:
            yield f"unit {unit['unit_id']} has no line, and its facility lies elsewhere"
        return
    ends = [shapely.Point(xy) for xy in shapely.get_coordinates(shape)[[0, -1]]]
    polygon = unit[view.units.geometry.name]
    if not shapely.distance(ends[0], polygon) <= NEAR_M:
        yield f"the line of unit {unit['unit_id']} does not start in it"
    if not shapely.distance(ends[1], place) <= NEAR_M:
        yield f"the line of unit {unit['unit_id']} does not end at {unit['site_id']}"
