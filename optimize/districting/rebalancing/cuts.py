"""Contiguity inequalities of rebalancings, and bounds that need no contiguity."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

from ....instances.notes import Note, named, note
from ....models.districting.problem import Districting
from ....models.districting.rebalancing import Rebalancing
from ....models.districting.rebalancing_model import RebalancingModel
from ....models.districting.separators import violated_separators
from ....models.formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from ...limits import Limits
from ...solvers import solve_model
from ...solvers.lazy import Cut
from ..separator_cuts import passing_cut

VIOLATION = 0.05
"""Least violation of an inequality that is added for a fractional point."""


class Contiguity:
    """
    Finds the inequalities that a point breaks.

    Parameters
    ----------
    model
        The model that they belong to.
    keeps
        Labels that keep a node of theirs, shape (labels,): who joins one of them in an island
        without such a node needs a neighbour of the island, whatever else the plan is.
    """

    def __init__(self, model: RebalancingModel, keeps: BoolArray) -> None:
        self.model, self.keeps = model, keeps
        self.problem, self.today = model.asked.problem, model.asked.today
        self.fixed = (model.label >= 0).sum(axis=1) == 1

    def broken_by(self, values: FloatArray) -> list[Cut]:
        """Inequalities that an integer point breaks; empty if every district hangs together."""
        plan = self.model.decode(values)
        anchors = self._anchors(plan)
        cuts = []
        for separator in violated_separators(self.problem, anchors):
            island, label = separator.island, int(plan[separator.island[0]])
            if self._needs_neighbour(island, label):
                cuts += self._cuts(island, label, self._shore(island))
            else:
                cuts += self._cuts(island, label, separator.between, int(anchors[island[0]]))
        return cuts

    def broken_by_fractional(self, values: FloatArray) -> list[Cut]:
        """Inequalities of islands without a node of today that a fractional point breaks."""
        label_of = self.model.label
        share = np.where(label_of >= 0, values[np.maximum(label_of, 0)], 0.0)
        cuts = []
        for label in np.flatnonzero(self.keeps):
            inside = np.flatnonzero(share[:, label] > VIOLATION)
            part = components(self.problem, inside)
            own = np.unique(part[self.today[inside] == label])
            for number in np.setdiff1d(np.unique(part), own):
                island = inside[part == number]
                shore = self._shore(island)
                best = island[[int(share[island, label].argmax())]]
                if share[best, label] - share[shore, label].sum() > VIOLATION:
                    cuts += self._cuts(best, int(label), shore)
        return cuts

    def _needs_neighbour(self, island: IntArray, label: int) -> bool:
        """Whether the island cannot be a district: too light, or without a node that is kept."""
        light = self.problem.weights[island].sum(axis=0) < self.problem.lower - 1e-6
        foreign = bool(self.keeps[label]) and not (self.today[island] == label).any()
        return foreign or bool(light.any())

    def _shore(self, island: IntArray) -> IntArray:
        return np.setdiff1d(self.problem.graph[island].indices, island).astype(np.int64)

    def _anchors(self, plan: IntArray) -> IntArray:
        """Node of each label that its islands are cut off from: one that cannot leave, if any."""
        load = self.problem.weights.sum(axis=1)
        anchors = np.empty(plan.size, dtype=np.int64)
        for label in np.unique(plan):
            members = np.flatnonzero(plan == label)
            part = components(self.problem, members)
            own = self.fixed[members] | (self.today[members] == label)
            weight = load[members] + 1e-9
            heavy = np.bincount(part, weight) + np.bincount(part, weight * own) * weight.size
            home = members[part == heavy.argmax()]
            rank = load[home] + (1 + load.sum()) * self.fixed[home]
            anchors[members] = home[np.argmax(rank)]
        return anchors

    def _cuts(
        self, island: IntArray, label: int, between: IntArray, anchor: int | None = None
    ) -> list[Cut]:
        """Who of the island joins the label, with the anchor if there is one, passes between."""
        columns, ends = self.model.label[:, label], [] if anchor is None else [anchor]
        return [passing_cut(columns[[int(node), *ends]], columns[between]) for node in island]


def obvious_conflicts(asked: Rebalancing) -> list[Note]:
    """Reasons why no plan exists that need no solver."""
    problem = asked.problem
    words = [named("amount", name) for name in ("residents", "households")]
    found = [
        note(
            "community_unit_too_large",
            unit=problem.name(int(i)),
            amount=problem.weights[i, w],
            what=words[w],
            most=problem.upper[w],
        )
        for i, w in np.argwhere(problem.weights > problem.upper + 1e-6)[:5]
    ]
    total = problem.weights.sum(axis=0)
    for w, word in enumerate(words[: total.size]):
        if total[w] > asked.most * problem.upper[w] + 1e-6:
            found.append(
                note(
                    "communities_too_small",
                    amount=total[w],
                    what=word,
                    communities=asked.most,
                    most=problem.upper[w],
                )
            )
        if total[w] < asked.least * problem.lower[w] - 1e-6:
            found.append(
                note(
                    "communities_too_many",
                    amount=total[w],
                    what=word,
                    communities=asked.least,
                    least=problem.lower[w],
                )
            )
    return found


def components(problem: Districting, members: IntArray) -> IntArray:
    """Part of each node of a district that may be in pieces, from 0, shape (members,)."""
    graph = problem.graph[members][:, members]
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def moves_bound(asked: Rebalancing, *, limits: Limits) -> float:
    """
    Fewest residents who move by the bounds of each community alone.

    A community above a bound gives away nodes that weigh at least what is too much, the fewest
    residents by a knapsack; one below it takes in what is missing, or loses all it has.
    """
    problem, here = asked.problem, asked.today >= 0
    sizes = np.zeros((problem.num_districts, problem.lower.size))
    np.add.at(sizes, asked.today[here], problem.weights[here])
    sizes = sizes[: asked.num_today]
    given = sum(
        _least_given(problem, np.flatnonzero(asked.today == d), sizes[d], limits)
        for d in np.flatnonzero((sizes > problem.upper + 1e-6).any(axis=1))
    )
    missing = np.maximum(problem.lower[0] - sizes[:, 0], 0.0)
    if asked.least < problem.num_districts:
        missing = np.minimum(missing, sizes[:, 0])
    return float(max(given, missing.sum()))


def _least_given(
    problem: Districting, members: IntArray, size: FloatArray, limits: Limits
) -> float:
    builder = ModelBuilder("least given")
    weights = problem.weights[members]
    z = builder.add_columns(weights[:, 0], upper=1, integer=True)
    for w in np.flatnonzero(size > problem.upper + 1e-6):
        rows = np.zeros(members.size, dtype=np.int64)
        excess = np.array([size[w] - problem.upper[w]])
        builder.add_rows(rows, z, weights[:, w], lower=excess)
    result = solve_model(builder.build(), solver="highs", limits=limits)
    return max(0.0, result.bound or 0.0)
