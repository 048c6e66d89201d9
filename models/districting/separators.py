"""
Contiguity by separators: the inequalities, and how to find those that a point breaks.

C is an a,b-separator if every path from a to b passes C. It is a length-U a,b-separator if every
path from a to b that avoids C weighs more than U, its ends counted: no district holds such a path,
so whoever joins a to the centre b passes C as well. Length-U separators are smaller, and so their
inequalities stronger.

a,b-separators (CUT): Oehrlein and Haunert (2017), "A cutting-plane method for
contiguity-constrained spatial aggregation", Journal of Spatial Information Science 15. Length-U
a,b-separators (LCUT): Validi, Buchanan and Lykhovyd (2022), "Imposing contiguity constraints in
political districting models", Operations Research 70(2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import (
    breadth_first_order,
    connected_components,
    dijkstra,
    maximum_flow,
    minimum_spanning_tree,
)

from ..formulation import FloatArray, IntArray
from .problem import Districting

_LARGEST_CAPACITY = 1_000_000
_LEAST_LENGTH = 1e-12
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Separator:
    """
    Inequalities x_ab ≤ Σ_{c ∈ C} x_cb: whoever joins an island to a centre passes through C.

    Parameters
    ----------
    island
        Nodes a, shape (nodes of the island,).
    centres
        Nodes b on the other side, shape (nodes of that side,).
    between
        Nodes C that separate the two sides, shape (size of C,).
    """

    island: IntArray
    centres: IntArray
    between: IntArray


def neighbour_separators(problem: Districting) -> list[Separator]:
    """
    Separate every node from all that are not its neighbours, by its neighbours.

    These inequalities lift the linear relaxation where contiguity binds; elsewhere they are dead
    weight, so they are worth adding only once a disconnected solution has appeared.
    """
    graph = problem.graph
    cuts = []
    for node in range(problem.num_nodes):
        between = graph.indices[graph.indptr[node] : graph.indptr[node + 1]].astype(np.int64)
        far = np.ones(problem.num_nodes, dtype=bool)
        far[between] = far[node] = False
        cuts.append(Separator(np.array([node]), np.flatnonzero(far), np.sort(between)))
    return cuts


def violated_separators(
    problem: Districting, centre_of: IntArray, *, length_bounded: bool = False
) -> list[Separator]:
    """
    Minimal separators that a disconnected plan breaks.

    For each component A of a district that misses its centre b: C is the part of N(A) that b
    reaches in G - N(A) (linear-time separation at integer points, Fischetti et al. 2017,
    "Thinning out Steiner trees", Mathematical Programming Computation 9). C separates A from every
    node on b's side, so one inequality is given for each node of A and each such centre.

    Parameters
    ----------
    centre_of
        Centre of each node, shape (nodes,).
    length_bounded
        Give :func:`length_bounded_separators` in their place (LCUT).

    Returns
    -------
    list of Separator
        Empty if and only if every district is connected.
    """
    cuts: list[Separator] = []
    graph = problem.graph
    for b in np.unique(centre_of):
        members = np.flatnonzero(centre_of == b)
        num_parts, part = connected_components(graph[members][:, members], directed=False)
        home = part[np.searchsorted(members, b)]
        for stranded in range(num_parts):
            if stranded == home:
                continue
            cut = _separator(problem, members[part == stranded], int(b))
            cuts += length_bounded_separators(problem, cut, int(b)) if length_bounded else [cut]
    return cuts


def length_bounded_separators(problem: Districting, cut: Separator, b: int) -> list[Separator]:
    """
    Strengthen an a,b-separator to length-U a,b-separators, one for each set C that results.

    For each node a of the island, nodes of C through which the lightest path to b weighs more than
    U are dropped, the farthest first, until no other can be. With several weights, that one counts
    which leaves the fewest nodes.

    Parameters
    ----------
    cut
        Separates its island from its centres.
    b
        Centre for which C is strengthened; the others keep those inequalities that still hold.

    Returns
    -------
    list of Separator
        Every node of the island is in one of them, each with b among its centres.
    """
    bounded = np.flatnonzero(np.isfinite(problem.district_upper).all(axis=0))
    if b in cut.between or not bounded.size:
        return [cut]
    by_weight = [list(_strengthened(problem, cut, b, int(w))) for w in bounded]
    groups: dict[tuple[bytes, bytes], list[Separator]] = {}
    for choices in zip(*by_weight, strict=True):
        best = min(choices, key=lambda choice: choice.between.size)
        groups.setdefault((best.centres.tobytes(), best.between.tobytes()), []).append(best)
    return [
        Separator(np.concatenate([one.island for one in same]), same[0].centres, same[0].between)
        for same in groups.values()
    ]


def _strengthened(problem: Districting, cut: Separator, b: int, w: int) -> Iterator[Separator]:
    """Strengthen by one weight: a separator for each node of the island, in its order."""
    load = np.maximum(problem.weights[:, w], _LEAST_LENGTH)
    most = float(problem.district_upper[:, w].max()) + _SLACK
    shore = cut.between
    from_a = _lightest_paths(problem, load, cut.island, final=shore)[:, shore]
    from_b = _lightest_paths(problem, load, np.array([b]), final=shore)[0, shore]
    through = from_a + from_b - load[shore]
    for place, a in enumerate(cut.island):
        far = np.flatnonzero(through[place] > most)
        island = cut.island[place : place + 1]
        if not far.size:
            yield Separator(island, cut.centres, shore)
            continue
        farthest_first = shore[far[np.argsort(-through[place, far], kind="stable")]]
        between = _without(problem, load, most, int(a), b, shore, farthest_first)
        lightest = _lightest_paths(problem, load, island, closed=between)[0, cut.centres]
        yield Separator(island, cut.centres[lightest > most], between)


def _without(
    problem: Districting,
    load: FloatArray,
    most: float,
    a: int,
    b: int,
    shore: IntArray,
    candidates: IntArray,
) -> IntArray:
    """Drop candidates from a separator as long as no path from a to b becomes light enough."""

    def separates(between: IntArray) -> bool:
        paths = _lightest_paths(problem, load, np.array([a]), closed=between, limit=most)
        return bool(paths[0, b] > most)

    # Only a path through two of them can be light once each of them alone is far: rare.
    between = np.setdiff1d(shore, candidates)
    if separates(between):
        return between
    between = shore
    for candidate in candidates:
        fewer = between[between != candidate]
        if separates(fewer):
            between = fewer
    return between


def _lightest_paths(
    problem: Districting,
    load: FloatArray,
    sources: IntArray,
    *,
    closed: IntArray | None = None,
    final: IntArray | None = None,
    limit: float = np.inf,
) -> FloatArray:
    """
    Weights of the lightest paths, both ends counted, shape (sources, nodes).

    ``closed`` nodes cannot be entered, ``final`` nodes cannot be left. Infinite where no path
    leads, or none within the limit.
    """
    graph = problem.graph
    entering = load.copy()
    if closed is not None:
        entering[closed] = np.inf
    lengths = entering[graph.indices]
    if final is not None:
        last = np.zeros(problem.num_nodes, dtype=bool)
        last[final] = True
        lengths[np.repeat(last, np.diff(graph.indptr))] = np.inf
    weighted = sparse.csr_array((lengths, graph.indices, graph.indptr), shape=graph.shape)
    found = dijkstra(weighted, indices=sources, limit=limit)
    return np.asarray(found + load[sources][:, None])


def fractional_separators(
    problem: Districting, values: FloatArray, *, least: float = 1e-3
) -> list[Separator]:
    """
    a,b-separators that a point of the linear relaxation breaks, by maximum flows.

    For a centre b and a node a, a flow from a to b is bounded by x_cb in every node c between. A
    minimum cut below x_ab is a set C whose inequality is broken; it is thinned out to a minimal
    separator like those of integer points.

    Parameters
    ----------
    values
        x_ij for node i and centre j, shape (nodes, nodes); 0 where there is no variable.
    least
        Amount by which an inequality must be broken.

    Returns
    -------
    list of Separator
        Each with one centre, and an island of nodes whose inequalities are all broken. Empty if
        no a,b-separator is broken by more than ``least`` and rounding.
    """
    centres = np.flatnonzero(values.diagonal() > least)
    return [cut for b in centres for cut in _separators_of(problem, values[:, b], int(b), least)]


def _separators_of(
    problem: Districting, values: FloatArray, b: int, least: float
) -> Iterator[Separator]:
    """Yield the separators that one column breaks, the largest x_ab first."""
    network = _Network(problem, values, b)
    wanted = np.flatnonzero(values > least)
    done = np.zeros(problem.num_nodes, dtype=bool)
    done[[b, *problem.graph[[b]].indices]] = True
    done[wanted] |= values[wanted] <= network.widest[wanted] + least
    for a in wanted[np.argsort(-values[wanted], kind="stable")]:
        if done[a]:
            continue
        island = network.side_of(int(a))
        if island is None:
            continue
        cut = _separator(problem, island, b)
        broken = island[values[island] > values[cut.between].sum() + least]
        if broken.size:
            done[broken] = True
            yield Separator(broken, np.array([b]), cut.between)


class _Network:
    """
    Nodes that belong to a centre b in part, each an arc with its x_cb as capacity.

    Parameters
    ----------
    values
        x_cb of each node c, shape (nodes,).
    """

    def __init__(self, problem: Districting, values: FloatArray, b: int) -> None:
        self.nodes = np.flatnonzero(np.rint(values * _LARGEST_CAPACITY) > 0)
        self.place = np.full(problem.num_nodes, -1, dtype=np.int64)
        self.place[self.nodes] = np.arange(self.nodes.size)
        self.b = int(self.place[b])
        self.values = values[self.nodes]
        m = self.nodes.size
        edges = sparse.coo_array(problem.graph[self.nodes][:, self.nodes])
        capacity = np.rint(self.values * _LARGEST_CAPACITY).astype(np.int32)
        unbounded = np.full(edges.nnz, 2 * _LARGEST_CAPACITY, dtype=np.int32)
        inner = np.arange(m)
        self.arcs = sparse.csr_array(
            (
                np.concatenate([capacity, unbounded]),
                (np.r_[inner, edges.row + m], np.r_[inner + m, edges.col]),
            ),
            shape=(2 * m, 2 * m),
        )
        self.widest = np.zeros(problem.num_nodes)
        self.widest[self.nodes] = self._widest_paths(edges)

    def _widest_paths(self, edges: sparse.coo_array) -> FloatArray:
        """Largest flow from each node to b along one path: it needs no maximum flow."""
        width = np.minimum(self.values[edges.row], self.values[edges.col])
        tree = minimum_spanning_tree(
            sparse.csr_array((2 - width, (edges.row, edges.col)), shape=edges.shape)
        )
        order, before = breadth_first_order(tree, self.b, directed=False)
        widest = np.zeros(self.nodes.size)
        widest[self.b] = self.values[self.b]
        for node in order[1:]:
            widest[node] = min(widest[before[node]], self.values[node])
        return widest

    def side_of(self, a: int) -> IntArray | None:
        """Nodes on a's side of a minimum cut; None if the flow fills x_ab."""
        m, source = self.nodes.size, int(self.place[a]) + self.nodes.size
        found = maximum_flow(self.arcs, source, self.b)
        if found.flow_value >= np.rint(self.values[source - m] * _LARGEST_CAPACITY):
            return None
        residual = sparse.csr_array(self.arcs - found.flow)
        residual.eliminate_zeros()
        reached = breadth_first_order(residual, source, return_predecessors=False)
        return np.sort(self.nodes[reached[reached >= m] - m])


def _separator(problem: Districting, island: IntArray, b: int) -> Separator:
    """Separate the island from b by nodes next to it that b reaches without passing another."""
    graph = problem.graph
    shore = np.zeros(problem.num_nodes, dtype=bool)
    shore[graph[island].indices] = True
    shore[island] = False
    if shore[b]:
        return Separator(island, np.array([b]), np.flatnonzero(shore))
    inner = np.flatnonzero(~shore)
    order = breadth_first_order(
        graph[inner][:, inner], int(np.searchsorted(inner, b)), return_predecessors=False
    )
    reached = inner[order]
    touched = np.zeros(problem.num_nodes, dtype=bool)
    touched[graph[reached].indices] = True
    return Separator(island, np.sort(reached), np.flatnonzero(shore & touched))
