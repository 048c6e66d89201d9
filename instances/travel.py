"""How the people of a city get about: minutes by group and limit, each group searched once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .travel_groups import GROUPS, Group, group_speed_kmh
from .walking import WalkingTimes, times_within, walking_times

if TYPE_CHECKING:
    from .city import City
    from .policy import Policy

__all__ = [
    "GROUPS",
    "CityWalks",
    "Group",
    "Snapping",
    "group_speed_kmh",
    "snappings",
    "walking_times",
]


@dataclass(frozen=True)
class Snapping:
    """
    How far the places of a layer lie from the network.

    Parameters
    ----------
    layer
        ``sites`` or ``units``.
    count
        How many places there are.
    median_m, max_m
        Metres to the nearest node that places are connected to.
    limit_m
        Longest way to the network that is walked.
    far
        Id and metres of the places beyond it, the farthest first.
    """

    layer: str
    count: int
    median_m: float
    max_m: float
    limit_m: float
    far: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        """Say it in a sentence, with the ids of the places that are too far."""
        if not self.count:
            return f"There are no {self.layer}."
        told = (
            f"{self.count:,} {self.layer}: {self.median_m:,.0f} m from the network in the median, "
            f"{self.max_m:,.0f} m at most; "
        )
        if not self.far:
            return f"{told}none is further than {self.limit_m:g} m."
        names = ", ".join(f"{name} ({metres:,.0f} m)" for name, metres in self.far)
        return f"{told}{len(self.far):,} further than {self.limit_m:g} m: {names}."


def snappings(city: City, policy: Policy, times: WalkingTimes) -> Iterator[Snapping]:
    """
    Tell how far the sites and the units of a city lie from its network.

    Parameters
    ----------
    city, policy
        The city and the policy that the times come from.
    times
        Its walking times, with the metres to the network.
    """
    layers = (
        ("sites", city.sites["site_id"], times.site_snap_m, times.unsnapped_sites),
        ("units", city.units["unit_id"], times.unit_snap_m, times.unsnapped_units),
    )
    for layer, names, metres, unsnapped in layers:
        order = unsnapped[np.argsort(-metres[unsnapped], kind="stable")]
        yield Snapping(
            layer=layer,
            count=metres.size,
            median_m=float(np.median(metres)) if metres.size else 0.0,
            max_m=float(metres.max()) if metres.size else 0.0,
            limit_m=policy.walking.max_snap_m,
            far=tuple((str(names.iloc[row]), float(metres[row])) for row in order.tolist()),
        )


class CityWalks:
    """
    Minutes from every site to every unit, for any group and limit.

    A group is searched once, as far as the largest limit asked for until then; smaller limits are
    cut from what was found, and give exactly what a search of their own would.

    Parameters
    ----------
    city
        The city.
    policy
        Speeds, snapping and reach.
    longest_minutes
        A limit that will be asked for; the first search goes as far at once. None for the
        policy's reach.
    """

    def __init__(self, city: City, policy: Policy, *, longest_minutes: float | None = None) -> None:
        self.city, self.policy = city, policy
        reach = policy.siting.reach_minutes
        self._least = reach if longest_minutes is None else longest_minutes
        self._found: dict[Group, WalkingTimes] = {}

    def minutes(self, group: Group = "adult", limit_minutes: float | None = None) -> WalkingTimes:
        """
        Return the minutes of a group within a limit.

        Parameters
        ----------
        group
            One of :data:`GROUPS`.
        limit_minutes
            Longest walk; None for the policy's reach.

        Raises
        ------
        ValueError
            If there is no such group.
        """
        reach = self.policy.siting.reach_minutes
        limit = reach if limit_minutes is None else limit_minutes
        known = self._found.get(group)
        if known is None or known.limit_minutes < limit:
            known = walking_times(
                self.city, self.policy, limit_minutes=max(limit, self._least), group=group
            )
            self._found[group] = known
        return times_within(known, limit)
