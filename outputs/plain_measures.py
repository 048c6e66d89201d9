"""
Measures of a plan in plain Python, straight from their definitions.

Nothing here is shared with the models and engines that made the plan: no arrays, no formulations.
A plan is a list of districts, one a unit, numbered from 0.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pyproj import Geod

from ..instances.rule_book import RuleBook
from ..instances.unit_graph import UnitGraph

_METRES_PER_MILE = 1609.344


@dataclass(frozen=True, eq=False)
class PlainPlan:
    """
    A plan on the units of a file, and all that its measures need.

    Parameters
    ----------
    graph, book
        Units and rules.
    districts
        District of each unit.
    num_districts
        Number of districts.
    distance
        Distance of the moment of inertia.
    targets
        What each district should weigh, by district and weight.
    """

    graph: UnitGraph
    book: RuleBook
    districts: Sequence[int]
    num_districts: int
    distance: str
    targets: Sequence[Sequence[float]]

    @cached_property
    def members(self) -> list[list[int]]:
        """Units of each district."""
        found: list[list[int]] = [[] for _ in range(self.num_districts)]
        for unit, district in enumerate(self.districts):
            found[district].append(unit)
        return found

    @cached_property
    def edges(self) -> list[tuple[int, int]]:
        """Pairs of neighbours."""
        return [(int(u), int(v)) for u, v in self.graph.raw.edges]

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """Neighbours of each unit."""
        found: list[list[int]] = [[] for _ in self.districts]
        for u, v in self.edges:
            found[u].append(v)
            found[v].append(u)
        return found

    @cached_property
    def mass(self) -> list[float]:
        """First weight of each unit."""
        return [float(value) for value in self.graph.weights[:, 0]]

    @cached_property
    def groups(self) -> list[list[int]]:
        """Units that stay together, each unit in one group."""
        root = list(range(len(self.districts)))

        def find(unit: int) -> int:
            while root[unit] != unit:
                unit = root[unit]
            return unit

        for units in self.book.together:
            rows = [self.graph.row_of[unit] for unit in units]
            for row in rows[1:]:
                root[find(row)] = find(rows[0])
        found: dict[int, list[int]] = {}
        for unit in range(len(root)):
            found.setdefault(find(unit), []).append(unit)
        return list(found.values())

    @cached_property
    def centres(self) -> set[int]:
        """Units that may be centres: of a group, the one that is the best for the group."""
        return {
            min(group, key=lambda unit: (self._about(unit, group), unit)) for group in self.groups
        }

    def totals(self, district: int) -> list[float]:
        """Weights of a district."""
        rows = self.graph.weights
        return [
            math.fsum(float(rows[unit, w]) for unit in self.members[district])
            for w in range(rows.shape[1])
        ]

    def parts(self, district: int) -> list[list[int]]:
        """Return the connected parts of a district, the largest first."""
        left, found = set(self.members[district]), []
        while left:
            reached, waiting = [], deque([left.pop()])
            while waiting:
                unit = waiting.popleft()
                reached.append(unit)
                for other in self.neighbours[unit]:
                    if other in left:
                        left.remove(other)
                        waiting.append(other)
            found.append(sorted(reached))
        return sorted(found, key=len, reverse=True)

    def value(self, measure: str) -> float | None:
        """Return a measure; None for one that is not known here."""
        known = {
            "moment-of-inertia": self.moment_of_inertia,
            "cut-edges": self.cut_edges,
            "border": self.border,
            "polsby-popper": self.polsby_popper,
            "deviation": self.deviation,
            "moved": self.moved,
        }
        return known[measure]() if measure in known else None

    def cut_edges(self) -> float:
        """Count the pairs of neighbours in two districts."""
        return float(sum(self.districts[u] != self.districts[v] for u, v in self.edges))

    def border(self) -> float | None:
        """Length of the borders between districts."""
        lengths = self.graph.raw.lengths
        if lengths is None:
            return None
        return math.fsum(
            float(length)
            for (u, v), length in zip(self.edges, lengths, strict=True)
            if self.districts[u] != self.districts[v]
        )

    def polsby_popper(self) -> float | None:
        """Mean over the districts of outline² / (4 π area)."""
        raw = self.graph.raw
        if raw.lengths is None or raw.outer_perimeter is None or raw.area is None:
            return None
        outline, area = [0.0] * self.num_districts, [0.0] * self.num_districts
        for unit, district in enumerate(self.districts):
            outline[district] += float(raw.outer_perimeter[unit])
            area[district] += float(raw.area[unit])
        for (u, v), length in zip(self.edges, raw.lengths, strict=True):
            if self.districts[u] != self.districts[v]:
                outline[self.districts[u]] += float(length)
                outline[self.districts[v]] += float(length)
        pairs = zip(outline, area, strict=True)
        return math.fsum(p * p / (4 * math.pi * a) for p, a in pairs) / self.num_districts

    def deviation(self) -> float:
        """Largest difference of a district's weight from its target, as a share of the target."""
        return max(
            abs(total - target) / target
            for district in range(self.num_districts)
            for total, target in zip(self.totals(district), self.targets[district], strict=True)
        )

    def moved(self) -> float | None:
        """Residents whose unit lies in another district than its community of today."""
        today = self.graph.today
        names = sorted(set(today or ()) - {""})
        if today is None or not 0 < len(names) <= self.num_districts:
            return None
        number = {name: place for place, name in enumerate(names)}
        return math.fsum(
            self.mass[unit]
            for unit, name in enumerate(today)
            if name and number[name] != self.districts[unit]
        )

    def moment_of_inertia(self) -> float:
        """Sum over the districts of the moment about the seat, else about the best centre."""
        return math.fsum(self._district_inertia(d) for d in range(self.num_districts))

    def _district_inertia(self, district: int) -> float:
        members = self.members[district]
        if district in self.book.seats:
            seat = self.graph.row_of[self.book.seats[district]]
            group = next(group for group in self.groups if seat in group)
            return self._about(next(unit for unit in group if unit in self.centres), members)
        candidates = [unit for unit in members if unit in self.centres] or members
        if self.distance in {"metres", "euclidean"}:
            candidates = [self._nearest_to_mass_centre(members, candidates)]
        return min(self._about(centre, members) for centre in candidates)

    def _nearest_to_mass_centre(self, members: list[int], candidates: list[int]) -> int:
        """Return the candidate of least moment: by the parallel-axis theorem the nearest one."""
        total = math.fsum(self.mass[unit] for unit in members) or 1.0
        x, y = (
            math.fsum(self.mass[unit] * self.points[unit][axis] for unit in members) / total
            for axis in (0, 1)
        )
        return min(
            candidates,
            key=lambda unit: (self.points[unit][0] - x) ** 2 + (self.points[unit][1] - y) ** 2,
        )

    @cached_property
    def points(self) -> list[tuple[float, float]]:
        """Coordinates of the units that the distance is measured by."""
        raw = self.graph.raw
        points = {"euclidean": raw.points, "miles": raw.degrees}.get(self.distance, raw.points_m)
        if points is None:
            return []
        return [(float(x), float(y)) for x, y in points]

    def _about(self, centre: int, members: Sequence[int]) -> float:
        """Moment of some units about one of all units, by the distance that is asked for."""
        if len(members) == 1 and members[0] == centre:
            return 0.0
        away = self._distances(centre, members)
        if self.distance == "hops":
            return math.fsum(self.mass[unit] * d for unit, d in zip(members, away, strict=True))
        scale = {"metres": 1e6, "kilometres": 1e6}.get(self.distance, 1.0)
        squares = (self.mass[unit] * d * d for unit, d in zip(members, away, strict=True))
        return math.fsum(squares) / scale

    def _distances(self, centre: int, members: Sequence[int]) -> list[float]:
        if self.distance == "hops":
            hops = self._hops(centre)
            return [float(hops[unit]) for unit in members]
        if self.distance == "miles":
            lon, lat = zip(*(self.points[unit] for unit in members), strict=True)
            here = self.points[centre]
            many = len(members)
            metres = Geod(ellps="WGS84").inv([here[0]] * many, [here[1]] * many, lon, lat)[2]
            return [float(length) / _METRES_PER_MILE for length in metres]
        if self.distance == "kilometres" and self.graph.raw.kilometres is not None:
            return [float(self.graph.raw.kilometres[unit, centre]) for unit in members]
        away = [math.dist(self.points[unit], self.points[centre]) for unit in members]
        if self.distance == "kilometres":
            return [float(round(length / 1000)) for length in away]
        return away

    def _hops(self, centre: int) -> list[int]:
        """Numbers of edges from one unit to each other one."""
        hops = [-1] * len(self.districts)
        hops[centre], waiting = 0, deque([centre])
        while waiting:
            unit = waiting.popleft()
            for other in self.neighbours[unit]:
                if hops[other] < 0:
                    hops[other] = hops[unit] + 1
                    waiting.append(other)
        return hops
