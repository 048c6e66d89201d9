"""The section of a policy on decisions that planners have taken, by the ids of the places."""

from __future__ import annotations

from pydantic import Field

from .policy_sections import PolicySection


def _ids(description: str) -> tuple[str, ...]:
    ids: tuple[str, ...] = Field((), strict=False, description=description)
    return ids


class DecisionsPolicy(PolicySection):
    """What planners have decided already, by id; a layer of decisions says the same on a map."""

    require_sites: tuple[str, ...] = _ids("Ids of candidates that must open.")
    forbid_sites: tuple[str, ...] = _ids("Ids of candidates that must not open.")
    keep_sites: tuple[str, ...] = _ids("Ids of stations that must stay open.")
    close_sites: tuple[str, ...] = _ids("Ids of stations of today that are given up.")
    lock_communities: tuple[str, ...] = _ids("Ids of communities that are not split.")
    lock_units: tuple[str, ...] = _ids(
        "Ids of units that stay in their community: in the district that keeps its id and name."
    )
    together_units: tuple[str, ...] = _ids(
        'Groups of units of one community that stay together, each as "id;id;...".'
    )
    apart_units: tuple[str, ...] = _ids(
        'Groups of units of which no two lie in one district, each as "id;id;...".'
    )
    match_m: float = Field(
        30.0, ge=0, description="Metres; how far a point without an id may lie from its site."
    )
