"""
Compiled evaluation of the Lagrangian function of :mod:`.relaxation`, option by option.

Pairs are held option by option and by rising cost, so that those whose cost is above every
multiplier are never looked at.
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import kernel
from .knapsacks import continuous_fill, continuous_value, table_values, whole_fill

LARGEST_ROOM = 200_000


@kernel
def price_options(
    start: IntArray,
    client: IntArray,
    cost: FloatArray,
    prices: FloatArray,
    demand: FloatArray,
    capacity: FloatArray,
    single: bool,
    whole: bool,
    profit_of: FloatArray,
    share: FloatArray,
) -> None:
    """
    Fill in what each option gains at the clients' prices, and the share of each pair.

    Parameters
    ----------
    start, client, cost
        Pairs of option o are start[o]..start[o + 1], by rising cost.
    prices
        Multiplier of each client.
    demand, capacity, single, whole
        As in :class:`.form.Form`; whether weights are whole.
    profit_of, share
        Result: of each option and of each pair.
    """
    highest = prices.max()
    room_for = prices.size + 1
    profit, weight, ratio = np.empty(room_for), np.empty(room_for), np.empty(room_for)
    place, part = np.empty(room_for, dtype=np.int64), np.empty(room_for)
    for o in range(capacity.size):
        count, total, load = 0, 0.0, 0.0
        share[start[o] : start[o + 1]] = 0.0
        for a in range(start[o], start[o + 1]):
            if cost[a] >= highest:
                break
            gain = prices[client[a]] - cost[a]
            if gain > 0.0:
                place[count], profit[count] = a, gain
                weight[count] = demand[client[a]]
                total += gain
                load += weight[count]
                count += 1
        if load <= capacity[o]:
            for k in range(count):
                share[place[k]] = 1.0
            profit_of[o] = total
            continue
        for k in range(count):
            ratio[k] = -profit[k] / weight[k] if weight[k] > 0.0 else -np.inf
        order = np.argsort(ratio[:count])
        sorted_profit, sorted_weight = profit[:count][order], weight[:count][order]
        if single:
            profit_of[o] = whole_fill(sorted_profit, sorted_weight, capacity[o], part, whole)
        else:
            profit_of[o] = continuous_fill(sorted_profit, sorted_weight, capacity[o], part)
        for k in range(count):
            share[place[order[k]]] = part[k]


@kernel
def serve(
    start: IntArray, client: IntArray, share: FloatArray, options: IntArray, served: FloatArray
) -> None:
    """Add up the share of each client that the chosen options serve."""
    served[:] = 0.0
    for o in options:
        for a in range(start[o], start[o + 1]):
            served[client[a]] += share[a]


@kernel
def price_pairs(
    start: IntArray,
    client: IntArray,
    cost: FloatArray,
    prices: FloatArray,
    demand: FloatArray,
    capacity: FloatArray,
    whole: bool,
    profit_of: FloatArray,
    slack: FloatArray,
    kept: FloatArray,
) -> None:
    """
    Mark the pairs that may be used by a solution within ``slack`` of the bound.

    A pair that is forced into option o leaves the room Q_o - q_i to the others. What they gain then
    is bounded by dynamic programming for whole weights, else by the continuous knapsack.

    Parameters
    ----------
    slack
        What may be lost at each option, shape (options,): a pair is kept if the option's gain falls
        by no more.
    kept
        Result: 1 where the pair stays, shape (pairs,).
    """
    highest = prices.max()
    room_for = prices.size + 1
    profit, weight, ratio = np.empty(room_for), np.empty(room_for), np.empty(room_for)
    for o in range(capacity.size):
        if slack[o] < 0.0:
            kept[start[o] : start[o + 1]] = 0.0
            continue
        count, total, load = 0, 0.0, 0.0
        for a in range(start[o], start[o + 1]):
            if cost[a] >= highest:
                break
            gain = prices[client[a]] - cost[a]
            if gain > 0.0:
                profit[count], weight[count] = gain, demand[client[a]]
                ratio[count] = -gain / weight[count] if weight[count] > 0.0 else -np.inf
                total += gain
                load += weight[count]
                count += 1
        order = np.argsort(ratio[:count])
        sorted_profit, sorted_weight = profit[:count][order], weight[:count][order]
        exact = whole and capacity[o] <= LARGEST_ROOM and load > 0.0
        values = np.zeros(1)
        if exact:
            values = table_values(sorted_profit, sorted_weight, int(min(capacity[o], load)))
        for a in range(start[o], start[o + 1]):
            gain = prices[client[a]] - cost[a]
            room = capacity[o] - demand[client[a]]
            if room < 0.0:
                kept[a] = 0.0
                continue
            own = max(gain, 0.0)
            if exact:
                others = values[int(min(room, load))]
            else:
                others = continuous_value(sorted_profit, sorted_weight, 0, room)
            # An item that the best filling takes already loses nothing.
            reached = min(profit_of[o], others + own) if gain > 0.0 else others + gain
            kept[a] = 1.0 if profit_of[o] - reached <= slack[o] else 0.0
