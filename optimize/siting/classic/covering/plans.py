"""Good plans for the core of a covering problem, quickly: greedy, annealing, row weighting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .....models.formulation import FloatArray, IntArray
from .anneal_kernels import anneal
from .cheap_kernels import Uncovered, cover_search, list_uncovered
from .core import Core
from .state_kernels import empty_state, greedy, reset

CHUNK = 200_000
"""Steps of an annealing between two looks at the clock."""


@dataclass
class Planner:
    """
    Plans of one core that cover much weight, better and better.

    Parameters
    ----------
    core
        What is asked.
    seed
        Seed of the random choices.
    """

    core: Core
    seed: int

    def __post_init__(self) -> None:
        """Begin with a greedy plan."""
        core = self.core
        self.arrays = core.arrays()
        self.state = empty_state(self.arrays)
        self.random = np.array([self.seed], dtype=np.uint64)
        self.chosen: IntArray = np.zeros(core.num_sites, dtype=np.int64)
        self.weight = np.full(1, -1.0)
        reset(self.arrays, self.state, self.chosen)
        per_cost = bool(np.isfinite(core.budget))
        greedy(self.arrays, self.state, core.most, core.budget, per_cost, -1.0)
        self.first = self.state.is_open.copy()
        if self.state.number[0] >= core.least:
            self.weight[0] = self.state.sums[0]
            self.chosen[:] = self.state.is_open

    def improve(self, *, steps: int, hot: float, over: Callable[[], bool]) -> None:
        """
        Anneal from the best plan.

        Parameters
        ----------
        steps
            Exchanges to try.
        hot
            First temperature as a share of the mean weight that an open site covers; the last one
            is a fiftieth of it.
        over
            Says when to stop early.
        """
        self._anneal(self.weight, self.chosen, steps, hot, over)

    def afresh(self, *, steps: int, hot: float, over: Callable[[], bool]) -> IntArray:
        """Anneal from the greedy plan: other valleys are found that way; returns what is found."""
        weight, chosen = np.full(1, -1.0), self.first.copy()
        self._anneal(weight, chosen, steps, hot, over)
        if weight[0] > self.weight[0]:
            self.weight[0] = weight[0]
            self.chosen[:] = chosen
        return chosen

    def _anneal(
        self,
        weight: FloatArray,
        chosen: IntArray,
        steps: int,
        hot: float,
        over: Callable[[], bool],
    ) -> None:
        """Anneal from a choice; it and its weight become the best that is found."""
        core = self.core
        if core.most <= 0 or not core.num_sites or not core.weights.size:
            return
        reset(self.arrays, self.state, chosen)
        parts = max(1, steps // CHUNK)
        ratio = 0.02 ** (1 / parts)
        temperature = hot * max(float(self.state.sums[0]), 1e-9) / max(1, int(chosen.sum()))
        limits = (core.least, core.most, core.budget, steps // parts)
        for _ in range(parts):
            ends = (temperature, temperature * ratio)
            anneal(self.arrays, self.state, *limits, *ends, weight, chosen, self.random)
            temperature *= ratio
            if over():
                return


@dataclass
class CheapPlanner:
    """
    Cheap choices of sites that cover enough.

    Parameters
    ----------
    core
        What is asked; its budget and count are ignored.
    target
        Weight that must be covered; None for every row.
    seed
        Seed of the random choices.
    """

    core: Core
    target: float | None
    seed: int

    def __post_init__(self) -> None:
        """Begin with a greedy choice; the weights of the search are its own."""
        core, arrays = self.core, self.core.arrays()
        num_rows = core.weights.size
        guide = np.ones(num_rows) if self.target is None else arrays.weights.copy()
        self.arrays = arrays._replace(weights=guide)
        self.state = empty_state(arrays)
        self.random = np.array([self.seed], dtype=np.uint64)
        self.chosen: IntArray = np.zeros(core.num_sites, dtype=np.int64)
        self.cost = np.full(1, np.inf)
        self.step = 0
        reset(self.arrays, self.state, self.chosen)
        greedy(self.arrays, self.state, core.num_sites, np.inf, True, 0.0)
        self.uncovered = Uncovered(
            rows=np.zeros(num_rows, dtype=np.int64),
            place=np.zeros(num_rows, dtype=np.int64),
            left=np.zeros(1, dtype=np.int64),
            weights=arrays.weights,
            covered=np.zeros(1),
            target=np.inf if self.target is None else self.target,
        )
        list_uncovered(self.state, self.uncovered)

    def improve(self, *, steps: int) -> bool:
        """Search so many steps; tell whether a cheaper choice was found."""
        best = (self.cost, self.chosen)
        work = (self.arrays, self.state, self.uncovered)
        found = cover_search(*work, steps, self.step, *best, self.random)
        self.step += steps
        return bool(found)
