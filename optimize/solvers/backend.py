"""What a solver is asked, what it answers, and what a backend must offer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from ...models.formulation import FloatArray, IntArray, LinearModel
from ..limits import Limits

Listen = Callable[[float | None, float | None], None]


class Cut(NamedTuple):
    """
    A linear inequality: lower <= coefficients @ x[columns] <= upper.

    Parameters
    ----------
    columns, coefficients
        Columns with a coefficient, each once, shape (entries,).
    lower, upper
        Bounds; infinite where there is none.
    """

    columns: IntArray
    coefficients: FloatArray
    lower: float
    upper: float


Separate = Callable[[FloatArray], list[Cut]]


class Ending(StrEnum):
    """Why a solver says that it stopped; a claim that is checked before anyone trusts it."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME = "time"
    INTERRUPTED = "interrupted"
    LIMIT = "limit"
    CUTOFF = "cutoff"
    ERROR = "error"


@dataclass(frozen=True, eq=False)
class Answer:
    """
    What a solver claims.

    Parameters
    ----------
    ending
        Why it stopped.
    values
        Its solution, shape (columns,); None if it has none.
    objective, bound
        Its objective and its bound on the optimum, in the sense of the model; None if unknown.
    nodes
        Branch-and-bound nodes.
    build_seconds
        Seconds spent on handing the model over.
    detail
        What it said, where that helps.
    """

    ending: Ending
    values: FloatArray | None = None
    objective: float | None = None
    bound: float | None = None
    nodes: int = 0
    build_seconds: float = 0.0
    detail: str = ""


@dataclass
class Exchange:
    """
    The slate between the thread that solves and the thread that waits for it.

    Parameters
    ----------
    halt
        Set by the waiting thread: the solver must stop soon and keep its best.
    latest
        Last (objective, bound) reported by the solver.
    """

    halt: threading.Event = field(default_factory=threading.Event)
    latest: tuple[float | None, float | None] = (None, None)

    def report(self, objective: float | None, bound: float | None) -> None:
        """Write down news; a figure that is None keeps its last value."""
        before, bound_before = self.latest
        self.latest = (
            before if objective is None else objective,
            bound_before if bound is None else bound,
        )


@dataclass(frozen=True, eq=False)
class Task:
    """
    One model to solve.

    Parameters
    ----------
    model
        At least one row and one column.
    limits
        Time, gap, seed, threads.
    start
        Solution to start from, shape (columns,); NaN where unknown.
    cutoff
        Once the bound shows that nothing better than this exists, the solver may stop.
    seeks_bound
        Whether the bound is what is asked for: time goes into it rather than into heuristics.
    """

    model: LinearModel
    limits: Limits
    start: FloatArray | None = None
    cutoff: float | None = None
    seeks_bound: bool = False


class Backend(Protocol):
    """Anything that solves a :class:`Task`."""

    @property
    def name(self) -> str:
        """Name by which people choose it."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it solves: "LP", "MIP"."""

    @property
    def note(self) -> str:
        """One sentence on its limits, for people."""

    def version(self) -> str:
        """Version of the solver, found without loading it where possible; "" if it is absent."""

    def refuse(self, model: LinearModel) -> str:
        """Why it cannot take this model; "" if it can."""

    def solve(self, task: Task, exchange: Exchange) -> Answer:
        """Solve; called in a thread of its own."""


@dataclass(frozen=True)
class SolverInfo:
    """
    One line of the list of solvers.

    Parameters
    ----------
    name, version
        What to write after ``--solver``, and which version is installed.
    kinds
        "LP", "MIP" or both.
    available
        Whether it can be used here.
    note
        Its limits, or why it is not available.
    """

    name: str
    version: str
    kinds: tuple[str, ...]
    available: bool
    note: str = ""
