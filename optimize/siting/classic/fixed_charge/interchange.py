"""
Local search for sites without capacity: open, close or exchange one site at a time.

Kuehn and Hamburger 1963, "A heuristic program for locating warehouses", Management Science 9(4);
the gain of all exchanges with one entering site comes in one pass over the clients (Whitaker 1983,
"A fast algorithm for the greedy interchange for large-scale clustering and median location
problems", INFOR 21(2)).
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....compiled import kernel
from .form import Form

EPSILON = 1e-9
MOST_MOVES = 1000


def interchange(form: Form, options: IntArray) -> IntArray:
    """
    Improve a choice of sites as long as one move helps.

    Parameters
    ----------
    form
        A problem without capacity, one option a site; rules on pairs of sites end the search at
        once.
    options
        Open sites.
    """
    if form.apart.size or form.num_options > form.num_sites:
        return options
    is_open = np.zeros(form.num_sites, dtype=bool)
    is_open[options] = True
    finite = form.costs[np.isfinite(form.costs)]
    large = 1.0 + form.num_clients * float(finite.max(initial=0.0)) + float(form.fixed.sum())
    costs = np.where(np.isfinite(form.costs), form.costs, large)
    _interchange(costs, form.fixed, is_open, form.lower, form.upper, form.least, form.most)
    return np.flatnonzero(is_open)


@kernel
def _nearest_two(
    costs: FloatArray, is_open: BoolArray, first: IntArray, near: FloatArray, next_: FloatArray
) -> None:
    """Write the cheapest open site of each client, its cost, and the cost of the second one."""
    near[:] = np.inf
    next_[:] = np.inf
    for j in range(is_open.size):
        if not is_open[j]:
            continue
        for i in range(near.size):
            if costs[j, i] < near[i]:
                next_[i], near[i], first[i] = near[i], costs[j, i], j
            elif costs[j, i] < next_[i]:
                next_[i] = costs[j, i]


@kernel
def _best_exchange(
    costs: FloatArray,
    fixed: FloatArray,
    is_open: BoolArray,
    lower: FloatArray,
    upper: FloatArray,
    least: int,
    most: int,
) -> tuple[int, int]:
    """Return the sites to open and to close, -1 for none."""
    num_sites, num_clients = costs.shape
    near, next_ = np.empty(num_clients), np.empty(num_clients)
    first = np.empty(num_clients, dtype=np.int64)
    _nearest_two(costs, is_open, first, near, next_)
    count = is_open.sum()
    kept_loss = -fixed
    for i in range(num_clients):
        kept_loss[first[i]] += next_[i] - near[i]
    best_gain, entering, leaving = EPSILON * (1.0 + near.sum()), -1, -1
    for j in range(-1, num_sites):
        if j >= 0 and (is_open[j] or upper[j] < 0.5):
            continue
        loss, gain = kept_loss.copy(), 0.0
        if j >= 0:
            gain = _gain_of(costs[j], first, near, next_, loss) - fixed[j]
            if count < most and gain > best_gain:
                best_gain, entering, leaving = gain, j, -1
        elif count <= max(least, 1):
            continue
        for r in range(num_sites):
            if is_open[r] and lower[r] < 0.5 and gain - loss[r] > best_gain:
                best_gain, entering, leaving = gain - loss[r], j, r
    return entering, leaving


@kernel
def _gain_of(
    costs: FloatArray, first: IntArray, near: FloatArray, next_: FloatArray, loss: FloatArray
) -> float:
    """Sum up what a site saves if it opens, and lower the loss of closing each other one."""
    gain = 0.0
    for i in range(near.size):
        if costs[i] < near[i]:
            gain += near[i] - costs[i]
            loss[first[i]] -= next_[i] - near[i]
        elif costs[i] < next_[i]:
            loss[first[i]] -= next_[i] - costs[i]
    return gain


@kernel
def _interchange(
    costs: FloatArray,
    fixed: FloatArray,
    is_open: BoolArray,
    lower: FloatArray,
    upper: FloatArray,
    least: int,
    most: int,
) -> None:
    """Take the best move until none helps."""
    for _ in range(MOST_MOVES):
        entering, leaving = _best_exchange(costs, fixed, is_open, lower, upper, least, most)
        if entering < 0 and leaving < 0:
            return
        if entering >= 0:
            is_open[entering] = True
        if leaving >= 0:
            is_open[leaving] = False
