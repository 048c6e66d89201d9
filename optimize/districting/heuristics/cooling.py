"""One run of annealing: temperatures and prices over time, what is kept, and when it stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ....models.districting.objective import Objective
from ....models.districting.problem import Districting
from ....models.formulation import FloatArray, IntArray
from ...compiled import Random
from ...limits import Stop
from .annealing import anneal
from .board import Board, Index
from .moves import State, make_state
from .trees import Tree, recombine

_MOVES_A_CALL = 200_000
_NODES_A_CALL = 200_000
_PROBE_MOVES = 500
_PRICE_RANGE = 0.1, 1e12


@dataclass
class Incumbent:
    """
    The best plan of a run, checked by the problem itself, and when it was found.

    Parameters
    ----------
    problem, objective
        What plans are checked and judged by.
    end
        Moment (time.monotonic) at which the run must end.
    stop, listen
        As :func:`find_plan` got them.
    """

    problem: Districting
    objective: Objective
    end: float
    stop: Stop | None = None
    listen: Callable[[float, float], None] | None = None
    plan: IntArray | None = None
    value: float = np.inf
    history: list[tuple[float, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether the time is up or someone asked to stop."""
        return time.monotonic() >= self.end or (self.stop is not None and self.stop.requested)

    def offer(self, plan: IntArray) -> bool:
        """Take a plan if it keeps every rule and is better; say whether it was taken."""
        value = self.objective.evaluate(self.problem, plan)
        if not value < self.value - 1e-9 or self.problem.violations(plan):
            return False
        self.plan, self.value = plan.copy(), value
        seconds = time.monotonic() - self.began
        self.history.append((seconds, value))
        if self.listen is not None:
            self.listen(seconds, value)
        return True


@dataclass(frozen=True)
class Cooling:
    """
    How a run of annealing goes.

    Parameters
    ----------
    moves, recombinations
        Number of moves and of recombinations tried at each temperature.
    stages
        Number of temperatures.
    hot, cold
        First and last temperature, as shares of the mean size of a move's cost.
    swap_share
        Share of the moves that break a bound which are tried together with a second move.
    """

    moves: int
    recombinations: int
    stages: int = 30
    hot: float = 2.0
    cold: float = 0.01
    swap_share: float = 0.3


@dataclass
class Annealer:
    """A board with its random numbers and the best plan so far, to run annealing on."""

    board: Board
    tree: Tree
    random: Random
    incumbent: Incumbent

    def run(self, plan: IntArray, cooling: Cooling) -> IntArray:
        """
        Cool from a connected plan and offer the best feasible one.

        Returns
        -------
        IntArray
            The best feasible plan of this run, else the last plan.
        """
        state = make_state(self.board, plan)
        best, values = state.plan.copy(), np.array([np.inf])
        size = self._move_size(state, best, values)
        price = 3 * size * plan.size / self.board.seats.size
        low, high = (share * size for share in _PRICE_RANGE)
        for temperature in np.geomspace(cooling.hot, cooling.cold, cooling.stages) * size:
            self._recombine(state, best, values, cooling, temperature, price)
            share = self._move(state, best, values, cooling, temperature, price)
            price = min(max(price * np.exp(0.5 * (0.5 - share)), low), high)
        self._move(state, best, values, cooling, 1e-9 * size, 3 * price)
        if np.isfinite(values[0]):
            self.incumbent.offer(best.astype(np.int64))
            return best.astype(np.int64)
        return state.plan.astype(np.int64)

    def _move_size(self, state: State, best: Index, values: FloatArray) -> float:
        """Mean size of a move's cost."""
        _, size = anneal(self.board, state, self.random, best, values, _PROBE_MOVES, 0.0, 0.0, 0.0)
        return max(size, 1e-9)

    def _recombine(
        self,
        state: State,
        best: Index,
        values: FloatArray,
        cooling: Cooling,
        temperature: float,
        price: float,
    ) -> None:
        """Recombine in calls short enough to be stopped between them."""
        each = max(1, _NODES_A_CALL // state.plan.size)
        for done in range(0, cooling.recombinations, each):
            if self.incumbent.over:
                return
            count = min(each, cooling.recombinations - done)
            recombine(
                self.board, state, self.tree, self.random, best, values, count, temperature, price
            )

    def _move(
        self,
        state: State,
        best: Index,
        values: FloatArray,
        cooling: Cooling,
        temperature: float,
        price: float,
    ) -> float:
        """Move and swap likewise; return the share of the moves made at feasible plans."""
        feasible = 0.0
        for done in range(0, cooling.moves, _MOVES_A_CALL):
            if self.incumbent.over:
                break
            count = min(_MOVES_A_CALL, cooling.moves - done)
            share, _ = anneal(
                self.board,
                state,
                self.random,
                best,
                values,
                count,
                temperature,
                price,
                cooling.swap_share,
            )
            feasible += share * count
        return feasible / max(cooling.moves, 1)
