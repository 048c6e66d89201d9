"""
Inexact contiguity: fixed centres, and rows that keep every district connected.

The rows are few and strong, and the model has a column for each node and centre alone, so that it
reaches sizes that exact contiguity does not. But they cut off connected plans too, possibly all of
them: an optimum is the best among the plans that keep the rows, its bound holds for these only,
and "infeasible" says nothing about other plans. :attr:`InexactModel.scope` says so in words.

Sets: nodes V, edges E, centres j, one a district. Variables: x_ij = 1 if node i belongs to centre
j, with x_jj = 1. Minimise Σ c_ij x_ij subject to

    Σ_j x_ij = 1                              every i                (assign)
    L_w ≤ Σ_i p_iw x_ij ≤ U_w                 every j, weight w      (balance)
    x_ij ≤ Σ_{u ∈ P_j(i)} x_uj                every j, i ≠ j         (contiguity)

P_j(i) holds neighbours of i that come before i as seen from j, so that a chain of them leads from i
to j. With d(i, j) a distance:

    tree      P_j(i) = {the node before i in one tree of shortest paths from j}
    distance  P_j(i) = {u ∈ N(i): the shortest path from j to i may pass u last}
    DAG       P_j(i) = {u ∈ N(i): d(u, j) < d(i, j)}

Every plan of the tree is one of the distance, and every one of the distance one of the DAG, if d is
the same length of paths. Distances that are not lengths of paths may leave a node without a nearer
neighbour, so that it cannot be reached at all.

Tree: Zoltners and Sinha (1983), "Sales territory alignment: a review and model", Management Science
29(11). Distance: Mehrotra, Johnson and Nemhauser (1998), "An optimization based heuristic for
political districting", Management Science 44(8). DAG: Shahmizad and Buchanan (2025), "Political
districting to minimize county splits", Operations Research; all as in Jolly and Buchanan, "A guide
to inexact contiguity constraints".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .flows import arcs
from .problem import Districting

Contiguity = Literal["none", "tree", "distance", "dag"]
Distance = Literal["path", "hop", "euclidean", "cost"]

_PATHS = ("path", "hop")

_RELATIVE_SLACK = 1e-9
_PLANS = {
    "none": "plans with these centres, connected or not",
    "tree": "plans with these centres whose districts are parts of the trees of shortest paths",
    "distance": "plans with these centres whose districts hold a shortest path to every node",
    "dag": "plans with these centres whose nodes all have a nearer neighbour in their district",
}


@dataclass(frozen=True, eq=False)
class InexactModel:
    """
    A model with fixed centres, and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program; its objective counts from the given centres.
    problem
        What is asked.
    roots
        Centre of each district, shape (districts,).
    contiguity, distance
        Which plans are left.
    column
        Column of x_ij, shape (nodes, districts).
    """

    model: LinearModel
    problem: Districting
    roots: IntArray
    contiguity: Contiguity
    distance: Distance
    column: IntArray

    @property
    def is_connected(self) -> bool:
        """Whether every solution is connected."""
        return self.contiguity != "none"

    @property
    def plans(self) -> str:
        """Which plans are left, for messages."""
        measured = f" ({self.distance} distance)" if self.is_connected else ""
        return _PLANS[self.contiguity] + measured

    @property
    def scope(self) -> str:
        """What an optimum is the best of, for messages."""
        return f"optimal among {self.plans}; the bound does not hold for all plans"

    def decode(self, values: FloatArray) -> IntArray:
        """District 0..k-1 of each node in a solution, in the order of the roots, shape (nodes,)."""
        return np.asarray(values[self.column].argmax(axis=1), dtype=np.int64)

    def encode(self, assignment: IntArray) -> FloatArray:
        """Values of a plan whose districts are in the order of the roots; may break rows."""
        values = np.zeros(self.model.num_columns)
        values[self.column[np.arange(assignment.size), assignment]] = 1
        return values


def inexact_model(
    problem: Districting,
    roots: IntArray,
    *,
    contiguity: Contiguity = "dag",
    distance: Distance = "path",
) -> InexactModel:
    """
    Build the model with fixed centres.

    Parameters
    ----------
    problem
        What is asked; its rules hold, for district d as that of ``roots[d]``.
    roots
        Centre of each district, shape (districts,), no node twice.
    contiguity
        Which plans are left; "none" leaves all that are balanced about these centres, and bounds
        what any contiguity can reach with them.
    distance
        What d(i, j) is: "path", metres from place to place along the edges; "hop", number of edges;
        and for the DAG alone "euclidean", metres straight from i to j, and "cost", c_ij.

    Raises
    ------
    ValueError
        If the roots do not fit the districts, or contiguity and distance not each other.
    """
    _check(problem, roots, contiguity, distance)
    n, k = problem.num_nodes, problem.num_districts
    builder = ModelBuilder(f"inexact-{contiguity}-{distance}")
    may = problem.may_hold.copy()
    may[roots] &= np.eye(k, dtype=bool)
    costs = problem.costs_to(roots)
    columns = builder.add_columns(costs.ravel(), upper=may.ravel().astype(float), integer=True)
    column = columns.reshape(n, k)
    builder.add_rows(np.repeat(np.arange(n), k), columns, 1, lower=np.ones(n), upper=1)
    _add_balance(builder, problem, column)
    for district, root in enumerate(roots):
        if contiguity != "none":
            before = predecessors(problem, int(root), contiguity=contiguity, distance=distance)
            _add_contiguity(builder, before, column[:, district], int(root))
    if problem.rules is not None and problem.rules.apart is not None:
        pair = column[problem.rules.apart]
        rows = np.arange(pair.shape[0] * k)
        builder.add_rows(
            np.r_[rows, rows],
            np.r_[pair[:, 0].ravel(), pair[:, 1].ravel()],
            1,
            upper=np.ones(rows.size),
        )
    return InexactModel(builder.build(), problem, roots, contiguity, distance, column)


def predecessors(
    problem: Districting, root: int, *, contiguity: Contiguity, distance: Distance
) -> tuple[IntArray, IntArray]:
    """
    Pairs (i, u) with u ∈ P_root(i): the node, and the neighbour that may connect it.

    Returns
    -------
    tuple
        Nodes i and their neighbours u, shapes (pairs,); no pair for the root itself.
    """
    tail, head = arcs(problem)
    if contiguity == "dag":
        near = _distances(problem, root, distance)
        kept = (near[tail] < near[head]) & (head != root)
        return head[kept], tail[kept]
    length = _lengths(problem, tail, head, distance)
    graph = sparse.csr_array((length, (tail, head)), shape=problem.graph.shape)
    found, parents = dijkstra(graph, indices=[root], return_predecessors=True)
    if contiguity == "tree":
        node = np.flatnonzero(parents[0] >= 0)
        return node, parents[0, node].astype(np.int64)
    near = found[0]
    kept = (near[tail] < near[head]) & np.isfinite(near[head])
    tail, head, length = tail[kept], head[kept], length[kept]
    last = near[tail] + length <= near[head] * (1 + _RELATIVE_SLACK)
    return head[last], tail[last]


def _lengths(
    problem: Districting, tail: IntArray, head: IntArray, distance: Distance
) -> FloatArray:
    """Length of each arc, in metres or 1."""
    if distance == "hop":
        return np.ones(tail.size)
    gap = problem.location[tail] - problem.location[head]
    # Nodes at one place are still a step apart: a zero would make circles of predecessors.
    return np.asarray(np.maximum(np.sqrt(np.square(gap).sum(axis=1)), 1e-6))


def _distances(problem: Districting, root: int, distance: Distance) -> FloatArray:
    """d(i, root) of every node, that of the root below all others."""
    if distance in _PATHS:
        tail, head = arcs(problem)
        length = _lengths(problem, tail, head, distance)
        graph = sparse.csr_array((length, (tail, head)), shape=problem.graph.shape)
        near = dijkstra(graph, indices=[root])[0]
    elif distance == "euclidean":
        gap = problem.location - problem.centre[root]
        near = np.sqrt(np.square(gap).sum(axis=1))
    else:
        near = problem.costs_to(np.array([root]))[:, 0].copy()
    near[root] = -np.inf
    return np.asarray(near, dtype=float)


def _add_balance(builder: ModelBuilder, problem: Districting, column: IntArray) -> None:
    """Add L ≤ Σ p_i x_ij ≤ U for every weight that is bounded."""
    n, k = column.shape
    lower, upper = problem.district_lower, problem.district_upper
    bounded = (lower > 0).any(axis=0) | np.isfinite(upper).any(axis=0)
    for w in np.flatnonzero(bounded):
        weight = np.repeat(problem.weights[:, w], k)
        rows = np.tile(np.arange(k), n)
        builder.add_rows(rows, column.ravel(), weight, lower=lower[:, w], upper=upper[:, w])


def _add_contiguity(
    builder: ModelBuilder, before: tuple[IntArray, IntArray], x: IntArray, root: int
) -> None:
    """Add x_ij - Σ_{u ∈ P_j(i)} x_uj ≤ 0 for every node but the root."""
    node, neighbour = before
    others = np.delete(np.arange(x.size), root)
    row = np.empty(x.size, dtype=np.int64)
    row[others] = np.arange(others.size)
    builder.add_rows(
        np.r_[row[others], row[node]],
        np.r_[x[others], x[neighbour]],
        np.repeat([1.0, -1.0], [others.size, node.size]),
        upper=np.zeros(others.size),
    )


def _check(
    problem: Districting, roots: IntArray, contiguity: Contiguity, distance: Distance
) -> None:
    """Refuse what does not fit."""
    for value, options in ((contiguity, get_args(Contiguity)), (distance, get_args(Distance))):
        if value not in options:
            raise ValueError(f"{value!r} not understood; choose {', '.join(options)}.")
    if contiguity in {"tree", "distance"} and distance not in _PATHS:
        raise ValueError(f"Contiguity {contiguity!r} needs paths: choose {' or '.join(_PATHS)}.")
    k = problem.num_districts
    if roots.shape != (k,) or np.unique(roots).size != k:
        raise ValueError(f"roots {roots.tolist()} are not one node for each of {k} districts.")
    if roots.min() < 0 or roots.max() >= problem.num_nodes:
        raise ValueError(f"roots name a node outside 0..{problem.num_nodes - 1}.")
    seats = None if problem.rules is None else problem.rules.seats
    if seats is not None:
        wrong = np.flatnonzero((seats >= 0) & (seats != roots))
        if wrong.size:
            d = int(wrong[0])
            raise ValueError(
                f"District {d} has its seat at {problem.name(int(seats[d]))}, not at "
                f"{problem.name(int(roots[d]))}; give the seats as roots."
            )


def allowed_pairs(problem: Districting, roots: IntArray) -> BoolArray:
    """
    Pairs (node, centre) of the Hess models of :mod:`.hess` and :mod:`.flows` with fixed centres.

    With them, the exact models answer what the inexact ones approximate.
    """
    n = problem.num_nodes
    allowed = np.zeros((n, n), dtype=bool)
    allowed[:, roots] = True
    allowed[np.ix_(roots, roots)] = np.eye(roots.size, dtype=bool)
    return allowed
