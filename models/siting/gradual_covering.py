"""
Gradual covering: a client counts by the share that its best open site covers.

Sets: clients i, sites j; f_ij in (0, 1] the share of client i that site j covers, which falls with
the distance. Variables: y_j = 1 if site j is open, x_ij = 1 if site j is the one that counts for
client i. Maximise Σ w_i f_ij x_ij subject to

    Σ_j x_ij ≤ 1                every client i      (once)
    x_ij ≤ y_j                  every pair          (open)
    Σ_j y_j = p                                     (count)

or a budget instead of p or beside it, and the rules on the sites. x is continuous.

Berman, Krass and Drezner 2003, "The gradual covering decay location problem on a network",
European Journal of Operational Research 151(3); shares in steps: Church and Roberts 1983,
"Generalized coverage models and public facility location", Papers of the Regional Science
Association 53.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import AllocationModel, check_numbers, shape_violations
from .coverage import (
    add_opening,
    check_covers,
    check_opening,
    covering_pairs,
    opening_violations,
)
from .site_rules import SiteRules


@dataclass(frozen=True, eq=False)
class GradualCovering:
    """
    One gradual covering problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    shares
        CSR of shape (clients, sites): share of the client that the site covers, in (0, 1]; see
        :func:`falling_shares`.
    weights
        Weight of each client (residents, demand), shape (clients,).
    p
        Number of sites to open; None if the budget or ``rules.most`` limits it.
    costs, budget
        Cost of each site, shape (sites,), and the largest cost of the open ones; None for none.
    rules
        Rules on the sites.

    Raises
    ------
    ValueError
        If shapes differ, a share is not in (0, 1], a weight or cost is negative or not finite,
        nothing limits the number of sites, or the rules contradict each other.
    """

    shares: sparse.csr_array
    weights: FloatArray
    p: int | None = None
    costs: FloatArray | None = None
    budget: float | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_covers(self.shares, label="shares")
        above = np.flatnonzero(self.shares.data > 1)
        if above.size:
            client, site = (int(index[above[0]]) for index in covering_pairs(self.shares))
            share = self.shares.data[above[0]]
            raise ValueError(f"shares[{client}, {site}] is {share}; give a share in (0, 1].")
        check_numbers("weights", self.weights, shape=(self.num_clients,))
        check_opening(self)

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.shares.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.shares.shape[1])

    def covered_shares(self, is_open: BoolArray) -> FloatArray:
        """Share of each client that its best open site covers, shape (clients,)."""
        client, site = covering_pairs(self.shares)
        best = np.zeros(self.num_clients)
        kept = is_open[site]
        np.maximum.at(best, client[kept], self.shares.data[kept])
        return best

    def evaluate(self, is_open: BoolArray) -> float:
        """Sum of weights times covered shares; larger is better."""
        return float(self.weights @ self.covered_shares(is_open))

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        return misfits or opening_violations(self, is_open)


def gradual_covering_model(problem: GradualCovering) -> AllocationModel[BoolArray]:
    """Build the formulation, with a column for each site and one for each pair."""
    builder = ModelBuilder("gradual-covering", maximize=True)
    y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
    client, site = covering_pairs(problem.shares)
    x = builder.add_columns(problem.weights[client] * problem.shares.data, upper=1)
    builder.add_rows(client, x, 1, upper=np.ones(problem.num_clients))
    pair = np.arange(x.size)
    builder.add_rows(
        np.r_[pair, pair],
        np.r_[x, y[site]],
        np.repeat([1, -1], x.size),
        upper=np.zeros(x.size),
    )
    add_opening(builder, y, problem)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[: problem.num_sites] > 0.5),
        encode=partial(_encode, problem=problem),
    )


def _encode(is_open: BoolArray, *, problem: GradualCovering) -> FloatArray:
    """Write the open sites, and for each client the first best of them."""
    client, site = covering_pairs(problem.shares)
    kept = np.flatnonzero(is_open[site])
    order = kept[np.lexsort((site[kept], -problem.shares.data[kept], client[kept]))]
    _, first = np.unique(client[order], return_index=True)
    x = np.zeros(client.size)
    x[order[first]] = 1
    return np.concatenate([is_open.astype(float), x])


def falling_shares(distances: sparse.csr_array, *, full: float, none: float) -> sparse.csr_array:
    """
    Shares that are 1 up to one distance and fall in a straight line to 0 at another.

    Parameters
    ----------
    distances
        CSR of the pairs within reach, shape (clients, sites); stored zeros are distances of 0.
    full, none
        Distance up to which a client is fully covered, and from which it is not covered at all.

    Raises
    ------
    ValueError
        If ``full`` is negative or not below ``none``.

    Examples
    --------
    >>> pairs = sparse.csr_array(np.array([[1.0, 3.0, 5.0]]))
    >>> falling_shares(pairs, full=2, none=4).toarray().tolist()
    [[1.0, 0.5, 0.0]]
    """
    if not 0 <= full < none:
        raise ValueError(f"full = {full} and none = {none} not understood; give 0 <= full < none.")
    client, site = covering_pairs(distances)
    share = np.clip((none - distances.data) / (none - full), 0, 1)
    near = share > 0
    return sparse.csr_array((share[near], (client[near], site[near])), shape=distances.shape)
