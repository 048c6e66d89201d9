"""A region whose communities of today are changed as little as possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ..formulation import BoolArray, FloatArray, IntArray
from .labelling import border_length
from .problem import Districting

SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Rebalancing:
    """
    A region whose communities of today are changed as little as possible.

    Parameters
    ----------
    problem
        Nodes, edges and bounds; its districts are the labels. Weight 0 is residents.
    today
        Label of each node today, -1 if it is none of these, shape (nodes,).
    num_today
        Labels below this are communities of today, the others are new ones.
    least, most
        Fewest and most districts; labels beyond them stay without nodes.

    Raises
    ------
    ValueError
        If the numbers contradict each other, or the problem has rules of its own.
    """

    problem: Districting
    today: IntArray
    num_today: int
    least: int
    most: int

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit each other."""
        labels = self.problem.num_districts
        if not 1 <= self.least <= self.most <= labels:
            raise ValueError(
                f"{self.least} to {self.most} districts of {labels} labels cannot be made."
            )
        if self.today.shape != (self.problem.num_nodes,):
            got, wanted = self.today.shape, (self.problem.num_nodes,)
            raise ValueError(f"today has shape {got}, expected {wanted}.")
        if not -1 <= self.today.min() <= self.today.max() < self.num_today <= labels:
            raise ValueError(f"today holds a label outside 0..{self.num_today - 1}.")
        if self.problem.rules is not None:
            raise ValueError("A rebalancing takes no rules of districts; leave them out.")

    @property
    def residents(self) -> FloatArray:
        """Residents of each node, shape (nodes,)."""
        return self.problem.weights[:, 0]

    @cached_property
    def label_costs(self) -> FloatArray:
        """Residents of each node who move if it gets each label, shape (nodes, labels)."""
        stays = self.today[:, None] == np.arange(self.problem.num_districts)
        return np.where(stays, 0.0, self.residents[:, None])

    def moved(self, plan: IntArray) -> float:
        """Residents whose community changes."""
        return float(self.residents[plan != self.today].sum())

    def districts(self, plan: IntArray) -> tuple[Districting, IntArray]:
        """Return the problem of the labels that a plan uses, and its districts from 0."""
        used, district = np.unique(plan, return_inverse=True)
        return replace(self.problem, num_districts=used.size), district.astype(np.int64)

    def second_value(self, plan: IntArray, lengths: FloatArray | None) -> float:
        """Length of the borders between districts if lengths are given, else the inertia."""
        if lengths is not None:
            return border_length(self.problem, plan, lengths=lengths)
        problem, district = self.districts(plan)
        return problem.evaluate(district)

    def violations(self, plan: IntArray) -> list[str]:
        """Every broken rule of a plan, in words; empty if it is feasible."""
        if plan.min() < 0 or plan.max() >= self.problem.num_districts:
            return [f"a label outside 0..{self.problem.num_districts - 1} is assigned"]
        problem, district = self.districts(plan)
        broken = problem.violations(district)
        if not self.least <= problem.num_districts <= self.most:
            broken.append(
                f"{problem.num_districts} districts are made, not {self.least} to {self.most}"
            )
        return broken

    def keeps(self, most_moved: float) -> BoolArray:
        """Labels that keep a node of theirs in plans with so few residents moved, (labels,)."""
        here = self.today >= 0
        labels = self.problem.num_districts
        own = np.bincount(self.today[here], self.residents[here], labels)
        return np.asarray(own > most_moved + SLACK)

    def within(self, most_moved: float) -> BoolArray:
        """
        Pairs that a connected plan with at most so many residents moved may use.

        A node joins a community of today that keeps one of its own nodes only along a path of
        nodes that all join it, and each of them moves. A community with no more residents than
        that may lose all its nodes and appear elsewhere, so nothing is ruled out for it.

        Returns
        -------
        BoolArray
            Shape (nodes, labels).
        """
        allowed = self.label_costs <= most_moved + SLACK
        graph = self.problem.graph
        for label in np.flatnonzero(self.keeps(most_moved)):
            own = self.today == label
            # Entering a node costs its residents; zero lengths would count as missing edges.
            entering = np.where(own, 0.0, self.residents)[graph.indices] + 1e-9
            lengths = sparse.csr_array((entering, graph.indices, graph.indptr), shape=graph.shape)
            cost = dijkstra(lengths, indices=np.flatnonzero(own), min_only=True)
            allowed[:, label] &= cost <= most_moved + 1e-3
        return allowed

    def part(self, plan: IntArray, labels: IntArray) -> tuple[Rebalancing, IntArray]:
        """
        Return the rebalancing of some districts of a plan, all others as they are.

        Parameters
        ----------
        plan
            Label of each node, shape (nodes,).
        labels
            Labels that are divided anew, ascending; those without nodes may get some.

        Returns
        -------
        tuple
            The smaller problem, whose label d is ``labels[d]``, and the nodes in it.
        """
        nodes = np.flatnonzero(np.isin(plan, labels))
        place = np.full(self.problem.num_nodes, -1, dtype=np.int64)
        place[nodes] = np.arange(nodes.size)
        ends = place[self.problem.edges.reshape(-1, 2)]
        label_place = np.full(self.problem.num_districts + 1, -1, dtype=np.int64)
        label_place[labels] = np.arange(labels.size)
        costs = self.problem.cost_matrix
        problem = replace(
            self.problem,
            weights=self.problem.weights[nodes],
            edges=ends[(ends >= 0).all(axis=1)],
            num_districts=labels.size,
            mass=self.problem.mass[nodes],
            location=self.problem.location[nodes],
            centre=self.problem.centre[nodes],
            inertia=self.problem.inertia[nodes],
            names=tuple(self.problem.name(int(i)) for i in nodes),
            cost_matrix=None if costs is None else costs[np.ix_(nodes, nodes)],
        )
        outside = np.setdiff1d(plan, labels).size
        smaller = Rebalancing(
            problem,
            label_place[self.today[nodes]],
            int((labels < self.num_today).sum()),
            max(1, self.least - outside),
            min(labels.size, self.most - outside),
        )
        return smaller, nodes
