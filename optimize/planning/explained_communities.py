"""The communities that a siting is explained for: those of today, or those of a plan."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.site_units import site_units
from ...instances.walking import WalkingTimes, walking_times
from ...models.formulation import IntArray
from ..limits import Deadline, Stop
from ..progress import Listener, silent
from .audit import audit_city
from .communities_named import new_communities
from .snapshot import communities_of_sites
from .split import split_city


@dataclass(frozen=True, eq=False)
class PlannedCommunities:
    """
    Communities with their units and sites, and the walking minutes of the city.

    Parameters
    ----------
    times
        Walking minutes.
    names
        One row a community with ``community_id`` and ``name``.
    unit_community, site_community
        Row of the community of each unit and site (-1 for none).
    """

    times: WalkingTimes
    names: pd.DataFrame
    unit_community: IntArray
    site_community: IntArray


def planned_communities(
    city: City,
    policy: Policy,
    *,
    split: bool = False,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> PlannedCommunities:
    """
    Return the communities of today, or those after every split that the policy asks for.

    Parameters
    ----------
    city, policy
        The city and the rules.
    split
        Whether communities over a threshold are split first, as far as that can be done.
    seconds, stop, listen
        Time limit of the splits, a request to stop, and who hears of progress.
    """
    times = walking_times(city, policy)
    before = audit_city(city, policy, times)
    if not split:
        return PlannedCommunities(
            times, before.communities, before.unit_community, before.site_community
        )
    deadline = None if seconds is None else Deadline.after(seconds)
    splits, _ = split_city(
        city, policy, before, relax=True, deadline=deadline, stop=stop, listen=listen
    )
    home = site_units(city, policy)
    names, unit_community = new_communities(city, home, before, splits)
    return PlannedCommunities(
        times, names, unit_community, communities_of_sites(home, unit_community)
    )
