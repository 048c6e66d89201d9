"""
Walking minutes for the verification, computed another way than by the planner.

One search over the whole network from a single super source that is joined to every open
facility, instead of one bounded search a site.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]


def walking_minutes(
    units: GeoDataFrame,
    facilities: GeoDataFrame,
    network: GeoDataFrame | None,
    barriers: GeoDataFrame | None,
    policy: dict[str, Any],
) -> Floats:
    """Minutes of every unit to its nearest facility, infinite if there is none."""
    if facilities.empty:
        return np.full(len(units), np.inf)
    rules = policy["walking"]
    speed = rules["speed_kmh"] * 1000 / 60
    homes = shapely.get_coordinates(
        shapely.point_on_surface(np.asarray(units.geometry, dtype=object))
    )
    stations = shapely.get_coordinates(np.asarray(facilities.geometry, dtype=object))
    if network is None or rules["mode"] == "straight_line":
        straight = cKDTree(stations).query(homes)[0] * rules["detour_factor"] / speed
        return np.asarray(straight)
    return _along_network(homes, stations, network, barriers, rules, speed)


def _along_network(
    homes: Floats,
    stations: Floats,
    network: GeoDataFrame,
    barriers: GeoDataFrame | None,
    rules: dict[str, Any],
    speed: float,
) -> Floats:
    lines = np.asarray(network.geometry, dtype=object)
    ends = [shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1)]
    names = np.concatenate([network[column].astype(str) for column in ("from_node", "to_node")])
    labels, place = np.unique(names, return_inverse=True)
    xy = np.zeros((labels.size, 2))
    xy[place[::-1]] = np.concatenate(ends)[::-1]
    tail, head = np.split(place, 2)
    graph = _quickest(tail, head, _edge_minutes(network, barriers, speed), labels.size)
    part = connected_components(graph, directed=False)[1]
    counts = np.bincount(part)
    large = min(rules["snap_to_components_of"] * labels.size, counts.max())
    usable = np.flatnonzero(counts[part] >= large)
    tree = cKDTree(xy[usable])
    access, node = (np.atleast_1d(part) for part in tree.query(stations))
    fine = access <= rules["max_snap_m"]
    source = labels.size
    first: dict[int, float] = {}
    for where, minutes in zip(usable[node[fine]], access[fine] / speed, strict=True):
        first[int(where)] = min(first.get(int(where), np.inf), float(minutes))
    rows = np.full(len(first), source)
    joined = sparse.coo_array(graph)
    whole = sparse.csr_array(
        (
            np.r_[joined.data, np.maximum(list(first.values()), 1e-12)],
            (np.r_[joined.row, rows], np.r_[joined.col, list(first)]),
        ),
        shape=(source + 1, source + 1),
    )
    minutes_of = dijkstra(whole, directed=True, indices=np.array([source]))[0]
    leave, nearest = (np.atleast_1d(part) for part in tree.query(homes))
    total = minutes_of[usable[nearest]] + leave / speed
    return np.where(leave <= rules["max_snap_m"], total, np.inf)


def _edge_minutes(network: GeoDataFrame, barriers: GeoDataFrame | None, speed: float) -> Floats:
    minutes = np.asarray(network["length_m"], dtype=float) / speed
    if "minutes" in network:
        given = np.asarray(network["minutes"], dtype=float)
        minutes = np.where(np.isfinite(given), given, minutes)
    if barriers is None or barriers.empty or "crossing_minutes" not in barriers:
        return minutes
    extra = np.nan_to_num(barriers["crossing_minutes"].to_numpy(float))
    crossable = barriers["crossable"].fillna(value=False).to_numpy(bool)
    minutes = minutes.copy()
    for row in np.flatnonzero(crossable & (extra > 0)):
        crossed = shapely.crosses(
            np.asarray(network.geometry, dtype=object), barriers.geometry.iloc[row]
        )
        minutes[crossed] += extra[row]
    return minutes


def _quickest(
    tail: NDArray[np.int64], head: NDArray[np.int64], minutes: Floats, num: int
) -> sparse.csr_array:
    """Both directions of every edge; the quickest of parallel ones, no loops."""
    best: dict[tuple[int, int], float] = {}
    for one, other, value in zip(tail.tolist(), head.tolist(), minutes.tolist(), strict=True):
        if one != other:
            for pair in ((one, other), (other, one)):
                best[pair] = min(best.get(pair, np.inf), max(value, 1e-12))
    pairs = np.array(list(best)).reshape(-1, 2).T
    return sparse.csr_array((list(best.values()), (pairs[0], pairs[1])), shape=(num, num))
