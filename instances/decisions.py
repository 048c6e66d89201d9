"""Decisions of planners: sites that must or must not open, communities and units that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..models.formulation import BoolArray, FloatArray, IntArray
    from .city import City
    from .policy import Policy

ALLOWED: dict[str, tuple[str, ...]] = {
    "site": ("require", "forbid", "keep", "close", "lock", "min_area_m2", "max_area_m2"),
    "unit": ("lock", "keep", "together", "apart"),
    "community": ("lock", "keep"),
}
"""Decisions that can be taken on each kind of place."""

AREAS = ("min_area_m2", "max_area_m2")
GROUPED = ("together", "apart")


@dataclass(frozen=True)
class Decision:
    """
    One decision on one place.

    Parameters
    ----------
    kind, place_id
        "site", "unit" or "community", and its id.
    decision
        What is decided: one of :data:`ALLOWED` of the kind.
    value
        An area in m², or the name of a group of units; empty where none is needed.
    note
        Why, for people.
    place
        Where it was given, for messages.
    """

    kind: str
    place_id: str
    decision: str
    value: str = ""
    note: str = ""
    place: str = ""

    def as_record(self) -> dict[str, str]:
        """Return it as JSON."""
        return {
            "kind": self.kind,
            "id": self.place_id,
            "decision": self.decision,
            "value": self.value,
            "note": self.note,
        }

    @property
    def area_m2(self) -> float:
        """The value as an area in m²; NaN if it is none."""
        try:
            area = float(self.value)
        except ValueError:
            return float("nan")
        return area if np.isfinite(area) and area >= 0 else float("nan")


def policy_decisions(policy: Policy) -> tuple[Decision, ...]:
    """Return the decisions that the policy lists by id."""
    found: list[Decision] = []
    for key, ids in policy.decisions.model_dump().items():
        if key == "match_m":
            continue
        decision, _, kind = key.partition("_")
        kind = {"sites": "site", "units": "unit", "communities": "community"}[kind]
        place = f"policy, decisions.{key}"
        for number, text in enumerate(ids, start=1):
            named = text.split(";") if decision in GROUPED else [text]
            group = f"policy {number}" if decision in GROUPED else ""
            found += [
                Decision(kind, one.strip(), decision, group, place=place)
                for one in named
                if one.strip()
            ]
    return tuple(found)


def groups_of(decisions: Iterable[Decision], what: str) -> dict[str, list[str]]:
    """
    Units of each group that is to be together, or apart, by the name of the group.

    Parameters
    ----------
    decisions
        Decisions.
    what
        "together" or "apart".
    """
    groups: dict[str, list[str]] = {}
    for decision in decisions:
        if decision.kind == "unit" and decision.decision == what:
            groups.setdefault(decision.value, []).append(decision.place_id)
    return groups


def closing(city: City) -> BoolArray:
    """Stations of today that are given up, shape (sites,)."""
    return _marked(city, "site", "close", city.sites["site_id"])


def least_areas(city: City) -> FloatArray:
    """Least floor area that is decided for each site, m²; 0 for none, shape (sites,)."""
    asked = {d.place_id: d.area_m2 for d in city.decisions if d.decision == "min_area_m2"}
    return np.array([asked.get(str(name), 0.0) for name in city.sites["site_id"]], dtype=float)


def locked_communities(city: City) -> BoolArray:
    """Communities that are not split, shape (communities,)."""
    return _marked(city, "community", "lock", city.communities["community_id"])


def locked_units(city: City) -> BoolArray:
    """Units that stay in their community, shape (units,)."""
    return _marked(city, "unit", "lock", city.units["unit_id"])


def unit_groups(city: City, what: str) -> list[IntArray]:
    """Rows of the units of each group that is to be "together" or "apart"."""
    groups = groups_of(city.decisions, what).values()
    if not groups:
        return []
    row_of = {str(name): row for row, name in enumerate(city.units["unit_id"])}
    return [np.array(sorted(row_of[unit] for unit in group), dtype=np.int64) for group in groups]


def _marked(city: City, kind: str, what: str, ids: Iterable[object]) -> BoolArray:
    named = {d.place_id for d in city.decisions if d.kind == kind and d.decision == what}
    return np.array([str(name) in named for name in ids], dtype=bool)


def from_records(records: Iterable[Mapping[str, Any]], place: str) -> tuple[Decision, ...]:
    """Return the decisions of a plan's record."""
    return tuple(
        Decision(
            str(record["kind"]),
            str(record["id"]),
            str(record["decision"]),
            str(record.get("value") or ""),
            str(record.get("note") or ""),
            f"{place}, decision {number}",
        )
        for number, record in enumerate(records, start=1)
    )
