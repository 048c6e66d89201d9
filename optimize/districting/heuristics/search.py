"""
Good plans without a proof: starts of two kinds, each cooled down, the best of them warmed up again.

Compact starts are allocations to spread centres (:mod:`.allocation`); wild ones come from random
spanning trees (:mod:`.trees`). Annealing (:mod:`.cooling`) takes them from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ....models.districting.objective import Objective
from ....models.districting.problem import Districting, point_districting
from ....models.formulation import IntArray
from ...limits import Stop
from .allocation import located_plan
from .board import Board, make_board
from .cooling import Annealer, Cooling, Incumbent
from .trees import make_tree, tree_plan

_TREES_A_CUT = 200
_DOUBLE_EVERY = 8
_MOST_EFFORT = 16
_SMALL = 500
"""Number of nodes below which a run is as long as with so many."""

_TINY = 50
"""Number of nodes below which runs are shorter: they would see the same few plans again."""


@dataclass(frozen=True, eq=False)
class Trace:
    """
    What a heuristic found.

    Parameters
    ----------
    plan, objective
        The best plan that keeps every rule; None and infinity if none was found.
    history
        Pairs (seconds since the start, objective), one for each better plan.
    """

    plan: IntArray | None
    objective: float
    history: tuple[tuple[float, float], ...]


def find_plan(
    problem: Districting,
    objective: Objective,
    *,
    seconds: float,
    seed: int,
    starts: int | None = None,
    start: IntArray | None = None,
    stop: Stop | None = None,
    listen: Callable[[float, float], None] | None = None,
) -> Trace:
    """
    Search a good plan.

    Parameters
    ----------
    problem, objective
        What is asked.
    seconds
        Wall-clock time limit; compiling the kernels, once for each machine, does not count.
    seed
        Seed of the random choices: the same seed and number of starts give the same plan unless
        the time limit cuts them short.
    starts
        Number of starts; None for as many as the time allows.
    start
        A plan to start from first; it may break rules. One with a disconnected district is
        left aside.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (seconds, objective) for each better plan.
    """
    objective.check(problem)
    _compile_kernels()
    incumbent = Incumbent(problem, objective, time.monotonic() + seconds, stop, listen)
    rng = np.random.default_rng(seed)
    search = _Search(problem, objective, incumbent, rng)
    if start is not None:
        incumbent.offer(start)
        if _hangs_together(problem, start):
            search.annealer.run(start, search.cooling(0, hot=0.1))
    trial = 0
    while (starts is None or trial < starts) and not incumbent.over:
        search.start(trial)
        trial += 1
    return Trace(incumbent.plan, incumbent.value, tuple(incumbent.history))


def improve(
    problem: Districting,
    objective: Objective,
    plan: IntArray,
    *,
    seconds: float,
    seed: int,
    stop: Stop | None = None,
) -> IntArray:
    """
    Improve a plan by local search alone.

    Parameters
    ----------
    plan
        A plan that keeps every rule; what is returned keeps them too and is not worse.
    seconds, seed, stop
        As for :func:`find_plan`.

    Raises
    ------
    ValueError
        If the plan breaks a rule.
    """
    objective.check(problem)
    _compile_kernels()
    incumbent = Incumbent(problem, objective, time.monotonic() + seconds, stop)
    if not incumbent.offer(plan):
        broken = "; ".join(problem.violations(plan)[:3])
        raise ValueError(f"The plan breaks rules: {broken}. Use find_plan.")
    search = _Search(problem, objective, incumbent, np.random.default_rng(seed))
    for trial in range(8):
        if incumbent.over:
            break
        search.polish(trial, hot=0.01 * 2**trial)
    return plan if incumbent.plan is None else incumbent.plan


def _hangs_together(problem: Districting, plan: IntArray) -> bool:
    """Whether every district of a plan is connected, as trees must be."""
    return all(problem.is_connected(np.flatnonzero(plan == d)) for d in np.unique(plan))


@cache
def _compile_kernels() -> None:
    """Run all kernels on a path of four nodes, so that no time limit pays for their compilation."""
    points = np.column_stack([np.arange(4.0), np.zeros(4)])
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    path = point_districting(np.ones(4), points, edges, 2, 0.0, 4.0)
    incumbent = Incumbent(path, Objective(), np.inf)
    search = _Search(path, Objective(), incumbent, np.random.default_rng(1))
    for plan in (search.compact_plan(), search.wild_plan()):
        search.annealer.run(np.asarray(plan), Cooling(moves=10, recombinations=10, stages=1))


class _Search:
    """The starts of one problem."""

    def __init__(
        self,
        problem: Districting,
        objective: Objective,
        incumbent: Incumbent,
        rng: np.random.Generator,
    ) -> None:
        """Prepare the boards; compact starts need a moment of inertia, asked for or not."""
        self.problem = problem
        self.objective = objective
        self.rng = rng
        self.is_connected = problem.is_connected(np.arange(problem.num_nodes))
        board = make_board(problem, objective)
        self.compact = board
        if not board.factor > 0:
            self.compact = make_board(problem, Objective(label_costs=objective.label_costs))
        random = rng.integers(1 << 63, size=1, dtype=np.uint64)
        self.annealer = Annealer(board, make_tree(board), random, incumbent)

    def start(self, trial: int) -> None:
        """Make a plan and cool it down; then warm the best plan up at every third trial."""
        plan = self.wild_plan() if trial % 4 else None
        if plan is None:
            plan = self.compact_plan()
        if plan is not None:
            self.annealer.run(plan, self.cooling(trial))
        if trial % 3 == 0:
            self.polish(trial, hot=0.3)

    def polish(self, trial: int, *, hot: float) -> None:
        """Warm the best plan up."""
        if self.annealer.incumbent.plan is not None and not self.annealer.incumbent.over:
            self.annealer.run(self.annealer.incumbent.plan, self.cooling(trial, hot=hot))

    def cooling(self, trial: int, *, hot: float = 2.0) -> Cooling:
        """Longer runs the later they are; the first is short, to have a plan soon."""
        effort = min(1 << (trial // _DOUBLE_EVERY), _MOST_EFFORT)
        edges_alone = self.objective.inertia == 0
        n = self.problem.num_nodes
        recombinations = (200 if edges_alone else 100) if trial or n <= _SMALL else 0
        return Cooling(
            moves=effort * (20 if trial else 4) * max(n, _SMALL * min(n, _TINY) // _TINY),
            recombinations=recombinations * effort * max(1, _SMALL // max(n, _TINY)),
            hot=hot,
            cold=0.1 if edges_alone else 0.01,
            swap_share=0.5,
        )

    def compact_plan(self) -> IntArray | None:
        """Plan of compact districts about spread centres."""
        return located_plan(self.problem, self.compact, self.rng)

    def wild_plan(self) -> IntArray | None:
        """Plan of random trees; None if rules name districts or the graph is in pieces."""
        board: Board = self.annealer.board
        if board.may_hold.shape[0] or not self.is_connected:
            return None
        plan = np.zeros(self.problem.num_nodes, dtype=np.int32)
        if not np.isfinite(
            tree_plan(board, self.annealer.tree, plan, self.annealer.random, _TREES_A_CUT)
        ):
            return None
        return plan.astype(np.int64)
