"""
The problem with equal clients merged: groups of equal reach, in segments of equal worth.

Only reach matters, so clients with the same sites in reach share them as one group. Within a group
the clients with most residents a household come first, whatever floor area it gets: each distinct
ratio is a segment, and what the group's floor area serves is a concave function of it. No plan is
lost or made up by that, so the merging is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.modular_floor_area import ModularFloorArea, ModularPlan, totals

_SAME = 1e-12
"""Share by which ratios of residents to households may differ and still count as one."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """
    The reduced problem.

    Parameters
    ----------
    problem
        What was asked.
    client
        Clients that matter, by group and by falling worth, shape (kept,).
    segment_of_client
        Segment of each of them, shape (kept,).
    segment_group, segment_worth, segment_need
        Group, residents a m², and floor area of each segment, in the order of ``client``.
    arc_group, arc_site
        Pairs of group and site within reach, by group.
    level_site, level_index
        Site and number (from 1) of each level that is of use, by site.
    level_area, level_cost
        Floor area, no larger than what the site's clients need, and cost of each.
    base_area
        Floor area today, likewise, shape (sites,).
    """

    problem: ModularFloorArea
    client: IntArray
    segment_of_client: IntArray
    segment_group: IntArray
    segment_worth: FloatArray
    segment_need: FloatArray
    arc_group: IntArray
    arc_site: IntArray
    level_site: IntArray
    level_index: IntArray
    level_area: FloatArray
    level_cost: FloatArray
    base_area: FloatArray

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.base_area.size

    @cached_property
    def num_groups(self) -> int:
        """Number of groups."""
        return int(self.segment_group[-1]) + 1 if self.segment_group.size else 0

    @cached_property
    def group_need(self) -> FloatArray:
        """Floor area that each group needs, shape (groups,)."""
        return totals(self.segment_group, self.segment_need, self.num_groups)

    @cached_property
    def first_arc(self) -> IntArray:
        """Where the arcs of each group begin, shape (groups + 1,)."""
        return np.searchsorted(self.arc_group, np.arange(self.num_groups + 1))

    @cached_property
    def first_segment(self) -> IntArray:
        """Where the segments of each group begin, shape (groups + 1,)."""
        return np.searchsorted(self.segment_group, np.arange(self.num_groups + 1))

    @cached_property
    def first_level(self) -> IntArray:
        """Where the levels of each site begin, shape (sites + 1,)."""
        return np.searchsorted(self.level_site, np.arange(self.num_sites + 1))

    @cached_property
    def arcs_by_site(self) -> tuple[IntArray, IntArray]:
        """Arcs site by site, and where those of each site begin, shape (sites + 1,)."""
        order = np.argsort(self.arc_site, kind="stable")
        return order, np.searchsorted(self.arc_site[order], np.arange(self.num_sites + 1))

    def areas(self, level: IntArray) -> FloatArray:
        """Floor area of use at each site, given the levels of the problem, shape (sites,)."""
        most = totals(self.arc_site, self.group_need[self.arc_group], self.num_sites)
        return np.minimum(self.problem.floor_areas(level), most)

    def worth(self, group_area: FloatArray) -> FloatArray:
        """Residents that each group's floor area serves, shape (groups,)."""
        filled = self.filled(group_area)
        return totals(self.segment_group, filled * self.segment_worth, self.num_groups)

    def filled(self, group_area: FloatArray) -> FloatArray:
        """Floor area that each segment gets out of that of its group, shape (segments,)."""
        total = np.cumsum(self.segment_need)
        before = total - self.segment_need
        group_before = (total - self.segment_need)[self.first_segment[:-1]]
        left = group_area[self.segment_group] - (before - group_before[self.segment_group])
        return np.clip(left, 0.0, self.segment_need)

    def plan(self, level: IntArray, flow: FloatArray) -> ModularPlan:
        """
        Turn levels and flows into a plan for the clients.

        Parameters
        ----------
        level
            Level of each site, shape (sites,).
        flow
            Floor area of the site that serves the group, for each arc, shape (arcs,).
        """
        flow = np.maximum(flow, 0.0)
        given = totals(self.arc_group, flow, self.num_groups)
        portion = flow / np.maximum(given, 1e-300)[self.arc_group]
        filled = self.filled(np.minimum(given, self.group_need))
        served = (filled / np.maximum(self.segment_need, 1e-300))[self.segment_of_client]
        problem = self.problem
        share = np.zeros(problem.pairs[0].size)
        group = self.segment_group[self.segment_of_client]
        if not group.size:
            return ModularPlan(level, share)
        counts = np.diff(self.first_arc)[group]
        arc = np.repeat(self.first_arc[:-1][group] - np.cumsum(counts) + counts, counts)
        arc += np.arange(counts.sum())
        value = np.repeat(served, counts) * portion[arc]
        client, site = np.repeat(self.client, counts), self.arc_site[arc]
        place = np.searchsorted(
            problem.pairs[0] * self.num_sites + problem.pairs[1], client * self.num_sites + site
        )
        share[place] = value
        return ModularPlan(level, share)


def reduce(problem: ModularFloorArea) -> Reduced:
    """Merge clients, and leave out pairs, clients and levels that are of no use to any plan."""
    usable = _usable(problem)
    client, site = problem.pairs
    kept = usable[site] & (problem.residents > 0)[client]
    client, site = client[kept], site[kept]
    group_of, first = _groups(client, site, problem.num_clients)
    members = np.flatnonzero(group_of >= 0)
    worth = problem.residents[members] / problem.needs[members]
    members = members[np.lexsort((members, -worth, group_of[members]))]
    group, worth = group_of[members], problem.residents[members] / problem.needs[members]
    new = np.ones(members.size, dtype=bool)
    new[1:] = (group[1:] != group[:-1]) | (worth[1:] < worth[:-1] * (1 - _SAME))
    segment = np.cumsum(new) - 1
    num_segments = int(new.sum())
    need = totals(segment, problem.needs[members], num_segments)
    starts = np.searchsorted(client, first)
    ends = np.searchsorted(client, first, side="right")
    arcs = [site[a:b] for a, b in zip(starts, ends, strict=True)]
    arc_group = np.repeat(np.arange(first.size), ends - starts)
    arc_site = np.concatenate(arcs) if arcs else np.empty(0, dtype=np.int64)
    total = totals(group, problem.needs[members], first.size)
    most = totals(arc_site, total[arc_group], problem.num_sites)
    return Reduced(
        problem,
        members,
        segment,
        group[new],
        worth[new],
        need,
        arc_group,
        arc_site,
        *_levels(problem, most),
        np.minimum(problem.today, most),
    )


def _usable(problem: ModularFloorArea) -> BoolArray:
    """Sites that can have floor area, shape (sites,)."""
    return np.asarray(problem.existing | (problem.offered.any(axis=1) & ~_closed(problem)))


def _closed(problem: ModularFloorArea) -> BoolArray:
    """Sites that must stay closed: forbidden, or too close to one that must be open."""
    rules = problem.all_rules
    closed = np.zeros(problem.num_sites, dtype=bool)
    if rules.forbidden is not None:
        closed |= rules.forbidden
    if rules.apart is not None and rules.required is not None:
        for pairs in (rules.apart, rules.apart[:, ::-1]):
            closed[pairs[rules.required[pairs[:, 0]], 1]] = True
    return closed


def _groups(client: IntArray, site: IntArray, num_clients: int) -> tuple[IntArray, IntArray]:
    """Give each client the number of its group, -1 without any; and each group its first client."""
    first = np.searchsorted(client, np.arange(num_clients + 1))
    sites = np.ascontiguousarray(site, dtype=np.int64)
    found: dict[bytes, int] = {}
    group_of = np.full(num_clients, -1, dtype=np.int64)
    representative: list[int] = []
    for i in np.flatnonzero(np.diff(first)).tolist():
        key = sites[first[i] : first[i + 1]].tobytes()
        group = found.setdefault(key, len(found))
        if group == len(representative):
            representative.append(i)
        group_of[i] = group
    return group_of, np.array(representative, dtype=np.int64)


def _levels(
    problem: ModularFloorArea, most: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """
    Levels that no other level of their site dominates: site, number, area and cost.

    A level is dominated by one that costs no more and has no less floor area of use. A candidate
    keeps its cheapest level even where it serves nobody, as a rule may ask it to be open.
    """
    closed = _closed(problem)
    site, index = np.nonzero(problem.offered & ~closed[:, None])
    area = np.minimum(problem.areas[site, index], most[site])
    cost = problem.costs[site, index]
    order = np.lexsort((index, -area, cost, site))
    site, index, area, cost = site[order], index[order], area[order], cost[order]
    base = np.where(problem.existing, np.minimum(problem.today, most), -1.0)
    keep = np.zeros(site.size, dtype=bool)
    best, before = -1.0, -1
    for k, j in enumerate(site.tolist()):
        if j != before:
            best, before = float(base[j]), j
        if area[k] > best + 1e-9:
            keep[k], best = True, float(area[k])
    return site[keep], index[keep] + 1, area[keep], cost[keep]
