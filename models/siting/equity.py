"""
Equity of access: how the worst served fare, and how evenly sites are used.

Mean of the worst share. With the variables and rows of :mod:`.closest_sites`, weights w_i with
total W, and a share θ in (0, 1], minimise the mean distance of the θ W residents who are farthest
away: the least value of

    t + Σ_i w_i u_i / (θ W)

subject to

    d_i ≤ t + u_i                   every client i              (excess)

This is the conditional value at risk of Rockafellar and Uryasev 2000, "Optimization of conditional
value-at-risk", Journal of Risk 2(3), used for location by Ogryczak and Zawadzki 2002, "Conditional
median: a parametric solution concept for location problems", Annals of Operations Research 110.
θ = 1 is the p-median problem of the mean distance; with θ W no larger than the weight of any
client it is the p-center problem.

Smallest largest share. One site serves all of a client, within its reach: x is binary. Minimise s
subject to

    Σ_i w_i x_ij ≤ W s              every site j                (share)

Marín 2011, "The discrete facility location problem with balanced allocation of customers",
European Journal of Operational Research 210(1), for balance of the clients a site.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import FloatArray, ModelBuilder
from .accessibility import mean_of_worst
from .allocation import (
    Allocation,
    AllocationModel,
    decode_assigned,
    decode_open,
    encode_assigned,
    site_loads,
)
from .closest_sites import ClosestSites, add_excess, add_served


@dataclass(frozen=True, eq=False, kw_only=True)
class WorstShare(ClosestSites):
    """
    Least mean distance of the worst share; its solution is an :class:`.allocation.Allocation`.

    Parameters
    ----------
    share
        θ, the share of the residents who count, above 0 and at most 1.

    Raises
    ------
    ValueError
        See :class:`.closest_sites.ClosestSites`; if the share is not in (0, 1].

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 5.0, 6.0])
    >>> problem = WorstShare(distances=np.abs(line[:, None] - line), p=1, share=0.5)
    >>> problem.evaluate(Allocation(np.arange(4) == 2, np.full(4, 2)))
    4.5
    """

    share: float

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, and a share that is none."""
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; give a share above 0 and at most 1.")

    def evaluate(self, allocation: Allocation) -> float:
        """Mean distance of the worst share; infinite if a client has no site."""
        away = self.served_distances(allocation)
        if np.isinf(away).any():
            return float(np.inf)
        return mean_of_worst(away, self.weight, share=self.share)


def worst_share_model(problem: WorstShare) -> AllocationModel[Allocation]:
    """Build the formulation, with a column for each pair of client and site."""
    distances = problem.reachable()
    builder = ModelBuilder("worst-share")
    _, x = add_served(builder, problem, distances, costs=np.zeros(problem.num_clients))
    threshold = builder.add_columns([1.0])
    costs = problem.weight / (problem.share * problem.weight.sum())
    add_excess(builder, x, distances, threshold=threshold, costs=costs)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=distances),
        encode=partial(_encode_worst, problem=problem),
    )


def _encode_worst(allocation: Allocation, *, problem: WorstShare) -> FloatArray:
    """Write the open sites, the site of each client, t and u."""
    away = problem.served_distances(allocation)
    order = np.argsort(-away, kind="stable")
    weight = np.cumsum(problem.weight[order])
    last = int(np.searchsorted(weight, problem.share * weight[-1]))
    threshold = away[order[min(last, order.size - 1)]]
    values = encode_assigned(allocation, shape=problem.pairs.shape)
    return np.concatenate([values, [threshold], np.maximum(away - threshold, 0)])


@dataclass(frozen=True, eq=False, kw_only=True)
class LargestShare(ClosestSites):
    """
    Smallest largest share of the residents that one site serves, within reach.

    Its solution is an :class:`.allocation.Allocation`; clients need not go to the closest site.

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 5.0, 6.0])
    >>> problem = LargestShare(distances=np.abs(line[:, None] - line), p=2)
    >>> problem.evaluate(Allocation(np.arange(4) < 2, np.array([0, 1, 1, 1])))
    0.75
    """

    def evaluate(self, allocation: Allocation) -> float:
        """Largest share of all residents that one site serves; infinite if one has no site."""
        if np.isinf(self.served_distances(allocation)).any():
            return float(np.inf)
        return float(site_loads(self.weight, allocation).max() / self.weight.sum())


def largest_share_model(problem: LargestShare) -> AllocationModel[Allocation]:
    """Build the formulation, with a binary column for each pair of client and site."""
    distances = problem.reachable()
    builder = ModelBuilder("largest-share")
    y, x = add_served(
        builder, problem, distances, costs=np.zeros(problem.num_clients), integer=True
    )
    largest = builder.add_columns([1.0], upper=1)
    site = np.arange(y.size)
    share = problem.weight / problem.weight.sum()
    builder.add_rows(
        np.r_[np.tile(site, problem.num_clients), site],
        np.r_[x.ravel(), np.repeat(largest, y.size)],
        np.r_[np.repeat(share, y.size), -np.ones(y.size)],
        upper=np.zeros(y.size),
    )
    shape = problem.pairs.shape
    return AllocationModel(
        builder.build(),
        decode=partial(decode_assigned, shape=shape),
        encode=partial(_encode_largest, problem=problem),
    )


def _encode_largest(allocation: Allocation, *, problem: LargestShare) -> FloatArray:
    """Write the open sites, the site of each client and the largest share."""
    values = encode_assigned(allocation, shape=problem.pairs.shape)
    return np.append(values, problem.evaluate(allocation))
