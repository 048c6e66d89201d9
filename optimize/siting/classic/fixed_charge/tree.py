"""
Branch and bound on the Lagrangian function: on the number of sites, on sites, then on clients.

Each node climbs from its parent's prices and drops what its bound rules out. Best bound first. How
many sites are open comes first, since capacities leave few choices once that is known; nodes whose
sites are settled are closed by :mod:`.leaves`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....search import Search
from .branching import count_children, option_children, site_children, site_usage
from .leaves import Leaves
from .nodes import BRIEF, Effort, Improve, Node, climbed
from .plan import Plan
from .relaxation import Climb, Point, Relaxation
from .settling import pruning_limit

LARGE_QUEUE = 30_000_000
"""Pairs held by open nodes above which the youngest node is taken instead of the best."""


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
    effort
        How long to stay at a node.
    """

    search: Search[Any]
    offer: Callable[[Plan], object]
    improve: Improve
    solver: str
    effort: Effort = BRIEF
    leaves: Leaves = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        """Prepare to close nodes."""
        self.leaves = Leaves(self.search, self.offer, self.improve, self.solver, self.effort)

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
            bound = min([self.limit, self.leaves.unsolved, *(other.bound for other in heap[:1])])
            self._end(bound)

    def _end(self, bound: float) -> None:
        """Take a bound on all that is open; infinite if nothing is, and nothing was found."""
        if np.isfinite(bound):
            self.search.raise_bound(bound)
        elif bound > 0:
            self.search.infeasible = True

    def close_by_program(self, relaxation: Relaxation, bound: float) -> None:
        """Leave everything to one integer program."""
        self.leaves.ask(relaxation, bound, self.limit)
        self._end(min(self.limit, self.leaves.unsolved))

    def _next(self, heap: list[Node]) -> Node:
        """Take the best node; the youngest where the queue has grown too large."""
        some = heap[:: max(1, len(heap) // 50)]
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

    def _branch(self, node: Node) -> list[Node]:
        """Return the children of a node; none if it is closed."""
        climb = climbed(node, self.limit, self.search, self.improve, rounds=self.effort.rounds)
        if climb is None:
            return []
        bound = max(node.bound, climb.at.bound)
        children = self._children(node.relaxation, climb)
        if children:
            return [self._node(bound, child, climb.point) for child in children]
        if not node.relaxation.form.limits_loads:
            self.offer(cheapest_plan(node.relaxation))
            return []
        waiting = self.leaves.close(node, climb, self.limit)
        return [] if waiting is None else [waiting]

    def _children(self, relaxation: Relaxation, climb: Climb) -> list[Relaxation]:
        """Decide on the number of sites, on the site least settled, or on an option."""
        form = relaxation.form
        usage = site_usage(form, climb.point)
        free = relaxation.lower < relaxation.upper
        if form.single and form.limited and form.least < form.most and free.any():
            return count_children(relaxation, float(usage.sum()))
        doubt = np.where(free, np.abs(usage - 0.5), np.inf)
        j = int(np.argmin(doubt))
        if doubt[j] <= (0.5 - self.effort.settled if form.single else 0.5):
            return site_children(relaxation, j)
        return option_children(relaxation, climb.point)


def cheapest_plan(relaxation: Relaxation) -> Plan:
    """Serve each client at the cheapest open option; nothing limits loads."""
    form = relaxation.form
    options = np.flatnonzero((relaxation.lower[form.site] > 0) & np.isfinite(relaxation.fixed))
    best = options[
        np.argmin(np.where(form.permitted[options], form.costs[options], np.inf), axis=0)
    ]
    return Plan.single(options, best)
