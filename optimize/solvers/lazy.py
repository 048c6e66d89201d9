"""
Models with too many inequalities to write down: they are added where a solution breaks them.

SCIP adds them inside one search tree. Every other backend solves, is told what its solution
breaks, and solves again: each model on the way is a relaxation, so each of its bounds holds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ...models.formulation import FloatArray, LinearModel
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from .backend import Answer, Cut, Ending, Listen, Separate, Task
from .checked import checked_attempts, feasible_or_none, size_of, solve_model
from .run import run_backend
from .scip import Scip

__all__ = ["Cut", "Separate", "solve_with_cuts", "with_cuts"]

MOST_ROUNDS = 10_000
"""Rounds of a backend that does not add inequalities inside its search."""


def solve_with_cuts(
    model: LinearModel,
    separate: Separate,
    *,
    solver: str = "scip",
    limits: Limits = Limits(),  # noqa: B008 - frozen
    start: FloatArray | None = None,
    cutoff: float | None = None,
    stop: Stop | None = None,
    listen: Listen | None = None,
    separate_fractional: Separate | None = None,
) -> Result[FloatArray]:
    """
    Solve a model together with inequalities that are found when they are needed.

    Parameters
    ----------
    model
        The rows that are written down.
    separate
        Gets an integer point and returns the inequalities that it breaks; empty if it is
        accepted. SCIP calls it in a thread of its own, one call at a time.
    solver
        "scip" adds inequalities inside its tree; any other backend is called again and again.
    limits, start, stop, listen
        As for :func:`.checked.solve_model`. A start that breaks an inequality is refused.
    cutoff
        Objective already known elsewhere: the solve ends with ``Reason.LIMIT`` and this bound once
        nothing better than it can exist.
    separate_fractional
        Gets a point of the linear relaxation and returns inequalities that it breaks. Only SCIP
        uses it.

    Returns
    -------
    Result
        As for :func:`.checked.solve_model`; the solution is accepted by ``separate``. ``cuts``
        counts the inequalities that were added.

    Raises
    ------
    ValueError
        As for :func:`.checked.solve_model`.
    """
    if start is not None and start.shape != (model.num_columns,):
        raise ValueError(f"start has shape {start.shape}, expected ({model.num_columns},).")
    known = feasible_or_none(model, start)
    if known is not None and separate(known):
        known = start = None
    if solver == "scip" and model.num_rows and model.num_columns:
        run = _InTree(model, separate, separate_fractional, stop, listen)
        return run.solve(limits, start, known, cutoff)
    again = _Again(model, separate, solver, stop, listen)
    return again.solve(limits, start, known, cutoff)


@dataclass
class _Counted:
    """Separation that counts what it gives."""

    separate: Separate
    count: int = 0

    def __call__(self, values: FloatArray) -> list[Cut]:
        cuts = self.separate(values)
        self.count += len(cuts)
        return cuts


@dataclass
class _InTree:
    """One search tree of SCIP."""

    model: LinearModel
    separate: Separate
    fractional: Separate | None
    stop: Stop | None
    listen: Listen | None

    def solve(
        self,
        limits: Limits,
        start: FloatArray | None,
        known: FloatArray | None,
        cutoff: float | None,
    ) -> Result[FloatArray]:
        """Solve; if the answer does not hold, once more without the start."""
        counted = _Counted(self.separate)
        backend = Scip(counted, self.fractional)

        def attempt(task: Task) -> Answer:
            return self.accepted(run_backend(backend, task, stop=self.stop, listen=self.listen))

        result = checked_attempts(Task(self.model, limits, start, cutoff), attempt, known=known)
        return replace(result, solver=backend.name, version=backend.version(), cuts=counted.count)

    def accepted(self, answer: Answer) -> Answer:
        """Refuse a solution that breaks an inequality after all."""
        if answer.values is None:
            return answer
        near = np.where(self.model.integer, np.rint(answer.values), answer.values)
        if not self.separate(near):
            return answer
        return Answer(Ending.ERROR, detail="its solution breaks an inequality of the separation")


@dataclass
class _Again:
    """Solve, separate, repeat."""

    model: LinearModel
    separate: Separate
    solver: str
    stop: Stop | None
    listen: Listen | None
    bound: float | None = None

    def solve(
        self,
        limits: Limits,
        start: FloatArray | None,
        known: FloatArray | None,
        cutoff: float | None,
    ) -> Result[FloatArray]:
        """Solve with more and more inequalities until the solution is accepted."""
        began, deadline = time.perf_counter(), Deadline.after(limits.seconds)
        cuts: list[Cut] = []
        nodes = 0
        for _ in range(MOST_ROUNDS):
            model = with_cuts(self.model, cuts)
            result = solve_model(
                model,
                solver=self.solver,
                limits=limits.within(deadline.seconds_left),
                start=start,
                cutoff=cutoff,
                stop=self.stop,
                listen=self._tell,
            )
            nodes += result.nodes
            self._raise_bound(result.bound)
            broken = [] if result.solution is None else self.separate(result.solution)
            if not broken or result.status is Status.INFEASIBLE:
                break
            cuts += broken
            if deadline.passed or (self.stop is not None and self.stop.requested):
                result = self._unfinished(result, known)
                break
        return replace(
            result,
            bound=None if result.status is Status.INFEASIBLE else self.bound,
            seconds={"solve": time.perf_counter() - began},
            nodes=nodes,
            cuts=len(cuts),
            model_size=size_of(model),
        )

    def _unfinished(
        self, result: Result[FloatArray], known: FloatArray | None
    ) -> Result[FloatArray]:
        """Drop the solution that broke an inequality; keep the start if there is one."""
        interrupted = self.stop is not None and self.stop.requested
        return replace(
            result,
            status=Status.UNKNOWN if known is None else Status.FEASIBLE,
            reason=Reason.INTERRUPTED if interrupted else Reason.TIME,
            solution=known,
            objective=None if known is None else self.model.evaluate(known),
        )

    def _raise_bound(self, bound: float | None) -> None:
        if bound is not None:
            best = max if not self.model.maximize else min
            self.bound = bound if self.bound is None else best(self.bound, bound)

    def _tell(self, objective: float | None, bound: float | None) -> None:
        """Pass the bound on; the objective of a relaxation is nobody's."""
        del objective
        if self.listen is not None and bound is not None:
            self.listen(None, bound)


def with_cuts(model: LinearModel, cuts: list[Cut]) -> LinearModel:
    """Return the model with further rows."""
    if not cuts:
        return model
    row = np.repeat(np.arange(len(cuts)), [len(cut.columns) for cut in cuts])
    column = np.concatenate([cut.columns for cut in cuts])
    entries = np.concatenate([cut.coefficients for cut in cuts])
    more = sparse.csr_array((entries, (row, column)), shape=(len(cuts), model.num_columns))
    return replace(
        model,
        rows=sparse.csr_array(sparse.vstack([model.rows, more])),
        row_lower=np.r_[model.row_lower, [cut.lower for cut in cuts]],
        row_upper=np.r_[model.row_upper, [cut.upper for cut in cuts]],
        row_name=None,
    )
