"""The dual of a districting problem in whole numbers: costs, weights, windows, tables of walks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ....models.districting.dual import DualGraph, fluxes
from ....models.formulation import FloatArray, IntArray
from .walks import NONE, Index, Table, leave, spread, traced

LARGEST_COST = 2**29
"""Most that a plan costs in whole numbers."""

_FINEST = 20_000
"""Most weights of a table if they are not whole numbers."""


@dataclass(frozen=True, eq=False)
class Walks:
    """
    Arcs with whole costs and fluxes, and the windows of weight that districts have.

    Weights are whole multiples of a ``grain``. What rounding may change in a set of nodes widens
    every window, so that no plan is lost.

    Parameters
    ----------
    dual
        Faces and arcs.
    edges
        Edges of the graph, each pair once, shape (edges, 2).
    weights
        Weight of each node in grains, shape (nodes,).
    bounds
        Least and most weight of a district.
    grain
        Weight of a grain.
    error
        Weight that rounding may have taken from a set of nodes, and may have given to it.
    cost
        Whole cost of each arc, shape (arcs,).
    flux
        Weight that each arc carries, in grains, shape (arcs,).
    heed
        Called before each long step; raises TimeoutError to give up.
    """

    dual: DualGraph
    edges: IntArray
    weights: IntArray
    bounds: tuple[float, float]
    grain: float
    error: tuple[float, float]
    cost: IntArray
    flux: IntArray
    heed: Callable[[], None]

    @classmethod
    def rounded(
        cls,
        dual: DualGraph,
        edges: IntArray,
        weights: FloatArray,
        bounds: tuple[float, float],
        cost: IntArray,
        *,
        most_weights: float,
        widest: float,
        heed: Callable[[], None],
    ) -> Walks:
        """
        Round the weights.

        Parameters
        ----------
        weights
            Weight of each node, shape (nodes,).
        most_weights, widest
            Most grains of all nodes, and between the bounds of a district.
        """
        total = float(weights.sum())
        grain = max(total / most_weights, (bounds[1] - bounds[0]) / widest)
        is_whole = np.array_equal(weights, np.rint(weights))
        grain = max(1.0, float(np.ceil(grain))) if is_whole else max(grain, total / _FINEST)
        whole = np.rint(weights / grain).astype(np.int64)
        lost = weights - grain * whole
        error = float(np.maximum(lost, 0).sum()), float(np.maximum(-lost, 0).sum())
        flux = fluxes(dual, edges, whole)
        return cls(dual, edges, whole, bounds, grain, error, cost, flux, heed)

    @property
    def size(self) -> int:
        """Weight of all nodes in grains."""
        return int(self.weights.sum())

    @property
    def step(self) -> int:
        """Width of a bucket of costs."""
        return int(max(1, np.median(self.cost)))

    def window(self, count: int) -> IntArray:
        """Least and most weight of so many districts, in grains."""
        low = (count * self.bounds[0] - self.error[0]) / self.grain
        high = (count * self.bounds[1] + self.error[1]) / self.grain
        return np.array(
            [max(np.ceil(low - 1e-6), 0), min(np.floor(high + 1e-6), self.size)], dtype=np.int64
        )

    def half(self, limit: int) -> int:
        """Cost of the longer half of a cycle that costs less than the limit, at its best face."""
        return (limit + int(self.cost.max())) // 2 + 1

    def table(self) -> Table:
        """Return a table without walks, shape (faces, size)."""
        return np.full((self.dual.num_faces, self.size), NONE, dtype=np.int32)

    def fill(self, table: Table, hub: int, most: int) -> None:
        """Fill the table with walks from the hub that cost no more than ``most``."""
        leave(table, self.dual.first, self.dual.head, self.flux, self.cost, hub)
        table[table > most] = NONE
        self.prolong(table, hub, most)

    def prolong(self, table: Table, hub: int, most: int) -> None:
        """Prolong the walks of the table."""
        self.heed()
        dual = self.dual
        spread(table, dual.first, dual.head, self.flux, self.cost, hub, most, self.step)

    def trace(self, table: Table, hub: int, face: int, place: int) -> tuple[Index, Index]:
        """Arcs of the walk to a face and weight, and where it began."""
        dual, end = self.dual, np.array([face, place])
        arcs, begin = traced(table, dual.first, dual.head, self.flux, self.cost, hub, end)
        return arcs, begin

    def least_loop(self, face: int, window: IntArray) -> int:
        """Least cost of one arc from a face to itself that encloses a weight of the window."""
        dual, flux = self.dual, self.flux % self.size
        fits = (window[0] <= flux) & (flux <= window[1])
        own = (dual.tail == face) & (dual.head == face) & fits
        return int(self.cost[own].min(initial=NONE))

    def within(self, near: IntArray) -> Walks:
        """Keep some faces only, in ascending order; face f becomes its place among them."""
        dual = self.dual
        place = np.full(dual.num_faces, -1, dtype=np.int64)
        place[near] = np.arange(near.size)
        kept = np.flatnonzero((place[dual.tail] >= 0) & (place[dual.head] >= 0))
        tail = place[dual.tail[kept]]
        first = np.searchsorted(tail, np.arange(near.size + 1)).astype(np.int64)
        head, edge, left = place[dual.head[kept]], dual.edge[kept], dual.left[kept]
        part = DualGraph(near.size, first, tail, head, edge, left)
        return replace(self, dual=part, cost=self.cost[kept], flux=self.flux[kept])
