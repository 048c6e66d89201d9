"""Stage rebalance: neighbouring communities at once, as few residents as possible moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...instances.adjacency import components
from ...instances.city import City
from ...instances.policy import Policy
from ...models.districting.rebalancing import Rebalancing
from ...models.formulation import BoolArray, IntArray
from ..districting.rebalancing.engine import rebalance_districts
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress, silent
from .rebalance_region import CityRebalance, RebalanceRules, RegionRebalance
from .region import Region
from .snapshot import Snapshot

MOST_RING = 6
"""Largest ring of neighbours round a community that breaks a rule."""


def rebalance_city(
    city: City,
    policy: Policy,
    audit: Snapshot,
    rules: RebalanceRules,
    *,
    solver: str = "scip",
    deadline: Deadline | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> CityRebalance:
    """
    Rebalance the communities named, or those that break a rule with their neighbours.

    Without names every community that breaks a rule is taken with the communities that touch it;
    regions that share a community are one. A region without a plan grows by one ring. What is
    proven holds for plans that leave all communities outside of the region as they are.

    Parameters
    ----------
    city, policy, audit
        The city, its rules, and where it stands.
    rules
        What may be changed.
    solver
        Backend of the integer programs. SCIP takes contiguity into its search; every other one is
        called anew whenever a district falls into pieces.
    deadline, stop, listen
        When to stop, a request to stop, and who hears of progress.

    Raises
    ------
    ValueError
        If a community or street is unknown.
    """
    task = _Task(city, policy, audit, rules, solver, deadline, stop, listen)
    return CityRebalance(rules, tuple(task.named() if task.is_one_region else task.around()))


@dataclass(frozen=True, eq=False)
class _Task:
    """The rebalancing of one city."""

    city: City
    policy: Policy
    audit: Snapshot
    rules: RebalanceRules
    solver: str
    deadline: Deadline | None
    stop: Stop | None
    listen: Listener

    @property
    def is_one_region(self) -> bool:
        """Whether all communities that are asked for are one region."""
        named = bool(self.rules.communities) or self.rules.street is not None
        return named or isinstance(self.rules.count, int) or self.rules.tolerance is not None

    @cached_property
    def whole(self) -> Region:
        """The whole city."""
        rows = np.arange(self.city.num_communities)
        return Region.of_communities(self.city, self.policy, rows)

    @cached_property
    def neighbours(self) -> BoolArray:
        """Whether two communities touch, shape (communities, communities)."""
        pairs = self.whole.community[self.whole.adjacency.pairs.reshape(-1, 2)]
        touching = np.zeros((self.city.num_communities,) * 2, dtype=bool)
        touching[pairs[:, 0], pairs[:, 1]] = touching[pairs[:, 1], pairs[:, 0]] = True
        np.fill_diagonal(touching, val=False)
        return touching

    @cached_property
    def in_one_piece(self) -> BoolArray:
        """Whether the units of each community hang together today, shape (communities,)."""
        pairs = self.whole.adjacency.pairs
        inside = pairs[self.whole.community[pairs[:, 0]] == self.whole.community[pairs[:, 1]]]
        part = components(self.city.num_units, inside)
        parts = np.unique(np.stack([self.whole.community, part], axis=1), axis=0)
        return np.asarray(np.bincount(parts[:, 0], minlength=self.city.num_communities) == 1)

    @cached_property
    def breaking(self) -> IntArray:
        """Rows of the communities that break a rule today."""
        table, split = self.audit.communities, self.policy.split
        residents = table["residents"].to_numpy(float)
        wrong = residents >= split.gradual_residents
        wrong |= table["households"].to_numpy(float) >= split.gradual_households
        wrong |= residents < self.rules.least_residents
        return np.flatnonzero(wrong)

    def named(self) -> list[RegionRebalance]:
        """Rebalance all communities that are asked for at once."""
        rows = self._asked_for()
        return [self._solve(rows, None, self._seconds(1))]

    def _asked_for(self) -> IntArray:
        table = self.audit.communities
        if self.rules.street is not None:
            rows = np.flatnonzero(table["street_id"].astype(str) == self.rules.street)
            if not rows.size:
                known = ", ".join(sorted(table["street_id"].dropna().astype(str).unique())[:8])
                raise ValueError(f"Street {self.rules.street} is unknown; known are {known}.")
            return rows
        if not self.rules.communities:
            return np.arange(len(table))
        chosen: list[int] = []
        for wanted in self.rules.communities:
            ids, names = table["community_id"].astype(str), table["name"].astype(str)
            found = np.flatnonzero(ids == wanted)
            found = found if found.size else np.flatnonzero(names == wanted)
            if found.size != 1:
                many = "unknown" if not found.size else "the name of several; give an id"
                raise ValueError(f"Community {wanted} is {many}. `shequ audit` lists all.")
            chosen.append(int(found[0]))
        return np.unique(np.array(chosen, dtype=np.int64))

    def around(self) -> list[RegionRebalance]:
        """Rebalance every community that breaks a rule with its neighbours; grow where needed."""
        rings = dict.fromkeys(self.breaking.tolist(), 1)
        solved: dict[frozenset[int], RegionRebalance] = {}
        while True:
            regions = self._regions(rings)
            open_ones = [rows for rows in regions if rows not in solved]
            for done, rows in enumerate(open_ones):
                ring = max(rings[seed] for seed in rows if seed in rings)
                share = self._seconds(len(open_ones) - done)
                solved[rows] = self._solve(np.array(sorted(rows)), ring, share)
            failed = [rows for rows in regions if solved[rows].outcome.plan is None]
            larger = dict(rings)
            for rows in failed:
                larger |= {seed: rings[seed] + 1 for seed in rows if seed in rings}
            grown = set(self._regions(larger)) != set(regions)
            if not failed or not grown or max(larger.values()) > MOST_RING or self._over:
                return [solved[rows] for rows in regions]
            rings = larger

    @property
    def _over(self) -> bool:
        passed = self.deadline is not None and self.deadline.passed
        return passed or (self.stop is not None and self.stop.requested)

    def _regions(self, rings: dict[int, int]) -> list[frozenset[int]]:
        """Communities within the rings, joined where they share one."""
        regions: list[frozenset[int]] = []
        for seed, ring in rings.items():
            mine = self._within(seed, ring)
            shared = [other for other in regions if other & mine]
            regions = [other for other in regions if not other & mine]
            regions.append(mine.union(*shared))
        return sorted(regions, key=min)

    def _within(self, seed: int, ring: int) -> frozenset[int]:
        """Rows at most so many steps away; communities in several pieces are left alone."""
        reached = np.zeros(self.city.num_communities, dtype=bool)
        reached[seed] = True
        for _ in range(ring):
            reached |= self.neighbours[reached].any(axis=0) & self.in_one_piece
        return frozenset(np.flatnonzero(reached).tolist())

    def _seconds(self, left: int) -> float:
        """Seconds of one region, if so many are left."""
        seconds = self.policy.split.seconds_per_community
        if self.deadline is not None:
            seconds = min(seconds, self.deadline.seconds_left / max(left, 1))
        return max(seconds, 1e-3)

    def _solve(self, rows: IntArray, ring: int | None, seconds: float) -> RegionRebalance:
        region = Region.of_communities(self.city, self.policy, rows)
        asked = self._problem(region, rows)
        lengths = region.border_lengths(asked.problem) if self.rules.second == "border" else None
        names = self.audit.communities["name"].astype(str).to_numpy(object)[rows]
        item = f"{names[0]} and {rows.size - 1} more"

        def heard(objective: float | None, bound: float | None) -> None:
            self.listen(Progress("rebalance", item, 0, 0, objective, bound))

        tuning = self.policy.solver
        outcome = rebalance_districts(
            asked,
            second=self.rules.second,
            lengths=lengths,
            limits=Limits(seconds, 0.0, tuning.seed, tuning.threads),
            solver=self.solver,
            stop=self.stop,
            listen=heard,
        )
        moved = outcome.moved
        text = f"{rows.size} communities, residents moved {moved.status}"
        self.listen(Progress("rebalance", item, 0, 0, moved.objective, moved.bound, text))
        breaking = np.intersect1d(rows, self.breaking)
        return RegionRebalance(rows, breaking, region, asked, ring, outcome)

    def _problem(self, region: Region, rows: IntArray) -> Rebalancing:
        split, num = self.policy.split, rows.size
        most = np.array([split.gradual_residents - 1, split.gradual_households - 1], dtype=float)
        least = np.array([float(self.rules.least_residents), 0.0])
        own = np.searchsorted(rows, region.community)
        sizes = np.zeros((num, 2))
        np.add.at(sizes, own, region.sizes)
        new = int(np.maximum(np.ceil(sizes / np.maximum(most, 1)) - 1, 0).max(axis=1).sum())
        fewest, largest = 1, num + new
        if self.rules.count == "keep":
            fewest = largest = num
        elif self.rules.count != "free":
            fewest = largest = int(self.rules.count)
        if self.rules.tolerance is not None:
            mean = float(region.sizes[:, 0].sum()) / largest
            least[0] = max(least[0], math.ceil(mean * (1 - self.rules.tolerance) - 1e-9))
            most[0] = min(most[0], math.floor(mean * (1 + self.rules.tolerance) + 1e-9))
        if max(largest, num) > region.num_nodes:
            raise ValueError(
                f"{largest} communities cannot be made of {region.num_nodes} units and groups."
            )
        problem = region.districting(num_districts=max(largest, num), lower=least, upper=most)
        today = np.searchsorted(rows, region.node_community)
        return Rebalancing(problem, today, num, fewest, largest)
