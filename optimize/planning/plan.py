"""Audit, split, site: the whole plan of a city."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...instances.catalogue import Catalogue
from ...instances.city import City
from ...instances.decisions import locked_units
from ...instances.policy import Policy, render_policy
from ...instances.service_places import Places
from ...instances.site_units import site_units
from ...instances.travel import CityWalks
from ...instances.walking import WalkingTimes, walking_times
from ...models.formulation import FloatArray, IntArray
from ...models.siting.station import Siting
from ..limits import Deadline, Stop
from ..progress import Listener, Progress, silent
from .audit import audit_city
from .checkpoint import Checkpoint
from .community import CommunitySplit
from .shortfall import Shortfall
from .site import CitySiting, site_city, siting_problem
from .site_shortfalls import more_sites, shortfalls
from .snapshot import Snapshot, communities_of_sites, counts_as_existing, take_snapshot
from .split import split_city

if TYPE_CHECKING:
    from .rebalance_region import CityRebalance
    from .services import CityServices

STAGES = ("split", "site")


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


@dataclass
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = now - self.began
        self.began = now


def make_plan(
    city: City,
    policy: Policy,
    *,
    stages: tuple[str, ...] = STAGES,
    budget: float | None = None,
    relax: bool = True,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
    resume: Path | None = None,
    services: ServicesAsked | None = None,
) -> Plan:
    """
    Make the plan of a city.

    Parameters
    ----------
    city, policy
        The city and the rules.
    stages
        "split", "site" or both.
    budget
        Money to spend; None for all rules at least cost.
    relax
        Meet what can be met and list the rest; otherwise refuse.
    seconds
        Time limit for both stages together.
    stop, listen
        A request to stop, and who hears of progress.
    resume
        File that keeps finished splits until the caller clears it.
    services
        Services to lay out together instead of stations alone.

    Raises
    ------
    InfeasibleError
        If the rules cannot be met and ``relax`` is off.
    NoPlanError
        If nothing was found within the limits.
    """
    clock = _Clock()
    deadline = None if seconds is None else Deadline.after(seconds)
    listen(Progress("walk", text="walking times"))
    given = city
    if services is not None:
        from .services import stationed_city  # noqa: PLC0415 - large, and rarely asked for

        city, policy = stationed_city(city, policy, services.catalogue)
    times = walking_times(city, policy)
    clock.lap("walk")
    before = audit_city(city, policy, times)
    clock.lap("audit")
    splits: list[CommunitySplit] = []
    missing: list[Shortfall] = []
    if "split" in stages:
        checkpoint = None
        if resume is not None:
            changes = [json.dumps(change.as_record()) for change in city.edge_changes]
            changes += [json.dumps(decision.as_record()) for decision in city.decisions]
            checkpoint = Checkpoint.open(resume, city.sha256, render_policy(policy), *changes)
        half = None if deadline is None else Deadline.after(deadline.seconds_left * 0.6)
        splits, missing = split_city(
            city,
            policy,
            before,
            relax=relax,
            deadline=half,
            stop=stop,
            listen=listen,
            checkpoint=checkpoint,
        )
        clock.lap("split")
    site_unit = site_units(city, policy)
    names, unit_community = new_communities(city, site_unit, before, splits)
    site_community = communities_of_sites(site_unit, unit_community)
    siting, laid_out = None, None
    left = None if deadline is None else max(1.0, deadline.seconds_left)
    if "site" in stages and services is not None:
        laid_out = _lay_out(
            given,
            policy,
            services,
            Places(names, unit_community, site_community),
            seconds=left,
            stop=stop,
            listen=listen,
        )
        missing += _short_of_stations(city, policy, times, laid_out)
        clock.lap("services")
    elif "site" in stages:
        siting, short = site_city(
            city,
            policy,
            times,
            communities=names,
            unit_community=unit_community,
            site_community=site_community,
            budget=budget,
            relax=relax,
            seconds=left,
            stop=stop,
            listen=listen,
        )
        missing += short
        clock.lap("site")
    decision, cost = _decision(city, policy, siting)
    if laid_out is not None:
        is_open, area, cost = laid_out.site_decision()
        decision = Siting(is_open, area)
    after = take_snapshot(
        city,
        policy,
        times,
        names=names,
        unit_community=unit_community,
        site_community=site_community,
        is_open=decision.is_open,
        area_m2=decision.area_m2,
        cost=cost,
    )
    interrupted = stop is not None and stop.requested
    return Plan(
        city,
        policy,
        times,
        before,
        after,
        tuple(splits),
        siting,
        tuple(missing),
        clock.seconds,
        interrupted,
        seconds,
        services=laid_out,
    )


def _lay_out(
    city: City,
    policy: Policy,
    services: ServicesAsked,
    places: Places,
    *,
    seconds: float | None,
    stop: Stop | None,
    listen: Listener,
) -> CityServices:
    """Lay out services in a city as it was read."""
    from .services import site_services  # noqa: PLC0415 - large, and rarely asked for

    return site_services(
        city,
        policy,
        services.catalogue,
        CityWalks(city, policy),
        places,
        services=services.ids,
        seconds=seconds,
        stop=stop,
        listen=listen,
    )


def _short_of_stations(
    city: City, policy: Policy, times: WalkingTimes, services: CityServices
) -> list[Shortfall]:
    """List what the stations alone leave unmet."""
    is_open, area, _ = services.site_decision()
    places = services.data.places
    names, units, sites = places.communities, places.unit_community, places.site_community
    problem = siting_problem(city, policy, times, names, units, sites)
    return list(shortfalls(city, policy, problem, Siting(is_open, area), names, more_sites))


def _decision(city: City, policy: Policy, siting: CitySiting | None) -> tuple[Siting, FloatArray]:
    if siting is not None:
        return siting.siting, siting.problem.site_costs(siting.siting)
    existing = counts_as_existing(city, policy)
    area = np.where(existing, city.sites["floor_area_m2"].to_numpy(float), 0.0)
    return Siting(existing, area), np.zeros(city.num_sites)


def plan_without_stations(
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
    splits: tuple[CommunitySplit, ...] = (),
    interrupted: bool = False,
    time_limit: float | None = None,
    rebalance: CityRebalance | None = None,
) -> Plan:
    """
    Return a plan that changes communities and leaves all stations as they are.

    Parameters
    ----------
    city, policy, times, before
        The input, and the city today.
    names, unit_community
        The communities of the plan, one row each, and the row of each unit.
    site_unit
        Unit of each site, -1 for none, shape (sites,).
    shortfalls, seconds, splits, interrupted, time_limit, rebalance
        As in :class:`Plan`.
    """
    decision, cost = _decision(city, policy, None)
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
        None,
        shortfalls,
        seconds,
        interrupted,
        time_limit,
        rebalance,
    )


def new_communities(
    city: City, site_unit: IntArray, before: Snapshot, splits: list[CommunitySplit]
) -> tuple[pd.DataFrame, IntArray]:
    """
    Name the communities of the plan.

    The district with the community's seat, or else with the most residents, keeps id and name;
    the others get provisional ones, numbered by residents.

    Returns
    -------
    tuple
        One row a community with its identity, and the row of each unit.
    """
    taken = set(before.communities["community_id"].astype(str))
    divided = {split.row: split for split in splits if split.result.solution is not None}
    rows: list[dict[str, object]] = []
    unit_community = np.full(city.num_units, -1, dtype=np.int64)
    for row, community in enumerate(before.communities.to_dict("records")):
        identity = {
            "community_id": str(community["community_id"]),
            "name": community["name"],
            "parent_id": str(community["community_id"]),
            "street_id": community["street_id"],
            "change_type": "kept",
            "tier": community["tier"],
            "provisional": False,
            "deviation": 0.0,
        }
        split = divided.get(row)
        if split is None:
            unit_community[before.unit_community == row] = len(rows)
            rows.append(identity)
            continue
        residents = city.units["residents"].to_numpy(float)[split.members]
        solution = split.result.solution
        assert solution is not None  # noqa: S101 - divided holds only splits with a solution
        totals = np.bincount(solution, residents, split.districts).astype(float)
        for number, district in enumerate(_order(city, site_unit, split, totals)):
            new_id, new_name = identity["community_id"], identity["name"]
            if number:
                new_id = free_id(f"{new_id}-P{number + 1}", taken)
                new_name = f"{new_name}-{number + 1}"
            unit_community[split.members[solution == district]] = len(rows)
            deviation = totals[district] / max(totals.mean(), 1e-9) - 1
            rows.append(
                {
                    **identity,
                    "community_id": new_id,
                    "name": new_name,
                    "change_type": "split",
                    "provisional": number > 0,
                    "deviation": float(deviation),
                }
            )
    return pd.DataFrame(rows), unit_community


def _order(city: City, site_unit: IntArray, split: CommunitySplit, totals: FloatArray) -> list[int]:
    """Districts by residents, but the one with locked units first, else the one with the seat."""
    order = [int(d) for d in np.argsort(-totals, kind="stable")]
    locked = np.flatnonzero(locked_units(city)[split.members])
    if locked.size and split.result.solution is not None:
        home = int(split.result.solution[locked[0]])
        return [home, *(d for d in order if d != home)]
    seats = city.communities.get("seat")
    if seats is None or pd.isna(seats.iloc[split.row]):
        return order
    site = np.flatnonzero((city.sites["site_id"] == seats.iloc[split.row]).to_numpy())
    if not site.size:
        return order
    inside = np.flatnonzero(split.members == site_unit[site[0]])
    if inside.size and split.result.solution is not None:
        home = int(split.result.solution[inside[0]])
        order.remove(home)
        order.insert(0, home)
    return order


def free_id(wanted: str, taken: set[str]) -> str:
    """Return an id that is not taken, and take it."""
    while wanted in taken:
        wanted += "x"
    taken.add(wanted)
    return wanted
