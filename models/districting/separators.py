"""
Contiguity by a,b-separators: the inequalities, and how to find those that a plan breaks.

Oehrlein and Haunert (2017), "A cutting-plane method for contiguity-constrained spatial
aggregation", Journal of Spatial Information Science 15; CUT in Validi, Buchanan and Lykhovyd
(2022), "Imposing contiguity constraints in political districting models", Operations Research
70(2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ..formulation import IntArray
from .problem import Districting


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


def violated_separators(problem: Districting, centre_of: IntArray) -> list[Separator]:
    """
    Minimal a,b-separators that a disconnected plan breaks.

    For each component A of a district that misses its centre b: C is the part of N(A) that b
    reaches in G - N(A) (linear-time separation at integer points, Fischetti et al. 2017,
    "Thinning out Steiner trees", Mathematical Programming Computation 9). C separates A from every
    node on b's side, so one inequality is given for each node of A and each such centre.

    Parameters
    ----------
    centre_of
        Centre of each node, shape (nodes,).

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
        cuts += [
            _separator(problem, members[part == stranded], int(b))
            for stranded in range(num_parts)
            if stranded != home
        ]
    return cuts


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
