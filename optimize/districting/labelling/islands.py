"""Contiguity of labelled districts: inequalities that a disconnected plan breaks."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

from ....models.districting.problem import Districting
from ....models.districting.separators import Separator, violated_separators
from ....models.formulation import IntArray


def node_separators(problem: Districting) -> list[Separator]:
    """Light islands of one node: who is too light for a district has a neighbour in its own."""
    return [
        _light_island(problem, np.array([node]))
        for node in range(problem.num_nodes)
        if _too_light(problem, np.array([node]))
    ]


def island_separators(problem: Districting, assignment: IntArray) -> list[Separator]:
    """
    Inequalities that a disconnected plan breaks, as :func:`.labelling_model` takes them.

    Every part of a disconnected district that is too light for a district gives a light island.
    Any other part but the heaviest gives a minimal a,b-separator, with the heaviest node of the
    heaviest part as b; ``centres`` is (b,), and empty for a light island.

    Parameters
    ----------
    assignment
        District 0..k-1 of each node, shape (nodes,).

    Returns
    -------
    list of Separator
        Empty if and only if every district is connected.
    """
    anchor_of = np.empty(problem.num_nodes, dtype=np.int64)
    load = problem.weights.sum(axis=1)
    light: list[Separator] = []
    for district in np.unique(assignment):
        members = np.flatnonzero(assignment == district)
        num_parts, part = connected_components(problem.graph[members][:, members], directed=False)
        parts = [members[part == number] for number in range(num_parts)]
        home = max(parts, key=lambda nodes: float(load[nodes].sum()))
        anchor_of[members] = home[np.argmax(load[home])]
        if num_parts > 1:
            light += [
                _light_island(problem, nodes) for nodes in parts if _too_light(problem, nodes)
            ]
    return light + [
        Separator(cut.island, anchor_of[cut.island[:1]], cut.between)
        for cut in violated_separators(problem, anchor_of)
        if not _too_light(problem, cut.island)
    ]


def _too_light(problem: Districting, nodes: IntArray) -> bool:
    """Whether the nodes together stay below the lower bound of every district."""
    return bool(
        (problem.weights[nodes].sum(axis=0) < problem.district_lower - 1e-6).any(axis=1).all()
    )


def _light_island(problem: Districting, nodes: IntArray) -> Separator:
    """Separate nodes that are too light for a district from all others by their neighbours."""
    shore = np.setdiff1d(problem.graph[nodes].indices, nodes).astype(np.int64)
    return Separator(nodes, np.empty(0, dtype=np.int64), shore)
