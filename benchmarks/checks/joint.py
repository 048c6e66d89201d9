"""Boundaries and stations together, recounted in plain loops."""

from __future__ import annotations

import math
from collections import defaultdict

from ...models.joint.problem import JointPlan, JointSplit
from ..cases.joint import CompactJointSplit
from ..registry import register_check

SHARE = 1e-5
"""Share of a figure up to which a rule counts as kept."""

Verdict = tuple[float, list[str]]


def check_compact(problem: JointSplit, plan: JointPlan) -> Verdict:
    """Add up the moment of inertia about the best node of each district."""
    return _inertia(problem, plan), _broken(problem, plan)


def check_cost(problem: CompactJointSplit, plan: JointPlan) -> Verdict:
    """Add up the cost of all open sites, and hold the moment of inertia against its limit."""
    joint = problem.problem
    broken, inertia = _broken(joint, plan), _inertia(joint, plan)
    if inertia > problem.most_inertia * (1 + SHARE):
        broken.append(f"its moment of inertia is {inertia:g}, more than {problem.most_inertia:g}")
    stations, costs = joint.stations, []
    for site in range(stations.num_sites):
        if plan.siting.is_open[site]:
            more = max(float(plan.siting.area_m2[site] - stations.area_today_m2[site]), 0.0)
            costs.append(float(stations.cost_per_m2[site]) * more)
            if not stations.existing[site]:
                costs.append(float(stations.fixed_cost[site]))
    return math.fsum(costs), broken


def _members(plan: JointPlan) -> dict[int, list[int]]:
    members: dict[int, list[int]] = defaultdict(list)
    for node, label in enumerate(plan.labels.tolist()):
        members[label].append(node)
    return members


def _inertia(problem: JointSplit, plan: JointPlan) -> float:
    """Sum over districts, each about the member that gives the least."""
    split, total = problem.districting, 0.0
    for inside in _members(plan).values():
        points, mass = split.location[inside], split.mass[inside]
        total += min(float(mass @ ((points - split.centre[c]) ** 2).sum(axis=1)) for c in inside)
    return (total + float(split.inertia.sum())) / 1e6


def _broken(problem: JointSplit, plan: JointPlan) -> list[str]:
    """Every broken rule of a plan."""
    split, stations, broken = problem.districting, problem.stations, []
    beside: dict[int, set[int]] = defaultdict(set)
    for u, v in split.edges.tolist():
        beside[u].add(v)
        beside[v].add(u)
    members = _members(plan)
    if sorted(members) != list(range(problem.num_districts)):
        broken.append(f"its districts are {sorted(members)}")
    opened = [site for site in range(stations.num_sites) if plan.siting.is_open[site]]
    reach = stations.minutes.tocoo()
    reached = {(int(site), int(unit)) for site, unit in zip(reach.row, reach.col, strict=True)}
    for label, inside in members.items():
        seen, ahead = {inside[0]}, [inside[0]]
        while ahead:
            more = (beside[ahead.pop()] & set(inside)) - seen
            seen |= more
            ahead += list(more)
        if len(seen) < len(inside):
            broken.append(f"district {label} is not connected")
        for weight in range(split.weights.shape[1]):
            load = math.fsum(split.weights[inside, weight].tolist())
            if not split.lower[weight] - SHARE <= load <= split.upper[weight] + SHARE:
                broken.append(f"district {label} weighs {load:g}")
        own = [site for site in opened if int(problem.node_of_site[site]) in seen]
        if not own:
            broken.append(f"district {label} has no station")
        area = math.fsum(float(plan.siting.area_m2[site]) for site in own)
        units = [u for u in range(stations.num_units) if int(problem.node_of_unit[u]) in seen]
        need = problem.area_per_household_m2 * math.fsum(
            float(stations.households[unit]) for unit in units
        )
        if area < need * (1 - SHARE) - SHARE:
            broken.append(f"district {label} has {area:g} m² of {need:g}")
        broken += [
            f"unit {unit} reaches no station of its district"
            for unit in units
            if stations.must_reach[unit] and not any((site, unit) in reached for site in own)
        ]
    broken += [
        f"site {site} is larger than it may be"
        for site in opened
        if plan.siting.area_m2[site] > stations.max_area_m2[site] * (1 + SHARE)
    ]
    return broken


register_check("joint-compact", check_compact)
register_check("joint-cost", check_cost)
