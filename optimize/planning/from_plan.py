"""
A plan that starts from an earlier one and changes as little of it as new data and rules ask for.

In this order: communities that the earlier plan divided keep their districts where these still
meet every rule; the others are divided anew with the fewest residents moved (the rebalancing model
within the community). For the communities that come of that, the fewest stations are opened or no
longer opened, then cost is least. Each step is proven given the ones before it. All services laid
out together start from those of the earlier plan, where a change has a price
(:mod:`.kept_services`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.decisions import locked_communities
from ...instances.policy import Policy
from ...instances.service_places import Places
from ...instances.site_units import site_units
from ...instances.stationed_city import stationed_city
from ...instances.travel import CityWalks
from ...instances.walking import WalkingTimes
from ...models.formulation import IntArray
from ...models.siting.station import Siting
from ..limits import Deadline, Stop
from ..progress import Listener, Progress, silent
from ..result import Result
from .audit import audit_city
from .clock import Clock
from .communities_named import free_id, new_communities
from .community import SplitTask
from .earlier_plan import EarlierPlan
from .from_plan_stations import Restationing, RestationTask
from .kept_splits import KeptSplit, keep_split
from .over_threshold import over_threshold
from .plan import Plan, ServicesAsked, plan_of
from .shortfall import InfeasibleError, Shortfall
from .site import siting_problem
from .snapshot import Snapshot, communities_of_sites
from .split import split_shortfalls
from .stages import SPLITTING, lay_out, short_of_stations

if TYPE_CHECKING:
    from .services import CityServices


@dataclass(frozen=True, eq=False)
class Replanning:
    """
    What was kept of an earlier plan, and what is proven of the changes.

    Parameters
    ----------
    earlier
        Name of the earlier plan.
    splits
        What became of its splits.
    whole
        Communities that it divided and that are not divided any more.
    changes
        Stations opened or no longer open, for these communities; None without the stage site.
    cost
        Least cost among plans with no more changes; None without the stage site.
    cheapest
        The cheapest plan for these communities, whatever it changes; None without that stage, or
        with a budget.
    """

    earlier: str
    splits: tuple[KeptSplit, ...]
    whole: tuple[str, ...]
    changes: Result[Siting] | None = None
    cost: Result[Siting] | None = None
    cheapest: Result[Siting] | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        return {
            "earlier": self.earlier,
            "splits": [split.as_record() for split in self.splits],
            "whole": list(self.whole),
            **{
                name: None if result is None else result.as_record()
                for name, result in (
                    ("changes", self.changes),
                    ("cost", self.cost),
                    ("cheapest", self.cheapest),
                )
            },
        }


def replan(
    city: City,
    policy: Policy,
    earlier: EarlierPlan,
    *,
    budget: float | None = None,
    relax: bool = True,
    services: ServicesAsked | None = None,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> tuple[Plan, Replanning]:
    """
    Make the plan of a city that changes an earlier plan as little as possible.

    Parameters
    ----------
    city, policy
        The city and the rules of now, with its decisions.
    earlier
        The earlier plan.
    budget
        Money to spend: the most residents are served first, with the fewest changes then.
    relax
        Meet what can be met and list the rest; otherwise refuse.
    services
        Services to lay out together instead of stations alone.
    seconds
        Time limit for both stages together.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    InfeasibleError
        If the rules cannot be met and ``relax`` is off.
    NoPlanError
        If nothing was found within the limits.
    """
    given = city
    if services is not None:
        city, policy = stationed_city(city, policy, services.catalogue)
    task = _Task(city, policy, earlier, budget, relax, stop, listen, given, services)
    return task.run(seconds)


@dataclass(frozen=True, eq=False)
class _Task:
    """One plan that starts from an earlier one."""

    city: City
    policy: Policy
    earlier: EarlierPlan
    budget: float | None
    relax: bool
    stop: Stop | None
    listen: Listener
    given: City
    services: ServicesAsked | None

    def run(self, seconds: float | None) -> tuple[Plan, Replanning]:
        city, policy, clock = self.city, self.policy, Clock()
        deadline = None if seconds is None else Deadline.after(seconds)
        self.listen(Progress("walk", text="walking times"))
        walks = CityWalks(city, policy)
        times = walks.minutes()
        before = audit_city(city, policy, times)
        clock.lap("walk")
        kept, missing = self.splits(before, deadline)
        home = site_units(city, policy)
        splits = [one.split for one in kept]
        names, unit_community = new_communities(city, home, before, splits)
        names = self.named(names, unit_community, kept)
        clock.lap("split")
        left = None if deadline is None else max(1.0, deadline.seconds_left)
        places = Places(names, unit_community, communities_of_sites(home, unit_community))
        stations, laid_out = None, None
        if self.services is None:
            stations = self.stations(times, places, left or policy.siting.seconds)
            missing += stations.missing
        else:
            laid_out = self.facilities(self.services, walks, places, left)
            missing += short_of_stations(city, policy, times, laid_out)
        clock.lap("site" if laid_out is None else "services")
        plan = plan_of(
            city,
            policy,
            times,
            before,
            names=names,
            unit_community=unit_community,
            site_unit=home,
            siting=None if stations is None else stations.siting,
            services=laid_out,
            shortfalls=tuple(missing),
            seconds=clock.seconds,
            splits=tuple(splits),
            interrupted=self.stop is not None and self.stop.requested,
            time_limit=seconds,
        )
        done = Replanning(self.earlier.name, tuple(kept), self.whole(before, kept))
        if stations is not None:
            done = replace(
                done,
                changes=stations.changes,
                cost=stations.cost,
                cheapest=stations.cheapest if self.budget is None else None,
            )
        return plan, done

    def splits(
        self, before: Snapshot, deadline: Deadline | None
    ) -> tuple[list[KeptSplit], list[Shortfall]]:
        """Keep or change the districts of every community that the policy splits."""
        city, policy = self.city, self.policy
        due = over_threshold(before.communities, policy) & ~locked_communities(city)
        rows = [int(row) for row in np.flatnonzero(due)]
        half = None if deadline is None else Deadline.after(SPLITTING * deadline.seconds_left)
        entries = self._entries()
        kept: list[KeptSplit] = []
        for done, row in enumerate(rows):
            task = SplitTask(
                city, policy, before, row, self.relax, half, self.stop, self.listen, done, len(rows)
            )
            one = keep_split(task, self._earlier_ids(task), entries.get(task.community_id))
            kept.append(one)
            result = one.split.result
            text = f"{one.how}: {one.split.districts} districts"
            self.listen(
                Progress("split", one.split.name, done + 1, len(rows), result.objective,
                         result.bound, text)
            )  # fmt: skip
        missing = split_shortfalls(city, policy, before, [one.split for one in kept])
        if not self.relax and any(one.remedy_key != "locked" for one in missing):
            raise InfeasibleError(missing)
        return kept, missing

    def _earlier_ids(self, task: SplitTask) -> list[str | None]:
        """Community of each unit in the earlier plan, if that came of the community of today."""
        earlier, own = self.earlier, task.community_id
        units = self.city.units["unit_id"].astype(str).to_numpy(object)[task.members]
        return [
            earlier.unit_community[unit] if earlier.unit_parent.get(unit) == own else None
            for unit in units
        ]

    def _entries(self) -> dict[str, Mapping[str, Any]]:
        """Earlier records of splits whose proofs hold: same file, rules, borders and decisions."""
        record, city = self.earlier.record, self.city
        same = (
            record["city"].get("sha256") == city.sha256
            and record["policy"]["split"] == self.policy.model_dump(mode="json")["split"]
            and record["city"].get("edge_changes", [])
            == [change.as_record() for change in city.edge_changes]
            and record.get("decisions", []) == [one.as_record() for one in city.decisions]
        )
        return {str(entry["community_id"]): entry for entry in record["split"]} if same else {}

    def named(
        self, names: pd.DataFrame, unit_community: IntArray, kept: list[KeptSplit]
    ) -> pd.DataFrame:
        """Give districts the ids and names that they had in the earlier plan."""
        table = names.copy()
        taken = set(self.city.communities["community_id"].astype(str))
        taken |= set(self.earlier.community_names)
        for one in kept:
            solution = one.split.result.solution
            if solution is None or not any(one.ids):
                continue
            rows = {
                int(district): int(unit_community[one.split.members[solution == district][0]])
                for district in np.unique(solution)
            }
            parent = one.split.community_id
            ids = list(one.ids)
            if parent not in ids:
                free = [spot for spot, name in enumerate(ids) if name is None]
                ids[free[0] if free else 0] = parent
            title = str(one.split.name)
            for district, row in rows.items():
                known = ids[district]
                number = district + 1
                name = known or free_id(f"{parent}-P{number}", taken)
                told = self.earlier.community_names.get(name, f"{title}-{number}")
                table.loc[row, "community_id"] = name
                table.loc[row, "name"] = title if name == parent else told
                table.loc[row, "provisional"] = name != parent
        return table

    def whole(self, before: Snapshot, kept: list[KeptSplit]) -> tuple[str, ...]:
        """Communities of today that the earlier plan divided and this one does not."""
        now = {one.split.community_id for one in kept if one.split.result.solution is not None}
        earlier: dict[str, set[str]] = {}
        for unit, parent in self.earlier.unit_parent.items():
            earlier.setdefault(parent, set()).add(self.earlier.unit_community[unit])
        today = before.communities["community_id"].astype(str)
        return tuple(name for name in today if len(earlier.get(name, ())) > 1 and name not in now)

    def facilities(
        self, services: ServicesAsked, walks: CityWalks, places: Places, seconds: float | None
    ) -> CityServices:
        """Lay out services in the city as it was read, with no change that does not pay."""
        return lay_out(
            self.given,
            self.policy,
            services,
            walks,
            places,
            earlier=self.earlier,
            seconds=seconds,
            stop=self.stop,
            listen=self.listen,
        )

    def stations(self, times: WalkingTimes, places: Places, seconds: float) -> Restationing:
        """Open stations with as few changes as possible, for the communities of the plan."""
        city, policy, names = self.city, self.policy, places.communities
        units, sites = places.unit_community, places.site_community
        problem = siting_problem(city, policy, times, names, units, sites)
        task = RestationTask(
            city,
            policy,
            problem,
            names,
            self.earlier.stations(city),
            self.budget,
            self.relax,
            self.stop,
            self.listen,
        )
        return task.solve(seconds)
