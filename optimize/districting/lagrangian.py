"""
Lagrangian bound of the Hess model, and the variables that it proves useless.

Relaxed are the assignment and the balance rows; what is left picks the k cheapest centres, in
O(n²) an evaluation. Every evaluation proves for each pair (i, j) a bound on plans that use it;
pairs whose bound exceeds a known plan are fixed to zero (Validi, Buchanan and Lykhovyd 2022,
"Imposing contiguity constraints in political districting models", Operations Research 70(2),
section 5). The dual is climbed by Shor's r-algorithm, subgradients with space dilation
(Shor 1985, "Minimization methods for non-differentiable functions", chapter 3), which gets far
closer to the linear relaxation than a plain subgradient in as many evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...models.districting.problem import Districting
from ...models.formulation import BoolArray, FloatArray, IntArray
from ..limits import Deadline, Stop

DILATION = 0.5
LONGER, SHORTER = 1.2, 0.9
PATIENCE = 3
MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class Evaluation:
    """
    The Lagrangian function at one point.

    Parameters
    ----------
    bound
        Proven bound on the optimum (of the plans with the forced centre, if there is one).
    chosen
        Columns of the k centres that the inner problem picks, shape (k,).
    slope
        Subgradient of the bound, shape of the point.
    pair_bounds
        Bound on every plan that uses node i with the centre of column j, shape (nodes, columns).
    """

    bound: float
    chosen: IntArray
    slope: FloatArray
    pair_bounds: FloatArray


@dataclass(frozen=True, eq=False)
class Climb:
    """
    Result of climbing the dual.

    Parameters
    ----------
    best
        Evaluation at the best point.
    point
        The best point, for another climb.
    pair_bounds
        Best bound for each pair over all points, shape (nodes, columns).
    """

    best: Evaluation
    point: FloatArray
    pair_bounds: FloatArray


class Relaxation:
    """
    The Lagrangian function of one problem on the pairs that are still allowed.

    A point holds one multiplier per node for its assignment row, then one per weight and centre
    for its two balance rows: above 0 it prices the upper bound, below 0 the lower one. Weights
    are scaled to mean 1, so that all multipliers are in the unit of the costs.
    """

    def __init__(self, problem: Districting, allowed: BoolArray) -> None:
        """Keep the columns of centres that are allowed for themselves."""
        self.problem = problem
        self.centres = np.flatnonzero(np.diag(allowed))
        columns = np.ix_(np.arange(problem.num_nodes), self.centres)
        self.costs = np.where(allowed[columns], problem.costs[columns], np.inf)
        scale = np.maximum(problem.weights.mean(axis=0), 1e-12)
        self.weights = problem.weights / scale
        self.lower = (np.maximum(problem.lower, 0) / scale)[:, None]
        # A district never holds more than everything, so an infinite bound becomes that.
        most = np.minimum(problem.upper, problem.weights.sum(axis=0))
        self.upper = (most / scale)[:, None]

    def evaluate(self, point: FloatArray, forced: int | None = None) -> Evaluation:
        """Bound, slope and pair bounds at one point, with the column ``forced`` open."""
        n, k, columns = self.problem.num_nodes, self.problem.num_districts, self.centres.size
        assign, balance = point[:n], point[n:].reshape(-1, columns)
        reduced = self.costs - assign[:, None]
        reduced += self.weights @ balance
        own = reduced[self.centres, np.arange(columns)]
        limit = np.where(balance > 0, self.upper, self.lower)
        price = np.minimum(reduced, 0).sum(axis=0) - np.minimum(own, 0) + own
        price -= (limit * balance).sum(axis=0)
        rank = price
        if forced is not None:
            rank = price.copy()
            rank[forced] = -np.inf
        chosen = np.argpartition(rank, k - 1)[:k]
        bound = float(assign.sum() + price[chosen].sum())
        use = (reduced[:, chosen] < 0).astype(float)
        use[self.centres[chosen], np.arange(k)] = 1
        slope = np.zeros_like(point)
        slope[:n] = 1 - use.sum(axis=1)
        slope[n:].reshape(-1, columns)[:, chosen] = self.weights.T @ use - limit[:, chosen]
        entering = np.maximum(price - rank[chosen].max(), 0)
        entering[chosen] = 0
        pair_bounds = np.maximum(reduced, 0)
        pair_bounds[self.centres, np.arange(columns)] = 0
        pair_bounds += bound + entering
        return Evaluation(bound, chosen, slope, pair_bounds)

    def origin(self, plan: IntArray | None) -> FloatArray:
        """Return a point to start from: the cost of each node in a plan, and a little more."""
        n = self.problem.num_nodes
        if plan is not None:
            assign = self.problem.costs[np.arange(n), self.problem.centres(plan)[plan]]
        else:
            k = min(self.problem.num_districts, n - 1)
            assign = np.partition(self.problem.costs, k, axis=1)[:, k]
        return np.concatenate([assign + np.median(assign), np.zeros(self.weights.shape[1] * n)])

    def carried(self, point: FloatArray, centres: IntArray) -> FloatArray:
        """Carry a point of a relaxation with more centres over to this one."""
        n = self.problem.num_nodes
        balance = point[n:].reshape(-1, centres.size)
        kept = balance[:, np.searchsorted(centres, self.centres)]
        return np.concatenate([point[:n], kept.ravel()])


def climb(
    relaxation: Relaxation,
    start: FloatArray,
    *,
    step: float,
    target: float = np.inf,
    forced: int | None = None,
    iterations: int = 800,
    deadline: Deadline | None = None,
    stop: Stop | None = None,
) -> Climb:
    """
    Climb the Lagrangian dual.

    Parameters
    ----------
    relaxation
        The function.
    start
        Where to start.
    step
        Length of the first step.
    target
        Objective of a known plan; the climb ends when the bound reaches it.
    forced
        Column of a centre that is open.
    iterations
        Number of directions tried at most.
    deadline, stop
        Ends the climb early.
    """
    point = best_point = start
    current = best = relaxation.evaluate(point, forced)
    pair_bounds = current.pair_bounds.copy()
    smallest = 1e-7 * max(step, 1e-9)
    dilated = np.eye(point.size)
    for _ in range(iterations):
        if (stop is not None and stop.requested) or (deadline is not None and deadline.passed):
            break
        transformed = dilated.T @ current.slope
        length = float(np.linalg.norm(transformed))
        met = np.isfinite(target) and target - best.bound <= 1e-9 * abs(target)
        if not length > 0 or step < smallest or met:
            break
        direction = dilated @ (transformed / length)
        old_slope, steps = current.slope, 0
        while steps == 0 or (float(current.slope @ direction) > 0 and steps < MOST_STEPS):
            point = point + step * direction
            current = relaxation.evaluate(point, forced)
            np.maximum(pair_bounds, current.pair_bounds, out=pair_bounds)
            if current.bound > best.bound:
                best, best_point = current, point
            steps += 1
            step *= LONGER if steps >= PATIENCE else 1.0
        step *= SHORTER if steps == 1 else 1.0
        change = dilated.T @ (current.slope - old_slope)
        size = float(np.linalg.norm(change))
        if size > 0:
            axis = change / size
            dilated += np.outer((DILATION - 1) * (dilated @ axis), axis)
    return Climb(best, best_point, pair_bounds)


@dataclass
class Fixing:
    """
    Variables that may still occur in a plan better than the best one known.

    Parameters
    ----------
    problem
        What is asked.
    pair_bounds
        Best proven bound of each pair, shape (nodes, nodes); infinite where a pair cannot occur.
    bound
        Best proven bound on the optimum, as long as no plan better than the cutoff exists.
    """

    problem: Districting
    pair_bounds: FloatArray
    bound: float = -np.inf
    point: FloatArray | None = None
    centres: IntArray | None = None
    picked: IntArray | None = None

    def allowed(self, cutoff: float) -> BoolArray:
        """Pairs whose bound does not exceed ``cutoff``, shape (nodes, nodes)."""
        keep = self.pair_bounds <= cutoff + 1e-7 * max(1.0, abs(cutoff))
        return np.asarray(keep & np.diag(keep)[None, :])

    def tighten(
        self,
        plan: IntArray | None,
        cutoff: float,
        *,
        iterations: int,
        deadline: Deadline | None = None,
        stop: Stop | None = None,
    ) -> None:
        """Climb once on the pairs that are allowed, and fix more of them."""
        relaxation = Relaxation(self.problem, self.allowed(cutoff))
        if relaxation.centres.size < self.problem.num_districts:
            self.bound = np.inf
            return
        length = 1.0
        if self.point is None or self.centres is None:
            first = relaxation.origin(plan)
            start = relaxation.carried(first, np.arange(self.problem.num_nodes))
            length = 5.0
        else:
            start = relaxation.carried(self.point, self.centres)
        scale = float(np.abs(start[: self.problem.num_nodes]).mean())
        found = climb(
            relaxation,
            start,
            step=length * scale,
            target=cutoff,
            iterations=iterations,
            deadline=deadline,
            stop=stop,
        )
        self._learn(relaxation.centres, found.pair_bounds)
        self.bound = max(self.bound, found.best.bound)
        self.point, self.centres = found.point, relaxation.centres
        self.picked = relaxation.centres[found.best.chosen]

    def probe(
        self,
        cutoff: float,
        *,
        iterations: int,
        deadline: Deadline | None = None,
        stop: Stop | None = None,
    ) -> None:
        """
        Climb once for every centre that is left, with that centre open.

        The bound on plans with that centre is far tighter than the common one, for the centre
        itself and for every pair with it.
        """
        relaxation = Relaxation(self.problem, self.allowed(cutoff))
        if self.point is None or self.centres is None:
            return
        if relaxation.centres.size < self.problem.num_districts:
            self.bound = np.inf
            return
        start = relaxation.carried(self.point, self.centres)
        scale = 0.2 * float(np.abs(start[: self.problem.num_nodes]).mean())
        weakest = np.inf
        for column, centre in enumerate(relaxation.centres):
            found = climb(
                relaxation,
                start,
                step=scale,
                target=cutoff,
                forced=column,
                iterations=iterations,
                deadline=deadline,
                stop=stop,
            )
            mine = np.maximum(self.pair_bounds[:, centre], found.pair_bounds[:, column])
            self.pair_bounds[:, centre] = mine
            weakest = min(weakest, found.best.bound)
        # Every plan has a centre, so the weakest of these bounds holds for all plans.
        self.bound = max(self.bound, weakest)

    def _learn(self, centres: IntArray, pair_bounds: FloatArray) -> None:
        columns = np.ix_(np.arange(self.problem.num_nodes), centres)
        self.pair_bounds[columns] = np.maximum(self.pair_bounds[columns], pair_bounds)
