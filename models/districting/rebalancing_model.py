"""
Rebalancing: communities of today as labelled districts, as few residents as possible moved.

Sets: nodes V, labels D: the communities of today and new ones, allowed pairs A ⊆ V x D. Variables:
x_id = 1 if node i belongs to d, y_d = 1 if d has nodes. Minimise Σ_i r_i Σ_{d ≠ today of i} x_id
subject to

    Σ_d x_id = 1                               every i             (assign)
    L_w y_d ≤ Σ_i p_iw x_id ≤ U_w y_d          every d, weight w   (balance)
    y_d ≤ Σ_i x_id ≤ |V_d| y_d                 every d             (used)
    K_least ≤ Σ_d y_d ≤ K_most                                     (count)
    Σ_i r_i x_id ≥ Σ_i r_i x_i,d+1             new labels d, d + 1 (order)
    x_ad + x_bd ≤ 1 + Σ_{c ∈ C} x_cd           a,b-separators C    (contiguity)
    x_id ≤ Σ_{j ∈ N(i)} x_jd                   today of i ≠ d, d keeps a node of its own

Labelling form with separators: Validi and Buchanan (2022), "Political districting to minimize cut
edges", Mathematical Programming Computation 14. The second objective is minimised with the first
as a row, Σ r_i Σ x_id ≤ M:

* border: z_e ≥ x_ud - x_vd and z_e ≥ x_vd - x_ud for e = uv, least Σ l_e z_e;
* inertia: h_ijd = 1 if i belongs to d and the centre of d is j (Hess et al. 1965, Operations
  Research 13(6), once a label): Σ_j h_ijd = x_id, h_ijd ≤ h_jjd, Σ_j h_jjd = y_d,
  Σ_i p_iw h_ijd ≤ U_w h_jjd; least Σ c_ij h_ijd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .rebalancing import Rebalancing

Second = Literal["border", "inertia"]


@dataclass(frozen=True, eq=False)
class RebalancingModel:
    """
    A model of a rebalancing and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program, without contiguity.
    asked
        What is asked.
    label
        Column of x_id, -1 where there is none, shape (nodes, labels).
    used
        Column of y_d, shape (labels,).
    edge
        Column of z_e, shape (edges,) or (0,).
    node, centre, centre_label
        i, j and d of each h_ijd, shape (columns,); ``first`` is the column of the first.
    first
        Column of the first h_ijd.
    """

    model: LinearModel
    asked: Rebalancing
    label: IntArray
    used: IntArray
    edge: IntArray
    node: IntArray
    centre: IntArray
    centre_label: IntArray
    first: int

    def decode(self, values: FloatArray) -> IntArray:
        """Label of each node in a solution, shape (nodes,)."""
        share = np.where(self.label >= 0, values[np.maximum(self.label, 0)], -1.0)
        return np.asarray(share.argmax(axis=1), dtype=np.int64)

    def encode(self, plan: IntArray) -> FloatArray | None:
        """Values of a plan; None if it uses a pair that has no column."""
        columns = self.label[np.arange(plan.size), plan]
        if (columns < 0).any():
            return None
        values = np.zeros(self.model.num_columns)
        values[columns] = 1
        values[self.used[np.unique(plan)]] = 1
        if self.edge.size:
            values[self.edge] = self.asked.problem.is_cut(plan)
        if self.node.size:
            problem, district = self.asked.districts(plan)
            centre_of = problem.centres(district)[district]
            hit = (plan[self.node] == self.centre_label) & (centre_of[self.node] == self.centre)
            if hit.sum() != plan.size:
                return None
            values[self.first + np.flatnonzero(hit)] = 1
        return values


def rebalancing_model(
    asked: Rebalancing,
    allowed: BoolArray,
    *,
    most_moved: float | None = None,
    second: Second | None = None,
    lengths: FloatArray | None = None,
    pairs: BoolArray | None = None,
    keeps: BoolArray | None = None,
) -> RebalancingModel:
    """
    Build the model of fewest residents moved, or that of a second objective.

    Parameters
    ----------
    asked
        What is asked.
    allowed
        Pairs (i, d) that get a column, shape (nodes, labels).
    most_moved
        Most residents who may move; None for any number.
    second
        What is minimised instead of the residents moved; None for them.
    lengths
        Length of each edge, for the border, shape (edges,).
    pairs
        Pairs (i, j) that a district may hold together, for the inertia, shape (nodes, nodes);
        None for all.
    keeps
        Labels that are known to keep a node of theirs, shape (labels,); None for none.
    """
    blocks = _Blocks(asked, allowed, costly=second is None)
    blocks.assign()
    blocks.balance()
    blocks.count()
    blocks.order()
    if keeps is not None:
        blocks.neighbours(keeps)
    if most_moved is not None:
        blocks.limit_moves(most_moved)
    if second == "border" and lengths is not None:
        blocks.borders(lengths)
    if second == "inertia":
        blocks.centres(pairs)
    return blocks.build()


class _Blocks:
    """The model under construction, one family of constraints a method."""

    def __init__(self, asked: Rebalancing, allowed: BoolArray, *, costly: bool) -> None:
        self.asked, self.builder = asked, ModelBuilder("rebalancing")
        self.i, self.d = (index.astype(np.int64) for index in np.nonzero(allowed))
        moving = asked.label_costs[self.i, self.d]
        self.moving = moving
        self.x = self.builder.add_columns(moving if costly else 0 * moving, upper=1, integer=True)
        self.label: IntArray = np.full(allowed.shape, -1, dtype=np.int64)
        self.label[self.i, self.d] = self.x
        labels = allowed.shape[1]
        must = np.full(labels, 1.0 if asked.least == labels else 0.0)
        self.y = self.builder.add_columns(np.zeros(labels), lower=must, upper=1, integer=True)
        self.edge: IntArray = np.empty(0, dtype=np.int64)
        self.h: tuple[IntArray, IntArray, IntArray] = (np.empty(0, dtype=np.int64),) * 3
        self.first = 0

    def assign(self) -> None:
        """Add Σ_d x_id = 1."""
        n = self.label.shape[0]
        self.builder.add_rows(self.i, self.x, 1, lower=np.ones(n), upper=1)

    def balance(self) -> None:
        """Add L y ≤ Σ p x ≤ U y for every weight that is bounded, and y ≤ Σ x ≤ |V| y."""
        problem, labels = self.asked.problem, self.label.shape[1]
        place, zeros = np.arange(labels), np.zeros(labels)
        rows, columns = np.r_[self.d, place], np.r_[self.x, self.y]
        many = np.bincount(self.d, minlength=labels).astype(float)
        ones = np.ones(self.x.size)
        self.builder.add_rows(rows, columns, np.r_[ones, -many], upper=zeros)
        self.builder.add_rows(rows, columns, np.r_[ones, -np.ones(labels)], lower=zeros)
        for w in range(problem.lower.size):
            weight = problem.weights[self.i, w]
            if np.isfinite(problem.upper[w]):
                most = np.full(labels, -problem.upper[w])
                self.builder.add_rows(rows, columns, np.r_[weight, most], upper=zeros)
            if problem.lower[w] > 0:
                least = np.full(labels, -problem.lower[w])
                self.builder.add_rows(rows, columns, np.r_[weight, least], lower=zeros)

    def count(self) -> None:
        """Add K_least ≤ Σ y ≤ K_most."""
        rows = np.zeros(self.y.size, dtype=np.int64)
        least, most = float(self.asked.least), float(self.asked.most)
        self.builder.add_rows(rows, self.y, 1, lower=np.array([least]), upper=most)

    def order(self) -> None:
        """Add Σ r_i x_id ≥ Σ r_i x_i,d+1 for new labels, which are interchangeable."""
        for d in range(self.asked.num_today, self.label.shape[1] - 1):
            mine, next_one = np.flatnonzero(self.d == d), np.flatnonzero(self.d == d + 1)
            columns = np.r_[self.x[mine], self.x[next_one]]
            sign = np.r_[np.ones(mine.size), -np.ones(next_one.size)]
            residents = self.asked.residents[np.r_[self.i[mine], self.i[next_one]]]
            rows = np.zeros(columns.size, dtype=np.int64)
            self.builder.add_rows(rows, columns, sign * residents, lower=np.zeros(1))

    def neighbours(self, keeps: BoolArray) -> None:
        """Add x_id ≤ Σ_{j next to i} x_jd for who joins a community that keeps one of its own."""
        graph = self.asked.problem.graph
        joins = np.flatnonzero((self.asked.today[self.i] != self.d) & keeps[self.d])
        node, label = self.i[joins], self.d[joins]
        many = np.diff(graph.indptr)[node]
        row = np.repeat(np.arange(joins.size), many)
        start = np.repeat(graph.indptr[node] - np.cumsum(many) + many, many)
        near = self.label[graph.indices[start + np.arange(row.size)], label[row]]
        there = near >= 0
        self.builder.add_rows(
            np.r_[np.arange(joins.size), row[there]],
            np.r_[self.x[joins], near[there]],
            np.r_[np.ones(joins.size), -np.ones(int(there.sum()))],
            upper=np.zeros(joins.size),
        )

    def limit_moves(self, most_moved: float) -> None:
        """Add Σ r_i x_id ≤ M over the pairs that move."""
        rows = np.zeros(self.x.size, dtype=np.int64)
        self.builder.add_rows(rows, self.x, self.moving, upper=np.array([most_moved]))

    def borders(self, lengths: FloatArray) -> None:
        """Add z_e ≥ |x_ud - x_vd|; a pair without a column is 0."""
        u, v = self.asked.problem.edges.reshape(-1, 2).T
        self.edge = self.builder.add_columns(lengths, upper=1)
        edge, label = (a.ravel() for a in np.indices((u.size, self.label.shape[1])))
        for one, other in ((u, v), (v, u)):
            inside, outside = self.label[one[edge], label], self.label[other[edge], label]
            kept = np.flatnonzero(inside >= 0)
            row = np.arange(kept.size)
            both = outside[kept] >= 0
            self.builder.add_rows(
                np.r_[row, row[both], row],
                np.r_[inside[kept], outside[kept][both], self.edge[edge[kept]]],
                np.r_[np.ones(kept.size), -np.ones(int(both.sum())), -np.ones(kept.size)],
                upper=np.zeros(kept.size),
            )

    def centres(self, pairs: BoolArray | None) -> None:
        """Add a Hess model for every label."""
        problem, labels = self.asked.problem, self.label.shape[1]
        parts = [self._pairs_of(label, pairs) for label in range(labels)]
        i, j = (np.concatenate([part[axis] for part in parts]) for axis in (0, 1))
        d = np.repeat(np.arange(labels), [part[0].size for part in parts])
        gap = np.square(problem.location[i] - problem.centre[j]).sum(axis=1)
        costs = (problem.inertia[i] + problem.mass[i] * gap) / 1e6
        if problem.cost_matrix is not None:
            costs = problem.cost_matrix[i, j]
        h = self.builder.add_columns(costs, upper=1, integer=i == j)
        self.first, self.h = int(h[0]), (i, j, d)
        size = self.x.size
        self.builder.add_rows(
            np.r_[self.label[i, d], np.arange(size)],
            np.r_[h, self.x],
            np.r_[np.ones(h.size), -np.ones(size)],
            lower=np.zeros(size),
            upper=0,
        )
        own = np.flatnonzero(i == j)
        self.builder.add_rows(
            np.r_[d[own], np.arange(labels)],
            np.r_[h[own], self.y],
            np.r_[np.ones(own.size), -np.ones(labels)],
            lower=np.zeros(labels),
            upper=0,
        )
        self._link(h, own)

    def _pairs_of(self, label: int, pairs: BoolArray | None) -> tuple[IntArray, IntArray]:
        nodes = self.i[self.d == label]
        one, other = (nodes[index.ravel()] for index in np.indices((nodes.size, nodes.size)))
        if pairs is None:
            return one, other
        kept = pairs[one, other]
        return one[kept], other[kept]

    def _link(self, h: IntArray, own: IntArray) -> None:
        """Add h_ijd ≤ h_jjd and Σ_i p_iw h_ijd ≤ U_w h_jjd."""
        problem, (i, j, d) = self.asked.problem, self.h
        n = self.label.shape[0]
        key = j[own] + n * d[own]
        rank = np.argsort(key)
        place = rank[np.searchsorted(key[rank], j + n * d)]
        other = np.flatnonzero(i != j)
        row = np.arange(other.size)
        self.builder.add_rows(
            np.r_[row, row],
            np.r_[h[other], h[own[place[other]]]],
            np.r_[np.ones(other.size), -np.ones(other.size)],
            upper=np.zeros(other.size),
        )
        for w in np.flatnonzero(np.isfinite(problem.upper)):
            self.builder.add_rows(
                np.r_[place, np.arange(own.size)],
                np.r_[h, h[own]],
                np.r_[problem.weights[i, w], np.full(own.size, -problem.upper[w])],
                upper=np.zeros(own.size),
            )

    def build(self) -> RebalancingModel:
        """Freeze the model."""
        return RebalancingModel(
            self.builder.build(), self.asked, self.label, self.y, self.edge, *self.h, self.first
        )
