"""
Exact siting of several services: a bound from sites and regions, and a plan from clusters.

1. Prices at which the best packings of single sites give a bound (:mod:`.bounding`).
2. A first plan along the average of these packings, cluster by cluster, which is then improved by
   solving clusters again with all others as they are (:mod:`.search`).
3. Beside that, better prices and the integer programs of regions at these give better bounds.

Small problems go to the solver whole. From an earlier plan, the search begins with it, and changes
that do not pay are taken back at the end (:mod:`.keeping`). Whatever was done, a plan is judged by
:meth:`ServiceSystem.evaluate`, and a bound is that of a relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ....models.formulation import FloatArray, LinearModel
from ....models.siting.service_parts import SystemPlan
from ....models.siting.service_system import ServiceSystem
from ....models.siting.service_system_model import SystemModel, system_model
from ...limits import Deadline, Limits, Stop
from ...result import ModelSize, Reason, Result, Status
from ...search import Listen
from ...solvers import backend_named
from .best import NEAR, Best, with_rows
from .bounding import Bounding
from .keeping import LAST, completed, take_back
from .layout import Layout
from .parts import Parts
from .search import Search
from .short_units import ShortUnits

FIRST_ROUNDS, MORE_ROUNDS = 4, 12
"""Rounds of better prices before the first plan, and beside it."""

ASCENT = 0.25
"""Share of the time left that better prices may take beside the plan."""

BESIDE, ALONE = 0.75, 0.5
"""Shares of the time left that bounds may take beside the plan, and where there is one thread."""

SMALL = 300
"""Facilities that may open up to which a program has the whole flow of floor area at once."""


def solve_system(
    problem: ServiceSystem,
    *,
    layout: Layout | None = None,
    first: SystemPlan | None = None,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[SystemPlan]:
    """
    Find the plan of least cost and least lack.

    Parameters
    ----------
    problem
        What is asked.
    layout
        Where the sites are, to solve the problem in parts; None to give it to the solver whole.
    first
        A plan to begin with, if it keeps the hard rules; those attached to no station are attached.
    limits
        Time, gap (of what a plan can change: without people whom no site could reach), seed,
        threads.
    solver
        Backend of the integer programs.
    stop
        A request to stop: the best plan so far is kept.
    listen
        Called with (objective, bound).

    Raises
    ------
    ValueError
        If even the plan of today breaks a hard rule: says which.
    """
    limits = limits or Limits()
    today = problem.today()
    broken = problem.violations(today)
    if broken:
        raise ValueError(f"what stands today breaks a rule: {'; '.join(broken[:5])}")
    best = Best(problem, listen, today)
    share = 1.0 if problem.earlier is None else 1.0 - LAST
    parts = Parts(limits.within(share * limits.seconds), solver, stop)
    solve = _Solve(problem, parts, best, limits, first)
    return solve.whole() if layout is None else solve.in_parts(layout)


@dataclass(eq=False)
class _Solve:
    """One solve, step by step."""

    problem: ServiceSystem
    parts: Parts
    best: Best
    limits: Limits
    first: SystemPlan | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def in_parts(self, layout: Layout) -> Result[SystemPlan]:
        """Bound by prices of rows, plan by clusters; at the same time where threads allow."""
        parts, built = self.parts, system_model(self.problem)
        first = self._begin(built)
        short = ShortUnits(self.problem, layout.regions)
        bounding = Bounding(built, self.best, parts, short)
        self._timed("prices", lambda: bounding.ascend(FIRST_ROUNDS, parts.deadline))
        model = with_rows(bounding.model, bounding.rows())
        average, gaps = bounding.average, bounding.gaps()
        search = Search(built, model, self.best, parts, short, layout.points, average, gaps)
        with ThreadPoolExecutor(1) as pool:
            beside = None
            if parts.limits.threads > 1:
                beside = pool.submit(self._beside, bounding, search, layout)
            self._timed("plan", lambda: search.start(bounding.packings, first))
            if beside is None:
                self._bound(bounding, layout, ALONE)
            self._timed("improve", search.improve)
            if beside is not None:
                beside.result()
        self._take_back(built, search.model)
        return self._result(built, search.model.num_rows)

    def _begin(self, built: SystemModel) -> FloatArray | None:
        """Offer the plan to begin with; return its columns, None if it is of no use."""
        if self.first is None:
            return None
        values = completed(built, self.first, self.parts)
        if values is None:  # not in time, or not with these rows: the plan itself is not lost
            self.best.offer(self.first)
            return None
        return values if self.best.offer(built.plan(values)) else None

    def _take_back(self, built: SystemModel, model: LinearModel) -> None:
        """Take back changes against an earlier plan that do not pay, in the time kept for that."""
        if self.problem.earlier is None:
            return
        left = self.parts.deadline.seconds_left + LAST * self.limits.seconds
        parts = Parts(self.limits.within(left), self.parts.solver, self.parts.stop)
        take_back(built, model, self.best, parts)
        self.parts.nodes += parts.nodes

    def _bound(self, bounding: Bounding, layout: Layout, share: float) -> None:
        """Improve the prices, then solve regions."""
        left = share * self.parts.deadline.seconds_left
        end = Deadline.after(left)
        bounding.ascend(MORE_ROUNDS, Deadline.after(ASCENT * left))
        bounding.price(layout.regions, end)

    def _beside(self, bounding: Bounding, search: Search, layout: Layout) -> None:
        """Bound, and then help to improve the plan."""
        self._bound(bounding, layout, BESIDE)
        while not self.parts.is_over and not search.is_planned.wait(0.1):
            pass
        if search.is_planned.is_set():
            search.improve(stream=1)

    def _timed(self, name: str, step: Callable[[], None]) -> None:
        """Take a step and note its seconds."""
        clock = time.monotonic()
        step()
        self.seconds[name] = time.monotonic() - clock

    def whole(self) -> Result[SystemPlan]:
        """Give the whole program to the solver, until no set of units is found short."""
        best, parts, problem = self.best, self.parts, self.problem
        is_small = int((~problem.facilities.is_kept).sum()) <= SMALL
        built, short = system_model(problem, flow=is_small), ShortUnits(problem)
        model, clock = built.model, time.monotonic()
        start = self._begin(built)
        if not is_small:
            model = self._with_packings(built, short)
        gap = parts.limits.gap
        while not parts.is_over and not best.is_near(gap):
            share = (best.objective - best.constant) / max(best.objective, 1e-9)
            found = parts.whole(model, gap * share / 2, start)
            if found.bound is not None:
                best.prove(found.bound)
            if found.solution is None:
                break
            best.offer(built.plan(found.solution))
            least = best.negligible(best.objective, gap / 4)
            flows = [] if is_small else short.found(built, found.solution, least)
            if not flows:
                break
            model = with_rows(model, [built.cut_row(flow) for flow in flows])
            start = completed(built, best.plan, parts, keeps_area=True)
        self._take_back(built, model)
        self.seconds["whole"] = time.monotonic() - clock
        return self._result(built, model.num_rows)

    def _with_packings(self, built: SystemModel, short: ShortUnits) -> LinearModel:
        """Return the model with what is short on the average, and what sites earn at most."""
        bounding = Bounding(built, self.best, self.parts, short)
        bounding.ascend(FIRST_ROUNDS, self.parts.deadline)
        return with_rows(bounding.model, bounding.rows())

    def _result(self, built: SystemModel, rows: int) -> Result[SystemPlan]:
        best, parts = self.best, self.parts
        proven = best.objective - best.bound <= NEAR * max(1.0, abs(best.objective))
        status = Status.OPTIMAL if proven else Status.FEASIBLE
        reason = Reason.PROVEN if proven else Reason.LIMIT
        if not proven and best.is_near(parts.limits.gap):
            reason = Reason.GAP
        elif not proven and parts.is_stopped:
            reason = Reason.INTERRUPTED
        elif not proven and parts.deadline.passed:
            reason = Reason.TIME
        size = ModelSize(rows, built.model.num_columns, int(built.model.rows.nnz))
        return Result(
            status,
            reason,
            solution=best.plan,
            objective=best.objective,
            bound=None if best.bound == -np.inf else min(best.bound, best.objective),
            seconds=self.seconds,
            solver=parts.solver,
            version=backend_named(parts.solver).version(),
            seed=parts.limits.seed,
            nodes=parts.nodes,
            model_size=size,
            detail=f"{100 * best.gap:.3f} % of what a plan can change is open",
        )
