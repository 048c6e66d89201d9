"""Compiled kernels that exchange sites at random, at falling temperature."""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import Random, inner_kernel, kernel, random_unit
from .state_kernels import Arrays, State, close_site, open_site


@inner_kernel
def shared_weight(a: Arrays, s: State, out: int, into: int, enough: float) -> float:
    """Weight of the rows that of the open sites only one covers, and another one would."""
    weight = 0.0
    for k in range(a.site_ptr[into], a.site_ptr[into + 1]):
        row = a.site_rows[k]
        if s.times[row] == 1 and s.owner[row] == out:
            weight += a.weights[row]
            if weight >= enough:
                break
    return weight


@inner_kernel
def may_follow(a: Arrays, s: State, out: int, into: int) -> bool:
    """Whether no open site but one stands too close to another."""
    blocked = s.blocked[into]
    if blocked:
        for k in range(a.near_ptr[out], a.near_ptr[out + 1]):
            if a.near_sites[k] == into:
                blocked -= 1
    return bool(blocked == 0)


@inner_kernel
def exchange(a: Arrays, s: State, out: int, into: int, least_change: float, budget: float) -> None:
    """Exchange two sites if they may be and the weight changes by so much at least."""
    if s.is_open[into] or s.sums[1] - a.costs[out] + a.costs[into] > budget:
        return
    # What `out` alone covers is lost, but for what `into` covers too: at most all of it.
    if s.value[into] < least_change or not may_follow(a, s, out, into):
        return
    missing = least_change - (s.value[into] - s.value[out])
    if missing <= 0.0 or shared_weight(a, s, out, into, missing) >= missing:
        close_site(a, s, out)
        open_site(a, s, into)


@inner_kernel
def neighbour(a: Arrays, out: int, random: Random) -> int:
    """Draw a site: mostly one that covers a row together with another one, else any."""
    begin, end = a.site_ptr[out], a.site_ptr[out + 1]
    if end == begin or random_unit(random) > 0.7:
        return int(random_unit(random) * a.costs.size)
    row = a.site_rows[begin + int(random_unit(random) * (end - begin))]
    first, last = a.row_ptr[row], a.row_ptr[row + 1]
    return int(a.row_sites[first + int(random_unit(random) * (last - first))])


@inner_kernel
def step_once(
    a: Arrays, s: State, least: int, most: int, budget: float, temperature: float, random: Random
) -> None:
    """Try to open, close or exchange a site."""
    number, draw = s.number[0], random_unit(random)
    least_change = temperature * np.log(random_unit(random) + 1e-300)
    if number < most and (number == 0 or draw < 0.2):
        into = int(random_unit(random) * a.costs.size)
        if not (s.is_open[into] or s.blocked[into] or s.sums[1] + a.costs[into] > budget):
            open_site(a, s, into)
        return
    if number == 0:
        return
    out = s.opened[int(random_unit(random) * number)]
    if draw > 0.95 and budget < np.inf and number > least:
        if -s.value[out] >= least_change:
            close_site(a, s, out)
        return
    exchange(a, s, out, neighbour(a, out, random), least_change, budget)


@kernel
def anneal(
    a: Arrays,
    s: State,
    least: int,
    most: int,
    budget: float,
    steps: int,
    hot: float,
    cold: float,
    best: FloatArray,
    best_open: IntArray,
    random: Random,
) -> None:
    """
    Exchange sites at random, at falling temperature, for the most weight.

    Parameters
    ----------
    a, s
        Problem and state; the state changes.
    least, most, budget
        Fewest and most open sites, and their largest cost.
    steps
        Exchanges to try.
    hot, cold
        First and last temperature, as weights.
    best, best_open
        Largest weight so far, shape (1,), and its sites; updated.
    random
        Random numbers.
    """
    temperature = hot
    cooling = (cold / hot) ** (100.0 / max(100, steps))
    for step in range(steps):
        if step % 100 == 0:
            temperature *= cooling
        step_once(a, s, least, most, budget, temperature, random)
        if s.sums[0] > best[0] + 1e-9 * (1.0 + abs(best[0])) and s.number[0] >= least:
            best[0] = s.sums[0]
            best_open[:] = s.is_open
