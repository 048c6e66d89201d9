"""
Backup covering: every client covered once at a given cost, and as many as possible twice.

Sets: clients i, sites j; a_ij = 1 if site j covers client i. Variables: y_j = 1 if site j is open,
u_i = 1 if two open sites at least cover client i. Maximise Σ w_i u_i subject to

    Σ_j a_ij y_j ≥ 1 + u_i      every client i      (cover)
    Σ_j c_j y_j ≤ B                                 (budget)

and the rules on the sites; u is continuous, since its largest values are 0 or 1. B is the least
cost at which every client is covered, unless more is given: location set covering with backup. A
client that one site alone can cover has no backup.

Hogan and ReVelle 1986, "Concepts and applications of backup coverage", Management Science 32(11),
models BACOP1 and BACOP2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations
from .coverage import budget_limit, check_covers, covering_pairs, times_covered
from .set_covering import SetCovering, uncovered_violations
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class BackupCovering:
    """
    One covering problem with backup as arrays. A solution is the array of open sites.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); every stored entry is positive and says that the site covers
        the client.
    costs
        Cost of opening each site, shape (sites,); ones count the sites.
    weights
        Weight of each client (residents, demand), shape (clients,); None to count the clients.
    budget
        Largest cost of the open sites; None for the least cost at which all clients are covered,
        which an engine finds first.
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a cost, weight or budget is negative or
        not finite, or the rules contradict each other.
    """

    covers: sparse.csr_array
    costs: FloatArray
    weights: FloatArray | None = None
    budget: float | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("costs", self.costs, shape=(self.num_sites,))
        check_numbers("weights", self.client_weights, shape=(self.num_clients,))
        if self.budget is not None and not (self.budget >= 0 and np.isfinite(self.budget)):
            raise ValueError(f"budget is {self.budget}; give a finite number >= 0, or None.")
        check_rules(self.rules, num_sites=self.num_sites)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    @property
    def client_weights(self) -> FloatArray:
        """Weight of each client, ones where none are given, shape (clients,)."""
        return np.ones(self.num_clients) if self.weights is None else self.weights

    @property
    def without_backup(self) -> SetCovering:
        """The set covering problem whose least cost is the least budget."""
        return SetCovering(self.covers, self.costs, self.rules)

    def at_cost(self, budget: float) -> BackupCovering:
        """Return the problem with that budget."""
        return replace(self, budget=budget)

    def evaluate(self, is_open: BoolArray) -> float:
        """Weight of all clients that two open sites at least cover; larger is better."""
        return float(self.client_weights @ (times_covered(self.covers, is_open) >= 2))

    def backup_share(self, is_open: BoolArray) -> float:
        """Share of the weight that two open sites at least cover."""
        total = float(self.client_weights.sum())
        return self.evaluate(is_open) / total if total > 0 else 0.0

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; a budget that is not known breaks none."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        if misfits:
            return misfits
        broken = uncovered_violations(self.covers, is_open) + rule_violations(is_open, self.rules)
        cost = float(self.costs @ is_open)
        if self.budget is not None and cost > budget_limit(self.budget):
            broken.append(f"the open sites cost {cost:g}, more than the budget {self.budget:g}")
        return broken


def backup_covering_model(problem: BackupCovering) -> AllocationModel[BoolArray]:
    """
    Build the formulation, with a column for each site and one for each client.

    Raises
    ------
    ValueError
        If the budget is not known yet.
    """
    if problem.budget is None:
        raise ValueError(
            "budget is None; find the least cost of problem.without_backup first, then build the "
            "model of problem.at_cost(cost)."
        )
    builder = ModelBuilder("backup-covering", maximize=True)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    u = builder.add_columns(problem.client_weights, upper=1)
    client, site = covering_pairs(problem.covers)
    builder.add_rows(
        np.r_[client, np.arange(u.size)],
        np.r_[y[site], u],
        np.r_[np.ones(client.size), -np.ones(u.size)],
        lower=np.ones(u.size),
    )
    builder.add_rows(np.zeros(y.size, dtype=np.int64), y, problem.costs, upper=[problem.budget])
    add_site_rules(builder, y, problem.rules)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[: problem.num_sites] > 0.5),
        encode=partial(_encode, problem=problem),
    )


def _encode(is_open: BoolArray, *, problem: BackupCovering) -> FloatArray:
    """Write the open sites and the clients that two of them cover."""
    return np.concatenate([is_open, times_covered(problem.covers, is_open) >= 2]).astype(float)
