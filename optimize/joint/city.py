"""Stage of a city: boundaries and stations of its large communities, chosen together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.site_units import site_units
from ...instances.walking import WalkingTimes
from ...models.formulation import IntArray
from ...models.joint.problem import JointPlan, JointSplit
from ...models.siting.station import StationSiting
from ..limits import Deadline, Limits, Stop
from ..planning.community import SplitTask
from ..planning.over_threshold import over_threshold
from ..planning.region import Region
from ..planning.site import siting_problem
from ..planning.snapshot import Snapshot, communities_of_sites
from ..progress import Listener, Progress, silent
from .engine import JointSolution, solve_joint


@dataclass(frozen=True, eq=False)
class CommunityJoint:
    """
    Boundaries and stations of one community.

    Parameters
    ----------
    row
        Row of the community in the audit.
    community_id, name
        Which community.
    members, sites
        Its units and its sites, as rows of the city.
    region
        Its units as nodes.
    districts
        Number of districts.
    tolerance
        Share by which residents may differ from the mean district.
    solution
        What is known; None if no number of districts that the policy tries gave a plan.
    why_not
        Why there is no plan; empty if there is one.
    seconds
        CPU seconds in all.
    """

    row: int
    community_id: str
    name: str
    members: IntArray
    sites: IntArray
    region: Region
    districts: int
    tolerance: float
    solution: JointSolution | None
    why_not: str = ""
    seconds: float = 0.0

    @property
    def plan(self) -> JointPlan | None:
        """The joint plan."""
        return None if self.solution is None else self.solution.plan


def split_jointly(
    city: City,
    policy: Policy,
    audit: Snapshot,
    times: WalkingTimes,
    *,
    communities: Sequence[str] = (),
    solver: str = "scip",
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> list[CommunityJoint]:
    """
    Split communities and choose the stations of their districts together.

    Parameters
    ----------
    city, policy, audit, times
        The city, its rules, where it stands, and the walking minutes.
    communities
        Ids of communities; empty for all over a threshold of the policy.
    solver
        Backend of the integer programs. "scip" adds contiguity inside its tree.
    seconds
        Time limit of each community; None for twice that of a split and that of a siting.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    ValueError
        If a community is unknown.
    """
    rows = _rows(policy, audit, communities)
    limit = seconds or 2 * policy.split.seconds_per_community + policy.siting.seconds
    home = site_units(city, policy)
    done: list[CommunityJoint] = []
    for number, row in enumerate(rows):
        if stop is not None and stop.requested:
            break
        task = SplitTask(
            city, policy, audit, row, False, None, stop, listen, number, len(rows)
        )  # fmt: skip
        listen(Progress("joint", task.name, number, len(rows)))
        done.append(_solve(task, times, home, limit, solver))
    return done


def _rows(policy: Policy, audit: Snapshot, communities: Sequence[str]) -> list[int]:
    table = audit.communities
    if not communities:
        return [int(row) for row in np.flatnonzero(over_threshold(table, policy))]
    ids = table["community_id"].astype(str).tolist()
    unknown = [name for name in communities if name not in ids]
    if unknown:
        raise ValueError(
            f"--community {unknown[0]}: there is no such community_id in the layer communities; "
            f"the first ones are {', '.join(ids[:3])}."
        )
    return [ids.index(name) for name in dict.fromkeys(communities)]


def _solve(
    task: SplitTask, times: WalkingTimes, home: IntArray, seconds: float, backend: str
) -> CommunityJoint:
    """Try the least number of districts, then more, as the split does."""
    began = time.process_time()
    sites = np.flatnonzero(np.isin(home, task.members))
    refused: list[str] = []
    found: JointSolution | None = None
    districts, deadline = task.least, Deadline.after(seconds)
    most = min(task.least + task.policy.split.max_extra_districts, task.region.num_nodes)
    for districts in range(task.least, most + 1):
        problem = joint_problem(task, times, home, sites, districts)
        if problem.usable.size < districts:
            refused.append(
                f"{districts} districts: the community has {problem.usable.size} sites that may "
                "be open, and every district needs one"
            )
            continue
        found = _attempt(task, problem, deadline, backend)
        if found.plan is not None or deadline.passed:
            break
        refused.append(f"{districts} districts: {found.compact.detail or 'none found in time'}")
    planned = found is not None and found.plan is not None
    return CommunityJoint(
        row=task.row,
        community_id=task.community_id,
        name=task.name,
        members=task.members,
        sites=sites,
        region=task.region,
        districts=districts,
        tolerance=task.policy.split.tolerance,
        solution=found,
        why_not="" if planned else "; ".join(refused) or "no plan was found in time",
        seconds=time.process_time() - began,
    )


def _attempt(
    task: SplitTask, problem: JointSplit, deadline: Deadline, backend: str
) -> JointSolution:
    """Solve one number of districts in the time that is left."""
    tuning, seconds = task.policy.solver, max(1e-2, deadline.seconds_left)
    return solve_joint(
        problem,
        compactness_slack=task.policy.split.compactness_slack,
        limits=Limits(seconds, tuning.siting_gap, tuning.seed, tuning.threads),
        solver=backend,
        stop=task.stop,
    )


def joint_problem(
    task: SplitTask, times: WalkingTimes, home: IntArray, sites: IntArray, districts: int
) -> JointSplit:
    """
    Build the joint problem of one community with a number of districts.

    Parameters
    ----------
    task
        The split of the community.
    times
        Walking minutes of the city.
    home
        Unit of each site of the city, -1 for none, shape (city sites,).
    sites
        Sites in the community, as rows of the city.
    districts
        Number of districts.

    Raises
    ------
    ValueError
        If decisions lock units of it or keep some apart.
    """
    split = task.problem(districts, task.policy.split.tolerance)
    if split.rules is not None:
        raise ValueError(
            f"Decisions lock units of {task.name} or keep some apart; boundaries and stations "
            "together take no such decisions: leave them out, or make the plan by `shequ plan`."
        )
    city, policy, audit, members = task.city, task.policy, task.audit, task.members
    whole = siting_problem(
        city,
        policy,
        times,
        audit.communities,
        audit.unit_community,
        communities_of_sites(home, audit.unit_community),
    )
    one = np.zeros(members.size, dtype=np.int64)
    stations: StationSiting = replace(
        whole,
        **{
            label: getattr(whole, label)[sites]
            for label in (
                "existing", "area_today_m2", "min_area_m2", "max_area_m2", "fixed_cost",
                "cost_per_m2", "required", "forbidden",
            )
        },
        **{
            label: getattr(whole, label)[members]
            for label in ("residents", "households", "must_reach")
        },
        community_of_site=np.zeros(sites.size, dtype=np.int64),
        community_of_unit=one,
        minutes=sparse.csr_array(whole.minutes[sites][:, members]),
        target_m2=whole.target_m2[[task.row]],
        site_ids=tuple(whole.site_ids[site] for site in sites),
        unit_ids=tuple(whole.unit_ids[unit] for unit in members),
        community_ids=(task.community_id,),
    )  # fmt: skip
    groups = task.region.groups
    return JointSplit(
        split,
        stations,
        groups,
        groups[np.searchsorted(members, home[sites])],
        policy.siting.floor_area_m2_per_100_households / 100,
    )
