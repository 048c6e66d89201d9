"""
The clients that are looked at, and the sites told apart only as far as these clients can.

Sites that cover the same kept clients within a radius are one group: the more clients are kept, the
finer the groups. Sites that no plan within a radius can open are left out at all smaller radii
(reduced cost fixing). Nothing here holds more than a line per kept client, and no line if that is
too much: distances are then worked out again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.p_center import PCenter
from ....compiled import kernel

MOST_HELD = 30_000_000
"""Costs of kept clients that are held; more are worked out anew."""

MOST_MEMBERS = 2_000
"""Sites of a group that are compared when one of them is opened."""


@dataclass
class _Block:
    """Some kept clients, their costs at sites that are open anyway, and at all where held."""

    clients: IntArray
    anyway: FloatArray
    costs: FloatArray | None = None


@dataclass
class KeptClients:
    """
    Kept clients, and groups of sites that cover the same of them within a radius.

    Parameters
    ----------
    problem
        The whole problem.
    sites
        Sites that may open and are not open anyway.
    always
        Sites that are open anyway.
    clients
        Those that are kept.
    radius, below, above
        Radius that groups were made for, the largest cost of a kept client within it and the least
        beyond it: at every radius between the answers are the same.
    useless
        Radius up to which no plan opens a site, shape (sites,).
    """

    problem: PCenter
    sites: IntArray
    always: IntArray
    clients: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    radius: float = np.nan
    below: float = -np.inf
    above: float = np.inf
    useless: FloatArray = field(init=False)
    _active: IntArray = field(init=False)
    _blocks: list[_Block] = field(default_factory=list)
    _num_grouped: int = 0
    _num_held: int = 0
    _group: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _num_groups: int = 1

    def __post_init__(self) -> None:
        """Take every site as useful."""
        self.useless = np.full(self.sites.size, -np.inf)
        self._active = np.arange(self.sites.size)

    def add(self, clients: IntArray) -> bool:
        """Keep some more clients; tell whether any of them is new."""
        new = np.setdiff1d(clients, self.clients)
        self.clients = np.concatenate([self.clients, new])
        step = max(1, MOST_HELD // 8 // self.sites.size)
        for begin in range(0, new.size, step):
            some = new[begin : begin + step]
            anyway = self.problem.costs(some, self.always).min(axis=1, initial=np.inf)
            self._blocks.append(_Block(some, anyway))
        return bool(new.size)

    def at(self, radius: float) -> None:
        """Group the sites for a radius, from scratch if it is another one than before."""
        if radius != self.radius:
            self.radius = radius
            self._active = np.flatnonzero(self.useless < radius)
            self.below = -np.inf
            passive = self.useless[self.useless >= radius]
            self.above = float(np.nextafter(passive.min(initial=np.inf), np.inf))
            self._group = np.zeros(self._active.size, dtype=np.int64)
            self._num_groups, self._num_grouped = min(1, self._active.size), 0
        for block in self._blocks[self._num_grouped :]:
            costs = self._costs(block)
            self._num_groups, below, above = _split_groups(
                costs, radius, self._group, self._num_groups
            )
            is_far = block.anyway > radius
            below = max(below, float(block.anyway[~is_far].max(initial=-np.inf)))
            above = min(above, float(block.anyway[is_far].min(initial=np.inf)))
            self.below, self.above = max(self.below, below), min(self.above, above)
        self._num_grouped = len(self._blocks)

    def _costs(self, block: _Block) -> FloatArray:
        """Costs of some kept clients at useful sites; held for later while there is room."""
        if block.costs is not None:
            return block.costs[:, self._active]
        size = block.clients.size * self.sites.size
        if self._num_held + size > MOST_HELD:
            return self.problem.costs(block.clients, self.sites[self._active])
        block.costs = self.problem.costs(block.clients, self.sites)
        self._num_held += size
        return block.costs[:, self._active]

    def drop(self, hopeless: BoolArray) -> None:
        """
        Leave out the sites of some groups, at this radius and at all smaller ones.

        Parameters
        ----------
        hopeless
            Groups of which it is proven that no plan within the radius opens a site of them.
        """
        if not hopeless.any():
            return
        stays = ~hopeless[self._group]
        self.useless[self._active[~stays]] = self.radius
        number = np.cumsum(~hopeless) - 1
        self._active, self._group = self._active[stays], number[self._group[stays]]
        self._num_groups = int((~hopeless).sum())

    def covers(self) -> tuple[BoolArray, IntArray]:
        """
        Which group covers which kept client that no site covers anyway.

        Returns
        -------
        tuple
            Booleans of shape (clients, groups), and these clients.
        """
        anyway = np.concatenate([block.anyway for block in self._blocks])
        clients = self.clients[~self.within(anyway)]
        return self.within(self.problem.costs(clients, self.first_sites())), clients

    def first_sites(self) -> IntArray:
        """One site of each group."""
        first = np.empty(self._num_groups, dtype=np.int64)
        first[self._group[::-1]] = self._active[::-1]
        return self.sites[first]

    def sites_below(self, radius: float) -> IntArray:
        """Sites that some plan within less than a radius may open."""
        return self.sites[self.useless < radius]

    def within(self, costs: FloatArray) -> BoolArray:
        """Tell which costs lie within the radius."""
        return np.asarray(np.isfinite(costs) & (costs <= self.radius))

    def best_sites(self, groups: IntArray, covers: BoolArray, clients: IntArray) -> IntArray:
        """Choose of each group the site that is best for the clients that need the group."""
        chosen = []
        alone = covers[:, groups].sum(axis=1) == 1
        for group in groups:
            members = self._active[self._group == group]
            members = members[:: -(-members.size // MOST_MEMBERS)]
            needing = clients[covers[:, group] & alone]
            if members.size > 1 and needing.size:
                worst = self.problem.costs(needing, self.sites[members]).max(axis=0)
                members = members[[int(np.argmin(worst))]]
            chosen.append(self.sites[members[0]])
        return np.array(chosen, dtype=np.int64)


@kernel
def _split_groups(
    costs: FloatArray, radius: float, group: IntArray, num_groups: int
) -> tuple[int, float, float]:
    """
    Split groups of sites by which clients they cover, one client after the other.

    Returns the number of groups, the largest cost within the radius and the least beyond it.
    """
    below, above = -np.inf, np.inf
    for client in range(costs.shape[0]):
        number = np.full(2 * num_groups, -1, np.int64)
        count = 0
        for site in range(group.size):
            cost = costs[client, site]
            key = 2 * group[site]
            if cost <= radius and cost < np.inf:
                key += 1
                below = max(below, cost)
            elif cost < above:
                above = cost
            if number[key] < 0:
                number[key] = count
                count += 1
            group[site] = number[key]
        num_groups = count
    return num_groups, below, above
