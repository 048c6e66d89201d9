"""The matrix of a run: cases x methods x solvers x seeds x repeats, in a fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .registry import Case, Method, Registry

REFERENCE = "reference"
"""Family, case and method of the job that shows how the machine drifts."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """
    One solve of one case.

    Parameters
    ----------
    case, method, solver, seed, repeat
        What is solved, and how.
    time_limit, memory_limit_mib, threads
        Limits: seconds, MiB, threads.
    data, plugins
        Folder of published instances ("" for none) and files of the user.
    """

    case: str
    method: str
    solver: str
    seed: int
    repeat: int
    time_limit: float
    memory_limit_mib: float
    threads: int
    data: str = ""
    plugins: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Hash of all that decides the job; places of files do not."""
        asked = {k: v for k, v in asdict(self).items() if k not in {"data", "plugins"}}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

    def as_record(self) -> dict[str, Any]:
        """Return the job as JSON takes it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Job:
        """Return the job of a record."""
        return cls(**{**record, "plugins": tuple(record.get("plugins", ()))})


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """
    What a run is made of.

    Parameters
    ----------
    cases, methods
        What to combine; a method meets the cases of its families.
    solvers
        Solvers to use; empty for those that each method takes by default.
    seeds
        Seeds of random choices.
    repeats
        How often each job is timed.
    time_limit, memory_limit_mib, threads
        Limits of each job.
    own_limits
        Whether a time limit that a case brings along counts in place of the common one.
    reference_every
        Jobs between two runs of the reference job; 0 for none.
    """

    cases: Sequence[Case]
    methods: Sequence[Method]
    solvers: Sequence[str] = ()
    seeds: Sequence[int] = (1,)
    repeats: int = 1
    time_limit: float = 60.0
    memory_limit_mib: float = 4096.0
    threads: int = 1
    own_limits: bool = False
    reference_every: int = 10
    data: Path | None = None
    plugins: Sequence[Path] = ()


def plan_jobs(matrix: Matrix) -> tuple[list[Job], list[str]]:
    """
    Combine cases and methods.

    Returns
    -------
    tuple
        The jobs in the order in which they run, and why what is left out is left out.
    """
    skipped = [reason for case in matrix.cases if (reason := case.missing(matrix.data))]
    skipped += [reason for method in matrix.methods if (reason := method.absent())]
    cases = [case for case in matrix.cases if not case.missing(matrix.data)]
    methods = [method for method in matrix.methods if not method.absent()]
    jobs: list[Job] = []
    for repeat in range(matrix.repeats):
        for case in cases:
            for method in methods:
                if case.family not in method.families:
                    continue
                refusal = method.refusal(case)
                if refusal:
                    skipped += [refusal] * (repeat == 0)
                    continue
                jobs += list(_jobs_of(matrix, case, method, repeat))
    return _with_reference(jobs, matrix), skipped


def _jobs_of(matrix: Matrix, case: Case, method: Method, repeat: int) -> Iterator[Job]:
    wanted = matrix.solvers or method.default_solvers or method.solvers
    for solver in method.solvers:
        if solver and solver not in wanted:
            continue
        for seed in matrix.seeds:
            job = _job(matrix, case.name, method.name, solver=solver, seed=seed, repeat=repeat)
            own = case.time_limit if matrix.own_limits else None
            yield job if own is None else replace(job, time_limit=own)


def _job(matrix: Matrix, case: str, method: str, *, solver: str, seed: int, repeat: int) -> Job:
    return Job(
        case=case,
        method=method,
        solver=solver,
        seed=seed,
        repeat=repeat,
        time_limit=matrix.time_limit,
        memory_limit_mib=matrix.memory_limit_mib,
        threads=matrix.threads,
        data="" if matrix.data is None else str(matrix.data.resolve()),
        plugins=tuple(str(path.resolve()) for path in matrix.plugins),
    )


def _with_reference(jobs: list[Job], matrix: Matrix) -> list[Job]:
    """Put the reference job before the first job, after the last, and between."""
    if not (jobs and matrix.reference_every):
        return jobs
    spread: list[Job] = []
    for start in range(0, len(jobs), matrix.reference_every):
        spread.append(_reference(matrix, start // matrix.reference_every))
        spread += jobs[start : start + matrix.reference_every]
    return [*spread, _reference(matrix, -(-len(jobs) // matrix.reference_every))]


def _reference(matrix: Matrix, number: int) -> Job:
    return _job(matrix, REFERENCE, REFERENCE, solver="", seed=1, repeat=number)


def find_job_parts(registry: Registry, job: Job) -> tuple[Case, Method]:
    """
    Return case, with its best known value, and method of a job.

    Raises
    ------
    ValueError
        If one of them is not known here.
    """
    if job.case not in registry.cases:
        raise ValueError(f"There is no case {job.case}.")
    data = Path(job.data) if job.data else None
    case = registry.cases[job.case]
    return case.with_best(data), registry.method_of(job.method, case.family)
