"""
Measures of access to report with: how far people go, how many are within reach, how even it is.

All take the minutes (or metres) of each client and its weight, the number of residents. A client
without a site is infinitely far: it counts as out of reach, and means are infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..formulation import FloatArray
from .allocation import check_numbers


@dataclass(frozen=True, kw_only=True)
class Access:
    """
    The measures of one solution.

    Parameters
    ----------
    mean, percentile_95, largest
        Mean, 95th percentile and largest distance of the residents.
    worst_share, mean_of_worst
        A share of the residents, and the mean distance of those who are farthest.
    gini
        Gini coefficient of the distances, 0 if all are equal.
    envy
        What a resident goes farther than another one, on average over all pairs.
    reach, share_in_reach
        A distance, and the share of the residents within it; None without one.
    """

    mean: float
    percentile_95: float
    largest: float
    worst_share: float
    mean_of_worst: float
    gini: float
    envy: float
    reach: float | None = None
    share_in_reach: float | None = None


def access_of(
    minutes: FloatArray,
    weights: FloatArray,
    *,
    reach: float | None = None,
    worst_share: float = 0.05,
) -> Access:
    """
    Work out all measures.

    Parameters
    ----------
    minutes
        Distance of each client to its site, infinite without one, shape (clients,).
    weights
        Residents of each client, shape (clients,).
    reach
        Distance that counts as within reach; None if none does.
    worst_share
        Share of the residents who count as worst served.

    Raises
    ------
    ValueError
        If a shape is wrong, a number is negative or not a number, or all weights are 0.
    """
    return Access(
        mean=weighted_mean(minutes, weights),
        percentile_95=weighted_percentile(minutes, weights, share=0.95),
        largest=float(minutes[weights > 0].max()),
        worst_share=worst_share,
        mean_of_worst=mean_of_worst(minutes, weights, share=worst_share),
        gini=gini(minutes, weights),
        envy=mean_envy(minutes, weights),
        reach=reach,
        share_in_reach=None if reach is None else share_within(minutes, weights, reach=reach),
    )


def share_within(minutes: FloatArray, weights: FloatArray, *, reach: float) -> float:
    """
    Share of the residents whose distance is at most ``reach``.

    Examples
    --------
    >>> share_within(np.array([5.0, 15.0, 16.0]), np.array([1.0, 2.0, 1.0]), reach=15)
    0.75
    """
    _check(minutes, weights)
    return float(weights[minutes <= reach].sum() / weights.sum())


def weighted_mean(minutes: FloatArray, weights: FloatArray) -> float:
    """Mean distance of the residents; infinite if one of them has no site."""
    _check(minutes, weights)
    counted = weights > 0
    return float(weights[counted] @ minutes[counted] / weights.sum())


def weighted_percentile(minutes: FloatArray, weights: FloatArray, *, share: float) -> float:
    """
    Least distance within which at least a share of the residents lives.

    Examples
    --------
    >>> weighted_percentile(np.array([4.0, 1.0, 9.0]), np.array([4.0, 15.0, 1.0]), share=0.95)
    4.0
    """
    _check(minutes, weights)
    order = np.argsort(minutes, kind="stable")
    within = np.cumsum(weights[order])
    place = int(np.searchsorted(within, share * within[-1] * (1 - 1e-12)))
    return float(minutes[order[min(place, order.size - 1)]])


def mean_of_worst(minutes: FloatArray, weights: FloatArray, *, share: float) -> float:
    """
    Mean distance of the share of the residents who are farthest (conditional value at risk).

    A client at the edge counts with the part of its residents that the share still holds.

    Examples
    --------
    >>> mean_of_worst(np.array([1.0, 2.0, 3.0, 6.0]), np.ones(4), share=0.5)
    4.5
    """
    _check(minutes, weights)
    order = np.argsort(-minutes, kind="stable")
    weight = weights[order]
    wanted = share * float(weight.sum())
    before = np.cumsum(weight) - weight
    taken = np.clip(wanted - before, 0, weight)
    counted = taken > 0
    return float(taken[counted] @ minutes[order][counted] / wanted)


def gini(minutes: FloatArray, weights: FloatArray) -> float:
    """
    Gini coefficient: mean difference between two residents, as a share of twice the mean.

    Returns
    -------
    float
        0 where all distances are equal or 0; not a number where a resident has no site.

    Examples
    --------
    >>> gini(np.array([0.0, 10.0]), np.ones(2))
    0.5
    """
    mean = weighted_mean(minutes, weights)
    if not np.isfinite(mean):
        return float(np.nan)
    return mean_envy(minutes, weights) / mean if mean > 0 else 0.0


def mean_envy(minutes: FloatArray, weights: FloatArray) -> float:
    """
    Mean over all ordered pairs of residents of what the first goes farther than the second.

    Espejo, Marín, Puerto and Rodríguez-Chía 2009, "A comparison of formulations and solution
    methods for the minimum-envy location problem", Computers & Operations Research 36(6), add the
    pairs up; the mean does not grow with the number of residents.

    Returns
    -------
    float
        Infinite where a resident has no site.

    Examples
    --------
    >>> mean_envy(np.array([0.0, 10.0]), np.ones(2))
    2.5
    """
    _check(minutes, weights)
    counted = weights > 0
    order = np.argsort(minutes[counted], kind="stable")
    away, weight = minutes[counted][order], weights[counted][order]
    if not np.isfinite(away[-1]):
        return float(np.inf)
    nearer = np.cumsum(weight) - weight
    envied = away * nearer - (np.cumsum(weight * away) - weight * away)
    return max(0.0, float(weight @ envied / weight.sum() ** 2))


def two_step_floating_catchment(
    covers: sparse.csr_array, weights: FloatArray, supply: FloatArray
) -> FloatArray:
    """
    Supply within reach of each client, by the number of residents who share it.

    The first step divides the supply S_j of each site by the residents within reach of it,
    R_j = S_j / Σ_i a_ij w_i; the second adds up, for each client, the sites within its reach,
    A_i = Σ_j a_ij R_j. Luo and Wang 2003, "Measures of spatial accessibility to health care in a
    GIS environment", Environment and Planning B 30(6), equation 4. The mean of A_i over the
    residents is the supply that somebody reaches, divided by all residents.

    Parameters
    ----------
    covers
        Entries where a site is within reach of a client, shape (clients, sites).
    weights
        Residents of each client, shape (clients,).
    supply
        Supply of each site (floor area, beds, staff), 0 where it is closed, shape (sites,).

    Returns
    -------
    FloatArray
        Shape (clients,).

    Examples
    --------
    >>> covers = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 1.0]]))
    >>> two_step_floating_catchment(covers, np.array([10.0, 30.0]), np.array([40.0, 15.0])).tolist()
    [1.0, 1.5]
    """
    check_numbers("weights", weights, shape=(covers.shape[0],))
    check_numbers("supply", supply, shape=(covers.shape[1],))
    within = sparse.csr_array(
        (np.ones(covers.nnz), covers.indices, covers.indptr), shape=covers.shape
    )
    sharing = np.asarray(within.T @ weights, dtype=float)
    ratio = np.divide(supply, sharing, out=np.zeros(supply.size), where=sharing > 0)
    return np.asarray(within @ ratio)


def _check(minutes: FloatArray, weights: FloatArray) -> None:
    """Refuse arrays that do not fit, negative numbers, and nobody at all."""
    check_numbers("weights", weights, shape=(weights.size,))
    if minutes.shape != weights.shape:
        raise ValueError(f"minutes has shape {minutes.shape}, expected {weights.shape}.")
    wrong = np.flatnonzero(~(minutes >= 0))
    if wrong.size:
        raise ValueError(f"minutes[{wrong[0]}] is {minutes[wrong[0]]}; give a number >= 0.")
    if not weights.any():
        raise ValueError("weights are all 0; there is nobody to measure the access of.")
