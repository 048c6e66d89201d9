"""
Plans under caps, without a proof: the caps get prices, and measures that are not sums a stand-in.

The heuristics minimise sums of moments of inertia and of costs of edges and nodes. A cap joins
their objective with a price that rises until a plan keeps it; a deviation becomes ever tighter
bounds; the Polsby-Popper score becomes the length of the outlines. The plans are judged by what is
really asked, and improved by single moves where that is not what the heuristics minimised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....models.districting.combined_plan import Cap
from ....models.districting.measures import Geography, Parts
from ....models.districting.objective import Objective
from ....models.formulation import IntArray
from ..heuristics import find_plan
from .capped import CappedSearch, bounded_problem

_PRICES = (0.0, 0.3, 1.0, 3.0, 10.0)
"""Prices of the caps, as shares of the objective of a plan."""

_SECONDS = 0.01
"""Seconds a node that one run of the heuristics may take."""

_ROUNDNESS = 0.8
"""About d(P² / 4πA) / dP · sqrt(A) of a district as compact as most are."""


def start_search(
    search: CappedSearch,
    objective: Parts,
    caps: Sequence[Cap],
    geography: Geography,
    starts: Sequence[IntArray],
) -> None:
    """
    Offer plans to a search.

    Parameters
    ----------
    objective, caps
        What the search minimises, and under what, as parts.
    geography
        Lengths and areas, where outlines are asked for.
    starts
        Plans to start from; they may break rules and caps.
    """
    for plan in starts:
        search.offer(plan)
    stand_in = _stand_in(search, objective, geography)
    limited = [Cap(_stand_in(search, parts, geography), limit) for parts, limit in caps]
    limited = [cap for cap in limited if _is_sum(cap.parts)]
    is_exact = objective.deviation == objective.polsby_popper == 0
    prices = _PRICES if limited or not is_exact else _PRICES[:1]
    guide = starts[0] if starts else None
    for trial, price in enumerate(prices):
        if search.over or search.proven:
            return
        total = stand_in
        if limited and guide is not None:
            value = max(_objective(total).evaluate(search.problem, guide), 1e-12)
            for parts, _ in limited:
                worth = max(_objective(parts).evaluate(search.problem, guide), 1e-12)
                total = total + parts.scaled(price * value / worth)
        found = find_plan(
            bounded_problem(search, objective, caps),
            _objective(total),
            seconds=min(search.deadline.seconds_left / 30, _SECONDS * search.problem.num_nodes),
            seed=search.limits.seed + trial,
            starts=2,
            start=search.plan if search.plan is not None else guide,
            stop=search.stop,
        )
        if found.plan is not None:
            guide = found.plan if guide is None else guide
            search.offer(found.plan)
    if not is_exact and search.plan is not None:
        descend(search, search.plan)


def descend(search: CappedSearch, plan: IntArray) -> None:
    """Move single nodes to neighbouring districts as long as the search takes the plan."""
    problem = search.problem
    u, v = problem.edges.reshape(-1, 2).T
    better = True
    while better and not search.over:
        before = search.objective
        crossing = problem.is_cut(plan)
        moves = np.r_[
            np.column_stack([u[crossing], plan[v[crossing]]]),
            np.column_stack([v[crossing], plan[u[crossing]]]),
        ]
        for node, district in np.unique(moves, axis=0):
            moved = plan.copy()
            moved[node] = district
            if search.over or search.evaluate(moved) >= search.objective:
                continue
            search.offer(moved)
            if search.objective < before and search.plan is not None:
                plan = search.plan
                break
        better = search.objective < before


def _stand_in(search: CappedSearch, parts: Parts, geography: Geography) -> Parts:
    """Return the parts with the outlines as costs of edges where they are asked for."""
    if not parts.polsby_popper > 0:
        return parts
    area = geography.needed("area", "polsby-popper")
    lengths = geography.needed("edge_lengths", "polsby-popper")
    k = search.problem.num_districts
    side = np.sqrt(area.sum() / k)
    outline = lengths * (2 * _ROUNDNESS * parts.polsby_popper / (k * side))
    return parts + Parts(edge_costs=outline)


def _is_sum(parts: Parts) -> bool:
    """Whether the heuristics can minimise the parts, or some of them."""
    return parts.inertia > 0 or parts.edge_costs is not None or parts.label_costs is not None


def _objective(parts: Parts) -> Objective:
    """Return what the heuristics minimise; the moment of inertia where that is nothing."""
    return Objective(
        inertia=parts.inertia if _is_sum(parts) else 1.0,
        edge_costs=parts.edge_costs,
        label_costs=parts.label_costs,
    )
