"""Compiled kernels that exchange sites whose signals add up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import Random, inner_kernel, kernel, random_unit


class Signals(NamedTuple):
    """
    A cooperative covering problem as arrays, and a choice of sites with what follows from it.

    Parameters
    ----------
    site_ptr, site_rows, signal
        Rows that each site reaches, and its signal there.
    weights, needed
        Weight of each row, and the sum of signals that covers it.
    costs, budget
        Cost of each site, and largest cost of the open ones.
    least, most
        Fewest and most open sites.
    fixed
        1 if a site must stay as it is.
    near_ptr, near_sites
        Sites that may not be open together with each site.
    is_open, opened, number
        The choice: by site, those that may be closed in any order, and how many are open with and
        without those that are fixed, shape (2,).
    blocked
        Number of open sites that may not be open together with each site.
    total
        Sum of the signals at each row.
    sums
        Weight that is covered, and cost of the open sites, shape (2,).
    """

    site_ptr: IntArray
    site_rows: IntArray
    signal: FloatArray
    weights: FloatArray
    needed: float
    costs: FloatArray
    budget: float
    least: int
    most: int
    fixed: IntArray
    near_ptr: IntArray
    near_sites: IntArray
    is_open: IntArray
    opened: IntArray
    number: IntArray
    blocked: IntArray
    total: FloatArray
    sums: FloatArray


@inner_kernel
def add_signal(a: Signals, j: int, sign: float) -> None:
    """Add or take away the signal of a site."""
    for k in range(a.site_ptr[j], a.site_ptr[j + 1]):
        row = a.site_rows[k]
        before = a.total[row] >= a.needed
        a.total[row] += sign * a.signal[k]
        after = a.total[row] >= a.needed
        if after != before:
            a.sums[0] += a.weights[row] if after else -a.weights[row]


@inner_kernel
def note_open(a: Signals, j: int) -> None:
    """Write down that a site is open."""
    a.is_open[j] = 1
    a.sums[1] += a.costs[j]
    a.number[0] += 1
    if not a.fixed[j]:
        a.opened[a.number[1]] = j
        a.number[1] += 1
    for k in range(a.near_ptr[j], a.near_ptr[j + 1]):
        a.blocked[a.near_sites[k]] += 1


@inner_kernel
def note_closed(a: Signals, place: int) -> None:
    """Write down that the open site at a place of the list is closed."""
    j = a.opened[place]
    a.is_open[j] = 0
    a.sums[1] -= a.costs[j]
    a.number[0] -= 1
    a.number[1] -= 1
    a.opened[place] = a.opened[a.number[1]]
    for k in range(a.near_ptr[j], a.near_ptr[j + 1]):
        a.blocked[a.near_sites[k]] -= 1


@kernel
def set_signals(a: Signals, wanted: IntArray) -> None:
    """Set up a choice of sites."""
    a.is_open[:] = 0
    a.number[:] = 0
    a.blocked[:] = 0
    a.total[:] = 0.0
    a.sums[:] = 0.0
    for j in range(a.costs.size):
        if wanted[j]:
            add_signal(a, j, 1.0)
            note_open(a, j)


@inner_kernel
def may_open(a: Signals, into: int, out: int) -> bool:
    """Whether a site may be opened when another one (-1 for none) is closed."""
    if a.is_open[into] or a.fixed[into]:
        return False
    hindered, cost = a.blocked[into], a.sums[1] + a.costs[into]
    if out >= 0:
        cost -= a.costs[out]
        for k in range(a.near_ptr[out], a.near_ptr[out + 1]):
            if a.near_sites[k] == into:
                hindered -= 1
    return bool(hindered == 0 and cost <= a.budget)


@inner_kernel
def change_sites(a: Signals, into: int, place: int, least_change: float) -> None:
    """Open a site and close one (-1 for none), if the weight changes by so much at least."""
    before = a.sums[0]
    out = a.opened[place] if place >= 0 else -1
    if out >= 0:
        add_signal(a, out, -1.0)
    if into >= 0:
        add_signal(a, into, 1.0)
    if a.sums[0] - before < least_change:
        if into >= 0:
            add_signal(a, into, -1.0)
        if out >= 0:
            add_signal(a, out, 1.0)
        return
    if place >= 0:
        note_closed(a, place)
    if into >= 0:
        note_open(a, into)


@inner_kernel
def try_change(a: Signals, temperature: float, random: Random) -> None:
    """Try to open, close or exchange a site."""
    draw = random_unit(random)
    least_change = temperature * np.log(random_unit(random) + 1e-300)
    into = int(random_unit(random) * a.costs.size)
    place = int(random_unit(random) * a.number[1])
    if a.number[0] < a.most and (a.number[1] == 0 or draw < 0.3):
        place = -1
    elif a.number[1] == 0:
        return
    elif draw > 0.95 and a.number[0] > a.least:
        into = -1
    if into < 0 or may_open(a, into, a.opened[place] if place >= 0 else -1):
        change_sites(a, into, place, least_change)


@kernel
def anneal_signals(
    a: Signals,
    steps: int,
    hot: float,
    cold: float,
    best: FloatArray,
    best_open: IntArray,
    random: Random,
) -> None:
    """
    Open, close and exchange sites at random, at falling temperature, for the most weight.

    Parameters
    ----------
    a
        Problem and choice; the choice changes.
    steps
        Changes to try.
    hot, cold
        First and last temperature, as weights.
    best, best_open
        Largest weight so far, shape (1,), and its sites; updated.
    random
        Random numbers.
    """
    temperature = hot
    cooling = (cold / hot) ** (100.0 / max(100, steps))
    for step in range(steps + 1):
        if a.number[0] >= a.least and a.sums[0] > best[0] + 1e-9 * (1.0 + abs(best[0])):
            best[0] = a.sums[0]
            best_open[:] = a.is_open
        if step % 100 == 0:
            temperature *= cooling
        try_change(a, temperature, random)
