"""The walking network along streets, courtyard borders and lanes, and walks on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from .communities import line_ranks
from .courtyards import INDUSTRY, RIVERSIDE, Courtyards
from .fabric import ARTERIAL, BARRIER, PATH, STREET, Fabric

if TYPE_CHECKING:
    from ...models.formulation import BoolArray, FloatArray, IntArray

METRES_PER_MINUTE = 75.0
LANE_FROM_CELLS = 4
KINDS = {PATH: "path", STREET: "street", ARTERIAL: "arterial"}


@dataclass(frozen=True, eq=False)
class Walkways:
    """
    The walking network.

    Parameters
    ----------
    xy
        Coordinates of the nodes in metres, shape (nodes, 2).
    ends
        Nodes at both ends of the edges, shape (edges, 2).
    length_m
        Lengths of the edges in metres, to 1 cm, shape (edges,).
    ranks
        Rank of each edge: path, street or arterial.
    bridge
        True where an edge lies on a bridge over the river, shape (edges,).
    """

    xy: FloatArray
    ends: IntArray
    length_m: FloatArray
    ranks: IntArray
    bridge: BoolArray

    def minutes(self, sources: FloatArray, targets: FloatArray, *, limit: float) -> FloatArray:
        """
        Measure walking minutes between places that are joined to their nearest nodes.

        Parameters
        ----------
        sources, targets
            Coordinates in metres, shapes (sources, 2) and (targets, 2).
        limit
            Longest walk in minutes; what is farther is infinite.

        Returns
        -------
        minutes
            Shape (sources, targets).
        """
        tree = cKDTree(self.xy)
        source_leg, source_node = tree.query(sources)
        target_leg, target_node = tree.query(targets)
        graph = sparse.csr_array(
            (self.length_m, (self.ends[:, 0], self.ends[:, 1])), (len(self.xy), len(self.xy))
        )
        nodes, place = np.unique(source_node, return_inverse=True)
        along = csgraph.dijkstra(
            graph, directed=False, indices=nodes, limit=limit * METRES_PER_MINUTE
        )
        walks = (
            along[:, target_node][place] + np.asarray(source_leg)[:, None] + target_leg
        ) / METRES_PER_MINUTE
        return np.where(walks <= limit, walks, np.inf)


def lay_walkways(fabric: Fabric, nodes: FloatArray, courtyards: Courtyards) -> Walkways:
    """
    Lay walkways along all borders of courtyards, and lanes through the middle of large ones.

    Only arterials cross the river and the railway.

    Parameters
    ----------
    fabric, courtyards
        The city.
    nodes
        Coordinates of the lattice nodes, shape (rows + 1, columns + 1, 2).
    """
    along_rows, along_columns = line_ranks(fabric, courtyards.unit_of_cell)
    _add_lanes(along_rows, along_columns, courtyards)
    bridge = _bar_crossings(fabric, along_rows, along_columns)
    number = np.arange(nodes[..., 0].size).reshape(nodes.shape[:2])
    ends, ranks, bridges = [], [], []
    for rank, first, second, over in (
        (along_rows, number[:, :-1], number[:, 1:], bridge),
        (along_columns, number[:-1], number[1:], np.zeros(along_columns.shape, dtype=bool)),
    ):
        walkable = (rank > 0) & (rank < BARRIER)
        ends.append(np.stack([first[walkable], second[walkable]], axis=1))
        ranks.append(rank[walkable])
        bridges.append(over[walkable])
    return _largest_part(
        nodes.reshape(-1, 2), np.concatenate(ends), np.concatenate(ranks), np.concatenate(bridges)
    )


def _add_lanes(along_rows: IntArray, along_columns: IntArray, courtyards: Courtyards) -> None:
    """Lead lanes through the middle of large courtyards, so that every home is near a walkway."""
    for (top, bottom, left, right), use in zip(
        courtyards.rectangles.tolist(), courtyards.land_use.tolist(), strict=True
    ):
        if use in (INDUSTRY, RIVERSIDE):
            continue
        if bottom - top >= LANE_FROM_CELLS:
            along_rows[(top + bottom) // 2, left:right] = PATH
        if right - left >= LANE_FROM_CELLS:
            along_columns[top:bottom, (left + right) // 2] = PATH


def _bar_crossings(fabric: Fabric, along_rows: IntArray, along_columns: IntArray) -> BoolArray:
    """Remove walkways that end at river or railway, but for arterials; tell the bridges."""
    plan, river, railway = fabric.plan, fabric.plan.river_column, fabric.plan.railway_row
    minor = np.setdiff1d(np.arange(along_rows.shape[0]), plan.arterial_rows)
    along_rows[np.ix_(minor, np.array([river - 1, river]))] = 0
    if railway is not None:
        minor = np.setdiff1d(np.arange(along_columns.shape[1]), plan.arterial_columns)
        along_columns[np.ix_(np.array([railway - 1, railway]), minor)] = 0
    bridge = np.zeros(along_rows.shape, dtype=bool)
    bridge[:, [river - 1, river]] = True
    return bridge


def _largest_part(xy: FloatArray, ends: IntArray, ranks: IntArray, bridge: BoolArray) -> Walkways:
    """Keep the largest connected part of the network and number its nodes."""
    links = sparse.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (len(xy), len(xy)))
    _, part = csgraph.connected_components(links, directed=False)
    keep = part[ends[:, 0]] == np.bincount(part[ends[:, 0]]).argmax()
    used, renumbered = np.unique(ends[keep], return_inverse=True)
    ends, xy = renumbered.reshape(-1, 2), xy[used]
    length = np.round(np.linalg.norm(xy[ends[:, 1]] - xy[ends[:, 0]], axis=1), 2)
    return Walkways(xy, ends.astype(np.int64), length, ranks[keep], bridge[keep])
