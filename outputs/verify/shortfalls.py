"""Every rule that is not met is listed, with its amount, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .numbers import differs, number, numbers, show
from .splits import due
from .view import View

FAR_MINUTES = 60.0
"""Minutes to the nearest facility that are told; null stands for more."""


@dataclass(frozen=True)
class Missed:
    """
    A rule that a place misses, as found.

    Parameters
    ----------
    kind
        community or unit.
    value, target, short
        What there is, what is asked and what is missing; NaN for what is not told.
    span
        How much more the value, and what is missing, may be; NaN if it may not be told.
    tolerance
        By how much a written number may be off.
    must
        Whether it must be listed, rather than may be.
    """

    kind: str
    value: float
    target: float
    short: float
    span: float = 0.0
    tolerance: float = 1e-6
    must: bool = True


Found = dict[tuple[str, str], Missed]


def shortfalls(view: View) -> Iterator[str]:
    """Compare what is listed with what is found, by rule and place."""
    found: Found = {
        **_split(view),
        **_balance(view),
        **_rebalance(view),
        **_floor_area(view),
        **_reach(view),
    }
    listed: set[tuple[str, str]] = set()
    for entry in view.record["shortfalls"]:
        key = (str(entry["rule"]), str(entry["place_id"]))
        if key in listed:
            yield f"{key[0]} of {key[1]} is listed twice"
        listed.add(key)
        if key in found:
            yield from _compare(key, found[key], entry)
        else:
            yield f"{key[0]} of {key[1]} is listed and is met, or nothing that is asked"
    for (rule, place), missed in found.items():
        if missed.must and (rule, place) not in listed:
            told = f"{show(missed.value)} of {show(missed.target)}"
            yield f"{missed.kind} {place} misses {rule}, {told}, and is not listed"


def _compare(key: tuple[str, str], missed: Missed, entry: dict[str, Any]) -> Iterator[str]:
    label = f"{key[0]} of {key[1]}"
    if entry.get("place_kind", missed.kind) != missed.kind:
        yield f"{label}: place_kind is {entry['place_kind']}, {missed.kind} is right"
    for name in ("value", "target", "short"):
        right, written = getattr(missed, name), entry.get(name)
        span = missed.span if name != "target" else 0.0
        if written is None and np.isnan(span):
            continue
        if differs(_nearest(right, span, written), written, tolerance=missed.tolerance):
            yield f"{label}: {name} is {show(written)}, {show(right)} is right"


def _nearest(right: float, span: float, written: Any) -> float:  # noqa: ANN401
    """Return the number from ``right`` to ``right + span`` that is nearest to what is written."""
    most = np.inf if np.isnan(span) else right + span
    told = number(written)
    return right if np.isnan(told) else float(np.clip(told, right, most))


def _split(view: View) -> Found:
    """Communities that the policy splits and the layers show whole."""
    limit = float(view.policy["split"]["gradual_residents"] - 1)
    found: Found = {}
    for row in view.before.itertuples():
        residents, community = number(row.residents), str(row.community_id)
        is_due = view.tier(residents, number(row.households)) in due(view)
        if is_due and community not in view.parts and community not in view.rebalanced:
            short = residents - limit if residents > limit else float("nan")
            place = ("split", community)
            found[place] = Missed("community", residents, limit, short, must=view.is_split)
    return found


def _balance(view: View) -> Found:
    """Communities with a district that differs from the mean by more than the policy allows."""
    allowed = float(view.policy["split"]["tolerance"])
    found: Found = {}
    for community, part in view.parts.items():
        residents = numbers(part["residents"])
        deviation = float(np.abs(residents / max(residents.mean(), 1e-9) - 1).max())
        if not deviation <= allowed - 1e-9:
            must = not deviation <= allowed + 1e-9
            missed = Missed("community", deviation, allowed, deviation - allowed, must=must)
            found["balance", community] = missed
    return found


def _rebalance(view: View) -> Found:
    """Communities that break a rule, in regions that were not rebalanced."""
    residents = dict(
        zip(view.before["community_id"], numbers(view.before["residents"]), strict=True)
    )
    nothing = float("nan")
    return {
        ("rebalance", str(name)): Missed("community", residents[name], nothing, nothing)
        for region in (view.rebalance or {}).get("regions", [])
        for name in region["breaking"]
        if name not in view.rebalanced
    }


def _floor_area(view: View) -> Found:
    """Districts with less floor area than their households ask for."""
    rate = view.policy["siting"]["floor_area_m2_per_100_households"] / 100
    found: Found = {}
    for row in view.districts.itertuples():
        have, target = number(row.floor_area_m2), rate * number(row.households)
        if not target - have <= 0.009:
            must = view.is_sited and not target - have <= 0.011
            place = ("floor_area", str(row.community_id))
            found[place] = Missed(
                "community", have, target, target - have, tolerance=1e-5, must=must
            )
    return found


def _reach(view: View) -> Found:
    """Units with residents and without a facility in reach."""
    reach = float(view.policy["siting"]["reach_minutes"])
    limit = max(FAR_MINUTES, reach)
    far = (view.residents > 0) & ~view.in_reach
    found: Found = {}
    for unit in np.flatnonzero(far):
        low, high = (float(way[unit]) for way in (view.walk_after.low, view.walk_after.high))
        told = low if low <= limit else float("nan")
        span = high - low if high <= limit else float("nan")
        place = ("reach", str(view.units["unit_id"].iloc[unit]))
        found[place] = Missed(
            "unit", told, reach, told - reach, span, tolerance=0.01, must=view.is_sited
        )
    return found
