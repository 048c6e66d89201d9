"""The plan of a rebalancing: which community keeps which name, and what changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.site_units import site_units
from ...instances.walking import walking_times
from ...models.formulation import IntArray
from ..limits import Deadline, Stop
from ..progress import Listener, silent
from .audit import audit_city
from .clock import Clock
from .communities_named import free_id
from .plan import Plan, plan_of
from .rebalance import rebalance_city
from .rebalance_region import CityRebalance, RebalanceRules, rebalance_shortfalls
from .shortfall import InfeasibleError
from .snapshot import Snapshot


def make_rebalanced_plan(
    city: City,
    policy: Policy,
    rules: RebalanceRules,
    *,
    solver: str = "scip",
    relax: bool = False,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> Plan:
    """
    Rebalance communities of a city; stations stay as they are.

    Parameters
    ----------
    city, policy, rules
        The city, its rules, and what may be changed.
    solver
        Backend of the integer programs.
    relax
        Leave a region without a plan as it is and list it; otherwise refuse.
    seconds
        Time limit of all regions together.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    InfeasibleError
        If a region has no plan and ``relax`` is off.
    ValueError
        If a community or street is unknown.
    """
    clock = Clock()
    times = walking_times(city, policy)
    before = audit_city(city, policy, times)
    clock.lap("walk")
    deadline = None if seconds is None else Deadline.after(seconds)
    done = rebalance_city(
        city, policy, before, rules, solver=solver, deadline=deadline, stop=stop, listen=listen
    )  # fmt: skip
    shortfalls = rebalance_shortfalls(done, before)
    if shortfalls and not relax:
        raise InfeasibleError(shortfalls)
    names, unit_community = rebalanced_communities(city, before, done)
    clock.lap("rebalance")
    return plan_of(
        city,
        policy,
        times,
        before,
        names=names,
        unit_community=unit_community,
        site_unit=site_units(city, policy),
        shortfalls=tuple(shortfalls),
        seconds=clock.seconds,
        interrupted=stop is not None and stop.requested,
        time_limit=seconds,
        rebalance=done,
    )


def rebalanced_communities(
    city: City, before: Snapshot, done: CityRebalance
) -> tuple[pd.DataFrame, IntArray]:
    """
    Name the communities after a rebalancing.

    A community of today keeps id and name if it keeps a unit of its own under its label; every
    other one is new, with a provisional id after the community that most of its residents come
    from. The labels are those that leave the most residents in their community.

    Returns
    -------
    tuple
        One row a community with its identity, and the row of each unit.
    """
    key = city.unit_community_idx.copy()  # a community of today by its row, new ones beyond
    num_new = 0
    mean = np.full(city.num_communities, np.nan)
    for region in done.regions:
        if region.labels is None:
            continue
        members, own = region.region.members, region.labels
        mean[region.rows] = region.region.sizes[:, 0].sum() / np.unique(own).size
        for label in np.unique(own):
            units = members[own == label]
            row = int(region.rows[label]) if label < region.rows.size else -1
            stays = row >= 0 and bool((city.unit_community_idx[units] == row).any())
            key[units] = row if stays else city.num_communities + num_new
            num_new += not stays
    return _named(city, before, key, mean)


def _named(
    city: City, before: Snapshot, key: IntArray, mean: np.ndarray
) -> tuple[pd.DataFrame, IntArray]:
    """Return identity and change of every community, those of one parent together."""
    residents = city.units["residents"].to_numpy(float)
    num_today, today = city.num_communities, city.unit_community_idx
    keys = np.unique(key)
    parent = {
        int(k): int(k)
        if k < num_today
        else int(np.bincount(today[key == k], residents[key == k] + 1e-6, num_today).argmax())
        for k in keys
    }
    order = sorted(keys.tolist(), key=lambda k: (parent[k], k))
    changes = change_types(today, key, num_today)
    taken = set(before.communities["community_id"].astype(str))
    siblings = dict.fromkeys(range(num_today), 1)
    rows: list[dict[str, Any]] = []
    row_of = np.zeros(int(keys.max()) + 1, dtype=np.int64)
    for k in order:
        row_of[k] = len(rows)
        community = before.communities.iloc[parent[k]]
        new_id, name = str(community["community_id"]), community["name"]
        if k >= num_today:
            siblings[parent[k]] += 1
            name = f"{name}-{siblings[parent[k]]}"
            new_id = free_id(f"{new_id}-P{siblings[parent[k]]}", taken)
        average = mean[parent[k]]
        total = residents[key == k].sum()
        rows.append(
            {
                "community_id": new_id,
                "name": name,
                "parent_id": str(community["community_id"]),
                "street_id": community["street_id"],
                "change_type": changes[k],
                "tier": community["tier"],
                "provisional": k >= num_today,
                "deviation": 0.0 if np.isnan(average) else total / max(average, 1e-9) - 1,
            }
        )
    return pd.DataFrame(rows), row_of[key]


def change_types(today: IntArray, key: IntArray, num_today: int) -> dict[int, str]:
    """
    Tell what became of each community.

    "split": new, or gave units to a new one. "merged": holds units of one that vanished.
    "rebalanced": its units changed otherwise. "kept": the units of today.

    Parameters
    ----------
    today, key
        Community of each unit before and after, shape (units,); below ``num_today`` they are the
        same communities, above they are new.
    """
    vanished = np.setdiff1d(np.unique(today), key)
    divided = np.unique(today[key >= num_today])
    found = {}
    for k in np.unique(key).tolist():
        mine = key == k
        if k >= num_today:
            found[k] = "split"
        elif np.isin(today[mine], vanished).any():
            found[k] = "merged"
        elif k in divided:
            found[k] = "split"
        else:
            found[k] = "kept" if np.array_equal(mine, today == k) else "rebalanced"
    return found
