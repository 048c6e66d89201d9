"""
Contiguity of the Hess model by flows: SHIR, MCF and SCF.

All add flow columns to the Hess model of :mod:`.hess`, so that a general solver finds connected
districts without cuts. They serve as textbook references: the engine separates inequalities.

Sets: nodes V, both arcs of every edge, δ⁻(i) and δ⁺(i) the arcs into and out of i.

SHIR, one commodity a centre. Variables: f_jt = flow of j on arc t, from the centre j to all nodes
of its district:

    f_j(δ⁻(i)) - f_j(δ⁺(i)) = x_ij        every i ≠ j      (each node consumes one)
    f_j(δ⁻(i)) ≤ M x_ij                   every i ≠ j      (flow stays in the district)
    f_j(δ⁻(j)) = 0                        every j
    f ≥ 0

MCF, one commodity for each pair of a centre b and a node a that is not its neighbour. Variables:
f_abt = flow from b to a on arc t:

    f_ab(δ⁺(b)) - f_ab(δ⁻(b)) = x_ab
    f_ab(δ⁺(i)) - f_ab(δ⁻(i)) = 0         every i ∉ {a, b}
    f_ab(δ⁻(b)) = 0
    f_ab(δ⁻(i)) ≤ x_ib                    every i ≠ b
    f ≥ 0

SCF, one commodity in all. Variables: f_t = flow on arc t, which every node but the centres uses up
by one, and which crosses no border of a district:

    f(δ⁻(i)) - f(δ⁺(i)) ≥ 1 - M x_ii                    every i
    f_uv + f_vu ≤ (M - 1) (1 - x_uj + x_vj)             every edge uv, both ways round, and j
    f ≥ 0

Shirabe (2005), "A model of contiguity for spatial unit allocation", Geographical Analysis 37, and
Shirabe (2009), "Districting modeling with exact contiguity constraints", Environment and Planning
B 36; both as in Validi, Buchanan and Lykhovyd (2022), "Imposing contiguity constraints in
political districting models", Operations Research 70(2), section 3, with M = n - 1. The
relaxation of MCF equals that of all a,b-separators and lies within that of SHIR. SCF: Hojny,
Joormann, Lüthen and Schmidt (2021), "Mixed-integer programming techniques for the connected
max-k-cut problem", Mathematical Programming Computation 13, for districts with labels, as in
:mod:`.labelling`; here the centres are the roots, and M is the most nodes of a district.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order

from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .hess import HessModel, hess_model
from .problem import Districting


@dataclass(frozen=True, eq=False)
class FlowModel:
    """
    A Hess model with flows, and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program: the columns of the Hess model, then the flows.
    problem
        What is asked.
    hess
        The Hess model without the flows.
    tail, head
        Arc of each flow column, shape (flow columns,).
    centre
        Centre that each flow comes from, shape (flow columns,); -1 where it comes from all.
    target
        Node that each flow goes to, shape (flow columns,); -1 where it feeds the whole district.
    """

    model: LinearModel
    problem: Districting
    hess: HessModel
    tail: IntArray
    head: IntArray
    centre: IntArray
    target: IntArray

    def decode(self, values: FloatArray) -> IntArray:
        """District 0..k-1 of each node in a solution, shape (nodes,)."""
        centre_of = self.hess.assignment(values[: self.hess.node.size])
        return np.unique(centre_of, return_inverse=True)[1].astype(np.int64)

    def encode(self, assignment: IntArray) -> FloatArray:
        """
        Values of a plan, with the flows along shortest paths: a start for a solver.

        Raises
        ------
        ValueError
            If a district is not connected, or a pair of the plan is not in the model.
        """
        centres = self.problem.centres(assignment)
        centre_of = centres[assignment]
        x = self.hess.start(centre_of)
        if x is None:
            raise ValueError("A node and its centre have no column; allow the pair.")
        parent, passes = district_trees(self.problem, assignment, centres)
        everywhere = passes.sum(axis=0)[self.head]
        to_target = passes[np.maximum(self.target, 0), self.head]
        inside = parent[self.head] == self.tail
        inside &= (self.centre < 0) | (centre_of[self.head] == self.centre)
        flow = inside * np.where(self.target < 0, everywhere, to_target)
        return np.concatenate([x, flow.astype(float)])


def shir_model(
    problem: Districting, *, allowed: BoolArray | None = None, big_m: int | None = None
) -> FlowModel:
    """
    Build the Hess model with one commodity a centre (SHIR).

    Parameters
    ----------
    problem
        What is asked.
    allowed
        Pairs (node, centre) that get a variable, shape (nodes, nodes); None for all.
    big_m
        M, at least the number of nodes of any district less 1; None for the least that
        :func:`most_nodes` shows, the paper has n - 1.
    """
    flows = _Flows(problem, allowed)
    m = most_nodes(problem) - 1 if big_m is None else big_m
    inside = (flows.column[flows.tail] >= 0) & (flows.column[flows.head] >= 0)
    inside &= flows.head[:, None] != np.arange(problem.num_nodes)
    arc, centre = (index.astype(np.int64) for index in np.nonzero(inside))
    tail, head = flows.tail[arc], flows.head[arc]
    f = flows.builder.add_columns(np.zeros(arc.size), upper=m)
    node, of = _other_pairs(flows.hess)
    row = _places(flows.column.shape, node, of)
    leaving = tail != centre
    x, rows = flows.column[node, of], np.arange(node.size)
    flows.builder.add_rows(
        np.r_[row[head, centre], row[tail, centre][leaving], rows],
        np.r_[f, f[leaving], x],
        np.r_[np.ones(f.size), -np.ones(int(leaving.sum())), -np.ones(x.size)],
        lower=np.zeros(x.size),
        upper=0,
    )
    flows.add_capacity(row[head, centre], f, x, most=m)
    return flows.build("shir", tail, head, centre, np.full(f.size, -1))


def mcf_model(problem: Districting, *, allowed: BoolArray | None = None) -> FlowModel:
    """
    Build the Hess model with one commodity a pair of centre and distant node (MCF).

    It has about 2 m n² flow columns, so it is for small problems and for the strength of its
    relaxation.

    Parameters
    ----------
    problem
        What is asked.
    allowed
        Pairs (node, centre) that get a variable, shape (nodes, nodes); None for all.
    """
    flows = _Flows(problem, allowed)
    a, b = _other_pairs(flows.hess)
    distant = problem.graph.toarray()[a, b] == 0
    a, b = a[distant], b[distant]
    open_to = flows.column[:, b].T >= 0
    inside = open_to[:, flows.tail] & open_to[:, flows.head] & (flows.head != b[:, None])
    commodity, arc = np.nonzero(inside)
    tail, head = flows.tail[arc], flows.head[arc]
    f = flows.builder.add_columns(np.zeros(arc.size), upper=1)
    nodes = np.arange(problem.num_nodes)
    pair, node = np.nonzero(open_to & (nodes != a[:, None]))
    row = _places(open_to.shape, pair, node)
    out, into, source = row[commodity, tail], row[commodity, head], row[np.arange(a.size), b]
    flows.builder.add_rows(
        np.r_[out[out >= 0], into[into >= 0], source],
        np.r_[f[out >= 0], f[into >= 0], flows.column[a, b]],
        np.r_[np.ones(int((out >= 0).sum())), -np.ones(int((into >= 0).sum()) + a.size)],
        lower=np.zeros(pair.size),
        upper=0,
    )
    pair, node = np.nonzero(open_to & (nodes != b[:, None]))
    row = _places(open_to.shape, pair, node)
    flows.add_capacity(row[commodity, head], f, flows.column[node, b[pair]], most=1)
    return flows.build("mcf", tail, head, b[commodity], a[commodity])


def scf_model(problem: Districting, *, allowed: BoolArray | None = None) -> FlowModel:
    """
    Build the Hess model with one commodity in all (SCF): few columns, and the weakest relaxation.

    Parameters
    ----------
    problem
        What is asked.
    allowed
        Pairs (node, centre) that get a variable, shape (nodes, nodes); None for all.
    """
    flows = _Flows(problem, allowed)
    n, most = problem.num_nodes, most_nodes(problem)
    tail, head = flows.tail, flows.head
    f = flows.builder.add_columns(np.zeros(tail.size), upper=most - 1)
    own = flows.column.diagonal()
    is_open = np.flatnonzero(own >= 0)
    flows.builder.add_rows(
        np.r_[head, tail, is_open],
        np.r_[f, f, own[is_open]],
        np.r_[np.ones(f.size), -np.ones(f.size), np.full(is_open.size, float(most))],
        lower=np.ones(n),
    )
    arc, j = (index.astype(np.int64) for index in np.nonzero(flows.column[tail] >= 0))
    rows = np.arange(arc.size)
    back = _places((n, n), tail, head)[head[arc], tail[arc]]
    other = flows.column[head[arc], j]
    joined = np.flatnonzero(other >= 0)
    flows.builder.add_rows(
        np.r_[rows, rows, rows, joined],
        np.r_[f[arc], f[back], flows.column[tail[arc], j], other[joined]],
        np.repeat([1.0, 1.0, most - 1.0, 1.0 - most], [*[rows.size] * 3, joined.size]),
        upper=np.full(rows.size, most - 1.0),
    )
    return flows.build("scf", tail, head, np.full(f.size, -1), np.full(f.size, -1))


class _Flows:
    """The Hess model under extension: its builder, its columns by pair, the arcs."""

    def __init__(self, problem: Districting, allowed: BoolArray | None) -> None:
        n = problem.num_nodes
        self.problem = problem
        self.hess = hess_model(problem, np.ones((n, n), dtype=bool) if allowed is None else allowed)
        self.builder = continued(self.hess.model)
        self.column = _places((n, n), self.hess.node, self.hess.centre)
        self.tail, self.head = arcs(problem)

    def add_capacity(self, row: IntArray, f: IntArray, x: IntArray, *, most: int) -> None:
        """Add f(δ⁻(i)) ≤ M x, one row for each of ``x``, each flow in its row."""
        self.builder.add_rows(
            np.r_[row, np.arange(x.size)],
            np.r_[f, x],
            np.r_[np.ones(f.size), np.full(x.size, -float(most))],
            upper=np.zeros(x.size),
        )

    def build(
        self, name: str, tail: IntArray, head: IntArray, centre: IntArray, target: IntArray
    ) -> FlowModel:
        """Freeze the model."""
        self.builder.name = name
        return FlowModel(self.builder.build(), self.problem, self.hess, tail, head, centre, target)


def _other_pairs(hess: HessModel) -> tuple[IntArray, IntArray]:
    """Pairs (node, centre) of the columns whose node is not the centre."""
    other = hess.node != hess.centre
    return hess.node[other], hess.centre[other]


def _places(shape: tuple[int, ...], first: IntArray, second: IntArray) -> IntArray:
    """Position of each pair in a list of pairs, -1 where it is not listed."""
    places = np.full(shape, -1, dtype=np.int64)
    places[first, second] = np.arange(first.size)
    return places


def continued(model: LinearModel) -> ModelBuilder:
    """Builder that starts with the columns and rows of ``model``."""
    builder = ModelBuilder(model.name, maximize=model.maximize, offset=model.offset)
    builder.add_columns(model.costs, lower=model.lower, upper=model.upper, integer=model.integer)
    entries = sparse.coo_array(model.rows)
    builder.add_rows(
        entries.row, entries.col, entries.data, lower=model.row_lower, upper=model.row_upper
    )
    return builder


def arcs(problem: Districting) -> tuple[IntArray, IntArray]:
    """Tail and head of both arcs of every edge, each once, shapes (arcs,)."""
    entries = sparse.coo_array(problem.graph)
    real = entries.row != entries.col
    return entries.row[real].astype(np.int64), entries.col[real].astype(np.int64)


def most_nodes(problem: Districting) -> int:
    """
    Most nodes that a district can have: the lightest ones that fit, and one for each other.

    Never less than 1, even where no node fits.
    """
    most = problem.num_nodes - problem.num_districts + 1
    for w in np.flatnonzero(np.isfinite(problem.upper)):
        lightest = np.cumsum(np.sort(problem.weights[:, w]))
        most = min(most, int(np.searchsorted(lightest, problem.upper[w] + 1e-6, side="right")))
    return max(most, 1)


def district_trees(
    problem: Districting, assignment: IntArray, roots: IntArray
) -> tuple[IntArray, BoolArray]:
    """
    Shortest paths within each district from its root.

    Parameters
    ----------
    assignment
        District 0..k-1 of each node, shape (nodes,).
    roots
        One node of each district, shape (districts,).

    Returns
    -------
    tuple
        Node before each node on its path, -1 at roots, shape (nodes,); and whether the path to
        node i passes node v (v = i counts, v = root does not), shape (nodes, nodes).

    Raises
    ------
    ValueError
        If a district is not connected or has no root.
    """
    n = problem.num_nodes
    tail, head = arcs(problem)
    kept = assignment[tail] == assignment[head]
    inside = sparse.csr_array((np.ones(int(kept.sum())), (tail[kept], head[kept])), shape=(n, n))
    parent = np.full(n, -1, dtype=np.int64)
    passes = np.zeros((n, n), dtype=bool)
    reached = np.zeros(n, dtype=bool)
    for root in roots[roots >= 0]:
        order, before = breadth_first_order(inside, int(root))
        reached[order] = True
        for node in order[1:]:
            parent[node] = before[node]
            passes[node] = passes[parent[node]]
            passes[node, node] = True
    if not reached.all():
        lost = int(np.flatnonzero(~reached)[0])
        raise ValueError(
            f"District {assignment[lost]} is not connected: {problem.name(lost)} is cut off from "
            "its centre; give a connected plan."
        )
    return parent, passes
