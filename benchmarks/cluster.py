"""
Send jobs to a Dask cluster.

The scheduler runs a job again when its worker is lost; a row is counted once, by its job's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .jobs import Job
from .process import make_row, run_job
from .registry import Registry, discover
from .results import append_row
from .row import Outcome, Row
from .runner import Heard, remaining_jobs


def run_on_cluster(
    registry: Registry,
    jobs: Sequence[Job],
    path: Path,
    *,
    address: str,
    mix: bool = False,
    heard: Heard | None = None,
) -> list[Row]:
    """
    Run the jobs that a results file does not hold yet on a cluster.

    Parameters
    ----------
    registry, jobs, path, heard
        As for :func:`.runner.run_jobs`; workers must see the same data folder and plugins.
    mix
        Whether rows of another commit or host than the client's may stand in the file already.
    address
        Address of the scheduler, such as ``tcp://127.0.0.1:8786``.

    Raises
    ------
    ValueError
        If Dask is not installed, or no scheduler answers.
    """
    client = _connect(address)
    try:
        done, rest = remaining_jobs(jobs, path, mix=mix)
        finished = {row.job: row for row in done}
        for row in _rows(registry, client, rest):
            if row.job in finished:
                continue
            append_row(path, row)
            finished[row.job] = row
            if heard is not None:
                heard(len(finished), len(jobs), row)
        return list(finished.values())
    finally:
        client.close()


def do_record(record: dict[str, Any]) -> dict[str, Any]:
    """Run one job on a worker, in a process of its own there."""
    job = Job.from_record(record)
    return run_job(discover([Path(path) for path in job.plugins]), job).as_record()


def _connect(address: str) -> Any:  # noqa: ANN401 - types of an extra
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ValueError("--dask needs Dask: pip install 'shequ[dask]'.") from error
    try:
        return Client(address, timeout="10s")
    except OSError as error:
        raise ValueError(f"No Dask scheduler answers at {address} ({error}).") from error


def _rows(registry: Registry, client: Any, jobs: Sequence[Job]) -> Iterator[Row]:  # noqa: ANN401
    """Yield rows as jobs finish; one that loses worker after worker is an error, not lost."""
    from distributed import as_completed  # noqa: PLC0415 - an extra

    asked = {
        client.submit(do_record, job.as_record(), key=f"shequ-{job.key}", pure=False): job
        for job in jobs
    }
    for future in as_completed(asked):
        if future.status == "finished":
            yield Row.from_record(future.result())
            continue
        text = f"given up by the cluster: {future.exception() or future.status}"
        yield make_row(registry, asked[future], {"status": Outcome.ERROR, "detail": text})
