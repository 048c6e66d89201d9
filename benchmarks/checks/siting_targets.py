"""Objectives and rules of the generated siting cases, recomputed without their problems."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from scipy.spatial import KDTree

from ...models.formulation import BoolArray
from ...models.siting.modular_floor_area import ModularFloorArea, ModularPlan
from ..problems import ClientStream
from ..registry import register_check

SHARE = 1e-5
"""Share of a client, a floor area or a sum of money up to which a rule counts as kept."""

Verdict = tuple[float, list[str]]


def check_stream(problem: ClientStream, is_open: BoolArray) -> Verdict:
    """Look for the nearest open site of each client, batch by batch."""
    opened = problem.sites[is_open]
    broken = [] if len(opened) <= problem.p else [f"{len(opened)} sites are open"]
    if not len(opened):
        return 0.0, broken
    tree, total = KDTree(opened), 0.0
    for points, weights in problem.batches():
        away = tree.query(points)[0]
        total += float(weights[away <= problem.radius].sum())
    return total, broken


def check_modular(problem: ModularFloorArea, plan: ModularPlan) -> Verdict:
    """Add up residents, floor area and money, pair by pair in plain Python."""
    levels = [int(level) for level in plan.level]
    area, spent = _built(problem, levels)
    reach = problem.within_reach
    used: dict[int, float] = defaultdict(float)
    served, pair = 0.0, 0
    broken = []
    for i in range(reach.shape[0]):
        whole = 0.0
        for j in reach.indices[reach.indptr[i] : reach.indptr[i + 1]].tolist():
            share = float(plan.share[pair])
            pair += 1
            if share < -SHARE:
                broken.append(f"client {i} has share {share:g} at site {j}")
            used[j] += share * problem.area_per_household * float(problem.households[i])
            whole += share
        if whole > 1 + SHARE:
            broken.append(f"client {i} is served to {whole:g}")
        served += whole * float(problem.residents[i])
    broken += [
        f"site {j} needs {need:g} m² and has {area[j]:g}"
        for j, need in used.items()
        if need > area[j] * (1 + SHARE) + SHARE
    ]
    if problem.budget is not None:
        if spent > problem.budget * (1 + SHARE):
            broken.append(f"it costs {spent:g}, more than {problem.budget:g}")
        return served, broken
    wanted = (problem.least_share or 0.0) * math.fsum(problem.residents.tolist())
    if served < wanted * (1 - SHARE):
        broken.append(f"{served:g} residents are served, not {wanted:g}")
    return spent, broken


def _built(problem: ModularFloorArea, levels: list[int]) -> tuple[list[float], float]:
    """Floor area of each site, and the cost of all levels."""
    today = [0.0] * len(levels) if problem.area_today is None else problem.area_today.tolist()
    area = [
        float(problem.areas[j, level - 1]) if level else today[j] for j, level in enumerate(levels)
    ]
    costs = [float(problem.costs[j, level - 1]) for j, level in enumerate(levels) if level]
    return [0.0 if np.isnan(one) else one for one in area], math.fsum(costs)


register_check("covering-stream", check_stream)
register_check("modular-floor-area", check_modular)
