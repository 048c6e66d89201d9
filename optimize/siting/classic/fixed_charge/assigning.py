"""
Compiled search for the assignment of clients to open options, each client to one of them.

A generalised assignment problem: clients are put where they cost least in an order, then moved and
swapped (Martello and Toth 1981, "An algorithm for the generalized assignment problem", Operational
Research '81). Load above a capacity or below a least load costs a penalty, which rises until none
is left.
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import kernel

MOST_PASSES = 60
EPSILON = 1e-9


@kernel
def excess(load: float, least: float, most: float) -> float:
    """Load above the most or below the least."""
    return max(0.0, load - most) + max(0.0, least - load)


@kernel
def put_clients(
    costs: FloatArray,
    demand: FloatArray,
    most: FloatArray,
    order: IntArray,
    penalty: float,
    option_of: IntArray,
) -> None:
    """Put clients one by one where they cost least, overload included."""
    load = np.zeros(costs.shape[0])
    for i in order:
        best, best_cost = 0, np.inf
        for k in range(costs.shape[0]):
            over = max(0.0, load[k] + demand[i] - most[k]) - max(0.0, load[k] - most[k])
            cost = costs[k, i] + penalty * over
            if cost < best_cost:
                best, best_cost = k, cost
        option_of[i] = best
        load[best] += demand[i]


@kernel
def _best_move(
    costs: FloatArray,
    demand: float,
    least: FloatArray,
    most: FloatArray,
    penalty: float,
    load: FloatArray,
    client: int,
    a: int,
) -> int:
    """Return the option where a client of option a is best put."""
    relief = excess(load[a] - demand, least[a], most[a]) - excess(load[a], least[a], most[a])
    best, best_gain = a, -EPSILON
    for b in range(load.size):
        if b == a or not np.isfinite(costs[b, client]):
            continue
        burden = excess(load[b] + demand, least[b], most[b]) - excess(load[b], least[b], most[b])
        gain = costs[b, client] - costs[a, client] + penalty * (relief + burden)
        if gain < best_gain:
            best, best_gain = b, gain
    return best


@kernel
def improve_assignment(
    costs: FloatArray,
    demand: FloatArray,
    least: FloatArray,
    most: FloatArray,
    penalty: float,
    option_of: IntArray,
) -> float:
    """Move and swap clients until nothing helps; return the excess load that is left."""
    num_options, num_clients = costs.shape
    load = np.zeros(num_options)
    for i in range(num_clients):
        load[option_of[i]] += demand[i]
    for _ in range(MOST_PASSES):
        moved = False
        for i in range(num_clients):
            a = option_of[i]
            best = _best_move(costs, demand[i], least, most, penalty, load, i, a)
            if best != a:
                load[a] -= demand[i]
                load[best] += demand[i]
                option_of[i] = best
                moved = True
        if not moved and not swap_clients(costs, demand, least, most, penalty, option_of, load):
            break
    left = 0.0
    for k in range(num_options):
        over = excess(load[k], least[k], most[k])
        if over > EPSILON * (1.0 + most[k] if most[k] < 1e300 else 1.0):
            left += over
    return left


@kernel
def swap_clients(
    costs: FloatArray,
    demand: FloatArray,
    least: FloatArray,
    most: FloatArray,
    penalty: float,
    option_of: IntArray,
    load: FloatArray,
) -> bool:
    """Swap pairs of clients that gain by it; whether any did."""
    num_clients, moved = demand.size, False
    for i in range(num_clients):
        for k in range(i + 1, num_clients):
            a, b = option_of[i], option_of[k]
            if a == b:
                continue
            saved = costs[b, i] + costs[a, k] - costs[a, i] - costs[b, k]
            more = demand[k] - demand[i]
            if saved >= -EPSILON and (more == 0.0 or penalty == 0.0):
                continue
            if not np.isfinite(saved):
                continue
            before = excess(load[a], least[a], most[a]) + excess(load[b], least[b], most[b])
            if saved >= -EPSILON and before <= 0.0:
                continue
            after = excess(load[a] + more, least[a], most[a]) + excess(
                load[b] - more, least[b], most[b]
            )
            if saved + penalty * (after - before) < -EPSILON:
                option_of[i], option_of[k] = b, a
                load[a] += more
                load[b] -= more
                moved = True
    return moved
