"""
Sites with floor area in steps: cuts by blocks, large-neighbourhood search, one program of the rest.

The steps, each in a module of its own: clients of equal reach are merged (exact); the linear
relaxation gives prices and a bound (subgradients do where it takes too long); blocks of
neighbouring sites, solved exactly, add cuts to it; neighbourhoods improve the plan, first at a
price of money, then within the goal; larger blocks improve the bound, in turns. Small problems go
straight to one integer program, middling ones after some turns of the plans.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .....models.formulation import FloatArray
from .....models.siting.modular_floor_area import (
    ModularFloorArea,
    ModularPlan,
)
from .....models.siting.modular_floor_area_model import modular_floor_area_model
from ....limits import Deadline, Limits, Stop
from ....result import Result, Status
from ....search import Listen, Search
from ..textbook import solve_textbook
from .partition import shared_need
from .prices import best_flow, whole_goal
from .reduction import reduce
from .stage import SAFE, Stage, no_plan
from .starts import chosen_levels
from .state import State
from .turns import Turns
from .whole import solve_whole

METHODS = {
    "auto": "strong, whole, mixed or blocks, by the number of levels and pairs",
    "whole": "one program with merged segments, then neighbourhoods of its plan",
    "blocks": "cuts by blocks of neighbouring sites, plans by large-neighbourhood search",
    "mixed": "blocks first, then one program with merged segments from their plan",
    "strong": "one integer program of the strong formulation, clients of equal reach merged",
    "textbook": "the plain model, with a column for each pair of client and site",
}

SMALL, MIDDLING, LARGE = 1_500, 12_000, 20_000
"""Levels and pairs up to which strong, whole and mixed are best."""

WHOLE_SHARE, BLOCKS_SHARE = 0.8, 0.15
"""Share of the time for the program with merged segments, and for what comes before it."""


def solve_modular_floor_area(
    problem: ModularFloorArea,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[ModularPlan]:
    """
    Choose sizes of sites: most residents served within a budget, or a share of them at least cost.

    Parameters
    ----------
    problem
        What is asked.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the program of the whole city; None for SCIP, which starts from the plan known.
    method
        One of ``METHODS``.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of ModularPlan
        ``detail`` says what was chosen and why, or why there is no plan.

    Raises
    ------
    ValueError
        If there is no such method or solver.

    Examples
    --------
    >>> from shequ.instances.synthetic.modular_sites import modular_sites
    >>> problem = modular_sites(50, num_sites=4, seed=1, kind="uniform")
    >>> str(solve_modular_floor_area(problem).status)
    'optimal'
    """
    limits = limits or Limits()
    if method not in METHODS:
        raise ValueError(f"method = {method!r} not understood; choose {', '.join(METHODS)}.")
    if method == "textbook":
        plain = solve_textbook(
            problem,
            modular_floor_area_model,
            limits=limits,
            solver=solver,
            stop=stop,
            listen=listen,
        )
        impossible = plain.status is Status.INFEASIBLE
        return replace(plain, detail=no_plan(problem)) if impossible else plain
    search = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver or "scip",
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
        maximize=problem.maximize,
    )
    _Engine(search, problem, method).run()
    return search.result()


class _Engine(Stage):
    """One solve."""

    def __init__(self, search: Search[ModularPlan], problem: ModularFloorArea, method: str) -> None:
        with search.timed("reduce"):
            reduced = reduce(problem)
        super().__init__(search, reduced)
        size = self.reduced.level_site.size + self.reduced.arc_site.size
        sizes = np.array([SMALL, MIDDLING, LARGE])
        fitting = ("strong", "whole", "mixed", "blocks")[int(np.searchsorted(sizes, size))]
        self.method = fitting if method == "auto" else method
        search.detail = (
            f"{problem.num_clients:,} clients in {self.reduced.num_groups:,} groups of equal reach"
        )
        search.raise_bound(self._everybody())

    def _everybody(self) -> float:
        """Bound that holds whatever is built: all that sites reach, or no cost."""
        reduced = self.reduced
        if not self.problem.maximize:
            return 0.0
        return float(reduced.segment_worth @ reduced.segment_need) * (1 + SAFE)

    def run(self) -> None:
        """Do the steps until one of them closes the gap."""
        if self._is_impossible():
            return
        if not self.reduced.level_site.size:
            self._only_flows()
        elif self.method == "strong" or not self.reduced.num_groups:
            self.search.detail += "; one program of the strong formulation"
            self._solve_whole(None)
        elif self.method == "whole":
            self._whole_first()
        elif self.method == "mixed":
            self._blocks_first()
        else:
            Turns(self.search, self.reduced).run()

    def _blocks_first(self) -> None:
        """Take turns for some of the time, then solve one program with merged segments."""
        search = self.search
        turns = Turns(
            search, self.reduced, Deadline.after(BLOCKS_SHARE * search.deadline.seconds_left)
        )
        turns.run()
        if search.done:
            return
        seconds = WHOLE_SHARE * search.deadline.seconds_left
        found, state = self._solve_merged(turns.kept, seconds)
        if found.status is Status.INFEASIBLE and search.plan is None:
            self.refuse()
        state = state or turns.kept
        if state is None:
            return
        plans = self._from(state.chosen, turns.shared)
        while not search.done:
            self._improve(plans, search.deadline.seconds_left)

    def _is_impossible(self) -> bool:
        """See whether the residents cannot be served, or the rules not be kept, at all."""
        search, reduced, problem = self.search, self.reduced, self.problem
        most = float(reduced.segment_worth @ reduced.segment_need)
        wanted = problem.residents_to_serve
        rules = problem.all_rules
        ruled = whole_goal(reduced).sites is not None or rules.apart is not None
        if not problem.maximize and most < wanted * (1 - SAFE) - 1e-6:
            search.infeasible = True
        elif ruled or (rules.required is not None and rules.required.any()):
            every = np.ones(reduced.level_site.size, dtype=bool)
            limits = search.limits.within(search.deadline.seconds_left)
            status, _ = chosen_levels(reduced, -reduced.level_cost, every, limits)
            search.infeasible = status is Status.INFEASIBLE
        if search.infeasible:
            self.refuse()
        return search.infeasible

    def _only_flows(self) -> None:
        """Nothing can be built: serve what can be."""
        nothing = np.zeros(self.problem.num_sites, dtype=np.int64)
        flow = best_flow(self.reduced, nothing, self.search.limits)
        if flow is None:
            return
        self.search.offer(self.reduced.plan(nothing, flow))
        if self.search.plan is None:
            self.refuse()
        else:
            self.search.raise_bound(self.search.objective)

    def _whole_first(self) -> None:
        """One program with merged segments; then neighbourhoods, and the exact program."""
        search, reduced = self.search, self.reduced
        search.detail += "; one program with merged segments"
        found, state = self._solve_merged(None, WHOLE_SHARE * search.deadline.seconds_left)
        if found.status is Status.INFEASIBLE:
            self.refuse()
        elif state is not None and not search.over:
            plans = self._from(state.chosen, shared_need(reduced))
            if not search.done:
                self._improve(plans, 0.5 * search.deadline.seconds_left)
            state = plans.state
        if not search.done:
            self._solve_whole(state)

    def _solve_merged(
        self, state: State | None, seconds: float
    ) -> tuple[Result[FloatArray], State | None]:
        """Solve one program with merged segments, from a plan at hand."""
        search = self.search
        with search.timed("solve"):
            found, state = solve_whole(
                self.reduced,
                state,
                solver="highs",
                limits=search.limits.within(seconds),
                stop=search.stop,
                heard=lambda bound: search.raise_bound(self._safe(bound)),
                error=self.error,
            )
        search.heed(found)
        return found, state
