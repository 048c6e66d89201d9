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

from .notes import Note, note
from .walking_edges import edge_minutes

if TYPE_CHECKING:
    import geopandas as gpd

    from ..models.formulation import BoolArray, FloatArray, IntArray
    from .policy import Policy
    from .travel_groups import Group

_SHORTEST_EDGE = 1e-9


@dataclass(frozen=True, eq=False)
class WalkingNetwork:
    """
    Graph of walking minutes.

    Parameters
    ----------
    graph
        Minutes of the quickest edge from one node (row) to another (column), shape
        (nodes, nodes). Symmetric unless edges rise or fall.
    node_xy
        Coordinates of the nodes in metres, shape (nodes, 2).
    snappable
        Nodes that a place may be connected to: those of large enough components, shape (nodes,).
    notes
        What was left out or added.
    """

    graph: sparse.csr_array
    node_xy: FloatArray
    snappable: BoolArray
    notes: tuple[Note, ...] = ()

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
    network: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    policy: Policy,
    *,
    group: Group = "adult",
) -> WalkingNetwork:
    """
    Build the graph of walking minutes.

    Parameters
    ----------
    network
        Lines with ``from_node``, ``to_node``, ``length_m`` and what
        :func:`~.walking_edges.edge_minutes` knows.
    barriers
        Lines that take longer to cross, or that cut the edges across them.
    policy
        Speeds, and the smallest component that places are connected to.
    group
        Who walks.
    """
    nodes = network_nodes(network)
    minutes = edge_minutes(network, barriers, policy, group)
    graph = quickest_edges(nodes.start, nodes.end, minutes.there, len(nodes.ids), back=minutes.back)
    snappable = _in_large_components(graph, policy.walking.snap_to_components_of)
    notes = list(minutes.notes)
    if not snappable.all():
        lost = int((~snappable).sum())
        notes.append(note("walk_small_parts", count=lost, nodes=len(nodes.ids)))
    return WalkingNetwork(graph=graph, node_xy=nodes.xy, snappable=snappable, notes=tuple(notes))


def quickest_edges(
    start: IntArray,
    end: IntArray,
    minutes: FloatArray,
    num_nodes: int,
    *,
    back: FloatArray | None = None,
) -> sparse.csr_array:
    """
    Graph of both directions that keeps the quickest of parallel edges and drops loops.

    Sparse constructors add duplicates up, so they are reduced to their minimum first.

    Parameters
    ----------
    start, end
        Nodes of every edge, shapes (edges,).
    minutes
        Minutes from start to end; an infinite edge is left out, shape (edges,).
    num_nodes
        Number of nodes.
    back
        Minutes from end to start; None for the same as there.
    """
    tail, head = np.concatenate([start, end]), np.concatenate([end, start])
    weight = np.concatenate([minutes, minutes if back is None else back])
    proper = (tail != head) & np.isfinite(weight)
    tail, head, weight = tail[proper], head[proper], np.maximum(weight[proper], _SHORTEST_EDGE)
    order = np.lexsort((weight, head, tail))
    tail, head, weight = tail[order], head[order], weight[order]
    quickest = np.ones(tail.size, dtype=bool)
    quickest[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    return sparse.csr_array(
        (weight[quickest], (tail[quickest], head[quickest])), shape=(num_nodes, num_nodes)
    )


def _in_large_components(graph: sparse.csr_array, share: float) -> BoolArray:
    """Nodes of components with at least the share of all nodes; of the largest in any case."""
    _, label = csgraph.connected_components(graph, directed=False)
    size = np.bincount(label)
    large = size >= min(share * label.size, size.max())
    return np.asarray(large[label], dtype=np.bool_)
