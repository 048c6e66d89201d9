"""
The process of one job: load, solve, check, and tell the parent line by line.

Run as ``python -m shequ.benchmarks.worker`` with the job as JSON on standard input. Events go to
what was standard output; whatever solvers print goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from ..optimize.limits import Limits
from .ask import Answer, Ask
from .jobs import Job, find_job_parts
from .judge import judge
from .registry import Case, Method, Registry, discover
from .row import Outcome

TELL_EVERY = 0.05
"""Seconds between two progress events."""

WATCH_EVERY = 0.5
"""Seconds between two looks whether the parent is still there."""


def main() -> None:
    """Do one job."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = json.load(sys.stdin)
    _pin(order.get("cores"))
    _die_with_parent(os.getppid())
    job = Job.from_record(order["job"])
    send(events, event="row", **do_job(job, events))


def send(events: TextIO, **event: Any) -> None:  # noqa: ANN401 - JSON
    """Write one event as a line."""
    events.write(json.dumps(event) + "\n")
    events.flush()


def do_job(job: Job, events: TextIO) -> dict[str, Any]:
    """Load, solve and check; return the fields of the row that only this process knows."""
    try:
        registry = discover([Path(path) for path in job.plugins])
        case, method = find_job_parts(registry, job)
        problem = case.problem(Path(job.data) if job.data else None)
        for name in method.requires:
            importlib.import_module(name)
        if method.load is not None:
            method.load(problem)
        return _solve(registry, case, method, job, problem, events)
    except MemoryError:
        return {"status": Outcome.MEMORY, "detail": "MemoryError", "peak_mib": peak_mib()}
    except Exception as error:  # noqa: BLE001 - a crash is a row
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        text = f"{type(error).__name__}: {error} ({place})"
        return {"status": Outcome.ERROR, "detail": text, "peak_mib": peak_mib()}


def _solve(
    registry: Registry, case: Case, method: Method, job: Job, problem: object, events: TextIO
) -> dict[str, Any]:
    limits = Limits(job.time_limit, 0.0, job.seed, job.threads)
    last = [-TELL_EVERY]

    def tell(seconds: float, objective: float | None, bound: float | None) -> None:
        if seconds - last[0] >= TELL_EVERY:
            last[0] = seconds
            send(events, event="progress", point=[seconds, objective, bound])

    send(events, event="start")
    ask = Ask(job.solver, limits, tell)
    answer = method.run(problem, ask)
    total = time.perf_counter() - ask.began
    send(events, event="solved")
    peak = peak_mib()
    judged = judge(case, problem, answer, registry.checks[case.family])
    return {**judged, **_measured(ask, answer, total), "peak_mib": peak}


def _measured(ask: Ask, answer: Answer, total: float) -> dict[str, Any]:
    if answer.objective is not None:
        ask.curve.append((total, answer.objective, answer.bound))
    found = [point for point in ask.curve if point[1] is not None]
    best = answer.objective
    reached = [
        seconds
        for seconds, objective, _ in found
        if best is not None and objective is not None and abs(objective - best) <= 1e-9 * abs(best)
    ]
    rows, columns, nonzeros = ask.model_size or (None, None, None)
    return {
        "solver_version": answer.solver_version,
        "rows": rows,
        "columns": columns,
        "nonzeros": nonzeros,
        "nodes": answer.nodes,
        "cuts": answer.cuts,
        "seconds": answer.seconds | ask.seconds,
        "total_seconds": total,
        "first_seconds": found[0][0] if found else None,
        "best_seconds": reached[0] if reached else None,
        "curve": thinned(ask.curve),
    }


def thinned(
    curve: list[tuple[float, float | None, float | None]], most: int = 200
) -> list[tuple[float, float | None, float | None]]:
    """Return at most ``most`` points of a curve, the first and the last among them."""
    if len(curve) <= most:
        return curve
    step = (len(curve) - 1) / (most - 1)
    return [curve[round(i * step)] for i in range(most)]


def peak_mib() -> float | None:
    """Return the largest resident memory of this process so far, in MiB."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _pin(cores: list[int] | None) -> None:
    """Stay on the given cores, where the system allows it."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _die_with_parent(parent: int) -> None:
    """End this process when its parent has gone, so that no job outlives its run."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
