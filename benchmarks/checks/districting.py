"""Objectives and rules of districting, recomputed unit by unit in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict, deque

from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ..problems import EdgeCostDistricting
from ..registry import register_check

TOLERANCE = 1e-6
Verdict = tuple[float, list[str]]


def check_inertia(problem: Districting, assignment: IntArray) -> Verdict:
    """Sum each district's least moment of inertia over the centres that it has."""
    parts = parts_of(assignment)
    total = math.fsum(
        min(math.fsum(problem.costs[i, j] for i in members) for j in members)
        for members in parts.values()
    )
    return total, broken_rules(problem, parts)


def check_edge_costs(problem: EdgeCostDistricting, assignment: IntArray) -> Verdict:
    """Sum the costs of the edges whose ends lie in two districts."""
    total = math.fsum(
        float(cost)
        for (i, j), cost in zip(problem.districting.edges, problem.edge_costs, strict=True)
        if assignment[i] != assignment[j]
    )
    return total, broken_rules(problem.districting, parts_of(assignment))


def parts_of(assignment: IntArray) -> dict[int, list[int]]:
    """Return the units of each district."""
    parts: dict[int, list[int]] = defaultdict(list)
    for unit, district in enumerate(assignment.tolist()):
        parts[district].append(unit)
    return dict(parts)


def broken_rules(problem: Districting, parts: dict[int, list[int]]) -> list[str]:
    """Name what is wrong with number, balance and contiguity of the districts."""
    broken = []
    if len(parts) != problem.num_districts:
        broken.append(f"{len(parts)} districts, not {problem.num_districts}")
    if sum(map(len, parts.values())) != problem.num_nodes:
        broken.append("a unit has no district")
    neighbours: dict[int, list[int]] = defaultdict(list)
    for i, j in problem.edges.tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)
    for district, members in sorted(parts.items()):
        for w in range(problem.weights.shape[1]):
            total = math.fsum(problem.weights[i, w] for i in members)
            if not problem.lower[w] - TOLERANCE <= total <= problem.upper[w] + TOLERANCE:
                broken.append(f"district {district} has {total:g} of weight {w}")
        if not _hangs_together(members, neighbours):
            broken.append(f"district {district} is not connected")
    return broken


def _hangs_together(members: list[int], neighbours: dict[int, list[int]]) -> bool:
    left = set(members)
    reached = deque([left.pop()])
    while reached:
        for other in neighbours[reached.popleft()]:
            if other in left:
                left.remove(other)
                reached.append(other)
    return not left


register_check("districting-inertia", check_inertia)
register_check("districting-border", check_edge_costs)
register_check("districting-cut-edges", check_edge_costs)
