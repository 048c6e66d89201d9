"""Whole runs: what becomes of jobs that misbehave, of runs that are killed, and of a cluster."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from shequ.benchmarks import runner
from shequ.benchmarks.jobs import Job, Matrix, plan_jobs
from shequ.benchmarks.process import make_row
from shequ.benchmarks.registry import Registry, discover
from shequ.benchmarks.results import append_row, read_rows
from shequ.benchmarks.row import Outcome, Row
from shequ.benchmarks.runner import core_sets, run_jobs
from shequ.benchmarks.worker import do_job

PLUGIN = Path(__file__).parent / "plugins" / "bad_methods.py"
JUDGED = {
    "lies_about_its_value",
    "calls_a_poor_plan_optimal",
    "bounds_too_high",
    "says_infeasible",
}
"""Bad methods that are found out like one that breaks a rule, so they need no process each."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Return everything that is known, the bad methods among it."""
    return discover([PLUGIN])


def jobs_of(
    registry: Registry, names: Sequence[str], *, repeats: int = 1, reference_every: int = 0
) -> list[Job]:
    """Plan jobs of some bad methods on the line."""
    matrix = Matrix(
        cases=[registry.cases["p-median/line"]],
        methods=[registry.methods[f"bad-{name}"] for name in names],
        repeats=repeats,
        time_limit=1.0,
        memory_limit_mib=500.0,
        reference_every=reference_every,
        plugins=[PLUGIN],
    )
    return plan_jobs(matrix)[0]


def run_here(registry: Registry, job: Job, *, cores: Sequence[int] = ()) -> Row:
    """Do a job in this process."""
    del cores
    return make_row(registry, job, {"started": "", **do_job(job, io.StringIO())})


@pytest.fixture(scope="module")
def ran(
    registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Row, Path]]:
    """Return a function that runs a bad method, once, and gives its row and the file of it."""

    @cache
    def ran(name: str) -> tuple[Row, Path]:
        file = tmp_path_factory.mktemp(name) / "rows.jsonl"
        with pytest.MonkeyPatch.context() as patched:
            if name in JUDGED:
                patched.setattr(runner, "run_job", run_here)
            (row,) = run_jobs(registry, jobs_of(registry, [name]), file)
        return row, file

    return ran


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("right", Outcome.OPTIMAL, ""),
        ("breaks_a_rule", Outcome.WRONG, "8 sites are open, not 2"),
        ("lies_about_its_value", Outcome.WRONG, "claims 3"),
        ("calls_a_poor_plan_optimal", Outcome.WRONG, "is called optimal, 8 is known"),
        ("bounds_too_high", Outcome.WRONG, "excludes the known solution of 8"),
        ("says_infeasible", Outcome.WRONG, "called infeasible"),
        ("crashes", Outcome.ERROR, "RuntimeError: no such pivot"),
        ("dies", Outcome.ERROR, "without an answer"),
        ("hangs", Outcome.TIMEOUT, "did not stop at its time limit"),
        ("eats_memory", Outcome.MEMORY, "killed at"),
    ],
)
def test_each_misbehaviour_is_a_row_with_its_status(
    ran: Callable[[str], tuple[Row, Path]], name: str, status: Outcome, words: str
) -> None:
    """A false, crashing, dying, hanging or greedy method ends as a row that says so."""
    row, file = ran(name)
    assert row.status is status, row.detail
    assert words in row.detail
    assert read_rows(file) == [row]


def test_a_row_says_what_was_run_where(ran: Callable[[str], tuple[Row, Path]]) -> None:
    """Values, limits, progress, memory and provenance stand in the row."""
    row, _ = ran("right")
    assert (row.objective, row.bound, row.gap, row.best_known) == (8.0, 8.0, 0.0, 8.0)
    assert (row.family, row.method, row.size) == (
        "p-median",
        "bad-right",
        {"clients": 8, "sites": 8},
    )
    assert (row.time_limit, row.memory_limit_mib, row.threads) == (1.0, 500.0, 1)
    assert row.curve[0][1:] == (20.0, None)
    assert row.first_seconds is not None
    assert row.best_seconds is not None
    assert row.first_seconds <= row.best_seconds <= (row.total_seconds or 0)
    assert row.peak_mib
    assert row.host
    assert row.cores
    assert row.python
    assert row.versions["numpy"]
    assert row.commit
    assert row.started.startswith("20")


def test_a_hanging_job_keeps_the_bound_that_it_told(
    ran: Callable[[str], tuple[Row, Path]],
) -> None:
    """What a killed job had said until then is in its row."""
    row, _ = ran("hangs")
    assert row.bound == 1.0
    assert row.objective is None


def test_jobs_run_side_by_side(registry: Registry, tmp_path: Path) -> None:
    """Two slots do the jobs of one in less time, and give the same rows."""
    jobs = jobs_of(registry, ["slow", "right", "crashes"], reference_every=2)
    rows = run_jobs(registry, jobs, tmp_path / "rows.jsonl", slots=2)
    assert sorted(row.job for row in rows) == sorted(job.key for job in jobs)
    assert [row.status for row in rows if row.case == "reference"] == [Outcome.OPTIMAL] * 3


def test_a_case_may_bring_a_limit_of_its_own(registry: Registry) -> None:
    """Its limit counts where the run leaves it to the cases, and nowhere else."""
    case = replace(registry.cases["p-median/line"], time_limit=7.0)
    methods = [registry.methods["bad-right"]]
    for own, seconds in ((True, 7.0), (False, 60.0)):
        matrix = Matrix(cases=[case], methods=methods, reference_every=0, own_limits=own)
        assert [job.time_limit for job in plan_jobs(matrix)[0]] == [seconds]


def test_slots_share_the_cores() -> None:
    """Each slot gets cores of its own; a single slot may use all."""
    sets = core_sets(2)
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1:
        assert sets[0]
        assert not set(sets[0]) & set(sets[1])
    assert core_sets(1) == [[]]


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "shequ", *words]


def test_a_killed_run_resumes_with_the_same_rows(
    shequ: Callable[..., object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After kill -9 in the middle, a second run adds what is missing, and nothing twice."""
    words = [
        "bench", "run", "--plugin", str(PLUGIN), "--case", "p-median/line", "--method", "bad-slow",
        "--method", "bad-right", "--repeats", "2", "--time-limit", "5", "--reference-every", "4",
    ]  # fmt: skip
    file = tmp_path / "rows.jsonl"
    with subprocess.Popen(
        _command(*words, "-o", str(file)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        deadline = time.monotonic() + 60
        while not file.exists() or len(file.read_text(encoding="utf-8").splitlines()) < 2:
            assert time.monotonic() < deadline, "no rows within a minute"
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGKILL)
    before = file.read_text(encoding="utf-8").splitlines()
    assert len(before) < 6
    with file.open("a", encoding="utf-8") as stream:
        stream.write(before[0][:40])  # as if killed while writing
    shequ(*words, "-o", file)
    undisturbed = tmp_path / "undisturbed.jsonl"
    monkeypatch.setattr(runner, "run_job", run_here)
    shequ(*words, "-o", undisturbed)
    rows, wanted = read_rows(file), read_rows(undisturbed)
    assert len(rows) == len({row.job for row in rows}) == 6
    told = [(row.job, row.status, row.objective) for row in rows]
    assert sorted(told) == sorted((row.job, row.status, row.objective) for row in wanted)
    assert file.read_text(encoding="utf-8").splitlines()[: len(before)] == before


def test_no_job_outlives_a_killed_run(tmp_path: Path) -> None:
    """The process of a job ends soon after the run that started it was killed."""
    words = ["bench", "run", "--plugin", str(PLUGIN), "--case", "p-median/line"]
    words += ["--method", "bad-hangs", "--time-limit", "60", "--reference-every", "0"]
    marker = f"{tmp_path}/rows.jsonl"
    with subprocess.Popen(
        _command(*words, "-o", marker),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        child = _wait_for_child(run.pid)
        os.kill(run.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _is_alive(child):
        assert time.monotonic() < deadline, "the job's process is still there"
        time.sleep(0.1)


def _wait_for_child(pid: int) -> int:
    import psutil  # noqa: PLC0415 - only here

    deadline = time.monotonic() + 30
    while not (children := psutil.Process(pid).children()):
        assert time.monotonic() < deadline, "no job was started"
        time.sleep(0.05)
    return int(children[0].pid)


def _is_alive(pid: int) -> bool:
    import psutil  # noqa: PLC0415 - only here

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_rows_of_other_code_are_not_mixed_in(
    registry: Registry, ran: Callable[[str], tuple[Row, Path]], tmp_path: Path
) -> None:
    """A file with rows of another commit is refused, unless that is allowed."""
    file = tmp_path / "rows.jsonl"
    row, first = ran("right")
    record = json.loads(first.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**record, "commit": "0123456789ab"}) + "\n", encoding="utf-8")
    more = jobs_of(registry, ["right", "crashes"])
    with pytest.raises(ValueError, match=r"commit 0123456789ab .* --mix"):
        run_jobs(registry, more, file)
    rows = run_jobs(registry, more, file, mix=True)
    assert {row.job, *(job.key for job in more)} == {row.job for row in rows}


def test_a_cluster_loses_no_job_with_a_worker(registry: Registry, tmp_path: Path) -> None:
    """One of two workers is killed on the way: every job is there, none twice."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    from shequ.benchmarks.cluster import run_on_cluster  # noqa: PLC0415 - needs the extra

    jobs = jobs_of(registry, ["slow", "right"], repeats=2)
    killed: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:

        def heard(finished: int, total: int, row: Row) -> None:
            del total, row
            if finished == 1 and not killed:
                victim = next(iter(cluster.workers.values()))
                killed.append(victim.pid)
                os.kill(victim.pid, signal.SIGKILL)

        address = cluster.scheduler_address
        rows = run_on_cluster(registry, jobs, tmp_path / "rows.jsonl", address=address, heard=heard)
    assert killed
    assert sorted(row.job for row in rows) == sorted(job.key for job in jobs)
    on_disk = read_rows(tmp_path / "rows.jsonl")
    assert sorted(row.job for row in on_disk) == sorted(job.key for job in jobs)
    assert {row.status for row in rows} == {Outcome.OPTIMAL}


def test_missing_data_is_skipped_with_the_reason(registry: Registry) -> None:
    """A published case without its file is no job, and the reason says where to get it."""
    case = registry.cases["p-median/pmed01"]
    methods = [registry.methods["textbook"]]
    jobs, skipped = plan_jobs(Matrix(cases=[case], methods=methods, data=None))
    assert jobs == []
    assert "OR-Library" in skipped[0]


def test_a_row_round_trips(ran: Callable[[str], tuple[Row, Path]], tmp_path: Path) -> None:
    """What is appended is what is read, infinities as null."""
    row, _ = ran("right")
    append_row(tmp_path / "more.jsonl", row)
    assert read_rows(tmp_path / "more.jsonl") == [row]
    with pytest.raises(ValueError, match="holds no results"):
        read_rows(tmp_path / "none.jsonl")


@pytest.mark.slow
def test_the_smoke_suite_runs(
    registry: Registry,
    shequ: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The smallest case of each family is answered by every method without a peer."""
    good = {name: one for name, one in registry.methods.items() if not name.startswith("bad-")}
    monkeypatch.setattr(registry, "methods", good)
    monkeypatch.setattr(runner, "run_job", run_here)
    file = tmp_path / "smoke.jsonl"
    shequ("bench", "run", "--suite", "smoke", "--reference-every", "50", "-o", file)
    rows = read_rows(file)
    assert {row.status for row in rows} <= {Outcome.OPTIMAL, Outcome.FEASIBLE}
    families = {row.family for row in rows}
    assert {"districting-inertia", "p-median", "stations-cost", "city", "micro-walk"} <= families


def test_cases_of_a_suite_run_side_by_side(tmp_path: Path) -> None:
    """The command runs the cases that are named, each job in a process of its own."""
    words = ["--case", "set-covering/*", "--case", "micro-walk/*"]
    words += ["--jobs", "2", "--reference-every", "0"]
    file = tmp_path / "some.jsonl"
    run = subprocess.run(
        _command("bench", "run", "--suite", "smoke", *words, "-o", str(file)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = read_rows(file)
    assert {row.status for row in rows} <= {Outcome.OPTIMAL, Outcome.FEASIBLE}
    assert {row.family for row in rows} == {"set-covering", "micro-walk"}
    assert all(row.peak_mib for row in rows)
