"""
Districting: divide the units of one community into balanced, contiguous, compact districts.

The objective is the population-weighted moment of inertia with free centres (Hess et al. 1965,
"Nonpartisan political redistricting by computer", Operations Research 13(6)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray
from .rules import DistrictRules


@dataclass(frozen=True, eq=False)
class Districting:
    """
    One districting problem as arrays.

    A node is a unit, or a group of units that stay together (see :func:`merge_units`).

    Parameters
    ----------
    weights
        What is kept within bounds, one column a weight (residents, households, ...),
        shape (nodes, weights), not negative.
    lower, upper
        Bounds on each weight of each district, shape (weights,).
    edges
        Pairs of neighbouring nodes, shape (edges, 2).
    num_districts
        Number of districts, k.
    mass
        Weight of each node in the objective, shape (nodes,).
    location
        Mass centre of each node in metres, shape (nodes, 2).
    centre
        Where a district's centre lies if this node is chosen for it, in metres, shape (nodes, 2).
    inertia
        Moment of inertia of each node about its own mass centre, in mass · m², shape (nodes,).
    names
        Name of each node, for messages.
    cost_matrix
        Cost of node i in a district with centre j, shape (nodes, nodes), not negative: walking
        distances or a published convention in place of the moment of inertia; None for that.
    rules
        Rules that tell districts apart, or None. ``lower`` and ``upper`` hold for every district
        besides; a plan's district d is then the d-th of the rules.

    Raises
    ------
    ValueError
        If shapes differ, a weight is negative or an edge names no node.
    """

    weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    edges: IntArray
    num_districts: int
    mass: FloatArray
    location: FloatArray
    centre: FloatArray
    inertia: FloatArray
    names: tuple[str, ...] = field(default=(), repr=False)
    cost_matrix: FloatArray | None = field(default=None, repr=False)
    rules: DistrictRules | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        n, num_weights = self.weights.shape
        expected = {
            "lower": (num_weights,),
            "upper": (num_weights,),
            "mass": (n,),
            "location": (n, 2),
            "centre": (n, 2),
            "inertia": (n,),
        }
        for label, shape in expected.items():
            if getattr(self, label).shape != shape:
                got = getattr(self, label).shape
                raise ValueError(f"{label} has shape {got}, expected {shape}.")
        if (self.weights < 0).any() or not np.isfinite(self.weights).all():
            node = int(np.flatnonzero(~(self.weights >= 0).all(axis=1))[0])
            raise ValueError(f"The weight of {self.name(node)} is negative or not finite.")
        if self.edges.size and (self.edges.min() < 0 or self.edges.max() >= n):
            raise ValueError(f"edges name a node outside 0..{n - 1}.")
        if self.cost_matrix is not None:
            self._check_costs(self.cost_matrix)
        if not 1 <= self.num_districts <= n:
            raise ValueError(f"{self.num_districts} districts of {n} nodes cannot be made.")
        if self.rules is not None:
            self.rules.check(n, self.num_districts, num_weights)

    def _check_costs(self, costs: FloatArray) -> None:
        n = self.num_nodes
        if costs.shape != (n, n):
            raise ValueError(f"cost_matrix has shape {costs.shape}, expected {(n, n)}.")
        if not (np.isfinite(costs) & (costs >= 0)).all():
            i, j = (int(k[0]) for k in np.nonzero(~(np.isfinite(costs) & (costs >= 0))))
            raise ValueError(f"cost_matrix[{i}, {j}] is {costs[i, j]}, not a number >= 0.")

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return int(self.weights.shape[0])

    def name(self, node: int) -> str:
        """Name of a node, for messages."""
        return self.names[node] if self.names else f"node {node}"

    @cached_property
    def costs(self) -> FloatArray:
        """
        Cost of node i in a district with centre j, shape (nodes, nodes).

        The moment of inertia in resident · km², unless a ``cost_matrix`` is given. Not for large
        problems without one: :meth:`costs_to` gives single columns.
        """
        if self.cost_matrix is not None:
            return self.cost_matrix
        return self.costs_to(np.arange(self.num_nodes))

    def costs_to(self, centres: IntArray) -> FloatArray:
        """Columns of :attr:`costs` of some centres, shape (nodes, centres)."""
        if self.cost_matrix is not None:
            return self.cost_matrix[:, centres]
        gap = self.location[:, None, :] - self.centre[centres][None, :, :]
        inertia = self.inertia[:, None] + self.mass[:, None] * np.square(gap).sum(axis=2)
        return np.asarray(inertia / 1e6)

    @cached_property
    def district_lower(self) -> FloatArray:
        """Lower bound on each weight of each district, shape (districts, weights)."""
        common = np.broadcast_to(self.lower, (self.num_districts, self.lower.size))
        own = self.rules.lower if self.rules is not None else None
        return common if own is None else np.maximum(common, own)

    @cached_property
    def district_upper(self) -> FloatArray:
        """Upper bound on each weight of each district, shape (districts, weights)."""
        common = np.broadcast_to(self.upper, (self.num_districts, self.upper.size))
        own = self.rules.upper if self.rules is not None else None
        return common if own is None else np.minimum(common, own)

    @cached_property
    def may_hold(self) -> BoolArray:
        """Whether the rules let each node belong to each district, shape (nodes, districts)."""
        rules = self.rules or DistrictRules()
        return rules.allowed(self.num_nodes, self.num_districts)

    @cached_property
    def graph(self) -> sparse.csr_array:
        """Symmetric adjacency matrix, shape (nodes, nodes), entries 1."""
        i, j = self.edges.reshape(-1, 2).T
        ones = np.ones(2 * i.size)
        shape = (self.num_nodes, self.num_nodes)
        graph = sparse.csr_array((ones, (np.r_[i, j], np.r_[j, i])), shape=shape)
        graph.data[:] = 1
        return graph

    @cached_property
    def _neighbours(self) -> list[list[int]]:
        """Neighbours of each node; to walk over these few is far quicker than to cut a matrix."""
        where, nodes = self.graph.indptr.tolist(), self.graph.indices.tolist()
        return [nodes[first:last] for first, last in pairwise(where)]

    def totals(self, assignment: IntArray) -> FloatArray:
        """Weights of each district, shape (districts, weights)."""
        totals = np.zeros((self.num_districts, self.weights.shape[1]))
        np.add.at(totals, assignment, self.weights)
        return totals

    def centres(self, assignment: IntArray) -> IntArray:
        """
        Centre of each district: its seat, else the best of its own nodes, shape (districts,).

        -1 for a district that is empty.
        """
        best = np.full(self.num_districts, -1, dtype=np.int64)
        for district in range(self.num_districts):
            members = np.flatnonzero(assignment == district)
            if members.size:
                best[district] = self._best_centre(members)
        if self.rules is not None and self.rules.seats is not None:
            seated = (self.rules.seats >= 0) & (best >= 0)
            best[seated] = self.rules.seats[seated]
        return best

    def _best_centre(self, members: IntArray) -> int:
        """Return the member of least cost; without a matrix that next to the mass centre."""
        if self.cost_matrix is not None:
            return int(members[np.argmin(self.cost_matrix[np.ix_(members, members)].sum(axis=0))])
        mass = self.mass[members]
        middle = mass @ self.location[members] / max(float(mass.sum()), 1e-300)
        return int(members[np.argmin(np.square(self.centre[members] - middle).sum(axis=1))])

    def evaluate(self, assignment: IntArray) -> float:
        """
        Moment of inertia of a plan in resident · km².

        Parameters
        ----------
        assignment
            District 0..k-1 of each node, shape (nodes,). Need not be feasible.
        """
        centre_of = self.centres(assignment)[assignment]
        if self.cost_matrix is not None:
            return float(self.cost_matrix[np.arange(self.num_nodes), centre_of].sum())
        gap = np.square(self.location - self.centre[centre_of]).sum(axis=1)
        return float((self.inertia + self.mass * gap).sum() / 1e6)

    def is_cut(self, assignment: IntArray) -> BoolArray:
        """Whether the ends of each edge lie in two districts, shape (edges,)."""
        u, v = self.edges.reshape(-1, 2).T
        return np.asarray(assignment[u] != assignment[v])

    def is_connected(self, members: IntArray) -> bool:
        """Whether the nodes ``members`` hang together."""
        left = set(members.tolist())
        if not left:
            return False
        reached = [left.pop()]
        while reached:
            for node in self._neighbours[reached.pop()]:
                if node in left:
                    left.remove(node)
                    reached.append(node)
        return not left

    def violations(self, assignment: IntArray) -> list[str]:
        """Every broken rule of a plan, in words; empty if it is feasible."""
        if assignment.shape != (self.num_nodes,):
            return [f"assignment has shape {assignment.shape}, expected ({self.num_nodes},)"]
        if assignment.min() < 0 or assignment.max() >= self.num_districts:
            return [f"a district outside 0..{self.num_districts - 1} is assigned"]
        broken = []
        totals = self.totals(assignment)
        for district in range(self.num_districts):
            members = np.flatnonzero(assignment == district)
            if not members.size:
                broken.append(f"district {district} is empty")
            elif not self.is_connected(members):
                broken.append(f"district {district} is not connected")
        lower, upper = self.district_lower, self.district_upper
        outside = (totals < lower - 1e-6) | (totals > upper + 1e-6)
        broken += [
            f"district {d}: weight {w} is {totals[d, w]:g}, not in "
            f"[{lower[d, w]:g}, {upper[d, w]:g}]"
            for d, w in np.argwhere(outside)
        ]
        return broken + self._broken_rules(assignment)

    def _broken_rules(self, assignment: IntArray) -> list[str]:
        """Nodes where they must not be, and pairs that are not apart."""
        if self.rules is None:
            return []
        wrong = np.flatnonzero(~self.may_hold[np.arange(self.num_nodes), assignment])
        broken = [f"{self.name(int(i))} must not be in district {assignment[i]}" for i in wrong]
        if self.rules.apart is not None:
            one, other = self.rules.apart.T
            same = np.flatnonzero(assignment[one] == assignment[other])
            broken += [
                f"{self.name(int(one[i]))} and {self.name(int(other[i]))} share a district"
                for i in same
            ]
        return broken


def point_districting(
    mass: FloatArray,
    points: FloatArray,
    edges: IntArray,
    num_districts: int,
    lower: float,
    upper: float,
    *,
    names: Sequence[str] = (),
) -> Districting:
    """
    Return the problem of nodes that are points and weigh what they count.

    Parameters
    ----------
    mass
        Residents of each node, balanced and the weight of the objective, shape (nodes,).
    points
        In metres, shape (nodes, 2).
    edges, num_districts, names
        As for :class:`Districting`.
    lower, upper
        Bounds on the residents of each district.
    """
    return Districting(
        weights=mass[:, None],
        lower=np.array([lower]),
        upper=np.array([upper]),
        edges=edges,
        num_districts=num_districts,
        mass=mass,
        location=points,
        centre=points,
        inertia=np.zeros(mass.size),
        names=tuple(names),
    )


def merge_units(
    *,
    weights: FloatArray,
    mass: FloatArray,
    points: FloatArray,
    edges: IntArray,
    groups: IntArray,
) -> dict[str, Any]:
    """
    Merge the units of each group into one node, exactly, before any model is built.

    By the parallel-axis theorem the moment of inertia of a group about any point is that about
    its own mass centre plus mass times squared distance, so nothing is lost. As a district's
    centre a group offers the point of its unit nearest to its mass centre.

    Parameters
    ----------
    weights, mass, points
        Of the units: shapes (units, weights), (units,), (units, 2) in metres.
    edges
        Pairs of neighbouring units, shape (edges, 2).
    groups
        Node 0..nodes-1 of each unit, shape (units,).

    Returns
    -------
    dict
        The arguments weights, edges, mass, location, centre, inertia of :class:`Districting`.
    """
    num_nodes = int(groups.max()) + 1
    merged_weights = np.zeros((num_nodes, weights.shape[1]))
    np.add.at(merged_weights, groups, weights)
    merged_mass = np.bincount(groups, mass, num_nodes).astype(float)
    location = np.stack(
        [np.bincount(groups, mass * points[:, axis], num_nodes) for axis in (0, 1)], axis=1
    )
    location = location / merged_mass[:, None]
    squared = np.square(points - location[groups]).sum(axis=1)
    nearest = np.lexsort((squared, groups))
    first = np.searchsorted(groups[nearest], np.arange(num_nodes))
    ends = np.sort(groups[edges.reshape(-1, 2)], axis=1)
    return {
        "weights": merged_weights,
        "edges": np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0),
        "mass": merged_mass,
        "location": location,
        "centre": points[nearest[first]],
        "inertia": np.bincount(groups, mass * squared, num_nodes),
    }
