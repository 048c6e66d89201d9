"""Commands on a whole city: audit, split, site, plan, verify, report and policy."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .interrupts import leave
from .options import SolverOptions, spread

if TYPE_CHECKING:
    from ..instances.city import City as ReadCity
    from ..instances.policy import Policy
    from ..optimize.planning.plan import ServicesAsked

planning = typer.Typer()

City = Annotated[Path, typer.Argument(help="City: a GeoPackage or a folder of GeoParquet.")]
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
Budget = Annotated[
    float | None,
    typer.Option("--budget", min=0, help="Serve the most residents with this much money."),
]
Services = Annotated[
    str | None,
    typer.Option(help='Lay out services of the catalogue: "all", or ids joined by commas.'),
]
CatalogueFile = Annotated[
    Path | None, typer.Option("--catalogue", help="Your own catalogue, for --services.")
]
Decisions = Annotated[
    Path | None,
    typer.Option(help="Decisions on sites, units and communities: CSV or a layer."),
]
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class PlanOptions:
    """Where a plan goes, and by which policy it is made."""

    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")]
    policy: PolicyFile = None
    values: Values = None
    lang: Lang = "en"
    edges: Annotated[
        Path | None,
        typer.Option(help="CSV of bridges and cuts: unit_a, unit_b, action add or remove."),
    ] = None
    decisions: Decisions = None


def _check_output(folder: Path) -> None:
    """Refuse a folder that cannot be written to, before any work is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _check_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise ValueError(f"--lang {lang} not understood; choose {' or '.join(LANGUAGES)}.")


def check_plan_options(where: PlanOptions) -> None:
    """
    Refuse a language or a folder that cannot be used, before any work is done.

    Raises
    ------
    ValueError
        If the language is unknown.
    OSError
        If the folder cannot be written to.
    """
    _check_language(where.lang)
    _check_output(where.output)


def read_inputs(
    city: Path,
    policy: Path | None,
    values: list[str] | None,
    extra: dict[str, object] | None = None,
    *,
    need_sites: bool = True,
    edges: Path | None = None,
    decisions: Path | None = None,
) -> tuple[ReadCity, Policy]:
    """Read policy, city and decisions, and say on standard error what was read."""
    from ..instances.city import read_city  # noqa: PLC0415
    from ..instances.decided_city import decided_city, told  # noqa: PLC0415
    from ..instances.edge_changes import read_edge_changes  # noqa: PLC0415
    from ..instances.policy import load_policy  # noqa: PLC0415

    rules = load_policy(policy)
    given: dict[str, object] = {}
    for item in values or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"--set {item} not understood; write --set section.key=value.")
        given[name.strip()] = value.strip()
    given |= {key: value for key, value in (extra or {}).items() if value is not None}
    rules = rules.with_values(given) if given else rules
    changes = () if edges is None else read_edge_changes(edges)
    read = read_city(city, rules, need_sites=need_sites, edge_changes=changes)
    typer.echo(str(read), err=True)
    read = decided_city(read, rules, decisions)
    if read.decisions:
        typer.echo(told(read), err=True)
    for warning in read.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for repair in read.repairs:
        typer.echo(f"repaired: {repair}", err=True)
    return read, rules


@planning.command()
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
    from ..instances.travel import snappings  # noqa: PLC0415
    from ..instances.walking import walking_times  # noqa: PLC0415
    from ..optimize.planning.audit import audit_city, blind_spots  # noqa: PLC0415
    from ..outputs.atomic import replacing  # noqa: PLC0415
    from ..outputs.audit import audit_text, render_audit_map  # noqa: PLC0415

    _check_language(lang)
    if output is not None:
        _check_output(output)
    read, rules = read_inputs(city, policy, values, need_sites=False)
    times = walking_times(read, rules)
    snapshot = audit_city(read, rules, times)
    for snapped in snappings(read, rules, times):
        typer.echo(str(snapped), err=True)
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


def _run(
    city: Path,
    stages: tuple[str, ...],
    *,
    where: PlanOptions,
    search: SolverOptions,
    relax: bool,
    budget: float | None = None,
    services: str | None = None,
    catalogue: Path | None = None,
) -> None:
    """Make a plan of some stages, write it and verify what was written."""
    from ..optimize.limits import Stop  # noqa: PLC0415
    from ..optimize.planning.stages import make_plan  # noqa: PLC0415
    from ..optimize.solvers import backend_named  # noqa: PLC0415
    from ..outputs.assemble import plan_layers  # noqa: PLC0415
    from ..outputs.console import narrator, summary  # noqa: PLC0415
    from ..outputs.files import write_plan  # noqa: PLC0415

    output, lang = where.output, where.lang
    _check_language(lang)
    if budget is not None and not math.isfinite(budget):
        raise ValueError(f"--budget {budget} not understood; give an amount, or leave it out.")
    asked = asked_services(services, catalogue, budget)
    _check_output(output)
    began = time.monotonic()
    read, rules = read_inputs(
        city,
        where.policy,
        where.values,
        tuning(search),
        need_sites="site" in stages,
        edges=where.edges,
        decisions=where.decisions,
    )
    backend_named(rules.solver.name)
    stop, resume = Stop(), output / ".shequ-resume.json"
    with stop.on_interrupt(leave), narrator() as listen:
        plan = make_plan(
            read,
            rules,
            stages=stages,
            budget=budget,
            relax=relax,
            seconds=search.time_limit,
            stop=stop,
            listen=listen,
            resume=resume,
            services=asked,
        )
    if plan.interrupted:
        typer.echo("interrupted: the best plan so far is written", err=True)
    plan.seconds["read"] = time.monotonic() - began - sum(plan.seconds.values())
    layers = plan_layers(plan, lang=lang)
    files = write_plan(layers, output, lang=lang)
    if not plan.interrupted:
        resume.unlink(missing_ok=True)
    typer.echo(summary(layers.record))
    verify_folder(output)
    typer.echo(f"{time.monotonic() - began:.1f} s in all", err=True)
    typer.echo(f"report: {files[-1]}")


def asked_services(
    services: str | None, catalogue: Path | None, budget: float | None = None
) -> ServicesAsked | None:
    """
    Read which services are wanted.

    Raises
    ------
    ValueError
        If the catalogue cannot be used, or is given without services; if there is a budget, which
        is for stations alone.
    """
    from ..instances.catalogue import load_catalogue  # noqa: PLC0415 - quick --help
    from ..instances.services import service_ids  # noqa: PLC0415
    from ..optimize.planning.plan import ServicesAsked  # noqa: PLC0415

    if services is not None and budget is not None:
        raise ValueError(
            "--budget is for stations alone; with --services set services.budget_of_street."
        )
    if services is None:
        if catalogue is not None:
            raise ValueError("--catalogue is for --services; add --services all or some ids.")
        return None
    known = load_catalogue(catalogue)
    ids = None if services.strip().casefold() == "all" else service_ids(services)
    if ids == ():
        raise ValueError('--services names none; give "all", or ids that `shequ catalogue` lists.')
    return ServicesAsked(known, ids)


def tuning(search: SolverOptions) -> dict[str, object]:
    """Return the policy values that options of the solver replace."""
    return {
        "solver.name": search.solver,
        "solver.split_gap": search.gap,
        "solver.siting_gap": search.gap,
        "solver.seed": search.seed,
        "solver.threads": search.threads,
    }


@planning.command()
@spread
def split(city: City, where: PlanOptions, search: SolverOptions, *, relax: Relax = False) -> None:
    """Split every community over a threshold; stations stay as they are."""
    _run(city, ("split",), where=where, search=search, relax=relax)


@planning.command()
@spread
def site(
    city: City,
    where: PlanOptions,
    search: SolverOptions,
    *,
    budget: Budget = None,
    relax: Relax = False,
    services: Services = None,
    catalogue: CatalogueFile = None,
) -> None:
    """Open and size stations, or all services, for the communities of today."""
    _run(
        city,
        ("site",),
        where=where,
        search=search,
        relax=relax,
        budget=budget,
        services=services,
        catalogue=catalogue,
    )


@planning.command()
@spread
def plan(
    city: City,
    where: PlanOptions,
    search: SolverOptions,
    *,
    budget: Budget = None,
    earlier: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of an earlier plan: change as little of it as needed."),
    ] = None,
    relax: Relax = True,
    services: Services = None,
    catalogue: CatalogueFile = None,
) -> None:
    """Audit, split, site, write and verify: the whole plan of a city."""
    if earlier is not None:
        from .from_plan import run_from_plan  # noqa: PLC0415 - it builds on this module

        run_from_plan(
            city,
            earlier,
            where=where,
            search=search,
            relax=relax,
            budget=budget,
            services=asked_services(services, catalogue, budget),
        )
        return
    _run(
        city,
        ("split", "site"),
        where=where,
        search=search,
        relax=relax,
        budget=budget,
        services=services,
        catalogue=catalogue,
    )


def verify_folder(folder: Path) -> None:
    """
    Verify a written plan, and say what was found.

    Raises
    ------
    ValueError
        If it breaks a rule.
    """
    from ..outputs.verify import verify_plan  # noqa: PLC0415

    verification = verify_plan(folder)
    for check in verification.checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.name}", err=True)
    for finding in verification.findings:
        typer.echo(finding)
    if not verification.ok:
        raise ValueError(f"{folder} breaks its rules: {len(verification.findings)} findings.")
    typer.echo(f"verified: {len(verification.checks)} checks, nothing found")


@planning.command()
def verify(folder: Annotated[Path, typer.Argument(help="Folder of a plan.")]) -> None:
    """Check a plan again from its written files alone."""
    verify_folder(folder)


@planning.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")], *, lang: Lang = "en"
) -> None:
    """Write report and picture of a plan again, in another language."""
    from ..outputs.files import rewrite_report  # noqa: PLC0415 - quick --help

    _check_language(lang)
    typer.echo(f"report: {rewrite_report(folder, lang=lang)}")


@planning.command()
def policy(
    file: Annotated[Path | None, typer.Argument(help="Policy to check and complete.")] = None,
) -> None:
    """Print the policy with comments; every value can be changed."""
    from ..instances.policy import load_policy, render_policy  # noqa: PLC0415

    typer.echo(render_policy(load_policy(file)), nl=False)
