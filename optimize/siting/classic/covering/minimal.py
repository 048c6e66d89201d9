"""Solve the core of a problem that asks for the least cost: all rows covered, or enough weight."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .....models.formulation import BoolArray, LinearModel, ModelBuilder
from .....models.siting.allocation import AllocationModel
from .....models.siting.coverage import covering_pairs
from .....models.siting.maximal_covering import add_cover_rows, encode_covered
from ....dual_bound import DualBound, dual_bound
from ....search import Search
from .climb_kernels import climb
from .core import Core, add_core_rules, without_dominated_rows, without_dominated_sites
from .finish import solve_bounded
from .model_bounds import without_hopeless
from .neighbourhoods import Neighbourhoods
from .plans import CheapPlanner

ROUNDS = (20_000, 100_000, 400_000)
"""Steps of the searches before the first integer program."""

CHUNK = 5_000
"""Steps between two looks at the clock."""

ITERATIONS = 1_500
"""Steps of the climb of the bound, at most."""

FEW = 20_000
"""Pairs up to which the relaxation is solved without a Lagrangian bound before."""


@dataclass
class MinimalSolve:
    """
    One solve of a core.

    Parameters
    ----------
    search
        Receives plans and bounds.
    core
        What is left after the reductions.
    target
        Weight that must be covered; None for every row.
    only_heuristic
        Whether to leave the integer program out.
    """

    search: Search[BoolArray]
    core: Core
    target: float | None
    only_heuristic: bool = False

    def __post_init__(self) -> None:
        """Write the model of the core down."""
        self.built = _core_model(
            self.core, self.target, float(self.search.evaluate(self.core.required))
        )

    def run(self) -> None:
        """Plans and bounds in turn until the gap is closed, then the integer program."""
        search, core = self.search, self.core
        planner = CheapPlanner(core, self.target, search.limits.seed)
        model = self.built.model
        for steps in ROUNDS:
            with search.timed("heuristic"):
                self.plan(planner, steps)
            if search.done:
                return
            with search.timed("bound"):
                bound = self.bound(model)
                if bound is not None:
                    search.raise_bound(bound.value)
                    model = without_hopeless(search, model, bound)
            if search.done or core.covers.nnz <= FEW:
                break
        if not search.done and not self.only_heuristic:
            solve_bounded(search, model, self.built.decode, improve=self.improve)

    def plan(self, planner: CheapPlanner, steps: int) -> None:
        """Search so many steps, and offer what is found."""
        for _ in range(0, steps, CHUNK):
            if planner.improve(steps=min(steps, CHUNK)):
                self.offer(planner.chosen)
            if self.search.done:
                return

    def offer(self, chosen: np.ndarray) -> None:
        """Offer a choice, filled up with the cheapest sites if the rules ask for more."""
        core = self.core
        missing = core.least - int(chosen.sum())
        if missing > 0:
            chosen = chosen.copy()
            blocked = np.zeros(core.num_sites, dtype=bool)
            for one, other in ((0, 1), (1, 0)):
                blocked[core.apart[chosen[core.apart[:, one]] > 0, other]] = True
            free = np.flatnonzero((chosen == 0) & ~blocked)
            chosen[free[np.argsort(core.costs[free], kind="stable")[:missing]]] = 1
        self.search.offer(core.lift(chosen))

    def bound(self, model: LinearModel) -> DualBound | None:
        """Climb the Lagrangian bound where all rows must be covered."""
        core, search = self.core, self.search
        if self.target is not None or core.covers.nnz <= FEW:
            return None
        arrays = core.arrays()
        sizes = np.diff(arrays.site_ptr)
        each = np.where(sizes > 0, core.costs / np.maximum(sizes, 1), np.inf)
        start = np.minimum.reduceat(each[core.covers.indices], core.covers.indptr[:-1])
        multipliers, best = start.copy(), np.full(1, -np.inf)
        opened = float(search.evaluate(core.required))
        goal = search.objective - opened if search.plan is not None else 2 * float(start.sum())
        unbounded = np.full(start.size, np.inf)
        climb(arrays, unbounded, start, multipliers, 0, -1, goal, ITERATIONS, 1.0, best)
        duals = np.zeros(model.num_rows)
        duals[: multipliers.size] = multipliers
        return dual_bound(model, duals)

    def improve(self, model: LinearModel, *, seconds: float) -> None:
        """Choose neighbourhoods anew."""
        with self.search.timed("improve"):
            Neighbourhoods(self.search, self.core, self.built).run(model, seconds=seconds)


def reduced(core: Core) -> Core:
    """
    Open sites that alone cover a row, drop dominated rows and sites, until nothing changes.

    Where two that must be open are too close to each other, ``most`` becomes -1: impossible.
    """
    while True:
        size = core.covers.shape
        single = np.flatnonzero(np.diff(core.covers.indptr) == 1)
        if single.size:
            forced = np.zeros(core.num_sites, dtype=bool)
            forced[core.covers.indices[core.covers.indptr[single]]] = True
            if forced[core.apart].all(axis=1).any():
                return replace(core, most=-1)
            core = core.opened(forced)
        core = without_dominated_rows(core)
        core = without_dominated_sites(core, fill_is_free=False)
        if core.covers.shape == size or not core.covers.nnz:
            return core


def _core_model(core: Core, target: float | None, opened: float) -> AllocationModel[BoolArray]:
    """Build the model of a core that costs ``opened`` already: rows (cover) first."""
    builder = ModelBuilder("covering", offset=opened)
    y = builder.add_columns(core.costs, upper=1, integer=True)
    if target is None:
        client, site = covering_pairs(core.covers)
        builder.add_rows(client, y[site], 1, lower=np.ones(core.weights.size))
    else:
        s = builder.add_columns(np.zeros(core.weights.size), upper=1)
        add_cover_rows(builder, s, y, core.covers)
        row = np.zeros(s.size, dtype=np.int64)
        builder.add_rows(row, s, core.weights, lower=[target])
    add_core_rules(builder, y, core)
    return AllocationModel(
        builder.build(),
        decode=lambda values: core.lift(values[: core.num_sites]),
        encode=lambda is_open: (
            core.choice(is_open).astype(float)
            if target is None
            else encode_covered(core.choice(is_open) > 0, covers=core.covers)
        ),
    )
