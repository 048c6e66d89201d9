"""
Solve a model and believe nothing: every claim of a solver is checked before it becomes a result.

The objective is recomputed, rows, bounds and integrality are tested, and the claimed bound must
agree with every solution in hand, the start included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from ..limits import Limits, Stop
from ..result import ModelSize, Reason, Result, Status, relative_gap
from .backend import Answer, Ending, Listen, Task
from .registry import backend_named
from .run import run_backend
from .trivial import solve_trivial

PROOF_GAP = 1e-6
"""Relative gap up to which a solution counts as proven best."""

TOLERANCE = 1e-5
"""Relative tolerance of rows, bounds and objectives."""

REASONS = {
    Ending.TIME: Reason.TIME,
    Ending.INTERRUPTED: Reason.INTERRUPTED,
    Ending.LIMIT: Reason.LIMIT,
    Ending.CUTOFF: Reason.LIMIT,
    Ending.UNBOUNDED: Reason.ERROR,
    Ending.ERROR: Reason.ERROR,
    Ending.OPTIMAL: Reason.GAP,
}


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is left of an answer after the check; ``complaint`` says what did not hold."""

    values: FloatArray | None = None
    objective: float | None = None
    bound: float | None = None
    complaint: str = ""


def solve_model(
    model: LinearModel,
    *,
    solver: str = "highs",
    limits: Limits = Limits(),  # noqa: B008 - frozen
    start: FloatArray | None = None,
    cutoff: float | None = None,
    seeks_bound: bool = False,
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[FloatArray]:
    """
    Solve a model with the solver of that name, and check what it says.

    Parameters
    ----------
    model
        The model; without integer columns it is a linear program.
    solver
        A name of :func:`available_solvers`.
    limits
        Time, gap, seed, threads.
    start
        Solution to start from, shape (columns,); NaN where unknown. It never worsens the result:
        if it is feasible, the answer is at least as good.
    cutoff
        Objective already known elsewhere. The solve may end with ``Reason.LIMIT`` as soon as its
        bound shows that nothing better exists; solvers that cannot watch their bound ignore it.
    seeks_bound
        Whether the bound is what is asked for: solvers that can put no time into heuristics then.
    stop
        Request to stop: the best so far is kept, with ``Reason.INTERRUPTED``.
    listen
        Called with (objective, bound) where the solver reports progress, in the caller's thread.

    Returns
    -------
    Result
        The solution is an array of shape (columns,). A model that is unbounded, and a solver whose
        claims do not hold, give ``Status.UNKNOWN`` with ``Reason.ERROR`` and the cause in
        ``detail``. The phases of ``seconds`` are "build" and "solve".

    Raises
    ------
    ValueError
        If the solver is unknown, not installed, known to be broken or not made for such a model,
        or the start has a wrong shape.
    """
    backend = backend_named(solver)
    objection = backend.refuse(model)
    if objection:
        raise ValueError(f"solver = {solver!r} cannot take model {model.name!r}: {objection}.")
    if start is not None and start.shape != (model.num_columns,):
        raise ValueError(f"start has shape {start.shape}, expected ({model.num_columns},).")

    def attempt(task: Task) -> Answer:
        if not (model.num_rows and model.num_columns):
            return solve_trivial(model)
        return run_backend(backend, task, stop=stop, listen=listen)

    task = Task(model, limits, start, cutoff, seeks_bound)
    result = checked_attempts(task, attempt, known=feasible_or_none(model, start))
    return replace(result, solver=solver, version=backend.version())


def checked_attempts(
    task: Task, attempt: Callable[[Task], Answer], *, known: FloatArray | None
) -> Result[FloatArray]:
    """
    Ask once, and once more without the start if the answer does not hold.

    Parameters
    ----------
    task
        The model with its limits and start.
    attempt
        Asks the solver.
    known
        The start where it is feasible.
    """
    model, limits, began = task.model, task.limits, time.perf_counter()
    answer = attempt(task)
    verdict = judge(model, answer, known, limits)
    left = limits.seconds - (time.perf_counter() - began)
    if verdict.complaint and task.start is not None and left > 0:
        answer = attempt(replace(task, start=None, limits=limits.within(left)))
        verdict = judge(model, answer, known, limits)
    total = time.perf_counter() - began
    built = min(answer.build_seconds, total)
    return replace(
        as_result(model, answer, verdict),
        seconds={"build": built, "solve": total - built},
        seed=limits.seed,
        nodes=answer.nodes,
        maximize=model.maximize,
        model_size=size_of(model),
    )


def size_of(model: LinearModel) -> ModelSize:
    """Return the size of a model."""
    return ModelSize(model.num_rows, model.num_columns, int(model.rows.nnz))


def judge(model: LinearModel, answer: Answer, start: FloatArray | None, limits: Limits) -> Verdict:
    """Check an answer; keep the start where it is better than what the solver found."""
    found = None if answer.values is None else tidied(model, answer.values)
    if found is not None:
        broken = model.violations(found, tolerance=TOLERANCE)
        if broken:
            return Verdict(complaint=f"its solution breaks {len(broken)} rules: {broken[0]}")
    best = better(model, found, start)
    objective = None if best is None else model.evaluate(best)
    complaint = contradiction(model, answer, found, objective, limits)
    if complaint:
        return Verdict(complaint=complaint)
    return Verdict(best, objective, clipped(model, objective, answer.bound))


def tidied(model: LinearModel, values: FloatArray) -> FloatArray:
    """Integers rounded and bounds respected exactly, if that breaks no row."""
    near = np.where(model.integer, np.rint(values), values)
    near = np.where(np.abs(near - values) <= TOLERANCE, near, values)
    inside = np.clip(near, model.lower, model.upper)
    near = np.where(np.abs(inside - near) <= TOLERANCE * (1 + np.abs(near)), inside, near)
    return values if model.violations(near, tolerance=TOLERANCE) else near


def feasible_or_none(model: LinearModel, start: FloatArray | None) -> FloatArray | None:
    """Return the start if it is complete and feasible, tidied."""
    if start is None or not np.isfinite(start).all():
        return None
    near = tidied(model, np.asarray(start, dtype=float))
    return None if model.violations(near, tolerance=TOLERANCE) else near


def better(
    model: LinearModel, first: FloatArray | None, second: FloatArray | None
) -> FloatArray | None:
    """Return the better of two solutions; the first if they are equal."""
    if first is None or second is None:
        return second if first is None else first
    advantage = model.evaluate(first) - model.evaluate(second)
    return first if (advantage >= 0 if model.maximize else advantage <= 0) else second


def contradiction(
    model: LinearModel,
    answer: Answer,
    found: FloatArray | None,
    objective: float | None,
    limits: Limits,
) -> str:
    """Say which claim contradicts the solutions in hand; "" if none does."""
    if objective is None:
        return "it claims an optimum without a solution" if answer.ending is Ending.OPTIMAL else ""
    if answer.ending in {Ending.INFEASIBLE, Ending.UNBOUNDED} and not _unbounded(answer):
        return "it calls a model infeasible of which a solution is known"
    slack = TOLERANCE * max(1.0, abs(objective))
    sign = -1.0 if model.maximize else 1.0
    bound = answer.bound
    if bound is not None and sign * (objective - bound) < -slack:
        return f"its bound {bound:.9g} excludes a known solution of {objective:.9g}"
    recomputed = objective if found is None else model.evaluate(found)
    if answer.objective is not None and abs(answer.objective - recomputed) > slack:
        return f"it claims {answer.objective:.9g} for a solution of {recomputed:.9g}"
    distance = 0.0 if bound is None else sign * (recomputed - bound)
    if answer.ending is Ending.OPTIMAL and distance > max(limits.gap * abs(recomputed) * 2, slack):
        return f"it claims an optimum of {recomputed:.9g} with the bound {bound:.9g}"
    return ""


def _unbounded(answer: Answer) -> bool:
    return answer.ending is Ending.UNBOUNDED


def clipped(model: LinearModel, objective: float | None, bound: float | None) -> float | None:
    """Return the bound, moved onto the objective if it crosses it (within the tolerance)."""
    if objective is None or bound is None:
        return bound
    return max(bound, objective) if model.maximize else min(bound, objective)


def as_result(model: LinearModel, answer: Answer, verdict: Verdict) -> Result[FloatArray]:
    """Turn what held into status and reason."""
    if verdict.complaint:
        detail = f"The solver's answer does not hold and was refused: {verdict.complaint}."
        return Result(Status.UNKNOWN, Reason.ERROR, detail=detail)
    if answer.ending is Ending.INFEASIBLE:
        return Result(Status.INFEASIBLE, Reason.PROVEN, detail=answer.detail)
    if answer.ending is Ending.UNBOUNDED:
        detail = f"Model {model.name!r} is unbounded, or infeasible: bound the columns with costs."
        return Result(Status.UNKNOWN, Reason.ERROR, detail=detail)
    gap = relative_gap(verdict.objective, verdict.bound, maximize=model.maximize)
    scale = max(1.0, abs(verdict.objective or 0.0)) / max(abs(verdict.objective or 0.0), 1e-9)
    proven = answer.ending is Ending.OPTIMAL and gap is not None and gap <= PROOF_GAP * scale
    status = Status.UNKNOWN if verdict.values is None else Status.FEASIBLE
    return Result(
        Status.OPTIMAL if proven else status,
        Reason.PROVEN if proven else REASONS[answer.ending],
        solution=verdict.values,
        objective=verdict.objective,
        bound=verdict.bound,
        detail=answer.detail,
    )
