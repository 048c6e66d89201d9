"""
Walking minutes for the verification, computed another way than by the planner.

One search over the whole network starts from a single super source that is joined to every open
facility, instead of one bounded search a site. Where two nodes are equally near to a place, either
may be the one that it is connected to, so minutes are ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from .edges import both_ways, reversed_streets, speed_kmh
from .numbers import Bools, Floats

Ints = NDArray[np.int64]
EQUALLY_NEAR_M = 1e-6
MOST_EQUALLY_NEAR = 8


@dataclass(frozen=True)
class Range:
    """Least and most minutes of every unit, infinite if there is no way, shape (units,) each."""

    low: Floats
    high: Floats

    def holds(self, minutes: Floats, *, tolerance: float) -> Bools:
        """Whether each number of minutes lies in its range; a missing one does not."""
        return (minutes >= self.low - tolerance) & (minutes <= self.high + tolerance)


class Streets:
    """How people walk from their homes: straight, or along a network (:class:`Network`)."""

    def __init__(self, homes: Floats, minutes_per_m: float) -> None:
        self.homes, self.minutes_per_m = homes, minutes_per_m

    def nearest(self, stations: Floats) -> Range:
        """Minutes from every home to the nearest of some stations."""
        if not len(stations):
            nowhere = np.full(len(self.homes), np.inf)
            return Range(nowhere, nowhere)
        minutes = np.asarray(cKDTree(stations).query(self.homes)[0]) * self.minutes_per_m
        return Range(minutes, minutes)

    def to(self, stations: Floats, chosen: Ints, *, limit: float) -> Range:
        """Minutes from every home to the station that is chosen for it; -1 chooses none."""
        del limit
        minutes = np.full(len(self.homes), np.inf)
        some = chosen >= 0
        gap = self.homes[some] - stations[chosen[some]]
        minutes[some] = np.hypot(*gap.T) * self.minutes_per_m
        return Range(minutes, minutes)


@dataclass(frozen=True)
class Snap:
    """
    The nodes that places are connected to.

    Parameters
    ----------
    nodes, is_near
        The nearest nodes and which of them are equally near, shape (places, nodes).
    minutes
        Minutes to them, infinite if they are too far, shape (places,).
    """

    nodes: Ints
    is_near: Bools
    minutes: Floats

    def of(self, place: int) -> Ints:
        """Nodes that are equally near to a place."""
        return np.asarray(self.nodes[place][self.is_near[place]])

    def least(self, field: Floats) -> Floats:
        """Least value of a field over the equally near nodes of every place."""
        found = np.where(self.is_near, field[self.nodes], np.inf).min(axis=1)
        return np.asarray(found + self.minutes)

    def most(self, field: Floats) -> Floats:
        """Most value of a field over the equally near nodes of every place."""
        found = np.where(self.is_near, field[self.nodes], -np.inf).max(axis=1)
        return np.asarray(found + self.minutes)


class Network(Streets):
    """
    Walking along a network, with the straight way to it on both ends.

    The graph leads from the stations to the homes, with the minutes of the walk the other way.
    """

    def __init__(
        self,
        homes: Floats,
        graph: sparse.csr_array,
        xy: Floats,
        rules: dict[str, Any],
        group: str = "adult",
    ) -> None:
        super().__init__(homes, 60 / (speed_kmh(rules, group) * 1000))
        self.graph, self.longest = graph, rules["max_snap_m"]
        part = connected_components(graph, directed=False)[1]
        counts = np.bincount(part)
        large = min(rules["snap_to_components_of"] * len(xy), counts.max())
        self.usable = np.flatnonzero(counts[part] >= large)
        self.tree = cKDTree(xy[self.usable])
        self.ends = self.snap(homes)

    def snap(self, places: Floats) -> Snap:
        """Find the nodes nearest to some places."""
        num = min(MOST_EQUALLY_NEAR, self.usable.size)
        metres, found = map(np.asarray, self.tree.query(places, k=np.arange(1, num + 1)))
        minutes = np.where(metres[:, 0] <= self.longest, metres[:, 0] * self.minutes_per_m, np.inf)
        return Snap(self.usable[found], metres <= metres[:, :1] + EQUALLY_NEAR_M, minutes)

    def nearest(self, stations: Floats) -> Range:
        """Minutes from every home to the nearest of some stations."""
        if not len(stations):
            return super().nearest(stations)
        starts = self.snap(stations)
        doubtful = starts.is_near.sum(axis=1) > 1
        low = self._spread(starts, np.arange(len(stations)))
        high = low if not doubtful.any() else self._spread(starts, np.flatnonzero(~doubtful))
        for place in np.flatnonzero(doubtful & np.isfinite(starts.minutes)):
            fields = dijkstra(self.graph, indices=starts.of(int(place)))
            high = np.minimum(high, fields.max(axis=0) + starts.minutes[place])
        return Range(self.ends.least(low), self.ends.most(high))

    def _spread(self, starts: Snap, places: Ints) -> Floats:
        """Minutes of every node to the nearest of some places, from one super source."""
        source, first = self.graph.shape[0], dict[int, float]()
        for place in places[np.isfinite(starts.minutes[places])].tolist():
            for node in starts.of(place).tolist():
                first[node] = min(first.get(node, np.inf), float(starts.minutes[place]))
        joined = sparse.coo_array(self.graph)
        whole = sparse.csr_array(
            (
                np.r_[joined.data, np.maximum(list(first.values()), 1e-12)],
                (
                    np.r_[joined.row, np.full(len(first), source)],
                    np.r_[joined.col, np.array(list(first), dtype=np.int64)],
                ),
            ),
            shape=(source + 1, source + 1),
        )
        return np.asarray(dijkstra(whole, directed=True, indices=np.array([source]))[0, :-1])

    def to(self, stations: Floats, chosen: Ints, *, limit: float) -> Range:
        """Minutes from every home to the station chosen for it, as far as a limit."""
        low = np.full(len(self.homes), np.inf)
        high = low.copy()
        starts = self.snap(stations) if len(stations) else self.ends
        for place in np.unique(chosen[chosen >= 0]).tolist():
            fields = dijkstra(self.graph, indices=starts.of(place), limit=limit)
            some = np.flatnonzero(chosen == place)
            mine = Snap(self.ends.nodes[some], self.ends.is_near[some], self.ends.minutes[some])
            low[some] = mine.least(fields.min(axis=0)) + starts.minutes[place]
            high[some] = mine.most(fields.max(axis=0)) + starts.minutes[place]
        return Range(low, high)


def streets_of(
    homes: NDArray[np.object_],
    network: GeoDataFrame | None,
    barriers: GeoDataFrame | None,
    rules: dict[str, Any],
    group: str = "adult",
) -> Streets:
    """Tell how people of a group walk from the points where they live."""
    places = shapely.get_coordinates(homes)
    if network is None or rules["mode"] == "straight_line":
        return Streets(places, 60 / (speed_kmh(rules, group) * 1000) * rules["detour_factor"])
    names = np.concatenate([network[column].astype(str) for column in ("from_node", "to_node")])
    labels, node = np.unique(names.astype(str), return_inverse=True)
    xy = np.zeros((labels.size, 2))
    xy[node[::-1]] = _line_ends(np.asarray(network.geometry, dtype=object))[::-1]
    tail, head = np.split(node, 2)
    ways = both_ways(network, barriers, rules, group)
    graph = reversed_streets(tail.tolist(), head.tolist(), ways, labels.size)
    return Network(places, graph, xy, rules, group)


def _line_ends(lines: NDArray[np.object_]) -> Floats:
    """Return first, then last coordinates of lines, of one or of several parts."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    rows = np.arange(len(lines))
    last = np.searchsorted(line, rows, side="right") - 1
    return np.concatenate([xy[np.searchsorted(line, rows)], xy[last]])
