"""The units of one or several communities as nodes of a districting problem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...instances.adjacency import Adjacency, components, share_along_barriers
from ...instances.city import City
from ...instances.city_edges import unit_neighbours
from ...instances.decisions import unit_groups
from ...instances.policy import Policy
from ...models.districting.problem import Districting, merge_units
from ...models.formulation import FloatArray, IntArray

WEIGHTS = ("residents", "households")
"""Columns of the units that are kept within bounds."""


@dataclass(frozen=True, eq=False)
class Region:
    """
    Some units of a city, with what they border and which of them stay together.

    Parameters
    ----------
    city, policy
        The city and its rules.
    members
        Rows of the units, ascending, shape (members,).
    """

    city: City
    policy: Policy
    members: IntArray

    @classmethod
    def of_communities(cls, city: City, policy: Policy, rows: IntArray) -> Region:
        """Return the units of the communities of today in these rows."""
        return cls(city, policy, np.flatnonzero(np.isin(city.unit_community_idx, rows)))

    @cached_property
    def sizes(self) -> FloatArray:
        """Residents and households of the units, shape (members, 2)."""
        return np.asarray(self.city.units.loc[self.members, list(WEIGHTS)], dtype=float)

    @cached_property
    def community(self) -> IntArray:
        """Row of the community of today of each unit, shape (members,)."""
        return np.asarray(self.city.unit_community_idx[self.members])

    @cached_property
    def adjacency(self) -> Adjacency:
        """Pairs of units that are neighbours: by the policy, and by the bridges and cuts."""
        city = self.city
        return unit_neighbours(
            city.units, self.members, city.barriers, self.policy, city.edge_changes
        )

    @cached_property
    def weighted_length_m(self) -> FloatArray:
        """Length of the border of each pair of neighbours, less along a barrier."""
        rules = self.policy.split
        along = share_along_barriers(
            np.asarray(self.city.units.geometry, dtype=object)[self.members],
            self.adjacency.pairs,
            self.city.barriers,
            width_m=rules.barrier_width_m,
        )
        return self.adjacency.length_m * (1 - (1 - rules.barrier_border_factor) * along)

    @cached_property
    def groups(self) -> IntArray:
        """
        Node of each unit: neighbours of one community with an equal value that keeps together.

        Units of one value that do not hang together form several groups: no connected district
        could hold them without the units between. Neither do those of two communities: they are
        not together today.
        """
        one, other = self.adjacency.pairs.T
        together = np.zeros(one.size, dtype=bool)
        for column in self.policy.split.keep_together:
            if column not in self.city.units:
                continue
            values = self.city.units.loc[self.members, column]
            given = (values.notna() & (values.astype(str).str.strip() != "")).to_numpy(bool)
            text = values.astype(str).to_numpy(object)
            together |= given[one] & given[other] & (text[one] == text[other])
        for group in unit_groups(self.city, "together"):
            inside = np.isin(self.members, group)
            together |= inside[one] & inside[other]
        together &= self.community[one] == self.community[other]
        return components(self.members.size, self.adjacency.pairs[together])

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return int(self.groups.max()) + 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each node: its unit, or the first unit and the size of its group."""
        _, first, size = np.unique(self.groups, return_index=True, return_counts=True)
        ids = self.city.units.loc[self.members, "unit_id"].to_numpy(object)[first]
        return tuple(
            f"unit {unit_id}" if many == 1 else f"the group of unit {unit_id} ({many} units)"
            for unit_id, many in zip(ids, size, strict=True)
        )

    @cached_property
    def node_community(self) -> IntArray:
        """Row of the community of today of each node, shape (nodes,)."""
        _, first = np.unique(self.groups, return_index=True)
        return np.asarray(self.community[first])

    def districting(
        self, *, num_districts: int, lower: FloatArray, upper: FloatArray
    ) -> Districting:
        """
        Return the problem of dividing the region.

        Parameters
        ----------
        num_districts
            Number of districts.
        lower, upper
            Bounds on residents and households of a district, shape (2,).
        """
        merged = merge_units(
            weights=self.sizes,
            mass=np.maximum(self.sizes[:, 0], max(self.policy.split.empty_unit_weight, 1e-6)),
            points=self.city.unit_points[self.members],
            edges=self.adjacency.pairs,
            groups=self.groups,
        )
        return Districting(
            lower=lower, upper=upper, num_districts=num_districts, names=self.names, **merged
        )

    def border_lengths(self, problem: Districting) -> FloatArray:
        """Length in metres of the border of each edge of the problem, shape (edges,)."""
        return self._of_edges(problem, self.adjacency.length_m)

    def weighted_lengths(self, problem: Districting) -> FloatArray:
        """Return the same, less along a barrier by the policy's factor."""
        return self._of_edges(problem, self.weighted_length_m)

    def _of_edges(self, problem: Districting, values: FloatArray) -> FloatArray:
        """Sum values of pairs of units by edges of the problem, shape (edges,)."""
        ends = np.sort(self.groups[self.adjacency.pairs.reshape(-1, 2)], axis=1)
        across = ends[:, 0] != ends[:, 1]
        key = ends[across] @ np.array([self.num_nodes, 1])
        place = np.searchsorted(problem.edges @ np.array([self.num_nodes, 1]), key)
        return np.bincount(place, values[across], len(problem.edges)).astype(float)

    def to_units(self, assignment: IntArray) -> IntArray:
        """District of each unit, given that of each node, shape (members,)."""
        return np.asarray(assignment[self.groups])
