"""The walking network as a graph: nodes from line ends, minutes on edges, places snapped to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import geopandas as gpd

    from ..models.formulation import BoolArray, FloatArray, IntArray
    from .policy import Policy

_SHORTEST_EDGE = 1e-9


@dataclass(frozen=True, eq=False)
class WalkingNetwork:
    """
    Undirected graph of walking minutes.

    Parameters
    ----------
    graph
        Minutes of the quickest edge between two nodes, symmetric, shape (nodes, nodes).
    node_xy
        Coordinates of the nodes in metres, shape (nodes, 2).
    snappable
        Nodes that a place may be connected to: those of large enough components, shape (nodes,).
    notes
        Sentences on what was left out or added.
    """

    graph: sparse.csr_array
    node_xy: FloatArray
    snappable: BoolArray
    notes: tuple[str, ...] = ()

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_xy)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.node_xy[self.snappable])

    def snap(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the nearest node of every point, shape (points, 2), and the metres to it."""
        distance, position = self._tree.query(points)
        nodes = np.flatnonzero(self.snappable)
        return nodes[position], np.asarray(distance, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class NetworkNodes:
    """
    Nodes of the network and the two ends of every edge.

    Parameters
    ----------
    ids
        Identifiers of the nodes, as in the layer.
    start, end
        Indices of the nodes of every edge, shapes (edges,).
    xy
        Coordinates of the nodes, from the first line end that names them, shape (nodes, 2).
    spread_m
        Largest distance of a line end from the coordinates of its node, shape (nodes,).
    """

    ids: pd.Index
    start: IntArray
    end: IntArray
    xy: FloatArray
    spread_m: FloatArray


def network_nodes(network: gpd.GeoDataFrame) -> NetworkNodes:
    """List the nodes that the edges name, placed at the line ends."""
    num_edges = len(network)
    ends = pd.concat([network["from_node"], network["to_node"]], ignore_index=True)
    codes, ids = pd.factorize(ends)
    coordinates, edge = shapely.get_coordinates(network.geometry.to_numpy(), return_index=True)
    first = np.searchsorted(edge, np.arange(num_edges), side="left")
    last = np.searchsorted(edge, np.arange(num_edges), side="right") - 1
    end_xy = np.vstack([coordinates[first], coordinates[last]])
    _, named_first = np.unique(codes, return_index=True)
    xy = end_xy[named_first]
    spread = np.zeros(len(ids))
    np.maximum.at(spread, codes, np.hypot(*(end_xy - xy[codes]).T))
    return NetworkNodes(
        ids=pd.Index(ids),
        start=codes[:num_edges].astype(np.int64),
        end=codes[num_edges:].astype(np.int64),
        xy=xy,
        spread_m=spread,
    )


def walking_network(
    network: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None, policy: Policy
) -> WalkingNetwork:
    """
    Build the graph of walking minutes.

    Parameters
    ----------
    network
        Lines with ``from_node``, ``to_node``, ``length_m`` and perhaps ``minutes``.
    barriers
        Lines with ``crossable`` and ``crossing_minutes``, which are added to the edges that cross
        them.
    policy
        Speed, and the smallest component that places are connected to.
    """
    nodes = network_nodes(network)
    minutes, crossings = _edge_minutes(network, barriers, policy)
    graph = quickest_edges(nodes.start, nodes.end, minutes, len(nodes.ids))
    snappable = _in_large_components(graph, policy.walking.snap_to_components_of)
    notes = []
    if not snappable.all():
        notes.append(
            f"{int((~snappable).sum()):,} of {len(nodes.ids):,} nodes lie in small parts cut off "
            "from the rest of the network; no place is connected to them."
        )
    if crossings:
        notes.append(f"{crossings:,} edges take longer because they cross a barrier.")
    return WalkingNetwork(graph=graph, node_xy=nodes.xy, snappable=snappable, notes=tuple(notes))


def quickest_edges(
    start: IntArray, end: IntArray, minutes: FloatArray, num_nodes: int
) -> sparse.csr_array:
    """
    Symmetric graph that keeps the quickest of parallel edges and drops loops.

    Sparse constructors add duplicates up, so they are reduced to their minimum first.
    """
    proper = start != end
    low = np.minimum(start, end)[proper]
    high = np.maximum(start, end)[proper]
    weight = np.maximum(minutes[proper], _SHORTEST_EDGE)
    order = np.lexsort((weight, high, low))
    low, high, weight = low[order], high[order], weight[order]
    quickest = np.ones(low.size, dtype=bool)
    quickest[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    low, high, weight = low[quickest], high[quickest], weight[quickest]
    return sparse.csr_array(
        (
            np.concatenate([weight, weight]),
            (np.concatenate([low, high]), np.concatenate([high, low])),
        ),
        shape=(num_nodes, num_nodes),
    )


def _edge_minutes(
    network: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None, policy: Policy
) -> tuple[FloatArray, int]:
    """Minutes of every edge with the barriers that it crosses, and how many edges cross one."""
    length = network["length_m"].to_numpy(dtype=np.float64)
    minutes = length * 60 / (policy.walking.speed_kmh * 1000)
    if "minutes" in network:
        given = network["minutes"].to_numpy(dtype=np.float64, na_value=np.nan)
        minutes = np.where(np.isfinite(given), given, minutes)
    if barriers is None or "crossing_minutes" not in barriers:
        return minutes, 0
    extra = barriers["crossing_minutes"].to_numpy(dtype=np.float64, na_value=np.nan)
    passable = barriers["crossable"].eq(True).to_numpy(dtype=bool) & (extra > 0)
    if not passable.any():
        return minutes, 0
    lines = network.geometry.to_numpy()
    tree = shapely.STRtree(barriers.geometry.to_numpy()[passable])
    edge, barrier = tree.query(lines, predicate="crosses")
    added = np.bincount(edge, weights=extra[passable][barrier], minlength=len(lines))
    return minutes + added, int((added > 0).sum())


def _in_large_components(graph: sparse.csr_array, share: float) -> BoolArray:
    """Nodes of components with at least the share of all nodes; of the largest in any case."""
    _, label = csgraph.connected_components(graph, directed=False)
    size = np.bincount(label)
    large = size >= min(share * label.size, size.max())
    return np.asarray(large[label], dtype=np.bool_)
