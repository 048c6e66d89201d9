"""Are the decisions that the record names kept by the layers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from .numbers import number, show
from .view import View

AREA_SLACK_M2 = 0.01


def decisions(view: View) -> Iterator[str]:
    """Every decision of the record holds, as far as the plan changes what it is about."""
    for entry in view.record.get("decisions", []):
        if entry["kind"] == "site":
            yield from _site(view, entry)
        elif entry["kind"] == "community" and entry["id"] in view.parts:
            yield f"community {entry['id']} is locked and divided"
    yield from _units(view)


def _site(view: View, entry: dict[str, Any]) -> Iterator[str]:
    """Check one decision on a site."""
    site, what = str(entry["id"]), str(entry["decision"])
    is_open = view.facilities["site_id"] == site
    if not is_open.any() and not (view.candidates["site_id"] == site).any():
        yield f"a decision names site {site}, which is none"
        return
    if not view.is_sited:
        return
    if what in {"require", "keep", "lock"} and not is_open.any():
        yield f"site {site} is closed, the decision is {what}"
    if what in {"forbid", "close"} and is_open.any():
        yield f"site {site} is open, the decision is {what}"
    if not is_open.any():
        return
    row = view.facilities[is_open].iloc[0]
    area = number(row["floor_area_m2"])
    if what == "min_area_m2" and not area >= _decided_area(entry) - AREA_SLACK_M2:
        yield f"site {site} has {show(area)} m², at least {entry['value']} are decided"
    if what == "max_area_m2" and not area <= _decided_area(entry) + AREA_SLACK_M2:
        yield f"site {site} has {show(area)} m², at most {entry['value']} are decided"
    if what == "lock" and not area <= number(row["floor_area_before_m2"]) + AREA_SLACK_M2:
        yield f"site {site} is locked and grows to {show(area)} m²"


def _decided_area(entry: dict[str, Any]) -> float:
    """Return the area that a decision names, which is written as text; NaN if it is none."""
    try:
        return float(entry["value"])
    except ValueError:
        return float("nan")


def _units(view: View) -> Iterator[str]:
    """Check decisions on units of communities that are divided."""
    names = view.units["unit_id"].astype(str)
    after = dict(zip(names, view.units["community_id"].astype(str), strict=True))
    before = dict(zip(names, view.units["community_id_before"].astype(str), strict=True))
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in view.record.get("decisions", []):
        unit = str(entry["id"])
        if entry["kind"] != "unit":
            continue
        if unit not in after:
            yield f"a decision names unit {unit}, which is none"
        elif entry["decision"] == "lock" and after[unit] != before[unit]:
            yield f"unit {unit} is locked to {before[unit]} and lies in {after[unit]}"
        elif entry["decision"] in {"together", "apart"}:
            groups.setdefault((entry["decision"], str(entry["value"])), []).append(unit)
    for (what, name), units in groups.items():
        for one, other in combinations(units, 2):
            if before[one] not in view.parts or before[one] != before[other]:
                continue
            if (after[one] == after[other]) != (what == "together"):
                yield f"units {one} and {other} of group {name} are not {what}"
