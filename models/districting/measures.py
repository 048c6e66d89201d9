"""
What a plan can be judged by, one small object a measure, and the data that each of them needs.

A measure recomputes its value from the plan alone, and states the same value as :class:`Parts`,
the sum of terms that the formulation of :mod:`.combined` knows how to write down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ..formulation import FloatArray, IntArray
from .geography import Geography
from .problem import Districting

__all__ = ["MEASURES", "Geography", "Measure", "Parts", "measure_named", "targets"]


@dataclass(frozen=True, eq=False)
class Parts:
    """
    A weighted sum of the terms that formulations know; all factors and costs are not negative.

    Parameters
    ----------
    inertia
        Factor of the moment of inertia (of the cost matrix, if the problem has one).
    edge_costs
        Cost of each edge between two districts, shape (edges,).
    label_costs
        Cost of each node in each district, shape (nodes, districts).
    deviation
        Factor of the largest deviation.
    polsby_popper
        Factor of the mean inverse Polsby-Popper score.
    """

    inertia: float = 0.0
    edge_costs: FloatArray | None = None
    label_costs: FloatArray | None = None
    deviation: float = 0.0
    polsby_popper: float = 0.0

    def __add__(self, other: Parts) -> Parts:
        """Add term by term."""
        return Parts(
            inertia=self.inertia + other.inertia,
            edge_costs=_sum(self.edge_costs, other.edge_costs),
            label_costs=_sum(self.label_costs, other.label_costs),
            deviation=self.deviation + other.deviation,
            polsby_popper=self.polsby_popper + other.polsby_popper,
        )

    @property
    def is_whole(self) -> bool:
        """Whether every plan has a whole number as its value."""
        costs = [part for part in (self.edge_costs, self.label_costs) if part is not None]
        others = self.inertia + self.deviation + self.polsby_popper
        return others == 0 and all(np.array_equal(part, np.rint(part)) for part in costs)

    def scaled(self, factor: float) -> Parts:
        """Multiply every term by ``factor``."""
        edges, labels = self.edge_costs, self.label_costs
        return Parts(
            inertia=factor * self.inertia,
            edge_costs=None if edges is None else factor * edges,
            label_costs=None if labels is None else factor * labels,
            deviation=factor * self.deviation,
            polsby_popper=factor * self.polsby_popper,
        )


def _sum(one: FloatArray | None, other: FloatArray | None) -> FloatArray | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other


class Measure(Protocol):
    """One way to judge a plan; less is better."""

    name: ClassVar[str]
    unit: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Value of a plan (district 0..k-1 of each node), recomputed from its definition."""

    def parts(self, problem: Districting) -> Parts:
        """Return the same value as terms of a formulation."""


@dataclass(frozen=True, eq=False)
class MomentOfInertia:
    """
    Population-weighted moment of inertia about each district's centre, a node of its own.

    With a ``cost_matrix`` (walking distances, say) its sum, in the unit of the matrix. A centre is
    free, or the seat that the rules give.
    """

    geography: Geography
    name: ClassVar[str] = "moment-of-inertia"
    unit: ClassVar[str] = "resident·km²"
    needs: ClassVar[tuple[str, ...]] = ()

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Moment of inertia about the best centres."""
        return problem.evaluate(assignment)

    def parts(self, problem: Districting) -> Parts:
        """One term."""
        del problem
        return Parts(inertia=1.0)


@dataclass(frozen=True, eq=False)
class Border:
    """Length of the borders between districts, each edge times its factor."""

    geography: Geography
    name: ClassVar[str] = "border"
    unit: ClassVar[str] = "m"
    needs: ClassVar[tuple[str, ...]] = ("edge_lengths",)

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Sum over the edges between two districts."""
        return float(self._costs()[problem.is_cut(assignment)].sum())

    def parts(self, problem: Districting) -> Parts:
        """One cost an edge."""
        del problem
        return Parts(edge_costs=self._costs())

    def _costs(self) -> FloatArray:
        lengths = self.geography.needed("edge_lengths", self.name)
        factors = self.geography.edge_factors
        return lengths if factors is None else lengths * factors


@dataclass(frozen=True, eq=False)
class CutEdges:
    """Number of pairs of neighbouring nodes in two districts."""

    geography: Geography
    name: ClassVar[str] = "cut-edges"
    unit: ClassVar[str] = "edges"
    needs: ClassVar[tuple[str, ...]] = ()

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Count the edges between two districts."""
        return float(problem.is_cut(assignment).sum())

    def parts(self, problem: Districting) -> Parts:
        """One for each edge."""
        return Parts(edge_costs=np.ones(problem.edges.reshape(-1, 2).shape[0]))


@dataclass(frozen=True, eq=False)
class PolsbyPopper:
    """
    Mean inverse Polsby-Popper score: (1/k) Σ P_d² / (4π A_d), 1 for circles, more for others.

    P_d is the whole outline of district d, without any factor, and A_d its area (Polsby and Popper
    1991; the inverse after Belotti, Buchanan and Ezazipour 2025, "Political districting to
    optimize the Polsby-Popper compactness score", Operations Research).
    """

    geography: Geography
    name: ClassVar[str] = "polsby-popper"
    unit: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ("edge_lengths", "outer_perimeter", "area")

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Mean over the districts; infinite if one is empty."""
        lengths, outer, area = (self.geography.needed(label, self.name) for label in self.needs)
        k = problem.num_districts
        u, v = problem.edges.reshape(-1, 2).T
        cut = np.where(problem.is_cut(assignment), lengths, 0.0)
        perimeter = np.bincount(assignment, outer, k)
        perimeter += np.bincount(assignment[u], cut, k) + np.bincount(assignment[v], cut, k)
        size = np.bincount(assignment, area, k)
        if not (size > 0).all():
            return np.inf
        return float((np.square(perimeter) / (4 * np.pi * size)).mean())

    def parts(self, problem: Districting) -> Parts:
        """One term."""
        del problem
        return Parts(polsby_popper=1.0)


@dataclass(frozen=True, eq=False)
class Deviation:
    """Largest difference of a weight of a district from its target, as a share of the target."""

    geography: Geography
    name: ClassVar[str] = "deviation"
    unit: ClassVar[str] = "share"
    needs: ClassVar[tuple[str, ...]] = ()

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Largest over all districts and weights."""
        target = targets(problem)
        return float((np.abs(problem.totals(assignment) - target) / target).max())

    def parts(self, problem: Districting) -> Parts:
        """One term."""
        del problem
        return Parts(deviation=1.0)


@dataclass(frozen=True, eq=False)
class Moved:
    """Residents whose node lies in another district than today."""

    geography: Geography
    name: ClassVar[str] = "moved"
    unit: ClassVar[str] = "residents"
    needs: ClassVar[tuple[str, ...]] = ("today",)

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Sum of the masses of nodes that have a district today and change it."""
        today = self.geography.needed("today", self.name)
        return float(problem.mass[(today >= 0) & (today != assignment)].sum())

    def parts(self, problem: Districting) -> Parts:
        """Its mass wherever a node does not lie today."""
        today = self.geography.needed("today", self.name)[:, None]
        other = (today >= 0) & (today != np.arange(problem.num_districts))
        return Parts(label_costs=np.where(other, problem.mass[:, None], 0.0))


@dataclass(frozen=True, eq=False)
class Minutes:
    """Mean walking minutes of a resident to the seat of the district."""

    geography: Geography
    name: ClassVar[str] = "minutes"
    unit: ClassVar[str] = "min"
    needs: ClassVar[tuple[str, ...]] = ("minutes",)

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """Mean, weighted by the masses."""
        minutes = self.geography.needed("minutes", self.name)
        own = minutes[np.arange(assignment.size), assignment]
        return float(problem.mass @ own / max(float(problem.mass.sum()), 1e-300))

    def parts(self, problem: Districting) -> Parts:
        """Each node's share of the mean."""
        minutes = self.geography.needed("minutes", self.name)
        share = problem.mass / max(float(problem.mass.sum()), 1e-300)
        return Parts(label_costs=share[:, None] * minutes)


MEASURES = {
    measure.name: measure
    for measure in (MomentOfInertia, Border, CutEdges, PolsbyPopper, Deviation, Moved, Minutes)
}
"""Every measure by the name that people type."""


def measure_named(name: str, geography: Geography) -> Measure:
    """
    Return a measure on a geography.

    Raises
    ------
    ValueError
        If there is none of that name, or the geography lacks what it needs.
    """
    kind = MEASURES.get(name)
    if kind is None:
        raise ValueError(f"measure = {name!r} not understood; choose {', '.join(MEASURES)}.")
    for label in kind.needs:
        geography.needed(label, name)
    return kind(geography)


def targets(problem: Districting) -> FloatArray:
    """
    Weight that each district should have, shape (districts, weights), positive.

    An equal share of the total; the middle of its own bounds where the rules give both.
    """
    k = problem.num_districts
    total = np.maximum(problem.weights.sum(axis=0), 1e-12)
    share = np.broadcast_to(total / k, (k, total.size))
    rules = problem.rules
    if rules is None or rules.lower is None or rules.upper is None:
        return share
    middle = (rules.lower + rules.upper) / 2
    return np.where(np.isfinite(middle) & (middle > 0), middle, share)
