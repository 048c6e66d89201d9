"""
The Lagrangian bound of one problem, and what it proves about sites and pairs.

At prices λ with the bound L, a plan below the cutoff C opens no site that raises L to C, and serves
no client at a cost of λ_i + C - L or more: what is left is the core of the problem. Its lists are
lengthened until no site is missing that may be needed (Avella, Sassano and Vasil'ev 2007,
"Computational study of large-scale p-median problems", Mathematical Programming 109).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .dual_kernels import (
    CLOSED,
    FREE,
    OPEN,
    Scratch,
    Steps,
    climb,
    evaluate,
    fix_sites,
    margins,
    new_scratch,
)
from .near import Ground, Near

LEAST_LENGTH = 30
SITES_A_MEDIAN = 8
"""First length of a list, in sites for each site that is to be open."""

MOST_ENTRIES = 60_000_000
"""Entries of all lists together beyond which none is lengthened."""

ROUNDS = 12
"""Times that lists are lengthened during one climb."""


@dataclass
class Dual:
    """
    Prices, their bound, and the sites that are still open to choice.

    Parameters
    ----------
    ground
        What the lists are made from.
    near
        The lists.
    state
        1 for sites that are open in every better plan, -1 for those that are closed, 0 else.
    count
        Most sites that may be open.
    point
        Prices with the best bound so far, shape (clients,).
    bound
        The best bound.
    is_core
        Whether the lists hold all that a better plan may use.
    """

    ground: Ground
    near: Near
    state: IntArray
    count: int
    point: FloatArray
    scratch: Scratch
    bound: float = -np.inf
    is_core: bool = False
    lengths: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def of(cls, ground: Ground, *, required: BoolArray, count: int) -> Dual:
        """Make the first lists, and prices in the middle between a near site and a far one."""
        num_clients, num_sites = ground.clients.size, ground.sites.size
        length = max(LEAST_LENGTH, SITES_A_MEDIAN * num_sites // count)
        lengths = np.full(num_clients, min(length, num_sites), dtype=np.int64)
        near = ground.lists(lengths)
        middle = near.first[:-1] + max(1, num_sites // (2 * count))
        place = np.minimum(middle, near.first[1:] - 1)
        point = (
            np.where(near.lengths > 0, near.cost[place], 0.0)
            if near.cost.size
            else (np.zeros(num_clients))
        )
        state = np.where(required, OPEN, FREE).astype(np.int64)
        scratch = new_scratch(num_clients, num_sites)
        return cls(ground, near, state, count, point, scratch, lengths=lengths)

    @property
    def free(self) -> IntArray:
        """Sites that are neither open nor closed."""
        return np.flatnonzero(self.state == FREE)

    def unreached(self) -> IntArray:
        """Clients that no site can serve."""
        return np.flatnonzero((self.near.lengths == 0) & np.isinf(self.near.beyond))

    def lengthen(self, clients: IntArray) -> bool:
        """Double the lists of some clients; whether there was room for that."""
        clients = clients[np.isfinite(self.near.beyond[clients])]
        more = int(self.lengths[clients].sum())
        if not clients.size or self.near.site.size + more > MOST_ENTRIES:
            return False
        self.lengths[clients] *= 2
        longer = self.ground.of_clients(clients).lists(self.lengths[clients])
        self.near = self.near.merged(clients, longer)
        return True

    def climb(self, target: float, *, steps: Steps) -> None:
        """Climb on from the best prices, with longer lists where a price is at its ceiling."""
        goes_on, rounds = True, 0
        while goes_on and rounds < ROUNDS and self.bound < target:
            best_point = self.point.copy()
            bound = climb(
                self.near,
                self.point.copy(),
                self.state,
                self.count,
                steps._replace(target=target),
                best_point,
                self.scratch,
            )
            if bound > self.bound:
                self.bound, self.point = bound, best_point
            stuck = (self.point >= self.near.beyond) & np.isfinite(self.near.beyond)
            goes_on = self.lengthen(np.flatnonzero(stuck))
            rounds += 1

    def chosen(self) -> BoolArray:
        """Sites that the best prices choose."""
        self._evaluate()
        return self.scratch.chosen.copy()

    def _evaluate(self) -> float:
        return evaluate(self.near, self.point, self.state, self.count, self.scratch)

    def reduce(self, cutoff: float) -> None:
        """Fix sites, and drop the pairs that no plan below the cutoff uses."""
        if not np.isfinite(cutoff):
            return
        value = self._evaluate()
        fix_sites(value, self.state, cutoff, self.scratch)
        slack = cutoff - value
        missing = self._missing(slack)
        while missing.size and self.lengthen(missing):
            missing = self._missing(slack)
        if missing.size:
            return
        near = self.near
        over = near.cost - near.of_entries(self.point) + self.penalties()[near.site]
        keep = (self.state[near.site] != CLOSED) & (over < slack)
        near = near.kept(keep)
        self.near = near._replace(beyond=np.full(near.num_clients, np.inf))
        self.is_core = True

    def complete(self) -> None:
        """Lengthen all lists until no site is missing, if there is room for that."""
        goes_on = True
        while goes_on:
            goes_on = self.lengthen(np.flatnonzero(np.isfinite(self.near.beyond)))
        self.is_core = self.is_core or bool(np.isinf(self.near.beyond).all())

    def _missing(self, slack: float) -> IntArray:
        """Clients that a better plan may serve by a site that is not in their lists."""
        beyond = self.near.beyond
        return np.flatnonzero(np.isfinite(beyond) & (self.point + slack > beyond))

    def penalties(self) -> FloatArray:
        """Least rise of the bound if a site is open, shape (sites,)."""
        inner, _ = margins(self.state, self.scratch)
        if not np.isfinite(inner):
            return np.zeros(self.state.size)
        free = (self.state == FREE) & ~self.scratch.chosen
        return np.where(free, np.maximum(self.scratch.reduced - inner, 0.0), 0.0)

    def compressed(self) -> tuple[Dual, IntArray]:
        """Return the dual with the sites that are left numbered anew, and their old numbers."""
        alive = np.flatnonzero(self.state != CLOSED)
        number = np.full(self.state.size, -1, dtype=np.int64)
        number[alive] = np.arange(alive.size)
        keep = number[self.near.site] >= 0
        near = self.near.kept(keep)
        near = near._replace(site=number[near.site], num_sites=alive.size)
        scratch = new_scratch(self.point.size, alive.size)
        state = self.state[alive]
        small = Dual(
            self.ground, near, state, self.count, self.point, scratch, self.bound, self.is_core
        )
        return small, alive
