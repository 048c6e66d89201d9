"""The commands ``shequ bench list | run | report | compare``: parse, call, print."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .jobs import Job
    from .registry import Case, Registry
    from .row import Row
    from .suites import Suite

bench = typer.Typer(help="Benchmark models, solvers and peers.", no_args_is_help=True)

SuiteName = Annotated[
    str | None, typer.Option("--suite", help="One of `shequ bench list`: smoke, growth, ...")
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder with published instances (siting/, ...).")
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="Python file that registers cases or methods of your own."),
]
CaseNames = Annotated[
    list[str] | None,
    typer.Option("--case", help="Only cases whose name fits, such as 'p-median/*'."),
]
MethodNames = Annotated[
    list[str] | None, typer.Option("--method", help="Only methods whose name fits.")
]
SolverNames = Annotated[
    list[str] | None, typer.Option("--solver", help="Only these solvers; may be given repeatedly.")
]


@bench.command("list")
def list_all(
    *,
    suite: SuiteName = None,
    case: CaseNames = None,
    data: Data = None,
    plugin: Plugins = None,
) -> None:
    """List families, cases, methods and suites."""
    from .registry import discover  # noqa: PLC0415 - quick --help
    from .suites import SUITES, suite_named  # noqa: PLC0415

    registry = discover(plugin or [])
    chosen = _cases(registry, suite_named(suite) if suite else None, case)
    for one in chosen:
        size = ", ".join(f"{value:,} {word}" for word, value in one.size.items())
        best = one.with_best(data).best_known
        known = "" if best is None else f"  best known {best:,.10g}"
        absent = f"  [{one.missing(data)}]" if one.missing(data) else ""
        typer.echo(f"{one.name:40} {size}{known}{absent}")
    typer.echo(f"{len(chosen)} cases", err=True)
    for method in registry.methods.values():
        solvers = ", ".join(filter(None, method.solvers)) or "-"
        lacks = f"  [{method.absent()}]" if method.absent() else ""
        peer = " (peer)" if method.is_peer else ""
        families = ", ".join(sorted(method.families))
        typer.echo(f"method {method.name}{peer}: {families}; solvers: {solvers}{lacks}", err=True)
    for known_suite in SUITES.values():
        typer.echo(f"suite {known_suite.name}: {known_suite.text}", err=True)


@bench.command()
def run(
    *,
    suite: SuiteName = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Results file; a stopped run goes on from it.")
    ] = Path("bench.jsonl"),
    case: CaseNames = None,
    method: MethodNames = None,
    solver: SolverNames = None,
    seeds: Annotated[str, typer.Option(help="Seeds, by comma.")] = "1",
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each job is timed.")] = None,
    time_limit: Annotated[float | None, typer.Option(min=0.1, help="Seconds for each job.")] = None,
    memory_limit: Annotated[float | None, typer.Option(min=50, help="MiB for each job.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for each job.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Jobs side by side.")] = 1,
    reference_every: Annotated[
        int, typer.Option(min=0, help="Jobs between two reference jobs; 0 for none.")
    ] = 20,
    dask: Annotated[
        str | None, typer.Option("--dask", help="Address of a Dask scheduler to send jobs to.")
    ] = None,
    mix: Annotated[
        bool, typer.Option("--mix", help="Allow rows of other commits and hosts in the file.")
    ] = False,
    data: Data = None,
    plugin: Plugins = None,
) -> None:
    """Run a matrix of cases, methods, solvers and seeds; go on where an earlier run stopped."""
    from .jobs import Matrix, plan_jobs  # noqa: PLC0415 - quick --help
    from .registry import discover  # noqa: PLC0415
    from .suites import suite_named  # noqa: PLC0415

    registry = discover(plugin or [])
    chosen = suite_named(suite) if suite else None
    limits = chosen or suite_named("growth")
    methods = registry.methods_like(method or list(chosen.methods if chosen else ()))
    if chosen is not None and not chosen.peers and not method:
        methods = [one for one in methods if not one.is_peer]
    matrix = Matrix(
        cases=_cases(registry, chosen, case),
        methods=methods,
        solvers=solver or limits.solvers,
        seeds=_seeds(seeds),
        repeats=repeats or limits.repeats,
        time_limit=time_limit or limits.time_limit,
        memory_limit_mib=memory_limit or limits.memory_limit_mib,
        threads=threads,
        own_limits=limits.own_limits and time_limit is None,
        reference_every=reference_every,
        data=data,
        plugins=plugin or [],
    )
    planned, skipped = plan_jobs(matrix)
    _say_skipped(skipped)
    if not planned:
        raise ValueError("No case meets a method; see `shequ bench list`.")
    began = time.monotonic()
    rows = _run(registry, planned, output, slots=jobs, dask=dask, mix=mix)
    typer.echo(_summary(rows, time.monotonic() - began))
    typer.echo(f"results: {output}")


@bench.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="Results files.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the report.")],
    title: Annotated[str, typer.Option(help="Title of the report.")] = "shequ benchmarks",
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="Method, or 'method [solver]', to compare with; the first that it has."),
    ] = None,
) -> None:
    """Write tables and charts of results: Markdown, one HTML page, SVG and PNG."""
    from .judge import cross_checked  # noqa: PLC0415 - quick --help
    from .report import write_report  # noqa: PLC0415
    from .results import read_rows  # noqa: PLC0415
    from .standings import Settings  # noqa: PLC0415

    rows = cross_checked([row for path in results for row in read_rows(path)])
    settings = Settings(baselines=tuple(baseline)) if baseline else Settings()
    files = write_report(rows, output, title=title, settings=settings)
    typer.echo(f"wrote {len(files)} files to {output}", err=True)
    typer.echo(f"report: {output / 'report.html'}")


@bench.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Results file.")],
    after: Annotated[Path, typer.Argument(help="Results file to compare with it.")],
    *,
    threshold: Annotated[
        float, typer.Option(min=1.0, help="Ratio of times from which on a change is named.")
    ] = 1.2,
) -> None:
    """Compare two results files case by case; name what got worse."""
    from .compare import compare_rows  # noqa: PLC0415 - quick --help
    from .judge import cross_checked  # noqa: PLC0415
    from .results import read_rows  # noqa: PLC0415

    old, new = cross_checked(read_rows(before)), cross_checked(read_rows(after))
    typer.echo(str(compare_rows(old, new, threshold=threshold)))


def _cases(registry: Registry, suite: Suite | None, names: list[str] | None) -> list[Case]:
    cases = registry.cases_like(names or [])
    cases = [case for case in cases if case.family != "reference"]
    return cases if suite is None else [case for case in cases if case.tags & suite.any_of]


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError as error:
        raise ValueError(f"--seeds {text} not understood; write --seeds 1,2,3.") from error


def _say_skipped(skipped: list[str], most: int = 10) -> None:
    for reason in skipped[:most]:
        typer.echo(f"skipped: {reason}", err=True)
    if len(skipped) > most:
        typer.echo(f"skipped: ... and {len(skipped) - most} more", err=True)


def _run(
    registry: Registry,
    planned: list[Job],
    output: Path,
    *,
    slots: int,
    dask: str | None,
    mix: bool,
) -> list[Row]:
    """Run the jobs here or on a Dask cluster, and say how each of them went."""
    from .runner import run_jobs  # noqa: PLC0415 - quick --help

    def heard(finished: int, total: int, row: Row) -> None:
        seconds = "-" if row.total_seconds is None else f"{row.total_seconds:.2f} s"
        value = "" if row.objective is None else f"  {row.objective:,.8g}"
        note = f"  ({row.detail})" if row.status in {"wrong", "error", "memory"} else ""
        typer.echo(
            f"{finished}/{total}  {row.case}  {row.entrant}  {row.status}{value}  {seconds}{note}",
            err=True,
        )

    if dask is not None:
        from .cluster import run_on_cluster  # noqa: PLC0415 - an extra

        return run_on_cluster(registry, planned, output, address=dask, mix=mix, heard=heard)
    return run_jobs(registry, planned, output, slots=slots, mix=mix, heard=heard)


def _summary(rows: list[Row], seconds: float) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[str(row.status)] = counts.get(str(row.status), 0) + 1
    parts = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{len(rows)} rows: {parts}; {seconds:.0f} s"
