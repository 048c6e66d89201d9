"""
Run one job in a process of its own, and make a row of it whatever happens.

A crash, a hang or an out-of-memory kill ends that process alone, and becomes a row with that
status.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from .jobs import REFERENCE, Job, find_job_parts
from .machine import machine_record
from .registry import Registry
from .row import Outcome, Row

POLL_SECONDS = 0.05
LOADING_SECONDS = 300.0
"""Seconds for imports and for loading the case, which do not count as time of the method."""

CHECKING_SECONDS = 300.0
"""Seconds for checking the solution, which do not count either."""


@dataclass
class _Heard:
    """What a job has told so far."""

    started: float | None = None
    solved: float | None = None
    row: dict[str, Any] | None = None
    curve: list[list[float | None]] = field(default_factory=list)
    peak_mib: float = 0.0

    def take(self, event: dict[str, Any]) -> None:
        kind = event.pop("event")
        if kind == "start":
            self.started = time.monotonic()
        elif kind == "solved":
            self.solved = time.monotonic()
        elif kind == "progress":
            self.curve.append(event["point"])
        elif kind == "row":
            self.row = event


def run_job(registry: Registry, job: Job, *, cores: Sequence[int] = ()) -> Row:
    """
    Run a job and return its row.

    Parameters
    ----------
    registry
        What is known here of cases and methods.
    job
        The job.
    cores
        Processors to stay on; empty for all.
    """
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with (
        tempfile.TemporaryDirectory(prefix="shequ-bench-") as folder,
        (Path(folder) / "stderr").open("w+b") as errors,
    ):
        heard, ending = _supervise(job, cores, errors, folder)
        said = _tail(errors)
    outcome = heard.row or _outcome_of(heard, ending, said)
    peak = {"peak_mib": heard.peak_mib or None}
    return make_row(registry, job, {"started": started, **peak, **outcome})


def make_row(registry: Registry, job: Job, outcome: dict[str, Any]) -> Row:
    """Return the row of a job: what it was asked, where, and what came out."""
    case, _ = find_job_parts(registry, job)
    fields = {
        "job": job.key,
        "case": job.case,
        "family": REFERENCE if job.case == REFERENCE else case.family,
        "method": job.method,
        "solver": job.solver,
        "seed": job.seed,
        "repeat": job.repeat,
        "size": dict(case.size),
        "best_known": case.best_known,
        "best_known_is_optimal": case.best_is_optimal,
        "target_seconds": case.target_seconds,
        "time_limit": job.time_limit,
        "memory_limit_mib": job.memory_limit_mib,
        "threads": job.threads,
        **machine_record(),
    }
    return Row.from_record({**fields, **outcome})


def _supervise(
    job: Job, cores: Sequence[int], errors: IO[bytes], folder: str
) -> tuple[_Heard, str]:
    """Start the process, listen to it, and kill it if it exceeds a limit; say why it ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "shequ.benchmarks.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=_environment(job, folder),
        start_new_session=True,
    )
    heard = _Heard()
    try:
        events = _listen_to(process)
        _give_order(process, job, cores)
        return heard, _wait(process, job, events, heard)
    finally:
        _kill(process)


def _give_order(process: subprocess.Popen[bytes], job: Job, cores: Sequence[int]) -> None:
    order = {"job": job.as_record(), "cores": list(cores)}
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(json.dumps(order).encode())


def _listen_to(process: subprocess.Popen[bytes]) -> queue.SimpleQueue[dict[str, Any] | None]:
    """Return a queue of the events; None after the last."""
    events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def listen() -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                events.put(json.loads(line))
        events.put(None)

    threading.Thread(target=listen, daemon=True).start()
    return events


def _wait(
    process: subprocess.Popen[bytes],
    job: Job,
    events: queue.SimpleQueue[dict[str, Any] | None],
    heard: _Heard,
) -> str:
    """Wait for the end; return "ended", or the limit that was exceeded."""
    began = time.monotonic()
    while True:
        with contextlib.suppress(queue.Empty):
            event = events.get(timeout=POLL_SECONDS)
            if event is None:
                process.wait()
                return "ended"
            heard.take(event)
            continue
        heard.peak_mib = max(heard.peak_mib, _memory_mib(process.pid))
        if heard.peak_mib > job.memory_limit_mib:
            return "memory"
        if time.monotonic() > _deadline(job, heard, began):
            return "time"


def _deadline(job: Job, heard: _Heard, began: float) -> float:
    """Return when the present phase must be over; the time limit with a quarter on top."""
    if heard.solved is not None:
        return heard.solved + CHECKING_SECONDS
    if heard.started is not None:
        return heard.started + job.time_limit + max(2.0, 0.25 * job.time_limit)
    return began + LOADING_SECONDS


def _memory_mib(pid: int) -> float:
    """Resident memory of a process and its children, in MiB; 0 once it has gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in family)) / 2**20
    except psutil.Error:
        return 0.0


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _outcome_of(heard: _Heard, ending: str, said: str) -> dict[str, Any]:
    """Return the outcome of a job that did not live to tell it."""
    points = [tuple(point) for point in heard.curve]
    fields: dict[str, Any] = {"curve": points, "bound": points[-1][2] if points else None}
    if ending == "memory":
        text = f"killed at {heard.peak_mib:,.0f} MiB"
        return {**fields, "status": Outcome.MEMORY, "reason": "memory", "detail": text}
    if ending == "time":
        phase = "while solving" if heard.started else "while loading"
        if heard.solved:
            phase = "while its solution was checked"
        text = f"killed {phase}: it did not stop at its time limit"
        return {**fields, "status": Outcome.TIMEOUT, "reason": "time", "detail": text}
    text = f"the process ended without an answer. {said}".strip()
    return {**fields, "status": Outcome.ERROR, "reason": "error", "detail": text}


def _tail(errors: IO[bytes], most: int = 400) -> str:
    """Return the end of what a job wrote to standard error."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - most))
    return errors.read().decode(errors="replace").strip()


def _environment(job: Job, folder: str) -> dict[str, str]:
    """Return the environment: threads of numerical libraries, a folder for temporary files."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    own = {"TMPDIR": folder, "TEMP": folder, "TMP": folder, "PYTHONHASHSEED": "0"}
    return {**os.environ, **dict.fromkeys(names, str(job.threads)), **own}
