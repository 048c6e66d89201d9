"""
Lagrangian bound of the Hess model, and the variables that it proves useless.

Every evaluation of the Lagrangian function (:mod:`.relaxation`) proves for each pair (i, j) a bound
on plans that use it; pairs whose bound exceeds a known plan are fixed to zero (Validi, Buchanan and
Lykhovyd 2022, "Imposing contiguity constraints in political districting models", Operations
Research 70(2), section 5). The dual is climbed by Shor's r-algorithm, subgradients with space
dilation (Shor 1985, "Minimization methods for non-differentiable functions", chapter 3). The
dilations are kept as a product of rank-one factors, and pairs are dropped on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ....models.districting.label_rules import centre_bounds, seats_of
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...compiled import kernel
from ...limits import Deadline, Stop
from .relaxation import Evaluation, Relaxation

DILATION = 0.5
LONGER, SHORTER = 1.2, 0.9
PATIENCE = 3
MOST_STEPS = 100
MOST_FACTORS = 1000
"""Dilations that are remembered; after them the space is as it was at first."""

UNBOUNDED = 1e100
"""Bound beyond which the dual counts as unbounded: there is no plan to bound."""

COMPRESS_AFTER, COMPRESS_EVERY = 20, 100
"""Directions after which pairs that are proven useless are dropped from the evaluation."""


@dataclass
class Ascent:
    """
    A climb of the dual that can be continued.

    Parameters
    ----------
    point
        Where it stands, shape (nodes,).
    step
        Length of the next step.
    best, best_point
        The best evaluation so far, and its point.
    """

    point: FloatArray
    step: float
    best: Evaluation | None = None
    best_point: FloatArray = field(default_factory=lambda: np.empty(0))
    _current: Evaluation | None = None
    _factors: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    _count: int = 0

    @property
    def bound(self) -> float:
        """Best bound so far."""
        return -np.inf if self.best is None else self.best.bound

    def climb(
        self,
        relaxation: Relaxation,
        *,
        target: float = np.inf,
        forced: int | None = None,
        iterations: int = 800,
        deadline: Deadline | None = None,
        stop: Stop | None = None,
    ) -> bool:
        """
        Try directions until none is left; whether more of them may help.

        Parameters
        ----------
        relaxation
            The function.
        target
            Objective of a known plan; the climb ends when the bound reaches it.
        forced
            Column of a centre that is open.
        iterations
            Number of directions tried at most.
        deadline, stop
            Ends the climb early.
        """
        smallest = 1e-7 * float(np.abs(self.point).mean() + 1e-12)
        self._visit(relaxation, forced)
        for _ in range(iterations):
            over = (stop is not None and stop.requested) or (
                deadline is not None and deadline.passed
            )
            met = np.isfinite(target) and target - self.bound <= 1e-9 * abs(target)
            if over or met or self.step < smallest or not self._advance(relaxation, forced):
                return False
        return True

    def _visit(self, relaxation: Relaxation, forced: int | None) -> Evaluation:
        found = relaxation.evaluate(self.point, forced)
        self._current = found
        if found.bound > self.bound:
            self.best, self.best_point = found, self.point
        return found

    def _advance(self, relaxation: Relaxation, forced: int | None) -> bool:
        """Go one direction as far as it climbs, then dilate the space along the change."""
        current = self._current or self._visit(relaxation, forced)
        direction = current.slope.copy()
        _transform(self._factors, self._count, DILATION - 1, direction, forward=False)
        length = float(np.linalg.norm(direction))
        if not length > 0:
            return False
        direction /= length
        _transform(self._factors, self._count, DILATION - 1, direction, forward=True)
        before, steps = current.slope, 0
        while steps == 0 or (float(current.slope @ direction) > 0 and steps < MOST_STEPS):
            self.point = self.point + self.step * direction
            current = self._visit(relaxation, forced)
            steps += 1
            if abs(current.bound) > UNBOUNDED:
                return False
            self.step *= LONGER if steps >= PATIENCE else 1.0
        self.step *= SHORTER if steps == 1 else 1.0
        self._dilate(current.slope - before)
        return True

    def _dilate(self, change: FloatArray) -> None:
        _transform(self._factors, self._count, DILATION - 1, change, forward=False)
        size = float(np.linalg.norm(change))
        if not size > 0:
            return
        if self._count == MOST_FACTORS:
            self._count = 0
        if self._count == self._factors.shape[0]:
            more = np.empty((max(2 * self._count, 64), change.size))
            if self._count:
                more[: self._count] = self._factors
            self._factors = more
        self._factors[self._count] = change / size
        self._count += 1


@kernel
def _transform(
    factors: FloatArray, count: int, change: float, vector: FloatArray, *, forward: bool
) -> None:
    """Multiply by the dilations (I + change · η ηᵀ), or by their transposes, in place."""
    for number in range(count):
        factor = factors[count - 1 - number if forward else number]
        scale = 0.0
        for i in range(vector.size):
            scale += factor[i] * vector[i]
        scale *= change
        for i in range(vector.size):
            vector[i] += scale * factor[i]


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
    _ascent: Ascent | None = None
    _balance: FloatArray | None = None

    def allowed(self, cutoff: float) -> BoolArray:
        """
        Pairs whose bound does not exceed ``cutoff``, shape (nodes, nodes).

        A centre whose pairs together are too light for any district is dropped.
        """
        keep = self.pair_bounds <= cutoff + 1e-7 * max(1.0, abs(cutoff))
        least = centre_bounds(self.problem)[0] - 1e-6
        reached = keep.T @ self.problem.weights
        centre = np.diag(keep) & (reached >= least).all(axis=1)
        return np.asarray(keep & centre[None, :])

    def tighten(
        self,
        plan: IntArray | None,
        cutoff: float,
        *,
        iterations: int,
        deadline: Deadline | None = None,
        stop: Stop | None = None,
    ) -> None:
        """Climb on, on the pairs that are allowed, and fix more of them."""
        # No plan costs more than this, so a higher bound proves that there is none.
        ceiling = 1.001 * float(self.problem.costs.max(axis=1).sum()) + 1.0
        target = min(cutoff, 1.01 * ceiling)
        done = 0
        goes_on = True
        while goes_on and done < iterations:
            relaxation = self._relaxation(cutoff)
            if relaxation is None:
                return
            if self._ascent is None:
                point = relaxation.origin(plan)
                self._ascent = Ascent(point, step=5.0 * float(np.abs(point).mean()))
            some = COMPRESS_AFTER if done == 0 else COMPRESS_EVERY
            goes_on = self._ascent.climb(
                relaxation, target=target, iterations=some, deadline=deadline, stop=stop
            )
            done += some
            self._learn(relaxation, np.arange(relaxation.centres.size))
            self.bound = max(self.bound, self._ascent.bound)

    @property
    def seats(self) -> IntArray:
        """Nodes that are centres in every plan."""
        seats = seats_of(self.problem)
        return seats[seats >= 0]

    def best_multipliers(self) -> tuple[FloatArray, FloatArray]:
        """Best point so far, and the multipliers of balance, shape (nodes, weights)."""
        n = self.problem.num_nodes
        point = np.zeros(n) if self._ascent is None else self._ascent.best_point
        none = np.zeros((n, self.problem.weights.shape[1]))
        return point, none if self._balance is None else self._balance

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
        relaxation = self._relaxation(cutoff)
        if self._ascent is None or relaxation is None:
            return
        start = self._ascent.best_point
        weakest = np.inf
        balance = relaxation.balance.copy()
        for column in range(relaxation.centres.size):
            relaxation.pair_bounds[:] = -np.inf
            relaxation.balance[:] = balance
            ascent = Ascent(start, step=0.2 * float(np.abs(start).mean()))
            ascent.climb(
                relaxation,
                target=cutoff,
                forced=column,
                iterations=iterations,
                deadline=deadline,
                stop=stop,
            )
            self._learn(relaxation, np.array([column]))
            weakest = min(weakest, ascent.bound)
        # Every plan has a centre, so the weakest of these bounds holds for all plans.
        self.bound = max(self.bound, weakest)

    def _relaxation(self, cutoff: float) -> Relaxation | None:
        """Return the relaxation of the pairs that are left; None if they hold no plan."""
        seats = self.seats
        relaxation = Relaxation(
            self.problem, self.allowed(cutoff), forced=seats, balance=self._balance
        )
        missing = not np.isin(seats, relaxation.centres).all()
        if relaxation.is_empty or missing:
            self.bound = np.inf
            return None
        return relaxation

    def _learn(self, relaxation: Relaxation, columns: IntArray) -> None:
        """Take the pair bounds and multipliers of some columns."""
        entries = np.isin(relaxation.column, columns)
        node, centre = relaxation.node[entries], relaxation.centres[relaxation.column[entries]]
        found = relaxation.pair_bounds[entries]
        self.pair_bounds[node, centre] = np.maximum(self.pair_bounds[node, centre], found)
        if columns.size == relaxation.centres.size:
            shape = (self.problem.num_nodes, relaxation.balance.shape[1])
            self._balance = np.zeros(shape)
            self._balance[relaxation.centres] = relaxation.balance
