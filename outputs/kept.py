"""What a plan leaves unmet beside its shortfalls, told from its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOTHING = 1e-6


def lacks_services(record: Mapping[str, Any]) -> bool:
    """Whether a plan of services leaves people, places or households without one."""
    services = record.get("services")
    if services is None:
        return False
    keys = ("people_out_of_reach", "places_lacking_one", "places_lacking_area")
    lacking = any(row[key] > _NOTHING for row in services["services"] for key in keys)
    return lacking or services["unserved_m2"] > _NOTHING


STATIONS = ("floor_area", "reach")
"""Rules of each community that are about its stations."""


def rules_asked(record: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the rules of each community that a plan was asked to keep, by what was planned.

    ``size`` stands for the thresholds, the balance and the connection of communities, which a split
    or a rebalancing keeps; ``floor_area`` and ``reach`` are those of stations.
    """
    has_split = bool(record["split"]) or "split" in record["seconds"] or "rebalance" in record
    has_stations = record["siting"]["mode"] != "none" or bool(record.get("services"))
    return (*(("size",) if has_split else ()), *(STATIONS if has_stations else ()))


def leaves_rules(record: Mapping[str, Any]) -> bool:
    """
    Whether rules are unmet that a plan was not asked to keep, and does not list as shortfalls.

    A split leaves the stations as they are, and a plan of stations the communities.
    """
    after = record["figures"]["after"]
    keys = ["over_mandatory", "communities_below_target", "residents_out_of_reach"]
    if record["policy"]["split"]["tier"] == "gradual":
        keys.append("over_gradual")
    return not record["shortfalls"] and any((after.get(key) or 0) > _NOTHING for key in keys)
