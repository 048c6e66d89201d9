"""
Branch and bound on the Lagrangian function: on sites first, then on the clients at open sites.

Each node climbs from its parent's prices and drops what its bound rules out. Best bound first. Once
the sites of a node are settled, a small tree on clients is tried; what it leaves open goes to an
integer program over the pairs that are left.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ....result import Reason, Status
from ....search import TOLERANCE, Search
from ....solvers import solve_model
from .core import core_model
from .plan import Plan
from .relaxation import Climb, Point, Relaxation

STEPS = 120
STEP, PATIENCE = 0.5, 12
"""Steps of a climb at a node, its first factor, and when it shrinks."""

SETTLED = 0.02
"""A site chosen in a smaller or larger share of the steps than this counts as settled."""

CLIENT_NODES = 200
"""Nodes of the tree on clients before an integer program takes over."""

FAR = 0.15
"""How far above the bound climbs aim, as a share of it."""

LARGE_QUEUE = 30_000_000
"""Pairs held by open nodes above which the youngest node is taken instead of the best."""

Improve = Callable[[Relaxation, Climb], None]


@dataclass(order=True)
class Node:
    """An open node, ordered by bound."""

    bound: float
    number: int
    relaxation: Relaxation = field(compare=False)
    point: Point = field(compare=False)


@dataclass
class Tree:
    """
    One search.

    Parameters
    ----------
    search
        Best solution, bound and limits.
    offer
        Takes a plan; it is checked before it counts.
    improve
        Looks for a plan near the end of a climb.
    solver
        Backend of the integer programs.
    unsolved
        Least bound of a node that an integer program could not close.
    """

    search: Search[Any]
    offer: Callable[[Plan], object]
    improve: Improve
    solver: str
    unsolved: float = np.inf
    _count: int = 0

    @property
    def limit(self) -> float:
        """Bound from which on a node can be left out."""
        return pruning_limit(self.search)

    def run(self, relaxation: Relaxation, point: Point, bound: float) -> None:
        """Search the whole tree, as long as there is time."""
        heap = [self._node(bound, relaxation, point)]
        while heap and not self.search.done:
            node = self._next(heap)
            self.search.nodes += 1
            if node.bound < self.limit:
                for child in self._branch(node):
                    heapq.heappush(heap, child)
            bound = min([self.limit, self.unsolved, *(other.bound for other in heap[:1])])
            self._end(bound)

    def _end(self, bound: float) -> None:
        """Take a bound on all that is open; infinite if nothing is, and nothing was found."""
        if np.isfinite(bound):
            self.search.raise_bound(bound)
        elif bound > 0:
            self.search.infeasible = True

    def close_by_program(self, relaxation: Relaxation, bound: float) -> None:
        """Leave everything to one integer program."""
        self._ask(relaxation, bound)
        self._end(min(self.limit, self.unsolved))

    def _next(self, heap: list[Node]) -> Node:
        """Take the best node; the youngest where the queue has grown too large."""
        some = heap[:64]
        mean = sum(node.relaxation.pairs.client.size for node in some) / len(some)
        if mean * len(heap) < LARGE_QUEUE:
            return heapq.heappop(heap)
        youngest = max(range(len(heap)), key=lambda k: heap[k].number)
        node = heap.pop(youngest)
        heapq.heapify(heap)
        return node

    def _node(self, bound: float, relaxation: Relaxation, point: Point) -> Node:
        self._count += 1
        return Node(bound, self._count, relaxation, point)

    def _climbed(self, node: Node) -> Climb | None:
        """Climb and drop; None if nothing below the limit is left."""
        relaxation = node.relaxation
        if not settle(relaxation):
            return None
        climb = relaxation.climb(
            node.point,
            goal=self.limit,
            aim=aim_of(self.search, node.bound),
            step=STEP,
            patience=PATIENCE,
            iterations=STEPS,
        )
        if climb.at.bound >= self.limit:
            return None
        self.improve(relaxation, climb)
        if climb.at.bound >= self.limit:
            return None
        if np.isfinite(self.limit):
            stays = relaxation.drop(climb.at, self.limit)
            climb = replace(climb, flow=climb.flow[stays])
        return climb if settle(relaxation) else None

    def _branch(self, node: Node) -> list[Node]:
        """Return the children of a node; none if it is closed."""
        climb = self._climbed(node)
        if climb is None:
            return []
        bound = max(node.bound, climb.at.bound)
        relaxation = node.relaxation
        children = self._on_sites(relaxation, climb, bound)
        if children:
            return children
        self._finish(relaxation, climb, bound)
        return []

    def _on_sites(self, relaxation: Relaxation, climb: Climb, bound: float) -> list[Node]:
        """Open or close the site that is least settled; choose or rule out an option."""
        form = relaxation.form
        usage = climb.point.usage
        site_usage = np.bincount(form.site, usage, minlength=form.num_sites)
        free = relaxation.lower < relaxation.upper
        doubt = np.where(free, np.abs(site_usage - 0.5), np.inf)
        j = int(np.argmin(doubt))
        settled = 0.5 - SETTLED if form.single else 0.5
        if doubt[j] <= settled:
            closed, opened = relaxation.copy(), relaxation.copy()
            closed.upper[j] = 0.0
            opened.lower[j] = 1.0
            return [self._node(bound, child, climb.point) for child in (closed, opened)]
        return self._on_options(relaxation, climb, bound)

    def _on_options(self, relaxation: Relaxation, climb: Climb, bound: float) -> list[Node]:
        """Choose or rule out the option that is least settled, at a site with several left."""
        form = relaxation.form
        left = np.isfinite(relaxation.fixed) & (relaxation.upper[form.site] > 0)
        several = left & (np.bincount(form.site, left, minlength=form.num_sites)[form.site] > 1)
        if not several.any():
            return []
        doubt = np.where(several, np.abs(climb.point.usage - 0.5), np.inf)
        o = int(np.argmin(doubt))
        without, only = relaxation.copy(), relaxation.copy()
        without.fixed[o] = np.inf
        others = form.site == form.site[o]
        others[o] = False
        only.fixed[others] = np.inf
        return [self._node(bound, child, climb.point) for child in (without, only)]

    def _finish(self, relaxation: Relaxation, climb: Climb, bound: float) -> None:
        """Close a node whose sites are settled."""
        form = relaxation.form
        if not form.limits_loads:
            self.offer(cheapest_plan(relaxation))
            return
        if form.single and self._on_clients(relaxation, climb, bound):
            return
        self._ask(relaxation, bound)

    def _on_clients(self, relaxation: Relaxation, climb: Climb, bound: float) -> bool:
        """Search a small tree on clients; whether it was searched to the end."""
        first = client_children(relaxation.copy(), climb)
        if first is None:
            return self._offer_only(relaxation)
        heap = [self._node(bound, child, climb.point) for child in first]
        for _ in range(CLIENT_NODES):
            if not heap:
                return True
            if self.search.over:
                break
            node = heapq.heappop(heap)
            self.search.nodes += 1
            below = self._climbed(node)
            if below is None:
                continue
            children = client_children(node.relaxation, below)
            if children is None:
                if not self._offer_only(node.relaxation):
                    return False
                continue
            lower = max(node.bound, below.at.bound)
            for child in children:
                heapq.heappush(heap, self._node(lower, child, below.point))
        return not heap

    def _offer_only(self, relaxation: Relaxation) -> bool:
        """Offer the plan where each client has one pair; whether nothing else is left to choose."""
        pairs = relaxation.pairs
        option_of_client = np.empty(relaxation.form.num_clients, dtype=np.int64)
        option_of_client[pairs.client] = pairs.option
        must = np.flatnonzero(relaxation.lower[relaxation.form.site] > 0)
        options = np.unique(option_of_client)
        idle = must[~np.isin(relaxation.form.site[must], relaxation.form.site[options])]
        if idle.size or (relaxation.lower < relaxation.upper).any():
            return False
        self.offer(Plan.single(options, option_of_client))
        return True

    def _ask(self, relaxation: Relaxation, bound: float) -> None:
        """Solve the integer program over what is left."""
        core = core_model(relaxation)
        limits = self.search.limits.within(self.search.deadline.seconds_left)
        cutoff = self.limit if np.isfinite(self.limit) else None
        result = solve_model(
            core.model, solver=self.solver, limits=limits, cutoff=cutoff, stop=self.search.stop
        )
        self.search.heed(result)
        if result.solution is not None:
            self.offer(core.decode(result.solution))
        if result.status in {Status.OPTIMAL, Status.INFEASIBLE}:
            return
        reached = bound if result.bound is None else max(bound, result.bound)
        if reached < self.limit or result.reason is Reason.ERROR:
            self.unsolved = min(self.unsolved, reached)


def pruning_limit(search: Search[Any]) -> float:
    """Bound from which on nothing better is worth a look: whole objectives differ by 1."""
    if search.plan is None:
        return np.inf
    objective = search.objective
    least = 1 - 1e-3 if search.is_whole else 0.5 * TOLERANCE * max(1.0, abs(objective))
    return objective - max(least, search.limits.gap * abs(objective))


def aim_of(search: Search[Any], bound: float) -> float:
    """Bound to aim at: a little above the bound, at most the objective of the best plan."""
    above = bound + FAR * abs(bound) + 1.0 if np.isfinite(bound) else np.inf
    return min(above, search.objective) if min(above, search.objective) < np.inf else 1.0


def settle(relaxation: Relaxation) -> bool:
    """Draw the plain conclusions on sites; whether a solution may be left."""
    form = relaxation.form
    lower, upper, pairs = relaxation.lower, relaxation.upper, relaxation.pairs
    usable = np.isfinite(relaxation.fixed)
    upper[np.bincount(form.site, usable, minlength=form.num_sites) == 0] = 0.0
    for a, b in form.apart:
        upper[b] = 0.0 if lower[a] > 0 else upper[b]
        upper[a] = 0.0 if lower[b] > 0 else upper[a]
    if lower.sum() == form.most:
        upper[:] = np.minimum(upper, lower)
    if upper.sum() == form.least:
        lower[:] = upper
    if (lower > upper).any() or lower.sum() > form.most or upper.sum() < form.least:
        return False
    stays = (upper[form.site] > 0) & usable
    reached = np.zeros(form.num_clients, dtype=bool)
    reached[pairs.client[stays[pairs.option]]] = True
    if not reached.all():
        return False
    if not form.limited:
        return True
    room = np.full(form.num_sites, -np.inf)
    np.maximum.at(room, form.site[stays], form.capacity[stays])
    return float(room[upper > 0].sum()) >= float(form.demand.sum()) * (1 - 1e-9)


def cheapest_plan(relaxation: Relaxation) -> Plan:
    """Serve each client at the cheapest open option; nothing limits loads."""
    form = relaxation.form
    options = np.flatnonzero((relaxation.lower[form.site] > 0) & np.isfinite(relaxation.fixed))
    best = options[
        np.argmin(np.where(form.permitted[options], form.costs[options], np.inf), axis=0)
    ]
    return Plan.single(options, best)


def client_children(relaxation: Relaxation, climb: Climb) -> list[Relaxation] | None:
    """
    Tie the client that is least settled to its first option, or keep it away from there.

    Returns
    -------
    list of Relaxation, or None
        None if every client has one pair left.
    """
    pairs, num_clients = relaxation.pairs, relaxation.form.num_clients
    several = np.bincount(pairs.client, minlength=num_clients) > 1
    if not several.any():
        return None
    largest = np.zeros(num_clients)
    np.maximum.at(largest, pairs.client, climb.flow)
    doubt = np.where(several, np.abs(largest - 0.5), np.inf)
    own = pairs.client == int(np.argmin(doubt))
    best = np.flatnonzero(own)[np.argmax(climb.flow[own])]
    tied, apart = ~own, np.ones(own.size, dtype=bool)
    tied[best] = True
    apart[best] = False
    children = []
    for kept in (tied, apart):
        child = relaxation.copy()
        child.pairs = pairs.only(kept)
        children.append(child)
    return children
