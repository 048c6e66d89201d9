"""One row of a results file: one job, what came out of it, and where it ran."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What a job ended with, after its solution was checked."""

    OPTIMAL = "optimal"
    """Proven best, and nothing that is known contradicts it."""
    FEASIBLE = "feasible"
    """A solution that keeps every rule, not proven best."""
    INFEASIBLE = "infeasible"
    """Proven to have no solution."""
    TIMEOUT = "timeout"
    """Nothing found within the time limit, or killed because it went on."""
    MEMORY = "memory"
    """Killed, or given up, because of the memory limit."""
    ERROR = "error"
    """Crashed, or refused the case."""
    WRONG = "wrong"
    """A broken rule, a false objective, or a value that a proof excludes."""


SOLVED = (Outcome.OPTIMAL, Outcome.INFEASIBLE)
"""Outcomes that answer the case."""

Curve = tuple[tuple[float, float | None, float | None], ...]
"""Points (seconds, objective, bound) in order of time; None where nothing is known yet."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One job and its outcome.

    Parameters
    ----------
    job
        Key of the job: a hash of all that it was asked.
    case, family
        The instance, and the kind of problem that it belongs to.
    method, solver, solver_version
        How it was solved; the solver is "" for a method that has none.
    seed, repeat
        Seed of random choices, and which of the repeats of one job this is.
    size
        Size of the case in its own words: clients, sites, units, districts, ...
    rows, columns, nonzeros
        Of the largest model that a solver got, after reductions; None without a model.
    status, reason, detail
        What came out, why the method stopped, and a sentence on it.
    objective, bound, maximize
        Recomputed objective and proven bound; None where nothing is known.
    gap
        |objective - bound| / |objective|; None if one is missing.
    best_known, best_known_is_optimal, gap_to_best
        Best value known before the run, whether it is proven, and the distance of the objective
        from it as a share.
    target_seconds
        Seconds within which a proof was aimed at; None where nothing was.
    seconds
        Seconds by phase: build, reduce, heuristic, bound, solve, and what else a method tells.
    total_seconds
        Wall-clock seconds of the method, loading of the case and checking left out.
    first_seconds, best_seconds
        Seconds to the first and to the best solution, where the method tells.
    nodes, cuts
        Branch-and-bound nodes and cutting planes.
    peak_mib
        Largest resident memory of the job's process, in MiB.
    curve
        Progress over time, where the method tells.
    time_limit, memory_limit_mib, threads
        Limits of the job: seconds, MiB, threads.
    host, processor, cores, python, versions, commit, started
        Where it ran, with what, on which commit, and when (ISO 8601, UTC).
    """

    job: str
    case: str
    family: str
    method: str
    solver: str
    status: Outcome
    seed: int
    repeat: int = 0
    solver_version: str = ""
    size: Mapping[str, int] = field(default_factory=dict)
    rows: int | None = None
    columns: int | None = None
    nonzeros: int | None = None
    reason: str = ""
    detail: str = ""
    objective: float | None = None
    bound: float | None = None
    maximize: bool = False
    gap: float | None = None
    best_known: float | None = None
    best_known_is_optimal: bool = False
    gap_to_best: float | None = None
    target_seconds: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    total_seconds: float | None = None
    first_seconds: float | None = None
    best_seconds: float | None = None
    nodes: int | None = None
    cuts: int | None = None
    peak_mib: float | None = None
    curve: Curve = ()
    time_limit: float = 0.0
    memory_limit_mib: float = 0.0
    threads: int = 1
    host: str = ""
    processor: str = ""
    cores: int = 0
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    started: str = ""

    @property
    def entrant(self) -> str:
        """Method and solver, as tables and charts call them."""
        return f"{self.method} [{self.solver}]" if self.solver else self.method

    @property
    def solved(self) -> bool:
        """Whether the case was answered: proven optimal or proven infeasible."""
        return self.status in SOLVED

    def as_record(self) -> dict[str, Any]:
        """Return the row as JSON takes it; a number that is not finite becomes null."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Row:
        """
        Return the row of a record; unknown keys of a later version are passed over.

        Raises
        ------
        ValueError
            If a key that every row has is missing.
        """
        known = {item.name for item in fields(cls)}
        given = {key: value for key, value in record.items() if key in known}
        try:
            given["status"] = Outcome(given["status"])
            given["curve"] = tuple(tuple(point) for point in given.get("curve", ()))
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a row of a benchmark: {error}.") from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON is whatever it is
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
