"""What is known so far about one problem, whichever engine works on it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from ..instances.notes import Note
from .limits import Deadline, Limits, Stop
from .result import ModelSize, Reason, Result, Status, larger_model

S = TypeVar("S")
Listen = Callable[[float | None, float | None], None]

TOLERANCE = 1e-6
"""Share of the objective up to which two objectives count as equal."""

SMALLEST = 1e-3
"""Size below which an objective counts as this large where shares of it are taken."""

GAIN = 1e-9
"""Share of the objective by which a solution must be better to be taken."""


@dataclass(kw_only=True)
class Search(Generic[S]):
    """
    Best solution, bound and bookkeeping of one solve.

    Parameters
    ----------
    violations
        Every broken rule of a solution, in words.
    evaluate
        Objective of a solution.
    limits, solver, stop, listen
        As the engine got them.
    deadline
        When the time limit ends.
    maximize
        Whether larger objectives are better.
    is_whole
        Whether every solution's objective is a whole number, so that bounds may be rounded.
    plan, objective
        The best solution that keeps every rule; None and infinite if there is none.
    bound
        Best proven bound.
    infeasible, detail
        Whether it is proven that there is no solution, and why.
    told
        The same as a note; None where there is none.
    ended
        Why the solve stopped, as far as the engine knows.
    num_cuts, nodes
        Inequalities added and nodes of search trees so far.
    """

    violations: Callable[[S], list[str]]
    evaluate: Callable[[S], float]
    limits: Limits
    solver: str
    stop: Stop | None = None
    listen: Listen | None = None
    deadline: Deadline
    maximize: bool = False
    is_whole: bool = False
    plan: S | None = None
    objective: float = np.inf
    bound: float = -np.inf
    infeasible: bool = False
    detail: str = ""
    told: Note | None = None
    ended: Reason = Reason.TIME
    num_cuts: int = 0
    nodes: int = 0
    version: str = ""
    model_size: ModelSize | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Turn what is not known yet to the worst of the sense."""
        if self.maximize:
            self.objective, self.bound = -np.inf, np.inf

    @property
    def sign(self) -> float:
        """1 where less is better, -1 where more is."""
        return -1.0 if self.maximize else 1.0

    def offer(self, plan: S) -> bool:
        """Take a solution if it keeps every rule and is better; tell whether it was taken."""
        if self.violations(plan):
            return False
        objective = self.evaluate(plan)
        known = abs(self.objective) if self.plan is not None else 0.0
        if not self.sign * objective < self.sign * self.objective - GAIN * max(known, SMALLEST):
            return False
        self.plan, self.objective = copy.copy(plan), objective
        self.report()
        return True

    def raise_bound(self, bound: float) -> None:
        """Take a proven bound; the objective of a solution caps it."""
        low = self.sign * bound
        if self.is_whole and np.isfinite(low):
            low = float(np.ceil(low - TOLERANCE))
        low = min(low, self.sign * self.objective)
        if low > self.sign * self.bound:
            self.bound = self.sign * low
            self.report()

    def report(self) -> None:
        """Tell the listener what is known."""
        if self.listen is not None:
            bound = self.bound if np.isfinite(self.bound) else None
            self.listen(self.objective if self.plan is not None else None, bound)

    def heed(self, result: Result[Any]) -> None:
        """Count what a solve of a model took."""
        self.nodes += result.nodes
        self.version = result.version
        self.model_size = larger_model(self.model_size, result.model_size)

    @property
    def distance(self) -> float:
        """From the bound to the objective, never below 0; infinite if one is not known."""
        return max(0.0, self.sign * (self.objective - self.bound))

    @property
    def proven(self) -> bool:
        """Whether the solution is proven best; of whole numbers, none lies between."""
        slack = TOLERANCE * max(SMALLEST, abs(self.objective))
        if self.is_whole:
            slack = min(slack, 0.5)
        return self.plan is not None and self.distance <= slack

    @property
    def closed(self) -> bool:
        """Whether the gap is as small as was asked for."""
        if self.plan is None:
            return False
        return self.proven or self.distance <= self.limits.gap * abs(self.objective)

    @property
    def stopped(self) -> bool:
        """Whether someone asked to stop."""
        return self.stop is not None and self.stop.requested

    @property
    def over(self) -> bool:
        """Whether no time is left, or someone asked to stop."""
        return self.deadline.passed or self.stopped

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, or no time to do it."""
        return self.closed or self.over or self.infeasible

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the seconds of a block to a phase."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began

    def result(self) -> Result[S]:
        """State what is known; the objective is that of the checked solution."""
        status, reason = self._ending()
        bound = self.objective if self.proven else self.bound
        return Result(
            status=status,
            reason=reason,
            solution=self.plan,
            objective=self.objective if self.plan is not None else None,
            bound=bound if np.isfinite(bound) and not self.infeasible else None,
            seconds=self.seconds,
            solver=self.solver,
            version=self.version,
            seed=self.limits.seed,
            nodes=self.nodes,
            cuts=self.num_cuts,
            detail=self.detail,
            maximize=self.maximize,
            model_size=self.model_size,
            told=self.told,
        )

    def rule_out(self, told: Note) -> None:
        """Note that there is no solution, and why."""
        self.infeasible, self.detail, self.told = True, str(told), told

    def _ending(self) -> tuple[Status, Reason]:
        if self.infeasible:
            return Status.INFEASIBLE, Reason.PROVEN
        if self.proven:
            return Status.OPTIMAL, Reason.PROVEN
        status = Status.FEASIBLE if self.plan is not None else Status.UNKNOWN
        if self.stopped:
            return status, Reason.INTERRUPTED
        return status, Reason.GAP if self.closed else self.ended
