"""
Sites of each client from the nearest on, as far as they are needed.

All of this engine walks along these lists. A list may end early: ``beyond`` then is the least cost
of a site that is left out, so that whoever gets to the end knows what all others cost at least, and
may ask for a longer list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.distances import Distances, PointDistances, SparseDistances

_BLOCK = 4_000_000
"""Entries of a dense block that is held at once."""


class Near(NamedTuple):
    """
    Lists of sites by cost; kernels take it as it is.

    Parameters
    ----------
    first
        Where the list of each client begins, shape (clients + 1,).
    site, cost
        Sites of one client after the other, from the cheapest on, shape (entries,).
    beyond
        Least cost of a site that is not in the list, infinite if none of them can serve the client,
        shape (clients,).
    num_sites
        Number of sites.
    """

    first: IntArray
    site: IntArray
    cost: FloatArray
    beyond: FloatArray
    num_sites: int

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return self.first.size - 1

    @property
    def lengths(self) -> IntArray:
        """Length of each list."""
        return np.diff(self.first)

    def of_entries(self, of_client: FloatArray) -> FloatArray:
        """Repeat what each client has for each of its entries."""
        return np.repeat(of_client, self.lengths)

    def merged(self, some: IntArray, other: Near) -> Near:
        """Take the lists of some clients from ``other``, which holds theirs alone, in order."""
        sizes, beyond = self.lengths, self.beyond.copy()
        old = np.ones(sizes.size, dtype=bool)
        old[some] = False
        keep = np.repeat(old, sizes)
        sizes[some], beyond[some] = other.lengths, other.beyond
        first = np.concatenate([[0], np.cumsum(sizes)])
        site, cost = np.empty(first[-1], dtype=np.int64), np.empty(first[-1])
        is_old = np.repeat(old, sizes)
        site[is_old], cost[is_old] = self.site[keep], self.cost[keep]
        site[~is_old], cost[~is_old] = other.site, other.cost
        return Near(first, site, cost, beyond, self.num_sites)

    def kept(self, keep: BoolArray) -> Near:
        """Leave out some entries for good: no plan that is looked for needs them."""
        first = np.concatenate([[0], np.cumsum(keep)])[self.first]
        return Near(first, self.site[keep], self.cost[keep], self.beyond, self.num_sites)


@dataclass(frozen=True, eq=False)
class Ground:
    """
    What the lists are made from.

    Parameters
    ----------
    distances
        Distances of the problem.
    weights
        Weight of each client, shape (clients,).
    reach
        Farthest distance at which each client may be served, shape (clients,).
    clients
        Clients that take part, in order.
    sites
        Sites that may be open, in order; the lists number them anew.
    """

    distances: Distances
    weights: FloatArray
    reach: FloatArray
    clients: IntArray
    sites: IntArray

    def of_clients(self, some: IntArray) -> Ground:
        """Return the same ground with some of its clients only."""
        return replace(self, clients=self.clients[some])

    def lists(self, lengths: IntArray) -> Near:
        """
        Return lists of these lengths, shorter only where fewer sites are within reach.

        Parameters
        ----------
        lengths
            Shape (clients that take part,).
        """
        if isinstance(self.distances, SparseDistances):
            return self._of_pairs(self.distances)
        num_clients, num_sites = self.clients.size, self.sites.size
        lengths = np.minimum(np.maximum(lengths, 1), num_sites)
        blocks = [
            (some, *self._nearest(some, int(length)))
            for length in np.unique(lengths)
            for some in _parts(np.flatnonzero(lengths == length), _BLOCK // num_sites)
        ]
        beyond = np.full(num_clients, np.inf)
        sizes = np.zeros(num_clients, dtype=np.int64)
        for some, _, away, after in blocks:
            sizes[some] = np.isfinite(away).sum(axis=1)
            beyond[some] = after
        first = np.concatenate([[0], np.cumsum(sizes)])
        site, distance = np.empty(first[-1], dtype=np.int64), np.empty(first[-1])
        for some, sites, away, _ in blocks:
            near = np.isfinite(away)
            place = (first[some][:, None] + np.arange(away.shape[1]))[near]
            site[place], distance[place] = sites[near], away[near]
        weights = self.weights[self.clients]
        far = np.isfinite(beyond)
        beyond[far] *= weights[far]
        return Near(first, site, distance * np.repeat(weights, sizes), beyond, num_sites)

    def _nearest(self, some: IntArray, length: int) -> tuple[IntArray, FloatArray, FloatArray]:
        """Sites of some clients, their distances, infinite beyond reach, and the next distance."""
        count = min(length + 1, self.sites.size)
        clients, distances = self.clients[some], self.distances
        if isinstance(distances, PointDistances) and 8 * count < self.sites.size:
            site, away = distances.nearest_sites(clients, self.sites, count)
        else:
            block = distances.block(clients, self.sites)
            site = _smallest(block, count)
            away = np.take_along_axis(block, site, axis=1)
        away = np.where(away <= self.reach[clients][:, None], away, np.inf)
        after = away[:, length] if count > length else np.full(some.size, np.inf)
        return site[:, :length], away[:, :length], after

    def _of_pairs(self, distances: SparseDistances) -> Near:
        """Return all pairs within reach."""
        pairs = distances.pairs
        place, row = np.full(distances.shape[1], -1), np.full(distances.shape[0], -1)
        place[self.sites] = np.arange(self.sites.size)
        row[self.clients] = np.arange(self.clients.size)
        client = np.repeat(np.arange(distances.shape[0]), np.diff(pairs.indptr))
        keep = (place[pairs.indices] >= 0) & (row[client] >= 0) & (pairs.data <= self.reach[client])
        client, site = client[keep], place[pairs.indices[keep]]
        distance = pairs.data[keep]
        order = np.lexsort((site, distance, row[client]))
        sizes = np.bincount(row[client], minlength=self.clients.size)
        return Near(
            np.concatenate([[0], np.cumsum(sizes)]),
            site[order],
            (distance * self.weights[client])[order],
            np.full(self.clients.size, np.inf),
            self.sites.size,
        )


def _parts(indices: IntArray, size: int) -> list[IntArray]:
    """Cut indices into parts of at most ``size``."""
    step = max(1, size)
    return [indices[begin : begin + step] for begin in range(0, indices.size, step)]


def _smallest(block: FloatArray, count: int) -> IntArray:
    """Columns of the ``count`` smallest entries of each row, in order."""
    if 3 * count >= block.shape[1]:
        return np.argsort(block, axis=1, kind="stable")[:, :count]
    part = np.argpartition(block, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(block, part, axis=1), axis=1, kind="stable")
    return np.take_along_axis(part, order, axis=1)
