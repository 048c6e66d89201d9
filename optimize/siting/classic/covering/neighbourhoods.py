"""
Improve a plan by integer programs over neighbourhoods: some sites near each other are chosen anew.

All other sites stay as they are. Neighbours are sites that cover a row together (Shaw 1998, "Using
constraint programming and local search methods to solve vehicle routing problems").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .....models.formulation import BoolArray, IntArray, LinearModel
from .....models.siting.allocation import AllocationModel
from ....limits import Deadline
from ....result import Status
from ....search import Search
from ....solvers import solve_model
from .core import Core

SMALLEST, FIRST, LARGEST = 30, 120, 1500
"""Sites of a neighbourhood."""

MOST_FAILS = 60
"""Neighbourhoods that may fail one after the other."""

SLICE = 4.0
"""Most seconds for one neighbourhood."""


@dataclass
class Neighbourhoods:
    """
    Better plans of one core.

    Parameters
    ----------
    search
        Holds the best plan; receives better ones.
    core, built
        The core and its model; the first columns of the model are the sites.
    """

    search: Search[BoolArray]
    core: Core
    built: AllocationModel[BoolArray]

    def __post_init__(self) -> None:
        """Draw numbers from the seed."""
        self.rng = np.random.default_rng(self.search.limits.seed)
        self.size = FIRST

    def run(self, model: LinearModel, *, seconds: float) -> None:
        """
        Choose neighbourhoods anew for so long.

        Parameters
        ----------
        model
            The model, perhaps with sites fixed that no better plan moves.
        seconds
            Most time to spend.
        """
        search, deadline = self.search, Deadline.after(seconds)
        before, fails = search.objective, 0
        free = np.flatnonzero((model.lower < model.upper)[: self.core.num_sites])
        while free.size and fails < MOST_FAILS and not (deadline.passed or search.done):
            near = self._near(free)
            whole = near.size >= free.size
            solved = self.choose_anew(model, near, min(SLICE, deadline.seconds_left))
            fails = fails + 1 if search.objective == before else 0
            before = search.objective
            if whole and solved:
                return
            self._resize(solved=solved, fails=fails)

    def _resize(self, *, solved: bool, fails: int) -> None:
        """Take larger neighbourhoods where these are solved for nothing, smaller where not."""
        if not solved:
            self.size = max(SMALLEST, int(0.8 * self.size))
        elif fails and fails % 5 == 0:
            self.size = min(LARGEST, int(1.15 * self.size) + 1)

    def _near(self, free: IntArray) -> IntArray:
        """Sites around a random one, nearest in steps first."""
        core = self.core
        chosen = np.zeros(core.num_sites)
        chosen[self.rng.choice(free)] = 1
        allowed = np.zeros(core.num_sites, dtype=bool)
        allowed[free] = True
        while True:  # until the neighbourhood is large enough, or all that hangs together
            touched = core.covers @ chosen > 0
            shared = np.asarray(core.covers.T @ touched.astype(float), dtype=float)
            grown = (shared > 0) & allowed
            grown |= chosen > 0
            if grown.sum() >= self.size or grown.sum() == (chosen > 0).sum():
                break
            chosen = grown.astype(float)
        fresh = np.flatnonzero(grown & (chosen == 0))
        room = max(0, self.size - int((chosen > 0).sum()))
        rank = -shared[fresh] * self.rng.uniform(0.5, 1.0, fresh.size)
        nearest: IntArray = np.r_[np.flatnonzero(chosen), fresh[np.argsort(rank)[:room]]]
        return nearest

    def choose_anew(self, model: LinearModel, near: IntArray, seconds: float) -> bool:
        """
        Choose some sites anew within so many seconds; tell whether that was solved to the end.

        Parameters
        ----------
        model
            The model, perhaps with sites fixed that no better plan moves.
        near
            The sites; all others stay as they are.
        seconds
            Most time to spend.
        """
        search, core = self.search, self.core
        if search.plan is None:
            return False
        size = core.num_sites
        now = core.choice(search.plan).astype(float)
        held = np.setdiff1d(np.arange(size), near)
        result = solve_model(
            model.fixed(held, now[held]),
            solver=search.solver,
            limits=replace(search.limits, gap=0.0).within(seconds),
            cutoff=search.objective,
            stop=search.stop,
        )
        search.heed(result)
        if result.solution is not None:
            search.offer(self.built.decode(result.solution))
        if result.status in {Status.OPTIMAL, Status.INFEASIBLE}:
            return True
        if result.bound is None:
            return False
        worse = search.sign * (result.bound - search.objective)
        return worse >= -1e-6 * max(1.0, abs(search.objective))
