"""The tables of the report: communities, splits, facilities and shortfalls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geopandas import GeoDataFrame

from ...instances.notes import DEFAULT_CURRENCY
from ..kept import STATIONS, rules_asked
from .texts import MISSING, Text, Texts, is_missing, number, percent

RULES = ("size", *STATIONS)
"""Rules that every community may be judged by."""

LISTED_AS = {"split": "size", "rebalance": "size"}
"""Rule of the table that a shortfall is about, where it is called otherwise."""

AREA_TOLERANCE_M2 = 0.01
"""Floor area that may be missing without being called so, in m²."""


@dataclass(frozen=True)
class CommunityRow:
    """
    One community of the plan.

    Parameters
    ----------
    place
        Its id.
    is_changed
        Whether its units are not those of today.
    change
        What becomes of it, in words.
    faults
        What falls short in it.
    kept
        The rules that were asked for, if none of them falls short.
    unasked
        Rules that are unmet in it, and that the plan was not asked to keep.
    cells
        Shown figure and value to sort by, by column.
    """

    place: str
    name: str
    is_changed: bool
    change: Text
    provisional: bool
    street: str
    faults: tuple[Text, ...]
    kept: Text
    unasked: tuple[Text, ...]
    cells: tuple[tuple[str, float], ...]


COMMUNITY_COLUMNS = (
    ("residents", 0),
    ("households", 0),
    ("deviation", -1),
    ("floor_area_m2", 0),
    ("floor_area_per_100_households", 1),
    ("share_in_reach", -1),
    ("mean_minutes", 1),
    ("workers", 0),
    ("facilities", 0),
)


def community_rows(
    districts: GeoDataFrame,
    communities_before: GeoDataFrame,
    record: Mapping[str, Any],
    texts: Texts,
) -> list[CommunityRow]:
    """Return a row a community of the plan, those that change first."""
    names = dict(zip(communities_before["community_id"], communities_before["name"], strict=True))
    listed: dict[str, list[str]] = {}
    for fault in record["shortfalls"]:
        listed.setdefault(str(fault["place_id"]), []).append(str(fault["rule"]))
    rows = [
        _community_row(
            district, names, listed.get(str(district["community_id"]), []), record, texts
        )
        for district in districts.drop(columns=districts.geometry.name).to_dict("records")
    ]
    return sorted(rows, key=lambda row: not row.is_changed)


def rules_intro(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return which rules the table of communities is about, and which were not asked for."""
    asked = rules_asked(record)
    left = [rule for rule in RULES if rule not in asked]
    checked = [texts(f"rule_{rule}") for rule in asked]
    if not left:
        return texts("rules_all", rules=checked)
    return texts("rules_some", rules=checked, left=[texts(f"rule_{rule}") for rule in left])


def _community_row(
    district: Mapping[Any, Any],
    names: Mapping[str, Any],
    listed: list[str],
    record: Mapping[str, Any],
    texts: Texts,
) -> CommunityRow:
    change = str(district["change_type"])
    parent = _name(names.get(district["parent_id"]), district["parent_id"])
    residents = district["residents"]
    share = district["residents_in_reach"] / residents if residents else None
    figures = {**district, "share_in_reach": share}
    asked, unmet = rules_asked(record), _unmet(district, record)
    known = {LISTED_AS.get(rule, rule) for rule in listed}
    faults = [*listed, *(rule for rule in unmet if rule in asked and rule not in known)]
    return CommunityRow(
        place=str(district["community_id"]),
        name=_name(district["name"], district["community_id"]),
        is_changed=change != "kept",
        change=texts("change_split", parent=parent)
        if change == "split"
        else texts.named("change", change),
        provisional=bool(district["provisional"]),
        street="" if is_missing(district["street_id"]) else str(district["street_id"]),
        faults=tuple(texts.named("rule", rule) for rule in faults),
        kept=_kept(record, texts),
        unasked=tuple(
            texts("rule_unasked", rule=texts(f"rule_{rule}")) for rule in unmet if rule not in asked
        ),
        cells=tuple(_cell(figures[key], digits) for key, digits in COMMUNITY_COLUMNS),
    )


def _kept(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return that the rules hold that were asked for; by name where these are not all."""
    asked = rules_asked(record)
    if asked == RULES:
        return texts("rules_kept")
    return texts("rules_kept_of", rules=[texts(f"rule_{rule}") for rule in asked])


def _unmet(district: Mapping[Any, Any], record: Mapping[str, Any]) -> list[str]:
    """Return the rules that the figures of a community break, asked for or not."""
    rules, residents = record["policy"]["split"], district["residents"]
    too_large = residents > rules["mandatory_residents"]
    if rules["tier"] == "gradual":
        too_large |= residents >= rules["gradual_residents"]
        too_large |= district["households"] >= rules["gradual_households"]
    broken = {
        "size": too_large,
        "floor_area": district["floor_area_shortfall_m2"] > AREA_TOLERANCE_M2,
        "reach": district["residents_out_of_reach"] > 0,
    }
    return [rule for rule in RULES if broken[rule]]


def _cell(value: Any, digits: int) -> tuple[str, float]:  # noqa: ANN401 (None and numpy scalars)
    if is_missing(value):
        return MISSING, -1.0
    shown = percent(value) if digits < 0 else number(value, digits)
    return shown, round(float(value), 6)


def split_rows(
    record: Mapping[str, Any], districts: GeoDataFrame, texts: Texts
) -> list[dict[str, Any]]:
    """Return a row a community that was to be split, with its districts and the proof."""
    parts = dict(iter(districts.groupby("parent_id", sort=False)))
    rows = []
    for split in record["split"]:
        part = parts.get(split["community_id"])
        rows.append(
            {
                "place": str(split["community_id"]),
                "name": _name(split["name"], split["community_id"]),
                "tier": texts.named("tier", split["tier"]),
                "residents": number(split["residents"]),
                "households": number(split["households"]),
                "num_districts": MISSING if is_missing(split["districts"]) else split["districts"],
                "bounds": _span(split["lower"], split["upper"]),
                "districts": [] if part is None else _members(part),
                "detail": detail(split, texts),
                "compactness": _compactness(split.get("compactness"), texts),
                **proof(split, texts, scale_digits=0),
            }
        )
    return rows


def splits_intro(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return how communities are divided, by the objective of the policy."""
    rules = record["policy"]["split"]
    goal = str(rules.get("objective", "moment-of-inertia")).replace("-", "_")
    if goal == "moment_of_inertia":
        return texts("splits_intro")
    factor = percent(rules["barrier_border_factor"], 0)
    return texts(
        "splits_intro_levels",
        slack=percent(rules["compactness_slack"]),
        goal=texts(f"goal_{goal}", factor=factor),
    )


def _compactness(kept: Mapping[str, Any] | None, texts: Texts) -> Text | str:
    """Return how compact a split is where that was not its objective."""
    if kept is None:
        return ""
    return texts(
        "split_compactness",
        inertia=number(kept["inertia"]),
        limit=number(kept["limit"]),
        best=number(kept["best"]["objective"]),
        status=texts.named("status", kept["best"]["status"]),
    )


def region_rows(
    record: Mapping[str, Any], communities_before: GeoDataFrame, texts: Texts
) -> list[dict[str, Any]]:
    """Return a row a step of every region that was rebalanced: who moves, and what is proven."""
    rebalance = record.get("rebalance")
    if rebalance is None:
        return []
    places, names = communities_before["community_id"], communities_before["name"]
    known = {place: _name(name, place) for place, name in zip(places, names, strict=True)}
    return [
        {
            "names": ", ".join(known.get(one, str(one)) for one in region["communities"]),
            "breaking": texts(
                "region_breaking",
                names=", ".join(known.get(one, str(one)) for one in region["breaking"]) or MISSING,
            ),
            "before": len(region["communities"]),
            "after": region["districts"],
            "is_first": key == "moved",
            "step": texts(f"region_{region[key].get('objective_of', key)}"),
            "detail": detail(region[key], texts),
            **proof(region[key], texts, scale_digits=0),
        }
        for region in rebalance["regions"]
        for key in ("moved", "second")
        if region[key] is not None
    ]


def edge_rows(record: Mapping[str, Any], texts: Texts) -> list[Text]:
    """Return a line for every pair of units that was made neighbours, or parted."""
    return [
        texts(f"edge_{change['action']}", one=change["unit_a"], other=change["unit_b"])
        for change in record["city"].get("edge_changes", [])
    ]


def _members(part: GeoDataFrame) -> list[dict[str, str]]:
    return [
        {
            "place": str(district["community_id"]),
            "name": _name(district["name"], district["community_id"]),
            "residents": number(district["residents"]),
            "deviation": percent(district["deviation"]),
        }
        for district in part.drop(columns=part.geometry.name).to_dict("records")
    ]


def _span(lower: object, upper: object) -> str:
    known = not (is_missing(lower) or is_missing(upper))
    return f"{number(lower)} {MISSING} {number(upper)}" if known else MISSING


def proof(result: Mapping[str, Any], texts: Texts, *, scale_digits: int) -> dict[str, Any]:
    """Return what is known of one solve, in words and figures."""
    status, reason = str(result["status"]), str(result["reason"])
    seconds = result["seconds"]
    total = sum(seconds.values()) if isinstance(seconds, Mapping) else seconds
    return {
        "status": texts.named("status", status),
        "reason": texts.named("reason", reason),
        "is_proven": status in {"optimal", "infeasible"},
        "is_solved": status in {"optimal", "feasible"},
        "objective": number(result["objective"], scale_digits),
        "bound": number(result["bound"], scale_digits),
        "gap": percent(result["gap"], 2),
        "seconds": number(total, 1),
        "solver": str(result["solver"]),
    }


def detail(result: Mapping[str, Any], texts: Texts) -> Text | str:
    """Return what a solve has to say beside its figures; empty if there is nothing."""
    return texts.told(result["told"]) if "told" in result else str(result["detail"])


def siting_rows(record: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Return the solves of the siting, in order."""
    siting = record["siting"]
    return [
        {
            "name": texts(f"siting_{stage}", currency=currency(record, texts)),
            "detail": detail(siting[stage], texts),
            **proof(siting[stage], texts, scale_digits=1),
        }
        for stage in ("cost", "served", "walking")
        if siting.get(stage)
    ]


def currency(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return the unit of money; the default one has a name in every language."""
    unit = record["policy"]["siting"]["currency"]
    return texts("currency_default") if unit == DEFAULT_CURRENCY else texts("currency", unit=unit)


def facility_rows(facilities: GeoDataFrame, texts: Texts) -> list[dict[str, Any]]:
    """Return the facilities that the plan opens or extends, the largest addition first."""
    changed = facilities[facilities["action"] != "kept"]
    added = changed["floor_area_m2"] - changed["floor_area_before_m2"].fillna(0.0)
    ordered = changed.assign(added=added).sort_values("added", ascending=False)
    return [
        {
            "site": str(site["site_id"]),
            "name": _name(site["name"], site["site_id"]),
            "action": texts.named("action", site["action"]),
            "opened": site["action"] == "opened",
            "cells": [
                _cell(site[key], digits)
                for key, digits in (
                    ("floor_area_before_m2", 0),
                    ("floor_area_m2", 0),
                    ("added", 0),
                    ("cost", 1),
                    ("residents_served", 0),
                )
            ],
        }
        for site in ordered.drop(columns=ordered.geometry.name).to_dict("records")
    ]


def shortfall_rows(record: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Return what falls short, as shown."""
    return [
        {
            "rule": texts.named("rule", fault["rule"]),
            "kind": fault["place_kind"],
            "kind_name": texts.named("place", fault["place_kind"]),
            "place": str(fault["place_id"]),
            "name": _name(fault["place_name"], fault["place_id"]),
            "value": _measure(fault["value"]),
            "target": _measure(fault["target"]),
            "short": _measure(fault["short"]),
            "measure": texts.named("measure", fault["unit_of_measure"]),
            "remedy": _remedy(fault, texts),
        }
        for fault in record["shortfalls"]
    ]


def _remedy(fault: Mapping[str, Any], texts: Texts) -> Text:
    """Return what would mend a shortfall."""
    return texts(f"remedy_{fault['remedy_key']}", **fault["remedy_values"])


def _measure(value: Any) -> str:  # noqa: ANN401 (a figure, a text or None)
    if isinstance(value, str):
        return value
    whole = is_missing(value) or float(value).is_integer()
    return number(value, 0 if whole else 1)


def _name(name: object, place: object) -> str:
    return str(place) if is_missing(name) or not str(name) else str(name)
