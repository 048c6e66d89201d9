"""What is known so far about one districting problem, whichever engine works on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...models.districting.problem import Districting
from ...models.districting.separators import Separator
from ...models.formulation import IntArray
from ..limits import Deadline, Limits, Stop
from ..result import ModelSize, Reason, Result, Status, larger_model

Listen = Callable[[float | None, float | None], None]

TOLERANCE = 1e-6
"""Difference, and share of the objective, up to which two objectives count as equal."""


@dataclass
class Search:
    """
    Plan, bound and bookkeeping of one solve.

    Parameters
    ----------
    problem
        What is asked.
    evaluate
        Objective of a plan.
    limits, solver, stop, listen
        As the engine got them.
    deadline
        When the time limit ends.
    is_whole
        Whether every plan's objective is a whole number, so that bounds may be rounded up.
    plan, objective
        The best plan that keeps every rule; None and infinite if there is none.
    bound
        Best proven bound.
    infeasible, detail
        Whether it is proven that there is no plan, and why.
    ended
        Why the solve stopped, as far as the engine knows.
    cuts
        Contiguity inequalities so far.
    num_lazy
        Inequalities that were added inside search trees.
    """

    problem: Districting
    evaluate: Callable[[IntArray], float]
    limits: Limits
    solver: str
    stop: Stop | None
    listen: Listen | None
    deadline: Deadline
    is_whole: bool = False
    plan: IntArray | None = None
    objective: float = np.inf
    bound: float = -np.inf
    infeasible: bool = False
    detail: str = ""
    ended: Reason = Reason.TIME
    cuts: list[Separator] = field(default_factory=list)
    num_lazy: int = 0
    nodes: int = 0
    version: str = ""
    model_size: ModelSize | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def offer(self, plan: IntArray) -> None:
        """Take a plan if it keeps every rule and is better."""
        if self.problem.violations(plan):
            return
        objective = self.evaluate(plan)
        if objective < self.objective - TOLERANCE:
            self.plan, self.objective = plan.copy(), objective
            self.report()

    def raise_bound(self, bound: float) -> None:
        """Take a proven bound; a plan's objective caps it."""
        if self.is_whole and np.isfinite(bound):
            bound = float(np.ceil(bound - TOLERANCE))
        if min(bound, self.objective) > self.bound:
            self.bound = min(bound, self.objective)
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
    def proven(self) -> bool:
        """Whether the plan is proven best."""
        slack = TOLERANCE * max(1.0, abs(self.objective))
        return self.plan is not None and self.objective - self.bound <= slack

    @property
    def closed(self) -> bool:
        """Whether the gap is as small as was asked for."""
        if self.plan is None:
            return False
        return self.proven or self.objective - self.bound <= self.limits.gap * abs(self.objective)

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

    def result(self) -> Result[IntArray]:
        """State what is known; the objective is that of the checked plan."""
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
            cuts=len(self.cuts) + self.num_lazy,
            detail=self.detail or ("no connected plan keeps the bounds" if self.infeasible else ""),
            model_size=self.model_size,
        )

    def _ending(self) -> tuple[Status, Reason]:
        if self.infeasible:
            return Status.INFEASIBLE, Reason.PROVEN
        if self.proven:
            return Status.OPTIMAL, Reason.PROVEN
        status = Status.FEASIBLE if self.plan is not None else Status.UNKNOWN
        if self.stopped:
            return status, Reason.INTERRUPTED
        return status, Reason.GAP if self.closed else self.ended
