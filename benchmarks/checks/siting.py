"""Objectives and rules of siting, recomputed client by client in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict

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


def check_capacitated_p_median(problem: CapacitatedPMedian, solution: Allocation) -> Verdict:
    """Sum the distances of all clients; weigh what each site serves."""
    served, broken = _served(problem.num_clients, solution)
    total = sum(_away(problem, served).values())
    load: dict[int, float] = defaultdict(float)
    for i, j in served:
        load[j] += problem.demand[i]
    broken += _overloads(load, problem.capacity.tolist())
    return float(total), broken + _exactly(problem.p, solution.is_open)


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
    """Sum the weights of the clients that an open site covers; count the open sites."""
    chosen = {j for j, is_chosen in enumerate(is_open) if is_chosen}
    covered = [i for i, sites in enumerate(_sites_of_clients(problem.covers)) if chosen & sites]
    total = math.fsum(problem.weights[i] for i in covered)
    broken = [] if problem.p is None else _exactly(problem.p, is_open)
    return total, broken


def check_fixed_charge(problem: FixedCharge, solution: Allocation | SplitAllocation) -> Verdict:
    """Sum fixed and serving costs; weigh what each site serves."""
    if isinstance(solution, SplitAllocation):
        pairs, broken = _shares(problem, solution)
    else:
        served, broken = _served(problem.num_clients, solution)
        pairs = [(i, j, 1.0) for i, j in served]
    if problem.single_source and any(share < 1 - SHARE for _, _, share in pairs):
        broken.append("a client is served by more than one site")
    total = math.fsum(problem.matrix[i, j] * share for i, j, share in pairs)
    total += math.fsum(
        cost for cost, is_open in zip(problem.fixed_costs, solution.is_open, strict=True) if is_open
    )
    if problem.capacity is not None:
        load: dict[int, float] = defaultdict(float)
        for i, j, share in pairs:
            load[j] += problem.demand[i] * share
        broken += _overloads(load, problem.capacity.tolist())
    return total, broken


def _shares(
    problem: FixedCharge, solution: SplitAllocation
) -> tuple[list[tuple[int, int, float]], list[str]]:
    """List the pairs with a share; find clients not wholly served, and closed sites that serve."""
    pairs = []
    broken = []
    for i in range(problem.num_clients):
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


def _away(
    problem: PMedian | PCenter | CapacitatedPMedian, served: list[tuple[int, int]]
) -> dict[int, float]:
    """Distance of each client that is served."""
    client, site = np.array(served, dtype=np.int64).reshape(-1, 2).T
    return dict(zip(client.tolist(), problem.pairs.of_pairs(client, site).tolist(), strict=True))


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


register_check("p-median", check_p_median)
register_check("p-dispersion", check_p_dispersion)
register_check("backup-covering", check_backup_covering)
register_check("partial-covering", check_partial_covering)
register_check("p-center", check_p_center)
register_check("capacitated-p-median", check_capacitated_p_median)
register_check("set-covering", check_set_covering)
register_check("maximal-covering", check_maximal_covering)
for family in ("uncapacitated", "capacitated", "single-source"):
    register_check(family, check_fixed_charge)
