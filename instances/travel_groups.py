"""Who gets about, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from .policy import Policy

Group = Literal["adult", "elderly", "child", "cycling", "wheelchair"]
"""Whose minutes are asked for; ``adult`` are those of a plan."""

GROUPS: tuple[Group, ...] = get_args(Group)


def group_speed_kmh(policy: Policy, group: Group) -> float:
    """
    Return the speed of a group on the flat.

    Parameters
    ----------
    policy
        Its section ``walking`` holds the speeds.
    group
        One of :data:`GROUPS`.

    Raises
    ------
    ValueError
        If there is no such group; names those that are.
    """
    if group not in GROUPS:
        raise ValueError(f'"{group}" is no group that gets about; choose {", ".join(GROUPS)}.')
    walking = policy.walking
    if group == "adult":
        return walking.speed_kmh
    return float(getattr(walking, f"{group}_speed_kmh"))
