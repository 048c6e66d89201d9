"""
What the covering problems share: who covers whom, and how many sites may be opened.

In all of them a_ij = 1 if site j covers client i and y_j = 1 if site j is open. A problem that
chooses its sites freely opens p of them, or as many as a budget B pays for:

    Σ_j y_j = p                                     (count)
    Σ_j c_j y_j ≤ B                                 (budget)
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import check_numbers
from .distances import Distances, as_distances
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations

SLACK = 1e-9
"""Share of a budget, target or threshold up to which rounding is forgiven."""

_BLOCK = 4_000_000


class Opening(Protocol):
    """A problem that opens p sites, or those that a budget pays for."""

    @property
    def num_sites(self) -> int:
        """Number of sites."""

    @property
    def p(self) -> int | None:
        """Number of sites to open; None if the budget or the rules alone limit it."""

    @property
    def costs(self) -> FloatArray | None:
        """Cost of each site, shape (sites,)."""

    @property
    def budget(self) -> float | None:
        """Largest cost of the open sites."""

    @property
    def rules(self) -> SiteRules | None:
        """Rules on the sites."""


def check_opening(problem: Opening) -> None:
    """Refuse p, costs, budget and rules that do not fit each other."""
    num_sites, rules = problem.num_sites, problem.rules
    check_rules(rules, num_sites=num_sites, p=problem.p)
    if (problem.budget is None) != (problem.costs is None):
        raise ValueError("costs and budget belong together; give both or none.")
    if problem.p is None and problem.budget is None and (rules is None or rules.most is None):
        raise ValueError("p, budget and rules.most are all None; limit the sites by one of them.")
    if problem.costs is None or problem.budget is None:
        return
    check_numbers("costs", problem.costs, shape=(num_sites,))
    if not (problem.budget >= 0 and np.isfinite(problem.budget)):
        raise ValueError(f"budget is {problem.budget}; give a finite number >= 0.")
    required = None if rules is None else rules.required
    needed = 0.0 if required is None else float(problem.costs[required].sum())
    if needed > budget_limit(problem.budget):
        raise ValueError(
            f"the required sites cost {needed:g}, more than the budget {problem.budget:g}; "
            "require fewer or raise it."
        )


def budget_limit(budget: float) -> float:
    """Return the budget with room for rounding."""
    return budget + SLACK * (1 + abs(budget))


def opening_violations(problem: Opening, is_open: BoolArray) -> list[str]:
    """Name the broken rules of p, budget and sites."""
    broken = rule_violations(is_open, problem.rules, p=problem.p)
    if problem.costs is not None and problem.budget is not None:
        cost = float(problem.costs @ is_open)
        if cost > budget_limit(problem.budget):
            broken.append(f"the open sites cost {cost:g}, more than the budget {problem.budget:g}")
    return broken


def add_opening(builder: ModelBuilder, y: IntArray, problem: Opening) -> None:
    """Add the rows (count), (budget) and those of the rules."""
    add_site_rules(builder, y, problem.rules, p=problem.p)
    if problem.costs is not None and problem.budget is not None:
        row = np.zeros(y.size, dtype=np.int64)
        builder.add_rows(row, y, problem.costs, upper=[problem.budget])


def check_covers(covers: sparse.csr_array, *, label: str = "covers") -> None:
    """Refuse a matrix without clients or sites, or with stored entries that are not positive."""
    if 0 in covers.shape:
        raise ValueError(
            f"{label} has shape {covers.shape}, expected (clients, sites) with at least one of "
            "each."
        )
    wrong = np.flatnonzero(~((covers.data > 0) & np.isfinite(covers.data)))
    if wrong.size:
        client, site = (int(index[wrong[0]]) for index in covering_pairs(covers))
        raise ValueError(
            f"{label}[{client}, {site}] is stored as {covers.data[wrong[0]]}; store a number > 0 "
            f"where a site covers a client, and nothing elsewhere ({label}.eliminate_zeros())."
        )


def covering_pairs(covers: sparse.csr_array) -> tuple[IntArray, IntArray]:
    """List client and site of every stored entry, client by client."""
    client = np.repeat(np.arange(covers.shape[0]), np.diff(covers.indptr))
    return client, covers.indices.astype(np.int64)


def times_covered(covers: sparse.csr_array, is_open: BoolArray) -> IntArray:
    """Count the open sites that cover each client, shape (clients,)."""
    client, site = covering_pairs(covers)
    return np.bincount(client[is_open[site]], minlength=covers.shape[0])


def covered_clients(covers: sparse.csr_array, is_open: BoolArray) -> BoolArray:
    """Tell which clients an open site covers, shape (clients,)."""
    return np.asarray(covers @ is_open.astype(float) > 0)


def covers_in_reach(
    distances: FloatArray | sparse.csr_array | Distances, reach: float | FloatArray
) -> sparse.csr_array:
    """
    Tell which sites are within reach of each client.

    Parameters
    ----------
    distances
        A matrix, a CSR array of pairs, or any distances; of shape (clients, sites).
    reach
        Largest distance at which a client is covered, itself included: one number, or one for
        each client.

    Returns
    -------
    sparse.csr_array
        Entries 1 where a site covers a client, shape (clients, sites).

    Raises
    ------
    ValueError
        If the reach does not fit or is negative or not a number.

    Examples
    --------
    >>> covers_in_reach(np.array([[1.0, 3.0], [2.0, 5.0]]), np.array([3.0, 1.0])).toarray().tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    if sparse.issparse(distances):
        pairs = sparse.csr_array(distances)
        client, site = covering_pairs(pairs)
        near = pairs.data <= _reach_of(reach, pairs.shape[0])[client]
        return _ones(client[near], site[near], (int(pairs.shape[0]), int(pairs.shape[1])))
    whole = as_distances(distances)
    num_clients, num_sites = whole.shape
    limit = _reach_of(reach, num_clients)
    found = []
    step = max(1, _BLOCK // num_sites)
    for begin in range(0, num_clients, step):
        some = np.arange(begin, min(begin + step, num_clients))
        client, site = np.nonzero(whole.block(some, np.arange(num_sites)) <= limit[some, None])
        found.append((client + begin, site))
    client, site = (np.concatenate(part) for part in zip(*found, strict=True))
    return _ones(client, site, (num_clients, num_sites))


def _reach_of(reach: float | FloatArray, num_clients: int) -> FloatArray:
    """One reach for each client."""
    limit = np.asarray(reach, dtype=float)
    if limit.shape not in ((), (num_clients,)):
        raise ValueError(f"reach has shape {limit.shape}, expected one number or ({num_clients},).")
    limit = np.broadcast_to(limit, (num_clients,))
    wrong = np.flatnonzero(~(limit >= 0))
    if wrong.size:
        raise ValueError(f"reach of client {wrong[0]} is {limit[wrong[0]]}; give a number >= 0.")
    return np.asarray(np.where(np.isinf(limit), np.finfo(float).max, limit))


def _ones(client: IntArray, site: IntArray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(client.size), (client, site)), shape=shape)
