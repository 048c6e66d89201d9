"""
Merge clients that the same sites cover: exact, and often by a factor of hundreds.

Chen, Chen, Yang, Guan and Dai 2023, "Efficient presolving methods for solving maximal covering and
partial set covering location problems", European Journal of Operational Research 311(1), call it
isomorphic aggregation. Clients may come in batches, so that they never need to be held at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from .....models.formulation import FloatArray, IntArray
from .merge_kernels import SmallArray, merge_rows, near_sites, refill_table

BATCH = 250_000
"""Clients whose sites are listed at once."""


@dataclass(frozen=True, eq=False)
class MergedClients:
    """
    Clients with equal sets of covering sites as one each.

    Parameters
    ----------
    covers
        CSR of shape (groups, sites), entries 1, indices sorted.
    weights
        Total weight of each group, shape (groups,).
    num_clients
        Number of clients that were merged.
    """

    covers: sparse.csr_array
    weights: FloatArray
    num_clients: int


@dataclass
class RowMerger:
    """
    Groups of equal rows, batch by batch.

    Parameters
    ----------
    num_sites
        Number of sites.

    Examples
    --------
    >>> merger = RowMerger(3)
    >>> merger.add(np.array([0, 1, 3, 4]), np.array([2, 0, 1, 2])).tolist()
    [0, 1, 0]
    """

    num_sites: int
    num_groups: int = 0
    num_clients: int = 0
    _table: IntArray = field(default_factory=lambda: np.full(1 << 12, -1, dtype=np.int64))
    _indptr: IntArray = field(default_factory=lambda: np.zeros(1 << 11, dtype=np.int64))
    _indices: SmallArray = field(default_factory=lambda: np.zeros(1 << 14, dtype=np.int32))
    _weights: FloatArray = field(default_factory=lambda: np.zeros(0))

    def add(
        self, indptr: IntArray, indices: SmallArray, weights: FloatArray | None = None
    ) -> IntArray:
        """Add rows whose indices rise, with weights or none; returns the group of each row."""
        num_rows = indptr.size - 1
        group = np.empty(num_rows, dtype=np.int64)
        row = 0
        while True:
            row, self.num_groups = merge_rows(
                indptr,
                indices,
                row,
                self._table,
                self._indptr,
                self._indices,
                self.num_groups,
                group,
            )
            if row == num_rows:
                break
            self._grow(int(indptr[row + 1] - indptr[row]))
        self.num_clients += num_rows
        if weights is not None:
            total = np.bincount(group, weights, minlength=self.num_groups).astype(float)
            total[: self._weights.size] += self._weights
            self._weights = total
        return group

    def merged(self) -> MergedClients:
        """Return the groups so far."""
        indptr = self._indptr[: self.num_groups + 1].copy()
        indices = self._indices[: indptr[-1]].copy()
        covers = sparse.csr_array(
            (np.ones(indices.size), indices, indptr), shape=(self.num_groups, self.num_sites)
        )
        covers.has_sorted_indices = True
        return MergedClients(covers, self._weights.copy(), self.num_clients)

    def _grow(self, size: int) -> None:
        """Make room for one more group of that size, by doubling what is full."""
        used = int(self._indptr[self.num_groups])
        if self.num_groups + 2 > self._indptr.size:
            self._indptr = np.r_[self._indptr, np.zeros_like(self._indptr)]
        if used + size > self._indices.size:
            more = np.zeros(max(self._indices.size, size), dtype=self._indices.dtype)
            self._indices = np.r_[self._indices, more]
        if 2 * self.num_groups + 2 > self._table.size:
            self._table = np.full(2 * self._table.size, -1, dtype=np.int64)
            refill_table(self._table, self._indptr, self._indices, self.num_groups)


def merge_clients(covers: sparse.csr_array, weights: FloatArray) -> tuple[MergedClients, IntArray]:
    """
    Merge the clients of a matrix.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites).
    weights
        Shape (clients,).

    Returns
    -------
    tuple
        The groups, and the group of each client.
    """
    rows = covers if covers.has_sorted_indices else covers.sorted_indices()
    merger = RowMerger(int(covers.shape[1]))
    group = merger.add(
        rows.indptr.astype(np.int64), rows.indices.astype(np.int32), np.asarray(weights, float)
    )
    return merger.merged(), group


def merge_points(
    batches: Iterable[tuple[FloatArray, FloatArray]], sites: FloatArray, *, radius: float
) -> MergedClients:
    """
    Merge clients given as points in batches, without ever holding them all.

    Parameters
    ----------
    batches
        Coordinates and weights of some clients each, shapes (clients, 2) and (clients,).
    sites
        Coordinates of the sites, shape (sites, 2).
    radius
        Largest distance at which a site covers a client.

    Returns
    -------
    MergedClients
        Exact: the same optimum as the clients themselves have. Clients that no site covers are a
        group without entries.

    Raises
    ------
    ValueError
        If a batch does not fit, a coordinate or weight is not finite, a weight is negative, or the
        radius is not positive.

    Examples
    --------
    >>> batch = (np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0]]), np.array([1.0, 2.0, 4.0]))
    >>> merge_points([batch], np.array([[0.0, 0.0], [9.0, 1.0]]), radius=2.0).weights.tolist()
    [3.0, 4.0]
    """
    grid = _SiteGrid.around(sites, radius)
    merger = RowMerger(len(sites))
    for points, weights in batches:
        _check_batch(points, weights)
        for begin in range(0, len(points), BATCH):
            some = slice(begin, begin + BATCH)
            indptr, indices = grid.near(points[some])
            merger.add(indptr, indices, weights[some])
    return merger.merged()


@dataclass(frozen=True, eq=False)
class _SiteGrid:
    """Sites by cells of a square grid."""

    sites: FloatArray
    radius: float
    origin: FloatArray
    cell: float
    shape: IntArray
    starts: IntArray
    order: IntArray

    @classmethod
    def around(cls, sites: FloatArray, radius: float) -> _SiteGrid:
        """Put sites into cells at least as wide as the radius, and not many more than sites."""
        if sites.ndim != 2 or sites.shape[1] != 2 or not len(sites):
            raise ValueError(f"sites has shape {sites.shape}, expected (sites, 2).")
        if not np.isfinite(sites).all():
            raise ValueError("A coordinate of sites is not finite; give finite coordinates.")
        if not (radius > 0 and np.isfinite(radius)):
            raise ValueError(f"radius is {radius}; give a finite number > 0.")
        low, high = sites.min(axis=0), sites.max(axis=0)
        cell = max(radius, float((high - low).max()) / (1 + np.sqrt(len(sites)))) * (1 + 1e-9)
        shape = np.floor((high - low) / cell).astype(np.int64) + 1
        place = np.floor((sites - low) / cell).astype(np.int64)
        number = place[:, 1] * shape[0] + place[:, 0]
        order = np.argsort(number, kind="stable")
        counts = np.bincount(number, minlength=int(shape.prod()))
        return cls(sites, radius, low, cell, shape, np.r_[0, np.cumsum(counts)], order)

    def near(self, clients: FloatArray) -> tuple[IntArray, SmallArray]:
        """CSR arrays of the sites near clients."""
        indptr = np.zeros(len(clients) + 1, dtype=np.int64)
        points = np.ascontiguousarray(clients, dtype=float)
        grid = (self.origin, self.cell, self.shape, self.starts, self.order)
        none = np.zeros(0, dtype=np.int32)
        near_sites(points, self.sites, self.radius, *grid, indptr, none)
        indices = np.zeros(int(indptr[-1]), dtype=np.int32)
        if indices.size:
            near_sites(points, self.sites, self.radius, *grid, indptr, indices)
        return indptr, indices


def _check_batch(points: FloatArray, weights: FloatArray) -> None:
    """Refuse points and weights that do not fit each other."""
    if points.ndim != 2 or points.shape[1] != 2 or weights.shape != (len(points),):
        raise ValueError(
            f"A batch has points of shape {points.shape} and weights of shape {weights.shape}, "
            "expected (clients, 2) and (clients,)."
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise ValueError(
            f"weights[{wrong[0]}] of a batch is {weights[wrong[0]]}; give a finite number >= 0."
        )
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if wrong.size:
        raise ValueError(
            f"clients[{wrong[0]}] of a batch is {points[wrong[0]].tolist()}; give finite "
            "coordinates."
        )
