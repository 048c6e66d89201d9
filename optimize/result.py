"""What a solve found, and how well that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from ..instances.notes import Note

S = TypeVar("S")


class Status(StrEnum):
    """What is known about the problem."""

    OPTIMAL = "optimal"
    """A solution is proven best."""
    FEASIBLE = "feasible"
    """A solution is known, not proven best."""
    INFEASIBLE = "infeasible"
    """Proven to have no solution."""
    UNKNOWN = "unknown"
    """No solution was found, and none was proven not to exist."""


class Reason(StrEnum):
    """Why the solve stopped."""

    PROVEN = "proven"
    GAP = "gap"
    TIME = "time"
    INTERRUPTED = "interrupted"
    LIMIT = "limit"
    ERROR = "error"


class ModelSize(NamedTuple):
    """Size of a model that a solver got, after reductions."""

    rows: int
    columns: int
    nonzeros: int


def larger_model(one: ModelSize | None, other: ModelSize | None) -> ModelSize | None:
    """Return the model with more nonzeros; None if there is none."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda size: size.nonzeros)


@dataclass(frozen=True)
class Result(Generic[S]):
    """
    Outcome of one solve.

    Parameters
    ----------
    status, reason
        What is known, and why the solve stopped: two fields.
    solution
        The best solution; None if none is known, never a dummy.
    objective
        Its objective, recomputed from the solution by code that is not the solver's.
    bound
        Proven bound on the optimum; None if there is none.
    seconds
        Wall-clock seconds by phase.
    solver, version, seed
        Who solved it.
    nodes, cuts
        Branch-and-bound nodes and cutting planes added, where known.
    detail
        One sentence for people: what was chosen and why, or what went wrong.
    told
        The same as a note, which has words in every language; None where there is none.
    maximize
        Whether larger objectives are better.
    model_size
        Size of the largest model that a solver got; None if none was needed.
    """

    status: Status
    reason: Reason
    solution: S | None = None
    objective: float | None = None
    bound: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    solver: str = ""
    version: str = ""
    seed: int = 0
    nodes: int = 0
    cuts: int = 0
    detail: str = ""
    maximize: bool = False
    model_size: ModelSize | None = None
    told: Note | None = None

    @property
    def gap(self) -> float | None:
        """(objective - bound) / objective, as a share of the objective; None if unknown."""
        return relative_gap(self.objective, self.bound, maximize=self.maximize)

    def as_record(self) -> dict[str, Any]:
        """Return what is known as JSON takes it, without the solution."""
        return {
            "status": str(self.status),
            "reason": str(self.reason),
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "seconds": dict(self.seconds),
            "solver": f"{self.solver} {self.version}".strip(),
            "detail": self.detail,
            **({} if self.told is None else {"told": self.told.as_record()}),
        }

    def telling(self, told: Note | None) -> Result[S]:
        """Return the result with another detail: a note, or none."""
        return replace(self, detail="" if told is None else str(told), told=told)

    @property
    def total_seconds(self) -> float:
        """Seconds of all phases together."""
        return float(sum(self.seconds.values()))


def relative_gap(
    objective: float | None, bound: float | None, *, maximize: bool = False
) -> float | None:
    """
    Distance from objective to bound as a share of the objective, never negative.

    Examples
    --------
    >>> relative_gap(100.0, 99.0)
    0.01
    """
    if objective is None or bound is None:
        return None
    distance = max(0.0, bound - objective if maximize else objective - bound)
    return distance / max(abs(objective), 1e-9) if distance > 0 else 0.0
