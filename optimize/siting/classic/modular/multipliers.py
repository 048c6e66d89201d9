"""
Prices by subgradients: those of the linear relaxation in a small part of its time.

With the row of each group relaxed at a price λ_g a m², each site is a knapsack: it sells its floor
area to the groups that pay most, at the level that earns most less m times its cost (Beasley 1993,
"Lagrangean heuristics for location problems", European Journal of Operational Research 65(3)).
Prices follow the directions of what is sold and what is wanted, smoothed by those before (Camerini,
Fratta and Maffioli 1975, "On improving relaxation methods by modified gradient techniques",
Mathematical Programming Study 3), with steps that shrink.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import inner_kernel, kernel
from ....limits import Deadline
from .prices import Prices
from .reduction import Reduced

MOST_STEPS = 900
_FIRST, _KEPT = 0.25, 0.7
_HALVED = 25


def climb(reduced: Reduced, prices: Prices, aim: float, deadline: Deadline) -> tuple[Prices, float]:
    """
    Lower the bound by better prices.

    Parameters
    ----------
    reduced
        The problem.
    prices
        Prices to start from.
    aim
        Budget, or the cost that the bound is compared with.
    deadline
        When to stop.

    Returns
    -------
    tuple
        The best prices, and the bound V(m) + m aim at these.
    """
    order, starts = reduced.arcs_by_site
    sites = (
        reduced.arc_group[order],
        starts,
        reduced.group_need,
        reduced.base_area,
        reduced.first_level,
        reduced.level_area,
        reduced.level_cost,
    )
    segments = (reduced.segment_group, reduced.segment_worth, reduced.segment_need)
    price, money = prices.of_group.copy(), prices.of_money
    best = (price.copy(), money, np.inf)
    mean = float(reduced.segment_worth @ reduced.segment_need) / reduced.segment_need.sum()
    slope, slope_money, step, idle = np.zeros(price.size), 0.0, _FIRST, 0
    scale = money
    for _ in range(MOST_STEPS):
        value, excess, cost = _evaluate(price, money, sites, segments)
        value += money * aim
        if value < best[2] * (1 - 1e-6 * np.sign(best[2])):
            idle = 0
        else:
            idle += 1
        if value < best[2]:
            best = (price.copy(), money, value)
        if idle >= _HALVED:
            step, idle = step / 2, 0
            price, money = best[0].copy(), best[1]
        if step < 1e-4 or deadline.passed:
            break
        slope = _KEPT * slope + (1 - _KEPT) * excess / reduced.group_need
        slope_money = _KEPT * slope_money + (1 - _KEPT) * (aim - cost) / max(aim, 1e-9)
        price = np.maximum(price - step * mean * slope, 0.0)
        money = max(money - step * scale * slope_money, 0.05 * scale)
    return Prices(best[0], best[1]), best[2]


def _evaluate(
    price: FloatArray, money: float, sites: tuple[Any, ...], segments: tuple[Any, ...]
) -> tuple[float, FloatArray, float]:
    """Value of the relaxation less money, what is sold less what is wanted, and the cost."""
    excess = np.zeros(price.size)
    left = _want(price, excess, *segments)
    earned, cost = _sell(price, money, excess, *sites)
    return left + earned, excess, cost


@kernel
def _want(
    price: FloatArray,
    excess: FloatArray,
    segment_group: IntArray,
    segment_worth: FloatArray,
    segment_need: FloatArray,
) -> float:
    """Worth that is left to the segments that buy; subtract from the excess what they do."""
    value = 0.0
    for k in range(segment_group.size):
        gain = segment_worth[k] - price[segment_group[k]]
        if gain > 0:
            value += gain * segment_need[k]
            excess[segment_group[k]] -= segment_need[k]
    return value


@kernel
def _sell(
    price: FloatArray,
    money: float,
    excess: FloatArray,
    group_of: IntArray,
    starts: IntArray,
    group_need: FloatArray,
    base_area: FloatArray,
    first_level: IntArray,
    level_area: FloatArray,
    level_cost: FloatArray,
) -> tuple[float, float]:
    """Return earnings and cost of the best levels of all sites; add what is sold to the excess."""
    value, cost = 0.0, 0.0
    for site in range(base_area.size):
        groups = group_of[starts[site] : starts[site + 1]]
        groups = groups[np.argsort(-price[groups])]
        sold = np.cumsum(group_need[groups])
        paid = np.cumsum(group_need[groups] * price[groups])
        best, area, chosen = _paid(base_area[site], groups, price, sold, paid), base_area[site], 0.0
        for level in range(first_level[site], first_level[site + 1]):
            profit = _paid(level_area[level], groups, price, sold, paid)
            profit -= money * level_cost[level]
            if profit > best:
                best, area, chosen = profit, level_area[level], level_cost[level]
        value += best
        cost += chosen
        for k in range(groups.size):
            got = min(area, sold[k]) - (sold[k - 1] if k else 0.0)
            if got <= 0 or price[groups[k]] <= 0:
                break
            excess[groups[k]] += got
    return value, cost


@inner_kernel
def _paid(
    area: float, groups: IntArray, price: FloatArray, sold: FloatArray, paid: FloatArray
) -> float:
    """Return what some floor area earns, sold to the groups in their order."""
    k = np.searchsorted(sold, area)
    if k >= groups.size:
        return float(paid[-1]) if groups.size else 0.0
    before = sold[k - 1] if k else 0.0
    return float((paid[k - 1] if k else 0.0) + (area - before) * price[groups[k]])
