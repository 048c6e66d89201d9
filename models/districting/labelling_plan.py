"""Plans and solutions of the labelling model: costs, columns, rows that are added later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..formulation import FloatArray, IntArray, LinearModel
from .flows import district_trees
from .orbitope import Opening, numbered, opened_by
from .problem import Districting
from .separators import Separator


def border_length(problem: Districting, assignment: IntArray, *, lengths: FloatArray) -> float:
    """
    Total length (or cost) of the edges between different districts.

    Parameters
    ----------
    assignment
        District of each node, shape (nodes,).
    lengths
        Length of each edge, shape (edges,).
    """
    return float(lengths[problem.is_cut(assignment)].sum())


def cut_edges(problem: Districting, assignment: IntArray) -> int:
    """Count the edges between different districts."""
    return int(problem.is_cut(assignment).sum())


class Row(NamedTuple):
    """One more inequality: coefficients @ values[columns] ≤ upper."""

    columns: IntArray
    coefficients: FloatArray
    upper: float


@dataclass(frozen=True, eq=False)
class LabellingModel:
    """
    A labelling model and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program.
    problem
        What is asked.
    opening
        Order of the nodes that numbers the districts; None if they are told apart.
    costs
        Cost of each edge, shape (edges,).
    label
        Column of x_id, shape (nodes, districts).
    cut
        Column of z_ed, shape (edges, districts).
    opened
        Column of o_id of the first nodes of the order; without rows if there is no orbitope.
    border
        Column of b_d, shape (districts,); empty if borders are not bounded.
    root
        Column of r_id, shape (nodes, districts); without rows if there is no flow.
    flow
        Columns of f along and against each edge, shape (edges, 2); without rows likewise.
    """

    model: LinearModel
    problem: Districting
    opening: Opening | None
    costs: FloatArray
    label: IntArray
    cut: IntArray
    opened: IntArray
    border: IntArray
    root: IntArray
    flow: IntArray

    def decode(self, values: FloatArray) -> IntArray:
        """District 0..k-1 of each node in a solution, shape (nodes,)."""
        return np.asarray(values[self.label].argmax(axis=1), dtype=np.int64)

    def encode(self, assignment: IntArray) -> FloatArray:
        """
        Values of a plan: a start for a solver.

        Interchangeable districts are numbered anew, by their first nodes.

        Raises
        ------
        ValueError
            If the model has flows and a district is not connected.
        """
        district = assignment
        if self.opening is not None:
            district = numbered(assignment, order=self.opening.order)
        u, v = self.problem.edges.reshape(-1, 2).T
        values = np.zeros(self.model.num_columns)
        x = district[:, None] == np.arange(self.problem.num_districts)
        values[self.label] = x
        values[self.cut] = x[u] & ~x[v]
        if self.opening is not None and self.opened.size:
            values[self.opened] = opened_by(district, self.opening, x.shape[1])
        if self.border.size:
            values[self.border] = self.costs @ (x[u] ^ x[v])
        if self.flow.shape[0]:
            self._encode_flow(values, district)
        return values

    def _encode_flow(self, values: FloatArray, district: IntArray) -> None:
        """Let every node be reached from the first node of its district."""
        u, v = self.problem.edges.reshape(-1, 2).T
        order = np.arange(district.size) if self.opening is None else self.opening.order
        present, first = np.unique(district[order], return_index=True)
        roots = order[first]
        parent, passes = district_trees(self.problem, district, roots)
        load = passes.sum(axis=0)
        values[self.root[roots, present]] = 1
        ends = np.sort(self.problem.edges.reshape(-1, 2), axis=1)
        edge = np.unique(ends, axis=0, return_index=True)[1]
        u, v = u[edge], v[edge]
        values[self.flow[edge, 0]] = np.where(parent[v] == u, load[v], 0)
        values[self.flow[edge, 1]] = np.where(parent[u] == v, load[u], 0)

    def rows_of(self, cut: Separator, *, nodes: IntArray | None = None) -> list[Row]:
        """
        Inequalities of a separator for every district.

        Parameters
        ----------
        cut
            An island of nodes a, the nodes C ``between`` and nodes b on the other side as
            ``centres``; without a b, the island is too light for a district.
        nodes
            Nodes a for which they are given; None for the whole island.
        """
        partners = [[int(b)] for b in cut.centres] or [[]]
        return [
            Row(
                np.r_[self.label[[a, *partner], d], self.label[cut.between, d]],
                np.r_[np.ones(1 + len(partner)), -np.ones(cut.between.size)],
                float(len(partner)),
            )
            for a in (cut.island if nodes is None else nodes)
            for partner in partners
            for d in range(self.label.shape[1])
        ]
