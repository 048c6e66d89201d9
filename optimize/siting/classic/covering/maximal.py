"""Solve the core of a problem that asks for the most weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, LinearModel, ModelBuilder
from .....models.siting.allocation import AllocationModel
from .....models.siting.maximal_covering import (
    MaximalCovering,
    add_cover_rows,
    encode_covered,
)
from ....dual_bound import DualBound, dual_bound
from ....limits import Deadline
from ....search import Search
from .climb_kernels import climb
from .core import Core, add_core_rules, covering_core, without_dominated_sites, without_weightless
from .finish import solve_bounded
from .model_bounds import without_hopeless
from .neighbourhoods import Neighbourhoods
from .plans import Planner

ROUNDS = ((1_000_000, 0.1), (4_000_000, 0.05), (16_000_000, 0.05))
"""Exchanges and first temperature of the annealings before the first integer program."""

ANNEALED = 0.7
"""Share of the time for better plans that goes to annealing."""

SMALL, SMALL_ROUNDS = 20_000, ((200_000, 0.1),)
"""Pairs up to which one short annealing is enough before the integer program, and that one."""

MERGED = 4
"""Plans whose sites make one integer program, at least."""

ITERATIONS = 3_000
"""Steps of the climb of the bound, at most."""

STEPS_PER_SITE = 5_000
"""Exchanges for each site, at most."""


@dataclass
class MaximalSolve:
    """
    One solve of a core.

    Parameters
    ----------
    search
        Receives plans and bounds.
    core
        What is left after the reductions.
    only_heuristic
        Whether to leave the integer program out.
    """

    search: Search[BoolArray]
    core: Core
    only_heuristic: bool = False

    def run(self) -> None:
        """Plans and bounds in turn until the gap is closed, then the integer program."""
        search, core = self.search, self.core
        if core.budget < 0 or core.most < 0 or core.least > core.num_sites:
            search.infeasible = True
            search.detail = "the required sites leave no room for the rules"
            return
        planner = Planner(core, search.limits.seed)
        with search.timed("heuristic"):
            self.offer(planner)
        model = self.built.model
        for most_steps, hot in SMALL_ROUNDS if core.covers.nnz <= SMALL else ROUNDS:
            with search.timed("heuristic"):
                steps = min(most_steps, STEPS_PER_SITE * core.num_sites)
                planner.improve(steps=steps, hot=hot, over=lambda: search.over)
                self.offer(planner)
            with search.timed("bound"):
                bound = self.lagrangian(model) if self.is_plain else None
                if bound is not None:
                    search.raise_bound(bound.value)
                    model = without_hopeless(search, model, bound)
            if search.done or not self.is_plain:
                break
        if not search.done and not self.only_heuristic:
            solve_bounded(search, model, self.built.decode, improve=self.improve)

    def improve(self, model: LinearModel, *, seconds: float) -> None:
        """
        Anneal afresh again and again, then choose neighbourhoods anew.

        The best choice among the sites of the last plans is found by an integer program.
        """
        search, (steps, hot) = self.search, ROUNDS[1]
        deadline, until = Deadline.after(seconds), Deadline.after(ANNEALED * seconds)
        planner = Planner(self.core, search.limits.seed + 1)
        programs, found = Neighbourhoods(search, self.core, self.built), []
        while not (until.passed or search.done):
            with search.timed("heuristic"):
                found.append(planner.afresh(steps=2 * steps, hot=hot, over=lambda: search.over))
                self.offer(planner)
            if len(found) >= MERGED and search.plan is not None:
                with search.timed("improve"):
                    best = self.core.choice(search.plan)
                    union = np.flatnonzero(sum(found[-2 * MERGED :], best))
                    programs.choose_anew(model, union, seconds / 20)
        with search.timed("improve"):
            programs.run(model, seconds=deadline.seconds_left)

    @property
    def is_plain(self) -> bool:
        """Whether the count alone limits the sites."""
        return bool(np.isinf(self.core.budget)) and not self.core.apart.size

    def offer(self, planner: Planner) -> None:
        """Offer the plan of the planner."""
        self.search.offer(self.core.lift(planner.chosen))

    def __post_init__(self) -> None:
        """Write the model of the core down."""
        self.built: AllocationModel[BoolArray] = core_model(self.core)

    def lagrangian(self, model: LinearModel) -> DualBound:
        """Climb the Lagrangian bound; multipliers as duals of the model."""
        core, search = self.core, self.search
        start, goal = 0.5 * core.weights, max(search.objective - core.done, 0.0)
        multipliers, count = start.copy(), (core.least, core.most)
        work = (core.arrays(), core.weights, start, multipliers)
        climb(*work, *count, goal, ITERATIONS, 1.0, np.full(1, np.inf))
        scores = np.asarray(core.covers.T @ multipliers)
        rank = np.sort(scores)[::-1]
        count_dual = rank[core.most - 1] if 0 < core.most <= rank.size else 0.0
        duals = np.concatenate([multipliers, [count_dual]])
        return dual_bound(model, duals[: model.num_rows])


def usual_solver(covers: sparse.csr_array) -> str:
    """Return the solver that fits: SCIP proves small covers three times as fast as HiGHS."""
    return "scip" if covers.nnz <= SMALL else "highs"


def solve_maximal(
    search: Search[BoolArray], problem: MaximalCovering, *, only_heuristic: bool
) -> None:
    """Reduce a maximal covering problem and solve its core."""
    with search.timed("reduce"):
        core = covering_core(
            problem.covers,
            problem.weights,
            costs=problem.costs,
            rules=problem.rules,
            p=problem.p,
            budget=problem.budget,
        )
        core = without_dominated_sites(without_weightless(core), fill_is_free=True)
    search.detail = (
        f"{problem.num_clients} clients x {problem.num_sites} sites merged to "
        f"{core.weights.size} x {core.num_sites}"
    )
    MaximalSolve(search, core, only_heuristic=only_heuristic).run()


def core_model(core: Core) -> AllocationModel[BoolArray]:
    """Build the model of a core: rows (cover) first, then the count if it binds."""
    builder = ModelBuilder("maximal-covering", maximize=True, offset=core.done)
    y = builder.add_columns(np.zeros(core.num_sites), upper=1, integer=True)
    s = builder.add_columns(core.weights, upper=1)
    add_cover_rows(builder, s, y, core.covers)
    add_core_rules(builder, y, core)
    return AllocationModel(
        builder.build(),
        decode=lambda values: core.lift(values[: core.num_sites]),
        encode=lambda is_open: encode_covered(core.choice(is_open) > 0, covers=core.covers),
    )
