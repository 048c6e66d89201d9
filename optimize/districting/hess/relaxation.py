"""
The Lagrangian function of the Hess model, column by column.

Relaxed are the assignment rows with a multiplier λ_i for each node, and the balance rows with a
multiplier β_jw for each centre and weight. The inner problem picks the k cheapest columns,

    v_j(λ) = max over β of  min { Σ_i (c_ij - λ_i + Σ_w β_jw p_iw) x_ij : 0 ≤ x ≤ 1, x_jj = 1 }
                            - Σ_w (U_w max(β_jw, 0) - L_w max(-β_jw, 0)),

as in Validi, Buchanan and Lykhovyd (2022), "Imposing contiguity constraints in political
districting models", Operations Research 70(2), section 5. There λ and β are climbed together. Here
β is not part of the point: for one weight the best β_j solves a continuous knapsack by sorting
(Dantzig 1957, "Discrete-variable extremum problems", Operations Research 5(2)), for several a sweep
over them is repeated. Any β gives a bound, so it is kept from point to point and made best only for
the columns that are picked. The point shrinks to one multiplier a node, and the bound is closer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.districting.label_rules import centre_bounds
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...compiled import kernel

SWEEPS = 4
"""Sweeps over the multipliers of a column at most; with one weight the second changes nothing."""

SLACK = 1e-9
"""Part of the mean weight by which a load may miss its bounds."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """
    The Lagrangian function at one point.

    Parameters
    ----------
    bound
        Proven bound on the optimum (of the plans with the forced centre, if there is one).
    chosen
        The k centres that the inner problem picks, shape (k,).
    slope
        Subgradient of the bound, shape (nodes,).
    """

    bound: float
    chosen: IntArray
    slope: FloatArray


class Relaxation:
    """
    The Lagrangian function of one problem on the pairs that are still allowed.

    Bounds are the loosest of the districts that a centre may serve, so it holds under every rule.
    Weights are scaled to mean 1, so that all multipliers are in the unit of the costs.
    ``pair_bounds`` keeps, for every allowed pair, the best bound so far on plans that use it.

    Parameters
    ----------
    problem
        What is asked.
    allowed
        Pairs that may be used, shape (nodes, nodes); a column needs its centre.
    forced
        Nodes that are centres in every plan.
    balance
        Multipliers to start from, shape (nodes, weights); None for 0.
    """

    def __init__(
        self,
        problem: Districting,
        allowed: BoolArray,
        *,
        forced: IntArray | None = None,
        balance: FloatArray | None = None,
    ) -> None:
        """Keep the columns of centres that are allowed for themselves."""
        self.problem = problem
        self.centres = np.flatnonzero(np.diag(allowed))
        inside = allowed[:, self.centres]
        self.column, self.node = np.nonzero(inside.T)
        self.first = np.r_[0, np.cumsum(inside.sum(axis=0))].astype(np.int64)
        self.costs = np.ascontiguousarray(problem.costs[self.node, self.centres[self.column]])
        self.own = np.flatnonzero(self.node == self.centres[self.column]).astype(np.int64)
        scale = np.maximum(problem.weights.mean(axis=0), 1e-12)
        self.weights = np.ascontiguousarray(problem.weights / scale)
        lower, upper = centre_bounds(problem)
        self.lower = np.maximum(lower[self.centres], 0) / scale
        # A district never holds more than everything, so an infinite bound becomes that.
        most = np.minimum(upper[self.centres], problem.weights.sum(axis=0))
        self.upper = np.ascontiguousarray(most / scale)
        columns = self.centres.size
        given = np.zeros((columns, scale.size)) if balance is None else balance[self.centres]
        self.balance = np.ascontiguousarray(given)
        self.pair_bounds = np.full(self.node.size, -np.inf)
        self.open = np.zeros(columns, dtype=bool)
        if forced is not None:
            self.open[np.isin(self.centres, forced)] = True
        self._reduced = np.empty(self.node.size)
        self._share = np.zeros(self.node.size)
        self._price = np.empty(columns)

    @property
    def is_empty(self) -> bool:
        """Whether too few centres are left for any plan."""
        k = self.problem.num_districts
        return bool(self.centres.size < k or self.open.sum() > k)

    def evaluate(self, point: FloatArray, forced: int | None = None) -> Evaluation:
        """Bound and slope at one point, with the column ``forced`` open."""
        is_open = self.open
        if forced is not None:
            is_open = self.open.copy()
            is_open[forced] = True
        slope = np.empty(point.size)
        chosen = np.empty(self.problem.num_districts, dtype=np.int64)
        bound = _evaluate(
            (self.first, self.node, self.costs, self.own),
            (self.weights, self.lower, self.upper),
            point,
            is_open,
            self.balance,
            (self._reduced, self._share, self._price, self.pair_bounds),
            chosen,
            slope,
        )
        return Evaluation(float(bound), self.centres[chosen], slope)

    def origin(self, plan: IntArray | None) -> FloatArray:
        """Return a point to start from: the cost of each node in a plan, and a little more."""
        n = self.problem.num_nodes
        if plan is not None:
            point = self.problem.costs[np.arange(n), self.problem.centres(plan)[plan]]
        else:
            k = min(self.problem.num_districts, n - 1)
            point = np.partition(self.problem.costs, k, axis=1)[:, k]
        return np.asarray(point + np.median(point))


Columns = tuple[IntArray, IntArray, FloatArray, IntArray]
Weights = tuple[FloatArray, FloatArray, FloatArray]
Workspace = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


@kernel
def _evaluate(
    columns: Columns,
    weights: Weights,
    point: FloatArray,
    is_open: BoolArray,
    balance: FloatArray,
    workspace: Workspace,
    chosen: IntArray,
    slope: FloatArray,
) -> float:
    """Price all columns, make β best for those that are picked, and bound every pair."""
    first, node, _, own = columns
    reduced, share, price, pair_bounds = workspace
    rank = np.empty(own.size)
    is_best = np.zeros(own.size, dtype=np.bool_)
    for c in range(own.size):
        _price(columns, weights, point, balance, reduced, price, c)
    settled = False
    while not settled:
        settled = True
        rank[:] = np.where(is_open, -np.inf, price)
        chosen[:] = np.argsort(rank)[: chosen.size]
        for c in chosen:
            if not is_best[c]:
                _balance(columns, weights, point, balance, reduced, share, c)
                _price(columns, weights, point, balance, reduced, price, c)
                is_best[c] = True
                settled = False
    bound = point.sum() + price[chosen].sum()
    slope[:] = 1.0
    for c in chosen:
        for e in range(first[c], first[c + 1]):
            slope[node[e]] -= share[e]
    entering = np.maximum(price - rank[chosen].max(), 0.0)
    entering[chosen] = 0.0
    _bound_pairs(columns, reduced, bound + entering, pair_bounds)
    return float(bound)


@kernel
def _bound_pairs(
    columns: Columns, reduced: FloatArray, opened: FloatArray, pair_bounds: FloatArray
) -> None:
    """Raise the bound of every pair, given that on plans with each centre."""
    first, _, _, own = columns
    for c in range(own.size):
        for e in range(first[c], first[c + 1]):
            found = opened[c] if e == own[c] else opened[c] + max(reduced[e], 0.0)
            pair_bounds[e] = max(pair_bounds[e], found)


@kernel
def _reduced_cost(
    cost: float, point: FloatArray, balance: FloatArray, weight: FloatArray, i: int, c: int
) -> float:
    """c_ij - λ_i + Σ_w β_jw p_iw of node i in column c."""
    cost -= point[i]
    for w in range(weight.shape[1]):
        cost += balance[c, w] * weight[i, w]
    return cost


@kernel
def _price(
    columns: Columns,
    weights: Weights,
    point: FloatArray,
    balance: FloatArray,
    reduced: FloatArray,
    price: FloatArray,
    c: int,
) -> None:
    """Reduced costs and price of one column with the β that it has."""
    first, node, costs, own = columns
    weight, lower, upper = weights
    total = 0.0
    for e in range(first[c], first[c + 1]):
        cost = _reduced_cost(costs[e], point, balance, weight, node[e], c)
        reduced[e] = cost
        if cost < 0.0:
            total += cost
    total += max(reduced[own[c]], 0.0)
    for w in range(lower.shape[1]):
        beta = balance[c, w]
        total -= beta * (upper[c, w] if beta > 0.0 else lower[c, w])
    price[c] = total


@kernel
def _balance(
    columns: Columns,
    weights: Weights,
    point: FloatArray,
    balance: FloatArray,
    reduced: FloatArray,
    share: FloatArray,
    c: int,
) -> None:
    """Make the β of one column best, one weight after the other; ``share`` is then x."""
    first, node, _, _ = columns
    weight, lower, upper = weights
    entries = np.empty(first[c + 1] - first[c], dtype=np.int64)
    ratio = np.empty(entries.size)
    begun = False
    for sweep in range(SWEEPS):
        changed = False
        for w in range(lower.shape[1]):
            load = 0.0
            for e in range(first[c], first[c + 1]):
                load += share[e] * weight[node[e], w]
            kept = lower[c, w] - SLACK <= load <= upper[c, w] + SLACK
            if begun and kept and (sweep > 0 or balance[c, w] == 0.0):
                continue
            begun = changed = True
            balance[c, w] = 0.0
            _open(columns, weights, point, balance, reduced, share, c)
            balance[c, w] = _knapsack(columns, weights, reduced, share, entries, ratio, c, w)
        if not changed:
            break


@kernel
def _open(
    columns: Columns,
    weights: Weights,
    point: FloatArray,
    balance: FloatArray,
    reduced: FloatArray,
    share: FloatArray,
    c: int,
) -> None:
    """Take every node of negative reduced cost, and the centre."""
    first, node, costs, own = columns
    weight, _, _ = weights
    for e in range(first[c], first[c + 1]):
        cost = _reduced_cost(costs[e], point, balance, weight, node[e], c)
        reduced[e] = cost
        share[e] = 1.0 if cost < 0.0 or e == own[c] else 0.0


@kernel
def _knapsack(
    columns: Columns,
    weights: Weights,
    reduced: FloatArray,
    share: FloatArray,
    entries: IntArray,
    ratio: FloatArray,
    c: int,
    w: int,
) -> float:
    """Drop or add the nodes that are cheapest by weight until one weight keeps its bounds."""
    first, node, _, own = columns
    weight, lower, upper = weights
    load = 0.0
    for e in range(first[c], first[c + 1]):
        load += share[e] * weight[node[e], w]
    if lower[c, w] <= load <= upper[c, w]:
        return 0.0
    sign = 1.0 if load > upper[c, w] else -1.0
    limit = upper[c, w] if sign > 0.0 else lower[c, w]
    count = 0
    for e in range(first[c], first[c + 1]):
        moves = (share[e] > 0.0) == (sign > 0.0) and e != own[c]
        if moves and weight[node[e], w] > 0.0:
            entries[count] = e
            ratio[count] = -sign * reduced[e] / weight[node[e], w]
            count += 1
    beta = 0.0
    for place in np.argsort(ratio[:count]):
        e = entries[place]
        size = weight[node[e], w]
        beta = sign * ratio[place]
        over = sign * (load - limit)
        if over <= size:
            share[e] = 1.0 - over / size if sign > 0.0 else over / size
            break
        share[e] = 0.0 if sign > 0.0 else 1.0
        load -= sign * size
    return float(beta)
