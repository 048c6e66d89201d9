"""
Distances between clients and sites: as a matrix, as pairs within reach, or from points on demand.

A problem that takes :class:`Distances` works on all three. Distances that are missing from the
pairs within reach are infinite: the site can't serve the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from ..formulation import BoolArray, FloatArray, IntArray
from .allocation import check_matrix

Rounding = Literal["floor", "nearest", "ceiling"] | None

_ROUND: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "floor": np.floor,
    "nearest": lambda exact: np.floor(exact + 0.5),
    "ceiling": np.ceil,
}
_BLOCK = 4_000_000
"""Entries of a dense block that is held at once."""


class Distances(Protocol):
    """What every form of distances can tell. Rows are clients, columns are sites."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of clients and of sites."""

    def block(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distances of some clients to some sites, infinite where there is none."""

    def of_pairs(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distance of each client to the site at the same place, shape (pairs,)."""

    def dense(self) -> FloatArray:
        """All of them as one matrix; only for problems that are small enough."""

    def nearest(self, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
        """Nearest open site of each client, the first of equals, -1 if none, and its distance."""


@dataclass(frozen=True, eq=False)
class MatrixDistances:
    """
    Distances as a matrix.

    Parameters
    ----------
    matrix
        Finite and not negative, shape (clients, sites).

    Raises
    ------
    ValueError
        If an entry is negative or not finite.
    """

    matrix: FloatArray

    def __post_init__(self) -> None:
        """Refuse entries that are no distance."""
        check_matrix("distances", self.matrix)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of clients and of sites."""
        return int(self.matrix.shape[0]), int(self.matrix.shape[1])

    def block(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distances of some clients to some sites."""
        return self.matrix[np.ix_(clients, sites)]

    def of_pairs(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distance of each client to the site at the same place, shape (pairs,)."""
        return self.matrix[clients, sites]

    def dense(self) -> FloatArray:
        """Return the matrix itself."""
        return self.matrix

    def nearest(self, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
        """Nearest open site of each client, the first of equals, -1 if none, and its distance."""
        return _nearest_by_blocks(self, is_open)


@dataclass(frozen=True, eq=False)
class SparseDistances:
    """
    Distances of the pairs within reach; all other pairs are infinitely far apart.

    Parameters
    ----------
    pairs
        CSR of shape (clients, sites); stored zeros are distances of 0.

    Raises
    ------
    ValueError
        If a stored entry is negative or not finite, or there are no clients or sites.
    """

    pairs: sparse.csr_array

    def __post_init__(self) -> None:
        """Refuse entries that are no distance."""
        if 0 in self.pairs.shape:
            raise ValueError(
                f"distances has shape {self.pairs.shape}, expected (clients, sites) with at least "
                "one of each."
            )
        wrong = np.flatnonzero(~((self.pairs.data >= 0) & np.isfinite(self.pairs.data)))
        if wrong.size:
            client = int(np.searchsorted(self.pairs.indptr, wrong[0], side="right")) - 1
            site = int(self.pairs.indices[wrong[0]])
            raise ValueError(
                f"distances[{client}, {site}] is {self.pairs.data[wrong[0]]}; give a finite "
                "number >= 0."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of clients and of sites."""
        return int(self.pairs.shape[0]), int(self.pairs.shape[1])

    def block(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distances of some clients to some sites, infinite where there is none."""
        place = np.full(self.shape[1], -1, dtype=np.int64)
        place[sites] = np.arange(sites.size)
        rows = sparse.csr_array(self.pairs[clients])
        block = np.full((clients.size, sites.size), np.inf)
        row = np.repeat(np.arange(clients.size), np.diff(rows.indptr))
        column = place[rows.indices]
        kept = column >= 0
        block[row[kept], column[kept]] = rows.data[kept]
        return block

    def of_pairs(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distance of each client to the site at the same place, infinite where there is none."""
        num_sites = self.shape[1]
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.pairs.indptr))
        keys = rows * num_sites + self.pairs.indices
        order = np.argsort(keys, kind="stable")
        wanted = clients * num_sites + sites
        place = np.minimum(np.searchsorted(keys, wanted, sorter=order), max(keys.size - 1, 0))
        if not keys.size:
            return np.full(wanted.size, np.inf)
        found = keys[order[place]] == wanted
        return np.where(found, self.pairs.data[order[place]], np.inf)

    def dense(self) -> FloatArray:
        """All of them as one matrix, infinite where there is none."""
        return self.block(np.arange(self.shape[0]), np.arange(self.shape[1]))

    def nearest(self, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
        """Nearest open site of each client, the first of equals, -1 if none, and its distance."""
        client = np.repeat(np.arange(self.shape[0]), np.diff(self.pairs.indptr))
        kept = is_open[self.pairs.indices]
        client, site = client[kept], self.pairs.indices[kept].astype(np.int64)
        distance = self.pairs.data[kept]
        order = np.lexsort((site, distance, client))
        served, first = np.unique(client[order], return_index=True)
        nearest = np.full(self.shape[0], -1, dtype=np.int64)
        away = np.full(self.shape[0], np.inf)
        nearest[served], away[served] = site[order][first], distance[order][first]
        return nearest, away


@dataclass(frozen=True, eq=False)
class PointDistances:
    """
    Euclidean distances between points, worked out when they are asked for.

    Parameters
    ----------
    clients, sites
        Coordinates, shapes (clients, 2) and (sites, 2).
    rounding
        "floor", "nearest" (half up, as in TSPLIB) or "ceiling": to whole numbers; None for exact.

    Raises
    ------
    ValueError
        If a coordinate is not finite, or the shapes do not fit.
    """

    clients: FloatArray
    sites: FloatArray
    rounding: Rounding = None

    def __post_init__(self) -> None:
        """Refuse points that are none."""
        for label, points in (("clients", self.clients), ("sites", self.sites)):
            if points.ndim != 2 or points.shape[1] != 2 or not len(points):
                raise ValueError(
                    f"{label} has shape {points.shape}, expected (points, 2) with one at least."
                )
            wrong = np.argwhere(~np.isfinite(points))
            if wrong.size:
                place = tuple(wrong[0].tolist())
                raise ValueError(
                    f"{label}{list(place)} is {points[place]}; give finite coordinates."
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of clients and of sites."""
        return len(self.clients), len(self.sites)

    def block(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distances of some clients to some sites."""
        return self._rounded(cdist(self.clients[clients], self.sites[sites]))

    def of_pairs(self, clients: IntArray, sites: IntArray) -> FloatArray:
        """Distance of each client to the site at the same place, shape (pairs,)."""
        between = self.clients[clients] - self.sites[sites]
        return self._rounded(np.sqrt((between**2).sum(axis=1)))

    def dense(self) -> FloatArray:
        """All of them as one matrix."""
        return self._rounded(cdist(self.clients, self.sites))

    def _rounded(self, exact: FloatArray) -> FloatArray:
        return round_distances(exact, rounding=self.rounding)

    @cached_property
    def site_tree(self) -> Any:  # noqa: ANN401 - scipy's tree has no types
        """Tree of the sites, for searches of the nearest ones."""
        return KDTree(self.sites)

    def nearest_sites(
        self, clients: IntArray, sites: IntArray, count: int
    ) -> tuple[IntArray, FloatArray]:
        """
        Sites of each client from the nearest on, and their distances.

        Parameters
        ----------
        clients, sites
            Which of them take part.
        count
            Sites a client, 1..sites that take part.

        Returns
        -------
        tuple of IntArray and FloatArray
            Places in ``sites``, and distances, shape (clients that take part, count).
        """
        tree: Any = self.site_tree if sites.size == self.shape[1] else KDTree(self.sites[sites])
        _, place = tree.query(self.clients[clients], k=np.arange(1, count + 1))
        distances = self.of_pairs(np.repeat(clients, count), sites[place.ravel()])
        return place, distances.reshape(place.shape)

    def nearest(self, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
        """Nearest open site of each client, -1 if none, and its distance."""
        sites = np.flatnonzero(is_open)
        if not sites.size:
            return _nobody(self.shape[0])
        tree: Any = KDTree(self.sites[sites])
        _, place = tree.query(self.clients)
        nearest = sites[place]
        return nearest, self.of_pairs(np.arange(self.shape[0]), nearest)


def round_distances(distances: FloatArray, *, rounding: Rounding) -> FloatArray:
    """
    Round distances to whole numbers: down, to the nearest (half up), up, or not at all.

    Raises
    ------
    ValueError
        If the rounding is unknown.

    Examples
    --------
    >>> round_distances(np.array([0.4, 2.5]), rounding="nearest").tolist()
    [0.0, 3.0]
    """
    if rounding is None:
        return distances
    if rounding not in _ROUND:
        raise ValueError(f"rounding is {rounding!r}, expected None or one of {', '.join(_ROUND)}.")
    return _ROUND[rounding](distances)


def as_distances(distances: FloatArray | sparse.csr_array | Distances) -> Distances:
    """
    Take distances in any form.

    Parameters
    ----------
    distances
        A matrix, a CSR array of the pairs within reach, or distances already.
    """
    if isinstance(distances, np.ndarray):
        return MatrixDistances(distances)
    if sparse.issparse(distances):
        return SparseDistances(sparse.csr_array(distances))
    return distances


def _nobody(num_clients: int) -> tuple[IntArray, FloatArray]:
    """No site for any client."""
    return np.full(num_clients, -1, dtype=np.int64), np.full(num_clients, np.inf)


def _nearest_by_blocks(distances: Distances, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
    """Nearest open site of each client by looking at all pairs, some clients at a time."""
    num_clients, sites = distances.shape[0], np.flatnonzero(is_open)
    nearest, away = _nobody(num_clients)
    if not sites.size:
        return nearest, away
    step = max(1, _BLOCK // sites.size)
    for begin in range(0, num_clients, step):
        clients = np.arange(begin, min(begin + step, num_clients))
        block = distances.block(clients, sites)
        best = np.argmin(block, axis=1)
        away[clients] = block[np.arange(clients.size), best]
        nearest[clients] = np.where(np.isfinite(away[clients]), sites[best], -1)
    return nearest, away
