"""From a districting file to the problem that an engine solves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np

from ..models.districting.measures import Geography
from ..models.districting.problem import Districting, merge_units
from ..models.formulation import BoolArray, FloatArray, IntArray
from .balance import Bounds, refuse_empty_bounds
from .readers.graph_json import (
    geodesic_miles,
    hop_distances,
    published_costs,
    whole_kilometres,
)
from .rule_book import RuleBook
from .rule_names import NodeRules, unit_groups
from .unit_graph import Distance, UnitGraph

INERTIA_UNITS: dict[Distance, str] = {
    "metres": "resident·km²",
    "kilometres": "million resident·km²",
    "hops": "resident·hop",
    "miles": "resident·mile²",
    "euclidean": "resident·(unit of the file)²",
}


@dataclass(frozen=True, eq=False)
class UnitProblem:
    """
    One problem on the units of a file, for one number of districts.

    Parameters
    ----------
    graph, book, bounds
        The units, the rules, and the common bounds.
    num_districts
        Number of districts.
    distance
        Distance of the moment of inertia.
    """

    graph: UnitGraph
    book: RuleBook
    bounds: Bounds
    num_districts: int
    distance: Distance

    @cached_property
    def groups(self) -> IntArray:
        """Node of each unit, shape (units,)."""
        return unit_groups(self.graph, self.book)

    @cached_property
    def representatives(self) -> IntArray:
        """Unit that each node offers as a centre: the best one for its own units."""
        if self.groups.max() + 1 == self.graph.num_units:
            return np.argsort(self.groups)
        best = []
        for node in range(int(self.groups.max()) + 1):
            members = np.flatnonzero(self.groups == node)
            inside = self._costs_between(members)
            best.append(members[np.argmin(inside.sum(axis=0))])
        return np.array(best, dtype=np.int64)

    def _costs_between(self, members: IntArray) -> FloatArray:
        """Costs of some units about each other, shape (members, members)."""
        if self.unit_costs is not None:
            return self.unit_costs[np.ix_(members, members)]
        points = self._points[members]
        squared = np.square(points[:, None, :] - points[None, :, :]).sum(axis=2)
        return np.asarray(self.graph.weights[members, :1] * squared)

    @cached_property
    def unit_costs(self) -> FloatArray | None:
        """Costs of unit i about unit j where they come from no points, shape (units, units)."""
        mass, raw = self.graph.weights[:, 0], self.graph.raw
        if self.distance == "hops":
            return published_costs(mass, hop_distances(self._bare().graph), "hops")
        if self.distance == "miles":
            return published_costs(mass, geodesic_miles(self._needed("degrees")), "miles")
        if self.distance == "kilometres":
            kilometres = raw.kilometres
            if kilometres is None:
                kilometres = whole_kilometres(self._needed("points_m"))
            return published_costs(mass, kilometres, "kilometres")
        return None

    def _bare(self) -> Districting:
        """Units and edges alone."""
        n = self.graph.num_units
        return Districting(
            weights=self.graph.weights,
            lower=self.bounds.lower,
            upper=self.bounds.upper,
            edges=self.graph.raw.edges,
            num_districts=1,
            mass=self.graph.weights[:, 0],
            location=np.zeros((n, 2)),
            centre=np.zeros((n, 2)),
            inertia=np.zeros(n),
        )

    def _needed(self, name: str) -> FloatArray:
        values: FloatArray | None = getattr(self.graph.raw, name)
        if values is None:
            what = {"degrees": "lon and lat", "points_m": "x and y in metres", "points": "x and y"}
            raise ValueError(
                f"{self.graph.raw.path.name} has no {what[name]}, which --distance "
                f"{self.distance} needs. Choose another of {', '.join(get_args(Distance))}."
            )
        return values

    @cached_property
    def _points(self) -> FloatArray:
        """
        Points whose squared distances, over 1e6, are the cost of a resident.

        Coordinates of the file count as they are, so they are spread by a thousand. Where costs
        come from no points they only guide the search.
        """
        raw = self.graph.raw
        if self.distance == "metres":
            return self._needed("points_m")
        if self.distance == "euclidean":
            return 1000.0 * self._needed("points")
        known = [p for p in (raw.points_m, raw.points, raw.degrees) if p is not None]
        return known[0] if known else np.zeros((self.graph.num_units, 2))

    @cached_property
    def merged(self) -> dict[str, Any]:
        """
        Arguments of the problem that the groups make.

        Every border of two units is an edge of its own, even where both ends lie in the same two
        groups: cut edges are then counted as for the units.
        """
        mass = self.graph.weights[:, 0].astype(float)
        group_mass = np.bincount(self.groups, mass)
        light = np.where(group_mass[self.groups] > 0, mass, 1e-9)
        merged = merge_units(
            weights=self.graph.weights,
            mass=light,
            points=self._points,
            edges=self.graph.raw.edges,
            groups=self.groups,
        )
        merged["edges"] = np.sort(self.groups[self.graph.raw.edges], axis=1)[self._across]
        merged["mass"] = group_mass
        merged["centre"] = self._points[self.representatives]
        if self.unit_costs is not None:
            size = group_mass.size
            costs = np.zeros((size, size))
            np.add.at(costs, self.groups, self.unit_costs[:, self.representatives])
            merged["cost_matrix"] = costs
        return merged

    @cached_property
    def problem(self) -> Districting:
        """
        The problem by nodes.

        Raises
        ------
        ValueError
            If it asks for more districts than nodes, or rules contradict each other.
        """
        refuse_empty_bounds(self.graph, self.bounds, self.num_districts)
        nodes = NodeRules(
            self.graph, self.book, self.groups, self.num_districts, self.representatives
        )
        if not 1 <= self.num_districts <= nodes.num_nodes:
            raise ValueError(
                f"{self.num_districts} districts cannot be made of {nodes.num_nodes} units or "
                f"groups of {self.graph.raw.path.name}; give -k from 1 to {nodes.num_nodes}."
            )
        lower, upper = nodes.bounds(self.bounds.lower, self.bounds.upper)
        return Districting(
            lower=lower.min(axis=0),
            upper=upper.max(axis=0),
            num_districts=self.num_districts,
            names=self.node_names,
            rules=nodes.rules(lower, upper),
            **self.merged,
        )

    @cached_property
    def node_names(self) -> tuple[str, ...]:
        """Name of each node: its unit, or the units of its group."""
        labels = self.graph.labels
        members = [np.flatnonzero(self.groups == node) for node in range(self.groups.max() + 1)]
        return tuple(
            labels[rows[0]]
            if rows.size == 1
            else f"the group of {labels[rows[0]]} ({rows.size} units)"
            for rows in members
        )

    @cached_property
    def geography(self) -> Geography:
        """What measures other than the moment of inertia need, by nodes; areas only if positive."""
        raw, size = self.graph.raw, int(self.groups.max()) + 1
        outer, area = (
            None if values is None else np.bincount(self.groups, values, size).astype(float)
            for values in (raw.outer_perimeter, raw.area)
        )
        return Geography(
            edge_lengths=None if raw.lengths is None else raw.lengths[self._across],
            outer_perimeter=outer,
            area=area if area is not None and (area > 0).all() else None,
            today=self._today(size),
        )

    @cached_property
    def _across(self) -> BoolArray:
        """Which edges of the units join two nodes, shape (edges of the units,)."""
        u, v = self.groups[self.graph.raw.edges].T
        return np.asarray(u != v)

    @property
    def communities(self) -> tuple[str, ...]:
        """Communities of today in the order in which districts are numbered after them."""
        return tuple(sorted(set(self.graph.today or ()) - {""}))

    @cached_property
    def no_today(self) -> str:
        """Why the district of today of each node is not known, in words; empty if it is."""
        today, many = self.graph.today, len(self.communities)
        if today is None:
            return "Name the column with the community of today with --today."
        if not 0 < many <= self.num_districts:
            return (
                f"There are {many} communities today for {self.num_districts} districts; choose "
                "units of as many communities as districts, or fewer."
            )
        for node in range(int(self.groups.max()) + 1):
            members = np.flatnonzero(self.groups == node)
            if len({today[unit] for unit in members}) > 1:
                return (
                    f"{self.node_names[node]} stays together and belongs to several communities "
                    "today; part it."
                )
        return ""

    def _today(self, size: int) -> IntArray | None:
        """District of today of each node; None where it is not known."""
        if self.no_today or self.graph.today is None:
            return None
        number = {name: place for place, name in enumerate(self.communities)} | {"": -1}
        today = np.full(size, -1, dtype=np.int64)
        today[self.groups] = [number[name] for name in self.graph.today]
        return today

    def to_units(self, assignment: IntArray) -> IntArray:
        """District of each unit, given that of each node, shape (units,)."""
        return np.asarray(assignment[self.groups])
