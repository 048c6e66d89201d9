"""Audit, split, site: the whole plan of a city."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy, render_policy
from ...instances.site_units import site_units
from ...instances.walking import WalkingTimes, walking_times
from ...models.formulation import FloatArray, IntArray
from ...models.siting.station import Siting
from ..limits import Deadline, Stop
from ..progress import Listener, Progress, silent
from .audit import audit_city
from .checkpoint import Checkpoint
from .community import CommunitySplit
from .shortfall import Shortfall
from .site import CitySiting, site_city
from .snapshot import Snapshot, communities_of_sites, counts_as_existing, take_snapshot
from .split import split_city

if TYPE_CHECKING:
    from .rebalance_region import CityRebalance

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
    siting = None
    if "site" in stages:
        siting, short = site_city(
            city,
            policy,
            times,
            communities=names,
            unit_community=unit_community,
            site_community=site_community,
            budget=budget,
            relax=relax,
            seconds=None if deadline is None else max(1.0, deadline.seconds_left),
            stop=stop,
            listen=listen,
        )
        missing += short
        clock.lap("site")
    decision, cost = _decision(city, policy, siting)
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
    )


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
    """Districts by residents, but the one with the seat first."""
    order = [int(d) for d in np.argsort(-totals, kind="stable")]
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
