"""
The labelling model: districts 1..k as labels, least cut edges or shortest shared borders.

Sets: nodes V, edges E = {u, v} with costs c_e ≥ 0, districts D = 1..k. Variables: x_id = 1 if node
i lies in district d; z_ed = 1 if e is cut because u lies in d and v does not. Minimise
Σ_e c_e Σ_d z_ed subject to

    Σ_d x_id = 1                              every i                (assign)
    L_w ≤ Σ_i p_iw x_id ≤ U_w                 every d, weight w      (balance)
    Σ_i x_id ≥ 1                              every d                (no empty district)
    x_ud - x_vd ≤ z_ed                        every e = uv, d        (extended objective)

With c_e = 1 the objective counts the cut edges, with c_e = length of the border it measures the
borders between districts. The extended objective (Ferreira et al. 1996, "Formulations and valid
inequalities for the node capacitated graph partitioning problem", Mathematical Programming 74)
has a stronger relaxation than one variable an edge; see Validi and Buchanan (2022), "Political
districting to minimize cut edges", Mathematical Programming Computation 14.

Contiguity by one flow (SCF; Hojny, Joormann, Lüthen and Schmidt 2021, "Mixed-integer programming
techniques for the connected max-k-cut problem", Mathematical Programming Computation 13, as in
Validi and Buchanan). Variables: r_id = 1 if i is the root of d, f ≥ 0 on both arcs of every edge;
M = most nodes of a district:

    Σ_i r_id = 1, r_id ≤ x_id                 every i, d
    f(δ⁻(i)) - f(δ⁺(i)) ≥ 1 - M Σ_d r_id      every i                (all but roots consume one)
    f_uv + f_vu ≤ (M - 1) (1 - Σ_d z_ed)      every e = uv           (no flow across cut edges)

or by a,b-separators C, and by the neighbours N(A) of sets A too light for a district:

    x_ad + x_bd ≤ 1 + Σ_{c ∈ C} x_cd          every d                (separator)
    x_ad ≤ Σ_{c ∈ N(A)} x_cd                  every a ∈ A, d         (light island)

Symmetry: districts are interchangeable, so a plan may be numbered by the first node of each
district in a given order of the nodes. "diagonal" fixes x_id = 0 where i comes before place d.
"orbitope" adds Σ_{c ≥ d} x_ic ≤ Σ_{h before i} x_h,d-1: exactly one numbering of each plan is
left. These are some of the shifted column inequalities of Kaibel and Pfetsch (2008), "Packing and
partitioning orbitopes", Mathematical Programming 114.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..formulation import FloatArray, IntArray, LinearModel, ModelBuilder
from .flows import district_trees, most_nodes
from .problem import Districting
from .separators import Separator

Contiguity = Literal["none", "flow"]
Symmetry = Literal["none", "diagonal", "orbitope"]


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
    u, v = problem.edges.reshape(-1, 2).T
    return float(lengths[assignment[u] != assignment[v]].sum())


def cut_edges(problem: Districting, assignment: IntArray) -> int:
    """Count the edges between different districts."""
    u, v = problem.edges.reshape(-1, 2).T
    return int((assignment[u] != assignment[v]).sum())


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
    order
        Nodes in the order that numbers the districts, shape (nodes,).
    label
        Column of x_id, shape (nodes, districts).
    cut
        Column of z_ed, shape (edges, districts).
    root
        Column of r_id, shape (nodes, districts); without rows if there is no flow.
    flow
        Columns of f along and against each edge, shape (edges, 2); without rows likewise.
    """

    model: LinearModel
    problem: Districting
    order: IntArray
    label: IntArray
    cut: IntArray
    root: IntArray
    flow: IntArray

    def decode(self, values: FloatArray) -> IntArray:
        """District 0..k-1 of each node in a solution, shape (nodes,)."""
        return np.asarray(values[self.label].argmax(axis=1), dtype=np.int64)

    def encode(self, assignment: IntArray) -> FloatArray:
        """
        Values of a plan: a start for a solver. Districts are numbered anew, by their first nodes.

        Raises
        ------
        ValueError
            If the model has flows and a district is not connected.
        """
        district = numbered(assignment, order=self.order)
        u, v = self.problem.edges.reshape(-1, 2).T
        values = np.zeros(self.model.num_columns)
        x = district[:, None] == np.arange(self.problem.num_districts)
        values[self.label] = x
        values[self.cut] = x[u] & ~x[v]
        if self.flow.shape[0]:
            roots = self.order[np.unique(district[self.order], return_index=True)[1]]
            parent, passes = district_trees(self.problem, district, roots)
            load = passes.sum(axis=0)
            values[self.root[roots, np.arange(roots.size)]] = 1
            ends = np.sort(self.problem.edges.reshape(-1, 2), axis=1)
            edge = np.unique(ends, axis=0, return_index=True)[1]
            u, v = u[edge], v[edge]
            values[self.flow[edge, 0]] = np.where(parent[v] == u, load[v], 0)
            values[self.flow[edge, 1]] = np.where(parent[u] == v, load[u], 0)
        return values


def labelling_model(
    problem: Districting,
    *,
    edge_costs: FloatArray,
    contiguity: Contiguity = "flow",
    symmetry: Symmetry = "diagonal",
    separators: Sequence[Separator] = (),
) -> LabellingModel:
    """
    Build the labelling model.

    Parameters
    ----------
    problem
        What is asked; its costs and masses do not matter here.
    edge_costs
        Cost of cutting each edge, shape (edges,), not negative: ones count the cut edges.
    contiguity
        "flow" makes every solution connected; "none" leaves that to ``separators``.
    symmetry
        How much of the interchangeability of districts is removed.
    separators
        Inequalities for every district: an island of nodes a, the nodes C ``between`` and nodes b
        on the other side as ``centres``; without a b, the island is too light for a district.

    Raises
    ------
    ValueError
        If a cost is negative or not finite, shapes differ or an option is unknown.
    """
    for value, options in ((contiguity, get_args(Contiguity)), (symmetry, get_args(Symmetry))):
        if value not in options:
            raise ValueError(f"{value!r} not understood; choose {', '.join(options)}.")
    check_edge_costs(problem, edge_costs)
    blocks = _Blocks(problem, edge_costs, symmetry)
    blocks.assign()
    blocks.balance()
    blocks.cut_edges()
    if symmetry == "orbitope":
        blocks.orbitope()
    if contiguity == "flow":
        blocks.single_flow()
    for cut in separators:
        blocks.separate(cut)
    return blocks.build()


class _Blocks:
    """The model under construction, one family of constraints a method."""

    def __init__(self, problem: Districting, costs: FloatArray, symmetry: Symmetry) -> None:
        n, k = problem.num_nodes, problem.num_districts
        self.problem, self.builder = problem, ModelBuilder("labelling")
        self.u, self.v = problem.edges.reshape(-1, 2).T
        self.order = numbering_order(problem)
        upper = np.ones((n, k))
        if symmetry != "none":
            upper[self.order] = np.arange(n)[:, None] >= np.arange(k)
        self.x = self._columns(np.zeros((n, k)), upper)
        self.z = self._columns(np.repeat(costs[:, None], k, axis=1), 1.0)
        self.r = np.empty((0, k), dtype=np.int64)
        self.f = np.empty((0, 2), dtype=np.int64)

    def _columns(
        self, costs: FloatArray, upper: FloatArray | float, *, integer: bool = True
    ) -> IntArray:
        flat = np.broadcast_to(upper, costs.shape).ravel()
        columns = self.builder.add_columns(costs.ravel(), upper=flat, integer=integer)
        return columns.reshape(costs.shape)

    def assign(self) -> None:
        """Add Σ_d x_id = 1."""
        n, k = self.x.shape
        rows = np.repeat(np.arange(n), k)
        self.builder.add_rows(rows, self.x.ravel(), 1, lower=np.ones(n), upper=1)

    def balance(self) -> None:
        """Add L ≤ Σ p_i x_id ≤ U for every weight that is bounded, and that none is empty."""
        problem, (n, k) = self.problem, self.x.shape
        rows, columns = np.tile(np.arange(k), n), self.x.ravel()
        self.builder.add_rows(rows, columns, 1, lower=np.ones(k))
        for w in np.flatnonzero((problem.lower > 0) | np.isfinite(problem.upper)):
            weight = np.repeat(problem.weights[:, w], k)
            low = np.full(k, problem.lower[w])
            self.builder.add_rows(rows, columns, weight, lower=low, upper=problem.upper[w])

    def cut_edges(self) -> None:
        """Add x_ud - x_vd ≤ z_ed."""
        rows = np.arange(self.z.size)
        ones = np.ones(rows.size)
        self.builder.add_rows(
            np.tile(rows, 3),
            np.r_[self.x[self.u].ravel(), self.x[self.v].ravel(), self.z.ravel()],
            np.r_[ones, -ones, -ones],
            upper=np.zeros(rows.size),
        )

    def orbitope(self) -> None:
        """Add Σ_{c ≥ d} x_ic ≤ Σ_{h before i} x_h,d-1."""
        n, k = self.x.shape
        ordered = self.x[self.order]
        later, earlier = np.tril_indices(n, -1)
        for d in range(1, k):
            self.builder.add_rows(
                np.r_[np.repeat(np.arange(n), k - d), later],
                np.r_[ordered[:, d:].ravel(), ordered[earlier, d - 1]],
                np.r_[np.ones(n * (k - d)), -np.ones(later.size)],
                upper=np.zeros(n),
            )

    def single_flow(self) -> None:
        """Add roots and one flow that reaches every node from the root of its district."""
        n, k = self.x.shape
        most = most_nodes(self.problem)
        self.r = self._columns(np.zeros((n, k)), 1.0)
        flows = np.zeros((self.u.size, 2))
        self.f = self._columns(flows, float(most - 1), integer=False)
        self.builder.add_rows(
            np.tile(np.arange(k), n), self.r.ravel(), 1, lower=np.ones(k), upper=1
        )
        pairs, ones = np.arange(n * k), np.ones(n * k)
        self.builder.add_rows(
            np.r_[pairs, pairs],
            np.r_[self.r.ravel(), self.x.ravel()],
            np.r_[ones, -ones],
            upper=np.zeros(n * k),
        )
        along, against, one = self.f[:, 0], self.f[:, 1], np.ones(self.u.size)
        self.builder.add_rows(
            np.r_[self.v, self.u, self.u, self.v, np.repeat(np.arange(n), k)],
            np.r_[along, along, against, against, self.r.ravel()],
            np.r_[one, -one, one, -one, most * ones],
            lower=np.ones(n),
        )
        edges = np.arange(self.u.size)
        self.builder.add_rows(
            np.r_[edges, edges, np.repeat(edges, k)],
            np.r_[along, against, self.z.ravel()],
            np.r_[one, one, np.full(self.z.size, most - 1.0)],
            upper=np.full(self.u.size, most - 1.0),
        )

    def separate(self, cut: Separator) -> None:
        """Add x_ad + x_bd - Σ x_cd ≤ 1 for each a and b, or x_ad - Σ x_cd ≤ 0 without a b."""
        pairs = [np.repeat(cut.island, max(cut.centres.size, 1))]
        if cut.centres.size:
            pairs.append(np.tile(cut.centres, cut.island.size))
        inside = self.x[np.stack(pairs)]
        between = np.broadcast_to(
            self.x[cut.between][:, None], (cut.between.size, *inside.shape[1:])
        )
        columns = np.concatenate([inside, between])
        num_rows = inside[0].size
        self.builder.add_rows(
            np.tile(np.arange(num_rows), columns.shape[0]),
            columns.ravel(),
            np.repeat([1.0, -1.0], [inside.size, between.size]),
            upper=np.full(num_rows, len(pairs) - 1.0),
        )

    def build(self) -> LabellingModel:
        """Freeze the model."""
        model = self.builder.build()
        return LabellingModel(model, self.problem, self.order, self.x, self.z, self.r, self.f)


def numbering_order(problem: Districting) -> IntArray:
    """Nodes from the heaviest to the lightest: districts are numbered by their first nodes."""
    total = np.maximum(problem.weights.sum(axis=0), 1e-12)
    return np.argsort(-(problem.weights / total).sum(axis=1), kind="stable").astype(np.int64)


def numbered(assignment: IntArray, *, order: IntArray) -> IntArray:
    """
    Return the same plan, its districts numbered by their first nodes in ``order``.

    Examples
    --------
    >>> numbered(np.array([2, 0, 2]), order=np.array([1, 0, 2])).tolist()
    [1, 0, 1]
    """
    present, first, place = np.unique(assignment[order], return_index=True, return_inverse=True)
    number = np.empty(present.size, dtype=np.int64)
    number[np.argsort(first)] = np.arange(present.size)
    result = np.empty(assignment.size, dtype=np.int64)
    result[order] = number[place]
    return result


def check_edge_costs(problem: Districting, edge_costs: FloatArray) -> None:
    """
    Refuse costs that do not fit the edges.

    Raises
    ------
    ValueError
        If the shape is not (edges,), or a cost is negative or not finite.
    """
    expected = (problem.edges.reshape(-1, 2).shape[0],)
    if edge_costs.shape != expected:
        raise ValueError(f"edge_costs has shape {edge_costs.shape}, expected {expected}.")
    wrong = np.flatnonzero(~(np.isfinite(edge_costs) & (edge_costs >= 0)))
    if wrong.size:
        edge = int(wrong[0])
        u, v = problem.edges[edge]
        raise ValueError(
            f"The cost of the edge {problem.name(int(u))} - {problem.name(int(v))} is "
            f"{edge_costs[edge]:g}; give a finite cost that is not negative."
        )
