"""Run many jobs: side by side on pinned cores, each row on disk as its job finishes."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from .jobs import REFERENCE, Job
from .machine import machine_record
from .process import run_job
from .registry import Registry
from .results import append_row, rows_for_resume
from .row import Row

Heard = Callable[[int, int, Row], None]


def run_jobs(
    registry: Registry,
    jobs: Sequence[Job],
    path: Path,
    *,
    slots: int = 1,
    mix: bool = False,
    heard: Heard | None = None,
) -> list[Row]:
    """
    Run the jobs that a results file does not hold yet, and append their rows to it.

    Parameters
    ----------
    registry
        What is known of cases and methods.
    jobs
        The jobs, in order.
    path
        Results file; a run that was stopped goes on from what it holds.
    slots
        Jobs side by side, each on cores of its own where there are enough.
    mix
        Whether rows of another commit or host may stand in the file.
    heard
        Called with (finished, in all, row) after each job.

    Returns
    -------
    list of Row
        The rows of all the jobs, those of an earlier run among them.
    """
    done, rest = remaining_jobs(jobs, path, mix=mix)
    finished = len(done)
    for row in _in_slots(registry, rest, core_sets(slots)):
        append_row(path, row)
        done.append(row)
        finished += 1
        if heard is not None:
            heard(finished, len(jobs), row)
    return done


def remaining_jobs(
    jobs: Sequence[Job], path: Path, *, mix: bool = False
) -> tuple[list[Row], list[Job]]:
    """Return the rows that a results file holds of these jobs, and the jobs that it lacks."""
    machine = machine_record()
    seen = set() if mix else {(machine["commit"], machine["host"])}
    rows = rows_for_resume(path, allowed=seen)
    wanted = {job.key for job in jobs}
    kept = {row.job: row for row in rows if row.job in wanted}
    return list(kept.values()), [job for job in jobs if job.key not in kept]


def core_sets(slots: int) -> list[list[int]]:
    """Return the cores of each slot: an equal share each, none if they do not suffice."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    share = len(cores) // slots
    if slots == 1 or not share:
        return [[] for _ in range(slots)]
    return [cores[slot * share : (slot + 1) * share] for slot in range(slots)]


def _in_slots(
    registry: Registry, jobs: Sequence[Job], cores: Sequence[Sequence[int]]
) -> Iterator[Row]:
    """Yield rows as jobs finish; the reference job has the machine to itself."""
    free: queue.SimpleQueue[Sequence[int]] = queue.SimpleQueue()
    for own in cores:
        free.put(own)

    def work(job: Job) -> Row:
        own = free.get()
        try:
            return run_job(registry, job, cores=own)
        finally:
            free.put(own)

    with ThreadPoolExecutor(len(cores)) as pool:
        pending: set[Future[Row]] = set()
        for job in jobs:
            alone = job.case == REFERENCE
            while pending and (alone or len(pending) >= len(cores)):
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
            pending.add(pool.submit(work, job))
            if alone:
                yield pending.pop().result()
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
