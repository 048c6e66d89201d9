"""
Groupings: which sites open, and which of them share a district.

A community has few sites, so what is decided about them can be listed: a grouping opens some sites
and divides them into k groups, one a district. What is left is a districting whose districts are
told apart by their stations: a site's node belongs to the district of its group, a node may join
only districts whose stations reach all of it, and a district has at most the households that its
stations have floor area for. The cost depends on the households of the districts alone,

    Σ_d g_d(H_d),    g_d(H) = cost of opening + cheapest m² first until their need is met,

and g_d is convex and piecewise linear. Over Σ_d H_d = all households and bounds of each H_d its
least value is found by taking the smallest slopes first, which bounds the cost of every plan of the
grouping without any solver.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse.csgraph import connected_components

from ..districting.problem import Districting
from ..districting.rules import DistrictRules
from ..formulation import BoolArray, FloatArray, IntArray
from .problem import JointPlan, JointSplit
from .rooted import rooted_nodes

ROUNDING = 1e-6
"""Households, or part of a cost, by which a bound may be missed in rounding."""


@dataclass(frozen=True, eq=False)
class Price:
    """
    Cost g of a group of sites by the households of its district.

    Parameters
    ----------
    base
        Cost of opening, with the least floor areas.
    free
        Households that the least floor areas suffice for.
    slope, length
        Cost of a further household, ascending, and how many there are of each.
    """

    base: float
    free: float
    slope: FloatArray
    length: FloatArray

    @property
    def most(self) -> float:
        """Households that the largest floor areas suffice for."""
        return self.free + float(self.length.sum())

    def __call__(self, households: float) -> float:
        """Cost of a district with so many households; infinite if there is no room."""
        left = households - self.free
        if left > self.length.sum() + ROUNDING:
            return np.inf
        before = np.r_[0.0, np.cumsum(self.length)[:-1]]
        taken = np.clip(left - before, 0.0, self.length) if self.length.size else np.zeros(0)
        return self.base + float(self.slope @ taken)

    def most_within(self, money: float) -> float:
        """Most households that cost no more than ``money``; -1 if none do."""
        left = money - self.base
        if left < -ROUNDING * max(1.0, abs(money)):
            return -1.0
        most = self.free
        for slope, length in zip(self.slope, self.length, strict=True):
            step = length if slope * length <= left else max(left, 0.0) / max(slope, 1e-300)
            most += step
            left -= slope * step
            if step < length:
                break
        return most


@dataclass(frozen=True, eq=False)
class Grouping:
    """
    Open sites by district, and what that leaves of the community.

    Parameters
    ----------
    groups
        Sites of each district, one tuple a district.
    may_hold
        Whether each node may belong to each district, shape (nodes, districts).
    lower, upper
        Bounds on the households of each district, shape (districts,).
    prices
        Cost of each district by its households.
    cost
        Least cost by the bounds on the households: no plan of the grouping costs less.
    """

    groups: tuple[tuple[int, ...], ...]
    may_hold: BoolArray
    lower: FloatArray
    upper: FloatArray
    prices: tuple[Price, ...]
    cost: float

    @property
    def opened(self) -> IntArray:
        """All open sites."""
        return np.array([site for group in self.groups for site in group], dtype=np.int64)

    def within(self, budget: float, total: float) -> Grouping | None:
        """
        Narrow the households of each district to what a budget allows; None if nothing is left.

        Parameters
        ----------
        budget
            Most that a plan may cost.
        total
            Households of all districts together.
        """
        lower, upper = self.lower.copy(), self.upper.copy()
        for _ in range(len(self.groups) + 1):
            least = np.array([price(h) for price, h in zip(self.prices, lower, strict=True)])
            if not np.isfinite(least).all():
                return None
            for d, price in enumerate(self.prices):
                money = budget - (least.sum() - least[d])
                most = price.most_within(money + ROUNDING * max(1.0, abs(budget)))
                upper[d] = min(upper[d], np.floor(most + ROUNDING))
                lower[d] = max(lower[d], np.ceil(total - (upper.sum() - upper[d]) - ROUNDING))
            if (lower > upper + ROUNDING).any():
                return None
        cost = least_cost(self.prices, lower, upper, total)
        if cost > budget + ROUNDING * max(1.0, abs(budget)):
            return None
        return replace(self, lower=lower, upper=upper, cost=cost)

    def districting(self, problem: JointSplit) -> Districting:
        """
        Return the districting that the grouping leaves: its district d has the d-th group.

        The households that stations are built for are a weight of their own, the last one.
        """
        split, k = problem.districting, len(self.groups)
        lower = np.tile(np.r_[split.lower, 0.0], (k, 1))
        upper = np.tile(np.r_[split.upper, np.inf], (k, 1))
        lower[:, -1], upper[:, -1] = self.lower, self.upper
        locked = np.full(split.num_nodes, -1, dtype=np.int64)
        for d, group in enumerate(self.groups):
            locked[problem.node_of_site[list(group)]] = d
        return replace(
            split,
            weights=np.c_[split.weights, problem.households],
            lower=np.r_[split.lower, self.lower.min()],
            upper=np.r_[split.upper, self.upper.max()],
            rules=DistrictRules(lower=lower, upper=upper, locked=locked, forbidden=~self.may_hold),
        )

    def plan(self, problem: JointSplit, labels: IntArray) -> JointPlan:
        """Return the plan of these districts with the stations of the grouping."""
        is_open = np.zeros(problem.stations.num_sites, dtype=bool)
        is_open[self.opened] = True
        return problem.sized(labels, is_open)


def least_cost(
    prices: tuple[Price, ...], lower: FloatArray, upper: FloatArray, total: float
) -> float:
    """
    Least Σ g_d(H_d) with H_d within bounds and of a given sum; infinite if there is none.

    The g_d are convex, so the smallest slopes come first.
    """
    if lower.sum() > total + ROUNDING or upper.sum() < total - ROUNDING:
        return np.inf
    cost = sum(price(h) for price, h in zip(prices, lower, strict=True))
    left = total - float(lower.sum())
    steps: list[tuple[float, float]] = []
    for price, low, high in zip(prices, lower, upper, strict=True):
        ends = np.cumsum(np.r_[price.free, price.length])
        begins = np.r_[0.0, ends[:-1]]
        inside = np.minimum(ends, high) - np.maximum(begins, low)
        steps += [
            (float(slope), float(length))
            for slope, length in zip(np.r_[0.0, price.slope], inside, strict=True)
            if length > 0
        ]
    for slope, length in sorted(steps):
        taken = min(length, left)
        cost += slope * taken
        left -= taken
    return np.inf if left > ROUNDING * max(1.0, total) else float(cost)


class Groupings:
    """
    Lists the groupings of a community that can hold a plan within a budget.

    Parameters
    ----------
    problem
        What is asked.
    """

    def __init__(self, problem: JointSplit) -> None:
        """Prepare what all groupings share."""
        self.problem = problem
        split, usable = problem.districting, problem.usable
        held = rooted_nodes(problem)
        self.near = np.zeros((problem.stations.num_sites, split.num_nodes), dtype=bool)
        self.near[usable] = held.T
        self.total = float(problem.households.sum())
        self.fixed = tuple(int(s) for s in np.flatnonzero(problem.stations.fixed_open))
        self.candidates = tuple(int(s) for s in np.flatnonzero(problem.stations.may_open))

    def all(self, budget: float = np.inf) -> Iterator[Grouping]:
        """Yield every grouping that may hold a plan within the budget, in no order of worth."""
        for number in range(len(self.candidates) + 1):
            for more in itertools.combinations(self.candidates, number):
                opened = self.fixed + more
                if self._is_worth(opened, budget):
                    yield from self._divided(opened, budget)

    def complete(self) -> Iterator[Grouping]:
        """Yield the groupings in which every site is open that may be."""
        opened = self.fixed + self.candidates
        if self._is_worth(opened, np.inf):
            yield from self._divided(opened, np.inf)

    def of(self, plan: JointPlan) -> tuple[tuple[int, ...], ...]:
        """Sites of each district of a plan, in the order in which groupings name them."""
        home = plan.labels[self.problem.node_of_site]
        groups: dict[int, list[int]] = {}
        for site in (*self.fixed, *self.candidates):
            if plan.siting.is_open[site]:
                groups.setdefault(int(home[site]), []).append(site)
        return tuple(tuple(group) for group in groups.values())

    def price(self, group: tuple[int, ...]) -> Price:
        """Cost of a district with these sites by its households."""
        stations, sites = self.problem.stations, np.array(group, dtype=np.int64)
        rate = max(self.problem.area_per_household_m2, 1e-12)
        existing = stations.existing[sites]
        least = np.where(existing, stations.area_today_m2[sites], stations.min_area_m2[sites])
        per_m2 = stations.cost_per_m2[sites]
        base = stations.fixed_cost[sites] * ~existing
        base = base + per_m2 * np.maximum(least - stations.area_today_m2[sites], 0.0)
        order = np.argsort(per_m2, kind="stable")
        room = (stations.max_area_m2[sites] - least)[order]
        return Price(
            float(base.sum()), float(least.sum()) / rate, per_m2[order] * rate, room / rate
        )

    def _is_worth(self, opened: tuple[int, ...], budget: float) -> bool:
        """Whether these sites reach everybody and, taken together, have room within the budget."""
        problem = self.problem
        if len(opened) < problem.num_districts:
            return False
        if not problem.needs[1][:, list(opened)].any(axis=1).all():
            return False
        return self.price(opened)(self.total) <= budget + ROUNDING * max(1.0, abs(budget))

    def _divided(self, opened: tuple[int, ...], budget: float) -> Iterator[Grouping]:
        """Divide the open sites into k groups, each named by its first site."""
        k, node = self.problem.num_districts, self.problem.node_of_site

        def grow(groups: list[list[int]], place: int) -> Iterator[tuple[tuple[int, ...], ...]]:
            if len(opened) - place < k - len(groups):
                return
            if place == len(opened):
                yield tuple(tuple(group) for group in groups)
                return
            site = opened[place]
            same = [g for g in groups if any(node[site] == node[other] for other in g)]
            for group in same or groups:
                if all(self.near[other, node[site]] for other in group):
                    group.append(site)
                    yield from grow(groups, place + 1)
                    group.pop()
            if len(groups) < k and not same:
                groups.append([site])
                yield from grow(groups, place + 1)
                groups.pop()

        for groups in grow([], 0):
            grouping = self.grouping(groups, budget)
            if grouping is not None:
                yield grouping

    def grouping(
        self, groups: tuple[tuple[int, ...], ...], budget: float = np.inf
    ) -> Grouping | None:
        """Return a grouping with all that it implies; None if it cannot hold a plan."""
        held = self._may_hold(groups)
        if held is None:
            return None
        prices = tuple(self.price(group) for group in groups)
        split = self.problem.districting
        lower, upper = np.zeros(len(groups)), np.zeros(len(groups))
        for d, price in enumerate(prices):
            own = held[:, d] & (held.sum(axis=1) == 1)
            if (split.weights[own].sum(axis=0) > split.upper + ROUNDING).any():
                return None
            if (split.weights[held[:, d]].sum(axis=0) < split.lower - ROUNDING).any():
                return None
            lower[d] = float(self.problem.households[own].sum())
            most = min(price.most, float(self.problem.households[held[:, d]].sum()))
            upper[d] = np.floor(most + ROUNDING)
        start = Grouping(groups, held, lower, upper, prices, 0.0)
        if not np.isfinite(budget):
            cost = least_cost(prices, lower, upper, self.total)
            return replace(start, cost=cost) if np.isfinite(cost) else None
        return start.within(budget, self.total)

    def _may_hold(self, groups: tuple[tuple[int, ...], ...]) -> BoolArray | None:
        """Which nodes each district may hold; None if a node or a site has nowhere to go."""
        problem, k = self.problem, len(groups)
        nodes, helps = problem.needs
        held = np.empty((problem.districting.num_nodes, k), dtype=bool)
        for d, group in enumerate(groups):
            held[:, d] = self.near[list(group)].all(axis=0)
            held[nodes[~helps[:, list(group)].any(axis=1)], d] = False
        for d, group in enumerate(groups):
            home = problem.node_of_site[list(group)]
            if not held[home, d].all():
                return None
            held[home] = np.arange(k) == d
        for d, group in enumerate(groups):
            inside = np.flatnonzero(held[:, d])
            graph = problem.districting.graph[inside][:, inside]
            part = connected_components(graph, directed=False)[1].astype(np.int64)
            home = part[np.searchsorted(inside, problem.node_of_site[list(group)])]
            if np.ptp(home) > 0:
                return None
            held[inside[part != home[0]], d] = False
        return held if held.any(axis=1).all() else None
