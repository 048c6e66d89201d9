"""The whole plan of a city: what was decided, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...instances.catalogue import Catalogue
from ...instances.city import City
from ...instances.policy import Policy
from ...instances.walking import WalkingTimes
from ...models.formulation import FloatArray, IntArray
from ...models.siting.station import Siting
from .community import CommunitySplit
from .shortfall import Shortfall
from .site import CitySiting
from .snapshot import Snapshot, communities_of_sites, counts_as_existing, take_snapshot

if TYPE_CHECKING:
    from .rebalance_region import CityRebalance
    from .services import CityServices


@dataclass(frozen=True, eq=False)
class Plan:
    """
    A plan and everything that it was made from.

    Parameters
    ----------
    city, policy, times
        The input.
    before, after
        The city today and with the plan.
    splits
        One entry for every community over a threshold.
    siting
        The siting; None if that stage was not asked for.
    shortfalls
        Rules that are not met, by place.
    seconds
        Wall-clock seconds by stage.
    interrupted
        Whether someone asked to stop; the plan is then the best found until that moment.
    time_limit
        The limit for the whole run, in seconds; None for the policy's limits only.
    rebalance
        Rules and regions of a rebalancing; None for any other plan.
    services
        All services laid out together; None if stations alone were asked for.
    """

    city: City
    policy: Policy
    times: WalkingTimes
    before: Snapshot
    after: Snapshot
    splits: tuple[CommunitySplit, ...]
    siting: CitySiting | None
    shortfalls: tuple[Shortfall, ...]
    seconds: dict[str, float]
    interrupted: bool = False
    time_limit: float | None = None
    rebalance: CityRebalance | None = None
    services: CityServices | None = None


@dataclass(frozen=True)
class ServicesAsked:
    """
    Which services a plan lays out.

    Parameters
    ----------
    catalogue
        What there is.
    ids
        Those that are wanted; None for all that have a floor area.
    """

    catalogue: Catalogue
    ids: tuple[str, ...] | None = None


def _decision(
    city: City, policy: Policy, siting: CitySiting | None, services: CityServices | None
) -> tuple[Siting, FloatArray]:
    """Return the stations of a plan, and the cost of each site."""
    if services is not None:
        is_open, area, cost = services.site_decision()
        return Siting(is_open, area), cost
    if siting is not None:
        return siting.siting, siting.problem.site_costs(siting.siting)
    existing = counts_as_existing(city, policy)
    area = np.where(existing, city.sites["floor_area_m2"].to_numpy(float), 0.0)
    return Siting(existing, area), np.zeros(city.num_sites)


def plan_of(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    before: Snapshot,
    *,
    names: pd.DataFrame,
    unit_community: IntArray,
    site_unit: IntArray,
    shortfalls: tuple[Shortfall, ...],
    seconds: dict[str, float],
    siting: CitySiting | None = None,
    services: CityServices | None = None,
    splits: tuple[CommunitySplit, ...] = (),
    interrupted: bool = False,
    time_limit: float | None = None,
    rebalance: CityRebalance | None = None,
) -> Plan:
    """
    Return a plan of what was decided; without a siting or services, stations stay as they are.

    Parameters
    ----------
    city, policy, times, before
        The input, and the city today.
    names, unit_community
        The communities of the plan, one row each, and the row of each unit.
    site_unit
        Unit of each site, -1 for none, shape (sites,).
    shortfalls, seconds, siting, services, splits, interrupted, time_limit, rebalance
        As in :class:`Plan`.
    """
    decision, cost = _decision(city, policy, siting, services)
    after = take_snapshot(
        city,
        policy,
        times,
        names=names,
        unit_community=unit_community,
        site_community=communities_of_sites(site_unit, unit_community),
        is_open=decision.is_open,
        area_m2=decision.area_m2,
        cost=cost,
    )
    return Plan(
        city,
        policy,
        times,
        before,
        after,
        splits,
        siting,
        shortfalls,
        seconds,
        interrupted,
        time_limit,
        rebalance,
        services,
    )


plan_without_stations = plan_of
"""The same, as callers name it that change communities only."""
