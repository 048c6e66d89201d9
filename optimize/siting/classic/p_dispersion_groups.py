"""
Sites in groups of neighbours, told apart only as far as an answer needs it.

The distance between two groups is bounded from above by that of their middles and their radii: if k
groups can't be that far apart, no k sites can. Groups of an answer that no sites bear out are split
(Contardo 2020, "Decremental clustering for the solution of p-dispersion problems to proven
optimality", INFORMS Journal on Optimization 2(2)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.formulation import BoolArray, FloatArray, IntArray
from ....models.siting.distances import PointDistances, round_distances
from ....models.siting.p_dispersion import PDispersion

MOST_SINGLE = 1_500
"""Sites up to which each is a group of its own; without points it always is."""

FIRST_GROUPS = 400
"""Groups at the start otherwise."""

SAFE = 1 + 1e-12
"""Factor on distances between groups, for rounding."""


@dataclass(eq=False)
class SiteGroups:
    """
    Groups of the sites that may open.

    Parameters
    ----------
    problem
        The whole problem.
    members
        Sites of each group; the first is its middle.
    radii
        Largest exact distance from the middle of each group, 0 for single sites.
    """

    problem: PDispersion
    members: list[IntArray]
    radii: FloatArray

    @classmethod
    def of(cls, problem: PDispersion, allowed: IntArray, required: IntArray) -> SiteGroups:
        """Group the allowed sites; required ones stay alone."""
        pairs = problem.pairs
        if allowed.size <= MOST_SINGLE or not isinstance(pairs, PointDistances):
            return cls(problem, [allowed[[i]] for i in range(allowed.size)], np.zeros(allowed.size))
        groups = cls(
            problem, [required[[i]] for i in range(required.size)], np.zeros(required.size)
        )
        free = np.setdiff1d(allowed, required)
        groups._append(_clustered(pairs.sites, free, FIRST_GROUPS))
        return groups

    @property
    def middles(self) -> IntArray:
        """One site of each group."""
        return np.array([sites[0] for sites in self.members], dtype=np.int64)

    @property
    def is_single(self) -> BoolArray:
        """Whether a group is one site."""
        return np.array([sites.size == 1 for sites in self.members])

    def farthest(self) -> FloatArray:
        """Bounds from above on the distances between sites of two groups."""
        middles, pairs = self.middles, self.problem.pairs
        if not self.radii.any() or not isinstance(pairs, PointDistances):
            return pairs.block(middles, middles)
        exact = PointDistances(pairs.sites[middles], pairs.sites[middles]).dense()
        far = (exact + self.radii[:, None] + self.radii) * SAFE
        return round_distances(far, rounding=pairs.rounding)

    def split_wide(self, distance: float) -> None:
        """Split groups until no two sites of one are that far apart."""
        pairs = self.problem.pairs
        if not isinstance(pairs, PointDistances):
            return
        while True:
            wide = round_distances(2 * self.radii * SAFE, rounding=pairs.rounding) >= distance
            wide &= ~self.is_single
            if not wide.any():
                return
            self.split(np.flatnonzero(wide))

    def split(self, groups: IntArray) -> None:
        """Split each of some groups in four."""
        pairs = self.problem.pairs
        groups = groups[~self.is_single[groups]]
        if not isinstance(pairs, PointDistances) or not groups.size:
            return
        parts: list[tuple[IntArray, float]] = []
        for group in groups:
            parts += _clustered(pairs.sites, self.members[group], 4)
        gone = set(groups.tolist())
        self.radii = np.delete(self.radii, groups)
        self.members = [sites for i, sites in enumerate(self.members) if i not in gone]
        self._append(parts)

    def _append(self, parts: list[tuple[IntArray, float]]) -> None:
        self.members += [sites for sites, _ in parts]
        self.radii = np.concatenate([self.radii, [radius for _, radius in parts]])


def _clustered(points: FloatArray, sites: IntArray, count: int) -> list[tuple[IntArray, float]]:
    """Cluster sites around some that are far from each other; each with its radius."""
    middle = [0]
    place = np.zeros(sites.size, dtype=np.int64)
    away = np.hypot(*(points[sites] - points[sites[0]]).T)
    while len(middle) < min(count, sites.size) and away.max() > 0:
        new = int(np.argmax(away))
        distance = np.hypot(*(points[sites] - points[sites[new]]).T)
        nearer = distance < away
        place[nearer], away[nearer] = len(middle), distance[nearer]
        middle.append(new)
    if len(middle) == 1 and sites.size > 1:
        return [(sites[[i]], 0.0) for i in range(sites.size)]
    parts = []
    for number, first in enumerate(middle):
        inside = np.flatnonzero(place == number)
        others = inside[inside != first]
        radius = float(away[inside].max()) * SAFE
        parts.append((sites[np.concatenate([[first], others])], radius))
    return parts
