"""Which ways of OpenStreetMap are walked or cycled, and what a network keeps of their tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Profile = Literal["walking", "cycling"]
"""Whose ways a network is made of."""

PROFILES: tuple[Profile, ...] = get_args(Profile)

Tags = Mapping[str, str]

_ROADS = frozenset(
    f"{road}{link}"
    for road in ("trunk", "primary", "secondary", "tertiary")
    for link in ("", "_link")
)
_STREETS = _ROADS | {
    "unclassified",
    "residential",
    "living_street",
    "service",
    "road",
    "track",
}
_ON_FOOT = frozenset({"footway", "pedestrian", "path", "steps", "bridleway"})
_CYCLED = frozenset({"cycleway", "path"})
_ALLOWED = frozenset({"yes", "designated", "permissive", "destination", "customers", "official"})
_REFUSED = frozenset({"no", "private", "use_sidepath", "military", "agricultural", "forestry"})
_NO = frozenset({"", "no", "false", "0"})
_CROSSINGS = ("footway", "path", "cycleway")


def is_used(tags: Tags, profile: Profile) -> bool:
    """
    Whether a way belongs to the network of a profile.

    The tag of the mode (``foot``, ``bicycle``) wins over ``access``; without either, streets
    belong to both networks, motorways to neither.

    Parameters
    ----------
    tags
        Tags of the way.
    profile
        ``walking`` or ``cycling``.
    """
    return may_walk(tags) if profile == "walking" else may_cycle(tags)


def may_walk(tags: Tags) -> bool:
    """Whether people may walk along a way."""
    highway, foot = tags.get("highway", ""), tags.get("foot", "")
    if foot in _ALLOWED:
        return highway in _STREETS | _ON_FOOT | {"cycleway"}
    if foot in _REFUSED or _is_closed(tags):
        return False
    return highway in _STREETS | _ON_FOOT


def may_cycle(tags: Tags) -> bool:
    """Whether people may cycle along a way, in at least one direction."""
    highway, bicycle = tags.get("highway", ""), tags.get("bicycle", "")
    if highway == "steps":
        return False
    if bicycle in _ALLOWED:
        return highway in _STREETS | _ON_FOOT | _CYCLED
    if bicycle in _REFUSED | {"dismount"} or _is_closed(tags):
        return False
    return highway in _STREETS | _CYCLED


def is_yes(tags: Tags, key: str) -> bool:
    """Whether a tag is there and says anything but no."""
    return tags.get(key, "") not in _NO


def is_crossing(tags: Tags) -> bool:
    """Whether a way is the part of a footway that crosses a street."""
    return any(tags.get(key) == "crossing" for key in _CROSSINGS)


def layer_of(tags: Tags) -> int:
    """Return the level that a way lies on, 0 where none is given or it is no number."""
    try:
        return int(float(tags.get("layer", "0")))
    except ValueError:
        return 0


def _is_closed(tags: Tags) -> bool:
    """Whether a way is closed to those who have no tag of their own on it."""
    return tags.get("access", "") in _REFUSED or tags.get("motorroad") == "yes"
