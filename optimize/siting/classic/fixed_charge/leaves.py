"""
Nodes whose sites are settled: a generalised assignment problem is left.

With a limit a little above the bound few pairs are left, and the program over them is small. It
either finds the best plan of the node or proves that the node has none below the limit, which then
is its bound; the node waits for its turn with a higher limit (destructive bounds; Klein and
Scholl 1999, "Computing lower bounds by destructive improvement", European Journal of Operational
Research 112(2)).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....result import Reason, Status
from ....search import Search
from ....solvers import solve_model
from .branching import client_children
from .core import core_model
from .nodes import Effort, Improve, Node, climbed, dropped
from .plan import Plan
from .relaxation import Climb, Relaxation
from .settling import aim_of, settle

LONG_STEPS, LONG_STEP, LONG_PATIENCE = 3000, 1.0, 60
"""Steps of the climb to the top, the factor of the first, and idle ones before they shrink."""

CLIENT_NODES = 200
"""Nodes of the tree on clients before an integer program takes over."""

DEEPER, DEEPER_SHARE = 5e-4, 0.2
"""How much a limit rises each time: a share of the bound, at least a share of the gap."""


@dataclass
class Leaves:
    """
    Closes nodes whose sites are settled.

    Parameters
    ----------
    search, offer, improve, solver
        As in :class:`.tree.Tree`.
    effort
        How long to stay at a node.
    unsolved
        Least bound of a node that no program could close.
    """

    search: Search[Any]
    offer: Callable[[Plan], object]
    improve: Improve
    solver: str
    effort: Effort
    unsolved: float = np.inf

    def close(self, node: Node, climb: Climb, limit: float) -> Node | None:
        """Close a node; return it with a higher bound if it has to wait for its turn."""
        relaxation, bound = node.relaxation, max(node.bound, climb.at.bound)
        if not self.effort.rising or not np.isfinite(limit):
            if not relaxation.form.single or not self._on_clients(relaxation, climb, bound, limit):
                self.ask(relaxation, bound, limit)
            return None
        return self._rise(node, climb, bound, limit)

    def _rise(self, node: Node, climb: Climb, bound: float, limit: float) -> Node | None:
        """Look for plans below a limit just above the bound; return the node if none is there."""
        relaxation = node.relaxation
        if not node.polished:
            top = self._top(relaxation, climb, limit)
            if top is None:
                return None
            climb = top
        bound = max(bound, climb.at.bound)
        deeper = next_limit(bound, limit)
        part = relaxation.copy()
        climb = dropped(part, climb, deeper)
        if settle(part) and not self._on_clients(part, climb, bound, deeper):
            self.ask(part, bound, deeper)
        if deeper >= limit or self.search.objective <= deeper:
            return None
        return Node(deeper, node.number, relaxation, climb.point, polished=True)

    def _top(self, relaxation: Relaxation, climb: Climb, limit: float) -> Climb | None:
        """Climb to the top; None if nothing below the limit is left."""
        climb = relaxation.climb(
            climb.point,
            goal=limit,
            aim=aim_of(self.search, climb.at.bound),
            step=LONG_STEP,
            patience=LONG_PATIENCE,
            iterations=LONG_STEPS,
        )
        if climb.at.bound >= limit:
            return None
        climb = dropped(relaxation, climb, limit)
        return climb if settle(relaxation) else None

    def _on_clients(self, relaxation: Relaxation, climb: Climb, bound: float, limit: float) -> bool:
        """Search a small tree on clients; whether it was searched to the end."""
        choices = np.bincount(relaxation.pairs.client, minlength=relaxation.form.num_clients)
        if (choices > 1).sum() > self.effort.clients:
            return False
        first = client_children(relaxation.copy(), climb)
        if first is None:
            return self._offer_only(relaxation)
        heap = [Node(bound, k, child, climb.point) for k, child in enumerate(first)]
        for number in range(CLIENT_NODES):
            if not heap:
                return True
            if self.search.over:
                break
            node = heapq.heappop(heap)
            self.search.nodes += 1
            below = climbed(node, limit, self.search, self.improve, rounds=self.effort.rounds)
            if below is None:
                continue
            children = client_children(node.relaxation, below)
            if children is None:
                if not self._offer_only(node.relaxation):
                    return False
                continue
            lower = max(node.bound, below.at.bound)
            for k, child in enumerate(children):
                heapq.heappush(heap, Node(lower, 2 * number + 2 + k, child, below.point))
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

    def ask(self, relaxation: Relaxation, bound: float, limit: float) -> None:
        """Solve the integer program over what is left."""
        core = core_model(relaxation)
        limits = self.search.limits.within(self.search.deadline.seconds_left)
        cutoff = limit if np.isfinite(limit) else None
        result = solve_model(
            core.model, solver=self.solver, limits=limits, cutoff=cutoff, stop=self.search.stop
        )
        self.search.heed(result)
        if result.solution is not None:
            self.offer(core.decode(result.solution))
        if result.status in {Status.OPTIMAL, Status.INFEASIBLE}:
            return
        reached = bound if result.bound is None else max(bound, result.bound)
        if reached < limit or result.reason is Reason.ERROR:
            self.unsolved = min(self.unsolved, reached)


def next_limit(bound: float, limit: float) -> float:
    """Limit of the next program: above the bound by a little, or all the way if that is near."""
    rise = max(DEEPER * abs(bound), DEEPER_SHARE * (limit - bound))
    return limit if bound + 2 * rise >= limit else bound + rise
