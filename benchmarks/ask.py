"""What a method is asked, what it answers, and what it tells on the way."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..models.formulation import LinearModel
from ..optimize.limits import Limits
from ..optimize.result import Reason, Result, Status

Tell = Callable[[float, float | None, float | None], None]


@dataclass
class Ask:
    """
    The limits of one job, and a notebook for what happens on the way.

    Parameters
    ----------
    solver
        Backend to use; "" if the method has none to choose.
    limits
        Seconds, gap, seed and threads.
    tell
        Called with (seconds, objective, bound) whenever one improves.
    """

    solver: str
    limits: Limits
    tell: Tell | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    curve: list[tuple[float, float | None, float | None]] = field(default_factory=list)
    model_size: tuple[int, int, int] | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit, at least a hundredth."""
        return max(0.01, self.limits.seconds - (time.perf_counter() - self.began))

    def limits_left(self) -> Limits:
        """Return the limits with the time that is left."""
        return self.limits.within(self.seconds_left)

    def improved(self, objective: float | None, bound: float | None) -> None:
        """Note a better objective or bound; what is not known is None."""
        point = (time.perf_counter() - self.began, objective, bound)
        if not self.curve or self.curve[-1][1:] != point[1:]:
            self.curve.append(point)
            if self.tell is not None:
                self.tell(*point)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the seconds of a block to a phase: build, reduce, heuristic, bound or solve."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def note_model(self, model: LinearModel) -> None:
        """Note the size of a model that a solver gets; the largest is kept."""
        self.note_size(model.num_rows, model.num_columns, int(model.rows.nnz))

    def note_size(self, rows: int, columns: int, nonzeros: int) -> None:
        """Note rows, columns and nonzeros; the largest by nonzeros is kept."""
        if self.model_size is None or nonzeros > self.model_size[2]:
            self.model_size = (rows, columns, nonzeros)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    What a method claims.

    Parameters
    ----------
    status
        What it claims to know.
    reason
        Why it stopped.
    solution
        In the form that the check of the family takes; None if there is none.
    objective
        The objective that it claims; compared with the recomputed one.
    bound
        The bound that it claims to have proven.
    seconds
        Seconds by phase, if the method counts them itself.
    """

    status: Status
    reason: Reason = Reason.PROVEN
    solution: Any = None
    objective: float | None = None
    bound: float | None = None
    maximize: bool = False
    nodes: int | None = None
    cuts: int | None = None
    solver_version: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    detail: str = ""


def answer_of(result: Result[Any], solution: Any) -> Answer:  # noqa: ANN401 - each family has its own
    """Return a result of shequ as an answer with a solution in the form of the check."""
    return Answer(
        status=result.status,
        reason=result.reason,
        solution=solution,
        objective=result.objective,
        bound=result.bound,
        maximize=result.maximize,
        nodes=result.nodes,
        cuts=result.cuts,
        solver_version=result.version,
        seconds=dict(result.seconds),
        detail=result.detail,
    )
