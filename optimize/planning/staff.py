"""Stage staff: whole community workers for communities, and for the stations where they work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.walking import WalkingTimes
from ...models.formulation import FloatArray, IntArray
from ...models.staffing import Staffing, allotted
from .audit import audit_city

MOST = 1e9
"""Workers of a community at most where the policy sets no limit."""


@dataclass(frozen=True, eq=False)
class StaffPlan:
    """
    Workers of communities and posts.

    Parameters
    ----------
    communities
        One row a community: community_id, name, residents, exact_share, workers, rounded_up (what
        rounding each by itself gives), difference (workers - rounded_up), per_10000.
    posts
        One row a community and station: community_id, site_id (None where no station serves a
        resident), residents served there, workers.
    problem
        What was asked.
    needed
        Workers that the rate asks for, not rounded.
    """

    communities: pd.DataFrame
    posts: pd.DataFrame
    problem: Staffing
    needed: float

    def as_record(self, policy: Policy) -> dict[str, Any]:
        """Return what is known as JSON takes it."""
        table = self.communities
        return {
            "policy": policy.staff.model_dump(mode="json"),
            "residents": int(table["residents"].sum()),
            "needed": self.needed,
            "total": self.problem.total,
            "rounded_up_each": int(table["rounded_up"].sum()),
            "saved": int(table["rounded_up"].sum()) - self.problem.total,
            "rule": self.problem.rule,
            "objective": self.problem.evaluate(table["workers"].to_numpy(np.int64)),
            "status": "optimal",
            "communities": table.to_dict(orient="records"),
            "posts": self.posts.to_dict(orient="records"),
        }


def staff_plan(communities: pd.DataFrame, units: pd.DataFrame, policy: Policy) -> StaffPlan:
    """
    Allot whole workers to communities, and those of each community to its posts.

    The workers of a community are shared among the stations that serve its residents, by the
    residents that each serves; residents out of reach of every station do not count there.

    Parameters
    ----------
    communities
        community_id, name and residents.
    units
        community_id, site_id (of the nearest station within reach; null if none) and residents.
    policy
        Rate, total, rule and bounds.

    Raises
    ------
    ValueError
        If the bounds do not allow the total.
    """
    rules = policy.staff
    residents = communities["residents"].to_numpy(float)
    needed = float(residents.sum()) * rules.workers_per_10000 / 10_000
    most = float(rules.most_per_community or MOST)
    problem = Staffing(
        residents,
        total=rules.total or _up(needed),
        least=np.full(residents.size, float(rules.least_per_community)),
        most=np.full(residents.size, most),
        rule=rules.method,
    )
    workers = allotted(problem)
    broken = problem.violations(workers)
    if broken:
        raise RuntimeError(f"the allotment breaks a rule: {broken[0]}")
    alone = np.array([_up(one * rules.workers_per_10000 / 10_000) for one in residents], dtype=int)
    table = pd.DataFrame(
        {
            "community_id": communities["community_id"].astype(str).to_numpy(object),
            "name": communities["name"].to_numpy(object),
            "residents": residents.astype(int),
            "exact_share": problem.shares,
            "workers": workers,
            "rounded_up": alone,
            "difference": workers - alone,
            "per_10000": np.where(residents > 0, 1e4 * workers / np.maximum(residents, 1), np.nan),
        }
    )
    return StaffPlan(table, _posts(table, units), problem, needed)


def _up(number: float) -> int:
    """Round up, but forgive what rounding left."""
    return int(np.ceil(number - 1e-9))


def _posts(table: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Share the workers of each community among its stations."""
    served = units[units["site_id"].notna()]
    total: dict[tuple[str, str], float] = {}
    columns = (served["community_id"], served["site_id"], served["residents"])
    for community, site, number in zip(*columns, strict=True):
        key = (str(community), str(site))
        total[key] = total.get(key, 0.0) + float(number)
    by_community: dict[str, list[tuple[str, float]]] = {}
    for (community, site), number in sorted(total.items()):
        if number > 0:
            by_community.setdefault(community, []).append((site, number))
    rows: list[tuple[str, str | None, int, int]] = []
    for community, workers in zip(table["community_id"], table["workers"], strict=True):
        stations = by_community.get(community, [])
        if not stations:
            rows.append((community, None, 0, int(workers)))
            continue
        people = np.array([number for _, number in stations])
        shared = _shared(people, int(workers))
        rows += [
            (community, site, int(number), int(one))
            for (site, number), one in zip(stations, shared, strict=True)
        ]
    return pd.DataFrame(rows, columns=["community_id", "site_id", "residents", "workers"])


def _shared(people: FloatArray, workers: int) -> IntArray:
    """Share workers among stations by largest remainders."""
    return allotted(Staffing(people, workers, np.zeros(people.size), np.full(people.size, MOST)))


def staff_city(city: City, policy: Policy, times: WalkingTimes) -> StaffPlan:
    """
    Allot workers to the communities and stations of today.

    Parameters
    ----------
    city, policy, times
        The city, the rules and the walking minutes.

    Raises
    ------
    ValueError
        If the bounds do not allow the total.
    """
    snapshot = audit_city(city, policy, times)
    ids = snapshot.communities["community_id"].astype(str).to_numpy(object)
    sites = np.array([*city.sites["site_id"].astype(str), None], dtype=object)
    units = pd.DataFrame(
        {
            "community_id": ids[snapshot.unit_community],
            "site_id": sites[snapshot.nearest_site],  # -1, for none, is the last
            "residents": city.units["residents"].to_numpy(float),
        }
    )
    return staff_plan(snapshot.communities, units, policy)
