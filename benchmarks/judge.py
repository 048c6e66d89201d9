"""
Turn what a method claims into what is known.

The objective is recomputed and every rule is checked by code that the method does not share. A
broken rule, a false objective, or a value that a proof excludes makes a row "wrong", whoever
claimed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..optimize.result import Reason, Status, relative_gap
from .ask import Answer
from .registry import Case, Check
from .row import Outcome, Row

TOLERANCE = 1e-5
"""Relative difference up to which two values count as equal."""

CLAIM_TOLERANCE = 1e-4
"""Relative difference up to which a claimed objective is that of its solution."""


def judge(case: Case, problem: Any, answer: Answer, check: Check) -> dict[str, Any]:  # noqa: ANN401
    """
    Check an answer.

    Parameters
    ----------
    case, problem
        The case, and the problem that it made.
    answer
        What the method claims.
    check
        Recomputes the objective of a solution and names the rules that it breaks.

    Returns
    -------
    dict
        The fields of a row that say what came out.
    """
    if answer.solution is None:
        return _without_solution(case, answer)
    objective, broken = check(problem, answer.solution)
    complaints = [*broken, *_false_claims(case, answer, objective)]
    status = Outcome.WRONG if complaints else _status(answer, objective)
    known = case.best_known
    return {
        "status": status,
        "reason": str(answer.reason),
        "detail": "; ".join(complaints[:3]) or answer.detail,
        "objective": objective,
        "bound": answer.bound,
        "maximize": answer.maximize,
        "gap": relative_gap(objective, answer.bound, maximize=answer.maximize),
        "gap_to_best": None
        if known is None
        else _worse_by(objective, known, maximize=answer.maximize),
    }


def _without_solution(case: Case, answer: Answer) -> dict[str, Any]:
    detail = answer.detail
    if answer.status is Status.INFEASIBLE:
        status = Outcome.INFEASIBLE
        if case.best_known is not None:
            status = Outcome.WRONG
            detail = f"called infeasible, a solution of {case.best_known:g} is known"
    elif answer.status in {Status.OPTIMAL, Status.FEASIBLE}:
        status, detail = Outcome.WRONG, f"called {answer.status} without a solution"
    else:
        status = Outcome.ERROR if answer.reason is Reason.ERROR else Outcome.TIMEOUT
    complaint = _false_bound(case, answer)
    if complaint:
        status, detail = Outcome.WRONG, complaint
    return {
        "status": status,
        "reason": str(answer.reason),
        "detail": detail,
        "bound": answer.bound,
        "maximize": answer.maximize,
    }


def _false_claims(case: Case, answer: Answer, objective: float) -> Iterator[str]:
    """Yield each claim that the recomputed objective or a known value contradicts."""
    if answer.status is Status.INFEASIBLE:
        yield "called infeasible with a solution"
    claimed = answer.objective
    if claimed is not None and abs(claimed - objective) > CLAIM_TOLERANCE * _scale(objective):
        yield f"claims {claimed:.9g} for a solution of {objective:.9g}"
    if answer.bound is not None and _beyond(objective, answer.bound, maximize=answer.maximize):
        yield f"its bound {answer.bound:.9g} excludes its own solution of {objective:.9g}"
    if (
        case.best_is_optimal
        and case.best_known is not None
        and _beyond(objective, case.best_known, maximize=answer.maximize)
    ):
        yield f"{objective:.9g} is better than the proven optimum {case.best_known:.9g}"
    complaint = _false_bound(case, answer)
    if complaint:
        yield complaint
    if answer.status is Status.OPTIMAL and case.best_known is not None:
        worse = _worse_by(objective, case.best_known, maximize=answer.maximize)
        if worse > CLAIM_TOLERANCE:
            yield f"{objective:.9g} is called optimal, {case.best_known:.9g} is known"


def _false_bound(case: Case, answer: Answer) -> str:
    """Say that a bound excludes a known solution; "" if it does not."""
    known, bound = case.best_known, answer.bound
    if known is None or bound is None or not _beyond(known, bound, maximize=answer.maximize):
        return ""
    return f"its bound {bound:.9g} excludes the known solution of {known:.9g}"


def _status(answer: Answer, objective: float) -> Outcome:
    """Return optimal only where the gap is closed, or nobody knows a bound to hold against it."""
    if answer.status is not Status.OPTIMAL:
        return Outcome.FEASIBLE
    gap = relative_gap(objective, answer.bound, maximize=answer.maximize)
    scaled = None if gap is None else gap * abs(objective) / _scale(objective)
    return Outcome.OPTIMAL if scaled is None or scaled <= CLAIM_TOLERANCE else Outcome.FEASIBLE


def _scale(value: float) -> float:
    return max(1.0, abs(value))


def _beyond(value: float, limit: float, *, maximize: bool) -> bool:
    """Whether ``value`` is better than ``limit`` allows."""
    better = value - limit if maximize else limit - value
    return better > TOLERANCE * _scale(limit)


def _worse_by(value: float, known: float, *, maximize: bool) -> float:
    """Return the share by which ``value`` is worse than ``known``; negative if it is better."""
    worse = known - value if maximize else value - known
    return worse / max(abs(known), 1e-9)


def cross_checked(rows: Sequence[Row]) -> list[Row]:
    """
    Hold the claims of all rows of a case against the solutions that other rows found.

    Every solution of a row that is not wrong keeps all rules, whoever found it. So a bound that
    excludes one is false, and so is an optimum that is worse than one: such rows become wrong.

    Parameters
    ----------
    rows
        Rows of one or more results files.
    """
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        if row.objective is None or row.status is Outcome.WRONG:
            continue
        key = (row.family, row.case)
        known = best.setdefault(key, row.objective)
        best[key] = max(known, row.objective) if row.maximize else min(known, row.objective)
    return [_held_against(row, best.get((row.family, row.case))) for row in rows]


def _held_against(row: Row, found: float | None) -> Row:
    """Return a row as wrong if its claims exclude a solution of the value ``found``."""
    if found is None or row.status is Outcome.WRONG:
        return row
    complaint = ""
    if row.bound is not None and _beyond(found, row.bound, maximize=row.maximize):
        complaint = f"its bound {row.bound:.9g} excludes a solution of {found:.9g} that was found"
    elif row.status is Outcome.INFEASIBLE:
        complaint = f"called infeasible, a solution of {found:.9g} was found"
    elif row.status is Outcome.OPTIMAL and row.objective is not None:
        worse = _worse_by(row.objective, found, maximize=row.maximize)
        if worse > CLAIM_TOLERANCE:
            complaint = f"{row.objective:.9g} is called optimal, {found:.9g} was found"
    return replace(row, status=Outcome.WRONG, detail=complaint) if complaint else row
