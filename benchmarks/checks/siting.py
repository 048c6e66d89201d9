"""Objectives and rules of siting, recomputed client by client in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray
from ...models.siting.allocation import Allocation, SplitAllocation
from ...models.siting.backup_covering import BackupCovering
from ...models.siting.capacitated_p_median import CapacitatedPMedian
from ...models.siting.fixed_charge import FixedCharge
from ...models.siting.maximal_covering import MaximalCovering
from ...models.siting.p_center import PCenter
from ...models.siting.p_dispersion import PDispersion
from ...models.siting.p_median import PMedian
from ...models.siting.partial_covering import PartialCovering
from ...models.siting.set_covering import SetCovering
from ...models.siting.site_rules import SiteRules
from ..registry import register_check

SHARE = 1e-5
"""Share of a client or of a capacity up to which a rule counts as kept."""

Verdict = tuple[float, list[str]]


def check_p_median(problem: PMedian, solution: Allocation) -> Verdict:
    """Sum the weighted distances of all clients; count the open sites."""
    served, broken = _served(problem.num_clients, solution)
    away = _away(problem, served)
    total = sum(problem.weights[i] * away[i] for i, _ in served)
    return float(total), broken + _exactly(problem.p, solution.is_open)


def check_p_center(problem: PCenter, solution: Allocation) -> Verdict:
    """Take the longest distance of all clients; count the open sites."""
    served, broken = _served(problem.num_clients, solution)
    away = _away(problem, served)
    factor = [1.0] * problem.num_clients if problem.weights is None else problem.weights.tolist()
    longest = max((factor[i] * away[i] for i, _ in served), default=math.inf)
    return float(longest), broken + _exactly(problem.p, solution.is_open)


def check_capacitated_p_median(
    problem: CapacitatedPMedian, solution: Allocation | SplitAllocation
) -> Verdict:
    """Sum the distances of all clients, by share; weigh what each site serves."""
    pairs, broken = _pairs(problem.num_clients, solution, single_source=not problem.split)
    away = _distances(problem, [(i, j) for i, j, _ in pairs])
    total = math.fsum(one * share for one, (_, _, share) in zip(away, pairs, strict=True))
    if problem.reach is not None:
        broken += [
            f"client {i} is served by site {j}, {one:g} away"
            for one, (i, j, _) in zip(away, pairs, strict=True)
            if one > problem.reach[i] * (1 + SHARE)
        ]
    broken += _load_faults(problem, solution.is_open, pairs)
    return total, broken + _exactly(problem.p, solution.is_open)


def check_set_covering(problem: SetCovering, is_open: BoolArray) -> Verdict:
    """Sum the costs of the open sites; look for clients that none of them covers."""
    chosen = {j for j, is_chosen in enumerate(is_open) if is_chosen}
    broken = [
        f"client {i} is not covered"
        for i, sites in enumerate(_sites_of_clients(problem.covers))
        if not chosen & sites
    ]
    return math.fsum(problem.costs[j] for j in chosen), broken


def check_maximal_covering(problem: MaximalCovering, is_open: BoolArray) -> Verdict:
    """Sum the weights of the clients that an open site covers; count the sites, or their costs."""
    chosen = {j for j, is_chosen in enumerate(is_open) if is_chosen}
    covered = [i for i, sites in enumerate(_sites_of_clients(problem.covers)) if chosen & sites]
    total = math.fsum(problem.weights[i] for i in covered)
    broken = [] if problem.p is None else _exactly(problem.p, is_open)
    if problem.budget is not None and problem.costs is not None:
        spent = math.fsum(problem.costs[j] for j in chosen)
        if spent > problem.budget * (1 + SHARE):
            broken.append(f"it costs {spent:g}, more than {problem.budget:g}")
    return total, broken


def check_fixed_charge(problem: FixedCharge, solution: Allocation | SplitAllocation) -> Verdict:
    """Sum fixed and serving costs; weigh what each site serves."""
    pairs, broken = _pairs(problem.num_clients, solution, single_source=problem.single_source)
    total = math.fsum(problem.matrix[i, j] * share for i, j, share in pairs)
    total += math.fsum(
        cost for cost, is_open in zip(problem.fixed_costs, solution.is_open, strict=True) if is_open
    )
    return total, broken + _load_faults(problem, solution.is_open, pairs)


def _load_faults(
    problem: FixedCharge | CapacitatedPMedian,
    is_open: BoolArray,
    pairs: list[tuple[int, int, float]],
) -> list[str]:
    """List the sites that serve more than they can, or are open and serve less than they must."""
    load: dict[int, float] = defaultdict(float)
    for i, j, share in pairs:
        load[j] += problem.demand[i] * share
    broken = [] if problem.capacity is None else _overloads(load, problem.capacity.tolist())
    if problem.least_load is not None:
        broken += [
            f"site {j} serves {load[j]:g}, less than its least load {least:g}"
            for j, least in enumerate(problem.least_load.tolist())
            if is_open[j] and load[j] < least * (1 - SHARE) - SHARE
        ]
    return broken


def _pairs(
    num_clients: int, solution: Allocation | SplitAllocation, *, single_source: bool
) -> tuple[list[tuple[int, int, float]], list[str]]:
    """List client, site and share; find clients that are not served as they must be."""
    if isinstance(solution, SplitAllocation):
        pairs, broken = _shares(num_clients, solution)
    else:
        served, broken = _served(num_clients, solution)
        pairs = [(i, j, 1.0) for i, j in served]
    if single_source and any(share < 1 - SHARE for _, _, share in pairs):
        broken.append("a client is served by more than one site")
    return pairs, broken


def _shares(
    num_clients: int, solution: SplitAllocation
) -> tuple[list[tuple[int, int, float]], list[str]]:
    """List the pairs with a share; find clients not wholly served, and closed sites that serve."""
    pairs = []
    broken = []
    for i in range(num_clients):
        own = [(i, j, float(share)) for j, share in enumerate(solution.share[i]) if share > 0]
        if abs(sum(share for _, _, share in own) - 1) > SHARE:
            broken.append(f"client {i} is not served in full")
        broken += [
            f"client {i} is served by site {j}, which is closed"
            for _, j, share in own
            if share > SHARE and not solution.is_open[j]
        ]
        pairs += own
    return pairs, broken


def _served(num_clients: int, solution: Allocation) -> tuple[list[tuple[int, int]], list[str]]:
    """List client and site; find clients without a site, and closed sites that serve."""
    pairs, broken = [], []
    if len(solution.site_of_client) != num_clients:
        return [], [f"{len(solution.site_of_client)} clients are served, not {num_clients}"]
    for i, site in enumerate(solution.site_of_client.tolist()):
        if site < 0:
            broken.append(f"client {i} has no site")
            continue
        if not solution.is_open[site]:
            broken.append(f"client {i} is served by site {site}, which is closed")
        pairs.append((i, site))
    return pairs, broken


def _away(problem: PMedian | PCenter, served: list[tuple[int, int]]) -> dict[int, float]:
    """Distance of each client that is served."""
    return {i: away for (i, _), away in zip(served, _distances(problem, served), strict=True)}


def _distances(
    problem: PMedian | PCenter | CapacitatedPMedian, pairs: list[tuple[int, int]]
) -> list[float]:
    client, site = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    away: list[float] = problem.pairs.of_pairs(client, site).tolist()
    return away


def _exactly(p: int, is_open: BoolArray) -> list[str]:
    """Fewer than p open sites are no fault: another one could be opened for nothing."""
    number = sum(bool(is_chosen) for is_chosen in is_open)
    return [] if number <= p else [f"{number} sites are open, not {p}"]


def _overloads(load: dict[int, float], capacity: list[float]) -> list[str]:
    return [
        f"site {j} serves {used:g}, more than its {capacity[j]:g}"
        for j, used in sorted(load.items())
        if used > capacity[j] * (1 + SHARE) + SHARE
    ]


def _sites_of_clients(covers: sparse.csr_array) -> list[set[int]]:
    """Return the sites that cover each client."""
    matrix = sparse.coo_array(covers)
    sites: list[set[int]] = [set() for _ in range(matrix.shape[0])]
    for i, j in zip(matrix.row.tolist(), matrix.col.tolist(), strict=True):
        sites[i].add(j)
    return sites


def check_p_dispersion(problem: PDispersion, is_open: BoolArray) -> Verdict:
    """Take the least distance of two open sites; fewer of them than p would be no plan."""
    sites = np.flatnonzero(is_open).tolist()
    broken = [] if len(sites) == problem.p else [f"{len(sites)} sites are open, not {problem.p}"]
    pairs = [(a, b) for place, a in enumerate(sites) for b in sites[place + 1 :]]
    if not pairs:
        return math.inf, broken
    one, other = np.array(pairs, dtype=np.int64).T
    return float(min(problem.pairs.of_pairs(one, other).tolist())), broken


def check_backup_covering(problem: BackupCovering, is_open: BoolArray) -> Verdict:
    """Sum the weights of the clients that two open sites cover; look for those without any."""
    chosen = {j for j, is_chosen in enumerate(is_open) if is_chosen}
    times = [len(chosen & sites) for sites in _sites_of_clients(problem.covers)]
    broken = [f"client {i} is not covered" for i, count in enumerate(times) if not count]
    return math.fsum(
        problem.client_weights[i] for i, count in enumerate(times) if count > 1
    ), broken


def check_partial_covering(problem: PartialCovering, is_open: BoolArray) -> Verdict:
    """Sum the costs of the open sites; hold the covered weight against the share."""
    chosen = {j for j, is_chosen in enumerate(is_open) if is_chosen}
    sites = _sites_of_clients(problem.covers)
    covered = math.fsum(problem.weights[i] for i, own in enumerate(sites) if chosen & own)
    wanted = problem.share * math.fsum(problem.weights)
    broken = [] if covered >= wanted * (1 - SHARE) else [f"{covered:g} is covered, not {wanted:g}"]
    return math.fsum(problem.costs[j] for j in chosen), broken


def rule_faults(rules: SiteRules | None, is_open: BoolArray) -> list[str]:
    """List the rules on the sites that are broken, but for the number p."""
    if rules is None:
        return []
    chosen = {j for j, is_chosen in enumerate(is_open) if is_chosen}
    required = [] if rules.required is None else np.flatnonzero(rules.required).tolist()
    forbidden = [] if rules.forbidden is None else np.flatnonzero(rules.forbidden).tolist()
    broken = [f"site {j} is required and closed" for j in required if j not in chosen]
    broken += [f"site {j} is forbidden and open" for j in forbidden if j in chosen]
    for one, other in [] if rules.apart is None else rules.apart.tolist():
        if one in chosen and other in chosen:
            broken.append(f"sites {one} and {other} are open and too close to each other")
    if rules.least is not None and len(chosen) < rules.least:
        broken.append(f"{len(chosen)} sites are open, fewer than {rules.least}")
    if rules.most is not None and len(chosen) > rules.most:
        broken.append(f"{len(chosen)} sites are open, more than {rules.most}")
    return broken


def _ruled(check: Callable[[Any, Any], Verdict]) -> Callable[[Any, Any], Verdict]:
    """Add the rules on the sites to a check."""

    def checked(problem: Any, solution: Any) -> Verdict:  # noqa: ANN401 - each family has its own
        value, broken = check(problem, solution)
        is_open = getattr(solution, "is_open", solution)
        return value, broken + rule_faults(problem.rules, is_open)

    return checked


register_check("p-median", _ruled(check_p_median))
register_check("p-dispersion", _ruled(check_p_dispersion))
register_check("backup-covering", _ruled(check_backup_covering))
register_check("partial-covering", _ruled(check_partial_covering))
register_check("p-center", _ruled(check_p_center))
register_check("capacitated-p-median", _ruled(check_capacitated_p_median))
register_check("set-covering", _ruled(check_set_covering))
register_check("maximal-covering", _ruled(check_maximal_covering))
for family in ("uncapacitated", "capacitated", "single-source"):
    register_check(family, _ruled(check_fixed_charge))
