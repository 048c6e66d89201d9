"""
The location set covering problem: the cheapest sites that cover every client.

Sets: clients i, sites j; a_ij = 1 if site j covers client i. Variables: y_j = 1 if site j is open.
Minimise Σ c_j y_j subject to

    Σ_j a_ij y_j ≥ 1            every client i      (cover)

Toregas, Swain, ReVelle and Bergman 1971, "The location of emergency service facilities",
Operations Research 19(6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations


@dataclass(frozen=True, eq=False)
class SetCovering:
    """
    One location set covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    covers
        CSR of shape (clients, sites); every stored entry is positive and says that the site covers
        the client.
    costs
        Cost of opening each site, shape (sites,).

    Raises
    ------
    ValueError
        If shapes differ, a stored entry is not positive, or a cost is negative or not finite.
    """

    covers: sparse.csr_array
    costs: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.covers)
        check_numbers("costs", self.costs, shape=(self.num_sites,))

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.covers.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.covers.shape[1])

    def evaluate(self, is_open: BoolArray) -> float:
        """Cost of the open sites, shape (sites,)."""
        return float(self.costs @ is_open)

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every client that no open site covers, in words; empty if there is none."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        if misfits:
            return misfits
        uncovered = np.flatnonzero(~covered_clients(self.covers, is_open))
        return [f"client {i} is covered by no open site" for i in uncovered]


def set_covering_model(problem: SetCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site."""
    builder = ModelBuilder("set-covering")
    y = builder.add_columns(problem.costs, upper=1, integer=True)
    client, site = covering_pairs(problem.covers)
    builder.add_rows(client, y[site], 1, lower=np.ones(problem.num_clients))
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values > 0.5),
        encode=lambda is_open: is_open.astype(float),
    )


def check_covers(covers: sparse.csr_array) -> None:
    """Refuse a matrix without clients or sites, or with stored entries that are not positive."""
    if 0 in covers.shape:
        raise ValueError(
            f"covers has shape {covers.shape}, expected (clients, sites) with at least one of each."
        )
    wrong = np.flatnonzero(~(covers.data > 0))
    if wrong.size:
        client, site = (int(index[wrong[0]]) for index in covering_pairs(covers))
        raise ValueError(
            f"covers[{client}, {site}] is stored as {covers.data[wrong[0]]}; store 1 where a site "
            "covers a client and nothing elsewhere (covers.eliminate_zeros())."
        )


def covering_pairs(covers: sparse.csr_array) -> tuple[IntArray, IntArray]:
    """List client and site of every stored entry, client by client."""
    client = np.repeat(np.arange(covers.shape[0]), np.diff(covers.indptr))
    return client, covers.indices.astype(np.int64)


def covered_clients(covers: sparse.csr_array, is_open: BoolArray) -> BoolArray:
    """Tell which clients an open site covers, shape (clients,)."""
    return np.asarray(covers @ is_open.astype(float) > 0)
