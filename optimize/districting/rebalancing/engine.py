"""
Fewest residents moved, then compact districts or short borders: proven, or with a bound.

Steps: plans by local search from the communities of today; the labelling model of fewest residents
moved, on the pairs that such few moves can reach, contiguity by separators within the search; the
model of the second objective among the plans that move no more; pairs of neighbouring districts
once more where that is not proven.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ....instances.notes import all_of
from ....models.districting.objective import Objective
from ....models.districting.rebalancing import Rebalancing
from ....models.districting.rebalancing_model import RebalancingModel, Second, rebalancing_model
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Reason, Result, Status
from ...search import TOLERANCE, Listen
from ...solvers.lazy import solve_with_cuts
from ..hess.engine import reachable_pairs
from ..heuristics import find_plan
from .cuts import Contiguity, moves_bound, obvious_conflicts
from .stage import Stage
from .starts import around, breaking_labels, label_sets, neighbourhoods

MOST_COLUMNS = 60_000
"""Largest model that is tried; above it neighbouring districts are improved, without a proof."""

MOST_CHOICES = 4
"""Numbers of communities that a search starts with."""


@dataclass(frozen=True, eq=False)
class Rebalanced:
    """
    What came of a rebalancing.

    Parameters
    ----------
    plan
        Label of each node; None if none is known.
    moved
        Fewest residents moved.
    second
        Least inertia or border among the plans that move no more; None without a plan.
    """

    plan: IntArray | None
    moved: Result[IntArray]
    second: Result[IntArray] | None


def rebalance_districts(
    asked: Rebalancing,
    *,
    second: Second = "inertia",
    lengths: FloatArray | None = None,
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Rebalanced:
    """
    Move as few residents as possible to another community, then minimise a second objective.

    Parameters
    ----------
    asked
        What is asked.
    second
        "inertia" (resident · km²) or "border" (length of the borders between districts).
    lengths
        Length of each edge, shape (edges,); needed for "border".
    limits
        Time of both steps together, gap, seed and threads.
    solver
        Backend of the integer programs.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (residents moved, bound) whenever one improves.

    Raises
    ------
    ValueError
        If the second objective is unknown, or lengths are missing.
    """
    if second not in {"border", "inertia"}:
        raise ValueError(f"second = {second!r} not understood; choose border or inertia.")
    if second == "border" and lengths is None:
        raise ValueError("The second objective border needs the lengths of the edges.")
    limits = limits or Limits()
    run = _Run(
        asked,
        second,
        lengths if second == "border" else None,
        limits,
        solver,
        stop,
        listen,
        Deadline.after(limits.seconds),
    )
    conflicts = obvious_conflicts(asked)
    if conflicts:
        run.moves.infeasible, run.moves.told = True, all_of(conflicts)
        return Rebalanced(None, run.stated(run.moves), None)
    run.start()
    run.fewest_moves(run.deadline.seconds_left * (1.0 if run.plan is None else 0.4))
    if run.plan is None:
        return Rebalanced(None, run.stated(run.moves), None)
    if not run.moves.proven:
        run.improve(run.deadline.seconds_left * 0.6)
    run.best_second(run.deadline.seconds_left * 0.6)
    if not run.compact.proven:
        run.improve(run.deadline.seconds_left)
    return Rebalanced(run.plan, run.stated(run.moves), run.stated(run.compact))


@dataclass
class _Run:
    """One rebalancing under way."""

    asked: Rebalancing
    second: Second
    lengths: FloatArray | None
    limits: Limits
    solver: str
    stop: Stop | None
    listen: Listen | None
    deadline: Deadline
    plan: IntArray | None = None
    moves: Stage = field(default_factory=Stage)
    compact: Stage = field(default_factory=Stage)

    def __post_init__(self) -> None:
        """Residents are counted in whole numbers, unless the input says otherwise."""
        residents = self.asked.residents
        self.moves.is_whole = np.array_equal(residents, np.rint(residents))

    @cached_property
    def together(self) -> BoolArray:
        """Pairs of nodes that one district can hold, shape (nodes, nodes)."""
        return reachable_pairs(self.asked.problem)

    @property
    def over(self) -> bool:
        """Whether no time is left, or someone asked to stop."""
        return self.deadline.passed or (self.stop is not None and self.stop.requested)

    def stated(self, stage: Stage) -> Result[IntArray]:
        """State what is known of a step."""
        base = Result[IntArray](
            Status.UNKNOWN,
            Reason.TIME,
            solution=self.plan,
            solver=self.solver,
            seed=self.limits.seed,
        )
        interrupted = self.stop is not None and self.stop.requested
        return stage.result(base, interrupted=interrupted)

    def _late(self, deadline: Deadline) -> bool:
        """Whether no time is left for a step."""
        return self.over or deadline.passed

    def value(self, plan: IntArray) -> tuple[float, float]:
        """Residents moved and the second objective."""
        return self.asked.moved(plan), self.asked.second_value(plan, self.lengths)

    def offer(self, plan: IntArray) -> bool:
        """Take a plan if it keeps every rule and is better, first by moves; whether it was."""
        if self.asked.violations(plan):
            return False
        moved, other = self.value(plan)
        known = (self.moves.objective, self.compact.objective)
        tied = moved <= known[0] + TOLERANCE and other < known[1] - TOLERANCE * max(1.0, abs(other))
        if not (moved < known[0] - TOLERANCE or tied):
            return False
        self.plan = plan.copy()
        self.moves.objective, self.compact.objective = moved, other
        if self.listen is not None:
            self.listen(moved, self.moves.bound)
        return True

    def start(self) -> None:
        """Bound, and find a plan: large regions are mended place by place, small ones searched."""
        began = time.monotonic()
        self.offer(self.asked.today)
        limits = self.limits.within(min(2.0, self.deadline.seconds_left / 10))
        self.moves.raise_bound(moves_bound(self.asked, limits=limits))
        is_large = self.asked.label_costs.size > MOST_COLUMNS
        for step in (self._repair, self._search) if is_large else (self._search, self._repair):
            if self.plan is None:
                step(self.deadline.seconds_left / 3)
        self.moves.add_seconds("heuristic", began)

    def _repair(self, seconds: float) -> None:
        """Mend today's plan at one community after the other, each with its neighbours."""
        deadline = Deadline.after(seconds)
        plan = self.asked.today.copy()
        broken = breaking_labels(self.asked, plan)
        for label in broken:
            for steps in (1, 2):
                if self._late(deadline) or label not in breaking_labels(self.asked, plan):
                    break
                labels = around(self.asked, plan, label, steps=steps)
                part, nodes = self.asked.part(plan, labels)
                run = self._smaller(part, labels, plan, deadline)
                run.start_part()
                if run.plan is not None:
                    plan[nodes] = labels[run.plan]
        self.offer(plan)

    def start_part(self) -> None:
        """Find a plan of a small part quickly, by search, else by its model."""
        self.offer(self.asked.today)
        if self.plan is None:
            self._search(self.deadline.seconds_left / 2)
        if self.plan is None:
            self.fewest_moves(self.deadline.seconds_left)

    def _search(self, seconds: float) -> None:
        """Search from today's plan, for some choices of labels that are plausible."""
        choices = label_sets(self.asked)
        some = np.unique(np.linspace(0, len(choices) - 1, MOST_CHOICES).round().astype(int))
        for number in some if choices else ():
            if not self.over:
                labels, start = choices[number]
                self._search_labels(labels, start, seconds / some.size)

    def _search_labels(self, labels: IntArray, start: IntArray, seconds: float) -> None:
        problem = replace(self.asked.problem, num_districts=labels.size)
        # Inertia breaks ties: all of it counts less than a hundredth of the residents.
        scale = 0.01 * float(self.asked.residents.sum())
        objective = Objective(
            inertia=scale / max(problem.evaluate(start), 1e-9),
            label_costs=self.asked.label_costs[:, labels],
        )
        trace = find_plan(
            problem, objective, seconds=seconds, seed=self.limits.seed, starts=2, start=start,
            stop=self.stop,
        )  # fmt: skip
        if trace.plan is not None:
            self.offer(labels[trace.plan])

    def fewest_moves(self, seconds: float) -> None:
        """Solve the model of fewest residents moved."""
        most = float(self.moves.objective)
        allowed = self.asked.within(most)
        if self.moves.proven or self.over or allowed.sum() > MOST_COLUMNS:
            return
        began = time.monotonic()
        keeps = self.asked.keeps(most)
        model = rebalancing_model(self.asked, allowed, keeps=keeps)
        result = self._solve(model, keeps, seconds, self.moves)
        if result.status is Status.INFEASIBLE:
            # Nothing is left below the plan that is known, or nothing at all.
            self.moves.infeasible = self.plan is None
            self.moves.raise_bound(most)
        self.moves.add_seconds("solve", began)

    def best_second(self, seconds: float) -> None:
        """Solve the model of the second objective."""
        most = self.moves.objective
        allowed = self.asked.within(most)
        if self.over or self._size(allowed) > MOST_COLUMNS:
            return
        began = time.monotonic()
        keeps = self.asked.keeps(most)
        model = rebalancing_model(
            self.asked,
            allowed,
            most_moved=most,
            second=self.second,
            lengths=self.lengths,
            pairs=self.together if self.second == "inertia" else None,
            keeps=keeps,
        )
        self._solve(model, keeps, seconds, self.compact)
        self.compact.add_seconds("solve", began)

    def _size(self, allowed: BoolArray) -> int:
        """Columns of the model of the second objective."""
        if self.second == "border":
            return int(allowed.sum()) + len(self.asked.problem.edges)
        mask = allowed.astype(float)
        return int((mask * (self.together @ mask)).sum())

    def improve(self, seconds: float) -> None:
        """Divide neighbouring districts anew, pairs and wider circles, until none improves."""
        began, deadline = time.monotonic(), Deadline.after(seconds)
        failed: set[tuple[bytes, bytes]] = set()
        improved = True
        while improved and not self._late(deadline):
            improved = False
            for labels in neighbourhoods(self.asked, self.known):
                key = (labels.tobytes(), np.isin(self.known, labels).tobytes())
                if self._late(deadline):
                    break
                if key not in failed:
                    better = self._improve_part(labels, deadline)
                    improved |= better
                    failed |= set() if better else {key}
        self.compact.add_seconds("improve", began)

    def _improve_part(self, labels: IntArray, deadline: Deadline) -> bool:
        part, nodes = self.asked.part(self.known, labels)
        run = self._smaller(part, labels, self.known, deadline)
        run.offer(np.searchsorted(labels, self.known[nodes]))
        if not self.moves.proven:
            run.fewest_moves(2.0)
        run.best_second(2.0)
        if run.plan is None:
            return False
        plan = self.known.copy()
        plan[nodes] = labels[run.plan]
        return self.offer(plan)

    def _smaller(
        self, part: Rebalancing, labels: IntArray, plan: IntArray, deadline: Deadline
    ) -> _Run:
        """Return the run of a part of this problem."""
        ends = np.isin(plan[self.asked.problem.edges.reshape(-1, 2)], labels).all(axis=1)
        return _Run(
            part,
            self.second,
            None if self.lengths is None else self.lengths[ends],
            self.limits,
            self.solver,
            self.stop,
            None,
            Deadline.after(min(4.0, deadline.seconds_left)),
        )

    @property
    def known(self) -> IntArray:
        """The best plan; only asked for once there is one."""
        assert self.plan is not None  # noqa: S101
        return self.plan

    def _solve(
        self, model: RebalancingModel, keeps: BoolArray, seconds: float, stage: Stage
    ) -> Result[FloatArray]:
        """Solve a model with contiguity, offer what it finds and take its bound."""
        contiguity = Contiguity(model, keeps)
        result = solve_with_cuts(
            model.model,
            contiguity.broken_by,
            solver=self.solver,
            limits=self.limits.within(min(seconds, self.deadline.seconds_left)),
            start=None if self.plan is None else model.encode(self.plan),
            stop=self.stop,
            separate_fractional=contiguity.broken_by_fractional,
        )
        stage.heed(result)
        if result.solution is not None:
            self.offer(model.decode(result.solution))
        return result
