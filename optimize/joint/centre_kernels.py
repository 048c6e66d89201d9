"""
Kernels that bound the districts of a grouping by boxes in which their centres lie.

Given a box for the centre of every district, a node costs at least its moment of inertia about the
nearest node of the box. Balance, households and the cost of stations are priced, and what is left
gives each node to its cheapest district: a Lagrangian bound (Geoffrion 1974, Mathematical
Programming Study 2) with a few prices a district. They are improved by subgradients with the step
of Polyak (1969, USSR Computational Mathematics and Mathematical Physics 9) towards the limit that
ends the work. Boxes are halved until the bound reaches the limit or every box is a single node.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...models.formulation import FloatArray, IntArray
from ..compiled import inner_kernel, kernel
from .path_kernels import HUGE, Links, Walk, join, no_walk

PATIENCE, SHORTER, SHORTEST = 4, 0.5, 0.02
"""Steps without a better bound after which steps are shorter, by how much, and the last ones."""

SMALLEST_SLOPE = 1e-18
"""Square of a subgradient that counts as none."""

LOWER_HALF = 0.8
"""Weight of the lower bound of two halves, beside their sum, where the box to halve is chosen."""


class Terms(NamedTuple):
    """
    What plans of a grouping must keep, as arrays for kernels.

    Parameters
    ----------
    least
        Least moment of inertia of each node in each district whose centre lies in a box, shape
        (districts, boxes, nodes); infinite where there is none.
    halves
        The two halves of each box, -1 for a single node, shape (districts, boxes, 2).
    weights
        Weights of the nodes, the last one their households, shape (nodes, weights).
    lower, upper
        Bounds of the weights of each district, shape (districts, weights).
    points, costs, num_points
        Cost of the stations of each district by its households: convex and piecewise linear, its
        points in ascending order, shapes (districts, points) and (districts,).
    budget
        Most that the stations may cost together; infinite for no limit.
    links
        What the districts must join.
    """

    least: FloatArray
    halves: IntArray
    weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    points: FloatArray
    costs: FloatArray
    num_points: IntArray
    budget: float
    links: Links


class Prices(NamedTuple):
    """
    Prices of a bound, and what is chosen at them.

    Parameters
    ----------
    weight
        Price of each weight in each district, shape (districts, weights).
    money
        Price of the budget, shape (1,).
    use
        Weights of what each district holds, shape (districts, weights).
    paid
        Households that the stations of each district are built for, shape (districts,).
    """

    weight: FloatArray
    money: FloatArray
    use: FloatArray
    paid: FloatArray


class Line(NamedTuple):
    """
    Combinations of boxes in line to be divided, the last one first.

    Parameters
    ----------
    boxes, bound
        Box of each district, and the bound, shapes (places, districts) and (places,).
    weight, money
        Prices at which they were bounded, shapes (places, districts, weights) and (places,).
    """

    boxes: IntArray
    bound: FloatArray
    weight: FloatArray
    money: FloatArray


@kernel
def search_boxes(
    terms: Terms,
    limit: float,
    start: IntArray,
    first_steps: int,
    steps: int,
    last_steps: int,
    most_boxes: int,
) -> tuple[IntArray, FloatArray, int]:
    """
    List what is left of boxes after those are dropped in which no plan is good enough.

    Parameters
    ----------
    terms
        What plans must keep.
    limit
        Moment of inertia that a plan must lie below.
    start
        Box of each district, shape (districts,).
    first_steps, steps, last_steps
        Steps that improve the prices of the start, of what it is divided into, and of single nodes
        before they count as left.
    most_boxes
        Combinations of boxes that are bounded at most.

    Returns
    -------
    tuple
        Boxes of each combination that is left, shape (combinations, districts): single nodes, and
        larger boxes if too many were bounded; their bounds; how many were bounded.
    """
    k, w = terms.lower.shape
    box, half = start.copy(), start.copy()
    begin, best, tried = _no_prices(k, w), _no_prices(k, w), _no_prices(k, w)
    walk = no_walk(terms.links)
    # A division leaves one combination more at most, and a box is halved some 60 times at most.
    depth = 64 * k
    line = Line(
        np.zeros((depth, k), np.int64), np.zeros(depth), np.zeros((depth, k, w)), np.zeros(depth)
    )
    left, left_bounds, num_left = np.zeros((256, k), np.int64), np.zeros(256), 0
    bound = _climb(terms, box, limit, first_steps, best, tried, walk)
    bounded, top = 1, 0
    if bound < limit:
        top = _push(line, top, box, bound, best)
    while top > 0:
        top -= 1
        bound = _pull(line, top, box, begin)
        divided = -1
        if bounded < most_boxes:
            divided = _widest(terms, box, half, limit, begin, walk)
            if divided < 0:
                bound = max(bound, _climb(terms, box, limit, last_steps, begin, tried, walk))
        if divided < 0 and bound < limit:
            left, left_bounds = _with_room(left, left_bounds, num_left)
            left_bounds[num_left] = bound
            for d in range(k):
                left[num_left, d] = box[d]
            num_left += 1
        for side in range(2 if divided >= 0 else 0):
            bounded += 1
            _take_half(terms, box, divided, side, half)
            _copy(begin, best)
            found = max(bound, _climb(terms, half, limit, steps, best, tried, walk))
            if found < limit:
                top = _push(line, top, half, found, best)
    return left[:num_left], left_bounds[:num_left], bounded


@kernel
def _no_prices(districts: int, weights: int) -> Prices:
    """Return prices of nothing."""
    shape = (districts, weights)
    return Prices(np.zeros(shape), np.zeros(1), np.zeros(shape), np.zeros(districts))


@kernel
def _with_room(left: IntArray, bounds: FloatArray, used: int) -> tuple[IntArray, FloatArray]:
    """Return arrays with room for one more: themselves, or copies of twice the length."""
    size, k = left.shape
    if used < size:
        return left, bounds
    more, more_bounds = np.zeros((2 * size, k), np.int64), np.zeros(2 * size)
    for place in range(size):
        more_bounds[place] = bounds[place]
        for d in range(k):
            more[place, d] = left[place, d]
    return more, more_bounds


@inner_kernel
def _push(line: Line, top: int, box: IntArray, bound: float, prices: Prices) -> int:
    """Put a combination at the end of a line; return the length of the line."""
    line.bound[top], line.money[top] = bound, prices.money[0]
    for d in range(box.size):
        line.boxes[top, d] = box[d]
        for j in range(prices.weight.shape[1]):
            line.weight[top, d, j] = prices.weight[d, j]
    return top + 1


@inner_kernel
def _pull(line: Line, place: int, box: IntArray, prices: Prices) -> float:
    """Read a combination of a line and its prices; return its bound."""
    prices.money[0] = line.money[place]
    for d in range(box.size):
        box[d] = line.boxes[place, d]
        for j in range(prices.weight.shape[1]):
            prices.weight[d, j] = line.weight[place, d, j]
    return float(line.bound[place])


@inner_kernel
def _take_half(terms: Terms, box: IntArray, divided: int, side: int, half: IntArray) -> None:
    """Write a combination with one half of one of its boxes."""
    for d in range(box.size):
        half[d] = terms.halves[d, box[d], side] if d == divided else box[d]


@inner_kernel
def _copy(source: Prices, target: Prices) -> None:
    """Copy prices."""
    target.money[0] = source.money[0]
    for d in range(source.weight.shape[0]):
        for j in range(source.weight.shape[1]):
            target.weight[d, j] = source.weight[d, j]


@inner_kernel
def _widest(
    terms: Terms, box: IntArray, half: IntArray, limit: float, prices: Prices, walk: Walk
) -> int:
    """Return the district whose halves have the highest bounds, without paths; -1 for none."""
    best, widest = -HUGE, -1
    for d in range(box.size):
        if terms.halves[d, box[d], 0] < 0:
            continue
        low, total = HUGE, 0.0
        for side in range(2):
            _take_half(terms, box, d, side, half)
            value = min(_evaluate(terms, half, prices, walk, False)[0], 2 * limit)
            low, total = min(low, value), total + value
        score = LOWER_HALF * low + (1 - LOWER_HALF) * total
        if score > best:
            best, widest = score, d
    return widest


@inner_kernel
def _climb(
    terms: Terms, box: IntArray, limit: float, steps: int, best: Prices, tried: Prices, walk: Walk
) -> float:
    """Improve prices in place; return their bound."""
    found, length, failed = -HUGE, 1.0, 0
    _copy(best, tried)
    for _ in range(steps):
        value, cost = _evaluate(terms, box, tried, walk, True)
        if value > found:
            found, failed = value, 0
            _copy(tried, best)
            if found >= limit:
                break
        else:
            failed += 1
        if failed >= PATIENCE:
            length, failed = length * SHORTER, 0
            if length < SHORTEST:
                break
            _copy(best, tried)
            value, cost = _evaluate(terms, box, tried, walk, True)
        if not _step(terms, length * (limit - value), cost, tried):
            break
    return found


@inner_kernel
def _step(terms: Terms, rise: float, cost: float, prices: Prices) -> bool:
    """Move prices along the subgradient, as far as promises a rise; whether there is one."""
    k, w = prices.weight.shape
    over = cost - terms.budget if np.isfinite(terms.budget) else 0.0
    if prices.money[0] <= 0 and over < 0:
        over = 0.0
    size = over * over
    for d in range(k):
        for j in range(w):
            slope = _slope(terms, d, j, prices)
            size += slope * slope
    if size < SMALLEST_SLOPE:
        return False
    for d in range(k):
        for j in range(w):
            before = prices.weight[d, j]
            after = before + rise / size * _slope(terms, d, j, prices)
            # The price of an upper bound does not turn into one of the lower bound at once.
            is_over = j < w - 1 and before * after < 0
            prices.weight[d, j] = 0.0 if is_over else after
    prices.money[0] = max(0.0, prices.money[0] + rise / size * over)
    return True


@inner_kernel
def _slope(terms: Terms, d: int, j: int, prices: Prices) -> float:
    """Return a subgradient of the bound with respect to one price."""
    price, use = prices.weight[d, j], prices.use[d, j]
    if j == prices.weight.shape[1] - 1:
        return float(use - prices.paid[d])
    if price > 0 or (price == 0 and use > terms.upper[d, j]):
        return float(use - terms.upper[d, j])
    if price < 0 or use < terms.lower[d, j]:
        return float(use - terms.lower[d, j])
    return 0.0


@inner_kernel
def _evaluate(
    terms: Terms, box: IntArray, prices: Prices, walk: Walk, joined: bool
) -> tuple[float, float]:
    """Bound at some prices, with or without paths, and the cost; what is chosen is written."""
    k, w = prices.weight.shape
    value, cost = _assign(terms, box, prices, walk), 0.0
    if joined and value < HUGE:
        value = min(value + join(terms.links, box, terms.weights, prices.use, walk), HUGE)
    if value >= HUGE:
        return HUGE, 0.0
    for d in range(k):
        for j in range(w - 1):
            price = prices.weight[d, j]
            value -= price * (terms.upper[d, j] if price > 0 else terms.lower[d, j])
        rest, paid = _pay(terms, d, prices)
        value, cost = value + rest, cost + paid
    if prices.money[0] > 0:
        value -= prices.money[0] * terms.budget
    return value, cost


@inner_kernel
def _assign(terms: Terms, box: IntArray, prices: Prices, walk: Walk) -> float:
    """Give every node to its cheapest district; return what they pay, HUGE if one has none."""
    k, w = prices.weight.shape
    weights, least, price = terms.weights, terms.least, prices.weight
    prices.use[:] = 0.0
    value = 0.0
    for i in range(weights.shape[0]):
        low, own = HUGE, -1
        for d in range(k):
            pays = least[d, box[d], i]
            if pays < HUGE:
                for j in range(w):
                    pays += price[d, j] * weights[i, j]
                if pays < low:
                    low, own = pays, d
            walk.pays[d, i] = pays
        if own < 0:
            return HUGE
        walk.low[i], walk.own[i] = low, own
        value += low
        for j in range(w):
            prices.use[own, j] += weights[i, j]
    return value


@inner_kernel
def _pay(terms: Terms, d: int, prices: Prices) -> tuple[float, float]:
    """Build a district's stations for the households that pay best; return the rest and cost."""
    money, price = prices.money[0], prices.weight[d, prices.weight.shape[1] - 1]
    low, best, last = HUGE, 0, terms.num_points[d] - 1
    for b in range(last + 1):
        pays = money * terms.costs[d, b] - price * terms.points[d, b]
        if pays < low:
            low, best = pays, b
    prices.paid[d] = terms.points[d, best]
    if money == 0.0 and price == 0.0:
        # All points are as good: the one next to what is used asks for no other price.
        use = prices.use[d, prices.weight.shape[1] - 1]
        prices.paid[d] = min(max(use, terms.points[d, 0]), terms.points[d, last])
    return low, terms.costs[d, best]
