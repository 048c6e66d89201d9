"""Which communities the layers show as divided, and what the record says about them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from .numbers import differs, number, numbers, show
from .view import View

SOLVED = frozenset({"optimal", "feasible"})
SLACK = 1e-9


def split(view: View) -> Iterator[str]:
    """Every community over a threshold is divided by the rules, and the record agrees."""
    parents = {str(row.community_id): row for row in view.before.itertuples()}
    for row in view.districts.itertuples():
        if row.parent_id not in parents:
            yield f"{row.community_id} comes from {row.parent_id}, which is no community of today"
    plain = pd.DataFrame(view.districts.drop(columns=view.districts.geometry.name))
    districts = dict(iter(plain.groupby("parent_id")))
    for community, row in parents.items():
        tier = view.tier(number(row.residents), number(row.households))
        if row.tier != tier:
            yield f"{community}: tier is {row.tier}, {tier} is right"
        if community not in view.rebalanced:
            mine = districts.get(community, plain.iloc[:0])
            yield from _community(view, community, row, mine)
    recorded = [str(entry["community_id"]) for entry in view.record["split"]]
    for community in sorted(set(recorded)):
        if recorded.count(community) > 1 or community not in parents:
            yield f"the split of {community} is recorded {recorded.count(community)} times"


def _community(
    view: View,
    community: str,
    row: Any,  # noqa: ANN401
    mine: pd.DataFrame,
) -> Iterator[str]:
    """Check one community of today, its districts and its entry in the record."""
    tier = view.tier(number(row.residents), number(row.households))
    yield from _identity(community, row, mine, tier)
    entry, is_divided = view.entries.get(community), community in view.parts
    is_locked = community in view.decided("community", "lock")
    if is_divided:
        yield from _divided(view, community, mine, entry)
    if entry is not None:
        yield from _entry(row, entry, tier, len(mine), view)
        if not is_divided and entry["status"] in SOLVED:
            yield f"{community} is recorded as split and is not"
    elif is_divided or (view.is_split and tier in due(view) and not is_locked):
        yield f"{community} is {tier}, and nothing is recorded on its split"


def due(view: View) -> set[str]:
    """Tiers of the communities that the policy splits."""
    return {"mandatory", *(["gradual"] if view.policy["split"]["tier"] == "gradual" else [])}


def _identity(community: str, parent: Any, mine: pd.DataFrame, tier: str) -> Iterator[str]:  # noqa: ANN401
    """Check what a district keeps of the community that it comes from."""
    if community not in set(mine["community_id"]):
        yield f"no district of {community} keeps its id"
    change = "split" if len(mine) > 1 else "kept"
    for row in mine.itertuples():
        is_new = row.community_id != community
        wanted = {"change_type": change, "tier": tier, "street_id": parent.street_id}
        wanted |= {"provisional": is_new}
        wanted |= {} if is_new else {"name": parent.name}
        for column, value in wanted.items():
            written = getattr(row, column)
            if show(written) != show(value):
                yield f"{row.community_id}: {column} is {show(written)}, {show(value)} is right"
        if len(mine) == 1 and differs(0.0, row.deviation):
            yield f"{row.community_id}: deviation is {show(row.deviation)}, 0 is right"


def _divided(
    view: View, community: str, mine: pd.DataFrame, entry: dict[str, Any] | None
) -> Iterator[str]:
    """Check the districts of a divided community against the thresholds and the mean."""
    if entry is not None and entry["status"] not in SOLVED:
        yield f"{community} is split, its record says {entry['status']}"
    rules = view.policy["split"]
    residents = numbers(mine["residents"])
    low, high = bounds(view, float(residents.sum()), len(mine), allowed(view, entry))
    mean = float(residents.mean())
    for row, count in zip(mine.itertuples(), residents, strict=True):
        if not low <= count <= high:
            yield (
                f"{row.community_id} has {show(count)} residents, not {low} to {high} as the "
                f"balance of {community} asks"
            )
        if not number(row.households) < rules["gradual_households"]:
            yield f"{row.community_id} has {show(row.households)} households, above the threshold"
        if differs(count / max(mean, SLACK) - 1, row.deviation):
            right = count / max(mean, SLACK) - 1
            yield f"{row.community_id}: deviation is {show(row.deviation)}, {right:.6f} is right"


def allowed(view: View, entry: dict[str, Any] | None) -> float:
    """Share by which districts may differ from their mean: the policy's, or a wider recorded."""
    rule = float(view.policy["split"]["tolerance"])
    told = number((entry or {}).get("tolerance", rule))
    return max(rule, told)


def bounds(view: View, residents: float, districts: int, tolerance: float) -> tuple[int, int]:
    """Fewest and most residents of a district."""
    mean = residents / districts
    most = min(math.floor(mean * (1 + tolerance) + SLACK), rules_most(view))
    return math.ceil(mean * (1 - tolerance) - SLACK), most


def rules_most(view: View) -> int:
    """Most residents that a district may have whatever its mean."""
    return int(view.policy["split"]["gradual_residents"]) - 1


def _entry(row: Any, entry: dict[str, Any], tier: str, num: int, view: View) -> Iterator[str]:  # noqa: ANN401
    """Check what is recorded on the split of one community against the layers."""
    community = str(row.community_id)
    for key in ("residents", "households", "units"):
        if differs(number(getattr(row, key)), entry[key]):
            right = show(getattr(row, key))
            yield f"the split of {community}: {key} is {show(entry[key])}, {right} is right"
    wanted = {"name": show(row.name), "tier": tier, "districts": str(num)}
    for key, right in wanted.items():
        if show(entry[key]) != right:
            yield f"the split of {community}: {key} is {show(entry[key])}, {right} is right"
    if tier not in due(view):
        yield f"{community} is {tier}, and the policy does not split it"
    yield from _as_asked(community, entry, view)
    if num < 2:
        return
    low, high = bounds(view, number(row.residents), num, allowed(view, entry))
    for key, found in (("lower", low), ("upper", high)):
        if differs(float(found), entry[key]):
            yield f"the split of {community}: {key} is {show(entry[key])}, {found} is right"


def _as_asked(community: str, entry: dict[str, Any], view: View) -> Iterator[str]:
    """Check that a split was made with the tolerance and for the objective of the policy."""
    told = entry.get("tolerance")
    if told is not None and not number(told) >= view.policy["split"]["tolerance"] - SLACK:
        yield f"the split of {community}: tolerance is {show(told)}, less than the policy's"
    asked = view.policy["split"].get("objective", "moment-of-inertia")
    made = entry.get("objective_of", "moment-of-inertia")
    if made != asked:
        yield f"the split of {community}: minimises {show(made)}, the policy asks for {asked}"
