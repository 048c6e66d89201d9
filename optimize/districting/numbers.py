"""The smallest number of districts that has a plan, and what is known of the smaller ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ...models.formulation import IntArray
from ..limits import Limits, Stop
from ..result import Reason, Result, Status
from .methods import Answer


@dataclass(frozen=True)
class Attempt:
    """One number of districts that was tried."""

    num_districts: int
    status: Status
    detail: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Numbered:
    """
    The answer for the smallest number of districts that has a plan, and the numbers before it.

    Parameters
    ----------
    num_districts, answer
        Number and answer; those of the last attempt if none has a plan.
    attempts
        All numbers in the order in which they were tried.
    """

    num_districts: int
    answer: Answer
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def note(self) -> str:
        """What is known of the smaller numbers, in words."""
        before = self.attempts[:-1]
        if not before:
            return ""
        open_ones = [a.num_districts for a in before if a.status is not Status.INFEASIBLE]
        if open_ones:
            return f"{', '.join(map(str, open_ones))} districts: not ruled out"
        return f"{', '.join(str(a.num_districts) for a in before)} districts: proven infeasible"


def smallest_number(
    numbers: Sequence[int],
    ask: Callable[[int, Limits], Answer],
    *,
    limits: Limits,
    stop: Stop | None = None,
) -> Numbered:
    """
    Solve for the first number of districts that has a plan.

    Parameters
    ----------
    numbers
        Numbers of districts, the smallest first; at least one.
    ask
        Solves for one number within limits.
    limits
        Of all together: each number gets half of the time that is left, the last one all of it.
    stop
        A request to stop: no further number is tried.

    Returns
    -------
    Numbered
        Its answer has a plan, or is that of the last number that was tried.
    """
    attempts: list[Attempt] = []
    end = time.monotonic() + limits.seconds
    for place, number in enumerate(numbers):
        left = max(end - time.monotonic(), 0.01)
        share = left if place == len(numbers) - 1 else left / 2
        began = time.monotonic()
        answer = ask(number, limits.within(share))
        result = answer.result
        attempts.append(Attempt(number, result.status, result.detail, time.monotonic() - began))
        stopped = stop is not None and stop.requested
        if result.solution is not None or stopped or time.monotonic() >= end:
            break
    proven = all(a.status is Status.INFEASIBLE for a in attempts) and len(attempts) == len(numbers)
    if result.solution is None and not proven:
        result = replace(result, status=Status.UNKNOWN, reason=_open_reason(result, stop))
    return Numbered(number, replace(answer, result=result), tuple(attempts))


def _open_reason(result: Result[IntArray], stop: Stop | None) -> Reason:
    """Why nothing is known in the end."""
    if stop is not None and stop.requested:
        return Reason.INTERRUPTED
    return Reason.TIME if result.reason is Reason.PROVEN else result.reason
