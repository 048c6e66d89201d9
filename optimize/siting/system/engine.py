"""
Exact siting of several services: relaxation, regions one by one, and a bound from all of them.

1. The linear relaxation, with rows for sets of units that are short of floor area
   (:mod:`....models.siting.capacity_flow`).
2. One region after the other is solved with those before it as they were decided, and those after
   it as in the relaxation (relax and fix: Pochet and Wolsey 2006, "Production Planning by Mixed
   Integer Programming", Section 3.6).
3. Region after region is solved again with all others as they are, until nothing changes, the gap
   is small enough, or the time is over.

Beside 2 and 3, the rows between larger regions are priced by the duals of the relaxation; the
integer programs of these regions then give a bound (:mod:`.regions`).

Small problems go to the solver whole. Whatever was done, a plan is judged by
:meth:`ServiceSystem.evaluate`, and a bound is that of a relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from ....models.formulation import FloatArray, IntArray, LinearModel
from ....models.siting.capacity_flow import CapacityFlow
from ....models.siting.service_parts import SystemPlan
from ....models.siting.service_system import ServiceSystem
from ....models.siting.service_system_model import SystemModel, system_model
from ...dual_bound import dual_bound
from ...limits import Deadline, Limits, Stop
from ...result import ModelSize, Reason, Result, Status
from ...solvers import LpResult, backend_named, solve_lp, solve_model
from .best import NEAR, Best, Listen, with_rows
from .reduce import leading_reaches
from .regions import Priced, Regions
from .short_units import ShortUnits

RELAXATION = 0.3
"""Share of the time for the relaxation."""

LIGHT_ROUNDS, FULL_ROUNDS = 2, 1
"""Rounds of rows for floor area: without the reaches that others imply, and with all."""

FIXING = 0.7
"""Share of the time left for a region that the first solve of it may take."""

MOST_FLOW_PAIRS = 100_000
"""Pairs of units and facilities up to which a problem that is solved whole has their flow in it."""

PART_GAP = 1e-4
"""Gap at which a region is solved well enough."""


def solve_system(
    problem: ServiceSystem,
    *,
    partitions: Sequence[IntArray] = (),
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
    partitions
        Divisions of the sites into regions, the region of each, shape (sites,): the first one, of
        large regions, gives the bound; the others, of smaller ones, the plan. None to give the
        problem to the solver whole.
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
    return _Solve(problem, list(partitions), limits, solver, stop, best).run()


@dataclass(eq=False)
class _Solve:
    """One solve, step by step."""

    problem: ServiceSystem
    partitions: list[IntArray]
    limits: Limits
    solver: str
    stop: Stop | None
    best: Best
    seconds: dict[str, float] = field(default_factory=dict)
    nodes: int = 0
    is_settled: bool = False
    beside: Future[None] | None = None

    def run(self) -> Result[SystemPlan]:
        """Go through the steps until the gap is small enough or the time is over."""
        self.deadline = Deadline.after(self.limits.seconds)
        if self.partitions:
            self.large = self.partitions[0]
            self.partitions = self.partitions[1:] or self.partitions
        pairs = int(self.problem.capacities.facilities.nnz)
        has_flow = not self.partitions and pairs <= MOST_FLOW_PAIRS
        regions = self.large if self.partitions else None
        self.short = None if has_flow else ShortUnits(self.problem, regions)
        self.built = system_model(self.problem, flow=has_flow)
        self.model = self.built.model
        self.duals, self.values = (
            np.zeros(self.model.num_rows),
            self.built.decided(self.problem.today()),
        )
        steps = [self._whole] if not self.partitions else [self._relax, self._regions]
        with ThreadPoolExecutor(1) as self.pool:
            for step in (*steps, self._improve):
                clock = time.monotonic()
                if not self._finished:
                    step()
                self.seconds[step.__name__.strip("_")] = time.monotonic() - clock
            if self.beside is not None:
                self.beside.result()
        return self._result()

    @property
    def _finished(self) -> bool:
        return self._stopped or self.deadline.passed or self.best.gap <= self.limits.gap

    @property
    def _stopped(self) -> bool:
        return self.stop is not None and self.stop.requested

    def _short(
        self, built: SystemModel, values: FloatArray, objective: float
    ) -> list[CapacityFlow]:
        """Find the sets of units that are short of floor area in a solution, if that counts."""
        if self.short is None:
            return []
        matters = self.limits.gap * (objective - self.best.constant) / 4
        return self.short.found(built, values, max(matters, NEAR * objective))

    def _add_rows(self, flows: list[CapacityFlow]) -> None:
        """Add their rows to the model."""
        if flows:
            self.model = with_rows(self.model, [self.built.cut_row(flow) for flow in flows])
            self.duals = np.r_[self.duals, np.zeros(len(flows))]

    # Whole ------------------------------------------------------------------------------------

    def _whole(self) -> None:
        """Give the whole program to the solver, until no set of units is found short."""
        while not self._finished:
            limits = self.limits.within(self.deadline.seconds_left)
            found = solve_model(
                self.model,
                solver=self.solver,
                limits=replace(limits, gap=self._relative(limits.gap) / 2),
                stop=self.stop,
            )
            self.nodes += found.nodes
            if found.bound is not None:
                self.best.prove(found.bound)
            if found.solution is None:
                break
            self.best.offer(self.built.plan(found.solution))
            short = self._short(self.built, found.solution, self.best.objective)
            if not short:
                break
            self._add_rows(short)
        self.is_settled = True

    def _relative(self, gap: float) -> float:
        """Turn a gap of what a plan can change into one of the whole objective."""
        best = self.best
        return gap * (best.objective - best.constant) / max(best.objective, 1e-9)

    # Relaxation -------------------------------------------------------------------------------

    def _relax(self) -> None:
        """Solve the relaxation: first without the reaches that others imply, then with all."""
        end = Deadline.after(self.deadline.seconds_left * RELAXATION)
        light = system_model(self.problem, reaches=leading_reaches(self.problem))
        flows = [] if self.short is None else self.short.first()
        model = with_rows(light.model, [light.cut_row(flow) for flow in flows])
        for _ in range(LIGHT_ROUNDS):
            found = self._solve_relaxation(model, Deadline.after(end.seconds_left / 2))
            if found is None or found.objective is None:
                break
            short = self._short(light, found.values, found.objective)
            if not short:
                break
            flows += short
            model = with_rows(model, [light.cut_row(flow) for flow in short])
        self._add_rows(flows)
        for _ in range(FULL_ROUNDS):
            found = self._solve_relaxation(self.model, end)
            if found is None or found.objective is None:
                break
            self.duals, self.values = found.row_duals, found.values
            self.best.prove(dual_bound(self.model, self.duals).value)
            short = self._short(self.built, found.values, found.objective)
            if not short or end.passed:
                break
            self._add_rows(short)

    def _solve_relaxation(self, model: LinearModel, end: Deadline) -> LpResult | None:
        if self._stopped:
            return None
        limits = self.limits.within(max(1.0, end.seconds_left))
        found = solve_lp(model, limits=limits, interior=True)
        return found if found.status is Status.OPTIMAL else None

    # Regions ----------------------------------------------------------------------------------

    def _split(self, partition: IntArray) -> Regions:
        sites = self.built.site_of_columns()
        return Regions(self.model, np.where(sites >= 0, partition[np.maximum(sites, 0)], -1))

    def _regions(self) -> None:
        """Fix one region after the other, while the priced regions give a bound."""
        priced = self._split(self.large).priced(self.duals)
        if self.limits.threads > 1:
            self.beside = self.pool.submit(self._price, priced, FIXING)
            self._fix()
        else:
            self._fix()
            self._price(priced, FIXING / 2)

    def _fix(self) -> None:
        """Solve one region after the other, those not yet solved as in the relaxation."""
        split = self._split(self.partitions[0])
        for region in range(split.num):
            if self._stopped or self.deadline.passed:
                break
            self._solve_region(split, region, self._share(split.num - region) * FIXING)
        self._settle(split)

    def _share(self, waiting: int) -> float:
        return self.deadline.seconds_left / max(waiting, 1)

    def _price(self, priced: Priced, share: float) -> None:
        """Solve the priced regions within a share of the time, and add up their bounds."""
        bound = priced.constant
        for number, program in enumerate(priced.programs):
            seconds = self._share(len(priced.programs) - number) * share
            found = self._solve_part(program, seconds)
            if found.bound is None:
                return
            bound += found.bound
        self.best.prove(bound)

    def _solve_part(
        self, program: LinearModel, seconds: float, start: FloatArray | None = None
    ) -> Result[FloatArray]:
        limits = replace(self.limits, gap=PART_GAP, threads=1).within(max(1.0, seconds))
        found = solve_model(program, solver=self.solver, limits=limits, start=start, stop=self.stop)
        self.nodes += found.nodes
        return found

    def _solve_region(self, split: Regions, region: int, seconds: float) -> bool:
        """Solve a region with all others as they are; tell whether that changed anything."""
        program, columns = split.opened(self.values, split.region == region)
        before = self.values[columns]
        whole = self.is_settled and self.solver == "highs"
        found = self._solve_part(program, seconds, before if whole else None)
        if found.solution is None or found.objective is None:
            return False
        earlier = program.evaluate(before)
        if self.is_settled and found.objective >= earlier - NEAR * max(1.0, abs(earlier)):
            return False
        self.values = self.values.copy()
        self.values[columns] = found.solution
        return True

    def _settle(self, split: Regions) -> None:
        """Let the columns that follow take their best values; today's plan where none are."""
        decided = np.round(self.values, 6)
        decided[self.model.integer] = np.round(decided[self.model.integer])
        for start in (decided, self.built.decided(self.problem.today())):
            program, columns = split.opened(start, split.region < 0)
            found = self._solve_part(program, 60.0)
            if found.solution is not None:
                self.values = start.copy()
                self.values[columns] = found.solution
                self.best.offer(self.built.plan(self.values))
                self.is_settled = True
                return
        raise ValueError("what stands today does not fit into the model")

    # Improvement ------------------------------------------------------------------------------

    def _improve(self) -> None:
        """Solve one region after the other, the others as is; larger ones once nothing changes."""
        while not self._finished and self.partitions:
            changed = [self._pass(partition) for partition in self.partitions]
            if any(changed):
                continue
            if all(int(partition.max(initial=0)) == 0 for partition in self.partitions):
                return
            self.partitions = [partition // 2 for partition in self.partitions]
            if self.large.max() > self.partitions[0].max():
                self.large = self.partitions[0]
                self._price(self._split(self.large).priced(self.duals), FIXING)

    def _pass(self, partition: IntArray) -> bool:
        """Solve every region of a partition once; tell whether anything changed."""
        split, changed = self._refreshed(partition), False
        for region in range(split.num):
            if self._finished:
                break
            if self._solve_region(split, region, max(5.0, self._share(split.num))):
                self.best.offer(self.built.plan(self.values))
                changed = True
        return changed

    def _refreshed(self, partition: IntArray) -> Regions:
        """Add rows for the floor area that the plan lacks beyond what the model says."""
        short = self._short(self.built, self.values, self.best.objective)
        if not short:
            return self._split(partition)
        self._add_rows(short)
        split = self._split(partition)
        self._settle(split)
        return split

    # ------------------------------------------------------------------------------------------

    def _result(self) -> Result[SystemPlan]:
        best, limits = self.best, self.limits
        proven = best.objective - best.bound <= NEAR * max(1.0, abs(best.objective))
        status = Status.OPTIMAL if proven else Status.FEASIBLE
        reason = Reason.PROVEN if proven else Reason.LIMIT
        if not proven and best.gap <= limits.gap:
            reason = Reason.GAP
        elif not proven and self._stopped:
            reason = Reason.INTERRUPTED
        elif not proven and self.deadline.passed:
            reason = Reason.TIME
        size = ModelSize(self.model.num_rows, self.model.num_columns, int(self.model.rows.nnz))
        return Result(
            status,
            reason,
            solution=best.plan,
            objective=best.objective,
            bound=None if best.bound == -np.inf else min(best.bound, best.objective),
            seconds=self.seconds,
            solver=self.solver,
            version=backend_named(self.solver).version(),
            seed=limits.seed,
            nodes=self.nodes,
            model_size=size,
            detail=f"{100 * best.gap:.3f} % of what a plan can change is open",
        )
