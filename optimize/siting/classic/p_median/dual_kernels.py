"""
Kernels of the Lagrangian dual: its value and slope, and the climb along it.

With a price λ_i for serving client i, the assignment rows go into the objective, and

    bound(λ) = Σ_i λ_i + the sum of the p least r_j(λ),   r_j(λ) = Σ_i min(0, w_i d_ij - λ_i)

(Cornuéjols, Fisher and Nemhauser 1977, "Location of bank accounts to optimize float", Management
Science 23(8)). Open sites are among the p, closed ones are not. A price above the cost of the first
site that is missing in a list would not be a bound; so it may rise to that cost only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....compiled import inner_kernel, kernel
from .near import Near

OPEN, FREE, CLOSED = 1, 0, -1
"""States of a site."""

MEMORY = 0.95
"""Share of the direction that is kept (Camerini, Fratta and Maffioli 1975)."""

FORGET = 0.96
"""Share of the past in the mean of the sites chosen, which tends to a solution of the LP."""


class Steps(NamedTuple):
    """
    How to climb.

    Parameters
    ----------
    target
        Bound at which the climb ends.
    factor, least_factor
        First and last share of the way to the target that a step aims at (Polyak 1969).
    patience
        Steps without gain after which the factor shrinks.
    iterations
        Steps at most.
    trial, share
        The climb ends after ``trial`` steps unless it has made that share of the way.
    """

    target: float
    factor: float = 1.0
    least_factor: float = 1e-3
    patience: int = 40
    iterations: int = 1000
    trial: int = 0
    share: float = 0.0


class Scratch(NamedTuple):
    """Reduced costs and choice of sites, slope and direction of prices, and the mean choice."""

    reduced: FloatArray
    chosen: BoolArray
    slope: FloatArray
    direction: FloatArray
    mean: FloatArray


def new_scratch(num_clients: int, num_sites: int) -> Scratch:
    """Room for one climb."""
    return Scratch(
        np.zeros(num_sites),
        np.zeros(num_sites, dtype=np.bool_),
        np.zeros(num_clients),
        np.zeros(num_clients),
        np.zeros(num_sites),
    )


@kernel
def _choose(state: IntArray, count: int, reduced: FloatArray, chosen: BoolArray) -> float:
    """Choose the open sites and the best free ones; returns the sum of their reduced costs."""
    value, left, num_free = 0.0, count, 0
    free = np.empty(state.size)
    for j in range(state.size):
        chosen[j] = state[j] == OPEN
        if chosen[j]:
            left -= 1
            value += reduced[j]
        elif state[j] == FREE:
            free[num_free] = reduced[j]
            num_free += 1
    left = min(left, num_free)
    if left <= 0:
        return value
    limit = np.partition(free[:num_free], left - 1)[left - 1]
    for j in range(state.size):
        if state[j] == FREE and reduced[j] < limit:
            chosen[j] = True
            left -= 1
            value += reduced[j]
    for j in range(state.size):
        if left > 0 and state[j] == FREE and reduced[j] == limit:
            chosen[j] = True
            left -= 1
            value += reduced[j]
    return value


@kernel
def evaluate(near: Near, point: FloatArray, state: IntArray, count: int, scratch: Scratch) -> float:
    """Bound at a point; writes reduced costs, choice and slope."""
    first, site, cost = near.first, near.site, near.cost
    reduced, chosen, slope = scratch.reduced, scratch.chosen, scratch.slope
    reduced[:] = 0.0
    value = 0.0
    for i in range(point.size):
        price = point[i]
        value += price
        for e in range(first[i], first[i + 1]):
            if cost[e] >= price:
                break
            reduced[site[e]] += cost[e] - price
    value += _choose(state, count, reduced, chosen)
    for i in range(point.size):
        load = 0
        for e in range(first[i], first[i + 1]):
            if cost[e] >= point[i]:
                break
            if chosen[site[e]]:
                load += 1
        slope[i] = 1.0 - load
    return value


@inner_kernel
def floor_of(near: Near, i: int) -> float:
    """Least price that makes sense: what the client costs at least."""
    if near.first[i] < near.first[i + 1]:
        return float(min(near.cost[near.first[i]], near.beyond[i]))
    return float(near.beyond[i])


@inner_kernel
def _turn(near: Near, point: FloatArray, scratch: Scratch) -> float:
    """Bend the direction towards the slope; returns its squared length."""
    length = 0.0
    slope, direction = scratch.slope, scratch.direction
    for i in range(point.size):
        at_floor = slope[i] < 0 and point[i] <= floor_of(near, i)
        at_ceiling = slope[i] > 0 and point[i] >= near.beyond[i]
        if at_floor or at_ceiling:
            slope[i] = 0.0
        direction[i] = slope[i] + MEMORY * direction[i]
        length += direction[i] * direction[i]
    return length


@inner_kernel
def _average(scratch: Scratch) -> None:
    for j in range(scratch.mean.size):
        scratch.mean[j] *= FORGET
        if scratch.chosen[j]:
            scratch.mean[j] += 1.0 - FORGET


@inner_kernel
def _move(near: Near, point: FloatArray, step: float, direction: FloatArray) -> None:
    """Move prices, but not below their floors or above their ceilings."""
    for i in range(point.size):
        price = max(point[i] + step * direction[i], floor_of(near, i))
        point[i] = min(price, near.beyond[i])


@kernel
def climb(
    near: Near,
    point: FloatArray,
    state: IntArray,
    count: int,
    steps: Steps,
    best_point: FloatArray,
    scratch: Scratch,
) -> float:
    """
    Climb from ``point``, which is lost; returns the best bound and writes its place.

    ``scratch.mean`` gets a mean of the sites chosen in the last steps.
    """
    best, factor, idle, weight = -np.inf, steps.factor, 0, 0.0
    target = steps.target
    aim = target
    hurdle = -np.inf
    scratch.direction[:] = 0.0
    scratch.mean[:] = 0.0
    _move(near, point, 0.0, scratch.direction)
    for iteration in range(steps.iterations):
        value = evaluate(near, point, state, count, scratch)
        if iteration == 0:
            # Aimed at the target itself, steps would end just below it.
            aim = target + 0.1 * max(target - value, 0.0)
            hurdle = value + steps.share * (target - value)
        _average(scratch)
        weight = FORGET * weight + 1.0 - FORGET
        idle += 1
        if value > best:
            if value > best + 1e-7 * abs(best):
                idle = 0
            best = value
            best_point[:] = point
        if best >= target or (iteration == steps.trial > 0 and best < hurdle):
            break
        if idle >= steps.patience:
            factor *= 0.7
            idle = 0
            point[:] = best_point
            scratch.direction[:] = 0.0
            if factor < steps.least_factor:
                break
            continue
        length = _turn(near, point, scratch)
        if length == 0.0:
            break
        _move(near, point, factor * (aim - value) / length, scratch.direction)
    scratch.mean[:] = scratch.mean / max(weight, 1e-12)
    return best


@kernel
def margins(state: IntArray, scratch: Scratch) -> tuple[float, float]:
    """Largest reduced cost of a free site that is chosen, and least of one that is not."""
    inner, outer = -np.inf, np.inf
    for j in range(state.size):
        if state[j] != FREE:
            continue
        if scratch.chosen[j]:
            inner = max(inner, scratch.reduced[j])
        else:
            outer = min(outer, scratch.reduced[j])
    return inner, outer


@kernel
def fix_sites(value: float, state: IntArray, cutoff: float, scratch: Scratch) -> int:
    """
    Close or open free sites whose other state costs at least ``cutoff``; returns how many.

    The sites of ``scratch`` are those of the point that has the bound ``value``. Where no other
    site is left to open instead, nothing is: fewer sites are a plan too, since any others may join.
    """
    inner, outer = margins(state, scratch)
    num_fixed = 0
    for j in range(state.size):
        if state[j] != FREE:
            continue
        reduced = scratch.reduced[j]
        if not scratch.chosen[j] and (inner == -np.inf or value - inner + reduced >= cutoff):
            state[j] = CLOSED
            num_fixed += 1
        elif scratch.chosen[j] and value - reduced + min(outer, 0.0) >= cutoff:
            state[j] = OPEN
            num_fixed += 1
    return num_fixed


@kernel
def without_closed(near: Near, state: IntArray) -> Near:
    """Leave out closed sites."""
    first = np.empty_like(near.first)
    site, cost = np.empty_like(near.site), np.empty_like(near.cost)
    at = 0
    for i in range(first.size - 1):
        first[i] = at
        for e in range(near.first[i], near.first[i + 1]):
            if state[near.site[e]] != CLOSED:
                site[at] = near.site[e]
                cost[at] = near.cost[e]
                at += 1
    first[first.size - 1] = at
    return Near(first, site[:at], cost[:at], near.beyond, near.num_sites)


@inner_kernel
def unserved(near: Near) -> bool:
    """Whether some client has no site left."""
    for i in range(near.first.size - 1):
        if near.first[i] == near.first[i + 1] and near.beyond[i] == np.inf:
            return True
    return False


@inner_kernel
def plan_cost(near: Near, is_open: BoolArray) -> float:
    """Cost of a plan; a client without an open site in its list costs what is beyond."""
    value = 0.0
    for i in range(near.first.size - 1):
        paid = near.beyond[i]
        for e in range(near.first[i], near.first[i + 1]):
            if is_open[near.site[e]]:
                paid = near.cost[e]
                break
        value += paid
    return value
