"""Command line of shequ: parse, call, print."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from shequ.benchmarks.commands import bench
from shequ.version import __version__

if TYPE_CHECKING:
    from shequ.instances.city import City as ReadCity
    from shequ.instances.policy import Policy

app = typer.Typer(
    name="shequ",
    help="Community redistricting and facility siting with proofs, from a city's own GIS data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
generate = typer.Typer(help="Make synthetic input.", no_args_is_help=True)
app.add_typer(generate, name="generate")
app.add_typer(bench, name="bench")

City = Annotated[Path, typer.Argument(help="City: a GeoPackage or a folder of GeoParquet.")]
Folder = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="Policy file; `shequ policy` prints one.")
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Replace one value of the policy."),
]
Lang = Annotated[str, typer.Option("--lang", help="Language of report and picture: en or zh.")]
Relax = Annotated[
    bool,
    typer.Option(
        "--relax/--strict",
        help="Meet what can be met and list the rest, or refuse (exit code 3).",
    ),
]
Seconds = Annotated[
    float | None, typer.Option("--time-limit", min=1, help="Seconds for all solves together.")
]
Solver = Annotated[str | None, typer.Option("--solver", help="One of `shequ solvers`.")]
Gap = Annotated[float | None, typer.Option("--gap", min=0, max=0.99, help="Relative gap.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of random choices.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the solver.")]
Budget = Annotated[
    float | None,
    typer.Option("--budget", min=0, help="Serve the most residents with this much money."),
]
BAD_INPUT, INFEASIBLE, NO_PLAN = 1, 3, 4
INTERRUPTED = 130
"""Exit code of typer when Ctrl-C ends a command."""

LANGUAGES = ("en", "zh")


def main() -> None:
    """Run the command line; every expected error is one message and an exit code."""
    from shequ.optimize.planning.shortfall import InfeasibleError  # noqa: PLC0415 - quick --help
    from shequ.optimize.planning.site import NoPlanError  # noqa: PLC0415

    codes: dict[type[Exception], int] = {
        InfeasibleError: INFEASIBLE,
        NoPlanError: NO_PLAN,
        ValueError: BAD_INPUT,
    }
    try:
        app()
    except (ValueError, NoPlanError) as error:
        typer.echo(f"shequ: {error}", err=True)
        sys.exit(next(code for kind, code in codes.items() if isinstance(error, kind)))
    except OSError as error:
        place = error.filename or "a file"
        typer.echo(f"shequ: {place}: {error.strerror or error}", err=True)
        sys.exit(BAD_INPUT)
    except SystemExit as ending:
        if ending.code != INTERRUPTED:
            raise
        typer.echo("shequ: interrupted; no file was left half-written", err=True)
        sys.exit(NO_PLAN)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"shequ {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Community redistricting and facility siting with proofs."""
    del version


def _check_output(folder: Path) -> None:
    """Refuse a folder that cannot be written to, before any work is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _check_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise ValueError(f"--lang {lang} not understood; choose {' or '.join(LANGUAGES)}.")


def _read(
    city: Path,
    policy: Path | None,
    values: list[str] | None,
    extra: dict[str, object] | None = None,
    *,
    need_sites: bool = True,
) -> tuple[ReadCity, Policy]:
    """Read policy and city, and say on standard error what was read."""
    from shequ.instances.city import read_city  # noqa: PLC0415
    from shequ.instances.policy import load_policy  # noqa: PLC0415

    rules = load_policy(policy)
    given: dict[str, object] = {}
    for item in values or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"--set {item} not understood; write --set section.key=value.")
        given[name.strip()] = value.strip()
    given |= {key: value for key, value in (extra or {}).items() if value is not None}
    rules = rules.with_values(given) if given else rules
    read = read_city(city, rules, need_sites=need_sites)
    typer.echo(str(read), err=True)
    for warning in read.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for repair in read.repairs:
        typer.echo(f"repaired: {repair}", err=True)
    return read, rules


@app.command()
def audit(
    city: City,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for tables and map.")
    ] = None,
    policy: PolicyFile = None,
    values: Values = None,
    lang: Lang = "en",
) -> None:
    """Tell where the city stands: thresholds, floor area, reach, workers, blind spots."""
    from shequ.instances.walking import walking_times  # noqa: PLC0415
    from shequ.optimize.planning.audit import audit_city, blind_spots  # noqa: PLC0415
    from shequ.outputs.atomic import replacing  # noqa: PLC0415
    from shequ.outputs.audit import audit_text, render_audit_map  # noqa: PLC0415

    _check_language(lang)
    if output is not None:
        _check_output(output)
    read, rules = _read(city, policy, values, need_sites=False)
    snapshot = audit_city(read, rules, walking_times(read, rules))
    blind = blind_spots(read, snapshot)
    typer.echo(audit_text(snapshot, blind, rules))
    if output is None:
        return
    for name, table in (("audit", snapshot.communities), ("blind_spots", blind)):
        with replacing(output / f"{name}.csv") as beside:
            table.to_csv(beside, index=False, encoding="utf-8-sig", float_format="%.6g")
    with replacing(output / "audit.png") as beside:
        render_audit_map(read, snapshot, rules, beside, lang=lang)
    typer.echo(f"wrote audit.csv, blind_spots.csv and audit.png to {output}", err=True)


def _leave() -> None:
    """End at once, at a second Ctrl-C; files appear whole or not at all."""
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{show_cursor}\nshequ: interrupted twice; no plan was written\n")
    sys.stderr.flush()
    os._exit(NO_PLAN)


def _run(
    city: Path,
    output: Path,
    stages: tuple[str, ...],
    *,
    policy: Path | None,
    values: list[str] | None,
    extra: dict[str, object],
    lang: str,
    relax: bool,
    seconds: float | None,
    budget: float | None = None,
) -> None:
    """Make a plan of some stages, write it and verify what was written."""
    from shequ.optimize.limits import Stop  # noqa: PLC0415
    from shequ.optimize.planning.plan import make_plan  # noqa: PLC0415
    from shequ.optimize.solvers import backend_named  # noqa: PLC0415
    from shequ.outputs.assemble import plan_layers  # noqa: PLC0415
    from shequ.outputs.console import narrator, summary  # noqa: PLC0415
    from shequ.outputs.files import write_plan  # noqa: PLC0415

    _check_language(lang)
    if budget is not None and not math.isfinite(budget):
        raise ValueError(f"--budget {budget} not understood; give an amount, or leave it out.")
    _check_output(output)
    began = time.monotonic()
    read, rules = _read(city, policy, values, extra, need_sites="site" in stages)
    backend_named(rules.solver.name)
    stop, resume = Stop(), output / ".shequ-resume.json"
    with stop.on_interrupt(_leave), narrator() as listen:
        plan = make_plan(
            read,
            rules,
            stages=stages,
            budget=budget,
            relax=relax,
            seconds=seconds,
            stop=stop,
            listen=listen,
            resume=resume,
        )
    if plan.interrupted:
        typer.echo("interrupted: the best plan so far is written", err=True)
    plan.seconds["read"] = time.monotonic() - began - sum(plan.seconds.values())
    layers = plan_layers(plan, lang=lang)
    files = write_plan(layers, output, lang=lang)
    if not plan.interrupted:
        resume.unlink(missing_ok=True)
    typer.echo(summary(layers.record))
    _verify(output)
    typer.echo(f"{time.monotonic() - began:.1f} s in all", err=True)
    typer.echo(f"report: {files[-1]}")


def _tuning(
    solver: str | None, gap: float | None, seed: int | None, threads: int | None
) -> dict[str, object]:
    return {
        "solver.name": solver,
        "solver.split_gap": gap,
        "solver.siting_gap": gap,
        "solver.seed": seed,
        "solver.threads": threads,
    }


@app.command()
def split(
    city: City,
    *,
    output: Folder,
    policy: PolicyFile = None,
    values: Values = None,
    lang: Lang = "en",
    relax: Relax = False,
    time_limit: Seconds = None,
    solver: Solver = None,
    gap: Gap = None,
    seed: Seed = None,
    threads: Threads = None,
) -> None:
    """Split every community over a threshold; stations stay as they are."""
    _run(
        city, output, ("split",), policy=policy, values=values, lang=lang, relax=relax,
        seconds=time_limit, extra=_tuning(solver, gap, seed, threads),
    )  # fmt: skip


@app.command()
def site(
    city: City,
    *,
    output: Folder,
    policy: PolicyFile = None,
    values: Values = None,
    budget: Budget = None,
    lang: Lang = "en",
    relax: Relax = False,
    time_limit: Seconds = None,
    solver: Solver = None,
    gap: Gap = None,
    seed: Seed = None,
    threads: Threads = None,
) -> None:
    """Open and size stations for the communities of today."""
    _run(
        city, output, ("site",), policy=policy, values=values, lang=lang, relax=relax,
        seconds=time_limit, budget=budget, extra=_tuning(solver, gap, seed, threads),
    )  # fmt: skip


@app.command()
def plan(
    city: City,
    *,
    output: Folder,
    policy: PolicyFile = None,
    values: Values = None,
    budget: Budget = None,
    lang: Lang = "en",
    relax: Relax = True,
    time_limit: Seconds = None,
    solver: Solver = None,
    gap: Gap = None,
    seed: Seed = None,
    threads: Threads = None,
) -> None:
    """Audit, split, site, write and verify: the whole plan of a city."""
    _run(
        city, output, ("split", "site"), policy=policy, values=values, lang=lang, relax=relax,
        seconds=time_limit, budget=budget, extra=_tuning(solver, gap, seed, threads),
    )  # fmt: skip


def _verify(folder: Path) -> None:
    from shequ.outputs.verify import verify_plan  # noqa: PLC0415

    verification = verify_plan(folder)
    for check in verification.checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.name}", err=True)
    for finding in verification.findings:
        typer.echo(finding)
    if not verification.ok:
        raise ValueError(f"{folder} breaks its rules: {len(verification.findings)} findings.")
    typer.echo(f"verified: {len(verification.checks)} checks, nothing found")


@app.command()
def verify(folder: Annotated[Path, typer.Argument(help="Folder of a plan.")]) -> None:
    """Check a plan again from its written files alone."""
    _verify(folder)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")], *, lang: Lang = "en"
) -> None:
    """Write report and picture of a plan again, in another language."""
    from shequ.outputs.files import rewrite_report  # noqa: PLC0415 - quick --help

    _check_language(lang)
    typer.echo(f"report: {rewrite_report(folder, lang=lang)}")


@app.command()
def policy(
    file: Annotated[Path | None, typer.Argument(help="Policy to check and complete.")] = None,
) -> None:
    """Print the policy with comments; every value can be changed."""
    from shequ.instances.policy import load_policy, render_policy  # noqa: PLC0415

    typer.echo(render_policy(load_policy(file)), nl=False)


@app.command()
def solvers(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the solvers that are there, and their versions."""
    from shequ.optimize.solvers import available_solvers  # noqa: PLC0415

    found = available_solvers()
    if as_json:
        rows = [
            {"name": s.name, "version": s.version, "kinds": s.kinds, "available": s.available}
            for s in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for s in found:
        state = s.version if s.available else "-"
        typer.echo(f"{s.name:16} {state:12} {'+'.join(s.kinds):8} {s.note}")


@generate.command("city")
def generate_city_file(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="GeoPackage to write.")],
    residents: Annotated[int, typer.Option(help="Residents of the city.")] = 300_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same city.")] = 7,
) -> None:
    """Write a synthetic city in the schema of the city input."""
    from shequ.instances.city import write_city  # noqa: PLC0415
    from shequ.instances.synthetic import generate_city  # noqa: PLC0415

    output.parent.mkdir(parents=True, exist_ok=True)
    layers = generate_city(residents=residents, seed=seed)
    path = write_city(layers, output)
    typer.echo(f"wrote {path}: {len(layers['units']):,} units, {len(layers['sites']):,} sites")
