"""
Compiled climb of the Lagrangian function of :mod:`.relaxation`.

Subgradients are deflected by the direction before (Camerini, Fratta and Maffioli 1975, "On
improving relaxation methods by modified gradient techniques", Mathematical Programming Study 3);
steps are those of Polyak towards a target, shortened when the bound stands still.
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import kernel
from .pricing import price_options, serve

MEMORY = 0.6
"""Weight of the direction before."""

SHORTER = 0.7
"""Factor of the step after too many steps without a better bound."""

FADING = 0.95
"""Weight of what was chosen before in the running share of each option."""


LATEST = 40
"""Step of a climb from which on flows are kept, if half of the steps are not fewer."""

STANDSTILL = 1e-5
"""Growth of the bound, as a share of it, that does not count."""


@kernel
def pick_options(
    value: FloatArray,
    first: IntArray,
    lower: FloatArray,
    upper: FloatArray,
    least: int,
    most: int,
    chosen: IntArray,
) -> int:
    """Write the options of the cheapest choice of sites; return how many there are."""
    count, num_free = 0, 0
    num_sites = lower.size
    free_value, free_option = np.empty(num_sites), np.empty(num_sites, dtype=np.int64)
    num_negative = 0
    for s in range(num_sites):
        if upper[s] < 0.5:
            continue
        best = first[s]
        for o in range(first[s] + 1, first[s + 1]):
            if value[o] < value[best]:
                best = o
        if lower[s] > 0.5:
            chosen[count] = best
            count += 1
        else:
            free_value[num_free], free_option[num_free] = value[best], best
            num_free += 1
            if value[best] < 0.0:
                num_negative += 1
    wanted = min(max(num_negative, least - count), most - count, num_free)
    if wanted <= 0:
        return count
    order = np.argsort(free_value[:num_free])
    for k in range(wanted):
        chosen[count] = free_option[order[k]]
        count += 1
    return count


@kernel
def _note(
    chosen: IntArray,
    start: IntArray,
    share: FloatArray,
    keeps: bool,
    usage: FloatArray,
    flow: FloatArray,
) -> None:
    """Count which options are chosen, and how their pairs serve."""
    usage *= FADING
    for o in chosen:
        usage[o] += 1.0 - FADING
        if keeps:
            for a in range(start[o], start[o + 1]):
                flow[a] += share[a]


@kernel
def _turn(
    served: FloatArray, missing: float, capacity_price: float, direction: FloatArray
) -> float:
    """Turn the direction towards the subgradient; return its square length."""
    slope = 0.0 if missing < 0.0 and capacity_price <= 0.0 else missing
    norm: float = 0.0
    for i in range(served.size):
        direction[i] = 1.0 - served[i] + MEMORY * direction[i]
        norm += direction[i] * direction[i]
    direction[served.size] = slope + MEMORY * direction[served.size]
    norm += direction[served.size] * direction[served.size]
    return norm


@kernel
def climb_prices(
    start: IntArray,
    client: IntArray,
    cost: FloatArray,
    prices: FloatArray,
    capacity_price: float,
    demand: FloatArray,
    capacity: FloatArray,
    fixed: FloatArray,
    first: IntArray,
    lower: FloatArray,
    upper: FloatArray,
    least: int,
    most: int,
    single: bool,
    whole: bool,
    limited: bool,
    goal: float,
    aim: float,
    step: float,
    patience: int,
    iterations: int,
    best_prices: FloatArray,
    usage: FloatArray,
    flow: FloatArray,
) -> tuple[float, float, float]:
    """
    Climb from a point; write the best prices and the running share of each option.

    Parameters
    ----------
    start, client, cost
        Pairs as in :mod:`.pricing`.
    prices, capacity_price
        Where to begin.
    demand, capacity, fixed, first, lower, upper, least, most, single, whole, limited
        As in :class:`.form.Form`.
    goal, aim
        Bound at which the climb ends, and bound that the steps aim at.
    step, patience, iterations
        First factor of the step, steps without a better bound after which it shrinks, most steps.
    best_prices, usage, flow
        Result, shapes (clients,), (options,) and (pairs,).

    Returns
    -------
    tuple
        Best value, its capacity price, and the factor of the step at the end.
    """
    num_clients, total = demand.size, demand.sum()
    scale = max(total / max(num_clients, 1), 1e-12)
    gain, value = np.empty(fixed.size), np.empty(fixed.size)
    share, served = np.empty(client.size), np.empty(num_clients)
    chosen = np.empty(max(lower.size, 1), dtype=np.int64)
    room = capacity if limited else np.zeros(fixed.size)
    # The direction before; its last entry is that of the capacity price.
    direction = np.zeros(num_clients + 1)
    best, best_capacity_price, idle = -np.inf, capacity_price, 0
    first_kept, num_kept = min(iterations // 2, LATEST), 0
    now = prices.copy()
    flow[:] = 0.0
    best_prices[:] = prices
    for iteration in range(iterations):
        price_options(start, client, cost, now, demand, capacity, single, whole, gain, share)
        value[:] = fixed - capacity_price * room - gain
        count = pick_options(value, first, lower, upper, least, most, chosen)
        serve(start, client, share, chosen[:count], served)
        bound = now.sum() + capacity_price * total + value[chosen[:count]].sum()
        _note(chosen[:count], start, share, iteration >= first_kept, usage, flow)
        num_kept += iteration >= first_kept
        idle = 0 if bound > best + STANDSTILL * abs(best) else idle + 1
        if bound > best:
            best, best_capacity_price = bound, capacity_price
            best_prices[:] = now
        if best >= goal or iteration == iterations - 1 or step < 1e-3:
            break
        if idle >= patience:
            step, idle = step * SHORTER, 0
            now[:] = best_prices
            capacity_price = best_capacity_price
            direction[:] = 0.0
        missing = (total - room[chosen[:count]].sum()) / scale if limited else 0.0
        norm = _turn(served, missing, capacity_price, direction)
        if norm < 1e-12:
            break
        length = step * max(aim + 5e-4 * abs(aim) - bound, 1e-9) / norm
        now += length * direction[:num_clients]
        capacity_price = max(0.0, capacity_price + length * direction[num_clients] / scale)
    if num_kept:
        flow /= num_kept
    return best, best_capacity_price, step
