"""
Open sites and who is served by them, recomputed with plain numpy from what was read.

Nothing of the models or engines is asked: distances are worked out here again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..instances.siting_data import SitingData

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EARTH_M = 6_378_100.0
_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class PlainSites:
    """
    A solution by ids, beside the data.

    Parameters
    ----------
    data
        Clients and sites, read afresh.
    open_ids
        Ids of the open sites, all of them known.
    assignment
        Site, or share by site, of each client id; None without one.
    reach
        Distance up to which a site counts for each client; infinite for any.
    """

    data: SitingData
    open_ids: tuple[str, ...]
    assignment: Mapping[str, Any] | None
    reach: Floats

    @cached_property
    def place(self) -> dict[str, int]:
        """Row of each site."""
        return {site: row for row, site in enumerate(self.data.site_ids)}

    @cached_property
    def sites(self) -> Ints:
        """Rows of the open sites, in order."""
        return np.array(sorted(self.place[site] for site in self.open_ids), dtype=np.int64)

    @cached_property
    def is_open(self) -> Bools:
        """Which sites are open."""
        mask = np.zeros(self.data.num_sites, dtype=bool)
        mask[self.sites] = True
        return mask

    @cached_property
    def weights(self) -> Floats:
        """Weight of each client."""
        data = self.data
        return np.ones(data.num_clients) if data.weights is None else data.weights

    @cached_property
    def pairs(self) -> tuple[Ints, Ints, Floats]:
        """Client, site and share of every pair of the assignment."""
        clients, sites, shares = [], [], []
        for row, client in enumerate(self.data.client_ids):
            given = (self.assignment or {}).get(client)
            if given is None:
                continue
            for site, share in (given if isinstance(given, dict) else {given: 1.0}).items():
                clients.append(row)
                sites.append(self.place[site])
                shares.append(float(share))
        return np.array(clients, dtype=np.int64), np.array(sites, dtype=np.int64), np.array(shares)

    @cached_property
    def away(self) -> Floats:
        """Distance of every pair of the assignment."""
        client, site, _ = self.pairs
        return distances_of(self.data, client, site)

    @cached_property
    def nearest(self) -> Floats:
        """Distance of each client to the nearest open site, infinite if there is none."""
        data = self.data
        least = np.full(data.num_clients, np.inf)
        step = max(1, _BLOCK // max(1, self.sites.size))
        for begin in range(0, data.num_clients, step):
            rows = np.arange(begin, min(begin + step, data.num_clients))
            client, site = np.repeat(rows, self.sites.size), np.tile(self.sites, rows.size)
            block = distances_of(data, client, site).reshape(rows.size, -1)
            least[rows] = block.min(axis=1, initial=np.inf)
        return least

    def times_covered(self) -> Ints:
        """Open sites that cover each client."""
        data = self.data
        if data.covering is not None:
            client = np.repeat(np.arange(data.num_clients), np.diff(data.covering.indptr))
            kept = self.is_open[data.covering.indices]
            return np.bincount(client[kept], minlength=data.num_clients)
        count = np.zeros(data.num_clients, dtype=np.int64)
        every = np.arange(data.num_clients)
        for site in self.sites:
            count += distances_of(data, every, np.full(every.size, site)) <= self.reach
        return count

    def site_distances(self) -> Floats:
        """Distances between the open sites, shape (pairs of them,)."""
        data = self.data
        one, other = np.triu_indices(self.sites.size, 1)
        a, b = self.sites[one], self.sites[other]
        if data.site_points is not None:
            return _rounded(_euclidean(data.site_points[a], data.site_points[b]), data.rounding)
        return distances_of(data, a, b)


def distances_of(data: SitingData, client: Ints, site: Ints) -> Floats:
    """Distance of each client to the site at the same place, infinite where there is none."""
    if data.client_points is not None and data.site_points is not None:
        exact = _euclidean(data.client_points[client], data.site_points[site])
        return _rounded(exact, data.rounding)
    if data.client_degrees is not None and data.site_degrees is not None:
        return _great_circle(data.client_degrees[client], data.site_degrees[site])
    if data.distances is None:
        return np.full(client.size, np.nan)
    found = data.distances.of_pairs(client, site)
    return np.asarray(found, dtype=np.float64)


def _euclidean(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.hypot(*(one - other).T))


def _rounded(exact: Floats, rounding: str | None) -> Floats:
    if rounding == "floor":
        return np.floor(exact)
    if rounding == "ceiling":
        return np.ceil(exact)
    return np.floor(exact + 0.5) if rounding == "nearest" else exact


def _great_circle(one: Floats, other: Floats) -> Floats:
    """Haversine formula, in metres."""
    (lat, lon), (to_lat, to_lon) = np.radians(one).T, np.radians(other).T
    half = np.sin((to_lat - lat) / 2) ** 2
    half = half + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    return np.asarray(2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1))))
