"""What the stages of the engine share: the search, the reduced problem, and steps on both."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .....models.formulation import IntArray
from .....models.siting.modular_floor_area import (
    ModularFloorArea,
    ModularPlan,
    unreached_in_words,
)
from ....limits import Deadline, Limits
from ....result import Status
from ....search import Search
from .neighbourhood import Neighbourhoods
from .prices import best_flow
from .reduction import Reduced
from .state import State
from .whole import solve_whole

SAFE = 1e-9
"""Share by which a bound made of floating numbers is widened."""

ERROR, FINER = 5e-4, 0.1
"""Share of all residents by which merged segments may be off, if all groups are at their worst; and
the part of it for programs that find nothing but flows."""

STEP_SECONDS, STEP_SHARE = 12.0, 0.02
"""Most seconds that one neighbourhood may take, and share of all that there are."""

STALLED = 30
"""Steps without success after which the bound gets its turn."""


def no_plan(problem: ModularFloorArea) -> str:
    """Say that there is no plan, with the clients that nobody can serve where that is why."""
    if problem.budget is not None:
        return f"no choice of levels keeps the rules within the budget {problem.budget:g}"
    unreached = unreached_in_words(problem)
    wanted = f"no plan serves {problem.residents_to_serve:g} residents"
    return f"{wanted}: {unreached}" if unreached else wanted


class Stage:
    """
    A way to solve the reduced problem.

    Parameters
    ----------
    search
        What is known so far.
    reduced
        The problem.
    """

    def __init__(self, search: Search[ModularPlan], reduced: Reduced) -> None:
        self.search, self.reduced, self.problem = search, reduced, reduced.problem
        everybody = float(reduced.segment_worth @ reduced.segment_need)
        self.error = ERROR * everybody / max(reduced.num_groups, 1)

    def refuse(self) -> None:
        """Note that it is proven that there is no plan."""
        self.search.infeasible, self.search.detail = True, no_plan(self.problem)

    def _offer(self, state: State) -> None:
        """Offer a plan to the search."""
        self.search.offer(self.reduced.plan(state.levels(self.reduced), state.flow))

    def _safe(self, bound: float) -> float:
        """Widen a bound by what rounding may have cost."""
        return bound + (SAFE if self.problem.maximize else -SAFE) * abs(bound)

    def _from(self, chosen: IntArray, shared: sparse.csr_array) -> Neighbourhoods:
        """Start the search of plans from some levels, with the best flows."""
        search, reduced = self.search, self.reduced
        state = State(chosen, np.zeros(reduced.arc_site.size))
        with search.timed("heuristic"):
            limits = search.limits.within(max(1.0, 0.5 * search.deadline.seconds_left))
            flow = best_flow(reduced, state.levels(reduced), limits, error=FINER * self.error)
            state.flow = state.flow if flow is None else flow
            self._offer(state)
        rng = np.random.default_rng(search.limits.seed)
        return Neighbourhoods(reduced, shared, state, rng, error=self.error)

    def _step_limits(self, most: float = STEP_SECONDS) -> Limits:
        """Limits of one neighbourhood."""
        search = self.search
        seconds = min(most, max(1.0, STEP_SHARE * search.limits.seconds))
        return search.limits.within(min(seconds, search.deadline.seconds_left))

    def _improve(self, plans: Neighbourhoods, seconds: float) -> None:
        """Search plans for a turn, or until they had no luck for long."""
        search, failed, found = self.search, 0, False
        turn = Deadline.after(seconds)
        with search.timed("heuristic"):
            while not search.over and not turn.passed and failed < STALLED:
                better = plans.step(self._step_limits(), search.stop)
                failed = 0 if better else failed + 1
                found |= better
            if found:
                self._offer(plans.state)

    def _solve_whole(self, state: State | None) -> None:
        """Solve one program of all that is left."""
        search = self.search
        with search.timed("solve"):
            found, best = solve_whole(
                self.reduced,
                state,
                solver=search.solver,
                limits=search.limits.within(search.deadline.seconds_left),
                stop=search.stop,
                heard=search.raise_bound,
            )
        search.heed(found)
        search.ended = found.reason
        if found.status is Status.INFEASIBLE and search.plan is None:
            self.refuse()
        elif best is not None:
            self._offer(best)
