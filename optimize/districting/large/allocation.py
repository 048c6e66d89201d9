"""
Balanced allocation to fixed centres by prices, and centres that follow: power diagrams.

For fixed centres c_j the relaxation without contiguity is a transportation problem with the dual

    D(π) = Σ_i min_j (m_i |x_i - c_j|² + Σ_w π_jw p_iw) - Σ_jw max(U_w π_jw, L_w π_jw),

k prices a weight; its minimisers are power diagrams, and at the optimum at most as many units are
split as there are prices. D is climbed by damped Newton steps whose slopes are estimated from the
units near the borders (after Kitagawa, Mérigot and Thibert 2019,
"Convergence of a Newton algorithm for semi-discrete optimal transport", Journal of the EMS 21(9)).
Moving the centres to the mass centres between the steps leads to a balanced centroidal power
diagram (Hess et al. 1965; Aurenhammer, Hoffmann and Aronov 1998; Cohen-Addad, Klein and Young 2018,
"Balanced centroidal power diagrams for redistricting").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.districting.problem import Districting
from ....models.formulation import FloatArray, IntArray
from ...compiled import kernel

_DAMPING = 0.7
_NEAR = 0.03
"""Price, as a share of a district's cost per weight, within which a unit is near the border."""
_LONGEST = 0.15
"""Longest step of a price, in the same unit."""
_SHARPENING = 0.2
_LEAST_NEAR = 0.02
"""Weight of a district that changes side at the longest step if no unit is near its border."""


@dataclass(frozen=True, eq=False)
class Sites:
    """
    Units, or groups of units, as the kernels read them.

    Parameters
    ----------
    point
        Places in km, shape (units, 2).
    mass
        Shape (units,).
    weights
        Scaled so that a district has 1 of each on average, shape (units, weights).
    lower, upper
        Bounds on the scaled weights of a district, shape (weights,).
    inertia
        Cost of the units' own extent, which no plan can change.
    """

    point: FloatArray
    mass: FloatArray
    weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    inertia: float


def make_sites(problem: Districting) -> Sites:
    """Return the units of a problem."""
    scale = np.maximum(problem.weights.sum(axis=0) / problem.num_districts, 1e-300)
    return Sites(
        point=np.ascontiguousarray(problem.location / 1e3, dtype=float),
        mass=np.ascontiguousarray(problem.mass, dtype=float),
        weights=np.ascontiguousarray(problem.weights / scale, dtype=float),
        lower=np.asarray(np.maximum(problem.lower, 0) / scale, dtype=float),
        upper=np.asarray(np.minimum(problem.upper / scale, problem.num_districts), dtype=float),
        inertia=float(problem.inertia.sum() / 1e6),
    )


def merge_sites(sites: Sites, group: IntArray) -> Sites:
    """Merge units by group 0..groups-1; nothing but their shape within a group is lost."""
    count = int(group.max()) + 1
    mass = np.asarray(np.bincount(group, sites.mass, count), dtype=float)
    # Groups without mass lie where their units lie, and count for their weights alone.
    pull = sites.mass + 1e-9 * max(float(sites.mass.mean()), 1e-300)
    total = np.bincount(group, pull, count)
    point = np.stack([np.bincount(group, pull * axis, count) / total for axis in sites.point.T], 1)
    weights = np.stack([np.bincount(group, column, count) for column in sites.weights.T], 1)
    away = np.square(sites.point - point[group]).sum(axis=1)
    inertia = sites.inertia + float(sites.mass @ away)
    return Sites(
        np.ascontiguousarray(point),
        mass,
        np.ascontiguousarray(weights),
        sites.lower,
        sites.upper,
        inertia,
    )


@dataclass
class Power:
    """
    Centres and prices of a power diagram, and what came of them.

    Parameters
    ----------
    centres
        In km, shape (districts, 2).
    prices
        Cost per scaled weight, shape (districts, weights).
    plan
        District of each unit, shape (units,); seldom balanced to the unit, not always connected.
    value
        D(π) plus the units' own inertia: a bound on all plans with these centres.
    """

    centres: FloatArray
    prices: FloatArray
    plan: IntArray
    value: float = -np.inf


def allocate(sites: Sites, power: Power, rounds: int, *, follow: bool) -> Power:
    """
    Adjust prices, and centres if they are to follow, for some rounds.

    Returns
    -------
    Power
        At the last round if the centres follow, else at the round of greatest value.
    """
    centres, prices = power.centres.copy(), power.prices.copy()
    plan = np.zeros(sites.mass.size, dtype=np.int64)
    value = _allocate(
        sites.point,
        sites.mass,
        sites.weights,
        sites.lower,
        sites.upper,
        centres,
        prices,
        plan,
        rounds,
        follow,
    )
    return Power(centres, prices, plan, value + sites.inertia)


def start_power(sites: Sites, centres: FloatArray) -> Power:
    """Return centres without prices."""
    prices = np.zeros((len(centres), sites.lower.size))
    return Power(centres, prices, np.zeros(sites.mass.size, dtype=np.int64))


@kernel
def _two_best(
    i: int,
    point: FloatArray,
    mass: FloatArray,
    weights: FloatArray,
    centres: FloatArray,
    prices: FloatArray,
) -> tuple[int, int, float, float]:
    """Return the best and second best district of a unit, and their costs with prices."""
    one, other = 0, 0
    least, second = np.inf, np.inf
    for j in range(centres.shape[0]):
        dx, dy = point[i, 0] - centres[j, 0], point[i, 1] - centres[j, 1]
        cost = mass[i] * (dx * dx + dy * dy)
        for w in range(weights.shape[1]):
            cost += prices[j, w] * weights[i, w]
        if cost < least:
            second, other = least, one
            least, one = cost, j
        elif cost < second:
            second, other = cost, j
    return one, other, least, second


@kernel
def _reprice(
    prices: FloatArray,
    totals: FloatArray,
    slopes: FloatArray,
    most: float,
    lower: FloatArray,
    upper: FloatArray,
) -> None:
    """
    Make a Newton step in the prices that are not to stay 0, none longer than ``most``.

    A price above 0 aims at the upper bound, one below at the lower; none changes its sign.
    """
    k, num_weights = prices.shape
    size = k * num_weights
    wrong = np.zeros(size)
    matrix = slopes.copy()
    for j in range(k):
        for w in range(num_weights):
            place = j * num_weights + w
            price = prices[j, w]
            if price > 0.0 or (price == 0.0 and totals[j, w] > upper[w]):
                wrong[place] = totals[j, w] - upper[w]
            elif price < 0.0 or totals[j, w] < lower[w]:
                wrong[place] = totals[j, w] - lower[w]
            else:
                matrix[place, :] = 0.0
                matrix[:, place] = 0.0
            # Prices that all rise alike change nothing: a little curvature keeps them still.
            matrix[place, place] += _LEAST_NEAR / most
    steps = np.linalg.solve(matrix, wrong)
    for j in range(k):
        for w in range(num_weights):
            step = _DAMPING * steps[j * num_weights + w]
            price = prices[j, w] + min(max(step, -most), most)
            if price * prices[j, w] < 0.0:
                price = 0.0
            prices[j, w] = price


@kernel
def _add_slope(
    slopes: FloatArray, i: int, weights: FloatArray, one: int, other: int, density: float
) -> None:
    """Add what a unit near the border of two districts adds to the slopes of the totals."""
    num_weights = weights.shape[1]
    for w in range(num_weights):
        for v in range(num_weights):
            share = density * weights[i, w] * weights[i, v]
            slopes[one * num_weights + w, one * num_weights + v] += share
            slopes[other * num_weights + w, other * num_weights + v] += share
            slopes[one * num_weights + w, other * num_weights + v] -= share
            slopes[other * num_weights + w, one * num_weights + v] -= share


@kernel
def _serve(
    point: FloatArray,
    mass: FloatArray,
    weights: FloatArray,
    centres: FloatArray,
    prices: FloatArray,
    window: float,
    plan: IntArray,
    totals: FloatArray,
    slopes: FloatArray,
    middle: FloatArray,
) -> tuple[float, float]:
    """
    Give each unit to its best district.

    Returns
    -------
    tuple
        Costs with and without prices; totals, their slopes and the mass moments are set.
    """
    totals[:] = 0.0
    slopes[:] = 0.0
    middle[:] = 0.0
    value, inertia = 0.0, 0.0
    for i in range(mass.size):
        one, other, least, second = _two_best(i, point, mass, weights, centres, prices)
        plan[i] = one
        value += least
        inertia += least
        size = 0.0
        for w in range(weights.shape[1]):
            inertia -= prices[one, w] * weights[i, w]
            totals[one, w] += weights[i, w]
            size += weights[i, w]
        if second - least < window * size:
            _add_slope(slopes, i, weights, one, other, 0.5 / (window * size))
        middle[one, 0] += mass[i] * point[i, 0]
        middle[one, 1] += mass[i] * point[i, 1]
        middle[one, 2] += mass[i]
    return value, inertia


@kernel
def _follow(centres: FloatArray, middle: FloatArray) -> None:
    """Put each centre to the mass centre of its district."""
    for j in range(centres.shape[0]):
        if middle[j, 2] > 0.0:
            centres[j, 0] = middle[j, 0] / middle[j, 2]
            centres[j, 1] = middle[j, 1] / middle[j, 2]


@kernel
def _allocate(
    point: FloatArray,
    mass: FloatArray,
    weights: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    centres: FloatArray,
    prices: FloatArray,
    plan: IntArray,
    rounds: int,
    follow: bool,
) -> float:
    k = centres.shape[0]
    totals, slopes = np.zeros(prices.shape), np.zeros((prices.size, prices.size))
    middle = np.zeros((k, 3))
    best = -np.inf
    best_prices, best_plan, best_centres = prices.copy(), plan.copy(), centres.copy()
    window = 0.0
    for turn in range(rounds):
        value, inertia = _serve(
            point, mass, weights, centres, prices, window, plan, totals, slopes, middle
        )
        value -= np.maximum(prices * upper, prices * lower).sum()
        if follow or value > best:
            best = value
            best_prices[:] = prices
            best_plan[:] = plan
            best_centres[:] = centres
        # Where the centres stand, prices are asked for ever more exactly.
        most = _LONGEST * max(inertia, 1e-300) / k
        window = _NEAR / _LONGEST * most / (1.0 if follow else 1.0 + _SHARPENING * turn)
        _reprice(prices, totals, slopes, most, lower, upper)
        if follow:
            _follow(centres, middle)
    prices[:] = best_prices
    plan[:] = best_plan
    centres[:] = best_centres
    return best
