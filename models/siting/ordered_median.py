"""
The ordered median problem: the i-th smallest distance counts by its own factor.

With the variables and rows of :mod:`.closest_sites` and d_(1) ≤ ... ≤ d_(n) the distances of the n
clients in order, minimise Σ_k λ_k d_(k) with 0 ≤ λ_1 ≤ ... ≤ λ_n: who is farther away counts at
least as much. Equal factors give the p-median problem of unweighted clients, λ = (0, ..., 0, 1) the
p-center, and k ones at the end the k-centrum: the total of the k largest distances.

With factors in that order the objective is Σ_k (λ_k - λ_{k-1}) S_{n-k+1}, λ_0 = 0, where S_m, the
total of the m largest distances, is the least value of m t + Σ_i u_i subject to

    d_i ≤ t + u_i                   every client i, every m with a factor   (excess)

Nickel and Puerto 2005, "Location theory: a unified approach", Springer, chapters 1 and 14; Ogryczak
and Tamir 2003, "Minimizing the sum of the k largest functions in linear time", Information
Processing Letters 85(3), for S_m.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import Allocation, AllocationModel, check_numbers, decode_open, encode_assigned
from .closest_sites import ClosestSites, add_excess, add_served, largest_first


@dataclass(frozen=True, eq=False, kw_only=True)
class OrderedMedian(ClosestSites):
    """
    One ordered median problem as arrays; its solution is an :class:`.allocation.Allocation`.

    Parameters
    ----------
    factors
        Factor of the smallest, ..., of the largest distance, never decreasing, shape (clients,);
        see :func:`k_centrum`. Clients count once each: ``weights`` must be None.

    Raises
    ------
    ValueError
        See :class:`.closest_sites.ClosestSites`; if the factors decrease or weights are given.

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 5.0])
    >>> problem = OrderedMedian(
    ...     distances=np.abs(line[:, None] - line), p=1, factors=k_centrum(3, k=2)
    ... )
    >>> problem.evaluate(Allocation(np.array([False, True, False]), np.array([1, 1, 1])))
    5.0
    """

    factors: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, and factors that decrease."""
        if self.weights is not None:
            raise ValueError(
                "weights are given, but the ordered median counts each client once; repeat the "
                "rows of clients that count more, or minimise the mean of the worst share."
            )
        super().__post_init__()
        check_numbers("factors", self.factors, shape=(self.num_clients,))
        falls = np.flatnonzero(np.diff(self.factors) < 0)
        if falls.size:
            k = int(falls[0])
            raise ValueError(
                f"factors[{k + 1}] is {self.factors[k + 1]}, less than {self.factors[k]} before it;"
                " give factors that never decrease."
            )

    def evaluate(self, allocation: Allocation) -> float:
        """Sum of the ordered distances by their factors; infinite if a client has no site."""
        away = np.sort(self.served_distances(allocation))
        return float(self.factors @ away) if np.isfinite(away).all() else float(np.inf)

    def steps(self) -> tuple[IntArray, FloatArray]:
        """Numbers m of largest distances whose total counts, and the factor of each total."""
        rises = np.diff(self.factors, prepend=0.0)
        place = np.flatnonzero(rises > 0)
        return self.num_clients - place, rises[place]


def k_centrum(num_clients: int, *, k: int) -> FloatArray:
    """
    Return factors that add up the k largest distances.

    Raises
    ------
    ValueError
        If k is not in 1..clients.

    Examples
    --------
    >>> k_centrum(4, k=2).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    if not 1 <= k <= num_clients:
        raise ValueError(f"k = {k} of {num_clients} clients; give 1..{num_clients}.")
    return (np.arange(num_clients) >= num_clients - k).astype(float)


def ordered_median_model(problem: OrderedMedian) -> AllocationModel[Allocation]:
    """Build the formulation, with a column for each pair, and one a client for each step of λ."""
    distances = problem.reachable()
    counts, rises = problem.steps()
    whole = counts == problem.num_clients
    costs = np.full(problem.num_clients, rises[whole].sum())
    builder = ModelBuilder("ordered-median")
    _, x = add_served(builder, problem, distances, costs=costs)
    for count, rise in zip(counts[~whole], rises[~whole], strict=True):
        threshold = builder.add_columns([rise * count])
        excess = np.full(problem.num_clients, rise)
        add_excess(builder, x, distances, threshold=threshold, costs=excess)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=distances),
        encode=partial(_encode, problem=problem),
    )


def _encode(allocation: Allocation, *, problem: OrderedMedian) -> FloatArray:
    """Write the open sites, the site of each client, and t and u of each step."""
    parts = [encode_assigned(allocation, shape=problem.pairs.shape)]
    away = problem.served_distances(allocation)
    falling = away[largest_first(away)]
    for count in problem.steps()[0]:
        if count < problem.num_clients:
            threshold = falling[count - 1]
            parts += [np.atleast_1d(threshold), np.maximum(away - threshold, 0)]
    return np.concatenate(parts)
