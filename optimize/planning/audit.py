"""Stage audit: where the city stands today."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.site_units import site_units
from ...instances.walking import WalkingTimes
from .snapshot import (
    Snapshot,
    communities_of_sites,
    counts_as_existing,
    take_snapshot,
    tier_of,
)


def audit_city(city: City, policy: Policy, times: WalkingTimes) -> Snapshot:
    """
    Count what every community of today has.

    Parameters
    ----------
    city, policy, times
        The city, the rules and the walking minutes.

    Returns
    -------
    Snapshot
        ``communities`` has a column ``tier`` that tells which are split, and under which rule.
    """
    names = city.communities[["community_id", "name", "street_id"]].copy()
    existing = counts_as_existing(city, policy)
    snapshot = take_snapshot(
        city,
        policy,
        times,
        names=pd.DataFrame(names),
        unit_community=city.unit_community_idx,
        site_community=communities_of_sites(site_units(city, policy), city.unit_community_idx),
        is_open=existing,
        area_m2=np.where(existing, city.sites["floor_area_m2"].to_numpy(float), 0.0),
        cost=np.zeros(city.num_sites),
    )
    table = snapshot.communities
    sizes = zip(table["residents"], table["households"], strict=True)
    table.insert(3, "tier", [tier_of(int(r), int(h), policy) for r, h in sizes])
    return snapshot


def blind_spots(city: City, snapshot: Snapshot) -> pd.DataFrame:
    """Units with residents that no open station reaches, the most residents first."""
    blind = ~np.isfinite(snapshot.minutes) & (city.units["residents"].to_numpy() > 0)
    columns = ["unit_id", "community_id", "residents", "households"]
    table = pd.DataFrame(city.units.loc[blind, columns])
    return table.sort_values(["residents", "unit_id"], ascending=[False, True], ignore_index=True)
