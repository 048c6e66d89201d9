"""Names of the files of a plan, and what they must hold to be read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

GEOPACKAGE, RECORD, REPORT, PICTURE = "plan.gpkg", "plan.json", "report.html", "map.png"
TABLES = ("assignment.csv", "facilities.csv", "communities.csv")
WEB_MAP = "districts.geojson"
LISTED = (GEOPACKAGE, WEB_MAP, *TABLES, PICTURE, REPORT)
"""Files whose hashes ``plan.json`` lists: all others of the plan."""

SERVICE_LAYERS = ("services", "service_gaps", "assignments")
OPTIONAL = frozenset({"network", "barriers", *SERVICE_LAYERS})
IDS = frozenset(
    {"community_id", "parent_id", "unit_id", "site_id", "community_id_before", "street_id"}
)

IDENTITY = (
    "community_id",
    "name",
    "parent_id",
    "street_id",
    "change_type",
    "tier",
    "provisional",
    "deviation",
)
"""Columns that tell which community of a plan each is."""

_FIGURES = (
    "residents",
    "households",
    "units",
    "floor_area_m2",
    "floor_area_target_m2",
    "floor_area_shortfall_m2",
    "floor_area_per_100_households",
    "residents_in_reach",
    "residents_out_of_reach",
    "mean_minutes",
    "workers",
    "facilities",
)
_SITES = (
    "site_id",
    "name",
    "status",
    "action",
    "floor_area_before_m2",
    "floor_area_m2",
    "max_area_m2",
    "fixed_cost",
    "cost_per_m2",
    "cost",
    "community_id",
    "units_served",
    "households_served",
    "residents_served",
)
COLUMNS: dict[str, tuple[str, ...]] = {
    "districts": (*IDENTITY, *_FIGURES),
    "units": (
        "unit_id",
        "residents",
        "households",
        "community_id",
        "community_id_before",
        "site_id",
        "minutes",
        "in_reach",
    ),
    "facilities": _SITES,
    "candidates": _SITES,
    "allocation": ("unit_id", "site_id", "minutes", "residents", "households"),
    "communities_before": ("community_id", "name", "street_id", "tier", *_FIGURES),
    "network": ("from_node", "to_node", "length_m"),
    "barriers": ("crossable",),
    "services": (
        "site_id",
        "service",
        "category",
        "role",
        "level",
        "action",
        "floor_area_before_m2",
        "floor_area_m2",
        "cost",
        "community_id",
        "street_id",
        "used_m2",
        "utilisation",
    ),
    "service_gaps": ("service", "rule", "place_kind", "place_id", "target", "value", "short"),
    "assignments": ("unit_id", "site_id", "floor_area_m2", "households", "minutes"),
}
"""Columns without which a layer cannot be used."""

_PROOF = ("status", "reason", "objective", "bound", "gap", "seconds", "solver", "detail")
_STEP = frozenset(_PROOF)
KEYS: dict[str, Any] = {
    "shequ": (),
    "created": (),
    "city": ("name", "crs", "units", "residents", "households", "communities", "sites"),
    "policy": {
        "split": (
            "tier",
            "mandatory_residents",
            "gradual_residents",
            "gradual_households",
            "tolerance",
            "keep_together",
            "min_border_m",
            "barrier_share",
            "barrier_width_m",
            "connect_gap_m",
            "empty_unit_weight",
        ),
        "siting": (
            "floor_area_m2_per_100_households",
            "national_floor_area_m2_per_100_households",
            "mean_floor_area_m2",
            "reach_minutes",
            "min_facility_area_m2",
            "cost_slack",
            "currency",
            "services",
        ),
        "walking": (
            "speed_kmh",
            "mode",
            "detour_factor",
            "max_snap_m",
            "snap_to_components_of",
        ),
        "staff": ("workers_per_10000",),
    },
    "figures": {"before": ("communities",), "after": ("communities", "cost")},
    "split": [
        (
            "community_id",
            "name",
            "tier",
            "residents",
            "households",
            "units",
            "districts",
            "lower",
            "upper",
            *_PROOF,
        )
    ],
    "siting": {
        "mode": (),
        "budget": (),
        "lowest": _STEP,
        "cost": _STEP,
        "served": _STEP,
        "walking": _STEP,
    },
    "shortfalls": [
        (
            "rule",
            "place_kind",
            "place_id",
            "place_name",
            "value",
            "target",
            "short",
            "unit_of_measure",
        )
    ],
    "seconds": (),
    "versions": (),
}
"""
What ``plan.json`` must hold: names of keys, by key where they hold more, of every entry in a list.

A frozen set names the keys of what may be null.
"""


def missing_keys(value: object, wanted: Any = None, place: str = "") -> Iterator[str]:  # noqa: ANN401
    """Say which keys a record lacks, and where it holds something of another kind."""
    wanted = KEYS if wanted is None else wanted
    if wanted == () or (value is None and isinstance(wanted, frozenset)):
        return
    if isinstance(wanted, list):
        if not isinstance(value, list):
            yield f"{place} is not a list"
            return
        for number, entry in enumerate(value):
            yield from missing_keys(entry, wanted[0], f"{place}[{number}]")
    elif not isinstance(value, Mapping):
        yield f"{place or 'the whole'} is no object with keys"
    else:
        inner = wanted if isinstance(wanted, dict) else dict.fromkeys(sorted(wanted), ())
        for key, more in inner.items():
            name = f"{place}.{key}".lstrip(".")
            if key not in value:
                yield f"{name} is missing"
            else:
                yield from missing_keys(value[key], more, name)
