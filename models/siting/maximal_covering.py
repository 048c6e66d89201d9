"""
The maximal covering location problem: open p sites that cover as much demand as possible.

Sets: clients i, sites j; a_ij = 1 if site j covers client i. Variables: y_j = 1 if site j is open,
s_i = 1 if client i is covered. Maximise Σ w_i s_i subject to

    s_i ≤ Σ_j a_ij y_j          every client i      (cover)
    Σ_j y_j = p                                     (count)

s is continuous: once y is binary, its largest values are 0 or 1.

Church and ReVelle 1974, "The maximal covering location problem", Papers of the Regional Science
Association 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import (
    AllocationModel,
    add_count,
    check_numbers,
    check_p,
    count_violations,
    shape_violations,
)
from .set_covering import check_covers, covered_clients, covering_pairs


@dataclass(frozen=True, eq=False)
class MaximalCovering:
    """
    One maximal covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); every stored entry is positive and says that the site covers
        the client.
    weights
        Weight of each client (residents, demand), shape (clients,).
    p
        Number of sites to open.

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, a weight is negative or not finite, or p
        is not in 1..sites.
    """

    covers: sparse.csr_array
    weights: FloatArray
    p: int

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        check_p(self.p, num_sites=self.num_sites)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    def evaluate(self, is_open: BoolArray) -> float:
        """Weight of all clients that an open site covers; larger is better."""
        return float(self.weights @ covered_clients(self.covers, is_open))

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        return misfits or count_violations(is_open, p=self.p)


def maximal_covering_model(problem: MaximalCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site and one for each client."""
    builder = ModelBuilder("maximal-covering", maximize=True)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    s = builder.add_columns(problem.weights, upper=1)
    client, site = covering_pairs(problem.covers)
    builder.add_rows(
        np.r_[np.arange(s.size), client],
        np.r_[s, y[site]],
        np.r_[np.ones(s.size), -np.ones(client.size)],
        upper=np.zeros(s.size),
    )
    add_count(builder, y, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[: problem.num_sites] > 0.5),
        encode=partial(_encode, problem=problem),
    )


def _encode(is_open: BoolArray, *, problem: MaximalCovering) -> FloatArray:
    """Write the open sites and the clients that they cover."""
    return np.concatenate([is_open, covered_clients(problem.covers, is_open)]).astype(float)
