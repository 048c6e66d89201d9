"""
Cooperative covering: a client is covered where the signals of the open sites add up to enough.

Sets: clients i, sites j; φ_ij > 0 the signal of site j at client i, which falls with the distance;
T the threshold. Variables: y_j = 1 if site j is open, s_i = 1 if client i is covered. Maximise
Σ w_i s_i subject to

    T s_i ≤ Σ_j φ_ij y_j        every client i      (signal)
    Σ_j y_j = p                                     (count)

or a budget instead of p or beside it, and the rules on the sites.

Berman, Drezner and Krass 2010, "Cooperative cover location problems: the planar case", IIE
Transactions 42(3); discrete sites: Berman, Drezner and Krass 2011, "Discrete cooperative covering
problems", Journal of the Operational Research Society 62(11).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations
from .coverage import (
    SLACK,
    add_opening,
    check_covers,
    check_opening,
    covering_pairs,
    opening_violations,
)
from .site_rules import SiteRules


@dataclass(frozen=True, eq=False)
class CooperativeCovering:
    """
    One cooperative covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    signals
        CSR of shape (clients, sites): signal of the site at the client, positive.
    weights
        Weight of each client (residents, demand), shape (clients,).
    p
        Number of sites to open; None if the budget or ``rules.most`` limits it.
    threshold
        Sum of signals from which a client is covered.
    costs, budget
        Cost of each site, shape (sites,), and the largest cost of the open ones; None for none.
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a signal or the threshold is not positive, a weight or cost is negative
        or not finite, nothing limits the number of sites, or the rules contradict each other.
    """

    signals: sparse.csr_array
    weights: FloatArray
    p: int | None = None
    threshold: float = 1.0
    costs: FloatArray | None = None
    budget: float | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.signals, label="signals")
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        if not (self.threshold > 0 and np.isfinite(self.threshold)):
            raise ValueError(f"threshold is {self.threshold}; give a finite number > 0.")
        check_opening(self)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.signals.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.signals.shape[1])

    @property
    def needed(self) -> float:
        """Sum of signals from which a client counts as covered, with room for rounding."""
        return self.threshold * (1 - SLACK)

    def covered(self, is_open: BoolArray) -> BoolArray:
        """Tell which clients are covered, shape (clients,)."""
        return np.asarray(self.signals @ is_open.astype(float) >= self.needed)

    def evaluate(self, is_open: BoolArray) -> float:
        """Weight of all covered clients; larger is better."""
        return float(self.weights @ self.covered(is_open))

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        return misfits or opening_violations(self, is_open)


def cooperative_covering_model(problem: CooperativeCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site and one for each client."""
    builder = ModelBuilder("cooperative-covering", maximize=True)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    s = builder.add_columns(problem.weights, upper=1, integer=True)
    client, site = covering_pairs(problem.signals)
    # A signal above the threshold covers alone: capping it tightens the relaxation.
    signal = np.minimum(problem.signals.data / problem.needed, 1)
    builder.add_rows(
        np.r_[np.arange(s.size), client],
        np.r_[s, y[site]],
        np.r_[np.ones(s.size), -signal],
        upper=np.zeros(s.size),
    )
    add_opening(builder, y, problem)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[: problem.num_sites] > 0.5),
        encode=partial(_encode, problem=problem),
    )


def _encode(is_open: BoolArray, *, problem: CooperativeCovering) -> FloatArray:
    """Write the open sites and the clients that they cover."""
    return np.concatenate([is_open, problem.covered(is_open)]).astype(float)
